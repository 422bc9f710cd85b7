//! A merchant asks: for money, for more of it, to give some, or what there is.

use super::secrets::Sent;
use super::{Check, Checked, Details, Envelope, SentCodes, SentPin, decided, order};
use crate::ids::authorization_code;
use crate::ledger::command::{Event, Outcome};
use crate::{App, Error};
use domain::authorization::{Ask, Chip, Expiry, PartialApproval, Request};
use domain::ledger::matching::Reference;
use domain::program::PreAuthorization;
use domain::transaction::{Category, TransactionType};
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
    /// The codes of the card that were typed or read.
    pub codes: SentCodes,
    /// The PIN that the cardholder typed, in its block.
    pub pin: Option<SentPin>,
    /// What the processor has checked itself.
    pub checked: Checked,
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
        let secrets = Sent { codes: command.codes, pin: command.pin, checked: command.checked };
        let compared = self.compare(found, processor, &secrets).await?;
        let way = if command.ask == Ask::Credit { Category::Credit } else { Category::Debit };
        let request = Request {
            order: order(processor, found, command.details, command.kind, way),
            processor,
            ask: command.ask,
            expiry: command.expiry,
            cvv: compared.cvv,
            read_code: compared.read_code,
            pin: compared.pin,
            chip: match command.checked.chip {
                Some(Check::NoMatch) => Chip::Counterfeit,
                Some(Check::Match) | None => Chip::NotDoubted,
            },
            pre_authorization: command.pre_authorization,
            partial_approval: command.partial_approval,
        };
        let event = Event::Authorize {
            request: Box::new(request),
            reference: command.reference,
            code: authorization_code(),
            compared_again: false,
        };
        if secrets.are_none() {
            return self.submit_message(command.envelope, found, None, event).await;
        }
        let (mut asked, deadline) = self.command(command.envelope, found, None, event);
        let outcome = self.submit_command(asked.clone(), deadline).await?;
        if !matches!(outcome, Outcome::Outdated) {
            return decided(outcome);
        }
        let again = self.compare(found, processor, &secrets).await?;
        if let Event::Authorize { request, compared_again, .. } = &mut asked.event {
            (request.cvv, request.read_code) = (again.cvv, again.read_code);
            (request.pin, *compared_again) = (again.pin, true);
        }
        decided(self.submit_command(asked, deadline).await?)
    }
}
