//! A disk that is full, a database that stands still, a command that can't be decided: refused in
//! time, recovered from, nothing lost, nobody else harmed.

use crate::story::{Story, answer, expect};
use crate::support::{Caller, Database, OwnPostgres, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

/// How long the trouble lasts.
const TROUBLE: Duration = Duration::from_secs(5);
/// A message's time budget, the grace after it, and what a busy machine adds.
const IN_TIME: Duration = Duration::from_secs(4);
/// What any request has, and what a busy machine adds.
const CALL_IN_TIME: Duration = Duration::from_secs(12);
/// How long the server may take until it is as before.
const RECOVERED: Duration = Duration::from_secs(30);
const MESSAGES: usize = 6;

/// A card with 1,000, and messages about it.
struct Scene {
    story: Story,
    partner: Caller,
    processor: Caller,
}

impl Scene {
    async fn on(sandbox: &Sandbox) -> Self {
        let (partner, processor) = (sandbox.partner().clone(), sandbox.processor().clone());
        let scene = Self { story: Story::begin(sandbox, 1_000).await, partner, processor };
        expect(200, scene.story.purchase(&scene.processor, 100, "before")).await;
        scene
    }

    /// Purchases of 10, a clearing of what was held before, and a top-up of 5.
    fn requests(&self) -> Vec<(RequestBuilder, Duration)> {
        let (story, before) = (&self.story, Some("before"));
        let purchase = |number| story.purchase(&self.processor, 10, &format!("p{number}"));
        let clearing = story.message(&self.processor, "clearings", 100, "c1", before);
        let messages = (0..MESSAGES).map(purchase).chain([clearing]);
        let mut requests: Vec<_> = messages.map(|request| (request, IN_TIME)).collect();
        requests.push((story.top_up(&self.partner, &json!(5), "t1"), CALL_IN_TIME));
        requests
    }

    /// Sends all of them again and again as long as the trouble lasts: each is told to come again,
    /// and soon enough. Answers how many were.
    async fn refused_for(&self, trouble: Duration) -> usize {
        let begun = Instant::now();
        let mut refused = 0;
        while begun.elapsed() < trouble {
            let mut sending = JoinSet::new();
            for (request, in_time) in self.requests() {
                sending.spawn(async move {
                    let sent = Instant::now();
                    (answer(request).await, sent.elapsed(), in_time)
                });
            }
            for ((status, body), took, in_time) in sending.join_all().await {
                assert_eq!(status, 503, "{body}");
                assert!(took < in_time, "{took:?}, not {in_time:?}: {body}");
                refused += 1;
            }
        }
        refused
    }

    /// The same messages are decided, each of them once. A purchase that was approved when its time
    /// was up, and nobody told so, was taken back.
    async fn recovers(&self, sandbox: &Sandbox) {
        let mut held = 0;
        for (request, _) in self.requests() {
            let mut told = Value::Null;
            eventually("it is decided", RECOVERED, async || {
                let (status, body) = answer(request.try_clone().expect("a body")).await;
                assert!([200, 201, 503].contains(&status), "{status}: {body}");
                told = body;
                status != 503
            })
            .await;
            held += told["approvedAmount"].as_i64().unwrap_or(0);
        }
        assert_eq!(self.story.amounts(sandbox).await, (905 - held, held));
        let after = expect(200, self.story.purchase(&self.processor, 10, "after")).await;
        assert_eq!(after["approved"], true);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

/// Has PostgreSQL say what it says of a disk that is full.
const FULL: &str = "
    create function disk_full() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
    create trigger disk_full before insert on message
        execute function disk_full();";
const ROOM: &str = "drop function disk_full() cascade;";

/// A disk that is full: SQLite may write no file; what PostgreSQL would write is refused as there.
async fn set_full(sandbox: &Sandbox, full: bool) {
    match sandbox.database() {
        Database::Sqlite => sandbox.limit_files(full.then_some(0)),
        Database::Postgres(url) => {
            let sql = if full { FULL } else { ROOM };
            let sql = format!("set client_min_messages = warning; {sql}");
            let psql = testkit::postgres_program("psql");
            let mut command = tokio::process::Command::new(psql);
            command.args(["-v", "ON_ERROR_STOP=1", "-q", "-c", &sql, "-d", url]);
            assert!(command.status().await.expect("psql is there").success());
        }
    }
}

on_both_databases! {
    /// And what is there can still be read.
    async fn a_full_disk_refuses_in_time_and_loses_nothing(database) {
        let sandbox = Sandbox::start(database).await;
        let scene = Scene::on(&sandbox).await;
        set_full(&sandbox, true).await;
        assert!(scene.refused_for(TROUBLE).await > MESSAGES);
        assert_eq!(scene.story.amounts(&sandbox).await, (900, 100));
        set_full(&sandbox, false).await;
        scene.recovers(&sandbox).await;
    }
}

/// Another program has SQLite's only place to write.
#[tokio::test]
async fn a_database_that_somebody_else_writes_to_refuses_in_time_and_loses_nothing() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let scene = Scene::on(&sandbox).await;
    let other = rusqlite::Connection::open(sandbox.dir().join("antaca.db")).expect("opens");
    other.execute_batch("begin immediate").expect("is locked");
    assert!(scene.refused_for(TROUBLE).await > MESSAGES);
    assert_eq!(scene.story.amounts(&sandbox).await, (900, 100));
    other.execute_batch("rollback").expect("is unlocked");
    scene.recovers(&sandbox).await;
}

/// No process of PostgreSQL goes on, nothing tells so.
#[tokio::test]
async fn a_database_that_stands_still_refuses_in_time_and_loses_nothing() {
    let postgres = OwnPostgres::start();
    let sandbox = Sandbox::start(Database::Postgres(postgres.url().to_owned())).await;
    let scene = Scene::on(&sandbox).await;
    postgres.signal("STOP").await;
    let refused = scene.refused_for(TROUBLE).await;
    postgres.signal("CONT").await;
    assert!(refused > MESSAGES);
    scene.recovers(&sandbox).await;
}

on_both_databases! {
    /// Whose decision panics, or can't be written, is recorded as that, alone; its batch isn't.
    async fn a_command_that_is_poisoned_spoils_no_other(database) {
        let mut sandbox = Sandbox::start(database).await;
        let stories = [Story::begin(&sandbox, 1_000).await, Story::begin(&sandbox, 1_000).await];
        for (round, fault) in ["panics:0:bad-0", "unwritable:0:bad-1"].iter().enumerate() {
            sandbox.stop().await.assert_done();
            sandbox.set_variables(&[("ANTACA_FAULT", fault)]);
            sandbox.restart().await;
            let name = |number| match number {
                20 => format!("bad-{round}"),
                number => format!("good-{round}-{number}"),
            };
            let mut sending = JoinSet::new();
            for number in 0..40 {
                let story = &stories[number % 2];
                let request = story.purchase(sandbox.processor(), 10, &name(number));
                sending.spawn(async move { (number, answer(request).await) });
            }
            for (number, (status, told)) in sending.join_all().await {
                let (approved, description) = match number {
                    20 => (false, "UNKNOWN_ERROR"),
                    _ => (true, "APPROVED"),
                };
                assert_eq!(status, 200, "{told}");
                assert_eq!(told["approved"], approved, "{number}: {told}");
                assert_eq!(told["description"], description, "{number}: {told}");
                let story = &stories[number % 2];
                let again = story.purchase(sandbox.processor(), 10, &name(number));
                assert_eq!(expect(200, again).await, told);
                let path = format!("/secure/transactions/{}", told["id"].as_str().expect("an id"));
                let record = expect(200, sandbox.partner().get(&path)).await;
                let flag = if approved { Value::Null } else { "FOR_REVIEW".into() };
                assert_eq!(record["flag"], flag, "{record}");
            }
            let rounds = i64::try_from(round).expect("few") + 1;
            let held = [rounds * 190, rounds * 200];
            for (story, held) in stories.iter().zip(held) {
                assert_eq!(story.amounts(&sandbox).await, (1_000 - held, held));
            }
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}
