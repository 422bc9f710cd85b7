//! Which transaction a message means, where several could be meant.

use crate::story::{Story, expect};
use crate::support::Sandbox;
use serde_json::{Value, json};

/// A message about a story's card, under a key of its own.
async fn send(sandbox: &Sandbox, story: &Story, path: &str, key: &str, more: &Value) -> Value {
    let mut body = json!({
        "card": { "cardId": story.card }, "amount": 100, "currency": "EUR",
        "transactionId": key, "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    if path == "authorizations" {
        let kind = json!({ "kind": "authorization", "type": "pos" });
        body.as_object_mut().expect("an object").extend(kind.as_object().cloned().expect("one"));
    }
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("one"));
    let call = sandbox.processor().post(&format!("/processor/v1/{path}"));
    expect(200, call.header("X-Idempotency-Key", key).json(&body)).await
}

async fn record(sandbox: &Sandbox, told: &Value) -> Value {
    let path = format!("/secure/transactions/{}", told["id"].as_str().expect("an id"));
    expect(200, sandbox.partner().get(&path)).await
}

/// What a message may do to a purchase of 100 that it means: path, what makes it such a message,
/// and what is held and has moved of the purchase afterwards.
fn messages() -> [(&'static str, &'static str, Value, (i64, i64)); 4] {
    let adjustment = json!({ "kind": "adjustment", "type": "adjustment", "amount": 5 });
    [
        ("reversal", "reversals", json!({}), (0, 0)),
        ("clearing", "clearings", json!({}), (0, 100)),
        ("increment", "authorizations", json!({ "kind": "incremental", "amount": 5 }), (105, 0)),
        ("adjustment", "authorizations", adjustment, (105, 0)),
    ]
}

on_both_databases! {
    /// Of two purchases that are alike a message that doesn't tell them apart means none; the
    /// retrieval reference number tells them apart.
    async fn what_could_mean_two_means_none(database) {
        let sandbox = Sandbox::start(database).await;
        for (name, path, more, after) in messages() {
            let story = Story::begin(&sandbox, 1_000).await;
            let mut bought = Vec::new();
            for (hour, number) in [("10", "R1"), ("11", "R2")] {
                let date = format!("2026-11-21T{hour}:00:00+00:00");
                let data = json!({ "retrievalReferenceNumber": number });
                let more = json!({
                    "transactionId": name, "transactionDate": date, "transactionData": data,
                });
                let key = format!("{name}-{number}");
                bought.push(send(&sandbox, &story, "authorizations", &key, &more).await);
            }
            let mut means = more;
            means["referenceTransactionId"] = name.into();
            let told = send(&sandbox, &story, path, &format!("{name}-a"), &means).await;
            assert_eq!(told["description"], "AMBIGUOUS_REFERENCED_TRANSACTION", "{name}");
            let kept = record(&sandbox, &told).await;
            assert_eq!(kept["processingStatus"], "INVALID", "{name}");
            assert_eq!(story.amounts(&sandbox).await, (800, 200), "{name}");

            means["transactionData"] = json!({ "retrievalReferenceNumber": "R2" });
            let told = send(&sandbox, &story, path, &format!("{name}-b"), &means).await;
            assert_eq!((&told["description"], &told["id"]), (&json!("APPROVED"), &bought[1]["id"]));
            let of = record(&sandbox, &bought[1]).await;
            let stands = (of["heldAmount"].as_i64(), of["clearedAmount"].as_i64());
            assert_eq!(stands, (Some(after.0), Some(after.1)), "{name}");
            assert_eq!(record(&sandbox, &bought[0]).await["heldAmount"], 100, "{name}");
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// An advice means what bears its own name: a purchase and a refund may both.
    async fn an_advice_of_one_of_two_means_none(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let named = |kind: &str, number: &str| {
            let data = json!({ "retrievalReferenceNumber": number });
            json!({ "transactionId": "same", "kind": kind, "transactionData": data })
        };
        let purchase = named("authorization", "R1");
        let bought = send(&sandbox, &story, "authorizations", "p", &purchase).await;
        send(&sandbox, &story, "authorizations", "k", &named("credit", "R2")).await;
        let told = send(&sandbox, &story, "authorizations", "a", &named("advice", "R3")).await;
        assert_eq!(told["description"], "AMBIGUOUS_REFERENCED_TRANSACTION");
        assert_eq!(story.amounts(&sandbox).await, (1_000, 100));
        assert_eq!(record(&sandbox, &bought).await["heldAmount"], 100);
    }

    /// The sequence is a part of a clearing's name: each part acts, and each acts once.
    async fn a_clearing_is_known_by_its_sequence(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        send(&sandbox, &story, "authorizations", "p", &json!({})).await;
        let part = |amount: i64, sequence: i64| {
            json!({
                "transactionId": "c", "referenceTransactionId": "p", "amount": amount,
                "sequence": sequence, "final": sequence == 2,
            })
        };
        send(&sandbox, &story, "clearings", "c1", &part(40, 1)).await;
        assert_eq!(story.amounts(&sandbox).await, (900, 60));
        let last = send(&sandbox, &story, "clearings", "c2", &part(50, 2)).await;
        assert_eq!((&last["status"], story.amounts(&sandbox).await), (&json!("CLEARED"), (910, 0)));
        for (key, amount, sequence) in [("c3", 50, 2), ("c4", 40, 1)] {
            let again = send(&sandbox, &story, "clearings", key, &part(amount, sequence)).await;
            assert_eq!((&again["id"], &again["accepted"]), (&last["id"], &json!(true)));
        }
        assert_eq!(story.amounts(&sandbox).await, (910, 0));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// A reversal of what was cleared moves nothing, and is marked for somebody to look at; one of
    /// what was reversed already, or of nothing, is not.
    async fn a_reversal_of_what_was_cleared_is_for_review(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        send(&sandbox, &story, "authorizations", "p1", &json!({})).await;
        send(&sandbox, &story, "authorizations", "p2", &json!({})).await;
        let of = |id: &str| json!({ "referenceTransactionId": id });
        send(&sandbox, &story, "clearings", "c1", &of("p1")).await;
        send(&sandbox, &story, "reversals", "r0", &of("p2")).await;
        assert_eq!(story.amounts(&sandbox).await, (900, 0));
        for (key, id, flag) in
            [("r1", "p1", json!("FOR_REVIEW")), ("r2", "p2", Value::Null), ("r3", "x", Value::Null)]
        {
            let told = send(&sandbox, &story, "reversals", key, &of(id)).await;
            assert_eq!(told["accepted"], true, "{id}");
            assert_eq!(told["description"], "REFERENCED_TRANSACTION_NOT_FOUND", "{id}");
            let kept = record(&sandbox, &told).await;
            assert_eq!((&kept["processingStatus"], &kept["flag"]), (&json!("INVALID"), &flag));
        }
        assert_eq!(story.amounts(&sandbox).await, (900, 0));
    }
}
