//! What each event does to a transaction, its balance, the partner's deposit and `COMPANY`.

mod edges;
mod external;

use super::accounts::Accounts;
use super::clearing::{Finality, Settlement, clear, clear_alone};
use super::force::{self, DepositGets, Forced};
use super::internal::{self, transfer};
use super::matching::{Match, Reference, find};
use super::release::{decline_increment, decline_late, expire, is_open, reverse};
use super::*;
use crate::balance::PartnerBalanceKind;
use crate::fixtures::{self, NOW, amount, order, transaction_id};
use crate::ids::ProcessorId;
use crate::partner::CollateralMode;
use crate::program::{FxDifferenceTo, PreAuthorization};
use crate::transaction::{Category, Description, Flag, Order, Processing, Status, TransactionType};
use proptest::prelude::*;

/// A balance of 1000, a deposit of 5000, an empty `COMPANY`, and what happens to them.
#[derive(Clone)]
struct Books {
    mode: CollateralMode,
    accounts: Accounts,
    balances: Vec<Balance>,
    moved: Vec<Leg>,
}

impl Books {
    fn new(mode: CollateralMode) -> Self {
        let balances = vec![
            fixtures::balance(1_000),
            fixtures::partner_balance(PartnerBalanceKind::Deposit, 5_000),
            fixtures::partner_balance(PartnerBalanceKind::Company, 0),
        ];
        Self { mode, accounts: Accounts::of(&balances), balances, moved: Vec::new() }
    }

    /// Takes a change in; its transaction.
    fn take(&mut self, change: Result<Change, Description>) -> Transaction {
        let Change { transaction, balances, legs, beside } = change.expect("in range");
        for balance in balances {
            let known = self.balances.iter_mut().find(|known| known.id == balance.id);
            *known.expect("a balance of the books") = balance;
        }
        self.moved.extend(legs);
        self.moved.extend(beside.into_iter().flat_map(|posting| posting.legs));
        self.accounts = Accounts::of(&self.balances);
        transaction
    }

    fn forced<'a>(&self, order: &'a Order, minor: i64) -> Forced<'a> {
        Forced {
            id: transaction_id(7),
            order,
            amount: amount(minor),
            mode: self.mode,
            code: "123456",
            expires_at: Some(NOW),
            pre_authorization: PreAuthorization::No,
            now: NOW,
        }
    }

    fn authorized(&mut self, minor: i64) -> Transaction {
        let order = order(minor);
        let change = force::hold(&self.forced(&order, minor), &self.accounts);
        self.take(change)
    }

    fn credited(&mut self, minor: i64, deposit_gets: DepositGets) -> Transaction {
        let order = Order { category: Category::Credit, ..order(minor) };
        let change = force::credit(&self.forced(&order, minor), deposit_gets, &self.accounts);
        self.take(change)
    }

    fn clear(&mut self, of: &Transaction, minor: i64, finality: Finality) -> Transaction {
        let order = Order { category: of.order.category, ..order(minor) };
        self.take(clear(of, &order, &self.accounts, &settlement(minor, finality)))
    }

    /// `status held cleared | balance posted-held | deposit posted-held | company`.
    fn told(&self, transaction: &Transaction) -> String {
        self.check(transaction);
        let [own, deposit, company] = self.balances.as_slice() else { panic!("three") };
        let status = transaction.status;
        let (held, cleared) = (transaction.held, transaction.cleared);
        let of = |balance: &Balance| format!("{}-{:?}", balance.posted, balance.held);
        format!(
            "{status} {held:?} {cleared:?} | {} | {} | {}",
            of(own),
            of(deposit),
            company.posted
        )
    }

    /// What always holds: posted is what moved, held is what the transaction holds.
    fn check(&self, transaction: &Transaction) {
        for (balance, begin) in self.balances.iter().zip([1_000, 5_000, 0]) {
            let account = Account::Balance(balance.id);
            let moved: i64 = self
                .moved
                .iter()
                .map(|leg| {
                    let minor = leg.amount.minor();
                    let out = if leg.from == account { minor } else { 0 };
                    let into = if leg.to == account { minor } else { 0 };
                    into - out
                })
                .sum();
            assert_eq!(balance.posted - begin, moved, "{:?}", balance.owner);
        }
        assert_eq!(self.balances[0].held, transaction.held);
        assert_eq!(self.balances[1].held, transaction.backing.held);
        assert!(self.moved.iter().all(|leg| leg.amount > Amount::ZERO));
    }
}

