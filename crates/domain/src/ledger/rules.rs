//! Which accounts an event moves money between, for collateral mode `NONE` (spec "Accounts and
//! legs"). The other modes are refused when a partner is set up, until their issue is built.

use super::{Account, Leg};
use crate::balance::Balance;
use crate::money::Amount;
use crate::transaction::{Category, TransactionType};

/// The leg of an event.
#[must_use]
pub fn leg(kind: TransactionType, category: Category, balance: &Balance, amount: Amount) -> Leg {
    let other = match kind {
        TransactionType::TopUp => Account::Outside,
        TransactionType::Pos
        | TransactionType::Atm
        | TransactionType::CashbackAtPos
        | TransactionType::Aft
        | TransactionType::Adjustment => Account::Scheme,
    };
    let own = Account::Balance(balance.id);
    let (from, to) = match category {
        Category::Debit => (own, other),
        Category::Credit => (other, own),
    };
    Leg { from, to, amount, currency: balance.currency }
}
