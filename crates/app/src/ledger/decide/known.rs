//! A message that has come before is answered as it was.

use super::asked;
use crate::ledger::command::{Command, Outcome};
use crate::ledger::facts::Facts;
use domain::money::Amount;
use domain::transaction::Processing;
use store::ledger::Message;

/// A key that is known answers from its message, or was used for something else.
pub(super) fn recognise(facts: &mut Facts, command: &Command) -> Option<Outcome> {
    if let Some(message) = facts.message_of_key(command).cloned() {
        if message.fingerprint != command.fingerprint {
            return Some(Outcome::KeyReused);
        }
        if message.processing == Processing::Asking {
            return asked::recognise(facts, command, &message);
        }
        // A batch whose commit's outcome wasn't known finds its own messages: nobody was told.
        if message.id != command.message {
            facts.tell(&message);
        }
        return Some(Outcome::Decided(Box::new(message)));
    }
    let message = facts.message_of_name(command)?.clone();
    let order = command.event.order()?;
    if (message.amount, message.currency) != (order.amount, order.currency) {
        return Some(Outcome::KeyReused);
    }
    if message.processing == Processing::Asking {
        return asked::recognise(facts, command, &message);
    }
    if command.names.key.is_some() {
        facts.tell_for_good(&message);
        facts.record(alias(&message, command));
    } else {
        facts.tell(&message);
    }
    Some(Outcome::Decided(Box::new(message)))
}

/// The same decision under another key of the caller.
fn alias(message: &Message, command: &Command) -> Message {
    Message {
        id: command.message,
        scope: command.names.scope.clone(),
        idempotency_key: command.names.key.clone(),
        name: None,
        fingerprint: command.fingerprint.clone(),
        told: true,
        reversed_amount: Amount::ZERO,
        request_id: command.request_id.clone(),
        created_at: command.now,
        ..message.clone()
    }
}
