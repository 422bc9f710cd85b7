//! The network tells of what has happened already: nothing of it is refused for want of money.

use super::{Details, Envelope, order};
use crate::ids::authorization_code;
use crate::ledger::command::{Event, Told};
use crate::{App, Error};
use domain::ledger::matching::Reference;
use domain::program::PreAuthorization;
use domain::transaction::{Category, TransactionType};
use store::ledger::Message;

/// An advice, a force post or an adjustment.
#[derive(Debug)]
pub struct Inform {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What it says.
    pub details: Details,
    /// What has happened.
    pub told: Told,
    /// `pos`, `atm`, `cashback_at_pos`, `aft` or `adjustment`.
    pub kind: TransactionType,
    /// Which way the money goes; an adjustment raises what goes the same way.
    pub category: Category,
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
    /// What it adjusts, if it names it. Advices and force posts mean what bears their own name.
    pub reference: Option<Reference>,
}

impl App {
    /// Records what has happened already and does what follows from it.
    pub async fn inform(&self, command: Inform) -> Result<Message, Error> {
        let Inform { envelope, details, told, kind, category, pre_authorization, reference } =
            command;
        let processor = envelope.processor;
        let found = self.find_card(&envelope).await?;
        let order = order(processor, found, details, kind, category);
        let reference = if told == Told::Adjustment {
            reference
        } else {
            Some(Reference {
                processor,
                id: order.network_id.clone(),
                date: Some(order.network_date),
                amount: Some(order.amount),
                retrieval_reference: order.retrieval_reference.clone(),
            })
        };
        let code = authorization_code();
        let order = Box::new(order);
        let event = Event::Inform { order, told, pre_authorization, reference, code };
        self.submit_message(envelope, found, None, event).await
    }
}
