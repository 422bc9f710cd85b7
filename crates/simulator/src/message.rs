//! What the network can say, and how each message looks on the wire.

use crate::random::{merchant_identifier, twelve_digits};
use crate::target::{Answer, Target};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A card holder pays at a merchant.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The id of the card.
    pub card: i64,
    /// The amount in minor units: `1234` is €12.34.
    pub amount: i64,
    /// The alphabetic ISO 4217 code of the amount's currency.
    pub currency: String,
    /// The merchant's name, as it appears on the statement.
    pub merchant: String,
    /// The merchant category code, four digits.
    pub mcc: String,
    /// The acquirer's country, ISO 3166 alpha-3.
    pub country: String,
    /// How the card was read: `ECOM`, `NFC`, `EMV`, …
    pub capture_mode: String,
    /// The network's id of the transaction; a random one if absent.
    pub network_id: Option<String>,
}

impl Purchase {
    /// A purchase in euro at a Polish book shop's web site. Other fields can be set after that.
    #[must_use]
    pub fn new(card: i64, amount: i64) -> Self {
        Self {
            card,
            amount,
            currency: "EUR".to_owned(),
            merchant: "Book store".to_owned(),
            mcc: "5942".to_owned(),
            country: "POL".to_owned(),
            capture_mode: "ECOM".to_owned(),
            network_id: None,
        }
    }

    fn body(&self, now: Timestamp) -> Value {
        json!({
            "card": {"cardId": self.card},
            "kind": "authorization",
            "type": "pos",
            "amount": self.amount,
            "currency": self.currency,
            "transactionId": self.network_id.clone().unwrap_or_else(twelve_digits),
            "transactionDate": network_date(now),
            "description": self.merchant,
            "transactionData": {
                "mcc": self.mcc,
                "merchantName": self.merchant,
                "merchantIdentifier": merchant_identifier(&self.merchant),
                "captureMode": self.capture_mode,
                "acquirerCountry": self.country,
                "retrievalReferenceNumber": twelve_digits(),
            },
        })
    }
}

/// A later message about a purchase: a reversal, or what a clearing clears.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// The id of the card.
    pub card: i64,
    /// The amount in minor units that is reversed or cleared.
    pub amount: i64,
    /// The alphabetic ISO 4217 code of the amount's currency.
    pub currency: String,
    /// The `transactionId` of the purchase.
    pub reference: String,
    /// The `transactionDate` of the purchase, exactly as it was answered.
    pub reference_date: String,
}

impl FollowUp {
    fn body(&self, now: Timestamp) -> Value {
        json!({
            "card": {"cardId": self.card},
            "amount": self.amount,
            "currency": self.currency,
            "transactionId": twelve_digits(),
            "transactionDate": network_date(now),
            "referenceTransactionId": self.reference,
            "referenceTransactionDate": self.reference_date,
        })
    }
}

/// The merchant collects the money of a purchase, all of it or a part.
#[derive(Clone, Debug)]
pub struct Clearing {
    /// The purchase, and how much of it.
    pub of: FollowUp,
    /// Whether more clearings of the same purchase follow: what is left stays held.
    pub partial: bool,
    /// Which of several clearings of the same purchase this is, from 1.
    pub sequence: u32,
}

impl Clearing {
    fn body(&self, now: Timestamp) -> Value {
        let mut body = self.of.body(now);
        body["final"] = json!(!self.partial);
        body["sequence"] = json!(self.sequence);
        body
    }
}

impl Target {
    /// Asks for a purchase. A decline is an answer too, with `"approved": false`.
    pub async fn purchase(&self, purchase: &Purchase, now: Timestamp) -> Answer {
        self.send("authorizations", purchase.body(now)).await
    }

    /// Clears a purchase.
    pub async fn clear(&self, clearing: &Clearing, now: Timestamp) -> Answer {
        self.send("clearings", clearing.body(now)).await
    }

    /// Reverses a purchase, in full or in part.
    pub async fn reverse(&self, reversal: &FollowUp, now: Timestamp) -> Answer {
        self.send("reversals", reversal.body(now)).await
    }
}

fn network_date(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T23:59:59.9Z".parse().expect("a timestamp")
    }

    #[test]
    fn a_purchase_says_what_was_bought_and_where() {
        let purchase =
            Purchase { network_id: Some("177482".to_owned()), ..Purchase::new(17, 1234) };
        let body = purchase.body(now());
        assert_eq!(body["card"], json!({"cardId": 17}));
        assert_eq!(body["transactionId"], "177482");
        assert_eq!(body["transactionDate"], "2026-01-31T23:59:59+00:00");
        assert_eq!(body["transactionData"]["acquirerCountry"], "POL");
    }

    #[test]
    fn a_clearing_refers_to_its_purchase() {
        let of = FollowUp {
            card: 17,
            amount: 1234,
            currency: "EUR".to_owned(),
            reference: "177482".to_owned(),
            reference_date: "2026-01-31T23:59:59+00:00".to_owned(),
        };
        let body = Clearing { of, partial: true, sequence: 2 }.body(now());
        assert_eq!(body["referenceTransactionId"], "177482");
        assert_eq!(body["referenceTransactionDate"], "2026-01-31T23:59:59+00:00");
        assert_ne!(body["transactionId"], "177482");
        assert_eq!((&body["final"], &body["sequence"]), (&json!(false), &json!(2)));
    }
}
