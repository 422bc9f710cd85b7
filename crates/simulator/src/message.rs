//! What the network can say, and how each message looks on the wire.

use crate::random::{merchant_identifier, twelve_digits};
use crate::target::{Answer, Target};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What an authorization message is (spec "The JSON processor channel").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A merchant asks for money.
    Authorization,
    /// It asks for more of what it was given.
    Incremental,
    /// It asks to give the cardholder money.
    Credit,
    /// It asks whether card and owner are good; no amount.
    AccountVerification,
    /// It asks what can be spent; no amount.
    BalanceInquiry,
    /// Somebody else decided for the issuer and approved.
    Advice,
    /// Somebody else decided for the issuer and declined.
    DeclineAdvice,
    /// A purchase without a question.
    ForceDebit,
    /// Money for the cardholder without a question.
    ForceCredit,
    /// A correction that takes money.
    DebitAdjustment,
    /// A correction that gives money.
    CreditAdjustment,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Incremental => "incremental",
            Self::Credit => "credit",
            Self::AccountVerification => "account-verification",
            Self::BalanceInquiry => "balance-inquiry",
            Self::Advice | Self::DeclineAdvice => "advice",
            Self::ForceDebit => "force-debit",
            Self::ForceCredit => "force-credit",
            Self::DebitAdjustment | Self::CreditAdjustment => "adjustment",
        }
    }

    /// The only type that it goes with, if there is one.
    fn only_type(self) -> Option<&'static str> {
        match self {
            Self::BalanceInquiry => Some("balance_inquiry"),
            Self::DebitAdjustment | Self::CreditAdjustment => Some("adjustment"),
            Self::Authorization
            | Self::Incremental
            | Self::Credit
            | Self::AccountVerification
            | Self::Advice
            | Self::DeclineAdvice
            | Self::ForceDebit
            | Self::ForceCredit => None,
        }
    }
}

/// What an earlier message was called: its `transactionId`, and its `transactionDate` exactly as it
/// was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The id.
    pub id: String,
    /// The date.
    pub date: String,
}

/// What only some messages say.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Less than the amount would do.
    pub partial_approval: bool,
    /// The amount is an estimate.
    pub pre_authorization: bool,
    /// The code on the card's back.
    pub cvv: Option<String>,
    /// The last month on the card, `2029-11`.
    pub expiry: Option<String>,
    /// The PIN, encrypted: `{"format", "keyId", "block"}`.
    pub pin_block: Option<Value>,
    /// The merchant's amount in minor units, and its currency.
    pub original: Option<(i64, String)>,
    /// The network's rate, a decimal.
    pub conversion_rate: Option<String>,
}

/// A card is used, or its issuer is told that it was.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The id of the card.
    pub card: i64,
    /// What the message is.
    pub kind: Kind,
    /// `pos`, `atm`, `cashback_at_pos` or `aft`.
    pub transaction_type: String,
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
    /// What it is about, if it is about something.
    pub reference: Option<Reference>,
    /// What only some messages say.
    pub extras: Extras,
}

impl Authorization {
    /// A purchase in euro at a Polish book shop's web site. Other fields can be set after that.
    #[must_use]
    pub fn purchase(card: i64, amount: i64) -> Self {
        Self {
            card,
            kind: Kind::Authorization,
            transaction_type: "pos".to_owned(),
            amount,
            currency: "EUR".to_owned(),
            merchant: "Book store".to_owned(),
            mcc: "5942".to_owned(),
            country: "POL".to_owned(),
            capture_mode: "ECOM".to_owned(),
            network_id: None,
            reference: None,
            extras: Extras::default(),
        }
    }

    fn body(&self, now: Timestamp) -> Value {
        let mut body = json!({
            "card": {"cardId": self.card},
            "kind": self.kind.word(),
            "type": self.kind.only_type().unwrap_or(&self.transaction_type),
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
        });
        match self.kind {
            Kind::DeclineAdvice => body["approved"] = json!(false),
            Kind::DebitAdjustment => body["category"] = json!("DEBIT"),
            Kind::CreditAdjustment => body["category"] = json!("CREDIT"),
            Kind::Authorization
            | Kind::Incremental
            | Kind::Credit
            | Kind::AccountVerification
            | Kind::BalanceInquiry
            | Kind::Advice
            | Kind::ForceDebit
            | Kind::ForceCredit => {}
        }
        refer(&mut body, self.reference.as_ref());
        self.extras.say(&mut body);
        body
    }
}

impl Extras {
    fn say(&self, body: &mut Value) {
        for (name, said) in [
            ("partialApproval", self.partial_approval),
            ("preAuthorization", self.pre_authorization),
        ] {
            if said {
                body[name] = json!(true);
            }
        }
        for (name, said) in [
            ("cvv", &self.cvv),
            ("expiry", &self.expiry),
            ("conversionRate", &self.conversion_rate),
        ] {
            if let Some(said) = said {
                body[name] = json!(said);
            }
        }
        if let Some(block) = &self.pin_block {
            body["pinBlock"] = block.clone();
        }
        if let Some((amount, currency)) = &self.original {
            body["originalAmount"] = json!(amount);
            body["originalCurrency"] = json!(currency);
        }
    }
}

fn refer(body: &mut Value, reference: Option<&Reference>) {
    if let Some(Reference { id, date }) = reference {
        body["referenceTransactionId"] = json!(id);
        body["referenceTransactionDate"] = json!(date);
    }
}

