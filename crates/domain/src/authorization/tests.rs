//! The order of the checks, as a table: the leftmost failing one names the decline.

use super::*;
use crate::balance::BalanceState;
use crate::card::lifecycle::{CardStatus, LockReason, Locker, Usable};
use crate::card::tries::Tries;
use crate::fixtures;
use crate::ids::TransactionId;
use crate::limits::{Budget, Control, Controls, Limit, LimitType, TimeUnit};
use crate::money::Currency;
use crate::program::ProgramState;
use uuid::Uuid;

/// All facts of a purchase of 5.00 that passes, before a row spoils some of them.
struct Case {
    request: Request,
    card: Option<Card>,
    program: Program,
    balance: Option<Balance>,
    owner: Option<OwnerFacts>,
    reversed_early: bool,
    deposit: Option<Balance>,
    mode: CollateralMode,
    card_spending: Spending,
    owner_spending: Spending,
}

/// At most 4.99 a day.
fn daily() -> Vec<Limit> {
    vec![Limit {
        kind: LimitType::General,
        unit: TimeUnit::Daily,
        currency: Currency::EUR,
        amount: fixtures::amount(499),
        count: None,
    }]
}

/// Bookshops are blocked.
fn no_books() -> Controls {
    let mccs = Some(Control::Blocked(vec!["5942".to_owned()]));
    Controls { mccs, ..Controls::default() }
}

fn budget(minor: i64, (from, to): (Date, Date)) -> Option<Budget> {
    Some(Budget { currency: Currency::EUR, amount: fixtures::amount(minor), from, to })
}

const TODAY: Date = Date::constant(2023, 11, 14);
const YESTERDAY: Date = Date::constant(2023, 11, 13);

impl Case {
    fn good() -> Self {
        Self {
            request: {
                let mut request = fixtures::request(500);
                request.order.mcc = Some("5942".to_owned());
                request
            },
            card: Some(fixtures::card()),
            program: fixtures::program(),
            balance: Some(fixtures::balance(1_000)),
            owner: Some(fixtures::OWNER),
            reversed_early: false,
            deposit: Some(fixtures::partner_balance(PartnerBalanceKind::Deposit, 1_000)),
            mode: CollateralMode::Deposit,
            card_spending: Spending::default(),
            owner_spending: Spending::default(),
        }
    }

    /// Spoils one fact, as a column and its word say; `ok` leaves it.
    fn spoil(&mut self, column: &str, word: &str) {
        let card = |case: &mut Self, status| {
            case.card = Some(Card { status, ..fixtures::card() });
        };
        let state = |case: &mut Self, state| {
            case.balance = Some(Balance { state, ..fixtures::balance(1_000) });
        };
        match (column, word) {
            ("early", "early") => self.reversed_early = true,
            ("amount", "zero") => self.request.order.amount = 0,
            ("amount", "minus") => self.request.order.amount = -1,
            ("card", "none") => self.card = None,
            ("card", "other") => self.program.processor = ProcessorId(99),
            ("card", "ordered") => card(self, CardStatus::Usable(Usable::Ordered)),
            ("card", "inactive") => card(self, CardStatus::Usable(Usable::Inactive)),
            ("card", "removed") => card(self, CardStatus::Removed { at: fixtures::NOW }),
            ("card", "locked") => card(self, locked(LockReason::CardStolen)),
            ("expiry", "past") => {
                if let Some(card) = &mut self.card {
                    card.expiry = Date::constant(2023, 10, 31);
                }
            }
            ("expiry", "said") => self.request.expiry = Some(Expiry { year: 2031, month: 1 }),
            ("chip", "counterfeit") => self.request.chip = Chip::Counterfeit,
            ("read-code", word) => self.request.read_code = self.verified(word),
            ("cvv", word) => self.request.cvv = self.verified(word),
            ("pin", word) => self.request.pin = self.verified(word),
            ("balance", "none") => self.balance = None,
            ("balance", "removed") => state(self, BalanceState::Removed),
            ("balance", "locked") => state(self, BalanceState::Locked),
            ("balance", "currency") => {
                self.request.order.currency = Currency::PLN;
            }
            ("owner", "none") => self.owner = None,
            ("owner", "deleted") => {
                self.owner = Some(OwnerFacts { state: UserState::Deleted, ..fixtures::OWNER });
            }
            ("owner", "locked") => {
                self.owner = Some(OwnerFacts { state: UserState::Locked, ..fixtures::OWNER });
            }
            ("locks", "one") => {
                self.owner.iter_mut().for_each(|owner| owner.under_lock = true);
            }
            ("program-limits", "daily") => self.program.rules.limits = daily(),
            ("program-limits", "mcc") => self.program.rules.controls = no_books(),
            ("card-limits", "daily") => self.card_spending.rules.limits = daily(),
            ("card-limits", "mcc") => self.card_spending.rules.controls = no_books(),
            ("owner-limits", "daily") => self.owner_spending.rules.limits = daily(),
            ("owner-limits", "mcc") => self.owner_spending.rules.controls = no_books(),
            ("budget", "card") => {
                self.card_spending.rules.budget = budget(499, (TODAY, TODAY));
            }
            ("budget", "owner") => {
                self.owner_spending.rules.budget = budget(499, (YESTERDAY, TODAY));
            }
            ("budget", "over") => {
                self.card_spending.rules.budget = budget(500, (YESTERDAY, YESTERDAY));
            }
            ("deposit", "none") => self.deposit = None,
            ("deposit", "less") => {
                self.deposit.iter_mut().for_each(|balance| balance.posted = 499);
            }
            ("program", "closed") => self.program.state = ProgramState::Closed,
            ("funds", "none") => self.balance.iter_mut().for_each(|balance| balance.posted = 499),
            ("funds", "held") => {
                self.balance.iter_mut().for_each(|balance| balance.held = fixtures::amount(501));
            }
            unknown => panic!("no such column and word: {unknown:?}"),
        }
    }

