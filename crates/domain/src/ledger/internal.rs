//! Money moved by the partner: internal transactions are cleared at once or declined.

use super::{Change, post, rules};
use crate::balance::{Balance, BalanceState};
use crate::ids::TransactionId;
use crate::money::Amount;
use crate::transaction::{Description, Order, Processing, Status, Transaction};
use jiff::Timestamp;

/// Moves the money of an internal transaction, or records why not: `balance` is `None` when the
/// partner has no such balance.
#[must_use]
pub fn transfer(
    id: TransactionId,
    order: Order,
    balance: Option<&Balance>,
    now: Timestamp,
) -> Change {
    match checked(&order, balance) {
        Ok((amount, before, after)) => {
            let leg = rules::leg(order.kind, order.category, before, amount);
            let mut transaction = Transaction::turned_away(
                id,
                order,
                Status::Cleared,
                Processing::Success,
                Description::Approved,
                now,
            );
            transaction.cleared = amount;
            transaction.parts = 1;
            transaction.balance_before = Some(before.available());
            transaction.balance_after = Some(after.available());
            Change { transaction, balance: Some(after), legs: vec![leg] }
        }
        Err(description) => Change::record(Transaction::turned_away(
            id,
            order,
            Status::Cleared,
            Processing::Declined,
            description,
            now,
        )),
    }
}

/// The checks in their order; what the balance will be if all pass.
fn checked<'a>(
    order: &Order,
    balance: Option<&'a Balance>,
) -> Result<(Amount, &'a Balance, Balance), Description> {
    let amount = positive(order.amount)?;
    let balance = balance
        .filter(|balance| balance.state != BalanceState::Removed)
        .ok_or(Description::BalanceNotFound)?;
    if order.currency != balance.currency {
        return Err(Description::CurrencyMismatch);
    }
    let mut after = balance.clone();
    post(&mut after, &rules::leg(order.kind, order.category, balance, amount))
        .map_err(|_| Description::InvalidAmount)?;
    Ok((amount, balance, after))
}

/// An amount that can be moved or held: above zero.
pub fn positive(amount: i64) -> Result<Amount, Description> {
    Amount::from_minor(amount)
        .ok()
        .filter(|amount| !amount.is_zero())
        .ok_or(Description::InvalidAmount)
}
