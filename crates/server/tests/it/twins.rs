//! Two servers on one PostgreSQL: the same message at both, messages about one authorization at
//! each, and one server that stands still with them in hand.

use crate::crash::{REACHED, fault, reached};
use crate::story::{Story, answer, expect, unique};
use crate::support::{Caller, Database, Sandbox};
use app::ledger::Step;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What each card has.
const FUNDS: i64 = 1_000_000;
const DATE: &str = "2026-11-21T10:00:00+00:00";

/// Every kind of message that moves something: what it is, where it goes, and how it changes what
/// can be spent and what is held. Each refers to an authorization of 400.
const KINDS: [(&str, &str, (i64, i64)); 7] = [
    ("authorization", "authorizations", (-100, 100)),
    ("incremental", "authorizations", (-100, 100)),
    ("credit", "authorizations", (100, 0)),
    ("force-debit", "authorizations", (-100, 100)),
    ("advice", "authorizations", (-100, 100)),
    ("clearing", "clearings", (300, -400)),
    ("reversal", "reversals", (100, -100)),
];

/// A message of a network.
#[derive(Clone, Debug)]
struct Message {
    path: String,
    body: Value,
}

impl Message {
    /// A message of 100 cents with a new name; what refers, refers to `of`.
    fn new(story: &Story, kind: &str, path: &str, of: &str) -> Self {
        let mut body = json!({
            "card": { "cardId": story.card }, "amount": 100, "currency": "EUR",
            "transactionId": format!("{kind}-{}", unique()), "transactionDate": DATE,
            "description": "Book store",
        });
        if path == "authorizations" {
            body["kind"] = kind.into();
            body["type"] = "pos".into();
        }
        if ["incremental", "clearing", "reversal"].contains(&kind) {
            body["referenceTransactionId"] = of.into();
            body["referenceTransactionDate"] = DATE.into();
        }
        Self { path: format!("/processor/v1/{path}"), body }
    }

    fn to(&self, processor: &Caller) -> RequestBuilder {
        let key = self.body["transactionId"].as_str().expect("a name");
        processor.post(&self.path).header("X-Idempotency-Key", key).json(&self.body)
    }

    /// Sends it, again and again while it is told to come again.
    async fn decided(&self, sandbox: &Sandbox) -> Value {
        self.decided_by(sandbox.processor()).await
    }

    /// The same, by a caller that may outlive the sandbox.
    async fn decided_by(&self, processor: &Caller) -> Value {
        let begun = Instant::now();
        loop {
            let (status, body) = answer(self.to(processor)).await;
            match status {
                200 => return body,
                503 => assert!(begun.elapsed() < REACHED, "never: {self:?}"),
                other => panic!("{other}: {body} to {self:?}"),
            }
        }
    }
}

async fn two() -> (Sandbox, Sandbox) {
    two_with(&[]).await
}

/// Two with these variables of the environment.
async fn two_with(variables: &[(&str, &str)]) -> (Sandbox, Sandbox) {
    let database = Database::Postgres(testkit::postgres_url().await);
    let one = Sandbox::start_with(database, variables).await;
    let other = one.sibling().await;
    (one, other)
}

/// Holds 400 of a card at a server.
async fn authorized(story: &Story, sandbox: &Sandbox) -> (String, Value) {
    let of = format!("of-{}", unique());
    let told = expect(200, story.purchase(sandbox.processor(), 400, &of)).await;
    assert_eq!(told["approved"], true);
    (of, told)
}

#[tokio::test]
async fn the_same_message_of_any_kind_at_both_servers_acts_once() {
    let (one, other) = two().await;
    for round in 0..4 {
        for (kind, path, (available, held)) in KINDS {
            let story = Story::begin(&one, FUNDS).await;
            let (of, _) = authorized(&story, if round % 2 == 0 { &one } else { &other }).await;
            let message = Message::new(&story, kind, path, &of);
            let (here, there) = tokio::join!(message.decided(&one), message.decided(&other));
            assert_eq!(here, there, "{kind}");
            let expected = (FUNDS - 400 + available, 400 + held);
            assert_eq!(story.amounts(&one).await, expected, "{kind}");
            assert_eq!(message.decided(&other).await, here, "{kind}");
            assert_eq!(story.amounts(&other).await, expected, "{kind}");
        }
    }
    one.antaca(&["ledger", "verify"]).await.assert_done();
}

#[tokio::test]
async fn a_clearing_at_one_server_and_a_reversal_at_the_other_take_one_hold() {
    let (one, other) = two().await;
    let story = Story::begin(&one, FUNDS).await;
    for round in 1..=15 {
        let (of, original) = authorized(&story, &one).await;
        let mut messages = [("clearing", "clearings"), ("reversal", "reversals")]
            .map(|(kind, path)| Message::new(&story, kind, path, &of));
        for message in &mut messages {
            message.body["amount"] = 400.into();
        }
        let [clearing, reversal] = messages;
        let (cleared, reversed) = tokio::join!(clearing.decided(&one), reversal.decided(&other));
        assert_eq!(cleared["description"], "APPROVED");
        let takes = [&cleared, &reversed]
            .map(|told| told["id"] == original["id"] && told["description"] == "APPROVED");
        assert_eq!(takes.iter().filter(|takes| **takes).count(), 1, "{cleared} {reversed}");
        // A clearing moves its money in any case.
        assert_eq!(story.amounts(&other).await, (FUNDS - round * 400, 0));
    }
    one.antaca(&["ledger", "verify"]).await.assert_done();
}