    /// What came of comparing a secret, and the tries before it.
    fn verified(&mut self, word: &str) -> Verified {
        if matches!(word, "barred" | "third") {
            let tries = Tries { pins: 2, codes: vec![fixtures::NOW; 5], ..Tries::default() };
            self.card.iter_mut().for_each(|card| card.tries = tries.clone());
        }
        match word {
            "right" | "barred" => Verified::Match { version: 0 },
            "wrong" | "third" => Verified::NoMatch { version: 0 },
            "old" => Verified::Match { version: 7 },
            "wrong-old" => Verified::NoMatch { version: 7 },
            "unreadable" => Verified::Unreadable,
            other => panic!("no such word: {other}"),
        }
    }

    fn decision(&self) -> Decision {
        let accounts = Accounts::of(self.balance.iter().chain(&self.deposit));
        let facts = Facts {
            card: self.card.as_ref(),
            program: Some(&self.program),
            balance: self.balance.as_ref(),
            accounts: &accounts,
            mode: self.mode,
            owner: self.owner,
            card_spending: &self.card_spending,
            owner_spending: &self.owner_spending,
            today: TODAY,
            reversed_early: self.reversed_early,
            original: Match::None,
            now: fixtures::NOW,
        };
        decide(TransactionId(Uuid::nil()), "123456", &self.request, &facts)
    }

    fn decide(&self) -> String {
        let Decision { change, lock, approved, .. } = self.decision();
        let declined = change.transaction.processing != Processing::Success;
        if declined {
            assert!(change.transaction.held.is_zero() && change.legs.is_empty());
            assert!(change.balances.is_empty() && approved.is_zero());
        }
        let code = crate::transaction::action_code(change.transaction.description, lock);
        format!("{} {code}", change.transaction.description)
    }
}

fn locked(reason: LockReason) -> CardStatus {
    CardStatus::Locked { reason, since: fixtures::NOW, was: Usable::Active, by: None }
}

/// The checks in their order, each with a way to fail.
const CHECKED: &[(&str, &str)] = &[
    ("early", "early"),
    ("amount", "zero"),
    ("card", "none"),
    ("expiry", "past"),
    ("chip", "counterfeit"),
    ("read-code", "wrong"),
    ("cvv", "wrong"),
    ("pin", "wrong"),
    ("balance", "none"),
    ("owner", "none"),
    ("locks", "one"),
    ("program", "closed"),
    ("program-limits", "daily"),
    ("card-limits", "daily"),
    ("owner-limits", "daily"),
    ("budget", "owner"),
    ("deposit", "none"),
    ("funds", "none"),
];

