//! Money settled by the network: clearings inform, so they post whatever the card's or the owner's
//! state, below zero if need be.

use super::accounts::Accounts;
use super::force::post_alone;
use super::release::let_go;
use super::rules;
use super::{Change, Leg};
use crate::balance::PartnerBalanceKind;
use crate::ids::TransactionId;
use crate::money::Amount;
use crate::partner::CollateralMode;
use crate::program::FxDifferenceTo;
use crate::transaction::{
    Category, Description, Flag, Order, Status, Transaction, TransactionType,
};
use jiff::Timestamp;

/// Whether more clearings of the same authorization will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// None will: what is still held is let go.
    Final,
    /// Some will: what is still held stays held.
    Partial,
}

/// What a clearing says beside its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The ids of the transaction, if the clearing makes one, and of the difference.
    pub ids: (TransactionId, TransactionId),
    /// In minor units, above zero: what the scheme settles.
    pub amount: Amount,
    /// Whether more will come.
    pub finality: Finality,
    /// The difference of exchange rates as the processor told it, in minor units; above zero the
    /// partner's `COMPANY` gains.
    pub fx_difference: Option<i64>,
    /// Who bears it.
    pub fx_difference_to: FxDifferenceTo,
    /// The business time.
    pub now: Timestamp,
}

/// Clears an open authorization: what was held moves, what is above the hold (a tip, fuel) moves by
/// force. What was posted as a credit moves by the difference alone. Call it for an open
/// transaction only.
pub fn clear(
    original: &Transaction,
    order: &Order,
    accounts: &Accounts,
    settlement: &Settlement,
) -> Result<Change, Description> {
    let difference = difference(Some(original), order, settlement);
    let billed = billed(original.order.category, settlement.amount, difference)?;
    let (mut transaction, mut cleared) = (original.clone(), accounts.clone());
    let legs = match original.order.category {
        Category::Debit => clear_debit(&mut transaction, &mut cleared, billed, settlement)?,
        Category::Credit => clear_credit(&mut transaction, &cleared, billed, settlement)?,
    };
    transaction.parts += i64::from(!legs.is_empty());
    transaction.changed_at = settlement.now;
    if settlement.finality == Finality::Final {
        transaction.status = Status::Cleared;
        transaction.expires_at = None;
    }
    with_difference(cleared.finish(transaction, legs)?, accounts, difference, settlement)
}

fn clear_debit(
    transaction: &mut Transaction,
    accounts: &mut Accounts,
    billed: Amount,
    settlement: &Settlement,
) -> Result<Vec<Leg>, Description> {
    let released = match settlement.finality {
        Finality::Final => transaction.held,
        Finality::Partial => billed.min(transaction.held),
    };
    let_go(transaction, accounts, released)?;
    let (own, deposit) = (accounts.own(&transaction.order)?, accounts.behind(&transaction.backing));
    let legs = rules::of_both(own, deposit, Category::Debit, billed);
    transaction.cleared = more(transaction.cleared, billed)?;
    transaction.settled = more(transaction.settled, billed)?;
    if deposit.is_some() {
        transaction.backing.moved = more(transaction.backing.moved, billed)?;
    }
    Ok(legs)
}

/// The owner has its credit since the authorization; the deposit gets it now, unless the credit was
/// forced. What the clearings come to in the end is what both will have got.
fn clear_credit(
    transaction: &mut Transaction,
    accounts: &Accounts,
    billed: Amount,
    settlement: &Settlement,
) -> Result<Vec<Leg>, Description> {
    let (own, deposit) = (accounts.own(&transaction.order)?, accounts.behind(&transaction.backing));
    let settled = more(transaction.settled, billed)?;
    let (way, part) = towards(transaction.cleared, settled, settlement.finality);
    let mut legs: Vec<Leg> = rules::of_owner(own, deposit, way, part).into_iter().collect();
    transaction.cleared = reached(transaction.cleared, settled, settlement.finality);
    if deposit.is_some() {
        let moved = &mut transaction.backing.moved;
        let (way, part) = towards(*moved, settled, settlement.finality);
        legs.extend(rules::of_partner(deposit, way, part));
        *moved = reached(*moved, settled, settlement.finality);
    }
    transaction.settled = settled;
    Ok(legs)
}

