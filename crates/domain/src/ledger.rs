//! The ledger: accounts, legs between them, and what each event changes.
//!
//! | event | file |
//! | --- | --- |
//! | which accounts it moves money between | [`rules`] |
//! | the balances that a decision touches | [`accounts`] |
//! | a hold let go: reversal, expiry, a late answer | [`release`] |
//! | money held or moved by force: advices, force posts, adjustments | [`force`] |
//! | money settled by the network | [`clearing`] |
//! | money moved by the partner or the operator | [`internal`] |
//! | which transaction a message refers to | [`matching`] |

pub mod accounts;
pub mod clearing;
pub mod force;
pub mod internal;
pub mod matching;
pub mod release;
pub mod rules;

use crate::balance::Balance;
use crate::ids::BalanceId;
use crate::money::{Amount, Currency};
use crate::transaction::Transaction;

/// Where money is. The settlement accounts stand per partner and currency and have no row of
/// their own: no decision reads them, so they are sums of movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// An owner's or the partner's own balance.
    Balance(BalanceId),
    /// The card network.
    Scheme,
    /// Bank money.
    Outside,
    /// What the partner keeps in its own books.
    Books,
}

/// An amount from one account to another: balanced in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Whose it was.
    pub from: Account,
    /// Whose it is.
    pub to: Account,
    /// How much, above zero.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
}

/// A transaction and what of it moves now.
#[derive(Clone, Debug, PartialEq)]
pub struct Posting {
    /// The transaction after the event.
    pub transaction: Transaction,
    /// What moves.
    pub legs: Vec<Leg>,
}

/// What an event changes: the transaction as it is now, the balances that it touches as they are
/// now, and what moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The transaction after the event.
    pub transaction: Transaction,
    /// The balances that the event touches, after it.
    pub balances: Vec<Balance>,
    /// What moved.
    pub legs: Vec<Leg>,
    /// A transaction of its own that comes with it: a difference of exchange rates, on the
    /// partner's `COMPANY`; what an adjustment moves beyond a hold.
    pub beside: Option<Box<Posting>>,
}

impl Change {
    /// The same with a transaction of its own beside it, which was made after it.
    #[must_use]
    fn with(self, beside: Self) -> Self {
        let Self { transaction, mut balances, legs, .. } = beside;
        let again = |id| balances.iter().any(|balance: &Balance| balance.id == id);
        let before: Vec<Balance> =
            self.balances.iter().filter(|balance| !again(balance.id)).cloned().collect();
        balances.extend(before);
        let beside = Some(Box::new(Posting { transaction, legs }));
        Self { balances, beside, ..self }
    }

    /// A record that holds and moves nothing.
    #[must_use]
    pub fn record(transaction: Transaction) -> Self {
        Self { transaction, balances: Vec::new(), legs: Vec::new(), beside: None }
    }
}

#[cfg(test)]
mod tests;