/// Each row: what a check finds, while all checks after it would fail too → the answer.
#[test]
fn the_first_failing_check_names_the_reason() {
    let table = "
        early early      | UNKNOWN_ERROR 1000
        amount zero      | INVALID_AMOUNT 1010
        amount minus     | INVALID_AMOUNT 1010
        card none        | CARD_NOT_FOUND 1011
        card other       | CARD_NOT_FOUND 1011
        card ordered     | CARD_NOT_ACTIVE 1004
        card inactive    | CARD_NOT_ACTIVE 1004
        card removed     | CARD_NOT_ACTIVE 1004
        card locked      | CARD_LOCKED 2009
        expiry past      | CARD_EXPIRED 1001
        expiry said      | CARD_EXPIRED 1001
        chip counterfeit | FRAUDS_DETECTED 1002
        read-code wrong     | INCORRECT_CVV 1022
        read-code old       | INCORRECT_CVV 1022
        read-code wrong-old | INCORRECT_CVV 1022
        cvv wrong        | INCORRECT_CVV 1022
        cvv old          | INCORRECT_CVV 1022
        cvv wrong-old    | INCORRECT_CVV 1022
        cvv barred       | INCORRECT_CVV 1022
        pin wrong        | INCORRECT_PIN 1017
        pin old          | INCORRECT_PIN 1017
        pin wrong-old    | INCORRECT_PIN 1017
        pin unreadable   | INCORRECT_PIN 1017
        pin third        | PIN_TRIES_EXCEEDED 1006
        balance none     | BALANCE_NOT_FOUND 1000
        balance removed  | BALANCE_NOT_FOUND 1000
        balance locked   | BALANCE_LOCKED 1004
        balance currency | CURRENCY_MISMATCH 1000
        owner none       | CUSTOMER_NOT_FOUND 1000
        owner deleted    | CUSTOMER_NOT_FOUND 1000
        owner locked     | CUSTOMER_LOCKED 1004
        locks one        | AML_EXCEPTION 1002
        program closed   | TRANSACTION_NOT_PERMITTED 1019
        program-limits daily | LIMIT_EXCEED 1021
        program-limits mcc   | TRANSACTION_NOT_PERMITTED 1019
        card-limits daily    | EXCEEDS_AMOUNT_LIMIT 1021
        card-limits mcc      | TRANSACTION_NOT_PERMITTED 1019
        owner-limits daily   | LIMIT_EXCEED 1021
        owner-limits mcc     | TRANSACTION_NOT_PERMITTED 1019
        budget card      | BUDGET_EXCEEDED 1021
        budget owner     | BUDGET_EXCEEDED 1021
        budget over      | BUDGET_EXCEEDED 1021
        deposit none     | DEPOSIT_BALANCE_NOT_FOUND 1000
        deposit less     | INSUFFICIENT_FUNDS_ON_DEPOSIT_BALANCE 1000
        funds none       | INSUFFICIENT_FUNDS 1016
        funds held       | INSUFFICIENT_FUNDS 1016
    ";
    for line in table.lines().filter(|line| line.contains('|')) {
        let (row, answer) = line.split_once('|').expect("two halves");
        let (column, word) = row.trim().split_once(' ').expect("a column and its word");
        let place = CHECKED.iter().position(|(name, _)| *name == column).expect("a column");
        // From the last to this one: without card or balance there is nothing left to spoil.
        let mut case = Case::good();
        for (later, worst) in CHECKED[place + 1..].iter().rev() {
            case.spoil(later, worst);
        }
        case.spoil(column, word);
        assert_eq!(case.decide(), answer.trim(), "{row}");
    }
    assert_eq!(Case::good().decide(), "APPROVED 0000");
    let mut right = Case::good();
    right.spoil("cvv", "right");
    right.spoil("pin", "right");
    assert_eq!(right.decide(), "APPROVED 0000");
}

/// Code and PIN, with two wrong PINs and four wrong codes before them → the answer, the PINs and
/// codes that count after it, and whether the card is locked.
#[test]
fn wrong_secrets_count_and_right_ones_begin_anew() {
    let (right, wrong) = (Verified::Match { version: 0 }, Verified::NoMatch { version: 0 });
    let (old, not_sent) = (Verified::NoMatch { version: 9 }, Verified::NotSent);
    for (cvv, pin, funds, expected) in [
        (not_sent, not_sent, true, "APPROVED: as it was"),
        (right, not_sent, true, "APPROVED: as it was"),
        (not_sent, right, true, "APPROVED: 0 PINs, 4 codes"),
        (right, right, true, "APPROVED: 0 PINs, 4 codes"),
        // A right PIN was right, whatever is refused after it.
        (right, right, false, "INSUFFICIENT_FUNDS: 0 PINs, 4 codes"),
        (wrong, not_sent, true, "INCORRECT_CVV: 2 PINs, 5 codes"),
        // The PIN isn't looked at any more.
        (wrong, wrong, true, "INCORRECT_CVV: 2 PINs, 5 codes"),
        (wrong, right, true, "INCORRECT_CVV: 2 PINs, 5 codes"),
        (right, wrong, true, "PIN_TRIES_EXCEEDED: 3 PINs, 4 codes, locked"),
        (not_sent, wrong, false, "PIN_TRIES_EXCEEDED: 3 PINs, 4 codes, locked"),
        // What tells nothing of what the holder knows is no try.
        (old, not_sent, true, "INCORRECT_CVV: as it was"),
        (not_sent, old, true, "INCORRECT_PIN: as it was"),
        (not_sent, Verified::Unreadable, true, "INCORRECT_PIN: as it was"),
    ] {
        let mut case = Case::good();
        (case.request.cvv, case.request.pin) = (cvv, pin);
        let tries = Tries { pins: 2, codes: vec![fixtures::NOW; 4], ..Tries::default() };
        case.card.iter_mut().for_each(|card| card.tries = tries.clone());
        if !funds {
            case.spoil("funds", "none");
        }
        let Decision { change, card, lock, .. } = case.decision();
        assert_eq!(lock, None, "no lock stood before it");
        let told = card.map_or("as it was".to_owned(), |card| {
            let locked = CardStatus::Locked {
                reason: LockReason::PinTriesExceeded,
                since: fixtures::NOW,
                was: Usable::Active,
                by: Some(Locker::Platform),
            };
            let told = if card.status == locked { ", locked" } else { "" };
            format!("{} PINs, {} codes{told}", card.tries.pins, card.tries.codes.len())
        });
        let told = format!("{}: {told}", change.transaction.description);
        assert_eq!(told, expected, "{cvv:?} {pin:?}");
    }
}

