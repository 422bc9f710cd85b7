//! A server that dies or stands still between any two steps of the engine.

use crate::story::{Story, answer, expect};
use crate::support::{Database, Sandbox};
use app::ledger::Step;
use reqwest::Response;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

/// How long a step may take to be reached.
pub(crate) const REACHED: Duration = Duration::from_secs(20);
/// More than the processor's time budget of 2 s.
const BUDGET: Duration = Duration::from_millis(2_100);
/// The budget, the second after it, and what a busy machine adds.
const NOBODY_WAITS: Duration = Duration::from_secs(6);

/// Stops the engine the `nth` time that it is at a step.
pub(crate) fn fault(step: Step, nth: usize, marker: &Path) -> String {
    format!("{}:{nth}:{}", step.name(), marker.display())
}

pub(crate) async fn reached(marker: &Path) {
    eventually("the step is reached", REACHED, async || marker.exists()).await;
}

on_both_databases! {
    /// Killed at any step: what was answered stands, a retry gets the answer, the ledger holds.
    async fn a_killed_server_forgets_nothing(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 100_000).await;
        let folder = testkit::folder();
        let mut held = 0;

        for (round, &step) in Step::ALL.iter().enumerate() {
            let marker = folder.path().join(format!("at-{}", step.name()));
            sandbox.stop().await.assert_done();
            sandbox.set_variables(&[("ANTACA_FAULT", &fault(step, 2, &marker))]);
            sandbox.restart().await;

            let answered = format!("answered-{round}");
            let first = expect(200, story.purchase(sandbox.processor(), 100, &answered)).await;
            held += 100;
            let cut_off = format!("cut-off-{round}");
            let request = story.purchase(sandbox.processor(), 100, &cut_off);
            let mut waiting = JoinSet::new();
            waiting.spawn(request.send());
            reached(&marker).await;
            sandbox.kill();
            let told = waiting.join_next().await.expect("it was sent").expect("no panic");
            assert!(told.is_err(), "a dead server doesn't answer");
            std::fs::remove_file(&marker).expect("the marker");

            sandbox.set_variables(&[]);
            sandbox.restart().await;
            let committed = step == Step::Committed;
            held += if committed { 100 } else { 0 };
            assert_eq!(story.amounts(&sandbox).await.1, held, "killed when {}", step.name());

            let again = expect(200, story.purchase(sandbox.processor(), 100, &answered)).await;
            assert_eq!(again, first, "killed when {}", step.name());
            let retried = expect(200, story.purchase(sandbox.processor(), 100, &cut_off)).await;
            assert_eq!(retried["approved"], true);
            held += if committed { 0 } else { 100 };
            assert_eq!(story.amounts(&sandbox).await.1, held);
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        sandbox.stop().await.assert_done();
    }
}

