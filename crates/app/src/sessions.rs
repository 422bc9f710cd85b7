//! Sessions of users' apps: who acts, and the fresh signatures that begin them and that sensitive
//! calls need.
//!
//! A token is 32 random bytes that only the app has; of it, as of each challenge, a digest is kept.
//! Nothing of a session is remembered in memory, so one that ends, ends on every node at once.

use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::device::DeviceKey;
use domain::Timestamp;
use domain::ids::{InstallationId, PartnerId, UserId};
use domain::partner::PartnerState;
use domain::scope::Scope;
use domain::session::Lifetime;
use domain::user::UserState;
use jiff::ToSpan as _;
use store::db::Tx;
use store::sessions::{self, Digest};
use store::{installations, users};
use zeroize::Zeroizing;

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
    /// From which installation; none if a trusted identity began it.
    pub installation: Option<InstallationId>,
    /// The digest of its token: what it is counted by.
    pub digest: Digest,
}

/// A session that was begun: its token is told once.
pub struct Begun {
    /// What the app sends with each call.
    pub token: Zeroizing<String>,
    /// When it ends by itself, unless the partner has calls prolong it.
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

/// What a device has signed: a challenge of its own, for one call.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The challenge.
    pub challenge: String,
    /// The signature over `CHALLENGE\nMETHOD\nPATH`.
    pub signature: Vec<u8>,
    /// `METHOD\nPATH`.
    pub call: String,
}

impl App {
    /// Begins a session of an installation that has signed a challenge of its own for this call;
    /// none where anything is wrong, and why isn't told. The challenge is used up either way.
    pub async fn begin_session(
        &self,
        installation: InstallationId,
        signed: &Signed,
    ) -> Result<Option<Begun>, Error> {
        let mut tx = self.db.begin().await?;
        let begun = self.begin_session_in(&mut tx, installation, signed).await;
        tx.end(begun).await
    }

    async fn begin_session_in(
        &self,
        tx: &mut Tx,
        installation: InstallationId,
        signed: &Signed,
    ) -> Result<Option<Begun>, Error> {
        let Some(holder) = installations::holder(tx, installation).await? else { return Ok(None) };
        let of = (holder.partner, installation);
        if !self.has_signed(tx, of, &holder.public_key, signed).await? {
            return Ok(None);
        }
        self.admit(tx, (holder.partner, holder.user), Some(installation)).await
    }

    /// Writes a session of a user, unless they may not act. They are locked first: else one that
    /// is locked meanwhile would have a session when that is over.
    pub(crate) async fn admit(
        &self,
        tx: &mut Tx,
        (partner, user): (PartnerId, UserId),
        installation: Option<InstallationId>,
    ) -> Result<Option<Begun>, Error> {
        let found = users::find_locked(tx, Scope::of_caller(partner), user).await?;
        let may_act = found.is_some_and(|user| may_act(user.state));
        if !may_act || !self.is_live(partner) {
            return Ok(None);
        }
        let (token, now) = (random_text(), self.now());
        let session = sessions::Session {
            partner,
            user,
            installation,
            began_at: now,
            expires_at: self.lifetime(partner).end(now, now),
        };
        sessions::insert(tx, &digest(&token), &session).await?;
        Ok(Some(Begun { token, expires_at: session.expires_at }))
    }