/// What was compared with a code or PIN that isn't the card's any more is compared again.
#[test]
fn what_was_compared_with_something_else_is_outdated() {
    let card = Card { cvc_generation: 2, pin_version: 3, ..fixtures::card() };
    let (of, not) = (|version| Verified::Match { version }, Verified::NotSent);
    for (cvv, pin, outdated) in [
        (not, not, false),
        (of(2), not, false),
        (of(2), of(3), false),
        (of(1), of(3), true),
        (of(2), Verified::NoMatch { version: 2 }, true),
        (not, Verified::Unreadable, false),
    ] {
        let request = Request { cvv, pin, ..fixtures::request(500) };
        assert_eq!(request.is_outdated(&card), outdated, "{cvv:?} {pin:?}");
    }
}

#[test]
fn every_lock_reason_answers_with_its_own_action_code() {
    for &reason in LockReason::ALL {
        let mut case = Case::good();
        case.card = Some(Card { status: locked(reason), ..fixtures::card() });
        assert_eq!(case.decide(), format!("CARD_LOCKED {}", reason.action_code()));
    }
}

/// What is asked, of how much, with what there is on balance and deposit → what is approved and
/// held or posted of each.
#[test]
fn what_is_asked_is_held_posted_or_only_looked_at() {
    use Ask::{Credit, Debit, Inquiry, Verification};
    use PartialApproval::{Allowed, Refused};
    use TransactionType::{Atm, BalanceInquiry, Pos};
    for (ask, kind, partial, amount, own, deposit, expected) in [
        (Debit, Pos, Refused, 500, 1_000, 1_000, "APPROVED 500: 500 of 1000, 500 of 1000"),
        (Debit, Pos, Allowed, 500, 300, 1_000, "APPROVED 300: 0 of 300, 700 of 1000"),
        (Debit, Pos, Allowed, 500, 1_000, 200, "APPROVED 200: 800 of 1000, 0 of 200"),
        (Debit, Pos, Refused, 500, 300, 1_000, "INSUFFICIENT_FUNDS 0: untouched"),
        (Debit, Pos, Allowed, 500, 0, 1_000, "INSUFFICIENT_FUNDS 0: untouched"),
        (Debit, Atm, Allowed, 500, 300, 1_000, "INSUFFICIENT_FUNDS 0: untouched"),
        (Credit, Pos, Refused, 500, -700, 0, "APPROVED 500: -200 of -200"),
        (Verification, Pos, Refused, 0, -5, 0, "APPROVED 0: untouched"),
        (Verification, Pos, Refused, 1, 1_000, 1_000, "INVALID_AMOUNT 0: untouched"),
        (Inquiry, BalanceInquiry, Refused, 0, 42, 0, "APPROVED 0: untouched"),
    ] {
        let mut case = Case::good();
        case.request.ask = ask;
        case.request.order.kind = kind;
        case.request.order.amount = amount;
        case.request.partial_approval = partial;
        case.balance.iter_mut().for_each(|balance| balance.posted = own);
        case.deposit.iter_mut().for_each(|balance| balance.posted = deposit);
        let Decision { change, approved, .. } = case.decision();
        let told = |balance: &Balance| format!("{} of {}", balance.available(), balance.posted);
        let touched: Vec<String> = change.balances.iter().map(told).collect();
        let touched = if touched.is_empty() { "untouched".to_owned() } else { touched.join(", ") };
        let description = change.transaction.description;
        assert_eq!(format!("{description} {approved:?}: {touched}"), expected, "{ask:?} {amount}");
        assert_eq!(change.transaction.balance_before, Some(own));
    }
}

#[test]
fn a_locked_balance_still_takes_credits_and_so_does_an_owner_under_a_lock() {
    let mut case = Case::good();
    case.request.ask = Ask::Credit;
    case.balance.iter_mut().for_each(|balance| balance.state = BalanceState::Locked);
    case.owner = Some(OwnerFacts { under_lock: true, ..fixtures::OWNER });
    assert_eq!(case.decide(), "APPROVED 0000");
}
