//! Which payments count when and against what, as tables; and that counting is exact, whatever is
//! counted in whatever order, against sums made from all that happened.

use super::*;
use crate::fixtures;
use crate::transaction::{CaptureMode, Description, Place, Status};
use proptest::prelude::*;

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

fn limit(kind: LimitType, unit: TimeUnit, minor: i64, count: Option<i64>) -> Limit {
    let amount = fixtures::amount(minor);
    Limit { kind, unit, currency: Currency::EUR, amount, count }
}

/// A hold that counts on a day.
fn held(minor: i64, on: &str) -> Transaction {
    let order = fixtures::order(minor);
    let (status, done) = (Status::Authorized, Processing::Success);
    let counted = Counted::of(&order, date(on), None);
    let (id, now) = (fixtures::transaction_id(1), fixtures::NOW);
    let record = Transaction::turned_away(id, order, status, done, Description::Approved, now);
    Transaction { held: fixtures::amount(minor), counted, ..record }
}

/// Counts what has happened: what is new on its own day, what changes on the last one.
fn spend(spending: &mut Spending, before: Option<&Transaction>, after: &Transaction) {
    if let Some(delta) = Delta::between(before, after) {
        let last = spending.find(Currency::EUR).map(|periods| periods.now.as_of);
        let today = last.filter(|_| before.is_some()).unwrap_or(delta.counted.on);
        spending.count(&delta, today);
    }
}

fn asks(minor: i64, on: &str) -> Asked<'static> {
    Asked::of(&fixtures::order(minor), fixtures::amount(minor), date(on), None)
}

#[test]
fn periods_begin_at_midnight_on_mondays_and_on_the_first() {
    use TimeUnit::{Daily, Lifetime, Monthly, Transaction, Weekly, Yearly};
    for (unit, one, other, same) in [
        (Transaction, "2026-11-21", "2026-11-21", false),
        (Daily, "2026-11-21", "2026-11-21", true),
        (Daily, "2026-11-21", "2026-11-22", false),
        (Weekly, "2026-11-16", "2026-11-22", true),
        (Weekly, "2026-11-22", "2026-11-23", false),
        (Weekly, "2025-12-29", "2026-01-04", true),
        (Monthly, "2026-11-01", "2026-11-30", true),
        (Monthly, "2026-11-30", "2026-12-01", false),
        (Monthly, "2025-11-21", "2026-11-21", false),
        (Yearly, "2026-01-01", "2026-12-31", true),
        (Yearly, "2025-12-31", "2026-01-01", false),
        (Lifetime, "1999-12-31", "2026-01-01", true),
    ] {
        assert_eq!(unit.same_period(date(one), date(other)), same, "{unit} {one} {other}");
    }
}

/// What a payment is → which types of limits count it.
#[test]
fn each_type_of_limit_counts_its_own_payments() {
    let pos = (TransactionType::Pos, None, None);
    for ((kind, mode, foreign), expected) in [
        (pos, "general"),
        ((TransactionType::Pos, Some(CaptureMode::Ecom), None), "general ecommerce"),
        ((TransactionType::Pos, Some(CaptureMode::Nfc), None), "general contactless"),
        ((TransactionType::Pos, Some(CaptureMode::Emv), None), "general"),
        ((TransactionType::Atm, None, None), "general atm"),
        ((TransactionType::CashbackAtPos, None, None), "general"),
        ((TransactionType::Aft, Some(CaptureMode::Ecom), None), "general ecommerce"),
        ((TransactionType::Pos, None, Some(Currency::EUR)), "general"),
        ((TransactionType::Pos, None, Some(Currency::PLN)), "general foreign_amount"),
        (
            (TransactionType::Atm, Some(CaptureMode::Nfc), Some(Currency::PLN)),
            "general atm contactless foreign_amount",
        ),
    ] {
        let place = Place { capture_mode: mode, ..Place::default() };
        let mut order = fixtures::order(1);
        (order.kind, order.place, order.original_currency) = (kind, place, foreign);
        let kinds = Kinds::of(&order);
        let has: Vec<_> = LimitType::ALL.iter().filter(|it| kinds.has(**it)).collect();
        let has: Vec<&str> = has.into_iter().map(|it| it.as_str()).collect();
        assert_eq!(has.join(" "), expected, "{kind} {mode:?} {foreign:?}");
    }
}

