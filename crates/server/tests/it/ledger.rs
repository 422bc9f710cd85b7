//! Every kind of message and the partners' own balances, over real TLS.

use crate::story::{Story, expect};
use crate::support::Sandbox;
use serde_json::{Value, json};

/// A message to `POST /processor/v1/authorizations`.
async fn send(sandbox: &Sandbox, card: i64, id: &str, more: Value) -> Value {
    let mut body = json!({
        "card": { "cardId": card }, "kind": "authorization", "type": "pos", "amount": 0,
        "currency": "EUR", "transactionId": id, "description": "Book store",
        "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    let body_of = body.as_object_mut().expect("an object");
    body_of.extend(more.as_object().expect("an object").clone());
    let key = format!("{id}-{}", body["kind"]);
    let call = sandbox.processor().post("/processor/v1/authorizations");
    expect(200, call.header("X-Idempotency-Key", key).json(&body)).await
}

async fn amounts(sandbox: &Sandbox, story: &Story) -> (i64, i64) {
    let path = format!("/secure/balances/{}", story.balance);
    let told = expect(200, sandbox.partner().get(&path)).await;
    let amount = |name: &str| told[name].as_i64().expect("an amount");
    (amount("amount"), amount("blockedAmount"))
}

on_both_databases! {
    /// The operator makes and loads a deposit; the partner sees it, and its users spend it.
    async fn an_operator_gives_a_partner_a_deposit(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let of = ["--code", "sandbox", "--kind", "DEPOSIT", "--currency", "EUR"];
        let balance = [&["partner", "balance"][..], &of].concat();
        let made = sandbox.antaca(&balance).await.assert_done().json();
        let again = sandbox.antaca(&balance).await.assert_done().json();
        assert_eq!(made, again, "there is one of each kind and currency");
        let load = |kind: &'static str, amount: &'static str, id: &'static str| {
            let more = ["--type", kind, "--amount", amount, "--external-id", id];
            [&["partner", "move"][..], &of, &more].concat()
        };
        let loaded = sandbox.antaca(&load("collateralCredit", "500", "a")).await;
        let loaded = loaded.assert_done().json();
        let again = sandbox.antaca(&load("collateralCredit", "500", "a")).await;
        assert_eq!(again.assert_done().json(), loaded, "the same name moves money once");
        let refused = sandbox.antaca(&load("collateralDebit", "501", "b")).await;
        refused.assert_refused("INSUFFICIENT_FUNDS: ");
        sandbox.antaca(&load("topUp", "1", "c")).await.assert_refused("a partner's own balance");
        let set = ["partner", "set", "--code", "sandbox", "--collateral-mode", "DEPOSIT"];
        sandbox.antaca(&set).await.assert_done();

        let listed = expect(200, sandbox.partner().get("/secure/partner-balances")).await;
        let kinds: Vec<&Value> =
            listed["items"].as_array().expect("a list").iter().map(|it| &it["kind"]).collect();
        assert_eq!(kinds, ["COMPANY", "COMPANY", "DEPOSIT"]);
        let path = format!("/secure/partner-balances/{}", made[0]["id"].as_str().expect("an id"));
        let deposit = async || expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(deposit().await["amount"], 500);
        let bought = send(&sandbox, story.card, "p1", json!({ "amount": 400 })).await;
        assert_eq!(bought["approved"], true);
        let after = deposit().await;
        assert_eq!((&after["amount"], &after["blockedAmount"]), (&json!(100), &json!(400)));
        let refused = send(&sandbox, story.card, "p2", json!({ "amount": 101 })).await;
        assert_eq!(refused["description"], "INSUFFICIENT_FUNDS_ON_DEPOSIT_BALANCE");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Each kind of message as a processor sends it.
    async fn a_processor_sends_every_kind_of_message(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let card = story.card;
        let inquiry = json!({ "kind": "balance-inquiry", "type": "balance_inquiry" });
        let told = send(&sandbox, card, "q1", inquiry).await;
        assert_eq!(told["balance"], json!({ "amount": 1_000, "currency": "EUR" }));
        let verified = send(&sandbox, card, "v1", json!({ "kind": "account-verification" })).await;
        assert_eq!((&verified["approved"], &verified["balance"]), (&json!(true), &Value::Null));
        send(&sandbox, card, "p1", json!({ "amount": 300 })).await;
        let more = json!({
            "kind": "incremental", "amount": 100, "referenceTransactionId": "p1",
            "referenceTransactionDate": "2026-11-21T10:00:00+00:00",
        });
        let raised = send(&sandbox, card, "i1", more).await;
        assert_eq!(raised["approvedAmount"], 100);
        assert_eq!(amounts(&sandbox, &story).await, (600, 400));
        let part = json!({ "amount": 700, "partialApproval": true });
        let part = send(&sandbox, card, "p2", part).await;
        assert_eq!((&part["approvedAmount"], &part["actionCode"]), (&json!(600), &json!("0002")));
        send(&sandbox, card, "k1", json!({ "kind": "credit", "amount": 50 })).await;
        assert_eq!(amounts(&sandbox, &story).await, (50, 1_000));
        send(&sandbox, card, "f1", json!({ "kind": "force-debit", "amount": 70 })).await;
        send(&sandbox, card, "f2", json!({ "kind": "force-credit", "amount": 5 })).await;
        assert_eq!(amounts(&sandbox, &story).await, (-15, 1_070));
        let heard = json!({ "kind": "advice", "amount": 9, "approved": false });
        assert_eq!(send(&sandbox, card, "a1", heard).await["approved"], false);
        let lowered = json!({
            "kind": "adjustment", "type": "adjustment", "category": "CREDIT", "amount": 400,
            "referenceTransactionId": "p1",
            "referenceTransactionDate": "2026-11-21T10:00:00+00:00",
        });
        assert_eq!(send(&sandbox, card, "j1", lowered).await["approved"], true);
        assert_eq!(amounts(&sandbox, &story).await, (385, 670));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// What doesn't go together is named, and nothing happens.
    async fn a_message_that_contradicts_itself_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        for (field, more) in [
            ("type", json!({ "type": "balance_inquiry" })),
            ("type", json!({ "type": "adjustment" })),
            ("type", json!({ "kind": "adjustment" })),
            ("type", json!({ "kind": "balance-inquiry" })),
            ("kind", json!({ "kind": "purchase" })),
            ("approved", json!({ "approved": false })),
            ("category", json!({ "category": "CREDIT" })),
            ("cvv", json!({ "kind": "advice", "cvv": "123" })),
            ("referenceTransactionId", json!({ "kind": "incremental" })),
            ("partialApproval", json!({ "partialApproval": "yes" })),
        ] {
            let mut body = json!({
                "card": { "cardId": story.card }, "kind": "authorization", "type": "pos",
                "amount": 5, "currency": "EUR", "transactionId": "x", "description": "Book store",
                "transactionDate": "2026-11-21T10:00:00+00:00",
            });
            let of = body.as_object_mut().expect("an object");
            of.extend(more.as_object().expect("an object").clone());
            let call = sandbox.processor().post("/processor/v1/authorizations");
            let refused = expect(422, call.header("X-Idempotency-Key", "x").json(&body)).await;
            let named = refused["violations"].as_array().expect("a list");
            assert!(named.iter().any(|it| it["field"] == field), "{field}: {refused}");
        }
        assert_eq!(amounts(&sandbox, &story).await, (1_000, 0));
    }
}
