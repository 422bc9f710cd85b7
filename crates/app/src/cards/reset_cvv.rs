//! Reset a card's code: the next generation of the key that makes it.

use crate::audit::{Done, Entry, Origin};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::once::Turn;
use crate::{App, Error, Once};
use domain::card::Card;
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use domain::secret::{Cvv, Pan};
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, cards};

/// How many generations are looked at for a code that is another: one in a thousand is the same by
/// chance, so a second one nearly always does.
const GENERATIONS: i64 = 16;

impl App {
    /// Gives a holder's card another code; the one before is wrong at once. Number and expiry stay.
    pub async fn reset_cvv(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        once: Once<Card>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let next = self.next_generation(scope, card).await;
        let mut tx = self.db.begin().await?;
        let result = match next {
            Ok(generations) => self.reset_cvv_in(&mut tx, scope, card, generations).await,
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    /// A card's code and nothing else of it. That it was shown is on record before it is.
    pub async fn card_code(
        &self,
        scope: Scope,
        (holder, id): (UserId, CardId),
        origin: &Origin,
    ) -> Result<Cvv, Error> {
        let mut tx = self.db.begin().await?;
        let read = async {
            let card = of_holder(&mut tx, scope, holder, id).await?;
            self.need_made_here(scope, &card).await?;
            let sealed = cards::sealed_pan(&mut tx, scope, id).await?;
            let entry = Entry::shown("card.show", id.0, &["cvv"]);
            self.record(&mut tx, scope.partner(), origin, entry).await?;
            Ok::<_, Error>((card, sealed))
        };
        let read = read.await;
        let (card, sealed) = tx.end(read).await?;
        let pan = self.open_pan(scope.partner(), id, &sealed).await?;
        self.cvc2(scope, &card, &pan).await
    }

    /// The generation of a card's code, and the next one whose code is another.
    async fn next_generation(
        &self,
        scope: Scope,
        (holder, id): (UserId, CardId),
    ) -> Result<(i64, i64), Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let card = of_holder(&mut tx, scope, holder, id).await?;
            self.need_made_here(scope, &card).await?;
            Ok::<_, Error>((card, cards::sealed_pan(&mut tx, scope, id).await?))
        };
        let read = read.await;
        let (card, sealed) = tx.end(read).await?;
        let pan = self.open_pan(scope.partner(), id, &sealed).await?;
        let now = self.cvc2(scope, &card, &pan).await?;
        let first = card.cvc_generation + 1;
        for generation in first..first + GENERATIONS {
            if !crypto::cvc::same(&self.code_of(scope, &card, &pan, generation).await?, &now) {
                return Ok((card.cvc_generation, generation));
            }
        }
        Err(Error::broken("sixteen keys make the same code"))
    }

    async fn code_of(
        &self,
        scope: Scope,
        card: &Card,
        pan: &Pan,
        cvc_generation: i64,
    ) -> Result<Cvv, Error> {
        self.cvc2(scope, &Card { cvc_generation, ..card.clone() }, pan).await
    }

    async fn reset_cvv_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (holder, id): (UserId, CardId),
        (seen, next): (i64, i64),
    ) -> Result<Done<Card>, Error> {
        // A card never changes its balance, so it may be read before the lock; its state may not.
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let before = ever_of_holder(tx, scope, holder, id).await?;
        if before.cvc_generation != seen {
            // It was reset since it was looked at: its code is another than then already.
            return Ok(Done::unchanged(before));
        }
        let mut card = before.clone();
        card.reset_code(next, self.today())?;
        cards::update(tx, scope, &card).await?;
        let generation = |card: &Card| json!({ "cvcGeneration": card.cvc_generation });
        let entry =
            Entry::changed("card.reset_cvv", id.0, &generation(&before), &generation(&card));
        Ok(Done::changed(card, entry))
    }
}
