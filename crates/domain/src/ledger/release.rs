//! A hold let go, or what was posted taken back: by the network's reversal, by its own end, or
//! because the answer came too late.

use super::accounts::Accounts;
use super::{Change, Leg, rules};
use crate::money::Amount;
use crate::transaction::{Category, Description, Flag, Processing, Status, Transaction};
use jiff::Timestamp;

/// Whether a transaction holds money that can be let go or cleared, or was posted and can still be
/// taken back.
#[must_use]
pub fn is_open(transaction: &Transaction) -> bool {
    transaction.processing == Processing::Success && transaction.status == Status::Authorized
}

/// The network takes an authorization back, in whole or in part: at most what is still held, or of
/// a credit what was posted and isn't settled, by force. Call it for an open transaction only.
pub fn reverse(
    original: &Transaction,
    accounts: &Accounts,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    match original.order.category {
        Category::Debit => {
            let mut change = release(original, accounts, amount.min(original.held), now)?;
            if change.transaction.held.is_zero() {
                close(&mut change.transaction);
            }
            Ok(change)
        }
        Category::Credit => {
            let mut change = took_back(original, accounts, amount, now)?;
            if change.transaction.cleared == change.transaction.settled {
                close(&mut change.transaction);
            }
            Ok(change)
        }
    }
}

/// A hold comes to its end. Call it for an open transaction only.
pub fn expire(
    original: &Transaction,
    accounts: &Accounts,
    now: Timestamp,
) -> Result<Change, Description> {
    let mut change = release(original, accounts, original.held, now)?;
    close(&mut change.transaction);
    change.transaction.description = Description::Expired;
    Ok(change)
}

/// An approval was committed after its time budget had ended: the network was told nothing, so it
/// becomes a decline. What was approved in time and raised it meanwhile stays, as an authorization
/// that lacks its beginning. Call it for an open transaction that nothing was cleared of.
pub fn decline_late(
    original: &Transaction,
    accounts: &Accounts,
    approved: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let raised = original.order.amount.saturating_sub(approved.minor());
    let part = if raised > 0 { approved } else { original.held.max(original.cleared) };
    let mut change = match original.order.category {
        Category::Debit => {
            let stays = Amount::from_minor(raised).unwrap_or(Amount::ZERO);
            let part = part.min(original.held.saturating_sub(stays));
            release(original, accounts, part, now)?
        }
        Category::Credit => took_back(original, accounts, part, now)?,
    };
    let late = &mut change.transaction;
    if raised > 0 {
        late.order.amount = raised;
        late.order.original_amount = None;
        late.flag = Some(Flag::WithoutAuthorization);
        if late.held.is_zero() && late.cleared.is_zero() {
            close(late);
        }
        return Ok(change);
    }
    late.processing = Processing::Declined;
    late.description = Description::UnknownError;
    late.expires_at = None;
    late.authorization_code = None;
    Ok(change)
}

/// The same for what raised a hold: the rest of it stays. Call it for an open transaction only.
pub fn decline_increment(
    original: &Transaction,
    accounts: &Accounts,
    increment: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let part = increment.min(original.held);
    let mut change = release(original, accounts, part, now)?;
    let late = &mut change.transaction;
    late.order.amount = late.order.amount.saturating_sub(part.minor());
    late.order.original_amount = None;
    // The beginning was late too.
    if late.order.amount == 0 {
        close(late);
    }
    Ok(change)
}

/// What the partner was asked about is declined: it let nothing be taken, or can't be heard. Call
/// it for a transaction that is being asked about only.
pub fn decline_asked(
    asked: &Transaction,
    accounts: &Accounts,
    why: Description,
    now: Timestamp,
) -> Result<Change, Description> {
    let mut change = release(asked, accounts, asked.held, now)?;
    let declined = &mut change.transaction;
    declined.processing = Processing::Declined;
    declined.description = why;
    declined.expires_at = None;
    declined.authorization_code = None;
    declined.asking = None;
    Ok(change)
}

/// The network takes back what the partner is still being asked about, all of it. Call it for a
/// transaction that is being asked about only.
pub fn reverse_asked(
    asked: &Transaction,
    accounts: &Accounts,
    now: Timestamp,
) -> Result<Change, Description> {
    let mut change = decline_asked(asked, accounts, Description::Approved, now)?;
    change.transaction.processing = Processing::Success;
    close(&mut change.transaction);
    Ok(change)
}

/// Lets go of a part of what is held, on both balances.
fn release(
    original: &Transaction,
    accounts: &Accounts,
    part: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let (mut transaction, mut accounts) = (original.clone(), accounts.clone());
    let_go(&mut transaction, &mut accounts, part)?;
    transaction.changed_at = now;
    accounts.finish(transaction, Vec::new())
}

/// Lets go of a part of what is held, on both balances, within a greater change.
pub(super) fn let_go(
    transaction: &mut Transaction,
    accounts: &mut Accounts,
    part: Amount,
) -> Result<(), Description> {
    let backing = &mut transaction.backing;
    let part_of_deposit = part.min(backing.held);
    if let Some(deposit) = backing.balance {
        backing.held = backing.held.saturating_sub(part_of_deposit);
        accounts.release(deposit, part_of_deposit)?;
    }
    transaction.held = transaction.held.saturating_sub(part);
    let own = accounts.own(&transaction.order)?.id;
    accounts.release(own, part)
}

/// Takes back what a credit has posted, and nothing else.
fn took_back(
    original: &Transaction,
    accounts: &Accounts,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let (mut transaction, accounts) = (original.clone(), accounts.clone());
    let legs = take_back(&mut transaction, &accounts, amount)?;
    transaction.parts += i64::from(!legs.is_empty());
    transaction.changed_at = now;
    accounts.finish(transaction, legs)
}

/// Takes back what a credit has posted and the network hasn't settled yet, by force, within a
/// greater change.
pub(super) fn take_back(
    transaction: &mut Transaction,
    accounts: &Accounts,
    amount: Amount,
) -> Result<Vec<Leg>, Description> {
    let own = accounts.own(&transaction.order)?;
    let part = amount.min(transaction.cleared.saturating_sub(transaction.settled));
    let unsettled = transaction.backing.moved.saturating_sub(transaction.settled);
    let part_of_deposit = part.min(unsettled);
    let deposit = accounts.behind(&transaction.backing);
    let legs = [
        rules::of_owner(own, deposit, Category::Debit, part),
        rules::of_partner(deposit, Category::Debit, part_of_deposit),
    ];
    transaction.cleared = transaction.cleared.saturating_sub(part);
    transaction.backing.moved = transaction.backing.moved.saturating_sub(part_of_deposit);
    Ok(legs.into_iter().flatten().collect())
}

/// Nothing is held any more: what has moved decides how it ended.
pub(super) fn close(transaction: &mut Transaction) {
    transaction.status =
        if transaction.cleared.is_zero() { Status::Reversed } else { Status::Cleared };
    transaction.expires_at = None;
}