fn settlement(minor: i64, finality: Finality) -> Settlement {
    Settlement {
        ids: (transaction_id(8), transaction_id(9)),
        amount: amount(minor),
        finality,
        fx_difference: None,
        fx_difference_to: FxDifferenceTo::Company,
        now: NOW,
    }
}

use CollateralMode::{Deposit, None as NoCollateral};
use Finality::{Final, Partial};

#[test]
fn a_clearing_moves_what_it_says_and_a_final_one_lets_go_of_the_rest() {
    for (mode, cleared, finality, expected) in [
        (NoCollateral, 300, Final, "CLEARED 0 300 | 700-0 | 5000-0 | 0"),
        (NoCollateral, 200, Final, "CLEARED 0 200 | 800-0 | 5000-0 | 0"),
        (NoCollateral, 1_200, Final, "CLEARED 0 1200 | -200-0 | 5000-0 | 0"),
        (NoCollateral, 100, Partial, "AUTHORIZED 200 100 | 900-200 | 5000-0 | 0"),
        (NoCollateral, 400, Partial, "AUTHORIZED 0 400 | 600-0 | 5000-0 | 0"),
        (Deposit, 300, Final, "CLEARED 0 300 | 700-0 | 4700-0 | 0"),
        (Deposit, 200, Final, "CLEARED 0 200 | 800-0 | 4800-0 | 0"),
        (Deposit, 1_200, Final, "CLEARED 0 1200 | -200-0 | 3800-0 | 0"),
        (Deposit, 100, Partial, "AUTHORIZED 200 100 | 900-200 | 4900-200 | 0"),
        (Deposit, 400, Partial, "AUTHORIZED 0 400 | 600-0 | 4600-0 | 0"),
    ] {
        let mut books = Books::new(mode);
        let original = books.authorized(300);
        let cleared = books.clear(&original, cleared, finality);
        assert_eq!(books.told(&cleared), expected);
    }
}

#[test]
fn money_moves_between_the_accounts_that_the_mode_names() {
    let own = Account::Balance(fixtures::balance(0).id);
    let deposit = Account::Balance(fixtures::partner_balance(PartnerBalanceKind::Deposit, 0).id);
    for (mode, expected) in [
        (NoCollateral, vec![(own, Account::Scheme)]),
        (CollateralMode::Credit, vec![(own, Account::Scheme)]),
        (Deposit, vec![(own, Account::Books), (deposit, Account::Scheme)]),
    ] {
        let mut books = Books::new(mode);
        let original = books.authorized(300);
        books.clear(&original, 300, Final);
        let legs: Vec<_> = books.moved.iter().map(|leg| (leg.from, leg.to)).collect();
        assert_eq!(legs, expected, "{mode:?}");
    }
}

#[test]
fn a_reversal_takes_at_most_what_is_held() {
    for (mode, reversed, expected) in [
        (NoCollateral, 300, "REVERSED 0 0 | 1000-0 | 5000-0 | 0"),
        (NoCollateral, 100, "AUTHORIZED 200 0 | 1000-200 | 5000-0 | 0"),
        (NoCollateral, 900, "REVERSED 0 0 | 1000-0 | 5000-0 | 0"),
        (Deposit, 100, "AUTHORIZED 200 0 | 1000-200 | 5000-200 | 0"),
        (Deposit, 900, "REVERSED 0 0 | 1000-0 | 5000-0 | 0"),
    ] {
        let mut books = Books::new(mode);
        let original = books.authorized(300);
        let reversed = reverse(&original, &books.accounts, amount(reversed), NOW);
        let reversed = books.take(reversed);
        assert_eq!(books.told(&reversed), expected);
        assert!(books.moved.is_empty(), "a reversal of a hold moves nothing");
    }
}

