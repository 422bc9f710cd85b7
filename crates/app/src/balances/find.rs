//! Find balances, with the cards that pay from them.

use crate::refusals::Refusal;
use crate::{App, Error};
use domain::balance::{Balance, BalanceState};
use domain::card::Card;
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use store::db::Tx;
use store::{balances, cards, users};

/// A balance and the cards that pay from it.
#[derive(Clone, Debug)]
pub struct WithCards {
    /// The balance.
    pub balance: Balance,
    /// Its cards, at most 200.
    pub cards: Vec<Card>,
}

impl App {
    /// The balance of an id, whoever's of the partner's users it is, or of one of them.
    pub async fn balance(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        id: BalanceId,
    ) -> Result<WithCards, Error> {
        let mut tx = self.db.read().await?;
        let found = balance_in(&mut tx, scope, owner, id).await;
        tx.end(found).await
    }

    /// A user's balances, oldest first.
    pub async fn balances(&self, scope: Scope, owner: UserId) -> Result<Vec<WithCards>, Error> {
        let mut tx = self.db.read().await?;
        let found = balances_in(&mut tx, scope, owner).await;
        tx.end(found).await
    }
}

async fn balance_in(
    tx: &mut Tx,
    scope: Scope,
    owner: Option<UserId>,
    id: BalanceId,
) -> Result<WithCards, Error> {
    let balance = ever_of_user(tx, scope, owner, id).await?;
    if balance.state == BalanceState::Removed {
        return Err(Refusal::BalanceNotFound.into());
    }
    let cards = shown(cards::list_of_balance(tx, scope, id).await?);
    Ok(WithCards { balance, cards })
}

async fn balances_in(tx: &mut Tx, scope: Scope, owner: UserId) -> Result<Vec<WithCards>, Error> {
    users::find(tx, scope, owner).await?.ok_or(Refusal::CustomerNotFound)?;
    let mut found = Vec::new();
    let all = balances::list(tx, scope, owner.into()).await?.into_iter();
    for balance in all.filter(|balance| balance.state != BalanceState::Removed) {
        let cards = shown(cards::list_of_balance(tx, scope, balance.id).await?);
        found.push(WithCards { balance, cards });
    }
    Ok(found)
}

/// Without those that the bureau hasn't made yet.
fn shown(mut cards: Vec<Card>) -> Vec<Card> {
    cards.retain(|card| !card.is_ordered());
    cards
}

/// The balance of an id, removed or not, if it is this user's, or any owner's where none is named:
/// for rules that know removed balances. A partner's own is nobody's here.
pub(super) async fn ever_of_user(
    tx: &mut Tx,
    scope: Scope,
    owner: Option<UserId>,
    id: BalanceId,
) -> Result<Balance, Error> {
    let found = balances::find(tx, scope, id).await?;
    let found = found.filter(|balance| {
        let whose = balance.owner.id();
        whose.is_some_and(|whose| owner.is_none_or(|owner| whose == owner.into()))
    });
    Ok(found.ok_or(Refusal::BalanceNotFound)?)
}
