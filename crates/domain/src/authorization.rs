//! The decision on an authorization.

use crate::balance::{Balance, BalanceState};
use crate::card::Card;
use crate::card::lifecycle::{CardStatus, LockReason, Usable};
use crate::ids::{ProcessorId, TransactionId};
use crate::ledger::Change;
use crate::ledger::internal::positive;
use crate::money::Amount;
use crate::program::{PreAuthorization, Program, ProgramState};
use crate::transaction::{Description, Order, Processing, Status, Transaction};
use crate::user::UserState;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// What a merchant asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What its message said.
    pub order: Order,
    /// Who sent it.
    pub processor: ProcessorId,
    /// The last month that the merchant read from the card.
    pub expiry: Option<Expiry>,
    /// What came of comparing the verification code.
    pub cvv: Verified,
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
}

/// The month and year on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Four digits.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

/// What came of comparing a secret. It is done by the key provider before the queue, for every
/// message that carries one, and is a fact by the time of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is the card's, as of this generation of its key.
    Match {
        /// The generation that it was compared with.
        generation: i64,
    },
    /// It isn't.
    NoMatch,
    /// The message carried none.
    NotSent,
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The card, if there is one.
    pub card: Option<&'a Card>,
    /// Its program, if the card is there.
    pub program: Option<&'a Program>,
    /// The balance it pays from.
    pub balance: Option<&'a Balance>,
    /// The state of the balance's owner.
    pub owner: Option<UserState>,
    /// Whether its reversal was here before it.
    pub reversed_early: bool,
    /// The business time.
    pub now: Timestamp,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The reason.
    pub description: Description,
    /// The lock that stands, when that is the reason.
    pub lock: Option<LockReason>,
}

impl From<Description> for Decline {
    fn from(description: Description) -> Self {
        Self { description, lock: None }
    }
}

type Check = fn(&Request, &Facts<'_>) -> Result<(), Decline>;

/// The checks in order. The first that fails names the decline, so the order is part of the
/// contract with the networks (spec "Order of checks"); a table test pins it.
const CHECKS: &[Check] = &[
    check_early_reversal,
    check_amount,
    check_card,
    check_expiry,
    check_cvv,
    check_balance,
    check_owner,
    check_program,
    check_funds,
];

/// Decides one authorization. Pure: all it depends on is in its arguments. Approved, it holds the
/// amount; else it is a record that moves nothing.
#[must_use]
pub fn decide(
    id: TransactionId,
    code: &str,
    request: &Request,
    facts: &Facts<'_>,
) -> (Change, Option<LockReason>) {
    match approve(request, facts) {
        Ok((amount, program, before, after)) => {
            let change = hold(id, code, request, (amount, program, before, after), facts.now);
            (change, None)
        }
        Err(Decline { description, lock }) => {
            let mut record = Transaction::turned_away(
                id,
                request.order.clone(),
                Status::Authorized,
                Processing::Declined,
                description,
                facts.now,
            );
            record.balance_before = facts.balance.map(Balance::available);
            record.balance_after = record.balance_before;
            (Change::record(record), lock)
        }
    }
}

type Approval<'a> = (Amount, &'a Program, &'a Balance, Balance);

fn approve<'a>(request: &Request, facts: &Facts<'a>) -> Result<Approval<'a>, Decline> {
    CHECKS.iter().try_for_each(|check| check(request, facts))?;
    let amount = positive(request.order.amount)?;
    let program = facts.program.ok_or(Description::TransactionNotPermitted)?;
    let before = facts.balance.ok_or(Description::BalanceNotFound)?;
    let mut after = before.clone();
    after.hold(amount).map_err(|_| Description::InvalidAmount)?;
    Ok((amount, program, before, after))
}

fn hold(
    id: TransactionId,
    code: &str,
    request: &Request,
    approval: Approval<'_>,
    now: Timestamp,
) -> Change {
    let (amount, program, before, after) = approval;
    let mut transaction = Transaction::turned_away(
        id,
        request.order.clone(),
        Status::Authorized,
        Processing::Success,
        Description::Approved,
        now,
    );
    let days = program.hold_days(request.order.mcc.as_deref(), request.pre_authorization);
    transaction.held = amount;
    transaction.authorization_code = Some(code.to_owned());
    transaction.expires_at = now.checked_add((i64::from(days) * 24).hours()).ok();
    transaction.balance_before = Some(before.available());
    transaction.balance_after = Some(after.available());
    Change { transaction, balance: Some(after), legs: Vec::new() }
}

fn check_early_reversal(_: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    if facts.reversed_early { Err(Description::UnknownError.into()) } else { Ok(()) }
}

fn check_amount(request: &Request, _: &Facts<'_>) -> Result<(), Decline> {
    positive(request.order.amount).map(|_| ()).map_err(Decline::from)
}

fn check_card(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let card = facts.card.ok_or(Description::CardNotFound)?;
    let program = facts.program.ok_or(Description::CardNotFound)?;
    if program.processor != request.processor {
        return Err(Description::CardNotFound.into());
    }
    match card.status {
        CardStatus::Usable(Usable::Active) => Ok(()),
        CardStatus::Usable(Usable::Inactive) | CardStatus::Removed { .. } => {
            Err(Description::CardNotActive.into())
        }
        CardStatus::Locked { reason, .. } => {
            Err(Decline { description: Description::CardLocked, lock: Some(reason) })
        }
    }
}

fn check_expiry(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let Some(card) = facts.card else { return Ok(()) };
    let said_otherwise = request
        .expiry
        .is_some_and(|said| (said.year, said.month) != (card.expiry.year(), card.expiry.month()));
    if said_otherwise || card.is_expired_on(utc_date(facts.now)) {
        return Err(Description::CardExpired.into());
    }
    Ok(())
}

fn check_cvv(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let generation = facts.card.map(|card| card.cvc_generation);
    match request.cvv {
        Verified::NotSent => Ok(()),
        Verified::Match { generation: compared } if Some(compared) == generation => Ok(()),
        Verified::Match { .. } | Verified::NoMatch => Err(Description::IncorrectCvv.into()),
    }
}

fn check_balance(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let balance = facts.balance.ok_or(Description::BalanceNotFound)?;
    match balance.state {
        BalanceState::Removed => Err(Description::BalanceNotFound.into()),
        BalanceState::Locked => Err(Description::BalanceLocked.into()),
        BalanceState::Active if balance.currency != request.order.currency => {
            Err(Description::CurrencyMismatch.into())
        }
        BalanceState::Active => Ok(()),
    }
}

fn check_owner(_: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    match facts.owner {
        None | Some(UserState::Deleted) => Err(Description::CustomerNotFound.into()),
        Some(UserState::Locked) => Err(Description::CustomerLocked.into()),
        Some(UserState::New | UserState::Verified) => Ok(()),
    }
}

fn check_program(_: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    match facts.program.map(|program| program.state) {
        Some(ProgramState::Live) => Ok(()),
        Some(ProgramState::Closed) | None => Err(Description::TransactionNotPermitted.into()),
    }
}

fn check_funds(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let amount = positive(request.order.amount)?;
    if facts.balance.is_some_and(|balance| balance.covers(amount)) {
        Ok(())
    } else {
        Err(Description::InsufficientFunds.into())
    }
}

/// The day of an instant in UTC: cards expire by it.
fn utc_date(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
