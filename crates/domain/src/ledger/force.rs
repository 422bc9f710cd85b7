//! What has already happened and only informs: advices, force posts, adjustments. Nothing of it is
//! refused for want of money, and it may take a balance below zero.

use super::accounts::Accounts;
use super::release::{close, let_go, take_back};
use super::rules::{self, Backing};
use super::{Change, Leg};
use crate::ids::TransactionId;
use crate::money::Amount;
use crate::partner::CollateralMode;
use crate::program::PreAuthorization;
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
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
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
    transaction.pre_authorization = forced.pre_authorization;
    transaction.balance_before = accounts.own(forced.order)?.known_available();
    take(&mut transaction, &mut accounts, forced.amount)?;
    accounts.finish_new(transaction, Vec::new())
}

/// An advice of a hold that has expired: holds again what of its own part wasn't cleared; nothing,
/// if all was.
pub fn hold_again(
    expired: &Transaction,
    cleared: Amount,
    forced: &Forced<'_>,
    accounts: &Accounts,
) -> Result<Change, Description> {
    let rest = forced.amount.saturating_sub(cleared);
    if rest.is_zero() {
        return Ok(Change::record(expired.clone()));
    }
    let mut order = Order { amount: rest.minor(), ..forced.order.clone() };
    if rest != forced.amount {
        order.original_amount = None;
    }
    hold(&Forced { order: &order, amount: rest, ..*forced }, accounts)
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
    let legs = alter(&mut transaction, &mut accounts, Category::Debit, amount)?;
    transaction.expires_at = expires_at.or(transaction.expires_at);
    altered(transaction, accounts, legs, now)
}

/// An advice of what we have approved: no second hold, only what differs from what was approved
/// under its name so far. What else has raised or lowered the hold meanwhile stays as it is. A
/// credit that was decided may be forced now. Call it for an open transaction only.
pub fn confirm(
    original: &Transaction,
    accounts: &Accounts,
    (so_far, amount): (Amount, Amount),
    deposit_gets: DepositGets,
    now: Timestamp,
) -> Result<Change, Description> {
    let (mut transaction, mut accounts) = (original.clone(), accounts.clone());
    let way = transaction.order.category;
    let mut legs = if amount >= so_far {
        alter(&mut transaction, &mut accounts, way, amount.saturating_sub(so_far))?
    } else {
        alter(&mut transaction, &mut accounts, opposite(way), so_far.saturating_sub(amount))?
    };
    if way == Category::Credit && deposit_gets == DepositGets::AtOnce {
        legs.extend(credit_deposit(&mut transaction, &accounts));
    }
    altered(transaction, accounts, legs, now)
}

/// The deposit gets what the owner has got before it.
fn credit_deposit(transaction: &mut Transaction, accounts: &Accounts) -> Option<Leg> {
    let deposit = accounts.behind(&transaction.backing)?;
    let rest = transaction.cleared.saturating_sub(transaction.backing.moved);
    transaction.backing.moved = transaction.backing.moved.max(transaction.cleared);
    rules::of_partner(Some(deposit), Category::Credit, rest)
}

/// Changes an open transaction: one way raises what is held or posted, the other lowers it, by what
/// there is at most. Call it for an open transaction only.
pub fn adjust(
    original: &Transaction,
    accounts: &Accounts,
    way: Category,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    let (mut transaction, mut accounts) = (original.clone(), accounts.clone());
    let legs = alter(&mut transaction, &mut accounts, way, amount)?;
    altered(transaction, accounts, legs, now)
}

/// A correction of an open transaction: it raises what is held or posted, or lowers it. What it
/// gives back beyond that is moved too, as a transaction of its own that refers to this one: there
/// it corrects what was cleared already. Call it for an open transaction only.
pub fn correct(
    original: &Transaction,
    accounts: &Accounts,
    (id, order): (TransactionId, Order),
    (mode, amount): (CollateralMode, Amount),
    now: Timestamp,
) -> Result<Change, Description> {
    let way = order.category;
    let part = match (original.order.category, way) {
        (Category::Debit, Category::Debit) | (Category::Credit, Category::Credit) => amount,
        (Category::Debit, Category::Credit) => amount.min(original.held),
        (Category::Credit, Category::Debit) => {
            amount.min(original.cleared.saturating_sub(original.settled))
        }
    };
    if part.is_zero() {
        return post_alone(id, order, accounts, (mode, amount), None, now);
    }
    let change = adjust(original, accounts, way, part, now)?;
    let rest = amount.saturating_sub(part);
    if rest.is_zero() {
        return Ok(change);
    }
    let order = Order { amount: rest.minor(), original_amount: None, ..order };
    let accounts = accounts.after(&change);
    Ok(change.with(post_alone(id, order, &accounts, (mode, rest), None, now)?))
}

/// Raises or lowers what is held or posted, within a greater change.
fn alter(
    transaction: &mut Transaction,
    accounts: &mut Accounts,
    way: Category,
    amount: Amount,
) -> Result<Vec<Leg>, Description> {
    if amount.is_zero() {
        return Ok(Vec::new());
    }
    let category = transaction.order.category;
    let legs = match (category, way == category) {
        (Category::Debit, true) => take(transaction, accounts, amount).map(|()| Vec::new())?,
        (Category::Debit, false) => {
            let part = amount.min(transaction.held);
            let_go(transaction, accounts, part).map(|()| Vec::new())?
        }
        (Category::Credit, true) => post_more(transaction, accounts, amount)?,
        (Category::Credit, false) => take_back(transaction, accounts, amount)?,
    };
    let order = &mut transaction.order;
    order.amount = if way == category {
        order.amount.checked_add(amount.minor()).ok_or(Description::InvalidAmount)?
    } else {
        order.amount.saturating_sub(amount.minor()).max(0)
    };
    // What the merchant's amount was converted to is no longer the amount.
    order.original_amount = None;
    let nothing_left = match category {
        Category::Debit => transaction.held.is_zero(),
        Category::Credit => transaction.cleared == transaction.settled,
    };
    if nothing_left && way != category {
        close(transaction);
    }
    Ok(legs)
}

/// What was altered, when all is done.
fn altered(
    mut transaction: Transaction,
    accounts: Accounts,
    legs: Vec<Leg>,
    now: Timestamp,
) -> Result<Change, Description> {
    transaction.parts += i64::from(!legs.is_empty());
    transaction.changed_at = now;
    accounts.finish(transaction, legs)
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

/// Posts more to the owner of a credit.
fn post_more(
    transaction: &mut Transaction,
    accounts: &Accounts,
    amount: Amount,
) -> Result<Vec<Leg>, Description> {
    let (own, deposit) = (accounts.own(&transaction.order)?, accounts.behind(&transaction.backing));
    let cleared = transaction.cleared.checked_add(amount);
    transaction.cleared = cleared.map_err(|_| Description::InvalidAmount)?;
    Ok(rules::of_owner(own, deposit, Category::Credit, amount).into_iter().collect())
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
