//! Find balances, with the cards that pay from them.

use crate::refusals::Refusal;
use crate::{App, Error};
use domain::balance::Balance;
use domain::card::Card;
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use store::db::Tx;
use store::{balances, cards, corporations, users};
use uuid::Uuid;

/// A balance and the cards that pay from it.
#[derive(Clone, Debug)]
pub struct WithCards {
    /// The balance.
    pub balance: Balance,
    /// Its cards, at most 200.
    pub cards: Vec<Card>,
}

/// A balance as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The balance, with its cards.
    pub found: WithCards,
    /// What can be spent now, in minor units; by the partner's books where that holds the money.
    pub amount: i64,
}

impl App {
    /// The balance of an id as it is shown, whoever's of the partner's users it is, or of one of
    /// them: a partner that holds its money is asked.
    pub async fn show_balance(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        id: BalanceId,
        request_id: &str,
    ) -> Result<Shown, Error> {
        let found = self.balance(scope, owner, id).await?;
        let amount = match found.balance.known_available() {
            Some(amount) => amount,
            None => {
                let until = self.patience_with(scope).deadline();
                self.amount_at_partner(scope, &found.balance, until, request_id).await?
            }
        };
        Ok(Shown { found, amount })
    }

    /// A user's balances as they are shown, oldest first: a partner that holds their money is asked
    /// once about all of them.
    pub async fn show_balances(
        &self,
        scope: Scope,
        owner: UserId,
        request_id: &str,
    ) -> Result<Vec<Shown>, Error> {
        let found = self.balances(scope, owner).await?;
        let external = found.iter().map(|it| &it.balance).filter(|it| it.is_external());
        let asked: Vec<_> = external.map(|it| (it.id, it.currency)).collect();
        let mut told = Vec::new();
        if !asked.is_empty() {
            let asking = (self.patience_with(scope).deadline(), request_id);
            told = self.amounts_at_partner(scope, (owner.into(), &asked), asking).await?;
        }
        let mut told = told.into_iter();
        let shown = found.into_iter().map(|found| {
            let amount = found.balance.known_available().or_else(|| told.next());
            amount.map(|amount| Shown { found, amount })
        });
        shown.collect::<Option<_>>().ok_or(Error::broken("a balance has no amount"))
    }

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

    /// A corporation's balances, oldest first; its cards are listed apart.
    pub async fn balances_of_corporation(
        &self,
        scope: Scope,
        name: Uuid,
    ) -> Result<Vec<Balance>, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let kept = corporations::find(&mut tx, scope, name).await?;
            let id = kept.ok_or(Refusal::CorporationNotFound)?.corporation.id;
            let mut all = balances::list(&mut tx, scope, id.into()).await?;
            all.retain(|balance| balance.state.is_there());
            Ok::<_, Error>(all)
        };
        let found = found.await;
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
    if !balance.state.is_there() {
        return Err(Refusal::BalanceNotFound.into());
    }
    let cards = shown(cards::list_of_balance(tx, scope, id).await?);
    Ok(WithCards { balance, cards })
}

async fn balances_in(tx: &mut Tx, scope: Scope, owner: UserId) -> Result<Vec<WithCards>, Error> {
    users::find(tx, scope, owner).await?.ok_or(Refusal::CustomerNotFound)?;
    let mut found = Vec::new();
    let all = balances::list(tx, scope, owner.into()).await?.into_iter();
    for balance in all.filter(|balance| balance.state.is_there()) {
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
