//! Whether all that a batch may touch was locked, once it is known what that is.

use super::Facts;
use crate::ledger::command::Command;
use domain::ids::OwnerId;
use store::StoreError;

impl Facts {
    /// What backs a transaction must be locked with it. A deposit that was made on another node a
    /// moment ago may be unknown here: the batch is tried again when this node has heard of it.
    pub(super) fn check_backings(&self) -> Result<(), StoreError> {
        let mut backed = self.transactions.iter().filter_map(|((partner, _), transaction)| {
            Some((*partner, transaction.backing.balance?))
        });
        if backed.all(|key| self.balances.contains_key(&key)) {
            return Ok(());
        }
        let stale = std::io::Error::other("this node's settings lack a partner's balance");
        Err(StoreError::Unavailable(Box::new(stale)))
    }

    /// Whoever's payments are counted must be locked.
    pub(super) fn check_owners(&self, commands: &[&Command]) -> Result<(), StoreError> {
        let mut counted =
            commands.iter().filter_map(|command| Some((command, command.payers.owner()?)));
        let is_owner = |(command, owner): (&&Command, OwnerId)| {
            let balance = command.event.balance();
            let balance = balance.and_then(|id| self.balances.get(&(command.scope.partner(), id)));
            balance.is_none_or(|balance| balance.owner.id() == Some(owner))
        };
        if counted.all(is_owner) { Ok(()) } else { Err(StoreError::Corrupt("owner_id".to_owned())) }
    }
}
