//! The life of one transaction: what was heard of it and decided, check by check, what money moved,
//! what its partner was told.

use super::{Moved, Record, find};
use crate::ledger::calls::names_told;
use crate::outbox::Told;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::authorization::{Ask, CheckName, CheckOutcome, Said, checks_made};
use domain::ids::TransactionId;
use domain::scope::Scope;
use domain::transaction::{DecidedBy, Description, Processing, Transaction};
use std::collections::BTreeSet;
use store::db::Tx;
use store::ledger::{Message, of_transaction};
use store::outbox;
use uuid::Uuid;

/// The life of one transaction.
#[derive(Clone, Debug)]
pub struct Life {
    /// The transaction as it stands now.
    pub record: Record,
    /// What was heard of it, in order.
    pub heard: Vec<Heard>,
    /// The movements of its money, in order.
    pub moved: Vec<Moved>,
    /// What its partner was told of it, and is to be told, in order: notifications and calls.
    pub told: Vec<Told>,
}

/// A message, and what came of each check.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The message.
    pub message: Message,
    /// The checks that its kind is for, in their order.
    pub checks: Vec<(CheckName, CheckOutcome)>,
}

impl App {
    /// The life of a transaction.
    pub async fn life(&self, scope: Scope, id: TransactionId) -> Result<Life, Error> {
        let mut tx = self.db.read().await?;
        let found = life(&mut tx, scope, id).await;
        tx.end(found).await
    }
}

async fn life(tx: &mut Tx, scope: Scope, id: TransactionId) -> Result<Life, Error> {
    let record = find(tx, scope, id).await?.ok_or(Refusal::TransactionNotFound)?;
    let messages = of_transaction::messages(tx, scope, &record).await?;
    let moved = of_transaction::movements(tx, scope, id).await?;
    let named = messages.iter().map(|message| message.id.0).chain([id.0]);
    let names: BTreeSet<Uuid> = named.flat_map(names_told).collect();
    let names: Vec<Uuid> = names.into_iter().collect();
    let told = outbox::log::list_of(tx, scope, &names).await?;
    let heard = messages.into_iter().enumerate().map(|(place, message)| {
        let checks = checks_of(&record, &message, place == 0);
        Heard { message, checks }
    });
    Ok(Life { heard: heard.collect(), record, moved, told })
}

/// The checks that were made of a message: only what asks is checked. While the partner is asked
/// what ours have said isn't told.
fn checks_of(
    of: &Transaction,
    message: &Message,
    is_first: bool,
) -> Vec<(CheckName, CheckOutcome)> {
    if Ask::parse(&message.kind).is_none() || message.processing == Processing::Asking {
        return Vec::new();
    }
    // Who decided is known of the message that made the transaction, and so is whether it was held
    // first: what is declined at once counts for nothing.
    let by = if is_first { of.decided_by } else { DecidedBy::Platform };
    let was_late = message.description == Description::UnknownError && of.counted.is_some();
    let (description, is_shared) = (message.description, of.is_shared);
    checks_made(&Said { description, by, is_shared, was_late })
}
