//! Statements: what there was, what came and left, what there is, all of it adding up.

use crate::holds::join_all;
use app::Error;
use app::ledger::verify::{Run, verify_as};
use app::statements::{Period, Statement};
use app::transactions::History;
use domain::Date;
use domain::balance::PartnerBalanceKind;
use domain::ids::{BalanceId, CardId, TransactionId};
use domain::ledger::clearing::Finality::{Final, Partial};
use domain::money::Currency;
use domain::partner::CollateralMode;
use domain::transaction::{Category, Transaction, TransactionType};
use store::db::Sql;
use testkit::{TestApp, on_both};

async fn of_days(node: &TestApp, id: BalanceId, from: Date, to: Date) -> Statement {
    node.app.statement(node.scope, None, id, Period { from, to }).await.expect("reads")
}

async fn whole(node: &TestApp, id: BalanceId) -> Statement {
    of_days(node, id, Date::constant(2000, 1, 1), Date::constant(2100, 1, 1)).await
}

/// Fails if a statement doesn't add up.
fn check(made: &Statement) {
    let mut posted = made.opening;
    for line in &made.lines {
        posted += match line.way {
            Category::Credit => line.amount.minor(),
            Category::Debit => -line.amount.minor(),
        };
        assert_eq!(line.balance, posted);
    }
    assert_eq!(made.closing, posted);
    assert_eq!(made.opening + made.credits - made.debits, made.closing);
    assert!(made.lines.is_sorted_by_key(|line| line.at));
}

/// Four purchases of 100, each cleared a day later with 60 and a fee of 1; at last 15 that nobody
/// authorized. On which days.
async fn five_days(node: &TestApp, card: CardId, balance: BalanceId) -> Vec<Date> {
    let mut days = vec![node.app.today()];
    for (day, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        node.purchase(card, 100, name).await.expect("decided");
        node.advance(86_400);
        days.push(node.app.today());
        let last = if day % 2 == 0 { Final } else { Partial };
        let clearing = format!("c-{name}");
        node.clear(card, 60, &clearing, Some(name), last).await.expect("decided");
        node.transfer(balance, TransactionType::Fee, 1).await.expect("is charged");
    }
    node.clear(card, 15, "late", None, Final).await.expect("decided");
    days
}

on_both! {
    /// A movement counts on the day on which it was posted, whenever its purchase was authorized.
    async fn days_follow_one_another(node) {
        let funded = node.funded(1_000).await;
        let days = five_days(&node, funded.card, funded.balance).await;
        let mut closing = 0;
        for (number, day) in days.iter().enumerate() {
            let made = of_days(&node, funded.balance, *day, *day).await;
            check(&made);
            assert_eq!(made.opening, closing, "what the day before ended with");
            assert_eq!(made.lines.len(), [1, 2, 2, 2, 3][number]);
            closing = made.closing;
        }
        let all = whole(&node, funded.balance).await;
        check(&all);
        let (amount, held) = node.amounts(funded.balance).await;
        assert_eq!((all.opening, all.closing), (0, amount + held), "holds aren't part of it");
        assert_eq!((all.credits, all.debits, all.lines.len()), (1_000, 259, 10));
    }
}

