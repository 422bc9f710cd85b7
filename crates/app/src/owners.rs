//! Users and corporations, where either may stand.

use crate::balances::{is_in_use, unlink_later};
use crate::cards::state_facts;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::balance::{Balance, BalanceState, Owner};
use domain::card::Card;
use domain::corporation::{Corporation, Kyb};
use domain::ids::{BalanceId, CorporationId, OwnerId, UserId};
use domain::partner::BalanceMode;
use domain::scope::Scope;
use domain::user::{Kyc, TransactionalLock, User};
use domain::{Outcome, Timestamp};
use serde_json::{Value, json};
use std::collections::HashSet;
use store::balances::links::{self, Link};
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

/// Removes their balances, whose cards are gone; the ids of those that there were. Those that the
/// partner holds must be among the `empty` ones: a worker has them unlinked, as it has links undone
/// that are just being made.
pub(crate) async fn end_balances(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerId,
    (empty, now): (&HashSet<BalanceId>, Timestamp),
) -> Result<Value, Error> {
    let mut told = Vec::new();
    for mut balance in balances::list(tx, scope, owner).await? {
        let is_there = balance.state.is_there();
        match balance.mode {
            BalanceMode::Internal => {
                if balance.remove(&[])? == Outcome::Applied {
                    balances::update_state(tx, scope, &balance).await?;
                }
            }
            BalanceMode::External => {
                end_external(tx, scope, &mut balance, (empty, now)).await?;
            }
        }
        if is_there {
            told.push(balance.id.0.to_string());
        }
    }
    Ok(told.into())
}

/// The same of one that the partner holds.
async fn end_external(
    tx: &mut Tx,
    scope: Scope,
    balance: &mut Balance,
    (empty, now): (&HashSet<BalanceId>, Timestamp),
) -> Result<(), Error> {
    let before = links::find(tx, scope, balance.id).await?;
    let link = unlink_later(before, now);
    let link = match balance.state {
        BalanceState::Active | BalanceState::Locked => {
            // It was made since the partner was asked.
            if !empty.contains(&balance.id) {
                return Err(Error::Unavailable("a new balance's amount", None));
            }
            if is_in_use(tx, scope, balance.id).await? {
                return Err(Refusal::BalanceNotEmpty.into());
            }
            balance.remove(&[])?;
            link
        }
        BalanceState::Linking => {
            balance.undo_link();
            link
        }
        // Whoever is unlinking it can't take that back any more; the call stays the same.
        BalanceState::Unlinking => Link { since: before.and_then(|it| it.since), ..link },
        BalanceState::Removed => return Ok(()),
    };
    Ok(links::set(tx, scope, balance, Some(link)).await?)
}

impl App {
    /// Those of an owner's balances that the partner holds, if each of them has nothing there:
    /// before a transaction that removes the owner.
    pub(crate) async fn empty_at_partner(
        &self,
        scope: Scope,
        owner: OwnerName,
        request_id: &str,
    ) -> Result<HashSet<BalanceId>, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let owner = find(&mut tx, scope, owner).await?;
            Ok::<_, Error>((owner.owner, balances::list(&mut tx, scope, owner.id).await?))
        };
        let found = found.await;
        let (owner, held) = tx.end(found).await?;
        let external = held.into_iter().filter(|it| it.is_external() && it.state.is_there());
        let asked: Vec<_> = external.map(|it| (it.id, it.currency)).collect();
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let asking = (self.patience_with(scope).deadline(), request_id);
        let amounts = self.all_left_at_partner(scope, (owner, &asked), asking).await?;
        if amounts.into_iter().any(|amount| amount != 0) {
            return Err(Refusal::BalanceNotEmpty.into());
        }
        Ok(asked.into_iter().map(|(id, _)| id).collect())
    }
}
