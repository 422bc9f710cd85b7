//! Lock a card.

use crate::audit::{self, Done};
use crate::cards::list::ever_of_holder;
use crate::ledger::{card_event, card_stream};
use crate::once::Turn;
use crate::outbox::News;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::Outcome;
use domain::card::Card;
use domain::card::lifecycle::{CardRefusal, CardStatus, LockReason, Locker};
use domain::ids::{CardId, UserId};
use domain::notification::Event;
use domain::scope::Scope;
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, cards};

impl App {
    /// Locks a holder's card for the reason that a code names.
    pub async fn lock_card_by_code(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        (code, by): (i64, Locker),
        once: Once<()>,
    ) -> Result<Value, Error> {
        match LockReason::from_code(code) {
            Some(reason) => self.lock_card(scope, card, (reason, by), once).await,
            None => self.refuse(scope, &once, Refusal::InvalidLockReason).await,
        }
    }

    /// Locks a holder's card. The same lock again succeeds and changes nothing.
    pub async fn lock_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        (reason, by): (LockReason, Locker),
        once: Once<()>,
    ) -> Result<Value, Error> {
        let now = self.now();
        self.change_card(scope, card, once, "card.lock", |card| card.lock(reason, by, now)).await
    }

    /// Changes a card's state by a rule, under the guard of its balance. `action` is what the
    /// audit record calls it.
    pub(super) async fn change_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        once: Once<()>,
        action: &'static str,
        rule: impl FnOnce(&mut Card) -> Result<Outcome, CardRefusal> + Send,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let act = (action, once.origin.request_id.as_str());
        let mut tx = self.db.begin().await?;
        let result = self.change_card_in(&mut tx, scope, card, act, rule).await;
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    async fn change_card_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: (UserId, CardId),
        act: (&'static str, &str),
        rule: impl FnOnce(&mut Card) -> Result<Outcome, CardRefusal> + Send,
    ) -> Result<Done<()>, Error> {
        let ((holder, id), (action, request_id)) = (card, act);
        // A card never changes its balance, so it may be read before the lock; its state may not.
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let mut card = ever_of_holder(tx, scope, holder, id).await?;
        let before = state_facts(&card);
        match rule(&mut card)? {
            Outcome::Applied => {
                cards::update(tx, scope, &card).await?;
                self.notify_of_card(tx, scope, &card, request_id).await?;
                let entry = audit::Entry::changed(action, id.0, &before, &state_facts(&card));
                Ok(Done::changed((), entry))
            }
            Outcome::AlreadyApplied => Ok(Done::unchanged(())),
        }
    }

    /// Has the partner told that a card was locked or unlocked, if it wants to hear of it.
    pub(super) async fn notify_of_card(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: &Card,
        request_id: &str,
    ) -> Result<(), Error> {
        match card_event(&self.settings.get(), scope.partner(), card) {
            Some(event) => self.tell(tx, scope, news_of(card.id, event), request_id).await,
            None => Ok(()),
        }
    }
}

/// What a partner is told of a card.
pub(super) fn news_of(card: CardId, (event, detail): (Event, Option<Value>)) -> News {
    News { event, stream: card_stream(card), card: Some(card), detail }
}

/// What an audit record tells of a card's state.
pub(crate) fn state_facts(card: &Card) -> Value {
    match card.status {
        CardStatus::Usable(usable) => json!({ "state": usable.as_str() }),
        CardStatus::Locked { reason, .. } => {
            json!({ "state": "LOCKED", "lockReason": reason.as_str() })
        }
        CardStatus::Removed { .. } => json!({ "state": "REMOVED" }),
    }
}
