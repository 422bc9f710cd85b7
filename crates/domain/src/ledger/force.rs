//! What has already happened and only informs: advices, force posts, adjustments. Nothing of it is
//! refused for want of money, and it may take a balance below zero.

use super::accounts::Accounts;
use super::release::{close, let_go, take_back};
use super::rules::{self, Backing};
use super::{Change, Leg};
use crate::ids::TransactionId;
use crate::money::Amount;
use crate::partner::CollateralMode;
use crate::transaction::{Category, Description, Flag, Order, Processing, Status, Transaction};
use jiff::Timestamp;

/// A transaction to be made by force.
#[derive(Clone, Copy, Debug)]
pub struct Forced<'a> {
    /// Its id.
    pub id: TransactionId,
    /// What its message said.
    pub order: &'a Order,
    /// In minor units, above zero.
    pub amount: Amount,
    /// How the partner's settings back it now.
    pub mode: CollateralMode,
    /// What the merchant keeps of it.
    pub code: &'a str,
    /// When its hold ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The business time.
    pub now: Timestamp,
}

impl Forced<'_> {
    fn record(&self, accounts: &Accounts) -> Transaction {
        let (status, done) = (Status::Authorized, Processing::Success);
        let (order, why) = (self.order.clone(), Description::Approved);
        let mut transaction = Transaction::turned_away(self.id, order, status, done, why, self.now);
        transaction.authorization_code = Some(self.code.to_owned());
        transaction.backing = Backing::of(self.mode, accounts);
        transaction
    }
}

/// Holds an amount, whatever is there. The caller has decided that it may.
pub fn hold(forced: &Forced<'_>, accounts: &Accounts) -> Result<Change, Description> {
    let (mut transaction, mut accounts) = (forced.record(accounts), accounts.clone());
    transaction.expires_at = forced.expires_at;
    transaction.balance_before = Some(accounts.own(forced.order)?.available());
    take(&mut transaction, &mut accounts, forced.amount)?;
    accounts.finish_new(transaction, Vec::new())
}

/// Whether the partner's deposit gets its share of a credit at once or when it clears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositGets {
    /// The credit was forced.
    AtOnce,
    /// The credit was decided.
    WhenCleared,
}

/// Posts a credit at once; it stays `AUTHORIZED` until it clears.
pub fn credit(
    forced: &Forced<'_>,
    deposit_gets: DepositGets,
    accounts: &Accounts,
) -> Result<Change, Description> {
    let mut transaction = forced.record(accounts);
    let (own, way) = (accounts.own(forced.order)?, Category::Credit);
    let deposit = accounts.behind(&transaction.backing);
    let mut legs: Vec<Leg> =
        rules::of_owner(own, deposit, way, forced.amount).into_iter().collect();
    if deposit.is_some() && deposit_gets == DepositGets::AtOnce {
        legs.extend(rules::of_partner(deposit, way, forced.amount));
        transaction.backing.moved = forced.amount;
    }
    transaction.cleared = forced.amount;
    transaction.parts = 1;
    accounts.clone().finish_new(transaction, legs)
}

