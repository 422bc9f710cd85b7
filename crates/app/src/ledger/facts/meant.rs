//! The messages that a command means by a network id: an increment has no transaction of its own.

use super::Facts;
use crate::ledger::command::{Command, network_name};
use domain::authorization::Ask;
use domain::transaction::Processing;
use store::ledger::Message;

impl Facts {
    /// The approved increment whose network id a command refers to.
    pub(in crate::ledger) fn increment_meant(&self, command: &Command) -> Option<&Message> {
        self.message_meant(command, Ask::Increment.as_str())
    }

    /// The approved message of a kind whose network id a command refers to.
    pub(in crate::ledger) fn message_meant(
        &self,
        command: &Command,
        kind: &str,
    ) -> Option<&Message> {
        let (card, reference) = command.event.reference()?;
        let name = network_name(reference, kind, card)?;
        let message = self.by_network_key.get(&(command.scope.partner(), name))?;
        (message.processing == Processing::Success).then_some(message)
    }

    /// Keeps what became of an earlier message: how much of an increment was reversed, or that
    /// what it approved was confirmed.
    pub(in crate::ledger) fn change(&mut self, earlier: Message) {
        match self.writes.messages.iter_mut().find(|new| new.id == earlier.id) {
            Some(new) => *new = earlier.clone(),
            None => {
                self.writes.changed_messages.insert((earlier.partner, earlier.id));
            }
        }
        self.remember(earlier);
    }
}
