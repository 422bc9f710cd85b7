//! Panel accounts and their sessions (spec "Channels", rules "Failed tries").
//!
//! The operator makes an account, or a partner's ADMIN one of the partner's; its password and the
//! secret of its codes are made here and shown once. Whoever signs in is tried with both at once,
//! and learns nothing from a failure: an unknown account costs the same, and no failure is answered
//! before its time.

mod accounts;
mod confirm;
mod manager;
mod own;

pub use accounts::{ChangeAdmin, Enrolled, NewAdmin, Secrets, ShownAdmin};
pub use confirm::Confirmation;
pub use crypto::password::Password;
pub use manager::Manager;
pub use own::{Offer, Renewal, Taken};

use crate::audit::{Entry, Origin};
use crate::{App, Error};
use crypto::totp::CodeSecret;
use domain::Timestamp;
use domain::admin::{Account, NotLetIn, Proof};
use domain::ids::{AdminId, PartnerId};
use domain::session::Lifetime;
use serde_json::json;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use store::admins::{self, Digest, Kept};
use store::db::Tx;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use zeroize::Zeroizing;

/// How many passwords are compared at a time: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(5);
/// A failure takes a whole number of these, whatever failed.
const FAILURE: Duration = Duration::from_millis(500);
/// Random bytes of a token.
const BYTES: usize = 32;

/// The turns at comparing passwords, and the one at making some: who makes accounts keeps nobody
/// from signing in.
#[derive(Debug)]
pub struct Checks {
    comparing: Arc<Semaphore>,
    making: Arc<Semaphore>,
}

impl Default for Checks {
    fn default() -> Self {
        let turns = |count| Arc::new(Semaphore::new(count));
        Self { comparing: turns(AT_ONCE), making: turns(1) }
    }
}

impl Checks {
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        turn_of(&self.comparing, "a turn at signing in").await
    }

    async fn turn_at_making(&self) -> Result<OwnedSemaphorePermit, Error> {
        turn_of(&self.making, "a turn at making an account").await
    }
}

async fn turn_of(
    turns: &Arc<Semaphore>,
    what: &'static str,
) -> Result<OwnedSemaphorePermit, Error> {
    let turn = timeout(WAIT, turns.clone().acquire_owned()).await;
    let turn = turn.map_err(|_| Error::Unavailable(what, None))?;
    turn.map_err(|_| Error::broken("there are no turns any more"))
}

/// What somebody types.
pub struct Credentials {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Password,
    /// The authenticator's code.
    pub code: String,
}

impl Credentials {
    /// As they were typed into a form.
    #[must_use]
    pub fn typed(email: String, password: String, code: String) -> Self {
        Self { email, password: Password::new(password), code }
    }
}

/// A session that was begun: its token is told once.
pub struct Begun {
    /// What is sent with each call.
    pub token: Zeroizing<String>,
    /// Whose it is.
    pub account: Account,
    /// When it ends, unless it is used.
    pub expires_at: Timestamp,
}

/// A session that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminSession {
    /// Whose it is.
    pub account: AdminId,
    /// The partner that they work for; none for the operator's own.
    pub partner: Option<PartnerId>,
    /// What they may do.
    pub role: domain::admin::Role,
    /// Whether somebody else was shown what opens the account: then nothing opens until that is
    /// changed.
    pub secrets_shown: bool,
    /// The digest of its token.
    pub digest: Digest,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Their session.
    pub session: AdminSession,
    /// Their e-mail address.
    pub email: String,
}

/// What is compared where there is no account: it costs the same.
static NOBODYS: LazyLock<String> = LazyLock::new(|| Password::generate().hash());

