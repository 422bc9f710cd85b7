//! Replace a card that is lost, stolen or in wrong hands: another number takes its place.

use super::issue_virtual::{IssueVirtual, may_pay_from};
use crate::audit::{Done, Entry};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::cards::state_facts;
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, Locker, ReplacementReason, Usable};
use domain::ids::{CardId, UserId};
use domain::program::{CardType, Program};
use domain::scope::Scope;
use domain::spending::Subject;
use serde_json::{Value, json};
use store::cards::SealedPan;
use store::db::Tx;
use store::spending::Kept;
use store::{balances, cards, spending, users};

/// A card that takes another's place.
struct Made {
    program: Program,
    card: Card,
    pan: SealedPan,
}

impl App {
    /// Gives a holder's card's place to a new one with another number: it has its balance, limits,
    /// controls, what was spent of them, and label, but no PIN. The old one is locked for good.
    pub async fn replace_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        why: (ReplacementReason, Locker),
        once: Once<Card>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let made = self.make_replacement(scope, card).await;
        let mut tx = self.db.begin().await?;
        let request_id = once.origin.request_id.clone();
        let result = match made {
            Ok(made) => self.replace_in(&mut tx, scope, (card.1, why, &request_id), &made).await,
            Err(error) => Err(error),
        };
        let result = result.map(|(card, entry)| Done::changed(card, entry));
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    /// Makes the new card, before any transaction that could wait for it.
    async fn make_replacement(
        &self,
        scope: Scope,
        (holder, id): (UserId, CardId),
    ) -> Result<Made, Error> {
        let mut tx = self.db.read().await?;
        let old = of_holder(&mut tx, scope, holder, id).await;
        let old = tx.end(old).await?;
        // What can't be replaced costs no number.
        old.clone().replace(Locker::Platform, self.now())?;
        let program = self.live_program(scope, &old.config_id, CardType::Virtual).await?;
        let Card { balance, config_id, label, .. } = old;
        let command = IssueVirtual { holder, balance, config_id, label };
        let active = CardStatus::Usable(Usable::Active);
        let (card, pan) = self.new_card(scope, &program, &command, active).await?;
        Ok(Made { program, card, pan })
    }

    async fn replace_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (id, (reason, by), request_id): (CardId, (ReplacementReason, Locker), &str),
        made: &Made,
    ) -> Result<(Card, Entry), Error> {
        let Made { program, card, pan } = made;
        let (holder, balance) = (card.holder, card.balance);
        users::find_locked(tx, scope, holder).await?.ok_or(Refusal::CustomerNotFound)?;
        balances::lock(tx, &[(scope.partner(), balance)].into()).await?;
        let before = ever_of_holder(tx, scope, holder, id).await?;
        let mut old = before.clone();
        old.replace(by, self.now())?;
        may_pay_from(tx, scope, program, (holder, balance)).await?;
        cards::update(tx, scope, &old).await?;
        self.notify_of_card(tx, scope, &old, request_id).await?;
        cards::insert(tx, scope, card, pan, self.now()).await?;
        let kept = spending::find(tx, scope, Subject::Card(holder, id)).await?;
        if kept.version.is_some() {
            let carried = Kept { version: None, ..kept };
            spending::set(tx, scope, Subject::Card(holder, card.id), &carried).await?;
        }
        let entry = Entry::changed("card.replace", id.0, &state_facts(&before), &state_facts(&old));
        let new = json!({ "id": card.id.0, "card": self.card_facts(scope, card) });
        let entry = entry.with("reason", json!(reason.as_str())).with("by", new);
        Ok((card.clone(), entry))
    }
}