#[test]
fn what_has_moved_stays_moved_when_the_rest_is_reversed_or_expires() {
    let mut books = Books::new(Deposit);
    let original = books.authorized(300);
    let part = books.clear(&original, 100, Partial);
    let mut other = books.clone();
    let reversed = books.take(reverse(&part, &books.accounts, amount(300), NOW));
    assert_eq!(books.told(&reversed), "CLEARED 0 100 | 900-0 | 4900-0 | 0");
    let expired = other.take(expire(&part, &other.accounts, NOW));
    assert_eq!(other.told(&expired), "CLEARED 0 100 | 900-0 | 4900-0 | 0");
    assert_eq!(expired.description, Description::Expired);
}

#[test]
fn a_late_approval_becomes_a_decline_that_holds_nothing() {
    let mut books = Books::new(Deposit);
    let original = books.authorized(300);
    let declined = books.take(decline_late(&original, &books.accounts, amount(300), NOW));
    assert_eq!(books.told(&declined), "AUTHORIZED 0 0 | 1000-0 | 5000-0 | 0");
    assert_eq!(declined.processing, Processing::Declined);
    assert!(!is_open(&declined));

    let mut books = Books::new(Deposit);
    let credit = books.credited(300, DepositGets::WhenCleared);
    let declined = books.take(decline_late(&credit, &books.accounts, amount(300), NOW));
    assert_eq!(books.told(&declined), "AUTHORIZED 0 0 | 1000-0 | 5000-0 | 0");

    let mut books = Books::new(Deposit);
    let original = books.authorized(300);
    let raised = force::raise(&original, &books.accounts, amount(50), None, NOW);
    let raised = books.take(raised);
    assert_eq!(books.told(&raised), "AUTHORIZED 350 0 | 1000-350 | 5000-350 | 0");
    assert_eq!(raised.order.amount, 350);
    let back = books.take(decline_increment(&raised, &books.accounts, amount(50), NOW));
    assert_eq!(books.told(&back), "AUTHORIZED 300 0 | 1000-300 | 5000-300 | 0");
    assert!(is_open(&back), "what was approved before it stays");
}

#[test]
fn a_credit_is_posted_at_once_and_cleared_by_its_difference() {
    use DepositGets::{AtOnce, WhenCleared};
    for (mode, gets, posted, cleared, expected) in [
        (NoCollateral, WhenCleared, "1200-0 | 5000-0", 200, "CLEARED 0 200 | 1200-0 | 5000-0 | 0"),
        (NoCollateral, WhenCleared, "1200-0 | 5000-0", 250, "CLEARED 0 250 | 1250-0 | 5000-0 | 0"),
        (NoCollateral, WhenCleared, "1200-0 | 5000-0", 150, "CLEARED 0 150 | 1150-0 | 5000-0 | 0"),
        (Deposit, WhenCleared, "1200-0 | 5000-0", 250, "CLEARED 0 250 | 1250-0 | 5250-0 | 0"),
        (Deposit, WhenCleared, "1200-0 | 5000-0", 150, "CLEARED 0 150 | 1150-0 | 5150-0 | 0"),
        (Deposit, AtOnce, "1200-0 | 5200-0", 200, "CLEARED 0 200 | 1200-0 | 5200-0 | 0"),
        (Deposit, AtOnce, "1200-0 | 5200-0", 150, "CLEARED 0 150 | 1150-0 | 5150-0 | 0"),
    ] {
        let mut books = Books::new(mode);
        let credit = books.credited(200, gets);
        assert_eq!(books.told(&credit), format!("AUTHORIZED 0 200 | {posted} | 0"));
        let mut parts = books.clone();
        let whole = books.clear(&credit, cleared, Final);
        assert_eq!(books.told(&whole), expected);

        let first = parts.clear(&credit, 40, Partial);
        let second = parts.clear(&first, cleared - 40, Final);
        assert_eq!(parts.told(&second), expected, "in two parts");
    }
}

#[test]
fn a_credit_is_taken_back_by_force_and_only_once() {
    let mut books = Books::new(Deposit);
    let credit = books.credited(200, DepositGets::AtOnce);
    let part = books.take(reverse(&credit, &books.accounts, amount(50), NOW));
    assert_eq!(books.told(&part), "AUTHORIZED 0 150 | 1150-0 | 5150-0 | 0");
    let rest = books.take(reverse(&part, &books.accounts, amount(900), NOW));
    assert_eq!(books.told(&rest), "REVERSED 0 0 | 1000-0 | 5000-0 | 0");
    assert!(!is_open(&rest));
}