impl App {
    /// Begins a session; none where anything is wrong, and why isn't told. `real_now` is real time,
    /// by which codes are made.
    pub async fn sign_in(
        &self,
        credentials: Credentials,
        real_now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<Begun>, Error> {
        let began = Instant::now();
        let email = credentials.email.to_lowercase();
        let kept = self.admin_of(&email).await?;
        let proof = self.prove(kept.as_ref(), credentials, real_now).await?;
        let begun = match kept {
            Some(kept) if kept.account.partner.is_none_or(|own| self.is_live(own)) => {
                self.try_to_sign_in(&kept, proof, origin).await?
            }
            // Nobody works for a partner that is closed.
            Some(_) | None => None,
        };
        if begun.is_none() {
            let steps = began.elapsed().as_millis() / FAILURE.as_millis() + 1;
            sleep_until(began + FAILURE * u32::try_from(steps).unwrap_or(u32::MAX)).await;
        }
        Ok(begun)
    }

    async fn admin_of(&self, email: &str) -> Result<Option<Kept>, Error> {
        let mut tx = self.db.read().await?;
        let found = admins::find(&mut tx, email).await;
        Ok(tx.end(found).await?)
    }

    /// Compares password and code, both whatever the other is.
    async fn prove(
        &self,
        kept: Option<&Kept>,
        credentials: Credentials,
        real_now: Timestamp,
    ) -> Result<Proof, Error> {
        let secret = match kept {
            Some(kept) => self.code_secret(kept)?,
            None => CodeSecret::generate(),
        };
        let code_step = secret.step_of(&credentials.code, own::seconds(real_now));
        let hash = kept.map(|kept| kept.password.clone());
        let turn = self.admin_checks.turn().await?;
        let compared = tokio::task::spawn_blocking(move || {
            let hash = hash.as_deref().unwrap_or(NOBODYS.as_str());
            let right = credentials.password.is(hash);
            drop(turn);
            right
        });
        let password = compared.await.map_err(|_| Error::broken("comparing passwords panicked"))?;
        Ok(Proof { password, code_step })
    }

    /// Counts what was wrong, committed before anything is answered; else begins the session.
    async fn try_to_sign_in(
        &self,
        seen: &Kept,
        proof: Proof,
        origin: &Origin,
    ) -> Result<Option<Begun>, Error> {
        let mut tx = self.db.begin().await?;
        let tried = self.sign_in_in(&mut tx, seen, proof, origin).await;
        tx.end(tried).await
    }

    async fn sign_in_in(
        &self,
        tx: &mut Tx,
        seen: &Kept,
        proof: Proof,
        origin: &Origin,
    ) -> Result<Option<Begun>, Error> {
        let Some(kept) = admins::find_locked(tx, &seen.account.email).await? else {
            return Ok(None);
        };
        if kept.password != seen.password || kept.code_secret != seen.code_secret {
            // It was reset or renewed meanwhile: what was compared opens nothing any more.
            return Ok(None);
        }
        let (mut account, now) = (kept.account, self.now());
        let before = account.clone();
        let let_in = account.sign_in(proof, now);
        let Err(NotLetIn) = let_in else {
            let partner = account.partner.unwrap_or(PartnerId::PLATFORM);
            admins::update(tx, &account).await?;
            let token =
                Zeroizing::new(crypto::encoding::url_safe(&crypto::random::bytes::<BYTES>()));
            let expires_at = Lifetime::PANEL.end(now, now);
            admins::begin(tx, &digest(&token), account.id, (now, expires_at)).await?;
            let entry = Entry::made("admin.sign_in", account.id.0, json!({}));
            let actor = Origin { actor: actor(account.id), ..origin.clone() };
            self.record(tx, partner, &actor, entry).await?;
            return Ok(Some(Begun { token, account, expires_at }));
        };
        // Whoever that was, it needn't be whose the account is.
        self.count_failure(tx, (&before, &account), "admin.sign_in_failed", origin).await?;
        Ok(None)
    }

    /// Writes down a failed try. One that has locked the account ends its sessions.
    async fn count_failure(
        &self,
        tx: &mut Tx,
        (before, after): (&Account, &Account),
        action: &'static str,
        origin: &Origin,
    ) -> Result<(), Error> {
        if after != before {
            admins::update(tx, after).await?;
        }
        if after.locked_until > before.locked_until {
            admins::end_all(tx, after.id).await?;
        }
        let locked = after.locked_until.map(|until| until.to_string());
        let entry = Entry::made(action, after.id.0, json!({ "lockedUntil": locked }));
        self.record(tx, after.partner.unwrap_or(PartnerId::PLATFORM), origin, entry).await
    }

    /// The session of a token, if it is in force; it lasts a while longer then.
    pub async fn admin_session(&self, token: &str) -> Result<Option<AdminSession>, Error> {
        Ok(self.signed_in(token, true).await?.map(|it| it.session))
    }

    /// The same, with whose it is. It lasts no longer where nobody has used it, as with what a page
    /// asks for by itself.
    pub async fn signed_in(&self, token: &str, is_used: bool) -> Result<Option<SignedIn>, Error> {
        let digest = digest(token);
        let mut tx = self.db.read().await?;
        let found = admins::find_session(&mut tx, &digest).await;
        let Some(found) = tx.end(found).await? else { return Ok(None) };
        let now = self.now();
        if found.account.disabled || now >= found.expires_at {
            return Ok(None);
        }
        let lasted = (found.began_at, found.expires_at);
        if let Some(until) = Lifetime::PANEL.prolonged(lasted, now).filter(|_| is_used) {
            let mut tx = self.db.begin().await?;
            let prolonged = admins::prolong(&mut tx, &digest, until).await;
            tx.end(prolonged).await?;
        }
        let Account { id: account, email, partner, role, secrets_shown, .. } = found.account;
        let session = AdminSession { account, partner, role, secrets_shown, digest };
        Ok(Some(SignedIn { session, email }))
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &AdminSession, origin: &Origin) -> Result<(), Error> {
        self.end_sessions(session, Ended::This, origin).await
    }

    /// Ends all sessions of an account.
    pub async fn sign_out_everywhere(
        &self,
        session: &AdminSession,
        origin: &Origin,
    ) -> Result<(), Error> {
        self.end_sessions(session, Ended::All, origin).await
    }

    async fn end_sessions(
        &self,
        session: &AdminSession,
        which: Ended,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let ended = async {
            let detail = match which {
                Ended::This => {
                    admins::end(&mut tx, &session.digest).await?;
                    json!({})
                }
                Ended::All => {
                    admins::end_all(&mut tx, session.account).await?;
                    json!({ "everywhere": true })
                }
            };
            let entry = Entry::made("admin.sign_out", session.account.0, detail);
            let partner = session.partner.unwrap_or(PartnerId::PLATFORM);
            self.record(&mut tx, partner, origin, entry).await
        };
        let ended = ended.await;
        tx.end(ended).await
    }

    fn code_secret(&self, kept: &Kept) -> Result<CodeSecret, Error> {
        let row = secret_row(kept.account.id);
        Ok(CodeSecret::of(&self.keyring.open_platform(&row, &kept.code_secret)?))
    }
}

/// Which sessions of an account end.
#[derive(Clone, Copy)]
enum Ended {
    This,
    All,
}

/// What the forms of a session carry, so that no other page can send one: whoever knows it knows
/// the session's token, and it doesn't tell that.
#[must_use]
pub fn form_token(token: &str) -> String {
    crypto::encoding::url_safe(&digest(&format!("form\n{token}")))
}

/// Who acts, as an audit record tells it.
#[must_use]
pub fn actor(id: AdminId) -> String {
    format!("admin:{}", id.0)
}

/// The place of an account's secret.
fn secret_row(id: AdminId) -> String {
    format!("admin_account/{}", id.0)
}

/// The secret within what an authenticator reads, as it is typed.
fn typed_secret(code_url: &str) -> &str {
    let mut parts = code_url.split(['?', '&']);
    parts.find_map(|part| part.strip_prefix("secret=")).unwrap_or_default()
}

fn digest(text: &str) -> Digest {
    crypto::digest::sha256(text.as_bytes())
}