    /// The session of a token, if it is in force: neither over nor of a user who may not act. It
    /// lasts a while longer then, where the partner has it so.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, Error> {
        let digest = digest(token);
        let mut tx = self.db.read().await?;
        let found = sessions::find(&mut tx, &digest).await;
        let Some(found) = tx.end(found).await? else { return Ok(None) };
        let (session, now) = (found.session, self.now());
        if !may_act(found.user_state) || found.ended_at.is_some() || now >= session.expires_at {
            return Ok(None);
        }
        let lasted = (session.began_at, session.expires_at);
        if let Some(until) = self.lifetime(session.partner).prolonged(lasted, now) {
            let mut tx = self.db.begin().await?;
            let prolonged = sessions::prolong(&mut tx, &digest, until).await;
            tx.end(prolonged).await?;
        }
        Ok(Some(Session {
            scope: Scope::of_caller(session.partner),
            user: session.user,
            installation: session.installation,
            digest,
        }))
    }

    /// Ends a session.
    pub async fn end_session(&self, session: &Session) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let ended = sessions::end(&mut tx, &session.digest).await;
        Ok(tx.end(ended).await?)
    }

    /// A new text for the session's device to sign.
    pub async fn challenge(&self, session: &Session) -> Result<Challenge, Error> {
        let installation = session.installation.ok_or(Refusal::DeviceNotFound)?;
        self.challenge_of(session.scope.partner(), installation).await
    }

    /// A new text for an installation to sign. Of one that isn't there it comes too, and whatever
    /// is signed of it opens nothing: who asks doesn't learn what there is.
    pub async fn session_challenge(
        &self,
        installation: InstallationId,
    ) -> Result<Challenge, Error> {
        let mut tx = self.db.read().await?;
        let holder = installations::holder(&mut tx, installation).await;
        match tx.end(holder).await? {
            Some(holder) => self.challenge_of(holder.partner, installation).await,
            None => Ok(self.new_challenge().0),
        }
    }

    async fn challenge_of(
        &self,
        partner: PartnerId,
        installation: InstallationId,
    ) -> Result<Challenge, Error> {
        let (challenge, digest) = self.new_challenge();
        let (of, until) = ((partner, installation), challenge.expires_at);
        let mut tx = self.db.begin().await?;
        let kept = sessions::insert_challenge(&mut tx, &digest, of, until).await;
        tx.end(kept).await?;
        Ok(challenge)
    }

    fn new_challenge(&self) -> (Challenge, Digest) {
        let (text, now) = (random_text(), self.now());
        let expires_at = now.checked_add(CHALLENGE_SECONDS.seconds()).unwrap_or(now);
        let digest = digest(&text);
        (Challenge { text: text.to_string(), expires_at }, digest)
    }

    /// Whether a session's device has signed a challenge of its own for a call, in time. The
    /// challenge is used up, whatever comes of it: that is committed before anything is answered.
    pub async fn has_stepped_up(&self, session: &Session, signed: &Signed) -> Result<bool, Error> {
        let Some(installation) = session.installation else { return Ok(false) };
        let of = (session.scope.partner(), installation);
        let mut tx = self.db.begin().await?;
        let stepped_up = async {
            match installations::holder(&mut tx, installation).await? {
                Some(holder) => self.has_signed(&mut tx, of, &holder.public_key, signed).await,
                None => Ok(false),
            }
        };
        let stepped_up = stepped_up.await;
        tx.end(stepped_up).await
    }

    /// Takes a challenge, and tells whether an installation has signed it for a call, in time.
    async fn has_signed(
        &self,
        tx: &mut Tx,
        of: (PartnerId, InstallationId),
        public_key: &[u8],
        Signed { challenge, signature, call }: &Signed,
    ) -> Result<bool, Error> {
        let until = sessions::take_challenge(tx, &digest(challenge), of).await?;
        let in_time = until.is_some_and(|until| self.now() < until);
        let message = format!("{challenge}\n{call}");
        let key = DeviceKey::parse(public_key);
        Ok(in_time && key.is_ok_and(|key| key.has_signed(message.as_bytes(), signature)))
    }

    /// Whether a partner wants sensitive calls of its users' apps signed.
    #[must_use]
    pub fn demands_step_up(&self, scope: Scope) -> bool {
        let settings = self.settings.get();
        settings.partner(scope.partner()).is_none_or(|partner| partner.settings.step_up)
    }

    /// Whether a partner may work.
    #[must_use]
    pub fn is_live(&self, partner: PartnerId) -> bool {
        let settings = self.settings.get();
        settings.partner(partner).is_some_and(|it| it.state == PartnerState::Live)
    }

    fn lifetime(&self, partner: PartnerId) -> Lifetime {
        let settings = self.settings.get();
        settings.partner(partner).map_or(Lifetime::APP, |partner| partner.settings.session)
    }
}

/// Whether a user who stands there may begin a session, and go on with one.
fn may_act(state: UserState) -> bool {
    match state {
        UserState::New | UserState::Verified => true,
        UserState::Locked | UserState::Deleted => false,
    }
}

/// Nobody guesses it.
fn random_text() -> Zeroizing<String> {
    Zeroizing::new(crypto::encoding::url_safe(&crypto::random::bytes::<BYTES>()))
}

fn digest(text: &str) -> Digest {
    crypto::digest::sha256(text.as_bytes())
}
