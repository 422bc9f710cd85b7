//! Cards that are ordered over the wire and made by the server's worker.

use crate::story::{Story, answer, expect};
use crate::support::Sandbox;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

/// How long an order may take, a dead worker's lease of 10 s included.
const MADE: Duration = Duration::from_secs(40);

fn path(story: &Story) -> String {
    format!("/secure/customers/{}/cards/virtual/async", story.customer)
}

fn body(story: &Story) -> Value {
    json!({ "balanceId": story.balance, "configId": "0019167984" })
}

/// Waits until an operation has ended; what it tells then.
pub(crate) async fn ended(sandbox: &Sandbox, story: &Story, id: &str) -> Value {
    let path = format!("/secure/customers/{}/cards/operations/{id}", story.customer);
    let mut told = Value::Null;
    eventually("the operation ends", MADE, async || {
        told = expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(told["operationId"], id);
        told["status"] != "PENDING"
    })
    .await;
    told
}

async fn cards(sandbox: &Sandbox, story: &Story) -> Vec<Value> {
    let path = format!("/secure/customers/{}/cards", story.customer);
    let listed = expect(200, sandbox.partner().get(&path)).await;
    listed["items"].as_array().expect("a list").clone()
}

async fn order(sandbox: &Sandbox, story: &Story, key: &str) -> String {
    let post = sandbox.partner().post(&path(story)).header("X-Idempotency-Key", key);
    let told = expect(202, post.json(&body(story))).await;
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(1), "{told}");
    told["operationId"].as_str().expect("an id").to_owned()
}

on_both_databases! {
    /// No encryption, an answer at once, and the card soon after.
    async fn an_ordered_card_is_made_afterwards(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let id = order(&sandbox, &story, "one").await;
        let done = ended(&sandbox, &story, &id).await;
        assert_eq!(done["status"], "DONE", "{done}");
        assert_eq!(order(&sandbox, &story, "one").await, id, "the same key");
        let listed = cards(&sandbox, &story).await;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[1]["id"], done["cardId"]);
        let card = done["cardId"].as_i64().expect("an id");
        let made = Story { card, ..story.clone() };
        let told = expect(200, made.purchase(sandbox.processor(), 300, "p1")).await;
        assert_eq!(told["approved"], true);
    }

    /// What is wrong with the request is told at once; the rest is the operation's outcome.
    async fn an_order_that_is_refused_says_why(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let post = |path: &str, body: &Value| sandbox.partner().post(path).json(body);
        let invalid = expect(422, post(&path(&story), &json!({}))).await;
        assert_eq!(invalid["title"], "VALIDATION_ERROR");
        assert_eq!(invalid["violations"].as_array().map(Vec::len), Some(2));
        let unknown = "/secure/customers/999999/cards/virtual/async";
        let unknown = expect(404, post(unknown, &body(&story))).await;
        assert_eq!(unknown["title"], "CUSTOMER_NOT_FOUND");
        let mut other = body(&story);
        other["dcUserId"] = (story.customer + 1).into();
        assert_eq!(expect(422, post(&path(&story), &other)).await["title"], "CUSTOMER_MISMATCH");

        let mut other = body(&story);
        other["configId"] = "0019167987".into();
        let told = expect(202, post(&path(&story), &other)).await;
        let id = told["operationId"].as_str().expect("an id");
        let failed = ended(&sandbox, &story, id).await;
        let reason = "CURRENCY_MISMATCH";
        let told = json!({ "operationId": id, "status": "FAILED", "reason": reason });
        assert_eq!(failed, told);

        let other = Story::begin(&sandbox, 0).await;
        let (mine, theirs) = (story.customer, other.customer);
        for (customer, id) in [(theirs, id), (mine, "x"), (mine, &other.balance)] {
            let path = format!("/secure/customers/{customer}/cards/operations/{id}");
            let gone = expect(404, sandbox.partner().get(&path)).await;
            assert_eq!(gone["title"], "OPERATION_NOT_FOUND");
        }
        assert_eq!(cards(&sandbox, &story).await.len(), 1);
    }

    /// Killed at any step, the server goes on after its restart, and each order is one card.
    async fn a_killed_server_makes_each_ordered_card_once(database) {
        let folder = testkit::folder();
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let steps = ["operation-claimed", "operation-inserted", "operation-committed"];
        for (round, step) in (1..).zip(steps) {
            let marker = folder.path().join(step);
            sandbox.stop().await.assert_done();
            let fault = format!("{step}:1:{}", marker.display());
            sandbox.set_variables(&[("ANTACA_FAULT", &fault)]);
            sandbox.restart().await;
            let id = order(&sandbox, &story, step).await;
            eventually("the step is reached", MADE, async || marker.exists()).await;
            sandbox.kill();
            std::fs::remove_file(&marker).expect("the marker");

            sandbox.set_variables(&[]);
            sandbox.restart().await;
            let done = ended(&sandbox, &story, &id).await;
            assert_eq!(done["status"], "DONE", "killed at {step}");
            let listed = cards(&sandbox, &story).await;
            assert_eq!(listed.len(), 1 + round, "killed at {step}");
            assert_eq!(listed[round]["id"], done["cardId"], "killed at {step}");
        }
    }

    /// A hundred orders at once, more than are claimed at a time.
    async fn many_orders_are_all_made(database) {
        let sandbox = Sandbox::start(database).await;
        let mut stories = Vec::new();
        for _ in 0..13 {
            stories.push(Story::begin(&sandbox, 0).await);
        }
        let mut ids = Vec::new();
        for round in 0..9 {
            for story in &stories {
                let key = format!("{round}/{}", story.customer);
                ids.push((story, order(&sandbox, story, &key).await));
            }
        }
        for (story, id) in ids {
            assert_eq!(ended(&sandbox, story, &id).await["status"], "DONE");
        }
        for story in &stories {
            assert_eq!(cards(&sandbox, story).await.len(), 10, "the program's cap");
            let beyond = order(&sandbox, story, &format!("beyond/{}", story.customer)).await;
            let failed = ended(&sandbox, story, &beyond).await;
            assert_eq!(failed["reason"], "CARD_LIMIT_REACHED");
        }
        let (status, _) = answer(sandbox.partner().get(&path(&stories[0]))).await;
        assert_eq!(status, 405, "a literal segment beats an id");
    }
}
