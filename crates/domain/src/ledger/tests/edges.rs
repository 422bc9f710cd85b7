//! Amounts and balances at the edges of 64 bits: whatever is refused changes nothing, whatever is
//! taken is exact.

use super::*;
use crate::authorization::{self, PartialApproval};
use crate::spending::Spending;
use jiff::civil::Date;

/// Balances from one end to the other.
fn posted() -> impl Strategy<Value = i64> {
    let min = prop_oneof![Just(i64::MIN), Just(i64::MIN + 1), Just(i64::MIN / 2)];
    let max = prop_oneof![Just(i64::MAX / 2), Just(i64::MAX - 1), Just(i64::MAX)];
    prop_oneof![min, max, -2..3i64, -1_000..1_000i64, any::<i64>()]
}

/// What a message may say.
fn said() -> impl Strategy<Value = i64> {
    let edges = prop_oneof![Just(i64::MAX), Just(i64::MAX - 1), Just(i64::MAX / 2 + 1)];
    prop_oneof![4 => edges, 4 => 1..1_000i64, 1 => any::<i64>(), 1 => Just(i64::MIN), 1 => Just(0)]
}

fn any_step() -> impl Strategy<Value = (u8, i64, Option<i64>)> {
    (0..16u8, said(), prop::option::of(posted()))
}

/// What happened, and what of it was refused.
type Told = Result<Change, Description>;

fn decided(books: &Books, minor: i64, way: Category, partial: PartialApproval) -> Told {
    let mut request = fixtures::request(minor);
    request.order.category = way;
    request.partial_approval = partial;
    if way == Category::Credit {
        request.ask = authorization::Ask::Credit;
    }
    let (card, program) = (fixtures::card(), fixtures::program());
    let facts = authorization::Facts {
        card: Some(&card),
        program: Some(&program),
        balance: Some(&books.balances[0]),
        accounts: &books.accounts,
        mode: books.mode,
        owner: Some(fixtures::OWNER),
        card_spending: &Spending::default(),
        owner_spending: &Spending::default(),
        today: Date::constant(2023, 11, 14),
        reversed_early: false,
        original: Match::None,
        now: NOW,
    };
    let decision = authorization::decide(transaction_id(7), "123456", &request, &facts);
    let approved = decision.change.transaction.processing == Processing::Success;
    assert_eq!(approved, !decision.approved.is_zero());
    assert!(i128::from(decision.approved.minor()) <= i128::from(minor).max(0));
    if approved { Ok(decision.change) } else { Err(decision.change.transaction.description) }
}

fn moved(books: &Books, kind: TransactionType, minor: i64) -> Told {
    let category = kind.internal_way().expect("internal");
    let order = Order { kind, category, ..order(minor) };
    let mode = books.mode;
    let facts = internal::Facts { accounts: &books.accounts, mode, under_lock: false, now: NOW };
    let change = transfer(transaction_id(9), order, &facts);
    let done = change.transaction.processing == Processing::Success;
    if done { Ok(change) } else { Err(change.transaction.description) }
}

/// What needs no open transaction, and doesn't begin one.
fn alone(books: &Books, step: u8, minor: i64, fx_difference: Option<i64>) -> Told {
    let amount = internal::positive(minor)?;
    let way = if step.is_multiple_of(2) { Category::Debit } else { Category::Credit };
    let order = Order { category: way, ..order(minor) };
    match step {
        0 => moved(books, TransactionType::TopUp, minor),
        1 => moved(books, TransactionType::Withdrawal, minor),
        2 => moved(books, TransactionType::Fee, minor),
        3 | 4 => {
            let settlement = Settlement { fx_difference, amount, ..settlement(1, Final) };
            clear_alone(order, &books.accounts, books.mode, &settlement)
        }
        _ => {
            let how = (books.mode, amount);
            force::post_alone(transaction_id(5), order, &books.accounts, how, None, NOW)
        }
    }
}

