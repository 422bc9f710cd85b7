//! Money moved by the partner or the operator: internal transactions are cleared at once or
//! declined.

use super::accounts::Accounts;
use super::{Account, Change, Leg, rules};
use crate::balance::{Balance, BalanceState, PartnerBalanceKind};
use crate::ids::TransactionId;
use crate::money::Amount;
use crate::partner::CollateralMode;
use crate::transaction::{Category, Description, Order, Processing, Status, Transaction};
use jiff::Timestamp;

/// What an internal transaction depends on beside its order.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The order's balance, if there is one, and the partner's own in its currency.
    pub accounts: &'a Accounts,
    /// Which of the partner's balances limits its users.
    pub mode: CollateralMode,
    /// Whether the balance's owner is under a transactional lock.
    pub under_lock: bool,
    /// The business time.
    pub now: Timestamp,
}

/// Moves the money of an internal transaction, or records why not.
#[must_use]
pub fn transfer(id: TransactionId, order: Order, facts: &Facts<'_>) -> Change {
    let now = facts.now;
    let moved = try_transfer(id, &order, facts);
    moved.unwrap_or_else(|description| {
        let (status, processing) = (Status::Cleared, Processing::Declined);
        Change::record(Transaction::turned_away(id, order, status, processing, description, now))
    })
}

fn try_transfer(
    id: TransactionId,
    order: &Order,
    facts: &Facts<'_>,
) -> Result<Change, Description> {
    let Facts { accounts, mode, now, .. } = *facts;
    let amount = positive(order.amount)?;
    let own = own(order, facts)?;
    let other = rules::other_side(own, order.kind, mode, accounts)?;
    let leg = rules::leg(own, other, order.category, amount);
    leg.iter().try_for_each(|leg| check_funds(own, accounts, leg))?;

    let mut transaction = Transaction::cleared_at_once(id, order.clone(), amount, now);
    transaction.backing.mode = mode;
    let mut accounts = accounts.clone();
    accounts.take_gift(own.id, order.kind, amount)?;
    accounts.finish_new(transaction, leg.into_iter().collect())
}

/// The balance that the order is about.
fn own<'a>(order: &Order, facts: &Facts<'a>) -> Result<&'a Balance, Description> {
    let balance = facts.accounts.own(order)?;
    if !balance.state.is_there() {
        return Err(Description::BalanceNotFound);
    }
    if order.currency != balance.currency {
        return Err(Description::CurrencyMismatch);
    }
    if !order.kind.is_for(balance.owner) {
        return Err(Description::UnknownTransactionType);
    }
    if order.category == Category::Debit && balance.state == BalanceState::Locked {
        return Err(Description::BalanceLocked);
    }
    if order.category == Category::Debit && facts.under_lock {
        return Err(Description::AmlException);
    }
    Ok(balance)
}

/// Nobody is taken below zero by an internal transaction: neither the balance that it is about nor
/// the partner's own that pays for it.
fn check_funds(own: &Balance, accounts: &Accounts, leg: &Leg) -> Result<(), Description> {
    let Account::Balance(payer) = leg.from else { return Ok(()) };
    let payer = accounts.get(payer).ok_or(Description::BalanceNotFound)?;
    match payer.owner.kind() {
        _ if payer.covers(leg.amount) => Ok(()),
        Some(PartnerBalanceKind::Credit) if payer.id != own.id => {
            Err(Description::InsufficientFundsOnCollateralBalance)
        }
        Some(_) | None => Err(Description::InsufficientFunds),
    }
}

/// An amount that can be moved or held: above zero.
pub fn positive(amount: i64) -> Result<Amount, Description> {
    Amount::from_minor(amount)
        .ok()
        .filter(|amount| !amount.is_zero())
        .ok_or(Description::InvalidAmount)
}
