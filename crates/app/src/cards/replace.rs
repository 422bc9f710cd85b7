//! Replace a card that is lost, stolen or in wrong hands: another number takes its place.

use super::issue_virtual::{Holding, carry_spending, lock_holding, may_pay_from};
use super::order::{Carrier, line_of, order_of};
use crate::audit::{Done, Entry};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::cards::state_facts;
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::card::Card;
use domain::card::embossing::CardholderLine;
use domain::card::lifecycle::{CardStatus, Locker, ReplacementReason, Usable};
use domain::card::order::{CardOrder, OrderKind};
use domain::ids::{CardId, OrderId, UserId};
use domain::program::{CardType, Program};
use domain::scope::Scope;
use serde_json::{Value, json};
use store::cards::SealedPan;
use store::db::Tx;
use store::{balances, card_orders, cards, users};

/// What is to be replaced, and why.
#[derive(Clone, Debug)]
pub struct Replace {
    /// Whose it is, and which.
    pub card: (UserId, CardId),
    /// Why.
    pub reason: ReplacementReason,
    /// Who asks.
    pub by: Locker,
    /// Where plastic is sent; needed for a card that is on it.
    pub carrier: Option<Carrier>,
}

/// What took a card's place.
#[derive(Clone, Copy, Debug)]
pub struct Replaced {
    /// The card: another one, or the same if its plastic was damaged.
    pub card: CardId,
    /// The order of its plastic, if it is on it.
    pub order: Option<OrderId>,
}

/// A card that takes another's place.
struct Made {
    program: Program,
    card: Card,
    pan: SealedPan,
    order: Option<CardOrder>,
}

impl App {
    /// Gives a holder's card's place to a new one with another number: it has its balance, limits,
    /// controls, what was spent of them, and label, but no PIN. The old one is locked for good. Of
    /// damaged plastic the card stays, and other plastic of it is ordered.
    pub async fn replace_card(
        &self,
        scope: Scope,
        command: Replace,
        once: Once<Replaced>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let request_id = once.origin.request_id.clone();
        let made = match command.reason {
            ReplacementReason::Damaged => Ok(None),
            ReplacementReason::Lost | ReplacementReason::Stolen | ReplacementReason::Fraud => {
                self.make_replacement(scope, &command).await.map(Some)
            }
        };
        let mut tx = self.db.begin().await?;
        let result = match made {
            Ok(Some(made)) => self.replace_in(&mut tx, scope, (&command, &request_id), &made).await,
            Ok(None) => self.reissue_in(&mut tx, scope, &command).await,
            Err(error) => Err(error),
        };
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    /// Makes the new card, before any transaction that could wait for it.
    async fn make_replacement(&self, scope: Scope, command: &Replace) -> Result<Made, Error> {
        let (holder, id) = command.card;
        let mut tx = self.db.read().await?;
        let read = async {
            let old = of_holder(&mut tx, scope, holder, id).await?;
            self.need_made_here(scope, &old).await?;
            // What can't be replaced costs no number.
            old.clone().replace(Locker::Platform, self.now())?;
            let line = line_before(&mut tx, scope, &old).await?;
            Ok::<_, Error>((old, line))
        };
        let read = read.await;
        let (old, line) = tx.end(read).await?;
        let program = self.live_program(scope, &old.config_id, old.card_type).await?;
        let plastic = match (old.card_type, &command.carrier) {
            (CardType::Virtual, None) => None,
            (CardType::Physical, None) => return Err(Refusal::DeliveryRequired.into()),
            (CardType::Physical, Some(carrier)) if program.plastic.is_some() => Some(carrier),
            (CardType::Virtual | CardType::Physical, Some(_)) => {
                return Err(Refusal::PlasticNotSupported.into());
            }
        };
        let wanted = (Holding::from(&old), old.label);
        let begins = if plastic.is_some() { Usable::Ordered } else { Usable::Active };
        let status = CardStatus::Usable(begins);
        let (card, pan) = self.new_card(scope, &program, wanted, status).await?;
        let of = |carrier| order_of((holder, card.id), OrderKind::Card, carrier, line);
        let order = plastic.map(of);
        Ok(Made { program, card, pan, order })
    }

    async fn replace_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (command, request_id): (&Replace, &str),
        made: &Made,
    ) -> Result<Done<Replaced>, Error> {
        let Made { program, card, pan, order } = made;
        let (holder, id) = (card.holder, command.card.1);
        let answers = lock_holding(tx, scope, card.into()).await?;
        let before = ever_of_holder(tx, scope, holder, id).await?;
        let mut old = before.clone();
        old.replace(command.by, self.now())?;
        may_pay_from(tx, scope, program, (card.balance, &answers)).await?;
        cards::update(tx, scope, &old).await?;
        self.notify_of_card(tx, scope, &old, request_id).await?;
        cards::insert(tx, scope, card, pan, self.now()).await?;
        carry_spending(tx, scope, card.owner(), (id, card.id)).await?;
        let entry = Entry::changed("card.replace", id.0, &state_facts(&before), &state_facts(&old));
        let mut new = json!({ "id": card.id.0, "card": self.card_facts(scope, card) });
        if let Some(order) = order {
            card_orders::insert(tx, scope, (order, &card.config_id), None, self.now()).await?;
            new["order"] = self.order_facts(scope, order);
        }
        let entry = entry.with("reason", json!(command.reason.as_str())).with("by", new);
        let replaced = Replaced { card: card.id, order: order.as_ref().map(|order| order.id) };
        Ok(Done::changed(replaced, entry))
    }

    /// Orders a card's plastic once more.
    async fn reissue_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        command: &Replace,
    ) -> Result<Done<Replaced>, Error> {
        let (holder, id) = command.card;
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let card = of_holder(tx, scope, holder, id).await?;
        self.need_made_here(scope, &card).await?;
        card.may_be_reissued(self.today())?;
        let program = self.live_program(scope, &card.config_id, card.card_type).await?;
        if program.plastic.is_none() {
            return Err(Refusal::PlasticNotSupported.into());
        }
        let carrier = command.carrier.as_ref().ok_or(Refusal::DeliveryRequired)?;
        let earlier = card_orders::list_of_card(tx, scope, id).await?;
        if self.is_on_its_way(&earlier) {
            return Err(Refusal::PlasticAlreadyOrdered.into());
        }
        let line = line_before(tx, scope, &card).await?;
        let order = order_of((holder, id), OrderKind::Reissue, carrier, line);
        card_orders::insert(tx, scope, (&order, &card.config_id), None, self.now()).await?;
        let entry = Entry::made("card.reissue", id.0, self.order_facts(scope, &order));
        Ok(Done::changed(Replaced { card: id, order: Some(order.id) }, entry))
    }
}

/// The name that a card's plastic had; else the holder's.
pub(super) async fn line_before(
    tx: &mut Tx,
    scope: Scope,
    card: &Card,
) -> Result<CardholderLine, Error> {
    let mut earlier = card_orders::list_of_card(tx, scope, card.id).await?;
    if let Some(kept) = earlier.pop() {
        return Ok(kept.order.line);
    }
    if card.card_type == CardType::Virtual {
        // Nothing of it is ever embossed.
        return Ok(CardholderLine::kept(String::new()));
    }
    let user = users::find(tx, scope, card.holder).await?.ok_or(Refusal::CustomerNotFound)?;
    Ok(line_of(None, &user.profile)?)
}