#[test]
fn an_advice_confirms_and_an_adjustment_changes_what_is_open() {
    for (minor, expected) in [
        (300, "AUTHORIZED 300 0 | 1000-300 | 5000-300 | 0"),
        (1_500, "AUTHORIZED 1500 0 | 1000-1500 | 5000-1500 | 0"),
        (120, "AUTHORIZED 120 0 | 1000-120 | 5000-120 | 0"),
    ] {
        let mut books = Books::new(Deposit);
        let original = books.authorized(300);
        let confirmed = books.take(force::confirm(
            &original,
            &books.accounts,
            (amount(300), amount(minor)),
            DepositGets::WhenCleared,
            NOW,
        ));
        assert_eq!(books.told(&confirmed), expected);
        assert_eq!(confirmed.order.amount, minor);
    }
    for (way, minor, expected) in [
        (Category::Debit, 50, "AUTHORIZED 350 0 | 1000-350 | 5000-350 | 0"),
        (Category::Credit, 50, "AUTHORIZED 250 0 | 1000-250 | 5000-250 | 0"),
        (Category::Credit, 400, "REVERSED 0 0 | 1000-0 | 5000-0 | 0"),
    ] {
        let mut books = Books::new(Deposit);
        let original = books.authorized(300);
        let adjusted = force::adjust(&original, &books.accounts, way, amount(minor), NOW);
        let adjusted = books.take(adjusted);
        assert_eq!(books.told(&adjusted), expected);
    }
    let mut books = Books::new(Deposit);
    let order = Order { kind: TransactionType::Adjustment, ..order(70) };
    let alone = (Deposit, amount(70));
    let own = force::post_alone(transaction_id(8), order, &books.accounts, alone, None, NOW);
    let own = books.take(own);
    assert_eq!(books.told(&own), "CLEARED 0 70 | 930-0 | 4930-0 | 0");
}

/// Authorized 300 for 1290 at the merchant; cleared for so much, with what was told → what the
/// owner pays, and what `COMPANY` gets.
#[test]
fn a_difference_of_exchange_rates_is_the_partners() {
    use FxDifferenceTo::{Cardholder, Company};
    for (cleared, merchant, told, bears, expected) in [
        (300, Some(1_290), None, Company, "CLEARED 0 300 | 700-0 | 4700-0 | 0"),
        (290, Some(1_290), None, Company, "CLEARED 0 300 | 700-0 | 4700-0 | 10"),
        (310, Some(1_290), None, Company, "CLEARED 0 300 | 700-0 | 4700-0 | -10"),
        (310, Some(1_330), None, Company, "CLEARED 0 310 | 690-0 | 4690-0 | 0"),
        (310, None, None, Company, "CLEARED 0 310 | 690-0 | 4690-0 | 0"),
        (310, Some(1_290), Some(5), Company, "CLEARED 0 315 | 685-0 | 4685-0 | 5"),
        (310, None, Some(-4), Company, "CLEARED 0 306 | 694-0 | 4694-0 | -4"),
        (310, Some(1_290), Some(5), Cardholder, "CLEARED 0 310 | 690-0 | 4690-0 | 0"),
    ] {
        let mut books = Books::new(Deposit);
        let converted = |order: Order, merchant| Order {
            original_amount: merchant,
            original_currency: merchant.map(|_| Currency::PLN),
            ..order
        };
        let mut original = books.authorized(300);
        original.order = converted(original.order, Some(1_290));
        let mut settlement = settlement(cleared, Final);
        settlement.fx_difference = told;
        settlement.fx_difference_to = bears;
        let order = converted(order(cleared), merchant);
        let change = clear(&original, &order, &books.accounts, &settlement).expect("in range");
        let difference = change.beside.as_ref().map(|posting| posting.transaction.order.kind);
        let company = books.take(Ok(change));
        assert_eq!(books.told(&company), expected, "{cleared} {merchant:?} {told:?}");
        let kind = match books.balances[2].posted {
            0 => None,
            1.. => Some(TransactionType::CompanyCredit),
            _ => Some(TransactionType::CompanyDebit),
        };
        assert_eq!(difference, kind);
        let scheme: i64 = books
            .moved
            .iter()
            .map(|leg| {
                let minor = leg.amount.minor();
                let into = if leg.to == Account::Scheme { minor } else { 0 };
                into - if leg.from == Account::Scheme { minor } else { 0 }
            })
            .sum();
        assert_eq!(scheme, cleared, "the scheme gets what it settles");
    }
}

