//! Panel accounts made, changed and reset: by the operator, and by a partner's ADMIN those of its
//! partner. What opens an account is shown once, to whoever made or reset it, and never kept.

use super::{Confirmation, Manager, secret_row, typed_secret};
use crate::audit::{Done, Entry};
use crate::once::{Once, Turn};
use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error, ids};
use crypto::password::Password;
use crypto::totp::CodeSecret;
use domain::admin::{Account, AccountState, Role};
use domain::ids::{AdminId, PartnerId};
use domain::scope::Scope;
use domain::user::Email;
use serde_json::{Value, json};
use store::admins::{self, Kept};
use store::db::Tx;
use uuid::Uuid;
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

/// An account as it is shown.
#[derive(Clone, Debug)]
pub struct ShownAdmin {
    /// The account.
    pub account: Account,
    /// Whether it can be used.
    pub state: AccountState,
    /// The code of its partner; none for the operator's own.
    pub partner: Option<String>,
}

/// What opens an account: shown once.
pub struct Secrets {
    /// Its password.
    pub password: Password,
    /// What an authenticator reads.
    pub code_url: Zeroizing<String>,
}

impl Secrets {
    /// What is typed into an authenticator that reads nothing.
    #[must_use]
    pub fn typed(&self) -> &str {
        typed_secret(&self.code_url)
    }
}

/// An account that was made or reset.
pub struct Enrolled {
    /// The account, as it was rendered.
    pub shown: Value,
    /// What opens it; none where the same command was done before, since it was shown then.
    pub secrets: Option<Secrets>,
}

/// What opens an account, made anew, and what of it is kept.
struct Fresh {
    secrets: Secrets,
    hash: String,
    sealed: Vec<u8>,
}

/// One try at a command: only the one that was done may show what opens the account.
struct Attempt {
    id: Uuid,
    shown: ShownAdmin,
    render: fn(&ShownAdmin) -> Value,
}