fn begun(books: &Books, step: u8, minor: i64) -> Told {
    let order = order(minor);
    let forced = |amount| Forced { amount, ..books.forced(&order, 1) };
    match step {
        0..4 => decided(books, minor, Category::Debit, PartialApproval::Refused),
        4..8 => decided(books, minor, Category::Debit, PartialApproval::Allowed),
        8..11 => decided(books, minor, Category::Credit, PartialApproval::Refused),
        11..14 => force::hold(&forced(internal::positive(minor)?), &books.accounts),
        _ => {
            let amount = internal::positive(minor)?;
            let order = Order { category: Category::Credit, ..order.clone() };
            let forced = Forced { amount, ..books.forced(&order, 1) };
            force::credit(&forced, DepositGets::AtOnce, &books.accounts)
        }
    }
}

fn followed(
    books: &Books,
    of: &Transaction,
    (step, minor, fx_difference): (u8, i64, Option<i64>),
) -> Told {
    let (accounts, amount) = (&books.accounts, internal::positive(minor)?);
    let order = Order { category: of.order.category, ..order(minor) };
    let settlement = |finality| Settlement { fx_difference, amount, ..settlement(1, finality) };
    let debit = of.order.category == Category::Debit;
    match step {
        6 => reverse(of, accounts, amount, NOW),
        7 => clear(of, &order, accounts, &settlement(Partial)),
        8 => clear(of, &order, accounts, &settlement(Final)),
        9 => expire(of, accounts, NOW),
        10 => force::adjust(of, accounts, Category::Debit, amount, NOW),
        11 => force::adjust(of, accounts, Category::Credit, amount, NOW),
        12 if debit => force::raise(of, accounts, amount, None, NOW),
        13 => {
            let told = (transaction_id(4), Order { category: Category::Credit, ..order });
            force::correct(of, accounts, told, (books.mode, amount), NOW)
        }
        14 if of.settled.is_zero() => decline_late(of, accounts, amount, NOW),
        _ => {
            let approved = Amount::from_minor(of.order.amount).unwrap_or(Amount::ZERO);
            force::confirm(of, accounts, (approved, amount), DepositGets::AtOnce, NOW)
        }
    }
}

/// Posted is exactly what moved, counted in 128 bits; held is what the open transaction holds.
fn is_exact(books: &Books, begin: &[Balance], open: Option<&Transaction>) {
    for (balance, begin) in books.balances.iter().zip(begin) {
        let account = Account::Balance(balance.id);
        let moved = |leg: &Leg| {
            let minor = i128::from(leg.amount.minor());
            let out = if leg.from == account { minor } else { 0 };
            let into = if leg.to == account { minor } else { 0 };
            into - out
        };
        let sum: i128 = books.moved.iter().map(moved).sum();
        assert_eq!(i128::from(balance.posted) - i128::from(begin.posted), sum);
    }
    let held = open.map_or((Amount::ZERO, Amount::ZERO), |it| (it.held, it.backing.held));
    assert_eq!((books.balances[0].held, books.balances[1].held), held);
    assert!(books.moved.iter().all(|leg| leg.amount > Amount::ZERO));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_panics_and_nothing_is_lost_at_the_edges(
        begin in (posted(), posted(), posted()),
        mode in prop::sample::select(CollateralMode::ALL),
        steps in prop::collection::vec(any_step(), 1..12),
    ) {
        let balances = vec![
            fixtures::balance(begin.0),
            fixtures::partner_balance(PartnerBalanceKind::Deposit, begin.1),
            fixtures::partner_balance(PartnerBalanceKind::Company, begin.2),
        ];
        let accounts = Accounts::of(&balances);
        let mut books = Books { mode, accounts, balances, moved: Vec::new() };
        let begin = books.balances.clone();
        let mut open: Option<Transaction> = None;
        for (step, minor, difference) in steps {
            let told = match &open {
                _ if step < 6 => alone(&books, step, minor, difference),
                None => begun(&books, step, minor),
                Some(of) => followed(&books, of, (step, minor, difference)),
            };
            if let Ok(change) = told {
                let transaction = books.take(Ok(change));
                if step >= 6 {
                    open = Some(transaction).filter(is_open);
                }
            }
            is_exact(&books, &begin, open.as_ref());
        }
    }
}
