//! Messages of a network, as tests send them.

use crate::TestApp;
use crate::node::BEGIN;
use app::Error;
use app::processor::{
    Authorize, CardName, Checked, Clear, Details, Envelope, Inform, Message, Reverse, SentCodes,
    Told,
};
use domain::authorization::{Ask, PartialApproval};
use domain::ids::CardId;
use domain::ledger::clearing::Finality;
use domain::ledger::matching::Reference;
use domain::money::Currency;
use domain::program::PreAuthorization;
use domain::transaction::{Category, Place, TransactionType};
use std::time::Instant;

impl TestApp {
    /// What every message of the processor carries.
    #[must_use]
    pub fn envelope(&self, card: CardId, key: &str, content: &str) -> Envelope {
        Envelope {
            processor: self.processor,
            card: CardName::Id(card),
            key: key.to_owned(),
            fingerprint: self.app.keyring.fingerprint(&[content.as_bytes()]),
            request_id: "test".to_owned(),
            received: Instant::now(),
        }
    }

    /// What a message of the network says, at the network's own fixed time.
    #[must_use]
    pub fn details(&self, minor: i64, network_id: &str, reference: Option<&str>) -> Details {
        Details {
            amount: minor,
            currency: Currency::EUR,
            network_id: network_id.to_owned(),
            network_date: BEGIN,
            reference_id: reference.map(str::to_owned),
            reference_date: reference.map(|_| BEGIN),
            original_amount: None,
            original_currency: None,
            conversion_rate: None,
            text: "Book store".to_owned(),
            data: None,
            mcc: Some("5942".to_owned()),
            retrieval_reference: None,
            place: Place::default(),
        }
    }

    /// A purchase; the network id is its idempotency key too.
    pub async fn purchase(
        &self,
        card: CardId,
        minor: i64,
        network_id: &str,
    ) -> Result<Message, Error> {
        self.app.authorize(self.ask(card, minor, network_id)).await
    }

    /// What a merchant asks for a purchase; a test changes what it is about.
    #[must_use]
    pub fn ask(&self, card: CardId, minor: i64, network_id: &str) -> Authorize {
        Authorize {
            envelope: self.envelope(card, network_id, &format!("{minor}{network_id}")),
            details: self.details(minor, network_id, None),
            ask: Ask::Debit,
            kind: TransactionType::Pos,
            reference: None,
            codes: SentCodes::default(),
            pin: None,
            checked: Checked::default(),
            expiry: None,
            pre_authorization: PreAuthorization::No,
            partial_approval: PartialApproval::Refused,
        }
    }

    /// What the network tells has happened.
    #[must_use]
    pub fn told(&self, card: CardId, minor: i64, network_id: &str, told: Told) -> Inform {
        let way = if told == Told::ForceCredit { Category::Credit } else { Category::Debit };
        Inform {
            envelope: self.envelope(card, network_id, &format!("{minor}{network_id}{told:?}")),
            details: self.details(minor, network_id, None),
            told,
            kind: TransactionType::Pos,
            category: way,
            pre_authorization: PreAuthorization::No,
            reference: None,
        }
    }

    /// A reversal of a purchase.
    pub async fn reverse(
        &self,
        card: CardId,
        minor: i64,
        network_id: &str,
        of: &str,
    ) -> Result<Message, Error> {
        let details = self.details(minor, network_id, Some(of));
        self.app
            .reverse(Reverse {
                envelope: self.envelope(card, network_id, &format!("{minor}{network_id}{of}")),
                reference: self.reference(minor, of),
                details,
            })
            .await
    }

    /// A clearing of a purchase, or of nothing.
    pub async fn clear(
        &self,
        card: CardId,
        minor: i64,
        network_id: &str,
        of: Option<&str>,
        finality: Finality,
    ) -> Result<Message, Error> {
        self.app
            .clear(Clear {
                envelope: self.envelope(card, network_id, &format!("{minor}{network_id}{of:?}")),
                details: self.details(minor, network_id, of),
                reference: of.map(|of| self.reference(minor, of)),
                category: Category::Debit,
                finality,
                sequence: 1,
                fx_difference: None,
            })
            .await
    }

    /// What a message of this amount refers to.
    #[must_use]
    pub fn reference(&self, minor: i64, of: &str) -> Reference {
        Reference {
            processor: self.processor,
            id: of.to_owned(),
            date: Some(BEGIN),
            amount: Some(minor),
            retrieval_reference: None,
        }
    }
}