impl App {
    /// Makes an account; one of the operator's with a code.
    pub async fn create_admin(
        &self,
        manager: Manager,
        new: NewAdmin,
        confirmation: Confirmation<'_>,
        once: Once<ShownAdmin>,
    ) -> Result<Enrolled, Error> {
        if !manager.reaches(new.partner) {
            return Err(Refusal::AdminInvalid.into());
        }
        let (scope, render, once) = (scope_of(new.partner), once.render, attempted(once));
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(Enrolled { shown: shown(answer), secrets: None }),
            Turn::Ours(turn) => turn,
        };
        let made = match self.new_admin(manager, new).await {
            Ok(made) if made.0.account.role == Role::Operator => {
                self.confirm(manager, confirmation, &once.origin).await.map(|()| made)
            }
            made => made,
        };
        let attempt = ids::random_id();
        let mut tx = self.db.begin().await?;
        let (result, secrets) = match made {
            Ok((kept, secrets)) => {
                let inserted = self.insert_admin_in(&mut tx, (scope, manager), &kept).await;
                let told = |done: Done<ShownAdmin>| done.map(|it| of_try(attempt, it, render));
                (inserted.map(told), Some(secrets))
            }
            Err(error) => (Err(error), None),
        };
        let kept = self.finish(scope, &once, tx, result).await?;
        Ok(enrolled(attempt, kept, secrets))
    }

    async fn new_admin(&self, manager: Manager, new: NewAdmin) -> Result<(Kept, Secrets), Error> {
        let email = new.email.to_lowercase();
        let operators = new.role == Role::Operator;
        if Email::parse(&email).is_none() || operators != new.partner.is_none() {
            return Err(Refusal::AdminInvalid.into());
        }
        // Before anything that costs something; it is asked again when the account is written.
        if self.admin_of(&email).await?.is_some() {
            return Err(Refusal::AdminAlreadyExists.into());
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
            secrets_shown: !manager.keeps_secrets(),
            version: 0,
        };
        let Fresh { secrets, hash, sealed } = self.fresh_secrets(&account).await?;
        Ok((Kept { account, password: hash, code_secret: sealed }, secrets))
    }

    async fn insert_admin_in(
        &self,
        tx: &mut Tx,
        (scope, manager): (Scope, Manager),
        kept: &Kept,
    ) -> Result<Done<ShownAdmin>, Error> {
        self.locked(tx, manager, None).await?;
        if !admins::insert(tx, kept, self.now()).await? {
            return Err(Refusal::AdminAlreadyExists.into());
        }
        let account = &kept.account;
        let entry = Entry::made("admin.create", account.id.0, facts(account));
        Ok(Done::changed(self.shown(account.clone()), self.of_admin(scope, account, entry)))
    }

    /// Changes an account, and ends its sessions.
    pub async fn change_admin(
        &self,
        manager: Manager,
        id: AdminId,
        change: ChangeAdmin,
        once: Once<ShownAdmin>,
    ) -> Result<Value, Error> {
        let scope = self.scope_of_admin(manager, id).await?;
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let changed = self.change_admin_in(&mut tx, scope, (manager, id), change).await;
        self.finish(scope, &once, tx, changed).await
    }

    async fn change_admin_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (manager, id): (Manager, AdminId),
        change: ChangeAdmin,
    ) -> Result<Done<ShownAdmin>, Error> {
        if change.disabled == Some(true) && scope.partner() == PartnerId::PLATFORM {
            self.need_another_operator(tx, id).await?;
        }
        let before = self.locked(tx, manager, Some(id)).await?.ok_or(Refusal::AdminNotFound)?;
        let mut account = before.clone();
        account.role = change.role.unwrap_or(before.role);
        account.disabled = change.disabled.unwrap_or(before.disabled);
        if (account.role == Role::Operator) != account.partner.is_none() {
            return Err(Refusal::AdminInvalid.into());
        }
        let is_shut = before.state(self.now()) != AccountState::Active;
        if change.disabled == Some(false) && is_shut {
            account.used_at = self.now();
        }
        if account == before {
            return Ok(Done::unchanged(self.shown(before)));
        }
        if manager.is(id) {
            return Err(Refusal::AdminIsYourself.into());
        }
        admins::update(tx, &account).await?;
        admins::end_all(tx, id).await?;
        let entry = Entry::changed("admin.set", id.0, &facts(&before), &facts(&account));
        let entry = self.of_admin(scope, &account, entry);
        Ok(Done::changed(self.shown(account), entry))
    }

    /// Locks all of the operator's accounts and looks whether one beside this can be used: two
    /// that shut each other come one after the other.
    async fn need_another_operator(&self, tx: &mut Tx, id: AdminId) -> Result<(), Error> {
        let (all, now) = (admins::operators_locked(tx).await?, self.now());
        let usable = |it: &Account| it.id != id && it.state(now) == AccountState::Active;
        let is_shut = all.iter().any(|it| it.id == id && it.state(now) != AccountState::Active);
        if is_shut || all.iter().any(usable) { Ok(()) } else { Err(Refusal::LastOperator.into()) }
    }

    /// Gives an account another password and another authenticator, takes its lock off, and ends
    /// its sessions; one of the operator's with a code.
    pub async fn reset_admin(
        &self,
        manager: Manager,
        id: AdminId,
        confirmation: Confirmation<'_>,
        once: Once<ShownAdmin>,
    ) -> Result<Enrolled, Error> {
        let scope = self.scope_of_admin(manager, id).await?;
        let (render, once) = (once.render, attempted(once));
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(Enrolled { shown: shown(answer), secrets: None }),
            Turn::Ours(turn) => turn,
        };
        if manager.is(id) {
            let refused = self.keep_refusal(scope, &once, Refusal::AdminIsYourself).await?;
            return Ok(Enrolled { shown: shown(refused), secrets: None });
        }
        let account = self.admin_of_id(id).await?;
        if account.role == Role::Operator {
            self.confirm(manager, confirmation, &once.origin).await?;
        }
        let fresh = self.fresh_secrets(&account).await?;
        let attempt = ids::random_id();
        let mut tx = self.db.begin().await?;
        let reset = self.reset_admin_in(&mut tx, scope, (manager, id), &fresh).await;
        let told = |done: Done<ShownAdmin>| done.map(|it| of_try(attempt, it, render));
        let kept = self.finish(scope, &once, tx, reset.map(told)).await?;
        Ok(enrolled(attempt, kept, Some(fresh.secrets)))
    }

    async fn reset_admin_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (manager, id): (Manager, AdminId),
        fresh: &Fresh,
    ) -> Result<Done<ShownAdmin>, Error> {
        let found = self.locked(tx, manager, Some(id)).await?;
        let mut account = found.ok_or(Refusal::AdminNotFound)?;
        (account.failures, account.locked_until) = (0, None);
        (account.used_at, account.code_step) = (self.now(), 0);
        account.secrets_shown = !manager.keeps_secrets();
        admins::update(tx, &account).await?;
        admins::set_secrets(tx, id, (&fresh.hash, &fresh.sealed)).await?;
        admins::end_all(tx, id).await?;
        let shown = json!({ "secretsShown": account.secrets_shown });
        let entry = self.of_admin(scope, &account, Entry::made("admin.reset", id.0, shown));
        Ok(Done::changed(self.shown(account), entry))
    }

    /// Ends all sessions of somebody's account.
    pub async fn end_admin_sessions(
        &self,
        manager: Manager,
        id: AdminId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let scope = self.scope_of_admin(manager, id).await?;
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let ended = admins::end_all(&mut tx, id).await.map_err(Error::from);
        let ended = ended.map(|count| match count {
            0 => Done::unchanged(()),
            _ => {
                let how = json!({ "everywhere": true });
                Done::changed((), Entry::made("admin.sign_out", id.0, how))
            }
        });
        self.finish(scope, &once, tx, ended).await
    }

    /// Accounts by address, a page of them: those of one partner, or all that the manager may see.
    pub async fn admins_page(
        &self,
        manager: Manager,
        after: Option<AdminId>,
        limit: i64,
    ) -> Result<Page<ShownAdmin, Uuid>, Error> {
        let scope = manager.partner().map(|partner| scope_of(Some(partner)));
        let mut tx = self.db.read().await?;
        let found = admins::page(&mut tx, scope, after, limit.saturating_add(1)).await;
        let found = tx.end(found).await?;
        let shown = found.into_iter().map(|account| self.shown(account)).collect();
        Ok(Page::of(shown, limit, |it: &ShownAdmin| it.account.id.0))
    }

    /// One of those that the manager may see.
    pub async fn shown_admin(&self, manager: Manager, id: AdminId) -> Result<ShownAdmin, Error> {
        let account = self.admin_of_id(id).await?;
        let reached = manager.reaches(account.partner);
        Ok(self.shown(Some(account).filter(|_| reached).ok_or(Refusal::AdminNotFound)?))
    }

    /// The account of an e-mail address.
    pub async fn admin_named(&self, email: &str) -> Result<AdminId, Error> {
        let found = self.admin_of(&email.to_lowercase()).await?;
        Ok(found.ok_or(Refusal::AdminNotFound)?.account.id)
    }

    /// Every account, by address.
    pub async fn admins(&self) -> Result<Vec<ShownAdmin>, Error> {
        let mut tx = self.db.read().await?;
        let all = admins::list(&mut tx).await;
        Ok(tx.end(all).await?.into_iter().map(|account| self.shown(account)).collect())
    }

    pub(super) async fn admin_of_id(&self, id: AdminId) -> Result<Account, Error> {
        let mut tx = self.db.read().await?;
        let found = admins::find_by_id(&mut tx, id).await;
        Ok(tx.end(found).await?.ok_or(Refusal::AdminNotFound)?)
    }

    async fn scope_of_admin(&self, manager: Manager, id: AdminId) -> Result<Scope, Error> {
        Ok(scope_of(self.shown_admin(manager, id).await?.account.partner))
    }

    fn shown(&self, account: Account) -> ShownAdmin {
        let settings = self.settings.get();
        let partner = account.partner.and_then(|id| settings.partner(id));
        let partner = partner.map(|partner| partner.code.clone());
        ShownAdmin { state: account.state(self.now()), account, partner }
    }

    async fn fresh_secrets(&self, account: &Account) -> Result<Fresh, Error> {
        let (password, secret) = (Password::generate(), CodeSecret::generate());
        let code_url = secret.url(&account.email).ok_or(Refusal::AdminInvalid)?;
        let sealed = self.keyring.seal_platform(&secret_row(account.id), secret.expose());
        let (hash, password) = self.hashed(password).await?;
        Ok(Fresh { secrets: Secrets { password, code_url }, hash, sealed })
    }

    /// What is kept of a password, with it.
    pub(super) async fn hashed(&self, password: Password) -> Result<(String, Password), Error> {
        let turn = self.admin_checks.turn_at_making().await?;
        let hashed = tokio::task::spawn_blocking(move || {
            let hash = password.hash();
            drop(turn);
            (hash, password)
        });
        hashed.await.map_err(|_| Error::broken("hashing a password panicked"))
    }

    /// What is told of an account, with whose it is.
    fn of_admin(&self, scope: Scope, account: &Account, entry: Entry) -> Entry {
        let digests = self.digests(scope.partner(), format!("admin/{}", account.id.0));
        entry.with("email", digests.of("email", Some(&account.email)))
    }
}