/// What was raised, lowered or settled in part isn't "as authorized" any more: the cardholder pays
/// what the scheme settles.
#[test]
fn a_changed_authorization_has_no_difference_by_itself() {
    let converted = |order: Order| Order {
        original_amount: Some(1_290),
        original_currency: Some(Currency::PLN),
        ..order
    };
    for change in 0..4 {
        let mut books = Books::new(NoCollateral);
        let mut original = books.authorized(300);
        original.order = converted(original.order);
        let accounts = &books.accounts;
        let changed = match change {
            0 => force::raise(&original, accounts, amount(50), None, NOW),
            1 => force::adjust(&original, accounts, Category::Credit, amount(50), NOW),
            2 => {
                let (amounts, gets) = ((amount(300), amount(250)), DepositGets::AtOnce);
                force::confirm(&original, accounts, amounts, gets, NOW)
            }
            _ => {
                let order = converted(order(100));
                let part = Settlement { fx_difference: Some(0), ..settlement(100, Partial) };
                clear(&original, &order, accounts, &part)
            }
        };
        let changed = books.take(changed);
        let settled = settlement(240, Final);
        let change = clear(&changed, &converted(order(240)), &books.accounts, &settled);
        assert!(change.expect("in range").beside.is_none());
    }
}

/// Without a deposit, whatever the mode, the scheme is paid all the same.
#[test]
fn the_scheme_is_paid_without_a_deposit_too() {
    let accounts = Accounts::of(&[fixtures::balance(1_000)]);
    let change = clear_alone(order(70), &accounts, Deposit, &settlement(70, Final));
    let legs = change.expect("in range").legs;
    let [leg] = legs.as_slice() else { panic!("one leg: {legs:?}") };
    assert_eq!((leg.to, leg.amount), (Account::Scheme, amount(70)));
}

/// What the network has settled of a credit isn't taken back by its reversal.
#[test]
fn a_reversal_of_a_credit_leaves_what_is_settled() {
    for (gets, expected) in [
        (DepositGets::WhenCleared, "CLEARED 0 60 | 1060-0 | 5060-0 | 0"),
        (DepositGets::AtOnce, "CLEARED 0 60 | 1060-0 | 5060-0 | 0"),
    ] {
        let mut books = Books::new(Deposit);
        let credit = books.credited(100, gets);
        let part = books.clear(&credit, 60, Partial);
        let reversed = books.take(reverse(&part, &books.accounts, amount(100), NOW));
        assert_eq!(books.told(&reversed), expected, "{gets:?}");
    }
}

#[test]
fn a_difference_that_would_turn_the_bill_is_refused() {
    let mut books = Books::new(NoCollateral);
    let original = books.authorized(300);
    for told in [-301, i64::MIN, i64::MAX] {
        let settlement = Settlement { fx_difference: Some(told), ..settlement(300, Final) };
        let refused = clear(&original, &order(300), &books.accounts, &settlement);
        assert_eq!(refused.err(), Some(Description::InvalidAmount), "{told}");
    }
}

#[test]
fn a_clearing_without_authorization_posts_by_force_and_refuses_only_overflow() {
    let mut books = Books::new(Deposit);
    let change = clear_alone(order(1_500), &books.accounts, Deposit, &settlement(1_500, Final));
    let alone = books.take(change);
    assert_eq!(books.told(&alone), "CLEARED 0 1500 | -500-0 | 3500-0 | 0");
    assert_eq!(alone.flag, Some(Flag::WithoutAuthorization));
    assert_eq!((alone.balance_before, alone.balance_after), (Some(1_000), Some(-500)));
    let bottom = Accounts::of(&[fixtures::balance(i64::MIN)]);
    let refused = clear_alone(order(1), &bottom, NoCollateral, &settlement(1, Final));
    assert_eq!(refused.err(), Some(Description::InvalidAmount));
}

