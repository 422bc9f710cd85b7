//! A merchant asks: for money, for more of it, to give some, or what there is.

use super::{Details, Envelope, Found, order};
use crate::ids::authorization_code;
use crate::ledger::command::Event;
use crate::{App, Error};
use domain::authorization::{Ask, Expiry, PartialApproval, Request, Verified};
use domain::ledger::matching::Reference;
use domain::program::PreAuthorization;
use domain::secret::Cvv;
use domain::transaction::{Category, TransactionType};
use store::cards;
use store::ledger::Message;

/// What a merchant asks.
#[derive(Debug)]
pub struct Authorize {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What it says.
    pub details: Details,
    /// What it asks.
    pub ask: Ask,
    /// `pos`, `atm`, `cashback_at_pos`, `aft` or `balance_inquiry`.
    pub kind: TransactionType,
    /// What it raises, if it asks for more.
    pub reference: Option<Reference>,
    /// The code that the cardholder typed.
    pub cvv: Option<Cvv>,
    /// The month that the merchant read from the card.
    pub expiry: Option<Expiry>,
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
    /// Whether less than the amount would do.
    pub partial_approval: PartialApproval,
}

impl App {
    /// Decides what a merchant asks.
    pub async fn authorize(&self, command: Authorize) -> Result<Message, Error> {
        let processor = command.envelope.processor;
        let found = self.find_card(&command.envelope).await?;
        let cvv = match &command.cvv {
            None => Verified::NotSent,
            Some(cvv) => self.compare_cvv(found, cvv).await?,
        };
        let way = if command.ask == Ask::Credit { Category::Credit } else { Category::Debit };
        let request = Request {
            order: order(processor, found, command.details, command.kind, way),
            processor,
            ask: command.ask,
            expiry: command.expiry,
            cvv,
            pre_authorization: command.pre_authorization,
            partial_approval: command.partial_approval,
        };
        let event = Event::Authorize {
            request: Box::new(request),
            reference: command.reference,
            code: authorization_code(),
        };
        self.submit_message(command.envelope, found, None, event).await
    }

    /// Compares a code with the card's. A card that isn't there can't match.
    async fn compare_cvv(&self, found: Found, sent: &Cvv) -> Result<Verified, Error> {
        let Some(id) = found.card else { return Ok(Verified::NoMatch) };
        let mut tx = self.db.read().await?;
        let card = cards::find(&mut tx, found.scope, id).await;
        let sealed = cards::sealed_pan(&mut tx, found.scope, id).await;
        let sealed = tx.end(sealed).await?;
        let card = card?.ok_or(Error::broken("a card went away"))?;
        let pan = self.open_pan(found.scope.partner(), id, &sealed).await?;
        let right = self.cvc2(found.scope, &card, &pan).await?;
        Ok(if crypto::cvc::same(&right, sent) {
            Verified::Match { generation: card.cvc_generation }
        } else {
            Verified::NoMatch
        })
    }
}
