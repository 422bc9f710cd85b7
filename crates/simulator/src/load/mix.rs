//! What is sent: 2 of 100 messages are reversals, 5 are authorizations that must be declined.

use crate::load::turns::second;
use crate::random::uuid_of;
use jiff::Timestamp;

/// More than any card for measuring has, in minor units.
const TOO_MUCH: i64 = 1_000_000_000_000;
/// Approved authorizations that are remembered for reversals.
const KEPT: usize = 64;
/// Of 100 messages, those below this are reversals,
const REVERSALS: u8 = 2;
/// and those below this must be declined.
const DECLINES: u8 = 7;

/// What is sent by one connection.
#[derive(Debug)]
pub struct Mix {
    random: fastrand::Rng,
    cards: usize,
    held: Vec<Held>,
}

/// The next message.
#[derive(Clone, Debug)]
pub enum Draw {
    /// An authorization.
    Authorize(Asked),
    /// A reversal of what was approved before.
    Reverse(Held),
}

/// An authorization.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which of the cards.
    pub card: usize,
    /// In minor units.
    pub amount: i64,
    /// The network's id.
    pub network_id: u64,
    /// The key of its delivery.
    pub key: String,
}

/// What was approved, and can be reversed.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which of the cards.
    pub card: usize,
    /// In minor units.
    pub amount: i64,
    /// The network's id.
    pub network_id: u64,
    /// The network's time.
    pub date: Timestamp,
    /// The network's id of the reversal.
    pub reversal_id: u64,
    /// The key of the reversal's delivery.
    pub key: String,
}

impl Draw {
    /// Which of the cards it is about.
    #[must_use]
    pub fn card(&self) -> usize {
        match self {
            Self::Authorize(asked) => asked.card,
            Self::Reverse(held) => held.card,
        }
    }
}

impl Mix {
    /// Draws from so many cards, uniformly.
    #[must_use]
    pub fn new(cards: usize) -> Self {
        Self { random: fastrand::Rng::new(), cards: cards.max(1), held: Vec::new() }
    }

    /// The next message.
    pub fn draw(&mut self) -> Draw {
        let chance = self.random.u8(0..100);
        let key = self.key();
        if chance < REVERSALS && !self.held.is_empty() {
            let held = self.held.swap_remove(self.random.usize(0..self.held.len()));
            return Draw::Reverse(Held { reversal_id: self.network_id(), key, ..held });
        }
        let affordable = self.random.i64(100..5_000);
        Draw::Authorize(Asked {
            card: self.random.usize(0..self.cards),
            amount: if chance < DECLINES { TOO_MUCH } else { affordable },
            network_id: self.network_id(),
            key,
        })
    }

    /// Remembers what was approved.
    pub fn keep(&mut self, held: Held) {
        if self.held.len() < KEPT {
            self.held.push(held);
        }
    }

    fn network_id(&mut self) -> u64 {
        self.random.u64(0..1_000_000_000_000)
    }

    fn key(&mut self) -> String {
        uuid_of(self.random.u64(..), self.random.u64(..))
    }
}

/// What a message says of the merchant.
pub const DATA: &str = concat!(
    r#"{"mcc":"5942","merchantName":"Book store","merchantIdentifier":"04711208","#,
    r#""captureMode":"ECOM","acquirerCountry":"POL","#,
    r#""retrievalReferenceNumber":"177482991004"}"#
);

impl Asked {
    /// As it is sent, with its key.
    pub(super) fn body(&self, card: &str, now: Timestamp) -> (&str, String) {
        let Self { amount, network_id, .. } = self;
        let date = second(now);
        let body = format!(
            concat!(
                r#"{{"card":{{"pan":"{card}"}},"kind":"authorization","type":"pos","#,
                r#""amount":{amount},"currency":"EUR","transactionId":"{network_id:012}","#,
                r#""transactionDate":"{date}","description":"Book store","#,
                r#""transactionData":{data}}}"#
            ),
            card = card,
            amount = amount,
            network_id = network_id,
            date = date,
            data = DATA,
        );
        (&self.key, body)
    }
}

impl Held {
    /// What can be reversed of what was approved.
    #[must_use]
    pub fn of(asked: &Asked, date: Timestamp) -> Self {
        let Asked { card, amount, network_id, .. } = *asked;
        Self { card, amount, network_id, date, reversal_id: 0, key: String::new() }
    }

    /// As it is sent, with its key.
    pub(super) fn body(&self, card: &str, now: Timestamp) -> (&str, String) {
        let Self { amount, network_id, reversal_id, .. } = self;
        let (date, reference_date) = (second(now), second(self.date));
        let body = format!(
            concat!(
                r#"{{"card":{{"pan":"{card}"}},"amount":{amount},"currency":"EUR","#,
                r#""transactionId":"{reversal_id:012}","transactionDate":"{date}","#,
                r#""referenceTransactionId":"{network_id:012}","#,
                r#""referenceTransactionDate":"{reference_date}"}}"#
            ),
            card = card,
            amount = amount,
            reversal_id = reversal_id,
            date = date,
            network_id = network_id,
            reference_date = reference_date,
        );
        (&self.key, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_reversed_some_declined_and_all_cards_are_drawn() {
        let mut mix = Mix::new(10);
        let (mut reversals, mut declines, mut cards) = (0, 0, [0; 10]);
        for _ in 0..10_000 {
            match mix.draw() {
                Draw::Reverse(_) => reversals += 1,
                Draw::Authorize(asked) if asked.amount == TOO_MUCH => declines += 1,
                Draw::Authorize(asked) => {
                    cards[asked.card] += 1;
                    mix.keep(Held::of(&asked, Timestamp::UNIX_EPOCH));
                }
            }
        }
        assert!((100..350).contains(&reversals), "{reversals}");
        assert!((350..700).contains(&declines), "{declines}");
        assert!(cards.iter().all(|count| *count > 500), "{cards:?}");
    }

    #[test]
    fn bodies_are_json() {
        let now = "2026-01-31T23:59:59.9Z".parse().expect("a timestamp");
        let asked = Asked { card: 0, amount: 250, network_id: 7, key: "k".to_owned() };
        let (key, body) = asked.body("4", now);
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((key, &body["transactionId"]), ("k", &"000000000007".into()));
        let held = Held { reversal_id: 8, ..Held::of(&asked, now) };
        let body: serde_json::Value = serde_json::from_str(&held.body("4", now).1).expect("JSON");
        assert_eq!(body["referenceTransactionId"], "000000000007");
        assert_eq!(body["referenceTransactionDate"], "2026-01-31T23:59:59+00:00");
    }
}
