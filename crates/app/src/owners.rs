//! Users and corporations, where either may stand.

use crate::Error;
use crate::cards::state_facts;
use crate::refusals::Refusal;
use domain::balance::Owner;
use domain::card::Card;
use domain::corporation::{Corporation, Kyb};
use domain::ids::{CorporationId, OwnerId, UserId};
use domain::scope::Scope;
use domain::user::{Kyc, TransactionalLock, User};
use domain::{Outcome, Timestamp};
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, corporations, users};
use uuid::Uuid;

/// A user or a corporation, as the wire names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerName {
    /// A user, by their id.
    User(UserId),
    /// A corporation, by its `dcCorporationId`.
    Corporation(Uuid),
}

impl OwnerName {
    /// The user's id, or the corporation's `dcCorporationId`: one of the two.
    #[must_use]
    pub fn ids(self) -> (Option<i64>, Option<Uuid>) {
        match self {
            Self::User(id) => (Some(id.0), None),
            Self::Corporation(name) => (None, Some(name)),
        }
    }
}

impl From<UserId> for OwnerName {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

/// One that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Their number.
    pub(crate) id: OwnerId,
    /// Whose a balance of theirs is.
    pub(crate) owner: Owner,
    /// Why they may have no balances and no cards yet, if that is so.
    pub(crate) unverified: Option<Refusal>,
    /// Why no money may leave their balances; of a user they are read apart.
    locks: Option<Vec<TransactionalLock>>,
    name: OwnerName,
}

impl Found {
    /// How they are named.
    pub(crate) fn name(&self) -> OwnerName {
        self.name
    }

    /// What audit records call them.
    pub(crate) fn object(&self) -> String {
        match self.name {
            OwnerName::User(id) => id.0.to_string(),
            OwnerName::Corporation(name) => name.to_string(),
        }
    }

    /// The same as a value: a user's number, a corporation's name.
    pub(crate) fn object_json(&self) -> Value {
        match self.name {
            OwnerName::User(id) => id.0.into(),
            OwnerName::Corporation(name) => name.to_string().into(),
        }
    }

    /// The one word of two that fits them.
    pub(crate) fn word(&self, of_user: &'static str, of_corporation: &'static str) -> &'static str {
        match self.name {
            OwnerName::User(_) => of_user,
            OwnerName::Corporation(_) => of_corporation,
        }
    }
}

/// Finds one.
pub(crate) async fn find(tx: &mut Tx, scope: Scope, name: OwnerName) -> Result<Found, Error> {
    match name {
        OwnerName::User(id) => of_user(name, users::find(tx, scope, id).await?),
        OwnerName::Corporation(id) => {
            of_corporation(name, corporations::find(tx, scope, id).await?)
        }
    }
}

/// The same, locked until the transaction ends.
pub(crate) async fn find_locked(
    tx: &mut Tx,
    scope: Scope,
    name: OwnerName,
) -> Result<Found, Error> {
    match name {
        OwnerName::User(id) => of_user(name, users::find_locked(tx, scope, id).await?),
        OwnerName::Corporation(id) => {
            of_corporation(name, corporations::find_locked(tx, scope, id).await?)
        }
    }
}

/// Why a user may have no balances and no cards of their own yet, if that is so.
pub(crate) fn user_unverified(user: &User) -> Option<Refusal> {
    (user.kyc != Kyc::Success).then_some(Refusal::KycNotVerified)
}

/// The same of a corporation.
pub(crate) fn corporation_unverified(corporation: &Corporation) -> Option<Refusal> {
    (corporation.kyb != Kyb::Accepted).then_some(Refusal::KybNotAccepted)
}

fn of_user(name: OwnerName, found: Option<User>) -> Result<Found, Error> {
    let user = found.ok_or(Refusal::CustomerNotFound)?;
    let unverified = user_unverified(&user);
    let (id, owner) = (user.id.into(), Owner::User(user.id));
    Ok(Found { id, owner, unverified, locks: None, name })
}

fn of_corporation(name: OwnerName, found: Option<corporations::Kept>) -> Result<Found, Error> {
    let kept = found.ok_or(Refusal::CorporationNotFound)?;
    let unverified = corporation_unverified(&kept.corporation);
    let id = kept.corporation.id;
    let (owner, locks) = (Owner::Corporation(id), Some(kept.locks));
    Ok(Found { id: id.into(), owner, unverified, locks, name })
}

/// The transactional locks of one that was found.
pub(crate) async fn locks(
    tx: &mut Tx,
    scope: Scope,
    found: &Found,
) -> Result<Vec<TransactionalLock>, Error> {
    match (&found.locks, found.name) {
        (None, OwnerName::User(id)) => Ok(users::transactional_locks(tx, scope, id).await?),
        (locks, _) => Ok(locks.clone().unwrap_or_default()),
    }
}

/// Sets them, of one that was found locked.
pub(crate) async fn set_locks(
    tx: &mut Tx,
    scope: Scope,
    found: &Found,
    locks: &[TransactionalLock],
) -> Result<(), Error> {
    let OwnerId(id) = found.id;
    match found.name {
        OwnerName::User(id) => users::set_transactional_locks(tx, scope, id, locks).await?,
        OwnerName::Corporation(_) => {
            corporations::set_transactional_locks(tx, scope, CorporationId(id), locks).await?;
        }
    }
    Ok(())
}

/// Removes the cards of an owner who is removed; what an audit record tells of each. The caller
/// holds the locks of what guards them.
pub(crate) async fn end_cards(
    tx: &mut Tx,
    scope: Scope,
    cards: Vec<Card>,
    now: Timestamp,
) -> Result<Value, Error> {
    let mut told = Vec::new();
    for mut card in cards {
        let before = state_facts(&card);
        if card.remove(now)? == Outcome::Applied {
            store::cards::update(tx, scope, &card).await?;
            told.push(json!({ "id": card.id.0, "before": before }));
        }
    }
    Ok(told.into())
}

/// Removes their balances, whose cards are gone; the ids of those that there were.
pub(crate) async fn end_balances(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerId,
) -> Result<Value, Error> {
    let mut told = Vec::new();
    for mut balance in balances::list(tx, scope, owner).await? {
        if balance.remove(&[])? == Outcome::Applied {
            balances::update_state(tx, scope, &balance).await?;
            told.push(balance.id.0.to_string());
        }
    }
    Ok(told.into())
}
