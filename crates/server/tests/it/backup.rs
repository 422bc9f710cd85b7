//! Backups that are taken while cards pay, and what is restored from them.

use crate::story::{Story, answer, expect, unique};
use crate::support::{Caller, Database, Ended, Sandbox, antaca};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{eventually, files_with, forms_of_number};
use tokio::task::JoinSet;

/// Who pays and loads at the same time.
const SPENDERS: usize = 4;
/// How long the load may take to get going.
const BEGUN: Duration = Duration::from_secs(60);

/// What a caller was told was done.
#[derive(Clone, Debug)]
enum Told {
    /// A transaction by its id.
    Transaction(String),
    /// A card by the user's id and its own.
    Card(i64, i64),
}

/// What was acknowledged, in the order in which the answers came.
#[derive(Clone, Default)]
struct Acknowledged(Arc<Mutex<Vec<Told>>>);

impl Acknowledged {
    fn add(&self, told: Told) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    fn so_far(&self) -> Vec<Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Pays, loads and gets cards until it is over. Nothing is retried: only answers count.
async fn spend(story: Story, callers: [Caller; 2], told: Acknowledged, over: Arc<AtomicBool>) {
    let [partner, processor] = callers;
    let id = |of: &Value| of["id"].as_str().expect("an id").to_owned();
    while !over.load(Ordering::SeqCst) {
        for _ in 0..5 {
            let name = format!("p-{}", unique());
            let (status, body) = answer(story.purchase(&processor, 1, &name)).await;
            if status == 200 {
                told.add(Told::Transaction(id(&body)));
            }
        }
        let name = format!("t-{}", unique());
        let (status, body) = answer(story.top_up(&partner, &json!(1_000), &name)).await;
        if status == 201 {
            told.add(Told::Transaction(id(&body)));
        }
        // A card takes a user of its own: a program has a cap.
        let other = Story::begin_as(&partner, 0).await;
        told.add(Told::Card(other.customer, other.card));
    }
}

/// A load on a sandbox, until it is dropped or ended.
struct Load {
    tasks: JoinSet<()>,
    told: Acknowledged,
    over: Arc<AtomicBool>,
}

impl Load {
    async fn on(sandbox: &Sandbox) -> Self {
        let (told, over) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        for _ in 0..SPENDERS {
            let story = Story::begin(sandbox, 1_000_000).await;
            let callers = [sandbox.partner().clone(), sandbox.processor().clone()];
            tasks.spawn(spend(story, callers, told.clone(), over.clone()));
        }
        let load = Self { tasks, told, over };
        load.goes_on().await;
        load
    }

    /// Waits until more was acknowledged; answers all that was.
    async fn goes_on(&self) -> Vec<Told> {
        let before = self.told.so_far().len();
        eventually("the load goes on", BEGUN, async || self.told.so_far().len() > before + 50)
            .await;
        self.told.so_far()
    }

    async fn end(mut self) -> Vec<Told> {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("no panic");
        }
        self.told.so_far()
    }
}

/// Where a test puts its backups and restores them to.
struct Around(TempDir);

impl Around {
    fn new() -> Self {
        Self(testkit::folder())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path of text").to_owned()
    }