#[test]
fn only_payments_of_the_network_count() {
    let today = date("2026-11-21");
    let mut order = fixtures::order(1);
    assert!(Counted::of(&order, today, None).is_some());
    order.category = Category::Credit;
    assert_eq!(Counted::of(&order, today, None), None, "a refund");
    let internal = Order { kind: TransactionType::Fee, ..fixtures::order(1) };
    assert_eq!(Counted::of(&internal, today, None), None, "a fee");
}

/// What happens on 2026-11-25, to which of 2026-11-21 → on which day it counts, as what.
#[test]
fn what_follows_a_payment_counts_as_that_payment_does() {
    use Category::{Credit, Debit};
    use TransactionType::{Adjustment, Pos};
    let purchase = {
        let mut of = held(300, "2026-11-21");
        of.order.place.capture_mode = Some(CaptureMode::Ecom);
        of.counted = Counted::of(&of.order, date("2026-11-21"), None);
        Transaction { held: Amount::ZERO, cleared: fixtures::amount(300), ..of }
    };
    let reversed = Transaction { cleared: Amount::ZERO, ..purchase.clone() };
    let refund = Transaction { counted: None, ..purchase.clone() };
    for (what, (kind, category), follows, expected) in [
        ("more of a purchase", (Adjustment, Debit), Some(&purchase), "2026-11-21 ecommerce"),
        ("less of a purchase", (Adjustment, Credit), Some(&purchase), "2026-11-21 ecommerce"),
        ("more of what is over", (Adjustment, Debit), Some(&reversed), "2026-11-21 ecommerce"),
        ("less of what moved nothing", (Adjustment, Credit), Some(&reversed), ""),
        ("less of a refund", (Adjustment, Debit), Some(&refund), ""),
        ("more of a refund", (Adjustment, Credit), Some(&refund), ""),
        ("a debit of nothing", (Adjustment, Debit), None, "2026-11-25"),
        ("a credit of nothing", (Adjustment, Credit), None, ""),
        ("a clearing of what is over", (Pos, Debit), Some(&reversed), "2026-11-25 ecommerce"),
        ("a clearing of nothing", (Pos, Debit), None, "2026-11-25"),
    ] {
        let order = Order { kind, category, ..fixtures::order(100) };
        let counted = Counted::of(&order, date("2026-11-25"), follows);
        let told = counted.map_or(String::new(), |counted| {
            let online = counted.kinds.has(LimitType::Ecommerce);
            format!("{}{}", counted.on, if online { " ecommerce" } else { "" })
        });
        assert_eq!(told, expected, "{what}");
    }
}

#[test]
fn an_adjustment_adds_or_gives_back_and_is_no_payment() {
    let daily = limit(LimitType::General, TimeUnit::Daily, 1_000, None);
    let mut spending = Spending::default();
    let purchase = held(300, "2026-11-21");
    spend(&mut spending, None, &purchase);
    let adjustment = |category, minor| {
        let order = Order { kind: TransactionType::Adjustment, category, ..fixtures::order(minor) };
        let (id, now) = (fixtures::transaction_id(2), fixtures::NOW);
        let record = Transaction::cleared_at_once(id, order, fixtures::amount(minor), now);
        Transaction { counted: purchase.counted, ..record }
    };
    for (category, minor, expected) in
        [(Category::Credit, 120, 180), (Category::Debit, 50, 230), (Category::Credit, 230, 0)]
    {
        spend(&mut spending, None, &adjustment(category, minor));
        let used = spending.used(&daily, date("2026-11-21"));
        assert_eq!(used, Sum { amount: expected, count: 1 }, "{category} {minor}");
    }
}

