//! Show a card's number and code to who may see them. The code is never kept: it is computed.

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
    /// A holder's card with its number and code.
    pub async fn full_card(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
    ) -> Result<FullCard, Error> {
        let mut tx = self.db.read().await?;
        let found = sealed_in(&mut tx, scope, holder, id).await;
        let (card, sealed) = tx.end(found).await?;
        let pan = self.open_pan(scope.partner(), id, &sealed).await?;
        let cvv = self.cvc2(scope, &card, &pan).await?;
        Ok(FullCard { card, pan, cvv })
    }

    /// The code on a card.
    pub(crate) async fn cvc2(&self, scope: Scope, card: &Card, pan: &Pan) -> Result<Cvv, Error> {
        let program = self.find_program(scope, &card.config_id).await?;
        let program = program.ok_or(Error::broken("a card has no program"))?;
        let key = self.verification_key(scope.partner(), &program.bin, card.cvc_generation).await?;
        Ok(key.cvc2(pan, card.expiry))
    }
}

async fn sealed_in(
    tx: &mut Tx,
    scope: Scope,
    holder: UserId,
    id: CardId,
) -> Result<(Card, Vec<u8>), Error> {
    let card = of_holder(tx, scope, holder, id).await?;
    let sealed = cards::sealed_pan(tx, scope, id).await?;
    Ok((card, sealed))
}