/// Each internal type under each mode: which way, between what and what.
#[test]
fn internal_transactions_move_money_between_the_accounts_of_the_spec() {
    let own = fixtures::balance(100);
    let partners = PartnerBalanceKind::ALL.iter().map(|kind| fixtures::partner_balance(*kind, 100));
    let partners: Vec<Balance> = partners.collect();
    let name = |account: Account| match account {
        Account::Balance(id) if id == own.id => "user".to_owned(),
        Account::Balance(id) => {
            let found = partners.iter().find(|balance| balance.id == id).expect("known");
            let kind = found.owner.kind().expect("a partner's").as_str();
            kind.trim_end_matches("_TECHNICAL").to_owned()
        }
        Account::Scheme => "scheme".to_owned(),
        Account::Outside => "outside".to_owned(),
        Account::Books => "books".to_owned(),
    };
    let table = "
type                balance NONE            CREDIT          DEPOSIT
        topUp               user    outside>user    CREDIT>user     books>user
        payment             user    outside>user    CREDIT>user     books>user
        loan                user    outside>user    CREDIT>user     books>user
        cashback            user    outside>user    CREDIT>user     books>user
        funding             user    user>outside    user>CREDIT     user>books
        creditIbanTransfer  user    outside>user    outside>user    outside>user
        withdrawal          user    user>outside    user>outside    user>outside
        commission          user    user>books      user>books      user>books
        interest            user    user>books      user>books      user>books
        fee                 user    user>COMPANY    user>COMPANY    user>COMPANY
        interchangeCredit   COMPANY scheme>COMPANY  scheme>COMPANY  scheme>COMPANY
        companyCredit       COMPANY outside>COMPANY outside>COMPANY outside>COMPANY
        companyDebit        COMPANY COMPANY>outside COMPANY>outside COMPANY>outside
        collateralCredit    DEPOSIT outside>DEPOSIT outside>DEPOSIT outside>DEPOSIT
        collateralDebit     CREDIT  CREDIT>outside  CREDIT>outside  CREDIT>outside
        ibanTechnicalCredit IBAN    outside>IBAN    outside>IBAN    outside>IBAN
        ibanTechnicalDebit  IBAN    IBAN>outside    IBAN>outside    IBAN>outside
    ";
    let mut told = 0;
    for line in table.lines().filter(|line| line.contains('>')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = TransactionType::parse(words[0]).expect("a type");
        let partners_own = |kind: &&Balance| name(Account::Balance(kind.id)) == words[1];
        let balance = partners.iter().find(partners_own).unwrap_or(&own);
        for (mode, expected) in CollateralMode::ALL.iter().zip(&words[2..]) {
            let order = Order {
                kind,
                category: kind.internal_way().expect("internal"),
                balance: Some(balance.id),
                ..order(40)
            };
            let accounts = Accounts::of(std::iter::once(&own).chain(&partners));
            let facts =
                internal::Facts { accounts: &accounts, mode: *mode, under_lock: false, now: NOW };
            let change = transfer(transaction_id(9), order, &facts);
            let [leg] = change.legs.as_slice() else { panic!("{kind} {mode}: {change:?}") };
            assert_eq!(format!("{}>{}", name(leg.from), name(leg.to)), *expected, "{kind} {mode}");
            assert_eq!(change.transaction.status, Status::Cleared);
            told += 1;
        }
    }
    let internal = TransactionType::ALL.iter().filter(|kind| kind.internal_way().is_some());
    assert_eq!(told, internal.count() * CollateralMode::ALL.len());
}

