//! Sessions of users' apps: who acts, and the fresh signature that sensitive calls need.
//!
//! A token is 32 random bytes that only the app has; of it, as of each challenge, a digest is kept.
//! Nothing of a session is remembered in memory, so one that ends, ends on every node at once.

use crate::{App, Error, ids};
use crypto::device::DeviceKey;
use domain::Timestamp;
use domain::ids::{InstallationId, UserId};
use domain::scope::Scope;
use domain::user::UserState;
use jiff::ToSpan as _;
use store::sessions::{self, Digest};
use zeroize::Zeroizing;

/// How long a session lives, in minutes (spec "Partner settings").
const MINUTES: i64 = 10;
/// How long a challenge may be signed, in seconds (spec "Calls").
const CHALLENGE_SECONDS: i64 = 60;
/// Random bytes of a token and of a challenge.
const BYTES: usize = 32;

/// A session that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose user it is.
    pub scope: Scope,
    /// Who acts.
    pub user: UserId,
    /// From which installation.
    pub installation: InstallationId,
    /// The digest of its token: what it is counted by.
    pub digest: Digest,
}

/// A session that was begun: its token is told once.
pub struct Begun {
    /// What the app sends with each call.
    pub token: Zeroizing<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What a device is to sign.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The text.
    pub text: String,
    /// Until when.
    pub expires_at: Timestamp,
}

impl App {
    /// Begins a session of a user on a new installation with this public key.
    pub async fn begin_session(
        &self,
        scope: Scope,
        user: UserId,
        public_key: &[u8],
    ) -> Result<Begun, Error> {
        DeviceKey::parse(public_key).map_err(|_| Error::broken("no public key of a device"))?;
        let token = random_text();
        let now = self.now();
        let session = sessions::Session {
            partner: scope.partner(),
            user,
            installation: InstallationId(ids::random_id()),
            expires_at: now.checked_add(MINUTES.minutes()).unwrap_or(now),
        };
        let mut tx = self.db.begin().await?;
        let begun = async {
            let named = (session.installation, user);
            sessions::insert_installation(&mut tx, scope, named, public_key, now).await?;
            sessions::insert(&mut tx, &digest(&token), &session, now).await
        };
        let begun = begun.await;
        tx.end(begun).await?;
        Ok(Begun { token, expires_at: session.expires_at })
    }

    /// The session of a token, if it is in force: neither over nor of a user who may not act.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, Error> {
        let digest = digest(token);
        let mut tx = self.db.read().await?;
        let found = sessions::find(&mut tx, &digest).await;
        let Some(found) = tx.end(found).await? else { return Ok(None) };
        let may_act = match found.user_state {
            UserState::New | UserState::Verified => true,
            UserState::Locked | UserState::Deleted => false,
        };
        let session = found.session;
        let in_force = may_act && found.ended_at.is_none() && self.now() < session.expires_at;
        Ok(in_force.then(|| Session {
            scope: Scope::of_caller(session.partner),
            user: session.user,
            installation: session.installation,
            digest,
        }))
    }

    /// A new text for the session's device to sign.
    pub async fn challenge(&self, session: &Session) -> Result<Challenge, Error> {
        let text = random_text();
        let now = self.now();
        let expires_at = now.checked_add(CHALLENGE_SECONDS.seconds()).unwrap_or(now);
        let of = (session.scope.partner(), session.installation);
        let mut tx = self.db.begin().await?;
        let kept = sessions::insert_challenge(&mut tx, &digest(&text), of, expires_at).await;
        tx.end(kept).await?;
        Ok(Challenge { text: text.to_string(), expires_at })
    }

    /// Whether a session's device has signed a challenge of its own for this call, in time. The
    /// challenge is used up, whatever comes of it: that is committed before anything is answered.
    pub async fn has_stepped_up(
        &self,
        session: &Session,
        (challenge, signature): (&str, &[u8]),
        call: &str,
    ) -> Result<bool, Error> {
        let of = (session.scope.partner(), session.installation);
        let mut tx = self.db.begin().await?;
        let taken = async {
            let until = sessions::take_challenge(&mut tx, &digest(challenge), of).await?;
            Ok::<_, store::StoreError>((until, sessions::public_key(&mut tx, of.0, of.1).await?))
        };
        let taken = taken.await;
        let (until, key) = tx.end(taken).await?;
        let key = key.and_then(|bytes| DeviceKey::parse(&bytes).ok());
        let in_time = until.is_some_and(|until| self.now() < until);
        let message = format!("{challenge}\n{call}");
        Ok(in_time && key.is_some_and(|key| key.has_signed(message.as_bytes(), signature)))
    }

    /// Whether a partner wants sensitive calls of its users' apps signed.
    #[must_use]
    pub fn demands_step_up(&self, scope: Scope) -> bool {
        let settings = self.settings.get();
        settings.partner(scope.partner()).is_none_or(|partner| partner.settings.step_up)
    }
}

/// Nobody guesses it.
fn random_text() -> Zeroizing<String> {
    Zeroizing::new(crypto::encoding::url_safe(&crypto::random::bytes::<BYTES>()))
}

fn digest(text: &str) -> Digest {
    crypto::digest::sha256(text.as_bytes())
}
