//! What a new transaction says of itself: who decided it, and whether the partner knows of it.

use crate::ledger::calls;
use crate::ledger::command::{Command, Event};
use crate::ledger::facts::Facts;
use domain::authorization::Says;
use domain::ledger::Change;
use domain::transaction::{DecidedBy, Processing, Status, Transaction};

/// Says of what is new who decided it: what the network tells has been decided, unless we can't
/// take it.
pub(super) fn sign(command: &Command, is_new: bool, stands_in: bool, change: &mut Change) {
    let done = change.transaction.processing;
    let by_network =
        matches!(command.event, Event::Inform { .. } | Event::Reverse { .. } | Event::Clear { .. });
    let by = match command.event.told() {
        _ if stands_in => DecidedBy::StandIn,
        Some(Says::Refuses(_)) => DecidedBy::Partner,
        Some(Says::Agrees) if done == Processing::Success => DecidedBy::Partner,
        None if by_network && done != Processing::Invalid => DecidedBy::Network,
        None | Some(Says::Agrees | Says::Unclear | Says::NotAsked) => DecidedBy::Platform,
    };
    let by_answer = matches!(by, DecidedBy::Partner | DecidedBy::StandIn);
    if is_new || (by_answer && change.transaction.id == command.transaction) {
        change.transaction.decided_by = by;
    }
    if let Some(beside) = &mut change.beside {
        beside.transaction.decided_by = by;
    }
}

/// Says of what is new whether the partner has it in its books: it was asked about it, or is told
/// of it, since it is asked about its kind. What comes with another transaction is where that is.
pub(super) fn share(
    facts: &Facts,
    command: &Command,
    before: Option<&Transaction>,
    change: &mut Change,
) {
    let (partner, order) = (command.scope.partner(), &change.transaction.order);
    if before.is_none() {
        change.transaction.is_shared = match &command.event {
            Event::Authorize { request, .. } => {
                request.ask.status() == Status::Authorized && calls::is_asked(facts, partner, order)
            }
            Event::Inform { .. } | Event::Clear { .. } => calls::is_asked(facts, partner, order),
            Event::Transfer { .. } => calls::is_external(facts, partner, order),
            Event::Reverse { .. }
            | Event::Expire { .. }
            | Event::DeclineLate { .. }
            | Event::Unanswered { .. } => false,
        };
    }
    if let Some(beside) = &mut change.beside {
        beside.transaction.is_shared = change.transaction.is_shared;
    }
}
