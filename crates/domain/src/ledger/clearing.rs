//! Money moved by the network: clearings inform, so they post whatever the card's or the owner's
//! state, below zero if need be.

use super::{Change, post, rules};
use crate::balance::Balance;
use crate::ids::TransactionId;
use crate::money::{Amount, AmountError};
use crate::transaction::{Category, Description, Flag, Order, Processing, Status, Transaction};
use jiff::Timestamp;

/// Whether more clearings of the same authorization will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// None will: what is still held is let go.
    Final,
    /// Some will: what is still held stays held.
    Partial,
}

/// Clears an open authorization: what was held moves, what is above the hold (a tip, fuel) moves
/// by force. Call it for an open transaction only.
pub fn clear(
    original: &Transaction,
    balance: &Balance,
    amount: Amount,
    finality: Finality,
    now: Timestamp,
) -> Result<Change, AmountError> {
    let (mut transaction, mut balance) = (original.clone(), balance.clone());
    let released = match finality {
        Finality::Final => transaction.held,
        Finality::Partial => amount.min(transaction.held),
    };
    let leg = rules::leg(transaction.order.kind, Category::Debit, &balance, amount);
    balance.release(released)?;
    post(&mut balance, &leg)?;

    transaction.held = transaction.held.checked_sub(released)?;
    transaction.cleared = transaction.cleared.checked_add(amount)?;
    transaction.parts += 1;
    transaction.changed_at = now;
    if finality == Finality::Final {
        transaction.status = Status::Cleared;
        transaction.expires_at = None;
    }
    Ok(Change { transaction, balance: Some(balance), legs: vec![leg] })
}

/// Whether a clearing differs from its authorization by the exchange rate alone: converted, for the
/// same amount at the merchant, and yet for another here. The difference is the partner's (spec
/// "FX"), whose balance isn't built yet, so such a clearing is refused rather than charged to the
/// cardholder.
#[must_use]
pub fn has_fx_difference(original: &Transaction, order: &Order) -> bool {
    let authorized = &original.order;
    let converted = order.original_currency.is_some_and(|merchant| merchant != order.currency);
    converted
        && order.original_amount.is_some()
        && order.original_amount == authorized.original_amount
        && order.original_currency == authorized.original_currency
        && order.amount != authorized.amount
}

/// Posts a clearing that has no open authorization: a transaction of its own, by force.
pub fn clear_alone(
    id: TransactionId,
    order: Order,
    balance: &Balance,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, AmountError> {
    let mut after = balance.clone();
    let leg = rules::leg(order.kind, order.category, balance, amount);
    post(&mut after, &leg)?;
    let mut transaction = Transaction::turned_away(
        id,
        order,
        Status::Cleared,
        Processing::Success,
        Description::Approved,
        now,
    );
    transaction.flag = Some(Flag::WithoutAuthorization);
    transaction.cleared = amount;
    transaction.parts = 1;
    transaction.balance_before = Some(balance.available());
    transaction.balance_after = Some(after.available());
    Ok(Change { transaction, balance: Some(after), legs: vec![leg] })
}
