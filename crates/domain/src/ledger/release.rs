//! A hold let go: by the network's reversal, by its own end, or because the answer came too late.

use super::Change;
use crate::balance::Balance;
use crate::money::{Amount, AmountError};
use crate::transaction::{Description, Processing, Status, Transaction};
use jiff::Timestamp;

/// Whether a transaction holds money that can be let go or cleared.
#[must_use]
pub fn is_open(transaction: &Transaction) -> bool {
    transaction.processing == Processing::Success && transaction.status == Status::Authorized
}

/// The network takes an authorization back, in whole or in part: at most what is still held.
/// Call it for an open transaction only.
pub fn reverse(
    original: &Transaction,
    balance: &Balance,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, AmountError> {
    let part = amount.min(original.held);
    let mut change = release(original, balance, part, now)?;
    if change.transaction.held.is_zero() {
        close(&mut change.transaction);
    }
    Ok(change)
}

/// A hold comes to its end. Call it for an open transaction only.
pub fn expire(
    original: &Transaction,
    balance: &Balance,
    now: Timestamp,
) -> Result<Change, AmountError> {
    let mut change = release(original, balance, original.held, now)?;
    close(&mut change.transaction);
    change.transaction.description = Description::Expired;
    Ok(change)
}

/// An approval was committed after its time budget had ended: the network was told nothing, so it
/// becomes a decline. Call it for an open transaction only.
pub fn decline_late(
    original: &Transaction,
    balance: &Balance,
    now: Timestamp,
) -> Result<Change, AmountError> {
    let mut change = release(original, balance, original.held, now)?;
    let late = &mut change.transaction;
    late.processing = Processing::Declined;
    late.description = Description::UnknownError;
    late.expires_at = None;
    late.authorization_code = None;
    Ok(change)
}

fn release(
    original: &Transaction,
    balance: &Balance,
    part: Amount,
    now: Timestamp,
) -> Result<Change, AmountError> {
    let (mut transaction, mut balance) = (original.clone(), balance.clone());
    transaction.held = transaction.held.checked_sub(part)?;
    transaction.changed_at = now;
    balance.release(part)?;
    Ok(Change { transaction, balance: Some(balance), legs: Vec::new() })
}

/// Nothing is held any more: what has moved decides how it ended.
fn close(transaction: &mut Transaction) {
    transaction.status =
        if transaction.cleared.is_zero() { Status::Reversed } else { Status::Cleared };
    transaction.expires_at = None;
}
