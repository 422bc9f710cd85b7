//! The proof that the ledger holds finds what doesn't, on both databases.

use domain::balance::Balance;
use domain::ids::BalanceId;
use domain::ledger::clearing::Finality::{Final, Partial};
use domain::money::Amount;
use store::balances;
use store::db::Sql;
use testkit::{Database, TestApp, on_both};

/// What doesn't hold in the partner's books, read in slices of this many rows.
async fn faults(node: &TestApp, slice: i64) -> Vec<String> {
    let partners = [node.scope.partner()];
    let report = app::ledger::verify::verify_in_slices(&node.app.db, &partners, slice).await;
    report.expect("reads").faults
}

/// Runs a statement behind the ledger's back.
async fn spoil(node: &TestApp, text: &'static str) {
    let mut tx = node.app.db.begin().await.expect("begins");
    assert!(tx.run(&Sql(text), &[]).await.expect(text) > 0, "{text}");
    tx.commit().await.expect("commits");
}

/// Writes other amounts into a balance.
async fn write(node: &TestApp, id: BalanceId, change: fn(&mut Balance)) {
    let mut tx = node.app.db.begin().await.expect("begins");
    let mut balance = balances::find(&mut tx, node.scope, id).await.expect("reads").expect("is");
    change(&mut balance);
    let changed = [(node.scope.partner(), &balance)].into_iter();
    assert_eq!(balances::update(&mut tx, changed).await.expect("writes"), 1);
    tx.commit().await.expect("commits");
}

/// A ledger with some of everything.
async fn populate(node: &TestApp) -> testkit::Funded {
    let funded = node.funded(10_000).await;
    for number in 0..5 {
        let (of, of_clearing) = (format!("p{number}"), format!("c{number}"));
        node.purchase(funded.card, 100, &of).await.expect("decided");
        node.clear(funded.card, 30, &of_clearing, Some(&of), Partial).await.expect("decided");
    }
    node.clear(funded.card, 70, "final", Some("p0"), Final).await.expect("decided");
    node.reverse(funded.card, 70, "back", "p1").await.expect("decided");
    node.purchase(funded.card, 1_000_000, "too much").await.expect("decided");
    node.clear(funded.card, 5, "alone", None, Final).await.expect("decided");
    funded
}

on_both! {
    /// Whatever the slices: one row, some, all.
    async fn a_ledger_that_was_only_moved_by_the_engine_holds(node) {
        populate(&node).await;
        for slice in [1, 2, 3, 7, 10_000] {
            assert_eq!(faults(&node, slice).await, Vec::<String>::new(), "slices of {slice}");
        }
    }
}

on_both! {
    /// Two balances, each with as much as one can have: together more than 64 bits.
    async fn sums_beyond_64_bits_are_verified(node) {
        for _ in 0..2 {
            node.funded(i64::MAX).await;
        }
        assert_eq!(faults(&node, 10_000).await, Vec::<String>::new());
        spoil(&node, "update balance set posted = posted - 1 where kind = 'USER'").await;
        let found = faults(&node, 10_000).await;
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("its movements sum to 9223372036854775807"), "{found:?}");
    }
}

on_both! {
    async fn a_balance_with_other_amounts_is_named(node) {
        let funded = populate(&node).await;
        let name = format!("balance {}: ", funded.balance.0);
        write(&node, funded.balance, |it| it.posted += 1).await;
        let found = faults(&node, 3).await;
        assert!(found.len() == 1 && found[0].contains(&name), "{found:?}");
        assert!(found[0].contains("its movements sum to"), "{found:?}");
        write(&node, funded.balance, |it| {
            it.posted -= 1;
            it.held = it.held.checked_add(Amount::from_minor(1).expect("an amount")).expect("fits");
        })
        .await;
        let found = faults(&node, 3).await;
        assert!(found.len() == 1 && found[0].contains("its transactions hold"), "{found:?}");
    }
}

/// A statement that breaks something, and words of the fault.
const SPOILT: &[(&str, &str)] = &[
    (
        "update movement set amount = amount + 1 where to_account = 'scheme' and part = 2",
        "it says 100, its movements 101",
    ),
    ("update movement set currency = 'PLN'", "a movement of it is in another currency"),
    (
        "update movement
         set from_balance_id = (select id from balance where held = 0 and kind = 'USER')
         where from_account = 'balance'",
        "a movement of it is another balance's",
    ),
    (
        "update movement set transaction_id = to_balance_id where from_account = 'outside'",
        "it has movements but no row",
    ),
    ("delete from \"transaction\" where network_id = 'p2'", "it has a message but no row"),
    ("update \"transaction\" set held = 70 where network_id = 'p1'", "but isn't authorized"),
    ("update \"transaction\" set expires_at = null where network_id = 'p2'", "its hold never ends"),
    (
        "update message set processing = 'DECLINED'
         where kind = 'authorization' and processing = 'SUCCESS'",
        "the message says DECLINED, its row SUCCESS",
    ),
    (
        "update message set processing = 'SUCCESS'
         where kind = 'authorization' and processing = 'DECLINED'",
        "the message says SUCCESS, its row DECLINED",
    ),
    (
        "update card
         set balance_id = (select id from message where kind = 'authorization' limit 1)",
        "its balance has no row",
    ),
    ("delete from balance where held = 0", "its balance has no row"),
    ("delete from balance where held > 0", "it has movements but no row"),
];

async fn named(database: Database) {
    for (text, word) in SPOILT {
        let node = TestApp::on(database).await;
        populate(&node).await;
        node.funded(500).await;
        assert_eq!(faults(&node, 4).await, Vec::<String>::new());
        spoil(&node, text).await;
        let found = faults(&node, 4).await;
        assert!(found.iter().any(|fault| fault.contains(word)), "{text}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_broken_is_named_on_sqlite() {
    named(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_broken_is_named_on_postgres() {
    named(Database::Postgres).await;
}