on_both_databases! {
    /// An approval that is committed too late to be told is taken back, and a retry hears so.
    async fn a_late_approval_is_a_decline(database) {
        let folder = testkit::folder();
        let marker = folder.path().join("late");
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        sandbox.stop().await.assert_done();
        sandbox.set_variables(&[("ANTACA_FAULT", &fault(Step::Committed, 1, &marker))]);
        sandbox.restart().await;

        let mut waiting = JoinSet::new();
        waiting.spawn(story.purchase(sandbox.processor(), 300, "late").send());
        reached(&marker).await;
        let begun = Instant::now();
        eventually("the budget has passed", REACHED, async || begun.elapsed() > BUDGET).await;
        std::fs::remove_file(&marker).expect("the marker");
        let told = answered(waiting).await;
        assert_eq!(told.status(), 200);
        let told: Value = told.json().await.expect("JSON");
        assert_eq!((&told["approved"], &told["approvedAmount"]), (&false.into(), &0.into()));
        assert_eq!(story.amounts(&sandbox).await, (1_000, 0));
        let again = expect(200, story.purchase(sandbox.processor(), 300, "late")).await;
        assert_eq!(again, told);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

on_both_databases! {
    /// An approval that is committed later than anybody waits for it: its caller was told to ask
    /// again, it is taken back, and the retry hears so.
    async fn an_approval_that_nobody_waits_for_is_taken_back(database) {
        let folder = testkit::folder();
        let marker = folder.path().join("late");
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        sandbox.stop().await.assert_done();
        sandbox.set_variables(&[("ANTACA_FAULT", &fault(Step::Committed, 1, &marker))]);
        sandbox.restart().await;

        let begun = Instant::now();
        let (status, told) = answer(story.purchase(sandbox.processor(), 300, "late")).await;
        assert_eq!((status, &told["title"]), (503, &"UNAVAILABLE".into()));
        assert!(begun.elapsed() > BUDGET, "the refusal of a late approval was waited for");
        assert!(begun.elapsed() < NOBODY_WAITS, "{:?}", begun.elapsed());
        assert!(marker.exists());
        assert_eq!(story.amounts(&sandbox).await, (700, 300));

        std::fs::remove_file(&marker).expect("the marker");
        eventually("it is taken back", REACHED, async || {
            story.amounts(&sandbox).await == (1_000, 0)
        })
        .await;
        let again = expect(200, story.purchase(sandbox.processor(), 300, "late")).await;
        assert_eq!((&again["approved"], &again["approvedAmount"]), (&false.into(), &0.into()));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

/// An approval that one server committed too late to tell, and another has told meanwhile, stands.
#[tokio::test]
async fn a_late_approval_that_was_told_elsewhere_stands() {
    let folder = testkit::folder();
    let marker = folder.path().join("late");
    let mut one = Sandbox::start(Database::Postgres(testkit::postgres_url().await)).await;
    let story = Story::begin(&one, 1_000).await;
    let other = one.sibling().await;
    one.stop().await.assert_done();
    one.set_variables(&[("ANTACA_FAULT", &fault(Step::Committed, 1, &marker))]);
    one.restart().await;

    let mut waiting = JoinSet::new();
    waiting.spawn(story.purchase(one.processor(), 300, "late").send());
    reached(&marker).await;
    let begun = Instant::now();
    let there = expect(200, story.purchase(other.processor(), 300, "late")).await;
    assert_eq!(there["approved"], true);
    eventually("the budget has passed", REACHED, async || begun.elapsed() > BUDGET).await;
    std::fs::remove_file(&marker).expect("the marker");
    assert_eq!(answered(waiting).await.status(), 503);
    assert_eq!(story.amounts(&one).await, (700, 300));
    let again = expect(200, story.purchase(one.processor(), 300, "late")).await;
    assert_eq!(again, there);
    one.antaca(&["ledger", "verify"]).await.assert_done();
}

/// How long a server stands still: longer than its locks last.
const STILL: Duration = Duration::from_secs(10);

/// One of two servers stands still inside a batch for 10 s: the other goes on meanwhile, and the
/// first, continued, commits nothing that was decided elsewhere.
#[tokio::test]
async fn a_server_that_stands_still_stops_nobody() {
    let folder = testkit::folder();
    let marker = folder.path().join("still");
    let mut one = Sandbox::start(Database::Postgres(testkit::postgres_url().await)).await;
    let story = Story::begin(&one, 100_000_000).await;
    let other = one.sibling().await;
    one.stop().await.assert_done();
    one.set_variables(&[("ANTACA_FAULT", &fault(Step::Loaded, 1, &marker))]);
    one.restart().await;

    let mut waiting = JoinSet::new();
    waiting.spawn(story.purchase(one.processor(), 100, "stuck").send());
    reached(&marker).await;
    one.signal("STOP");
    let still = Instant::now();
    // The stopped server's locks end about when the first one's time is up: it may be late, which
    // is a decline. The next one isn't.
    let mut first = 1;
    while !is_approved(&story, &other, &format!("first-{first}")).await {
        first += 1;
    }
    let went_on = still.elapsed();
    assert!(went_on < STILL, "{went_on:?}");
    approved(&story, &other, "stuck").await;
    let mut held = 200;
    while still.elapsed() < STILL {
        approved(&story, &other, &format!("meanwhile-{held}")).await;
        held += 100;
        assert!(held < 100_000_000, "the balance lasts for 10 s");
    }

    std::fs::remove_file(&marker).expect("the marker");
    one.signal("CONT");
    let told = answered(waiting).await;
    assert_eq!(told.status(), 503);
    assert_eq!(story.amounts(&one).await.1, held);
    let retried = expect(200, story.purchase(one.processor(), 100, "stuck")).await;
    let there = expect(200, story.purchase(other.processor(), 100, "stuck")).await;
    assert_eq!(retried, there);
    assert_eq!(story.amounts(&one).await.1, held);
    one.antaca(&["ledger", "verify"]).await.assert_done();
}

async fn answered(mut waiting: JoinSet<reqwest::Result<Response>>) -> Response {
    let told = waiting.join_next().await.expect("it was sent");
    told.expect("no panic").expect("an answer")
}

/// Sends a purchase, again and again while it is told to retry; how long that took.
async fn approved(story: &Story, sandbox: &Sandbox, id: &str) -> Duration {
    let begun = Instant::now();
    assert!(is_approved(story, sandbox, id).await, "{id}");
    begun.elapsed()
}

/// Sends a purchase, again and again while it is told to retry; whether it was approved.
async fn is_approved(story: &Story, sandbox: &Sandbox, id: &str) -> bool {
    let begun = Instant::now();
    loop {
        let (status, body) = answer(story.purchase(sandbox.processor(), 100, id)).await;
        match status {
            200 => return body["approved"] == true,
            503 => assert!(begun.elapsed() < REACHED, "never"),
            other => panic!("{other}: {body}"),
        }
    }
}
