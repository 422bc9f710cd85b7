//! The ledger: accounts, legs between them, and what each event changes.
//!
//! | event | file |
//! | --- | --- |
//! | which accounts it moves money between | [`rules`] |
//! | a hold let go: reversal, expiry, a late answer | [`release`] |
//! | money moved by the network | [`clearing`] |
//! | money moved by the partner | [`internal`] |
//! | which transaction a message refers to | [`matching`] |

pub mod clearing;
pub mod internal;
pub mod matching;
pub mod release;
pub mod rules;

use crate::balance::Balance;
use crate::ids::BalanceId;
use crate::money::{Amount, AmountError, Currency};
use crate::transaction::Transaction;

/// Where money is. The settlement accounts stand per partner and currency and have no row of
/// their own: no decision reads them, so they are sums of movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// An owner's balance.
    Balance(BalanceId),
    /// The card network.
    Scheme,
    /// Bank money.
    Outside,
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

/// What an event changes: the transaction as it is now, and, if money was held, let go or moved,
/// the balance as it is now and the legs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The transaction after the event.
    pub transaction: Transaction,
    /// The balance after the event, if the event touches it.
    pub balance: Option<Balance>,
    /// What moved.
    pub legs: Vec<Leg>,
}

impl Change {
    /// A record that holds and moves nothing.
    #[must_use]
    pub fn record(transaction: Transaction) -> Self {
        Self { transaction, balance: None, legs: Vec::new() }
    }
}

/// Moves the balance's side of a leg.
fn post(balance: &mut Balance, leg: &Leg) -> Result<(), AmountError> {
    let own = Account::Balance(balance.id);
    if leg.from == own {
        balance.debit(leg.amount)?;
    }
    if leg.to == own {
        balance.credit(leg.amount)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
