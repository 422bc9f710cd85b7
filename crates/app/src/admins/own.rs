//! What opens one's own account: another password, another authenticator. Whoever changes it is
//! asked for what opens it until then, and tried as at a sign-in. An authenticator counts from the
//! moment on when a code of it was given, so nobody shuts themselves out by one that they lost.

use super::{AdminSession, Credentials, typed_secret};
use crate::audit::{Entry, Origin};
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::encoding::{from_url_safe, url_safe};
use crypto::password::Password;
use crypto::totp::CodeSecret;
use domain::Timestamp;
use domain::admin::{Account, NotLetIn, Proof, may_follow};
use domain::ids::PartnerId;
use serde_json::json;
use store::admins::{self, Kept};
use store::db::Tx;
use zeroize::Zeroizing;

/// An authenticator that may become somebody's own.
pub struct Offer {
    /// What the authenticator reads.
    pub code_url: Zeroizing<String>,
    /// What names the offer in this session: its secret, sealed.
    pub name: String,
}

impl Offer {
    /// What is typed into an authenticator that reads nothing.
    #[must_use]
    pub fn typed(&self) -> &str {
        typed_secret(&self.code_url)
    }
}

/// What shows that an offered authenticator is in its owner's hands.
pub struct Taken {
    /// The name of the offer.
    pub offer: String,
    /// A code of it.
    pub code: String,
}

/// What is to open one's account.
pub struct Renewal {
    /// The password until then.
    pub password: Password,
    /// A code of the authenticator until then. Where somebody else was shown both it isn't asked
    /// for: the session was begun by one, and can do nothing else.
    pub code: Option<String>,
    /// The password from then on; none leaves it.
    pub new_password: Option<Password>,
    /// The authenticator from then on; none leaves it.
    pub authenticator: Option<Taken>,
}

/// What of an account is to be written.
struct Fresh {
    hash: Option<String>,
    /// The sealed secret of an authenticator, and the step of its code.
    authenticator: Option<(Vec<u8>, i64)>,
}

impl App {
    /// Offers an authenticator to whose session it is: it opens nothing yet, and is kept nowhere.
    pub async fn offer_authenticator(&self, session: &AdminSession) -> Result<Offer, Error> {
        let account = self.admin_of_id(session.account).await?;
        let secret = CodeSecret::generate();
        let name = url_safe(&self.keyring.seal_platform(&offer_row(session), secret.expose()));
        offer_of(&account, &secret, name)
    }

    /// The same offer once more, as where its code was mistyped; none if it isn't of this session.
    pub async fn offered_authenticator(
        &self,
        session: &AdminSession,
        name: &str,
    ) -> Result<Option<Offer>, Error> {
        let account = self.admin_of_id(session.account).await?;
        let secret = self.offered(session, name);
        secret.map(|secret| offer_of(&account, &secret, name.to_owned())).transpose()
    }

    fn offered(&self, session: &AdminSession, name: &str) -> Option<CodeSecret> {
        let opened = self.keyring.open_platform(&offer_row(session), &from_url_safe(name)?);
        opened.ok().map(|secret| CodeSecret::of(&secret))
    }

    /// Changes what opens one's own account. All its other sessions end. `real_now` is real time,
    /// by which codes are made.
    pub async fn renew_own_secrets(
        &self,
        session: &AdminSession,
        renewal: Renewal,
        real_now: Timestamp,
        origin: &Origin,
    ) -> Result<(), Error> {
        let Renewal { password, code, new_password, authenticator } = renewal;
        let account = self.admin_of_id(session.account).await?;
        if account.secrets_shown && (new_password.is_none() || authenticator.is_none()) {
            return Err(Refusal::SecretsToRenew.into());
        }
        if !account.secrets_shown && code.is_none() {
            return Err(Refusal::ConfirmationRefused.into());
        }
        // What is asked for is looked at first: a code that was right is used up.
        let authenticator =
            authenticator.map(|it| self.taken(session, &it, real_now)).transpose()?;
        let new_password = match new_password {
            Some(new) => Some(allowed(&account, &password, new).await?),
            None => None,
        };
        let kept = self.admin_of(&account.email).await?.ok_or(Refusal::AdminNotFound)?;
        let code = code.unwrap_or_default();
        let typed = Credentials { email: String::new(), password, code };
        let proof = self.prove(Some(&kept), typed, real_now).await?;
        let hash = match new_password.filter(|_| proof.password) {
            Some(new) => Some(self.hashed(new).await?.0),
            None => None,
        };
        let authenticator = authenticator.map(|(secret, step)| {
            let row = super::secret_row(account.id);
            (self.keyring.seal_platform(&row, secret.expose()), step)
        });
        let fresh = Fresh { hash, authenticator };
        let mut tx = self.db.begin().await?;
        let renewed = self.renew_own_in(&mut tx, session, (&kept, proof), fresh, origin).await;
        // A failure was counted, so it is committed too.
        let renewed = tx.end(renewed).await?;
        renewed.map_err(|NotLetIn| Refusal::ConfirmationRefused.into())
    }