/// Raises a hold, on both balances, whatever is there. Call it for an open debit only.
pub fn raise(
    original: &Transaction,
    accounts: &Accounts,
    amount: Amount,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Change, Description> {
    let (mut transaction, mut accounts) = (original.clone(), accounts.clone());
    take(&mut transaction, &mut accounts, amount)?;
    let total = transaction.order.amount.checked_add(amount.minor());
    transaction.order.amount = total.ok_or(Description::InvalidAmount)?;
    // What the merchant's amount was converted to is no longer the amount.
    transaction.order.original_amount = None;
    transaction.expires_at = expires_at.or(transaction.expires_at);
    transaction.changed_at = now;
    accounts.finish(transaction, Vec::new())
}

/// An advice of what we have approved: no second hold, only what differs from the first. Call it
/// for an open transaction only.
pub fn confirm(
    original: &Transaction,
    accounts: &Accounts,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let so_far = original.held.checked_add(original.cleared);
    let so_far = so_far.map_err(|_| Description::InvalidAmount)?;
    if amount == so_far {
        return Ok(Change::record(original.clone()));
    }
    if amount > so_far {
        adjust(original, accounts, original.order.category, amount.saturating_sub(so_far), now)
    } else {
        let way = opposite(original.order.category);
        adjust(original, accounts, way, so_far.saturating_sub(amount), now)
    }
}

/// Changes an open transaction: one way raises what is held or posted, the other lowers it. Call it
/// for an open transaction only.
pub fn adjust(
    original: &Transaction,
    accounts: &Accounts,
    way: Category,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let category = original.order.category;
    let mut change = match (category, way == category) {
        (Category::Debit, true) => return raise(original, accounts, amount, None, now),
        (Category::Debit, false) => {
            let (mut transaction, mut accounts) = (original.clone(), accounts.clone());
            let_go(&mut transaction, &mut accounts, amount.min(original.held))?;
            transaction.changed_at = now;
            accounts.finish(transaction, Vec::new())?
        }
        (Category::Credit, true) => return post_more(original, accounts, amount, now),
        (Category::Credit, false) => take_back(original, accounts, amount, now)?,
    };
    let transaction = &mut change.transaction;
    transaction.order.original_amount = None;
    transaction.order.amount = transaction.order.amount.saturating_sub(amount.minor()).max(0);
    let nothing_left = match category {
        Category::Debit => transaction.held.is_zero(),
        Category::Credit => transaction.cleared == transaction.settled,
    };
    if nothing_left && !amount.is_zero() {
        close(transaction);
    }
    Ok(change)
}

/// A movement of its own, cleared at once: a clearing without authorization, an adjustment of what
/// is no longer open. It has the backing that the partner's settings ask for now.
pub fn post_alone(
    id: TransactionId,
    order: Order,
    accounts: &Accounts,
    (mode, amount): (CollateralMode, Amount),
    flag: Option<Flag>,
    now: Timestamp,
) -> Result<Change, Description> {
    let backing = Backing::of(mode, accounts);
    let (own, deposit) = (accounts.own(&order)?, accounts.behind(&backing));
    let legs = rules::of_both(own, deposit, order.category, amount);
    let mut transaction = Transaction::cleared_at_once(id, order, amount, now);
    transaction.backing = backing;
    if deposit.is_some() {
        transaction.backing.moved = amount;
    }
    transaction.flag = flag;
    accounts.clone().finish_new(transaction, legs)
}

fn post_more(
    original: &Transaction,
    accounts: &Accounts,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let (mut transaction, accounts) = (original.clone(), accounts.clone());
    let (own, deposit) = (accounts.own(&transaction.order)?, accounts.behind(&transaction.backing));
    let leg = rules::of_owner(own, deposit, Category::Credit, amount);
    let cleared = transaction.cleared.checked_add(amount);
    transaction.cleared = cleared.map_err(|_| Description::InvalidAmount)?;
    let total = transaction.order.amount.checked_add(amount.minor());
    transaction.order.amount = total.ok_or(Description::InvalidAmount)?;
    transaction.order.original_amount = None;
    transaction.parts += i64::from(leg.is_some());
    transaction.changed_at = now;
    accounts.finish(transaction, leg.into_iter().collect())
}

/// Holds more of both balances.
fn take(
    transaction: &mut Transaction,
    accounts: &mut Accounts,
    amount: Amount,
) -> Result<(), Description> {
    let more = |sum: Amount| sum.checked_add(amount).map_err(|_| Description::InvalidAmount);
    if let Some(deposit) = transaction.backing.balance {
        transaction.backing.held = more(transaction.backing.held)?;
        accounts.hold(deposit, amount)?;
    }
    transaction.held = more(transaction.held)?;
    let own = accounts.own(&transaction.order)?.id;
    accounts.hold(own, amount)
}

fn opposite(way: Category) -> Category {
    match way {
        Category::Debit => Category::Credit,
        Category::Credit => Category::Debit,
    }
}