/// 3.00 were spent on Saturday 2026-11-21; a limit, a day, and what is asked then → allowed or not.
#[test]
fn a_limit_counts_what_was_spent_in_its_period() {
    use TimeUnit::{Daily, Lifetime, Monthly, Transaction, Weekly, Yearly};
    let mut spending = Spending::default();
    spend(&mut spending, None, &held(300, "2026-11-21"));
    for (unit, top, count, on, minor, allowed) in [
        (Transaction, 500, None, "2026-11-21", 500, true),
        (Transaction, 500, None, "2026-11-21", 501, false),
        (Daily, 500, None, "2026-11-21", 200, true),
        (Daily, 500, None, "2026-11-21", 201, false),
        (Daily, 500, None, "2026-11-22", 500, true),
        (Daily, 500, None, "2026-11-22", 501, false),
        (Daily, 500, Some(1), "2026-11-21", 1, false),
        (Daily, 500, Some(2), "2026-11-21", 1, true),
        (Daily, 500, Some(1), "2026-11-22", 1, true),
        (Daily, 0, None, "2026-11-22", 1, false),
        (Weekly, 500, None, "2026-11-22", 201, false),
        (Weekly, 500, None, "2026-11-23", 500, true),
        (Monthly, 500, None, "2026-11-30", 201, false),
        (Monthly, 500, None, "2026-12-01", 500, true),
        (Yearly, 500, None, "2026-12-31", 201, false),
        (Yearly, 500, None, "2027-01-01", 500, true),
        (Lifetime, 500, None, "2046-01-01", 201, false),
        (Lifetime, 500, None, "2046-01-01", 200, true),
    ] {
        let limits = [limit(LimitType::General, unit, top, count)];
        let within = spending.is_within(&limits, &asks(minor, on));
        assert_eq!(within, allowed, "{unit} {top} {count:?} {on} {minor}");
        // The other types and currencies don't mind.
        let atm = [limit(LimitType::Atm, unit, 0, Some(0))];
        assert!(spending.is_within(&atm, &asks(minor, on)), "{unit} atm");
        let zloty = [Limit { currency: Currency::PLN, ..limits[0] }];
        assert!(spending.is_within(&zloty, &asks(minor, on)), "{unit} PLN");
    }
}

#[test]
fn an_increment_counts_as_what_it_raises_and_is_no_payment_of_its_own() {
    let mut spending = Spending::default();
    let first = held(300, "2026-11-21");
    spend(&mut spending, None, &first);
    let within = |unit, top, count: Option<i64>, today: &str| {
        let asked =
            Asked::of(&fixtures::order(200), fixtures::amount(200), date(today), Some(&first));
        spending.is_within(&[limit(LimitType::General, unit, top, count)], &asked)
    };
    assert!(within(TimeUnit::Daily, 500, Some(1), "2026-11-21"));
    assert!(!within(TimeUnit::Daily, 499, None, "2026-11-21"));
    assert!(!within(TimeUnit::Transaction, 499, None, "2026-11-21"));
    assert!(within(TimeUnit::Transaction, 500, Some(1), "2026-11-21"));
    // On the next day it still counts on the day of the first.
    assert!(!within(TimeUnit::Daily, 499, None, "2026-11-22"));
    // Once something else was counted there, that day is over; the month isn't.
    spend(&mut spending, None, &held(50, "2026-11-22"));
    let within = |unit, top| {
        let asked = Asked::of(
            &fixtures::order(200),
            fixtures::amount(200),
            date("2026-11-22"),
            Some(&first),
        );
        spending.is_within(&[limit(LimitType::General, unit, top, None)], &asked)
    };
    assert!(!within(TimeUnit::Daily, 499), "the payment alone is too much");
    assert!(within(TimeUnit::Daily, 500));
    assert!(!within(TimeUnit::Monthly, 549));
    assert!(within(TimeUnit::Monthly, 550));
}

#[test]
fn what_is_let_go_is_given_back_to_its_own_day() {
    let daily = limit(LimitType::General, TimeUnit::Daily, 1_000, None);
    let monthly = Limit { unit: TimeUnit::Monthly, ..daily };
    let mut spending = Spending::default();
    let (one, other) = (held(300, "2026-11-21"), held(500, "2026-11-22"));
    spend(&mut spending, None, &one);
    spend(&mut spending, None, &other);
    let used = |spending: &Spending, limit| {
        let Sum { amount, count } = spending.used(limit, date("2026-11-22"));
        (amount, count)
    };
    assert_eq!(used(&spending, &daily), (500, 1));
    assert_eq!(used(&spending, &monthly), (800, 2));
    // Reversed in part, then cleared for less, then above the hold.
    let part = Transaction { held: fixtures::amount(200), ..one.clone() };
    spend(&mut spending, Some(&one), &part);
    assert_eq!(used(&spending, &daily), (500, 1));
    assert_eq!(used(&spending, &monthly), (700, 2));
    let gone = Transaction { held: Amount::ZERO, ..part.clone() };
    spend(&mut spending, Some(&part), &gone);
    assert_eq!(used(&spending, &monthly), (500, 1));
    let cleared =
        Transaction { held: Amount::ZERO, cleared: fixtures::amount(650), ..other.clone() };
    spend(&mut spending, Some(&other), &cleared);
    assert_eq!(used(&spending, &daily), (650, 1));
    assert_eq!(used(&spending, &monthly), (650, 1));
    // Turned away, it never counted.
    let declined = Transaction { processing: Processing::Declined, ..cleared.clone() };
    spend(&mut spending, Some(&cleared), &declined);
    assert_eq!(used(&spending, &monthly), (0, 0));
}