    /// The secret of an offer, and the step of the code that shows that it was taken.
    fn taken(
        &self,
        session: &AdminSession,
        taken: &Taken,
        real_now: Timestamp,
    ) -> Result<(CodeSecret, i64), Error> {
        let secret = self.offered(session, &taken.offer);
        let secret = secret.ok_or(Refusal::AuthenticatorCodeWrong)?;
        let step = secret.step_of(&taken.code, seconds(real_now));
        Ok((secret, step.ok_or(Refusal::AuthenticatorCodeWrong)?))
    }

    async fn renew_own_in(
        &self,
        tx: &mut Tx,
        session: &AdminSession,
        (seen, proof): (&Kept, Proof),
        fresh: Fresh,
        origin: &Origin,
    ) -> Result<Result<(), NotLetIn>, Error> {
        let Some(kept) = admins::find_locked(tx, &seen.account.email).await? else {
            return Ok(Err(NotLetIn));
        };
        let has_moved = kept.password != seen.password
            || kept.code_secret != seen.code_secret
            || kept.account.secrets_shown != seen.account.secrets_shown;
        if has_moved {
            return Ok(Err(NotLetIn));
        }
        let (before, mut account) = (kept.account.clone(), kept.account);
        let tried = if before.secrets_shown {
            account.confirm_password(proof.password, self.now())
        } else {
            account.sign_in(proof, self.now())
        };
        if tried.is_err() {
            self.count_failure(tx, (&before, &account), "admin.confirm_failed", origin).await?;
            return Ok(Err(NotLetIn));
        }
        let what = json!({
            "password": fresh.hash.is_some(), "authenticator": fresh.authenticator.is_some(),
        });
        account.secrets_shown = false;
        let (sealed, step) = fresh.authenticator.unwrap_or((kept.code_secret, account.code_step));
        account.code_step = step;
        let hash = fresh.hash.unwrap_or(kept.password);
        admins::update(tx, &account).await?;
        admins::set_secrets(tx, account.id, (&hash, &sealed)).await?;
        admins::end_others(tx, account.id, &session.digest).await?;
        let partner = account.partner.unwrap_or(PartnerId::PLATFORM);
        let entry = Entry::made("admin.renew", account.id.0, what);
        self.record(tx, partner, origin, entry).await?;
        Ok(Ok(()))
    }
}

/// The password, if it may be the next one. Looking at how it is guessed takes a thread of its own.
async fn allowed(account: &Account, old: &Password, new: Password) -> Result<Password, Error> {
    if !may_follow(new.expose(), old.expose(), &account.email) {
        return Err(Refusal::PasswordInvalid.into());
    }
    let email = account.email.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let parts = email.split(['@', '.', '-', '_', '+']);
        let known: Vec<&str> = parts.chain([email.as_str(), "antaca"]).collect();
        if new.is_guessable(&known) { Err(Refusal::PasswordGuessable) } else { Ok(new) }
    });
    Ok(looked.await.map_err(|_| Error::broken("looking at a password panicked"))??)
}

fn offer_of(account: &Account, secret: &CodeSecret, name: String) -> Result<Offer, Error> {
    let code_url = secret.url(&account.email).ok_or(Refusal::AdminInvalid)?;
    Ok(Offer { code_url, name })
}

/// The place of an offer's secret: of one session, so it is worth nothing in another.
fn offer_row(session: &AdminSession) -> String {
    format!("admin_offer/{}/{}", session.account.0, url_safe(&session.digest))
}

/// A time as codes are made by.
pub(super) fn seconds(real_now: Timestamp) -> u64 {
    u64::try_from(real_now.as_second()).unwrap_or_default()
}
