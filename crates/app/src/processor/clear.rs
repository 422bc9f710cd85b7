//! The network settles.

use super::{Details, Envelope, order};
use crate::ledger::command::Event;
use crate::{App, Error};
use domain::ledger::clearing::Finality;
use domain::ledger::matching::Reference;
use domain::transaction::{Category, TransactionType};
use store::ledger::Message;

/// A clearing.
#[derive(Debug)]
pub struct Clear {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What it says.
    pub details: Details,
    /// The authorization that it settles, if it names one.
    pub reference: Option<Reference>,
    /// Which way the money goes.
    pub category: Category,
    /// Whether more will come.
    pub finality: Finality,
    /// Which of several it is, from 1.
    pub sequence: i64,
    /// The difference of exchange rates, if the processor tells it: above zero `COMPANY` gains.
    pub fx_difference: Option<i64>,
}

impl App {
    /// Moves the money of a clearing.
    pub async fn clear(&self, command: Clear) -> Result<Message, Error> {
        let processor = command.envelope.processor;
        let found = self.find_card(&command.envelope).await?;
        let kind = match command.category {
            Category::Debit => TransactionType::Pos,
            Category::Credit => TransactionType::Adjustment,
        };
        let order = order(processor, found, command.details, kind, command.category);
        let event = Event::Clear {
            order: Box::new(order),
            reference: command.reference,
            finality: command.finality,
            fx_difference: command.fx_difference,
            difference: self.new_transaction_id(),
        };
        self.submit_message(command.envelope, found, Some(command.sequence), event).await
    }
}
