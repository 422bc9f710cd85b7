//! The network takes an authorization back.

use super::{Details, Envelope, order};
use crate::ledger::command::Event;
use crate::{App, Error};
use domain::ledger::matching::Reference;
use domain::transaction::{Category, TransactionType};
use store::ledger::Message;

/// A reversal.
#[derive(Debug)]
pub struct Reverse {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What it says.
    pub details: Details,
    /// What it takes back.
    pub reference: Reference,
}

impl App {
    /// Takes an authorization back, in whole or in part.
    pub async fn reverse(&self, command: Reverse) -> Result<Message, Error> {
        let processor = command.envelope.processor;
        let found = self.find_card(&command.envelope).await?;
        let order =
            order(processor, found, command.details, TransactionType::Adjustment, Category::Credit);
        let event = Event::Reverse { order: Box::new(order), reference: command.reference };
        self.submit_message(command.envelope, found, None, event).await
    }
}
