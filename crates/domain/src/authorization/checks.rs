//! The checks of an authorization in their order, one function each.

use super::limits::{check_budget, check_card_limits, check_owner_limits, check_program_limits};
use super::made::{CheckName, Told};
use super::{Ask, Decline, Facts, Request, original};
use crate::balance::{Balance, BalanceState, PartnerBalanceKind};
use crate::card::lifecycle::{CardStatus, Usable};
use crate::gift;
use crate::ledger::internal::positive;
use crate::partner::CollateralMode;
use crate::program::ProgramState;
use crate::transaction::Description;
use crate::user::UserState;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// A check: what it is called, for what reasons it declines, and what it does.
pub(super) struct Check {
    pub(super) told: Told,
    made: fn(&Request, &Facts<'_>) -> Result<(), Decline>,
}

impl Check {
    const fn new(
        name: CheckName,
        reasons: &'static [Description],
        made: fn(&Request, &Facts<'_>) -> Result<(), Decline>,
    ) -> Self {
        Self { told: Told { name, reasons }, made }
    }
}

/// The checks in order. The first that fails names the decline, so the order is part of the
/// contract with the networks (spec "Order of checks"); a table test pins it.
///
/// A program's limits stand before the card's: they are its own rules. An increment is looked for
/// before them, since it counts as what it raises does.
///
/// Between the two parts code and PIN are checked, which may change the card.
///
/// An owner's limits are a corporation's where the balance is one's. The partner's decision comes
/// after all of them, and some are made again then ([`told`]).
///
/// [`told`]: super::told
pub(super) const CHECKS_OF_CARD: &[Check] = &[
    Check::new(CheckName::EarlyReversal, &[Description::UnknownError], check_early_reversal),
    Check::new(CheckName::Amount, &[Description::InvalidAmount], check_amount),
    CARD,
    EXPIRY,
];

/// The rest of the checks.
pub(super) const CHECKS_BEYOND: &[Check] = &[
    BALANCE,
    OWNER,
    TRANSACTIONAL_LOCKS,
    PROGRAM,
    Check::new(
        CheckName::Reference,
        &[Description::ReferencedTransactionNotFound, Description::AmbiguousReferencedTransaction],
        check_original,
    ),
    Check::new(
        CheckName::ProgramLimits,
        &[Description::TransactionNotPermitted, Description::LimitExceed],
        check_program_limits,
    ),
    Check::new(
        CheckName::CardLimits,
        &[Description::TransactionNotPermitted, Description::ExceedsAmountLimit],
        check_card_limits,
    ),
    Check::new(
        CheckName::OwnerLimits,
        &[Description::TransactionNotPermitted, Description::LimitExceed],
        check_owner_limits,
    ),
    Check::new(CheckName::Budget, &[Description::BudgetExceeded], check_budget),
    Check::new(
        CheckName::Deposit,
        &[Description::DepositBalanceNotFound, Description::InsufficientFundsOnDepositBalance],
        check_deposit,
    ),
    Check::new(
        CheckName::Funds,
        &[Description::InsufficientFunds, Description::PartnerTimeout],
        check_funds,
    ),
];

pub(super) const CARD: Check = Check::new(
    CheckName::Card,
    &[Description::CardNotFound, Description::CardNotActive, Description::CardLocked],
    check_card,
);
pub(super) const EXPIRY: Check =
    Check::new(CheckName::Expiry, &[Description::CardExpired], check_expiry);
pub(super) const BALANCE: Check = Check::new(
    CheckName::Balance,
    &[Description::BalanceNotFound, Description::BalanceLocked, Description::CurrencyMismatch],
    check_balance,
);
pub(super) const OWNER: Check = Check::new(
    CheckName::Owner,
    &[Description::CustomerNotFound, Description::CustomerLocked],
    check_owner,
);
pub(super) const TRANSACTIONAL_LOCKS: Check = Check::new(
    CheckName::TransactionalLocks,
    &[Description::AmlException],
    check_transactional_locks,
);
pub(super) const PROGRAM: Check =
    Check::new(CheckName::Program, &[Description::TransactionNotPermitted], check_program);

/// Makes checks in their order; the first that fails names the decline.
pub(super) fn pass(checks: &[Check], request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    checks.iter().try_for_each(|check| {
        let made = (check.made)(request, facts);
        debug_assert!(made.is_ok() || check.told.declines(made), "{:?}: {made:?}", check.told);
        made
    })
}

/// Whether a balance has what is asked for, or something where that will do.
fn suffices(balance: &Balance, request: &Request) -> Result<bool, Description> {
    let asked = positive(request.order.amount)?;
    Ok(balance.covers(asked) || (request.takes_less() && balance.available() > 0))
}

fn check_early_reversal(_: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    if facts.reversed_early { Err(Description::UnknownError.into()) } else { Ok(()) }
}

fn check_amount(request: &Request, _: &Facts<'_>) -> Result<(), Decline> {
    let amount = request.order.amount;
    if request.ask.moves_money() {
        positive(amount)?;
    } else if amount != 0 {
        return Err(Description::InvalidAmount.into());
    }
    Ok(())
}

fn check_card(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let card = facts.card.ok_or(Description::CardNotFound)?;
    let program = facts.program.ok_or(Description::CardNotFound)?;
    if program.processor != request.processor {
        return Err(Description::CardNotFound.into());
    }
    match card.status {
        CardStatus::Usable(Usable::Active) => Ok(()),
        CardStatus::Usable(Usable::Ordered | Usable::Inactive) | CardStatus::Removed { .. } => {
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

fn check_balance(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let balance = facts.balance.ok_or(Description::BalanceNotFound)?;
    match balance.state {
        BalanceState::Linking | BalanceState::Unlinking | BalanceState::Removed => {
            Err(Description::BalanceNotFound.into())
        }
        BalanceState::Locked if request.ask.takes_money() => Err(Description::BalanceLocked.into()),
        BalanceState::Active | BalanceState::Locked
            if balance.currency != request.order.currency =>
        {
            Err(Description::CurrencyMismatch.into())
        }
        BalanceState::Active | BalanceState::Locked => Ok(()),
    }
}

fn check_owner(_: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    match facts.owner.map(|owner| owner.state) {
        None | Some(UserState::Deleted) => Err(Description::CustomerNotFound.into()),
        Some(UserState::Locked) => Err(Description::CustomerLocked.into()),
        Some(UserState::New | UserState::Verified) => Ok(()),
    }
}

/// Credits of the network still post (spec "Transactional locks").
fn check_transactional_locks(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let under_lock = facts.owner.is_some_and(|owner| owner.under_lock);
    if under_lock && request.ask != Ask::Credit {
        return Err(Description::AmlException.into());
    }
    Ok(())
}

fn check_program(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let live = facts.program.filter(|program| program.state == ProgramState::Live);
    let program = live.ok_or(Description::TransactionNotPermitted)?;
    if program.gift.is_none() || !request.ask.moves_money() {
        return Ok(());
    }
    let refund = request.ask == Ask::Credit;
    let amount = positive(request.order.amount)?;
    let gift = facts.balance.and_then(|balance| Some((balance.gift.as_ref()?, balance.posted)));
    let fits = gift.is_some_and(|(gift, posted)| !refund || gift.takes_back(posted, amount));
    if fits && gift::permits(request.order.kind) {
        return Ok(());
    }
    Err(Description::TransactionNotPermitted.into())
}

fn check_original(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    original(request, facts).map(|_| ()).map_err(Decline::from)
}

/// The deposit is charged first (spec "Order of an authorization under `DEPOSIT`"). A credit needs
/// one too, for its clearing.
fn check_deposit(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let needs_one = match original(request, facts)? {
        // It keeps what it was authorized with.
        Some(original) => original.backing.balance.is_some(),
        None => facts.mode == CollateralMode::Deposit,
    };
    if !needs_one || !request.ask.moves_money() {
        return Ok(());
    }
    let deposit = facts.accounts.of_kind(PartnerBalanceKind::Deposit);
    let deposit = deposit.ok_or(Description::DepositBalanceNotFound)?;
    if request.ask.takes_money() && !suffices(deposit, request)? {
        return Err(Description::InsufficientFundsOnDepositBalance.into());
    }
    Ok(())
}

fn check_funds(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    // Who holds the money decides, and is asked; what there is it must have told.
    if facts.balance.is_some_and(Balance::is_external) {
        let untold = request.ask == Ask::Inquiry && request.there_is.is_none();
        return if untold { Err(Description::PartnerTimeout.into()) } else { Ok(()) };
    }
    if !request.ask.takes_money() {
        return Ok(());
    }
    let balance = facts.balance.ok_or(Description::BalanceNotFound)?;
    if suffices(balance, request)? { Ok(()) } else { Err(Description::InsufficientFunds.into()) }
}

/// The day of an instant in UTC: cards expire by it.
fn utc_date(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