/// An authorization is taken back, in full or in part.
#[derive(Clone, Debug)]
pub struct Reversal {
    /// The id of the card.
    pub card: i64,
    /// The amount in minor units that is taken back.
    pub amount: i64,
    /// The alphabetic ISO 4217 code of the amount's currency.
    pub currency: String,
    /// What is taken back.
    pub reference: Reference,
}

/// The merchant collects the money of a purchase, all of it or a part, or gives some back.
#[derive(Clone, Debug)]
pub struct Clearing {
    /// The id of the card.
    pub card: i64,
    /// What the scheme settles, in minor units.
    pub amount: i64,
    /// The alphabetic ISO 4217 code of the amount's currency.
    pub currency: String,
    /// The purchase; none where there was no authorization.
    pub reference: Option<Reference>,
    /// Whether the cardholder gets the money: a refund.
    pub is_credit: bool,
    /// Whether more clearings of the same purchase follow: what is left stays held.
    pub partial: bool,
    /// Which of several clearings of the same purchase this is, from 1.
    pub sequence: u32,
    /// What the partner's `COMPANY` gains by exchange rates, in minor units; below zero it pays.
    pub fx_difference: Option<i64>,
    /// What only some messages say.
    pub extras: Extras,
}

/// What clearings and reversals say alike.
fn follow_up(card: i64, amount: i64, currency: &str, now: Timestamp) -> Value {
    json!({
        "card": {"cardId": card},
        "amount": amount,
        "currency": currency,
        "transactionId": twelve_digits(),
        "transactionDate": network_date(now),
    })
}

impl Reversal {
    fn body(&self, now: Timestamp) -> Value {
        let mut body = follow_up(self.card, self.amount, &self.currency, now);
        refer(&mut body, Some(&self.reference));
        body
    }
}

impl Clearing {
    fn body(&self, now: Timestamp) -> Value {
        let mut body = follow_up(self.card, self.amount, &self.currency, now);
        refer(&mut body, self.reference.as_ref());
        self.extras.say(&mut body);
        body["category"] = json!(if self.is_credit { "CREDIT" } else { "DEBIT" });
        body["final"] = json!(!self.partial);
        body["sequence"] = json!(self.sequence);
        if let Some(difference) = self.fx_difference {
            body["fxDifference"] = json!(difference);
        }
        body
    }
}

impl Target {
    /// Asks, or tells. A decline is an answer too, with `"approved": false`.
    pub async fn authorize(&self, authorization: &Authorization, now: Timestamp) -> Answer {
        self.send("authorizations", authorization.body(now)).await
    }

    /// Clears a purchase, or refunds.
    pub async fn clear(&self, clearing: &Clearing, now: Timestamp) -> Answer {
        self.send("clearings", clearing.body(now)).await
    }

    /// Has a card stopped for the reason of a code.
    pub async fn stop(&self, card: i64, reason: i64) -> Answer {
        self.send("cards/stop", json!({ "card": { "cardId": card }, "reason": reason })).await
    }

    /// Reverses a purchase, in full or in part.
    pub async fn reverse(&self, reversal: &Reversal, now: Timestamp) -> Answer {
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
        let purchase = Authorization {
            network_id: Some("177482".to_owned()),
            ..Authorization::purchase(17, 1234)
        };
        let body = purchase.body(now());
        assert_eq!(body["card"], json!({"cardId": 17}));
        assert_eq!(body["transactionId"], "177482");
        assert_eq!(body["transactionDate"], "2026-01-31T23:59:59+00:00");
        assert_eq!(body["transactionData"]["acquirerCountry"], "POL");
        assert_eq!(body.get("referenceTransactionId"), None);
        assert_eq!(body.get("partialApproval"), None);
    }

    #[test]
    fn each_kind_says_what_it_must() {
        for (kind, said) in [
            (Kind::DeclineAdvice, json!({"kind": "advice", "type": "pos", "approved": false})),
            (Kind::BalanceInquiry, json!({"kind": "balance-inquiry", "type": "balance_inquiry"})),
            (
                Kind::CreditAdjustment,
                json!({"kind": "adjustment", "type": "adjustment", "category": "CREDIT"}),
            ),
        ] {
            let body = Authorization { kind, ..Authorization::purchase(17, 0) }.body(now());
            for (name, value) in said.as_object().expect("an object") {
                assert_eq!(&body[name], value, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_clearing_refers_to_its_purchase() {
        let date = "2026-01-31T23:59:59+00:00".to_owned();
        let clearing = Clearing {
            card: 17,
            amount: 1234,
            currency: "EUR".to_owned(),
            reference: Some(Reference { id: "177482".to_owned(), date }),
            is_credit: false,
            partial: true,
            sequence: 2,
            fx_difference: None,
            extras: Extras::default(),
        };
        let body = clearing.body(now());
        assert_eq!(body["referenceTransactionId"], "177482");
        assert_eq!(body["referenceTransactionDate"], "2026-01-31T23:59:59+00:00");
        assert_ne!(body["transactionId"], "177482");
        assert_eq!((&body["final"], &body["sequence"]), (&json!(false), &json!(2)));
        let refund = Clearing { reference: None, is_credit: true, ..clearing }.body(now());
        assert_eq!(refund["category"], "CREDIT");
        assert_eq!(refund.get("referenceTransactionId"), None);
    }
}
