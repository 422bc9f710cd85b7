//! The proof that the ledger holds finds what doesn't, on both databases.

use app::ledger::verify::{Report, Run, verify_as};
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
    let run = Run { slice, ..Run::FULL };
    let report = verify_as(&node.app.db, &partners, run).await;
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
    /// Whoever waits is told how far it is, more each time and in the end all.
    async fn progress_is_told_slice_by_slice(node) {
        populate(&node).await;
        let told = std::sync::Mutex::new(Vec::new());
        let tell = |count: u64| told.lock().expect("whole").push(count);
        let run = Run { slice: 3, tell: &tell, ..Run::FULL };
        let report = verify_as(&node.app.db, &[node.scope.partner()], run).await.expect("reads");
        let told = told.into_inner().expect("whole");
        assert!(told.len() >= 3 && told.is_sorted(), "{told:?}");
        assert_eq!(told.last(), Some(&report.transactions), "{told:?}");
        assert!(told[0] < report.transactions, "{told:?}");
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

/// What a run finds that keeps a checkpoint.
async fn run(node: &TestApp, is_incremental: bool, slice: i64) -> Report {
    let run = Run { is_incremental, keep: Some(node.app.now()), slice, ..Run::FULL };
    verify_as(&node.app.db, &[node.scope.partner()], run).await.expect("reads")
}

on_both! {
    /// An incremental run goes on from where the last one was, whatever has happened since to what
    /// is older, and each run moves the checkpoint.
    async fn an_incremental_run_reads_what_is_new(node) {
        let funded = populate(&node).await;
        node.advance(3_600);
        let full = run(&node, false, 3).await;
        assert!(full.holds() && full.transactions > 7, "{full:?}");
        let unmoved = run(&node, true, 3).await;
        assert_eq!((unmoved.transactions, unmoved.balances), (0, full.balances));
        assert_eq!(unmoved.faults, Vec::<String>::new());
        for round in 0..3 {
            let name = |what: &str| format!("{what}{round}");
            node.purchase(funded.card, 40, &name("new")).await.expect("decided");
            let (of, clearing) = (format!("p{}", 2 + round), name("again"));
            node.clear(funded.card, 10, &clearing, Some(&of), Final).await.expect("decided");
            node.funded(70).await;
            node.advance(3_600);
            let found = run(&node, true, [1, 2, 10_000][round]).await;
            assert_eq!(found.faults, Vec::<String>::new(), "round {round}");
            assert!(found.transactions < full.transactions, "{found:?}");
            assert_eq!(faults(&node, 10_000).await, Vec::<String>::new());
        }
    }
}

on_both! {
    /// What was decided a moment ago is after the checkpoint, so that a server whose clock is
    /// behind may still write at that time.
    async fn what_is_fresh_is_read_again(node) {
        populate(&node).await;
        let full = run(&node, false, 10_000).await;
        let again = run(&node, true, 10_000).await;
        assert_eq!((again.transactions, again.faults), (full.transactions, Vec::new()));
    }
}

/// A statement that breaks what came after a checkpoint, and words of the fault.
const SPOILT_LATER: &[(&str, &str)] = &[
    ("update balance set posted = posted + 1 where kind = 'USER'", "its movements sum to"),
    ("update balance set held = held + 1 where kind = 'USER'", "its transactions hold"),
    (
        "update movement set amount = amount + 1
         where transaction_id in (select id from \"transaction\" where network_id = 'later')",
        "it says 25, its movements 26",
    ),
    // A movement of a transaction that is older than the checkpoint.
    (
        "update movement set amount = 31
         where amount = 33
             and transaction_id in (select id from \"transaction\" where network_id = 'p3')",
        "what it has cleared isn't what has moved",
    ),
    (
        "delete from movement
         where transaction_id in (select id from \"transaction\" where network_id = 'later')",
        "its movements sum to",
    ),
    ("delete from \"transaction\" where network_id = 'later'", "it has a message but no row"),
    ("update \"transaction\" set held = held + 1 where network_id = 'p2'", "its transactions hold"),
    (
        "update message set processing = 'DECLINED'
         where kind = 'authorization' and transaction_id in
             (select id from \"transaction\" where network_id = 'later')",
        "the message says DECLINED, its row SUCCESS",
    ),
];

/// One that breaks what came before it, which an incremental run trusts.
const SPOILT_EARLIER: &[(&str, &str)] = &[
    (
        "update movement set amount = amount + 1
         where transaction_id in (select id from \"transaction\" where network_id = 'p0')",
        "what it has cleared isn't what has moved",
    ),
    ("delete from \"transaction\" where network_id = 'p0'", "it has a message but no row"),
];

async fn named_by_the_run(database: Database) {
    let cases = SPOILT_LATER.iter().map(|it| (it, true));
    for ((text, word), is_later) in cases.chain(SPOILT_EARLIER.iter().map(|it| (it, false))) {
        let node = TestApp::on(database).await;
        let funded = populate(&node).await;
        node.advance(3_600);
        assert!(run(&node, false, 4).await.holds());
        node.purchase(funded.card, 25, "later").await.expect("decided");
        node.clear(funded.card, 25, "c-later", Some("later"), Final).await.expect("decided");
        node.clear(funded.card, 33, "c-p3", Some("p3"), Partial).await.expect("decided");
        spoil(&node, text).await;
        let incremental = run(&node, true, 4).await.faults;
        let is_found = incremental.iter().any(|fault| fault.contains(word));
        assert_eq!(is_found, is_later, "{text}: {incremental:?}");
        let full = run(&node, false, 4).await.faults;
        assert!(full.iter().any(|fault| fault.contains(word)), "{text}: {full:?}");
        // What doesn't hold isn't kept as sound.
        assert_eq!(run(&node, true, 4).await.faults, incremental, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_since_is_named_by_an_incremental_run_on_sqlite() {
    named_by_the_run(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_since_is_named_by_an_incremental_run_on_postgres() {
    named_by_the_run(Database::Postgres).await;
}
