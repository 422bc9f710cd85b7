//! Show a card's number and code to who may see them. The code is never kept: it is computed.

use crate::audit::{Entry, Origin};
use crate::cards::list::of_holder;
use crate::{App, Error};
use domain::card::Card;
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
        let found = self.show_in(&mut tx, scope, (holder, id), origin).await;
        let (card, sealed) = tx.end(found).await?;
        let pan = self.open_pan(scope.partner(), id, &sealed).await?;
        let cvv = self.cvc2(scope, &card, &pan).await?;
        Ok(FullCard { card, pan, cvv })
    }

    async fn show_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: (UserId, CardId),
        origin: &Origin,
    ) -> Result<(Card, Vec<u8>), Error> {
        let (holder, id) = card;
        let card = of_holder(tx, scope, holder, id).await?;
        let sealed = cards::sealed_pan(tx, scope, id).await?;
        let entry = Entry::shown("card.show", id.0, &["cardNo", "cvv", "exp"]);
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
