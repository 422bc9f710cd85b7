//! A merchant asks for money.

use super::{Details, Envelope, Found, order};
use crate::ids::authorization_code;
use crate::ledger::command::Event;
use crate::{App, Error};
use domain::authorization::{Expiry, Request, Verified};
use domain::program::PreAuthorization;
use domain::secret::Cvv;
use domain::transaction::{Category, TransactionType};
use store::cards;
use store::ledger::Message;

/// An authorization.
#[derive(Debug)]
pub struct Authorize {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What it says.
    pub details: Details,
    /// `pos`, `atm`, `cashback_at_pos` or `aft`.
    pub kind: TransactionType,
    /// The code that the cardholder typed.
    pub cvv: Option<Cvv>,
    /// The month that the merchant read from the card.
    pub expiry: Option<Expiry>,
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
}

impl App {
    /// Decides an authorization.
    pub async fn authorize(&self, command: Authorize) -> Result<Message, Error> {
        let processor = command.envelope.processor;
        let found = self.find_card(&command.envelope).await?;
        let cvv = match &command.cvv {
            None => Verified::NotSent,
            Some(cvv) => self.compare_cvv(found, cvv).await?,
        };
        let request = Request {
            order: order(processor, found, command.details, command.kind, Category::Debit),
            processor,
            expiry: command.expiry,
            cvv,
            pre_authorization: command.pre_authorization,
        };
        let event = Event::Authorize { request: Box::new(request), code: authorization_code() };
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