fn facts(account: &Account) -> Value {
    json!({
        "role": account.role.as_str(),
        "disabled": account.disabled,
        "secretsShown": account.secrets_shown,
    })
}

/// Where an account's commands are kept and recorded: with its partner, or with the platform.
fn scope_of(partner: Option<PartnerId>) -> Scope {
    let partner = partner.unwrap_or(PartnerId::PLATFORM);
    Scope::platform(partner, "panel accounts are managed")
}

/// The same command, whose kept answer names the try that was done.
fn attempted(once: Once<ShownAdmin>) -> Once<Attempt> {
    let Once { endpoint, key, fingerprint, origin, .. } = once;
    let render = |it: &Attempt| json!({ "attempt": it.id, "shown": (it.render)(&it.shown) });
    Once { endpoint, key, fingerprint, origin, render }
}

fn of_try(id: Uuid, shown: ShownAdmin, render: fn(&ShownAdmin) -> Value) -> Attempt {
    Attempt { id, shown, render }
}

fn shown(mut kept: Value) -> Value {
    kept["shown"].take()
}

/// A twin of another node may have been faster: then what was made here opens nothing.
fn enrolled(attempt: Uuid, kept: Value, secrets: Option<Secrets>) -> Enrolled {
    let ours = kept["attempt"] == json!(attempt);
    Enrolled { shown: shown(kept), secrets: secrets.filter(|_| ours) }
}