#[tokio::test]
async fn an_early_reversal_at_one_server_stops_the_authorization_at_the_other() {
    let (one, other) = two().await;
    let story = Story::begin(&one, FUNDS).await;
    for _ in 0..15 {
        let purchase = Message::new(&story, "authorization", "authorizations", "");
        let of = purchase.body["transactionId"].as_str().expect("a name");
        let reversal = Message::new(&story, "reversal", "reversals", of);
        let (bought, reversed) = tokio::join!(purchase.decided(&other), reversal.decided(&one));
        assert_eq!(reversed["accepted"], true);
        // Whichever came first, nothing is left of it, and both are told the same story.
        assert_eq!(bought["approved"], reversed["description"] == "APPROVED", "{bought}");
        assert_eq!(story.amounts(&one).await, (FUNDS, 0));
        assert_eq!(purchase.decided(&one).await, bought);
        assert_eq!(reversal.decided(&other).await, reversed);
    }
    // The order that is an early reversal in any case.
    let purchase = Message::new(&story, "authorization", "authorizations", "");
    let of = purchase.body["transactionId"].as_str().expect("a name");
    let early = Message::new(&story, "reversal", "reversals", of).decided(&one).await;
    assert_eq!((&early["accepted"], &early["status"]), (&true.into(), &"REVERSED".into()));
    assert_eq!(purchase.decided(&other).await["approved"], false);
    assert_eq!(story.amounts(&other).await, (FUNDS, 0));
    one.antaca(&["ledger", "verify"]).await.assert_done();
}

/// Half of them at each server, all at once: exactly the affordable ones pass, each is told the
/// same at the other server, and together they hold what there was.
#[tokio::test]
async fn two_hundred_authorizations_for_the_last_euro_at_two_servers() {
    const PRICE: i64 = 10;
    // A hundred handshakes at once at each.
    let (one, other) = two_with(&[("ANTACA_LIMITS_CONNECTIONS_PER_ADDRESS", "256")]).await;
    for affordable in [10, 73] {
        // A little is left that isn't enough for another.
        let left = PRICE - 1;
        let story = Story::begin(&one, affordable * PRICE + left).await;
        let mut asked = JoinSet::new();
        for number in 0..200 {
            let mut message = Message::new(&story, "authorization", "authorizations", "");
            message.body["amount"] = PRICE.into();
            let (here, there) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
            let (here, there) = (here.processor().clone(), there.processor().clone());
            asked.spawn(async move {
                let told = message.decided_by(&here).await;
                (message.decided_by(&there).await, told)
            });
        }
        let mut passed = 0;
        for (again, told) in asked.join_all().await {
            let approved = told["approved"] == true;
            let words = if approved { "APPROVED" } else { "INSUFFICIENT_FUNDS" };
            assert_eq!(told["description"], words, "{told}");
            assert_eq!(again, told);
            passed += i64::from(approved);
        }
        assert_eq!(passed, affordable);
        assert_eq!(story.amounts(&other).await, (left, affordable * PRICE));
        assert_eq!(story.amounts(&one).await, (left, affordable * PRICE));
    }
    one.antaca(&["ledger", "verify"]).await.assert_done();
}

/// How long a server stands still: longer than its locks last.
const STILL: Duration = Duration::from_secs(10);

/// One of two servers stands still inside a batch for 10 s, with every kind of message in hand: the
/// other decides them meanwhile, and the first, continued, commits nothing of them.
#[tokio::test]
async fn what_a_server_that_stands_still_had_in_hand_is_decided_elsewhere() {
    let folder = testkit::folder();
    let marker = folder.path().join("still");
    let (mut one, other) = two().await;
    let mut stories = Vec::new();
    let mut messages = Vec::new();
    for (kind, path, change) in KINDS {
        let story = Story::begin(&one, FUNDS).await;
        let (of, _) = authorized(&story, &other).await;
        messages.push(Message::new(&story, kind, path, &of));
        stories.push((story, change));
    }
    one.stop().await.assert_done();
    one.set_variables(&[("ANTACA_FAULT", &fault(Step::Recorded, 1, &marker))]);
    one.restart().await;

    let mut waiting = JoinSet::new();
    for message in messages.clone() {
        let request = message.to(one.processor());
        waiting.spawn(async move { (message, answer(request).await) });
    }
    reached(&marker).await;
    one.signal("STOP");
    let still = Instant::now();
    let mut decided = Vec::new();
    for message in &messages {
        decided.push(message.decided(&other).await);
    }
    let went_on = still.elapsed();
    assert!(went_on < STILL, "{went_on:?}");
    let amounts = async |sandbox: &Sandbox| {
        for ((story, (available, held)), told) in stories.iter().zip(&decided) {
            // One whose time was up when the first server's locks fell was declined for that.
            let late = told["approved"] == false;
            assert!(!late || told["description"] == "UNKNOWN_ERROR", "{told}");
            let (available, held) = if late { (0, 0) } else { (*available, *held) };
            let expected = (FUNDS - 400 + available, 400 + held);
            assert_eq!(story.amounts(sandbox).await, expected);
        }
    };
    amounts(&other).await;
    let passed = async || still.elapsed() > STILL;
    testkit::eventually("the time has passed", STILL * 2, passed).await;

    std::fs::remove_file(&marker).expect("the marker");
    one.signal("CONT");
    for (message, (status, told)) in waiting.join_all().await {
        let place = messages.iter().position(|it| it.body == message.body).expect("was sent");
        assert!(status == 503 || told == decided[place], "{status} {told} to {message:?}");
    }
    for (message, there) in messages.iter().zip(&decided) {
        assert_eq!(message.decided(&one).await, *there, "{message:?}");
    }
    amounts(&one).await;
    one.antaca(&["ledger", "verify"]).await.assert_done();
}
