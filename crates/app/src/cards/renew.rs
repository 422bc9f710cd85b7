//! Renew a card: the same number, another last day and another code. Of a card on plastic other
//! plastic is ordered, and the card changes when its holder activates that.

use crate::audit::{Done, Entry};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::cards::order::{Carrier, order_of};
use crate::cards::replace::line_before;
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::Date;
use domain::card::Card;
use domain::card::order::{CardOrder, OrderKind};
use domain::ids::{CardId, OrderId, UserId};
use domain::program::CardType;
use domain::scope::Scope;
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, card_orders, cards};

/// A card that lives on.
#[derive(Clone, Copy, Debug)]
pub struct Renewed {
    /// The card.
    pub card: CardId,
    /// The order of its next plastic, if it is on plastic.
    pub order: Option<OrderId>,
}

impl App {
    /// Lets a holder's card live on, as long as a new one of its program would: from 60 days before
    /// its last day on. Number, PIN, balance, limits and label stay. Of a card on plastic
    /// it must be told where the next one is sent.
    pub async fn renew_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        carrier: Option<Carrier>,
        once: Once<Renewed>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let expiry = self.new_expiry(scope, card).await;
        let mut tx = self.db.begin().await?;
        let result = match expiry {
            Ok(expiry) => self.renew_in(&mut tx, scope, card, (expiry, carrier)).await,
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    async fn new_expiry(
        &self,
        scope: Scope,
        (holder, id): (UserId, CardId),
    ) -> Result<Date, Error> {
        let mut tx = self.db.read().await?;
        let card = of_holder(&mut tx, scope, holder, id).await;
        let card = tx.end(card).await?;
        self.need_made_here(scope, &card).await?;
        let program = self.live_program(scope, &card.config_id, card.card_type).await?;
        Ok(program.expiry_of_card_made_on(self.today()))
    }

    async fn renew_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (holder, id): (UserId, CardId),
        (expiry, carrier): (Date, Option<Carrier>),
    ) -> Result<Done<Renewed>, Error> {
        // A card never changes its balance, so it may be read before the lock; its state may not.
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let before = ever_of_holder(tx, scope, holder, id).await?;
        if before.card_type == CardType::Physical {
            return self.renew_plastic_in(tx, scope, &before, (expiry, carrier)).await;
        }
        if carrier.is_some() {
            return Err(Refusal::PlasticNotSupported.into());
        }
        let mut card = before.clone();
        card.renew(expiry, self.today())?;
        cards::update(tx, scope, &card).await?;
        let expiry = |card: &Card| json!({ "expiry": card.expiry.to_string() });
        let entry = Entry::changed("card.renew", id.0, &expiry(&before), &expiry(&card));
        Ok(Done::changed(Renewed { card: id, order: None }, entry))
    }

    async fn renew_plastic_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: &Card,
        (expiry, carrier): (Date, Option<Carrier>),
    ) -> Result<Done<Renewed>, Error> {
        card.may_be_renewed(expiry, self.today())?;
        let program = self.find_program(scope, &card.config_id).await?;
        if program.is_none_or(|program| program.plastic.is_none()) {
            return Err(Refusal::PlasticNotSupported.into());
        }
        let carrier = carrier.ok_or(Refusal::DeliveryRequired)?;
        let earlier = card_orders::list_of_card(tx, scope, card.id).await?;
        if self.is_on_its_way(&earlier) {
            return Err(Refusal::PlasticAlreadyOrdered.into());
        }
        let line = line_before(tx, scope, card).await?;
        let holding = (card.holder, card.id);
        let order = CardOrder {
            expiry: Some(expiry),
            ..order_of(holding, OrderKind::Renewal, &carrier, line)
        };
        card_orders::insert(tx, scope, (&order, &card.config_id), None, self.now()).await?;
        let entry = Entry::made("card.renew", card.id.0, self.order_facts(scope, &order));
        let entry = entry.with("expiry", json!(expiry.to_string()));
        Ok(Done::changed(Renewed { card: card.id, order: Some(order.id) }, entry))
    }
}