#[test]
fn an_internal_transaction_is_refused_with_its_reason_and_moves_nothing() {
    use TransactionType::{CollateralDebit, Fee, Funding, TopUp, Withdrawal};
    let changed = |change: fn(&mut Balance)| {
        let mut balance = fixtures::balance(100);
        change(&mut balance);
        balance
    };
    let plain = || changed(|_| {});
    let locked = changed(|balance| balance.state = crate::balance::BalanceState::Locked);
    let removed = changed(|balance| balance.state = crate::balance::BalanceState::Removed);
    let full = changed(|balance| balance.posted = i64::MAX);
    for (kind, minor, balance, under_lock, expected) in [
        (TopUp, 0, plain(), false, Description::InvalidAmount),
        (TopUp, -5, plain(), false, Description::InvalidAmount),
        (TopUp, 5, removed, false, Description::BalanceNotFound),
        (TopUp, 1, full, false, Description::InvalidAmount),
        (TopUp, 51, plain(), false, Description::InsufficientFundsOnCollateralBalance),
        (TopUp, 50, locked.clone(), true, Description::Approved),
        (Withdrawal, 5, locked, false, Description::BalanceLocked),
        (Withdrawal, 5, plain(), true, Description::AmlException),
        (Withdrawal, 101, plain(), false, Description::InsufficientFunds),
        (Funding, 100, plain(), false, Description::Approved),
        (Fee, 5, plain(), false, Description::BalanceNotFound),
        (CollateralDebit, 5, plain(), false, Description::UnknownTransactionType),
    ] {
        let credit = fixtures::partner_balance(PartnerBalanceKind::Credit, 50);
        let accounts = Accounts::of([&balance, &credit]);
        let category = kind.internal_way().expect("internal");
        let order = Order { kind, category, ..order(minor) };
        let mode = CollateralMode::Credit;
        let facts = internal::Facts { accounts: &accounts, mode, under_lock, now: NOW };
        let change = transfer(transaction_id(9), order, &facts);
        assert_eq!(change.transaction.description, expected, "{kind} {minor}");
        assert_eq!(change.balances.is_empty(), expected != Description::Approved);
    }
    let none = Accounts::of(&[fixtures::balance(100)]);
    let order = |minor| Order { kind: TopUp, category: Category::Credit, ..order(minor) };
    let facts = |mode| internal::Facts { accounts: &none, mode, under_lock: false, now: NOW };
    let change = transfer(transaction_id(9), order(5), &facts(CollateralMode::Credit));
    assert_eq!(change.transaction.description, Description::CollateralBalanceNotFound);
    let polish = Order { currency: Currency::PLN, ..order(5) };
    let change = transfer(transaction_id(9), polish, &facts(NoCollateral));
    assert_eq!(change.transaction.description, Description::CurrencyMismatch);
}

#[test]
fn a_reference_is_narrowed_until_one_is_left() {
    let mut first = Books::new(NoCollateral).authorized(300);
    let mut second = first.clone();
    first.id = transaction_id(1);
    second.id = transaction_id(2);
    let reference = |amount| Reference {
        processor: ProcessorId(1),
        id: "177482".to_owned(),
        date: Some(NOW),
        amount: Some(amount),
        retrieval_reference: Some("rrn-2".to_owned()),
    };
    let both = [first.clone(), second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::Several);
    second.order.retrieval_reference = Some("rrn-2".to_owned());
    let both = [first.clone(), second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::One(&second));
    second.order.amount = 299;
    let both = [first.clone(), second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::One(&first));
    second.order.amount = 300;
    second.order.retrieval_reference = None;
    first.status = Status::Reversed;
    let both = [first, second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::One(&second), "the open one");
    let crowd = vec![second.clone(); 32];
    assert_eq!(find(crowd.iter(), &reference(300)), Match::Several, "more than can be told apart");
    second.processing = Processing::Declined;
    assert_eq!(find([second.clone()].iter(), &reference(300)), Match::None);
    // A question is over and moved nothing: nothing refers to it.
    second.processing = Processing::Success;
    second.status = Status::Cleared;
    second.held = Amount::ZERO;
    second.order.amount = 0;
    assert_eq!(find([second].iter(), &reference(300)), Match::None);
    let mut other = reference(300);
    other.processor = ProcessorId(2);
    assert_eq!(find(both.iter(), &other), Match::None);
}

