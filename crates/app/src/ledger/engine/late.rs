//! Step 7 of the protocol: what is answered, and what is taken back because it comes too late.

use super::measures::{decided, microseconds};
use super::{ABANDONED, PATIENCE, Reply, State, TAKEN, Waiting};
use crate::error::Error;
use crate::ids;
use crate::ledger::command::{Command, Event, Names, Outcome};
use domain::ids::MessageId;
use domain::transaction::Processing;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::ledger::Message;
use tokio::sync::oneshot;

/// How long the caller of a command that was taken waits beyond its time: a late approval is taken
/// back meanwhile, and its refusal told. After that the database stands still.
const GRACE: Duration = Duration::from_secs(1);

/// One line for each decision, so that the request's name leads from the door to the batch and to
/// the transaction.
pub(super) fn log_decision(batch: u64, waiting: &Waiting, message: &Message) {
    let waited = waiting.waited(Instant::now());
    decided(message, waited);
    tracing::info!(
        request_id = waiting.command.request_id,
        batch,
        kind = message.kind,
        transaction = %message.transaction.0,
        description = message.description.as_str(),
        microseconds = microseconds(waited),
        "decided"
    );
}

/// Waits for the answer to a command.
pub(super) async fn wait(
    state: &State,
    deadline: Instant,
    outcome: oneshot::Receiver<Reply>,
) -> Reply {
    tokio::pin!(outcome);
    let ended = || Error::Unavailable("the ledger engine", None);
    match tokio::time::timeout_at(deadline.into(), &mut outcome).await {
        Ok(reply) => reply.unwrap_or_else(|_| Err(ended())),
        Err(_) if state.claim(ABANDONED) => Err(Error::overloaded()),
        // The engine has it: only the engine tells its outcome. Whoever can't wait for that is told
        // to ask again, and an approval of which nobody heard is taken back.
        Err(_) => match tokio::time::timeout_at((deadline + GRACE).into(), outcome).await {
            Ok(reply) => reply.unwrap_or_else(|_| Err(ended())),
            Err(_) => Err(Error::overloaded()),
        },
    }
}

/// What is answered where there was nothing to do. A late approval that another delivery has heard
/// of stands; its own caller isn't told "approved" after its time, but to ask again.
pub(super) fn nothing(waiting: &Waiting, outcome: Outcome) -> Reply {
    match (&waiting.command.event, outcome) {
        (Event::DeclineLate { .. }, Outcome::Nothing) => Err(Error::overloaded()),
        (_, outcome) => Ok(outcome),
    }
}

/// Whether an approval comes after the time in which it was asked for.
pub(super) fn is_late_approval(waiting: &Waiting, message: &Message) -> bool {
    matches!(waiting.command.event, Event::Authorize { .. })
        && message.processing == Processing::Success
        && waiting.left().is_zero()
}

/// The command that takes a late approval back, waited for by who asked for the approval.
pub(super) fn release(waiting: &Waiting, message: &Message) -> Option<Waiting> {
    let event = Event::DeclineLate {
        message: message.id,
        transaction: message.transaction,
        said: Box::new(waiting.command.event.order()?.clone()),
        // An approval after a question: the partner agreed, or is asked again until it answers.
        agreed: waiting.command.event.told().is_some(),
    };
    let reply = waiting.reply.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Some(Waiting {
        command: Command {
            message: MessageId(ids::random_id()),
            names: Names { scope: "late".to_owned(), key: None, name: None },
            event,
            ..waiting.command.clone()
        },
        // It must be done, however long it takes.
        deadline: Instant::now() + PATIENCE,
        budget: PATIENCE,
        state: Arc::new(State(AtomicU8::new(TAKEN))),
        reply: Mutex::new(Some(reply)),
    })
}
