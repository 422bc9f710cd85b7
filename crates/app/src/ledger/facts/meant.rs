//! The messages and transactions that a command means by a network id, or is recognised by: an
//! increment has no transaction of its own.

use super::Facts;
use crate::ledger::command::{Command, Event, Stage, network_name};
use domain::authorization::Ask;
use domain::ids::{CardId, PartnerId, TransactionId};
use domain::transaction::Processing;
use std::collections::{BTreeSet, HashSet};
use store::db::Tx;
use store::ledger::{self, Message};
use store::{StoreError, transactions};

/// Network ids aren't unique, nor are those of a card.
type NetworkId<'a> = (PartnerId, CardId, &'a str);

impl Facts {
    /// Reads the messages that commands may repeat or mean.
    pub(super) async fn load_messages(
        &mut self,
        tx: &mut Tx,
        commands: &[&Command],
    ) -> Result<(), StoreError> {
        let keys = commands.iter().filter_map(|command| {
            let names = &command.names;
            Some((command.scope.partner(), names.scope.as_str(), names.key.as_deref()?))
        });
        for message in ledger::messages_by_key(tx, keys).await? {
            self.remember(message);
        }
        let named = commands
            .iter()
            .filter_map(|command| Some((command.scope.partner(), command.names.name.as_ref()?)));
        for message in ledger::messages_by_name(tx, named).await? {
            self.remember(message);
        }
        let ids: BTreeSet<NetworkId<'_>> = asked(commands).chain(meant(commands)).collect();
        for message in ledger::messages_by_network_id(tx, ids.into_iter()).await? {
            self.remember(message);
        }
        let late = commands.iter().filter_map(|command| match &command.event {
            Event::DeclineLate { message, .. } | Event::Unanswered { message, .. } => {
                Some((command.scope.partner(), *message))
            }
            Event::Authorize { .. }
            | Event::Inform { .. }
            | Event::Reverse { .. }
            | Event::Clear { .. }
            | Event::Transfer { .. }
            | Event::Expire { .. } => None,
        });
        for message in ledger::messages_by_id(tx, late).await? {
            self.remember(message);
        }
        Ok(())
    }

    /// Reads the transactions that commands are about, by the messages that were read before.
    pub(super) async fn load_transactions(
        &mut self,
        tx: &mut Tx,
        commands: &[&Command],
    ) -> Result<(), StoreError> {
        // A transaction bears the network id of a message that was decided about it.
        let ids: HashSet<NetworkId<'_>> = asked(commands).chain(meant(commands)).collect();
        let bear = self.by_id.values().filter(|message| {
            let of = message.name.as_ref().and_then(|name| name.of.as_ref());
            of.is_some_and(|(card, id)| ids.contains(&(message.partner, *card, id.as_str())))
        });
        let bear: BTreeSet<_> = bear.map(|it| (it.partner, it.transaction)).collect();
        for (partner, found) in transactions::load(tx, bear.into_iter()).await? {
            if matches!(found.processing, Processing::Success | Processing::Asking) {
                self.know(partner, found);
            }
        }
        let ids: BTreeSet<_> = commands
            .iter()
            .filter_map(|command| match &command.event {
                Event::Expire { transaction, .. }
                | Event::DeclineLate { transaction, .. }
                | Event::Unanswered { transaction, .. } => {
                    Some((command.scope.partner(), *transaction))
                }
                Event::Authorize { stage: Stage::Told(_), .. }
                | Event::Transfer { stage: Stage::Told(_), .. } => {
                    Some((command.scope.partner(), command.transaction))
                }
                Event::Authorize { .. }
                | Event::Inform { .. }
                | Event::Reverse { .. }
                | Event::Clear { .. }
                | Event::Transfer { .. } => None,
            })
            .chain(commands.iter().filter_map(|command| {
                Some((command.scope.partner(), self.increment_meant(command)?.transaction))
            }))
            .chain(commands.iter().filter_map(|command| self.own_question(command)))
            .collect();
        for (partner, found) in transactions::load(tx, ids.into_iter()).await? {
            self.know(partner, found);
        }
        Ok(())
    }

    /// What a partner is asked about by a command's own message: a commit whose outcome wasn't
    /// known has written it. An internal transaction has no network id that leads there.
    fn own_question(&self, command: &Command) -> Option<(PartnerId, TransactionId)> {
        let message = self.message_of_key(command).or_else(|| self.message_of_name(command))?;
        let is_own = message.id == command.message && message.processing == Processing::Asking;
        is_own.then_some((message.partner, message.transaction))
    }

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
        let message = self.by_name.get(&(command.scope.partner(), name))?;
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

/// The cards and network ids of what merchants ask: somebody may have told of it before.
fn asked<'a>(commands: &'a [&Command]) -> impl Iterator<Item = NetworkId<'a>> {
    commands.iter().filter_map(|command| {
        let order = command.event.asked()?;
        Some((command.scope.partner(), order.card?, order.network_id.as_str()))
    })
}

/// The cards and network ids that commands refer to.
fn meant<'a>(commands: &'a [&Command]) -> impl Iterator<Item = NetworkId<'a>> {
    commands.iter().filter_map(|command| {
        let (card, reference) = command.event.reference()?;
        Some((command.scope.partner(), card, reference.id.as_str()))
    })
}
