//! Panel accounts made, changed and reset by the operator.

use super::secret_row;
use crate::audit::{Operator, change_json};
use crate::refusals::Refusal;
use crate::{App, Error, ids};
use crypto::password::Password;
use crypto::totp::CodeSecret;
use domain::admin::{Account, Role};
use domain::ids::{AdminId, PartnerId};
use domain::user::Email;
use serde_json::{Value, json};
use store::admins::{self, Kept};
use store::db::Tx;
use zeroize::Zeroizing;

/// An account to be.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// The e-mail address of whose it is.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The partner that they work for; none for the operator's own, and for them alone.
    pub partner: Option<PartnerId>,
}

/// What is to change of an account. Whatever changes, its sessions end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangeAdmin {
    /// What they may do from now on.
    pub role: Option<Role>,
    /// Whether the account is shut from now on.
    pub disabled: Option<bool>,
}

/// What an account is opened with: shown once.
pub struct Enrolled {
    /// The account.
    pub account: Account,
    /// Its password.
    pub password: Password,
    /// What an authenticator reads.
    pub code_url: Zeroizing<String>,
}

/// What opens an account, made anew.
struct Secrets {
    password: Password,
    code_url: Zeroizing<String>,
    hash: String,
    sealed: Vec<u8>,
}

impl App {
    /// Makes an account.
    pub async fn create_admin(
        &self,
        operator: &Operator,
        new: NewAdmin,
    ) -> Result<Enrolled, Error> {
        let email = new.email.to_lowercase();
        let operators = new.role == Role::Operator;
        if Email::parse(&email).is_none() || operators != new.partner.is_none() {
            return Err(Refusal::AdminInvalid.into());
        }
        let account = Account {
            id: AdminId(ids::random_id()),
            email,
            partner: new.partner,
            role: new.role,
            disabled: false,
            failures: 0,
            locked_until: None,
            used_at: self.now(),
            code_step: 0,
            version: 0,
        };
        let Secrets { password, code_url, hash, sealed } = self.new_secrets(&account).await?;
        let kept = Kept { account, password: hash, code_secret: sealed };
        let mut tx = self.db.begin().await?;
        let made = async {
            if !admins::insert(&mut tx, &kept, self.now()).await? {
                return Err(Refusal::AdminAlreadyExists.into());
            }
            let facts = json!({ "after": facts(&kept.account) });
            self.record_admin(&mut tx, operator, &kept.account, ("admin.create", facts)).await
        };
        let made = made.await;
        tx.end(made).await?;
        Ok(Enrolled { account: kept.account, password, code_url })
    }

    /// Changes an account, and ends its sessions.
    pub async fn change_admin(
        &self,
        operator: &Operator,
        email: &str,
        change: ChangeAdmin,
    ) -> Result<Account, Error> {
        let mut tx = self.db.begin().await?;
        let changed = self.change_admin_in(&mut tx, operator, email, change).await;
        tx.end(changed).await
    }

    async fn change_admin_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        email: &str,
        change: ChangeAdmin,
    ) -> Result<Account, Error> {
        let kept = admins::find_locked(tx, &email.to_lowercase()).await?;
        let before = kept.ok_or(Refusal::AdminNotFound)?.account;
        let mut account = before.clone();
        account.role = change.role.unwrap_or(before.role);
        account.disabled = change.disabled.unwrap_or(before.disabled);
        if (account.role == Role::Operator) != account.partner.is_none() {
            return Err(Refusal::AdminInvalid.into());
        }
        if change.disabled == Some(false) {
            account.used_at = self.now();
        }
        admins::update(tx, &account).await?;
        admins::end_all(tx, account.id).await?;
        let detail = change_json(&facts(&before), &facts(&account));
        self.record_admin(tx, operator, &account, ("admin.set", detail)).await?;
        Ok(account)
    }

    /// Gives an account another password and another authenticator, takes its lock off, and ends
    /// its sessions.
    pub async fn reset_admin(&self, operator: &Operator, email: &str) -> Result<Enrolled, Error> {
        let found = self.admin_of(&email.to_lowercase()).await?;
        let found = found.ok_or(Refusal::AdminNotFound)?.account;
        let secrets = self.new_secrets(&found).await?;
        let mut tx = self.db.begin().await?;
        let reset = self.reset_admin_in(&mut tx, operator, &found, &secrets).await;
        let account = tx.end(reset).await?;
        Ok(Enrolled { account, password: secrets.password, code_url: secrets.code_url })
    }

    async fn reset_admin_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        found: &Account,
        secrets: &Secrets,
    ) -> Result<Account, Error> {
        let kept = admins::find_locked(tx, &found.email).await?;
        let mut account = kept.ok_or(Refusal::AdminNotFound)?.account;
        (account.failures, account.locked_until) = (0, None);
        (account.used_at, account.code_step) = (self.now(), 0);
        admins::update(tx, &account).await?;
        admins::set_secrets(tx, account.id, (&secrets.hash, &secrets.sealed)).await?;
        admins::end_all(tx, account.id).await?;
        self.record_admin(tx, operator, &account, ("admin.reset", json!({}))).await?;
        Ok(account)
    }

    /// Every account, by address.
    pub async fn admins(&self) -> Result<Vec<Account>, Error> {
        let mut tx = self.db.read().await?;
        let all = admins::list(&mut tx).await;
        Ok(tx.end(all).await?)
    }

    async fn new_secrets(&self, account: &Account) -> Result<Secrets, Error> {
        let (password, secret) = (Password::generate(), CodeSecret::generate());
        let code_url = secret.url(&account.email).ok_or(Refusal::AdminInvalid)?;
        let sealed = self.keyring.seal_platform(&secret_row(account.id), secret.expose());
        let hashed = tokio::task::spawn_blocking(move || (password.hash(), password));
        let (hash, password) =
            hashed.await.map_err(|_| Error::broken("hashing a password panicked"))?;
        Ok(Secrets { password, code_url, hash, sealed })
    }

    async fn record_admin(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        account: &Account,
        (action, mut detail): (&str, Value),
    ) -> Result<(), Error> {
        let partner = account.partner.unwrap_or(PartnerId::PLATFORM);
        let digests = self.digests(partner, format!("admin/{}", account.id.0));
        detail["email"] = digests.of("email", Some(&account.email));
        self.record_act(tx, operator, partner, (action, &account.id.0.to_string(), &detail)).await
    }
}

fn facts(account: &Account) -> Value {
    json!({ "role": account.role.as_str(), "disabled": account.disabled })
}
