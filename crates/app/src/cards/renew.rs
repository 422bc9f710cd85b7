//! Renew a card: the same number, another last day and another code.

use crate::audit::{Done, Entry};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::once::Turn;
use crate::{App, Error, Once};
use domain::Date;
use domain::card::Card;
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, cards};

impl App {
    /// Lets a holder's card live on, as long as a new one of its program would: from 60 days before
    /// its last day on. Number, PIN, balance, limits and label stay.
    pub async fn renew_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        once: Once<Card>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let expiry = self.new_expiry(scope, card).await;
        let mut tx = self.db.begin().await?;
        let result = match expiry {
            Ok(expiry) => self.renew_in(&mut tx, scope, card, expiry).await,
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
        let program = self.live_program(scope, &card.config_id, card.card_type).await?;
        Ok(program.expiry_of_card_made_on(self.today()))
    }

    async fn renew_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (holder, id): (UserId, CardId),
        expiry: Date,
    ) -> Result<Done<Card>, Error> {
        // A card never changes its balance, so it may be read before the lock; its state may not.
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let before = ever_of_holder(tx, scope, holder, id).await?;
        let mut card = before.clone();
        card.renew(expiry, self.today())?;
        cards::update(tx, scope, &card).await?;
        let expiry = |card: &Card| json!({ "expiry": card.expiry.to_string() });
        let entry = Entry::changed("card.renew", id.0, &expiry(&before), &expiry(&card));
        Ok(Done::changed(card, entry))
    }
}
