//! Show a card's number and code to who may see them. The code is never kept: it is computed.

use crate::audit::{Entry, Origin};
use crate::cards::list::of_holder;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::card::Card;
use domain::card::lifecycle::CardStatus;
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use domain::secret::{Cvv, Pan};
use store::cards;
use store::db::Tx;

/// A card with what may be paid with.
#[derive(Debug)]
pub struct FullCard {
    /// The card.
    pub card: Card,
    /// Its number.
    pub pan: Pan,
    /// Its code.
    pub cvv: Cvv,
}

fn is_removed(card: &Card) -> bool {
    matches!(card.status, CardStatus::Removed { .. })
}

impl App {
    /// A holder's card with its number and code. That they were shown is on record before they
    /// are: there is no other way to a [`FullCard`].
    pub async fn full_card(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
        origin: &Origin,
    ) -> Result<FullCard, Error> {
        let mut tx = self.db.begin().await?;
        let card = of_holder(&mut tx, scope, holder, id).await;
        self.full_card_of(tx, scope, card, origin).await
    }

    /// The same of a card that has just taken another's place, and that nobody sees yet if it is
    /// on plastic.
    pub async fn full_card_in_place(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
        origin: &Origin,
    ) -> Result<FullCard, Error> {
        let mut tx = self.db.begin().await?;
        let card = cards::find(&mut tx, scope, id).await.map_err(Error::from);
        let card = card.and_then(|card| {
            let own = |card: &Card| card.holder == holder && !is_removed(card);
            card.filter(own).ok_or(Refusal::CardNotFound.into())
        });
        self.full_card_of(tx, scope, card, origin).await
    }

    async fn full_card_of(
        &self,
        mut tx: Tx,
        scope: Scope,
        card: Result<Card, Error>,
        origin: &Origin,
    ) -> Result<FullCard, Error> {
        let found = match card {
            Ok(card) => self.show_in(&mut tx, scope, card, origin).await,
            Err(error) => Err(error),
        };
        let (card, sealed) = tx.end(found).await?;
        let id = card.id;
        let pan = self.open_pan(scope.partner(), id, &sealed).await?;
        let cvv = self.cvc2(scope, &card, &pan).await?;
        Ok(FullCard { card, pan, cvv })
    }

    async fn show_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: Card,
        origin: &Origin,
    ) -> Result<(Card, Vec<u8>), Error> {
        self.need_made_here(scope, &card).await?;
        let sealed = cards::sealed_pan(tx, scope, card.id).await?;
        let entry = Entry::shown("card.show", card.id.0, &["cardNo", "cvv", "exp"]);
        self.record(tx, scope.partner(), origin, entry).await?;
        Ok((card, sealed))
    }

    /// The code on a card.
    pub(crate) async fn cvc2(&self, scope: Scope, card: &Card, pan: &Pan) -> Result<Cvv, Error> {
        let bin = self.bin_of(pan).await?;
        let key = self.verification_key(scope.partner(), &bin, card.cvc_generation).await?;
        Ok(key.cvc2(pan, card.expiry))
    }
}
