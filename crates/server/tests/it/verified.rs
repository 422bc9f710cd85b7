//! `antaca ledger verify`, as an operator or a script runs it.

use crate::story::{Story, expect};
use crate::support::{Database, Sandbox, antaca};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};
use store::db::{Db, Options, Sql};
use tokio::process::Command;

/// How long a command may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);
/// Progress isn't told of what takes less.
const QUIET: Duration = Duration::from_secs(2);

/// Opens the database behind the server's back.
fn open(sandbox: &Sandbox) -> Db {
    let db = match sandbox.database() {
        Database::Sqlite => Db::sqlite(sandbox.dir().join("antaca.db"), Options::default()),
        Database::Postgres(url) => Db::postgres(url, Options::default()),
    };
    db.expect("opens")
}

/// Changes rows behind the server's back.
async fn spoil(sandbox: &Sandbox, text: &'static str) {
    let db = open(sandbox);
    let mut tx = db.begin().await.expect("begins");
    assert_eq!(tx.run(&Sql(text), &[]).await.expect(text), 1, "{text}");
    tx.commit().await.expect("commits");
    db.close().await.expect("closes");
}

/// Asserts that it holds, in words and for a script; the counts.
async fn assert_holds(sandbox: &Sandbox) -> Value {
    let told = sandbox.antaca(&["ledger", "verify"]).await;
    let json = sandbox.antaca(&["ledger", "verify", "--json"]).await.assert_done().json();
    let [json] = json.as_slice() else { panic!("one line: {json:?}") };
    assert_eq!((&json["holds"], &json["faults"]), (&json!(true), &json!([])), "{json}");
    let words = format!("The ledger holds: {} balances.\n", json["balances"]);
    assert_eq!((told.assert_done().stdout.as_str(), told.stderr.as_str()), (words.as_str(), ""));
    json.clone()
}

/// Asserts that it doesn't, and that these words are told of what has this name.
async fn assert_broken(sandbox: &Sandbox, name: &str, words: &str) {
    let told = sandbox.antaca(&["ledger", "verify"]).await;
    assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{told:?}");
    assert!(told.stderr.contains("The ledger doesn't hold."), "{told:?}");
    let is_told = |line: &str| line.contains(name) && line.contains(words);
    assert!(told.stderr.lines().any(is_told), "{name} {words}: {told:?}");
    let told = sandbox.antaca(&["ledger", "verify", "--json"]).await;
    assert_eq!((told.code, told.json().len()), (Some(1), 1), "{told:?}");
    assert_eq!(told.json()[0]["holds"], false, "{told:?}");
    let faults = told.json()[0]["faults"].as_array().expect("a list").clone();
    assert!(faults.iter().filter_map(Value::as_str).any(is_told), "{name} {words}: {told:?}");
}

on_both_databases! {
    /// Whoever changes an amount is found out, whether the server runs or not; the account is
    /// named and the exit code is 1. Put right again, it holds.
    async fn an_amount_that_was_changed_is_named(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 777).await;
        Story::begin(&sandbox, 500).await;
        let bought = expect(200, story.purchase(sandbox.processor(), 111, "p1")).await;
        let clear = story.message(sandbox.processor(), "clearings", 111, "c1", Some("p1"));
        expect(200, clear).await;
        let id = bought["id"].as_str().expect("an id");
        let balance = format!("balance {}", story.balance);
        let purchase = format!("transaction {id}");
        assert_eq!(assert_holds(&sandbox).await["transactions"], 5);
        // The file of SQLite is one process's.
        sandbox.stop().await.assert_done();
        let counts = assert_holds(&sandbox).await;
        spoil(&sandbox, "update balance set held = held + 5 where posted = 666").await;
        assert_broken(&sandbox, &balance, "held is 5, its transactions hold 0").await;
        spoil(&sandbox, "update balance set held = held - 5 where posted = 666").await;

        spoil(&sandbox, "update movement set amount = 110 where amount = 111").await;
        assert_broken(&sandbox, &balance, "posted is 666, its movements sum to 667").await;
        assert_broken(&sandbox, &purchase, "what it has cleared isn't what has moved").await;
        spoil(&sandbox, "update movement set amount = 111 where amount = 110").await;
        assert_eq!(assert_holds(&sandbox).await, counts);

        // By the server that runs, too.
        spoil(&sandbox, "update balance set posted = posted + 1 where posted = 666").await;
        let words = "posted is 667, its movements sum to 666";
        assert_broken(&sandbox, &balance, words).await;
        sandbox.restart().await;
        assert_broken(&sandbox, &balance, words).await;
    }
}

/// A verification that takes long tells on a terminal how far it is, and wipes that away.
#[tokio::test]
async fn progress_is_told_on_a_terminal() {
    let url = testkit::postgres_url().await;
    let sandbox = Sandbox::start(Database::Postgres(url.clone())).await;
    Story::begin(&sandbox, 777).await;
    let db = open(&sandbox);
    let mut blocking = db.begin().await.expect("begins");
    let lock = Sql("lock table movement in access exclusive mode");
    blocking.run(&lock, &[]).await.expect("locks");

    let begun = Instant::now();
    let command = format!("'{}' ledger verify --database '{url}'", env!("CARGO_BIN_EXE_antaca"));
    let terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("util-linux is there");
    let waits = Sql("
        select 1
        from pg_locks join pg_database on pg_database.oid = pg_locks.database
        where not granted and datname = current_database()");
    testkit::eventually("it waits for the table", PATIENCE, async || {
        let mut tx = db.read().await.expect("begins");
        let found = tx.rows(&waits, &[]).await.expect("reads");
        tx.rollback().await;
        !found.is_empty()
    })
    .await;
    let waiting = Instant::now();
    testkit::eventually("it has taken long", PATIENCE, async || waiting.elapsed() > QUIET).await;
    blocking.rollback().await;
    let ended = tokio::time::timeout(PATIENCE, terminal.wait_with_output()).await;
    let ended = ended.expect("in time").expect("it ends");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told} after {:?}", begun.elapsed());
    let progress = told.find("Compared 2 transactions with their movements").expect(&told);
    let result = told.find("The ledger holds: ").expect(&told);
    assert!(progress < result && told[progress..result].contains("\x1b[2K"), "{told:?}");

    // Not where a script reads.
    let plain = antaca(&["ledger", "verify", "--database", &url]).await;
    assert_eq!(plain.assert_done().stderr, "");
}