    async fn restore(&self, from: &str) -> Ended {
        antaca(&["restore", "--from", &self.text(from), "--data", &self.text("data")]).await
    }
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the program is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Backs up the database as an operator does: with `antaca`, or with PostgreSQL's own program.
async fn back_up(sandbox: &Sandbox, around: &Around) {
    match sandbox.database() {
        Database::Sqlite => {
            let out = around.text("database");
            sandbox.antaca(&["backup", "--out", &out]).await.assert_done();
        }
        Database::Postgres(url) => {
            let (url, to) = (url.clone(), around.path("database.dump"));
            let dump = tokio::task::spawn_blocking(move || {
                let dump = testkit::postgres_program("pg_dump");
                run(Command::new(dump)
                    .arg("--format=custom")
                    .arg("--file")
                    .arg(to)
                    .arg("--dbname")
                    .arg(url));
            });
            dump.await.expect("no panic");
        }
    }
}

/// Restores all into the folder `data`; answers the database.
async fn restore(sandbox: &Sandbox, around: &Around) -> Database {
    around.restore("keys").await.assert_done();
    // The operator keeps it elsewhere.
    let passphrase = sandbox.dir().join("passphrase");
    std::fs::copy(passphrase, around.path("data/passphrase")).expect("copied");
    match sandbox.database() {
        Database::Sqlite => {
            around.restore("database").await.assert_done();
            Database::Sqlite
        }
        Database::Postgres(_) => {
            let url = testkit::postgres_url().await;
            let restore = testkit::postgres_program("pg_restore");
            let dump = around.path("database.dump");
            run(Command::new(restore).arg("--exit-on-error").arg("--dbname").arg(&url).arg(dump));
            Database::Postgres(url)
        }
    }
}

async fn is_found(sandbox: &Sandbox, told: &Told) -> bool {
    let partner = sandbox.partner();
    match told {
        Told::Transaction(id) => {
            let (status, body) = answer(partner.get(&format!("/secure/transactions/{id}"))).await;
            status == 200 && body["id"] == id.as_str()
        }
        Told::Card(user, card) => {
            let cards = expect(200, partner.get(&format!("/secure/customers/{user}/cards"))).await;
            cards["items"].as_array().expect("a list").iter().any(|one| one["id"] == *card)
        }
    }
}

on_both_databases! {
    /// Everything that was acknowledged before the backup began is in what is restored from it.
    async fn a_backup_under_load_holds_all_that_was_acknowledged_before(database) {
        let sandbox = Sandbox::start(database).await;
        let around = Around::new();
        let load = Load::on(&sandbox).await;
        let before = load.told.so_far();
        back_up(&sandbox, &around).await;
        let after = load.goes_on().await;
        assert!(after.len() > before.len(), "nobody waited for the backup");
        let keys = around.text("keys");
        sandbox.antaca(&["backup", "--keys", "--out", &keys]).await.assert_done();
        load.end().await;
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();

        let database = restore(&sandbox, &around).await;
        let data = around.path("data");
        let restored = Sandbox::open(around.0, database, &[]).await;
        assert_eq!(restored.dir(), data);
        restored.antaca(&["ledger", "verify"]).await.assert_done();
        for told in &before {
            assert!(is_found(&restored, told).await, "{told:?} of {} is missing", before.len());
        }
        // It goes on: new cards have numbers of their own.
        let story = Story::begin(&restored, 1_000).await;
        expect(200, story.purchase(restored.processor(), 100, "after")).await;
        assert_eq!(story.amounts(&restored).await, (900, 100));
        restored.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

on_both_databases! {
    /// Neither number nor code nor key nor passphrase; and database and keys never in one place.
    async fn a_backup_holds_no_secret(database) {
        let sandbox = Sandbox::start(database).await;
        let around = Around::new();
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(sandbox.processor(), 100, "p1")).await;
        back_up(&sandbox, &around).await;
        let keys = around.text("keys");
        sandbox.antaca(&["backup", "--keys", "--out", &keys]).await.assert_done();
        if let Database::Postgres(_) = sandbox.database() {
            // As text: a dump is compressed.
            let restore = testkit::postgres_program("pg_restore");
            let dump = around.path("database.dump");
            let text = run(Command::new(restore).arg("--file=-").arg(dump));
            assert!(text.windows(10).any(|it| it == b"0019167984"), "the dump holds the programs");
            assert_eq!(testkit::luhn_runs(&without_bytes(&text)), Vec::<String>::new());
            std::fs::write(around.path("database.sql"), text).expect("written");
        }

        let read = |name: &str| std::fs::read_to_string(sandbox.dir().join(name)).expect("a file");
        let passphrase = read("passphrase").trim().to_owned();
        let partner_key = read("sandbox.key");
        let key_line = partner_key.lines().nth(1).expect("a line of the key");
        let number = story.full["cardNo"].as_str().expect("a number");
        let mut needles = forms_of_number(number);
        needles.extend([passphrase.as_str(), key_line, "PRIVATE KEY"].map(|it| it.into()));
        let needles: Vec<&[u8]> = needles.iter().map(Vec::as_slice).collect();
        assert_eq!(files_with(around.0.path(), &needles), []);

        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let names: Vec<_> = std::fs::read_dir(&keys).expect("a folder").map(name).collect();
        for forbidden in ["passphrase", "antaca.db", "sandbox.key", "database-url"] {
            assert!(!names.iter().any(|name| name == forbidden), "{names:?}");
        }
    }
}

/// A dump without its columns of bytes: one random run of digits in ten passes for a number.
fn without_bytes(dump: &[u8]) -> Vec<u8> {
    let fields = dump.split(|byte| byte.is_ascii_whitespace());
    let texts: Vec<&[u8]> = fields.filter(|field| !field.starts_with(br"\\x")).collect();
    texts.join(&b' ')
}

fn manifest(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    serde_json::from_str(&text).expect("JSON")
}

/// With a server and without one; and what is refused, each in a sentence.
#[tokio::test]
async fn a_backup_says_what_it_is_and_is_refused_where_it_would_do_harm() {
    let mut sandbox = Sandbox::start(Database::Sqlite).await;
    let around = Around::new();
    Story::begin(&sandbox, 1_000).await;
    for (out, keys) in [("one", "keys-one"), ("two", "keys-two")] {
        let (out, keys) = (around.text(out), around.text(keys));
        let told = sandbox.antaca(&["backup", "--out", &out]).await.assert_done().stdout.clone();
        assert!(told.contains("The ledger holds, balances: 7."), "{told}");
        let told = manifest(Path::new(&out));
        assert_eq!((&told["content"], &told["kind"]), (&"database".into(), &"sandbox".into()));
        assert_eq!(told["ledger"], json!({ "holds": true, "balances": 7 }));
        assert_eq!(told["files"][0]["name"], "antaca.db");
        let again = ["backup", "--out", out.as_str()];
        sandbox.antaca(&again).await.assert_refused("isn't empty");
        sandbox
            .antaca(&["backup", "--keys", "--out", &out])
            .await
            .assert_refused("holds a database");
        sandbox.antaca(&["backup", "--keys", "--out", &keys]).await.assert_done();
        sandbox.antaca(&["backup", "--out", &keys]).await.assert_refused("holds keys");
        let inside = sandbox.dir().join("backup");
        let inside = inside.to_str().expect("text");
        sandbox.antaca(&["backup", "--out", inside]).await.assert_refused("in the data folder");
        if out.ends_with("one") {
            sandbox.stop().await;
        }
    }
}

/// A restore never overwrites, and takes only what is whole.
#[tokio::test]
async fn a_restore_takes_what_is_whole_into_an_empty_place() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let around = Around::new();
    Story::begin(&sandbox, 1_000).await;
    let (out, keys) = (around.text("database"), around.text("keys"));
    sandbox.antaca(&["backup", "--out", &out]).await.assert_done();
    sandbox.antaca(&["backup", "--keys", "--out", &keys]).await.assert_done();

    around.restore("nothing").await.assert_refused("There is no backup in");
    for name in ["database/antaca.db", "keys/ca-key.sealed"] {
        let from = name.split('/').next().expect("a folder");
        let whole = std::fs::read(around.path(name)).expect("a file");
        let mut spoilt = whole.clone();
        let last = spoilt.len() - 1;
        spoilt[last] ^= 1;
        std::fs::write(around.path(name), spoilt).expect("written");
        around.restore(from).await.assert_refused("isn't what was backed up");
        std::fs::write(around.path(name), whole).expect("written");
    }
    assert!(!around.path("data/antaca.db").exists() && !around.path("data/ca.pem").exists());

    around.restore("database").await.assert_done();
    around.restore("database").await.assert_refused("There is a database already");
    around.restore("keys").await.assert_done();
    around.restore("keys").await.assert_refused("There are keys already");
    let dir = sandbox.dir();
    let dir = dir.to_str().expect("text");
    let into = ["restore", "--from", out.as_str(), "--data", dir];
    antaca(&into).await.assert_refused("is used by another antaca process");
}

/// SQLite would write what the log of another database holds into the restored one.
#[tokio::test]
async fn a_restore_is_refused_beside_the_log_of_a_database_that_was_moved_away() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let around = Around::new();
    Story::begin(&sandbox, 1_000).await;
    let out = around.text("database");
    sandbox.antaca(&["backup", "--out", &out]).await.assert_done();
    // The log of what came after the backup, as it lies there while the server runs.
    Story::begin(&sandbox, 1_000).await;
    around.restore("database").await.assert_done();
    std::fs::rename(around.path("data/antaca.db"), around.path("away.db")).expect("moved");
    let log = sandbox.dir().join("antaca.db-wal");
    for end in ["-wal", "-shm", "-journal"] {
        let name = format!("antaca.db{end}");
        let left = around.path(&format!("data/{name}"));
        std::fs::copy(&log, &left).expect("copied");
        let before = std::fs::read(&left).expect("a log");
        assert!(!before.is_empty());
        around.restore("database").await.assert_refused(&format!("{name}, and would be written"));
        assert_eq!(std::fs::read(&left).expect("it is still there"), before);
        let all = std::fs::read_dir(around.path("data")).expect("a folder");
        let all = all.map(|entry| entry.expect("an entry").file_name());
        let written: Vec<_> = all.filter(|it| *it != *name && it != "lock").collect();
        assert!(written.is_empty(), "{written:?}");
        std::fs::remove_file(left).expect("removed");
    }
    let restored = around.restore("database").await;
    assert!(restored.assert_done().stdout.contains("balances: 7."), "{restored:?}");
}

