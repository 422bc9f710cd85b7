//! PINs: set by the holder, and kept as a verification value alone.

use crate::audit::{Done, Entry};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::keyring::{EPOCH, FIRST_PIN_INDEX};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use crypto::keys::Purpose;
use crypto::pin::Pvv;
use crypto::seal::Place;
use domain::card::Card;
use domain::card::pin::is_weak;
use domain::ids::{CardId, PartnerId, UserId};
use domain::scope::Scope;
use domain::secret::{Pan, Pin};
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, cards, users};

impl App {
    /// Gives a holder's card another PIN, at once for every terminal that asks us; a chip learns of
    /// it at its next contact. The wrong ones so far are forgotten.
    pub async fn set_pin(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        pin: Pin,
        once: Once<Card>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        // Number, birthday and program never change, so they may be read before the lock.
        let sealed = self.sealed_pvv(scope, card, &pin).await;
        let mut tx = self.db.begin().await?;
        let result = match sealed {
            Ok(sealed) => self.set_pin_in(&mut tx, scope, card, &sealed).await,
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    /// The verification value of a PIN that may be chosen, sealed for its card.
    async fn sealed_pvv(
        &self,
        scope: Scope,
        (holder, id): (UserId, CardId),
        pin: &Pin,
    ) -> Result<Vec<u8>, Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let card = of_holder(&mut tx, scope, holder, id).await?;
            self.need_made_here(scope, &card).await?;
            let user = users::find(&mut tx, scope, holder).await?;
            Ok::<_, Error>((card, user, cards::sealed_pan(&mut tx, scope, id).await?))
        };
        let read = read.await;
        let (card, user, sealed) = tx.end(read).await?;
        if is_weak(pin, Some(&card.last_four), user.map(|user| user.profile.birth_date)) {
            return Err(Refusal::WeakPin.into());
        }
        self.seal_pvv(scope, &card, &sealed, pin).await
    }

    /// The verification value of a PIN on a card of this sealed number, sealed for it.
    pub(super) async fn seal_pvv(
        &self,
        scope: Scope,
        card: &Card,
        sealed: &[u8],
        pin: &Pin,
    ) -> Result<Vec<u8>, Error> {
        let pan = self.open_pan(scope.partner(), card.id, sealed).await?;
        let pvv = self.pvv(scope, &pan, (pin, FIRST_PIN_INDEX)).await?;
        let key = self.partner_key(scope.partner()).await?.sealing(Purpose::CardKey, EPOCH);
        Ok(key.seal(&place(scope.partner(), &card.id.0.to_string()), pvv.expose()))
    }

    async fn set_pin_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (holder, id): (UserId, CardId),
        sealed: &[u8],
    ) -> Result<Done<Card>, Error> {
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let before = ever_of_holder(tx, scope, holder, id).await?;
        let mut card = before.clone();
        card.change_pin(self.today())?;
        cards::set_pvv(tx, scope, id, sealed).await?;
        cards::update(tx, scope, &card).await?;
        let version = |card: &Card| json!({ "pinVersion": card.pin_version });
        let entry = Entry::changed("card.set_pin", id.0, &version(&before), &version(&card));
        Ok(Done::changed(card, entry))
    }

    /// The verification value that a PIN has on a card, by the key of an index.
    pub(crate) async fn pvv(
        &self,
        scope: Scope,
        pan: &Pan,
        (pin, index): (&Pin, u8),
    ) -> Result<Pvv, Error> {
        let bin = self.bin_of(pan).await?;
        let key = self.pin_verification_key(scope.partner(), &bin, index).await?;
        Ok(key.value(pan, index, pin))
    }

    /// Opens a card's sealed verification value.
    pub(crate) async fn open_pvv(
        &self,
        partner: PartnerId,
        card: CardId,
        sealed: &[u8],
    ) -> Result<Pvv, Error> {
        let key = self.partner_key(partner).await?.sealing(Purpose::CardKey, EPOCH);
        let digits = key.open(&place(partner, &card.0.to_string()), sealed)?;
        Pvv::from_digits(&digits).ok_or(Error::broken("no verification value of a PIN"))
    }
}

fn place(partner: PartnerId, row: &str) -> Place<'_> {
    Place { table: "card", column: "pvv", partner, row }
}