/// The step from what has moved to what should have. Only the last clearing takes anything back.
fn towards(moved: Amount, settled: Amount, finality: Finality) -> (Category, Amount) {
    if settled >= moved {
        (Category::Credit, settled.saturating_sub(moved))
    } else if finality == Finality::Final {
        (Category::Debit, moved.saturating_sub(settled))
    } else {
        (Category::Credit, Amount::ZERO)
    }
}

fn reached(moved: Amount, settled: Amount, finality: Finality) -> Amount {
    if finality == Finality::Final { settled } else { moved.max(settled) }
}

/// Posts a clearing that has no open authorization: a transaction of its own, by force, with the
/// backing that the partner's settings ask for now.
pub fn clear_alone(
    order: Order,
    accounts: &Accounts,
    mode: CollateralMode,
    settlement: &Settlement,
) -> Result<Change, Description> {
    let difference = difference(None, &order, settlement);
    let billed = billed(order.category, settlement.amount, difference)?;
    let (id, now) = (settlement.ids.0, settlement.now);
    let flag = Some(Flag::WithoutAuthorization);
    let change = post_alone(id, order, accounts, (mode, billed), flag, now)?;
    with_difference(change, accounts, difference, settlement)
}

fn more(sum: Amount, amount: Amount) -> Result<Amount, Description> {
    sum.checked_add(amount).map_err(|_| Description::InvalidAmount)
}

/// The difference of exchange rates, in minor units (spec "FX"): as told; else, where a converted
/// transaction is cleared for what it was authorized for at the merchant, what keeps the cardholder
/// at the authorized amount; else nothing, and the cardholder pays. What was raised, lowered or
/// approved in part has no merchant's amount any more, and parts are billed as they come.
fn difference(original: Option<&Transaction>, order: &Order, settlement: &Settlement) -> i64 {
    if settlement.fx_difference_to == FxDifferenceTo::Cardholder {
        return 0;
    }
    if let Some(told) = settlement.fx_difference {
        return told;
    }
    let untouched = original.filter(|original| original.settled.is_zero());
    let Some(authorized) = untouched.map(|original| &original.order) else { return 0 };
    let converted = order.original_currency.is_some_and(|merchant| merchant != order.currency);
    let same = order.original_amount.is_some()
        && order.original_amount == authorized.original_amount
        && order.original_currency == authorized.original_currency;
    if !converted || !same {
        return 0;
    }
    let gained = authorized.amount.saturating_sub(settlement.amount.minor());
    match authorized.category {
        Category::Debit => gained,
        Category::Credit => gained.saturating_neg(),
    }
}

/// What the cardholder and the deposit pay, or get, so that `COMPANY` has its difference.
fn billed(way: Category, amount: Amount, difference: i64) -> Result<Amount, Description> {
    let signed = match way {
        Category::Debit => amount.minor().checked_add(difference),
        Category::Credit => amount.minor().checked_sub(difference),
    };
    let signed = signed.ok_or(Description::InvalidAmount)?;
    Amount::from_minor(signed).map_err(|_| Description::InvalidAmount)
}

/// Adds the difference, a transaction of its own on the partner's `COMPANY`.
fn with_difference(
    change: Change,
    accounts: &Accounts,
    difference: i64,
    settlement: &Settlement,
) -> Result<Change, Description> {
    if difference == 0 {
        return Ok(change);
    }
    let amount = Amount::from_minor(difference.checked_abs().ok_or(Description::InvalidAmount)?)
        .map_err(|_| Description::InvalidAmount)?;
    let (kind, way) = if difference > 0 {
        (TransactionType::CompanyCredit, Category::Credit)
    } else {
        (TransactionType::CompanyDebit, Category::Debit)
    };
    let company = accounts.of_kind(PartnerBalanceKind::Company);
    let cleared = &change.transaction.order;
    let order = Order {
        balance: company.map(|balance| balance.id),
        card: None,
        kind,
        category: way,
        amount: amount.minor(),
        reference_id: Some(cleared.network_id.clone()),
        reference_date: Some(cleared.network_date),
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: "FX difference".to_owned(),
        data: None,
        mcc: None,
        retrieval_reference: None,
        ..cleared.clone()
    };
    let record = Transaction::cleared_at_once(settlement.ids.1, order, amount, settlement.now);
    let legs = rules::of_partner(company, way, amount).into_iter().collect();
    let beside = accounts.clone().finish_new(record, legs)?;
    Ok(change.with(beside))
}