/// PostgreSQL has its own way, and the sentence names it.
#[tokio::test]
async fn postgres_is_backed_up_by_its_own_programs() {
    let mut sandbox = Sandbox::start(Database::Postgres(testkit::postgres_url().await)).await;
    let around = Around::new();
    let out = around.text("database");
    for serving in [true, false] {
        let refused = sandbox.antaca(&["backup", "--out", &out]).await;
        refused.assert_refused("`pg_dump --format=custom`");
        assert!(!around.path("database").exists());
        if serving {
            sandbox.stop().await;
        }
    }
}

/// Numbers that were given out after the backup aren't given to others after the restore.
#[tokio::test]
async fn a_restored_instance_gives_nobody_a_number_that_was_lost() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let around = Around::new();
    Story::begin(&sandbox, 0).await;
    let (out, keys) = (around.text("database"), around.text("keys"));
    sandbox.antaca(&["backup", "--out", &out]).await.assert_done();
    sandbox.antaca(&["backup", "--keys", "--out", &keys]).await.assert_done();
    let mut lost = Vec::new();
    for _ in 0..70 {
        lost.push(Story::begin(&sandbox, 0).await);
    }
    let database = restore(&sandbox, &around).await;
    let restored = Sandbox::open(around.0, database, &[]).await;
    for _ in 0..70 {
        let story = Story::begin(&restored, 0).await;
        assert!(lost.iter().all(|lost| lost.full["cardNo"] != story.full["cardNo"]));
        assert!(lost.iter().all(|lost| lost.card != story.card));
        assert!(lost.iter().all(|lost| lost.customer != story.customer));
    }
}

/// A sandbox's clock is where it was at the backup: numbers are left out, seconds aren't.
#[tokio::test]
async fn a_restored_sandbox_has_the_clock_that_was_backed_up() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let around = Around::new();
    let advance = async |sandbox: &Sandbox, seconds: i64| {
        let moved = sandbox.partner().post("/sandbox/v1/clock");
        let moved = expect(200, moved.json(&json!({ "advanceSeconds": seconds }))).await;
        let now: domain::Timestamp =
            moved["now"].as_str().expect("a time").parse().expect("a time");
        now.as_second()
    };
    let before = advance(&sandbox, 86_400).await;
    let (out, keys) = (around.text("database"), around.text("keys"));
    sandbox.antaca(&["backup", "--out", &out]).await.assert_done();
    sandbox.antaca(&["backup", "--keys", "--out", &keys]).await.assert_done();
    let database = restore(&sandbox, &around).await;
    let restored = Sandbox::open(around.0, database, &[]).await;
    let moved = advance(&restored, 0).await - before;
    // Less than the 10,000 that a restore leaves out of each series.
    assert!((0..600).contains(&moved), "{moved}");
}