on_both! {
    /// A day is one of the partner's zone: what comes at half past ten in the evening in London has
    /// come on the next day in Warsaw.
    async fn a_day_is_the_partners(node) {
        let funded = node.funded(0).await;
        let evening = node.app.today().at(22, 30, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        let evening = evening.expect("a time").timestamp();
        let now = node.app.now();
        let wait = evening.duration_since(now).as_secs();
        node.advance(if wait < 0 { wait + 86_400 } else { wait });
        node.top_up(funded.balance, 70).await.expect("is loaded");
        let day = node.app.today();
        let next = day.tomorrow().expect("a day");
        let count = async |of: Date| of_days(&node, funded.balance, of, of).await.lines.len();
        assert_eq!((count(day).await, count(next).await), (1, 0));
        let operator = app::audit::Operator("os:test".to_owned());
        let time_zone = Some("Europe/Warsaw".to_owned());
        let set = app::partners::Set { time_zone, ..Default::default() };
        node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
        assert_eq!((count(day).await, count(next).await), (0, 1));
    }
}

on_both! {
    /// A history that takes several slices, read while it grows.
    async fn a_long_history_is_read_in_slices(node) {
        let funded = node.funded(0).await;
        for _ in 0..11 {
            let moves = (0..100).map(|_| node.top_up(funded.balance, 3));
            join_all(moves).await.into_iter().for_each(|moved| drop(moved.expect("is loaded")));
        }
        let (made, _) = tokio::join!(
            whole(&node, funded.balance),
            join_all((0..50).map(|_| node.top_up(funded.balance, 3))),
        );
        check(&made);
        assert!((1_100..=1_150).contains(&made.lines.len()), "{}", made.lines.len());
        let made = whole(&node, funded.balance).await;
        check(&made);
        assert_eq!((made.lines.len(), made.closing), (1_150, 3_450));
        assert_eq!(made.balance.currency, Currency::EUR);
        let nobodys = node.app.statement(
            node.scope,
            None,
            BalanceId(app::ids::random_id()),
            made.period,
        );
        assert!(matches!(nobodys.await, Err(Error::Refused(app::Refusal::BalanceNotFound))));
    }
}

on_both! {
    /// What was posted before midnight may be written after it, so the day is final a while later.
    async fn a_statement_says_whether_it_is_final(node) {
        let funded = node.funded(10).await;
        let day = node.app.today();
        let next = day.tomorrow().expect("a day");
        let midnight = next.to_zoned(jiff::tz::TimeZone::UTC).expect("a day").timestamp();
        let before = node.app.now();
        for (after, expected) in [(-1, false), (0, false), (599, false), (600, true)] {
            let wanted = midnight.checked_add(jiff::SignedDuration::from_secs(after));
            node.advance_to(&wanted.expect("a moment").to_string());
            let made = of_days(&node, funded.balance, day, day).await;
            assert_eq!((made.is_final, made.closing), (expected, 10), "{after}");
            assert!(!of_days(&node, funded.balance, day, next).await.is_final);
        }
        assert!(before < midnight);
    }
}

on_both! {
    /// What came long after the period isn't read, however much it is.
    async fn a_statement_ends_with_its_period(node) {
        let funded = node.funded(10).await;
        let day = node.app.today();
        let of = History { balance: Some(funded.balance), ..History::default() };
        let first = node.app.history(node.scope, of, None, 1).await.expect("reads").items;
        let first = first.into_iter().next().expect("the top-up").transaction;
        node.advance(2 * 86_400);
        let received_at = node.app.now();
        let later: Vec<Transaction> = (0..2_100)
            .map(|number| {
                let id = TransactionId(app::ids::random_id());
                Transaction { id, number: 1_000_000 + number, received_at, ..first.clone() }
            })
            .collect();
        let mut tx = node.app.db.begin().await.expect("begins");
        let partner = node.scope.partner();
        let rows = later.iter().map(|it| (partner, it));
        store::transactions::insert(&mut tx, rows).await.expect("inserts");
        tx.run(&UNREADABLE, &[]).await.expect("spoils one");
        tx.commit().await.expect("commits");
        assert_eq!(of_days(&node, funded.balance, day, day).await.closing, 10);
        let today = node.app.today();
        let period = Period { from: today, to: today };
        let read = node.app.statement(node.scope, None, funded.balance, period).await;
        assert!(matches!(read, Err(Error::Internal(..))), "it reads its own period");
    }
}

/// Whoever reads the last transaction notices.
const UNREADABLE: Sql = Sql("
    update \"transaction\"
    set kind = 'nonsense'
    where number = 1002099");

/// What a statement says, apart from when it was made.
fn said(made: &Statement) -> String {
    format!("{:?}", (made.opening, made.credits, made.debits, made.closing, &made.lines))
}

on_both! {
    /// Whoever's transactions move them, and wherever the last checkpoint is: before the period,
    /// within it, after it, nowhere.
    async fn a_partners_own_balances_have_statements(node) {
        let funded = node.funded(10_000).await;
        let deposit = node.backed_by(CollateralMode::Deposit, 5_000).await;
        let company = node.partner_balance(PartnerBalanceKind::Company).await;
        let days = five_days(&node, funded.card, funded.balance).await;
        let of_all_days = async || {
            let mut all = Vec::new();
            for id in [deposit, company] {
                let mut closing = 0;
                for day in &days {
                    let made = of_days(&node, id, *day, *day).await;
                    check(&made);
                    assert_eq!(made.opening, closing, "what the day before ended with");
                    closing = made.closing;
                    all.push(said(&made));
                }
                let (amount, held) = node.partner_amounts(id).await;
                assert_eq!(closing, amount + held, "holds aren't part of it");
                let made = whole(&node, id).await;
                check(&made);
                all.push(said(&made));
            }
            all
        };
        let made = whole(&node, deposit).await;
        let moved = |line: &app::statements::Line| (line.of.kind, line.way, line.amount.minor());
        let moved: Vec<_> = made.lines.iter().map(moved).collect();
        let (pos, debit) = (TransactionType::Pos, Category::Debit);
        let mut expected = vec![(TransactionType::CollateralCredit, Category::Credit, 5_000)];
        expected.extend([(pos, debit, 60); 4]);
        expected.push((pos, debit, 15));
        assert_eq!(moved, expected);
        let fees = whole(&node, company).await;
        assert_eq!((fees.lines.len(), fees.credits, fees.closing), (4, 4, 4));
        assert_eq!(fees.name, fees.partner, "it is nobody else's");

        let before = of_all_days().await;
        for (number, day) in days.iter().enumerate() {
            let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("a time");
            let (is_incremental, keep) = (number % 2 == 1, Some(noon.timestamp()));
            let run = Run { is_incremental, keep, slice: 3, ..Run::FULL };
            let report = verify_as(&node.app.db, &[node.scope.partner()], run).await;
            assert_eq!(report.expect("reads").faults, Vec::<String>::new());
            assert_eq!(of_all_days().await, before, "a checkpoint on day {number}");
        }
        // A balance that is newer than the checkpoint, moved by its users' top-ups.
        let credit = node.backed_by(CollateralMode::Credit, 700).await;
        node.top_up(funded.balance, 250).await.expect("is loaded");
        node.transfer(funded.balance, TransactionType::Funding, 50).await.expect("is moved");
        let made = whole(&node, credit).await;
        check(&made);
        assert_eq!((made.credits, made.debits, made.closing), (750, 250, 500));
        let users = whole(&node, funded.balance).await;
        check(&users);
        let (amount, held) = node.amounts(funded.balance).await;
        assert_eq!(users.closing, amount + held);
    }
}
