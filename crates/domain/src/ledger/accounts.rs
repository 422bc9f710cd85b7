//! The balances that a decision may touch: holds and legs change them here, and what was touched is
//! what is written.

use super::rules::Backing;
use super::{Account, Change, Leg};
use crate::balance::{Balance, PartnerBalanceKind};
use crate::ids::BalanceId;
use crate::money::Amount;
use crate::transaction::{Description, Order, Transaction, TransactionType};

/// Some balances of a partner in one currency, while a decision is made.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    balances: Vec<Balance>,
    touched: Vec<BalanceId>,
}

impl Accounts {
    /// Begins with the balances as they are.
    pub fn of<'a>(balances: impl IntoIterator<Item = &'a Balance>) -> Self {
        Self { balances: balances.into_iter().cloned().collect(), touched: Vec::new() }
    }

    /// A balance as it is now.
    #[must_use]
    pub fn get(&self, id: BalanceId) -> Option<&Balance> {
        self.balances.iter().find(|balance| balance.id == id)
    }

    /// The owner's balance that an order is about.
    pub fn own(&self, order: &Order) -> Result<&Balance, Description> {
        order.balance.and_then(|id| self.get(id)).ok_or(Description::BalanceNotFound)
    }

    /// The partner's balance that backs a transaction, if one does.
    #[must_use]
    pub fn behind(&self, backing: &Backing) -> Option<&Balance> {
        backing.balance.and_then(|id| self.get(id))
    }

    /// The partner's own balance of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: PartnerBalanceKind) -> Option<&Balance> {
        self.balances.iter().find(|balance| balance.owner.kind() == Some(kind))
    }

    /// Holds an amount of a balance; what the partner holds isn't held here besides.
    pub fn hold(&mut self, id: BalanceId, amount: Amount) -> Result<(), Description> {
        if self.is_external(id) {
            return Ok(());
        }
        let balance = self.touch(id)?;
        balance.hold(amount).map_err(|_| Description::InvalidAmount)
    }

    /// Lets go of what a balance held.
    pub fn release(&mut self, id: BalanceId, amount: Amount) -> Result<(), Description> {
        if self.is_external(id) {
            return Ok(());
        }
        let balance = self.touch(id)?;
        balance.release(amount).map_err(|_| Description::InvalidAmount)
    }

    /// Writes down what the partner moves of a gift, if it may; nothing of another balance.
    pub fn take_gift(
        &mut self,
        id: BalanceId,
        kind: TransactionType,
        amount: Amount,
    ) -> Result<(), Description> {
        if self.get(id).is_some_and(|balance| balance.gift.is_none()) {
            return Ok(());
        }
        self.touch(id)?.gift.as_mut().map_or(Ok(()), |gift| gift.take(kind, amount))
    }

    /// Moves the money of a leg, below zero if need be: whether it may is decided before.
    pub fn post(&mut self, leg: &Leg) -> Result<(), Description> {
        if let Account::Balance(id) = leg.from {
            self.touch(id)?.debit(leg.amount).map_err(|_| Description::InvalidAmount)?;
        }
        if let Account::Balance(id) = leg.to {
            self.touch(id)?.credit(leg.amount).map_err(|_| Description::InvalidAmount)?;
        }
        Ok(())
    }

    /// The balances as a change leaves them.
    #[must_use]
    pub fn after(&self, change: &Change) -> Self {
        let left = |balance: &Balance| {
            let changed = change.balances.iter().find(|changed| changed.id == balance.id);
            changed.unwrap_or(balance).clone()
        };
        Self { balances: self.balances.iter().map(left).collect(), touched: Vec::new() }
    }

    /// What was done, when all is done: the legs are posted.
    pub fn finish(
        mut self,
        transaction: Transaction,
        legs: Vec<Leg>,
    ) -> Result<Change, Description> {
        legs.iter().try_for_each(|leg| self.post(leg))?;
        let Self { mut balances, touched } = self;
        balances.retain(|balance| touched.contains(&balance.id));
        Ok(Change { transaction, balances, legs, beside: None })
    }

    /// The same for a new transaction, which tells what could be spent before and after it.
    pub fn finish_new(
        self,
        mut transaction: Transaction,
        legs: Vec<Leg>,
    ) -> Result<Change, Description> {
        let own = self.own(&transaction.order)?;
        let id = own.id;
        transaction.balance_before = transaction.balance_before.or(own.known_available());
        let mut change = self.finish(transaction, legs)?;
        let after = change.balances.iter().find(|balance| balance.id == id);
        let after = after.and_then(Balance::known_available);
        change.transaction.balance_after = after.or(change.transaction.balance_before);
        Ok(change)
    }

    fn is_external(&self, id: BalanceId) -> bool {
        self.get(id).is_some_and(Balance::is_external)
    }

    fn touch(&mut self, id: BalanceId) -> Result<&mut Balance, Description> {
        let found = self.balances.iter_mut().find(|balance| balance.id == id);
        let balance = found.ok_or(Description::BalanceNotFound)?;
        if !self.touched.contains(&id) {
            self.touched.push(id);
        }
        Ok(balance)
    }
}