proptest! {
    /// Whatever comes in whatever order: balances are what moved, and hold what the transaction
    /// holds; the transaction has cleared what moved of its balance.
    #[test]
    fn balances_always_agree_with_their_transaction(
        deposit in any::<bool>(),
        credit in any::<bool>(),
        steps in prop::collection::vec((0..8u8, 1..400i64), 0..12)
    ) {
        let mut books = Books::new(if deposit { Deposit } else { NoCollateral });
        let mut transaction = if credit {
            books.credited(300, DepositGets::AtOnce)
        } else {
            books.authorized(300)
        };
        for (step, minor) in steps {
            if !is_open(&transaction) {
                break;
            }
            let (accounts, minor) = (&books.accounts, amount(minor));
            let finality = if step == 1 { Partial } else { Final };
            let order = Order { category: transaction.order.category, ..order(minor.minor()) };
            let change = match step {
                0 => reverse(&transaction, accounts, minor, NOW),
                1 | 2 => {
                    let settlement = settlement(minor.minor(), finality);
                    clear(&transaction, &order, accounts, &settlement)
                }
                3 => expire(&transaction, accounts, NOW),
                4 => force::adjust(&transaction, accounts, Category::Debit, minor, NOW),
                5 => force::adjust(&transaction, accounts, Category::Credit, minor, NOW),
                6 => {
                    let gets = DepositGets::AtOnce;
                    force::confirm(&transaction, accounts, (amount(100), minor), gets, NOW)
                },
                _ => decline_late(&transaction, accounts, amount(300), NOW),
            };
            transaction = books.take(change);
            books.check(&transaction);
            let own = books.balances[0].posted - 1_000;
            let way = if credit { 1 } else { -1 };
            prop_assert_eq!(transaction.cleared.minor(), way * own);
            let backed = books.balances[1].posted - 5_000;
            prop_assert_eq!(transaction.backing.moved.minor(), way * backed);
            prop_assert!(is_open(&transaction) || transaction.held.is_zero());
        }
    }
}

/// A force credit gives the deposit all that the owner has got, an advice nothing.
#[test]
fn a_credit_that_is_forced_later_is_the_deposits_at_once() {
    for (gets, expected) in [
        (DepositGets::WhenCleared, "AUTHORIZED 0 120 | 1120-0 | 5000-0 | 0"),
        (DepositGets::AtOnce, "AUTHORIZED 0 120 | 1120-0 | 5120-0 | 0"),
    ] {
        let mut books = Books::new(Deposit);
        let credit = books.credited(100, DepositGets::WhenCleared);
        let forced =
            force::confirm(&credit, &books.accounts, (amount(100), amount(120)), gets, NOW);
        let forced = books.take(forced);
        assert_eq!(books.told(&forced), expected, "{gets:?}");
        let cleared = books.clear(&forced, 120, Final);
        assert_eq!(books.told(&cleared), "CLEARED 0 120 | 1120-0 | 5120-0 | 0");
    }
}

/// What was reversed meanwhile came off the beginning.
#[test]
fn a_late_beginning_leaves_what_has_raised_it_though_a_part_was_reversed() {
    let mut books = Books::new(Deposit);
    let original = books.authorized(300);
    let raised = books.take(force::raise(&original, &books.accounts, amount(50), None, NOW));
    let part = books.take(reverse(&raised, &books.accounts, amount(30), NOW));
    let left = books.take(decline_late(&part, &books.accounts, amount(300), NOW));
    assert_eq!(books.told(&left), "AUTHORIZED 50 0 | 1000-50 | 5000-50 | 0");
}

/// What raised a hold was approved in time: it stays when the beginning was too late, and goes when
/// it was too late as well, whichever comes first.
#[test]
fn a_late_beginning_leaves_what_has_raised_it() {
    let mut books = Books::new(Deposit);
    let original = books.authorized(300);
    let raised = books.take(force::raise(&original, &books.accounts, amount(50), None, NOW));
    let mut before = books.clone();
    let left = books.take(decline_late(&raised, &books.accounts, amount(300), NOW));
    assert_eq!(books.told(&left), "AUTHORIZED 50 0 | 1000-50 | 5000-50 | 0");
    assert_eq!((left.processing, left.order.amount), (Processing::Success, 50));
    assert_eq!(left.flag, Some(Flag::WithoutAuthorization));
    let gone = books.take(decline_increment(&left, &books.accounts, amount(50), NOW));
    assert_eq!(books.told(&gone), "REVERSED 0 0 | 1000-0 | 5000-0 | 0");

    let first = before.take(decline_increment(&raised, &before.accounts, amount(50), NOW));
    let gone = before.take(decline_late(&first, &before.accounts, amount(300), NOW));
    assert_eq!(before.told(&gone), "AUTHORIZED 0 0 | 1000-0 | 5000-0 | 0");
    assert_eq!((gone.processing, gone.flag), (Processing::Declined, None));
}
