//! Lock a card.

use crate::cards::list::of_holder;
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::card::Card;
use domain::card::lifecycle::{CardRefusal, LockReason, Outcome};
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use serde_json::Value;
use store::db::Tx;
use store::{balances, cards};

impl App {
    /// Locks a holder's card for the reason that a code names.
    pub async fn lock_card_by_code(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
        code: i64,
        once: Once<()>,
    ) -> Result<Value, Error> {
        match LockReason::from_code(code) {
            Some(reason) => self.lock_card(scope, holder, id, reason, once).await,
            None => self.refuse(scope, &once, Refusal::InvalidLockReason).await,
        }
    }

    /// Locks a holder's card. The same lock again succeeds and changes nothing.
    pub async fn lock_card(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
        reason: LockReason,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let now = self.now();
        self.change_card(scope, (holder, id), once, |card| card.lock(reason, now)).await
    }

    /// Changes a card's state by a rule, under the guard of its balance.
    pub(super) async fn change_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        once: Once<()>,
        rule: impl FnOnce(&mut Card) -> Result<Outcome, CardRefusal> + Send,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = change_in(&mut tx, scope, card, rule).await;
        self.finish(scope, &once, tx, result).await
    }
}

async fn change_in(
    tx: &mut Tx,
    scope: Scope,
    card: (UserId, CardId),
    rule: impl FnOnce(&mut Card) -> Result<Outcome, CardRefusal>,
) -> Result<(), Error> {
    let (holder, id) = card;
    // A card never changes its balance, so it may be read before the lock; its state may not.
    let guard = of_holder(tx, scope, holder, id).await?.balance;
    balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
    let mut card = of_holder(tx, scope, holder, id).await?;
    match rule(&mut card)? {
        Outcome::Applied => Ok(cards::update_state(tx, scope, &card).await?),
        Outcome::AlreadyApplied => Ok(()),
    }
}