/// What is spent while a clock is wrong: on which day → what each limit has of 5.00 of yesterday,
/// 3.00 of today, 1.00 of that day, and 2.00 of today once the clock is right again.
#[test]
fn a_clock_that_was_wrong_for_a_moment_leaves_the_periods_of_now() {
    use TimeUnit::{Daily, Lifetime, Monthly, Weekly, Yearly};
    let today = "2026-11-25";
    for (wrong, expected) in [
        ("2027-11-25", [(500, 2), (1_000, 3), (1_000, 3), (1_000, 3), (1_100, 4)]),
        ("2025-11-25", [(500, 2), (1_000, 3), (1_000, 3), (1_000, 3), (1_100, 4)]),
        ("2026-12-31", [(500, 2), (1_000, 3), (1_000, 3), (1_100, 4), (1_100, 4)]),
        ("2026-11-30", [(500, 2), (1_000, 3), (1_100, 4), (1_100, 4), (1_100, 4)]),
        // So far ahead a time zone may be: that day goes on.
        ("2026-11-27", [(300, 2), (1_100, 4), (1_100, 4), (1_100, 4), (1_100, 4)]),
    ] {
        let mut spending = Spending::default();
        let through_bytes =
            |it: &Spending| Spending::of(Rules::default(), &it.counters()).expect("is read");
        for (minor, on) in [(500, "2026-11-24"), (300, today), (100, wrong)] {
            spend(&mut spending, None, &held(minor, on));
            spending = through_bytes(&spending);
        }
        let daily = limit(LimitType::General, Daily, 500, None);
        let on = spending.day(Currency::EUR, date(today)).to_string();
        assert_eq!(spending.is_within(&[daily], &asks(201, &on)), wrong == "2026-11-27", "{wrong}");
        spend(&mut spending, None, &held(200, &on));
        let used = |spending: &Spending| {
            [Daily, Weekly, Monthly, Yearly, Lifetime].map(|unit| {
                let used = spending.used(&Limit { unit, ..daily }, date(today));
                (used.amount, used.count)
            })
        };
        assert_eq!(used(&through_bytes(&spending)), expected, "{wrong}");
        // What was spent that day is given back there, wherever that counts.
        let (gone, before) = (Amount::ZERO, held(100, wrong));
        spend(&mut spending, Some(&before), &Transaction { held: gone, ..before.clone() });
        let left = expected.map(|(amount, count)| match amount {
            1_100 => (1_000, 3),
            300 => (200, 1),
            other => (other, count),
        });
        assert_eq!(used(&spending), left, "{wrong}");
    }
}

#[test]
fn counters_of_a_former_release_are_read() {
    // Version 1, euro, 2026-11-21, no budget, a daily general sum of 3.00 in one payment.
    let old = [1, b'E', b'U', b'R', 0xd4, 0x1f, 11, 21, 0, 0, 0x04, 0xd8, 0x04, 0x02];
    let spending = Spending::of(Rules::default(), &old).expect("is read");
    let daily = limit(LimitType::General, TimeUnit::Daily, 0, None);
    let expected = Sum { amount: 300, count: 1 };
    assert_eq!(spending.used(&daily, date("2026-11-21")), expected);
    let again = Spending::of(Rules::default(), &spending.counters()).expect("is read");
    assert_eq!(again, spending);
    // Of one that a wrong clock has left far ahead, the periods of now count again.
    assert_eq!(spending.used(&daily, date("2025-11-21")), Sum::default());
}

