//! List the cards of a holder or of a corporation, without their numbers.

use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::Timestamp;
use domain::card::Card;
use domain::card::lifecycle::CardStatus;
use domain::card::order::CardOrder;
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use store::db::Tx;
use store::{card_orders, cards, corporations, users};
use uuid::Uuid;

impl App {
    /// A page of a holder's cards, by id, from the one after `after`.
    pub async fn cards(
        &self,
        scope: Scope,
        holder: UserId,
        after: CardId,
        limit: i64,
    ) -> Result<Page<Card>, Error> {
        let mut tx = self.db.read().await?;
        let found = cards_in(&mut tx, scope, holder, after, limit).await;
        tx.end(found).await
    }

    /// A page of the cards that pay from a corporation's balances, by id, from the one after
    /// `after`.
    pub async fn cards_of_corporation(
        &self,
        scope: Scope,
        name: Uuid,
        after: CardId,
        limit: i64,
    ) -> Result<Page<Card>, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let kept = corporations::find(&mut tx, scope, name).await?;
            let id = kept.ok_or(Refusal::CorporationNotFound)?.corporation.id;
            let place = (after, limit + 1);
            let rows = cards::list_shown_of_corporation(&mut tx, scope, id, place).await?;
            Ok::<_, Error>(Page::of(rows, limit, |card| card.id.0))
        };
        let found = found.await;
        tx.end(found).await
    }
}

impl App {
    /// Who has or had a card that may be seen; that never changes.
    pub async fn holder_of(&self, scope: Scope, id: CardId) -> Result<UserId, Error> {
        Ok(self.card(scope, id).await?.holder)
    }

    /// A card that may be seen, removed or not.
    pub async fn card(&self, scope: Scope, id: CardId) -> Result<Card, Error> {
        let mut tx = self.db.read().await?;
        let card = cards::find(&mut tx, scope, id).await;
        let card = tx.end(card).await?.filter(|card| !card.is_ordered());
        Ok(card.ok_or(Refusal::CardNotFound)?)
    }
}

impl App {
    /// A card that may be seen, removed or not, with the orders of its plastic and when each was
    /// made, the newest first.
    pub async fn card_with_orders(
        &self,
        scope: Scope,
        id: CardId,
    ) -> Result<(Card, Vec<(CardOrder, Timestamp)>), Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let card = cards::find(&mut tx, scope, id).await?.filter(|card| !card.is_ordered());
            let card = card.ok_or(Refusal::CardNotFound)?;
            let orders = card_orders::list_of_card(&mut tx, scope, id).await?.into_iter().rev();
            Ok((card, orders.map(|kept| (kept.order, kept.created_at)).collect()))
        };
        let found: Result<_, Error> = found.await;
        tx.end(found).await
    }
}

async fn cards_in(
    tx: &mut Tx,
    scope: Scope,
    holder: UserId,
    after: CardId,
    limit: i64,
) -> Result<Page<Card>, Error> {
    users::find(tx, scope, holder).await?.ok_or(Refusal::CustomerNotFound)?;
    let rows = cards::list(tx, scope, holder, after, limit + 1).await?;
    Ok(Page::of(rows, limit, |card| card.id.0))
}

/// The card of an id, if this holder has it, sees it and it wasn't removed.
pub(crate) async fn of_holder(
    tx: &mut Tx,
    scope: Scope,
    holder: UserId,
    id: CardId,
) -> Result<Card, Error> {
    let card = ever_of_holder(tx, scope, holder, id).await?;
    match card.status {
        CardStatus::Usable(_) | CardStatus::Locked { .. } => Ok(card),
        CardStatus::Removed { .. } => Err(Refusal::CardNotFound.into()),
    }
}

/// The card of an id, if this holder has or had it and sees it: for rules that know removed cards.
pub(super) async fn ever_of_holder(
    tx: &mut Tx,
    scope: Scope,
    holder: UserId,
    id: CardId,
) -> Result<Card, Error> {
    let card = cards::find(tx, scope, id).await?;
    let card = card.filter(|card| card.holder == holder && !card.is_ordered());
    Ok(card.ok_or(Refusal::CardNotFound)?)
}
