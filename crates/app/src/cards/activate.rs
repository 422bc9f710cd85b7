//! Activate a card that has arrived.

use crate::audit::{Done, Entry};
use crate::cards::list::of_holder;
use crate::cards::state_facts;
use crate::keyring::EPOCH;
use crate::once::Turn;
use crate::{App, Error, Once};
use crypto::keys::Purpose;
use crypto::mac::MacKey;
use domain::Date;
use domain::card::Card;
use domain::card::lifecycle::CardRefusal;
use domain::card::plastic::Told;
use domain::ids::{CardId, PartnerId, UserId};
use domain::scope::Scope;
use serde_json::{Value, json};
use store::card_orders::Kept;
use store::db::Tx;
use store::{balances, card_orders, cards};

/// Digits of the code in a card's letter.
pub const CODE_DIGITS: usize = 6;
/// How many codes there are.
const CODES: u64 = 1_000_000;

/// What who has a card in hand can tell of it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The last four digits of its number.
    pub last_four: String,
    /// What else stands on it, or in its letter.
    pub more: More,
}

/// What stands on a card or in its letter beside the number.
#[derive(Clone, Debug)]
pub enum More {
    /// The month to whose end it works; its first day.
    Expiry(Date),
    /// The code in the letter that it came with.
    Code(String),
}

impl App {
    /// Activates a holder's card. A wrong try is counted, whatever becomes of the answer; the fifth
    /// in a row locks the card.
    pub async fn activate_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        evidence: Evidence,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let key = self.activation_key(scope.partner()).await?;
        let mut tx = self.db.begin().await?;
        let result = self.activate_in(&mut tx, scope, card, (&evidence, &key), &once).await;
        let answer = match result {
            // The try is written, and its refusal is what is told.
            Ok(Err(refusal)) => {
                tx.commit().await?;
                let Error::Refused(refusal) = Error::from(refusal) else {
                    return Err(Error::broken("a rule's refusal is none"));
                };
                self.keep_refusal(scope, &once, refusal).await
            }
            Ok(Ok(done)) => self.finish(scope, &once, tx, Ok(done)).await,
            Err(error) => self.finish(scope, &once, tx, Err(error)).await,
        };
        self.outbox.bell().ring();
        answer
    }

    async fn activate_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (holder, id): (UserId, CardId),
        (evidence, key): (&Evidence, &MacKey),
        once: &Once<()>,
    ) -> Result<Result<Done<()>, CardRefusal>, Error> {
        let guard = of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let before = of_holder(tx, scope, holder, id).await?;
        match evidence.more {
            More::Expiry(_) => {}
            // It came with no letter of ours.
            More::Code(_) => self.need_made_here(scope, &before).await?,
        }
        let mut card = before.clone();
        let orders = card_orders::list_of_card(tx, scope, id).await?;
        let at = (self.now(), self.today());
        let told = |of: &Card, renewal| match evidence.is_right(of, || code(key, id, renewal)) {
            true => Told::Right,
            false => Told::Wrong,
        };
        // Who tells what stands on the plastic that works changes nothing.
        let result = match renewal(&orders, &card).filter(|_| told(&before, None) == Told::Wrong) {
            Some(expiry) => {
                let renewed = Card { expiry, ..before.clone() };
                card.activate_renewal(told(&renewed, Some(expiry)), expiry, at)
            }
            None => card.activate(told(&before, None), at),
        };
        if card == before {
            return Ok(result.map(|_| Done::unchanged(())));
        }
        cards::update(tx, scope, &card).await?;
        let (was, is) = (facts(&before), facts(&card));
        let entry = Entry::changed("card.activate", id.0, &was, &is);
        match result {
            Ok(_) => {
                for mut kept in orders {
                    if kept.order.arrive()
                        && !card_orders::update(tx, scope, &kept.order, self.now()).await?
                    {
                        return Err(Error::broken("an order was changed without its guard"));
                    }
                }
                Ok(Ok(Done::changed((), entry)))
            }
            Err(refusal) => {
                self.record(tx, scope.partner(), &once.origin, entry).await?;
                if state_facts(&before) != state_facts(&card) {
                    self.notify_of_card(tx, scope, &card, &once.origin.request_id).await?;
                }
                Ok(Err(refusal))
            }
        }
    }

    /// The code in the letter that a card comes with, or its renewal of a last day: only whoever
    /// has the partner's key, or the letter, knows it.
    pub(crate) async fn activation_code(
        &self,
        partner: PartnerId,
        card: CardId,
        renewal: Option<Date>,
    ) -> Result<String, Error> {
        Ok(code(&self.activation_key(partner).await?, card, renewal))
    }

    async fn activation_key(&self, partner: PartnerId) -> Result<MacKey, Error> {
        Ok(self.partner_key(partner).await?.mac(Purpose::ActivationCode, EPOCH))
    }
}

fn code(key: &MacKey, card: CardId, renewal: Option<Date>) -> String {
    let id = card.0.to_be_bytes();
    let digest = match renewal {
        None => key.sign(&[&id]),
        Some(expiry) => key.sign(&[&id, expiry.to_string().as_bytes()]),
    };
    let bytes = digest.first_chunk().copied().unwrap_or_default();
    format!("{:0CODE_DIGITS$}", u64::from_be_bytes(bytes) % CODES)
}

/// The last day on the plastic that was made to renew a card and isn't active yet.
fn renewal(orders: &[Kept], card: &Card) -> Option<Date> {
    let made = orders.iter().filter(|kept| kept.order.is_made());
    made.filter_map(|kept| kept.order.expiry).filter(|expiry| *expiry > card.expiry).max()
}

impl Evidence {
    /// `code` makes the one in the letter, where that is what was told.
    fn is_right(&self, card: &Card, code: impl FnOnce() -> String) -> bool {
        let more = match &self.more {
            More::Expiry(month) => {
                (month.year(), month.month()) == (card.expiry.year(), card.expiry.month())
            }
            More::Code(told) => *told == code(),
        };
        more && self.last_four == card.last_four
    }
}

fn facts(card: &Card) -> Value {
    let mut facts = state_facts(card);
    facts["activationTries"] = json!(card.tries.activations);
    facts["expiry"] = json!(card.expiry.to_string());
    facts
}