#[test]
fn a_budget_is_for_its_days_and_its_currency() {
    let (from, to) = (date("2026-11-10"), date("2026-11-21"));
    let budget = Budget { currency: Currency::EUR, amount: fixtures::amount(1_000), from, to };
    let mut spending = Spending::default();
    let spent = Sum { amount: 400, count: 2 };
    spending.set_budget(Some(budget), spent, date("2026-11-20"));
    for (minor, on, within) in [
        (600, "2026-11-20", true),
        (601, "2026-11-20", false),
        (600, "2026-11-21", true),
        (1, "2026-11-22", false),
        (1, "2026-11-09", false),
    ] {
        assert_eq!(spending.is_within_budget(&asks(minor, on)), within, "{minor} {on}");
    }
    let zloty = Asked { currency: Currency::PLN, ..asks(9_999, "2026-11-22") };
    assert!(spending.is_within_budget(&zloty));
    spend(&mut spending, None, &held(100, "2026-11-21"));
    assert_eq!(spending.used_of_budget(), Sum { amount: 500, count: 3 });
    // A force post after its last day is none of it.
    spend(&mut spending, None, &held(100, "2026-11-22"));
    assert_eq!(spending.used_of_budget(), Sum { amount: 500, count: 3 });
    spending.set_budget(None, Sum::default(), date("2026-11-22"));
    assert!(spending.is_within_budget(&asks(9_999, "2026-11-30")));
}

#[test]
fn counters_that_make_no_sense_are_refused() {
    let good = Spending::default();
    assert_eq!(Spending::of(Rules::default(), &good.counters()), Some(good.clone()));
    assert_eq!(Spending::of(Rules::default(), &[]), Some(good));
    for bad in [
        &[0u8][..],
        &[3],
        &[2, b'E'],
        &[2, b'X', b'X', b'X', 0],
        &[2, b'E', b'U', b'R', 0xff],
        &[1, b'E', b'U', b'R', 0xff],
    ] {
        assert_eq!(Spending::of(Rules::default(), bad), None, "{bad:?}");
    }
    let mut cut = Spending::default();
    spend(&mut cut, None, &held(300, "2026-11-21"));
    spend(&mut cut, None, &held(300, "2027-11-21"));
    let whole = cut.counters();
    for end in 2..whole.len() {
        assert_eq!(Spending::of(Rules::default(), &whole[..end]), None, "cut at {end}");
    }
}

/// A payment: how much, on which day after the first, later changed to so much.
fn payments() -> impl Strategy<Value = Vec<(i64, i8, Option<i64>)>> {
    let minor = prop_oneof![1..1_000i64, Just(i64::MAX)];
    let later = proptest::option::of(prop_oneof![0..1_000i64, Just(i64::MAX)]);
    proptest::collection::vec((minor, 0..70i8, later), 1..40)
}

proptest! {
    /// Payments in the order of their days, each perhaps changed after all were made: each running
    /// period has the sum of what is left of its payments, also after a round through bytes.
    #[test]
    fn counters_are_the_sums_of_what_happened(mut payments in payments()) {
        payments.sort_by_key(|payment| payment.1);
        let first = date("2026-11-28");
        let day = |after: i8| first.saturating_add(jiff::Span::new().days(after));
        let of = |minor: i64, after: i8| held(minor, &day(after).to_string());
        let mut spending = Spending::default();
        for (minor, after, _) in &payments {
            spend(&mut spending, None, &of(*minor, *after));
        }
        for (minor, after, later) in &payments {
            if let Some(later) = later {
                let before = of(*minor, *after);
                let changed = Transaction { held: fixtures::amount(*later), ..before.clone() };
                spend(&mut spending, Some(&before), &changed);
            }
        }
        let spending = Spending::of(Rules::default(), &spending.counters()).expect("is read");
        let today = day(payments.last().expect("one").1);
        for unit in TimeUnit::ALL.iter().filter(|unit| **unit != TimeUnit::Transaction) {
            let of_period = payments.iter().filter(|it| unit.same_period(day(it.1), today));
            let left = of_period.map(|(minor, _, later)| i128::from(later.unwrap_or(*minor)));
            let left: Vec<i128> = left.filter(|minor| *minor != 0).collect();
            let used = spending.used(&limit(LimitType::General, *unit, 0, None), today);
            prop_assert_eq!(used.amount, left.iter().sum::<i128>(), "{}", unit);
            prop_assert_eq!(used.count, i64::try_from(left.len()).expect("few"), "{}", unit);
        }
    }

    /// No bytes make it panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let of = |version: u8| [&[version, b'E', b'U', b'R'], bytes.as_slice()].concat();
        for bytes in [&bytes, &of(1), &of(2)] {
            if let Some(read) = Spending::of(Rules::default(), bytes) {
                prop_assert_eq!(Spending::of(Rules::default(), &read.counters()), Some(read));
            }
        }
    }
}
