//! What remains of a removed card.

use crate::story::{Story, decrypted, encrypted, expect};
use crate::support::{Caller, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

fn remove(partner: &Caller, story: &Story) -> RequestBuilder {
    let path = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
    partner.request(Method::DELETE, &path).header("Issuer-Code", "sandbox")
}

on_both_databases! {
    /// It pays no more, is shown nowhere, and what was authorized before is settled.
    async fn a_removed_card_never_comes_back(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 10_000).await;
        for id in ["kept", "returned"] {
            let told = expect(200, story.purchase(processor, 300, id)).await;
            assert_eq!(told["approved"], true);
        }
        expect(204, remove(partner, &story)).await;
        expect(204, remove(partner, &story)).await;

        let body = json!({
            "card": { "pan": story.full["cardNo"] }, "kind": "authorization", "type": "pos",
            "amount": 100, "currency": "EUR", "transactionId": "by-number",
            "transactionDate": "2026-11-21T10:00:00+00:00",
        });
        let post = processor.post("/processor/v1/authorizations");
        let told = expect(200, post.header("X-Idempotency-Key", "by-number").json(&body)).await;
        assert_eq!(told["description"], "CARD_NOT_ACTIVE");
        assert_eq!(story.amounts(&sandbox).await, (9_400, 600));
        let clear = story.message(processor, "clearings", 300, "clearing", Some("kept"));
        assert_eq!(expect(200, clear).await["accepted"], true);
        let reverse = story.message(processor, "reversals", 300, "reversal", Some("returned"));
        assert_eq!(expect(200, reverse).await["accepted"], true);
        assert_eq!(story.amounts(&sandbox).await, (9_700, 0));
        let late = story.message(processor, "clearings", 200, "late", None);
        assert_eq!(expect(200, late).await["accepted"], true, "what informs is posted");
        assert_eq!(story.amounts(&sandbox).await, (9_500, 0));

        let cards = format!("/secure/customers/{}/cards", story.customer);
        assert_eq!(expect(200, partner.get(&cards)).await["items"], json!([]));
        let balances = format!("/secure/balances/{}", story.balance);
        assert_eq!(expect(200, partner.get(&balances)).await["cards"], json!([]));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// A place under the program's cap is free again; a retry doesn't bring the card back.
    async fn a_removed_card_makes_room_for_another(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/cards/virtual", story.customer);
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let create = |key: &str| {
            let post = partner.post(&path).header("X-Idempotency-Key", key);
            encrypted(post.json(&body))
        };
        let mut second = None;
        for number in 2..=10 {
            let made = decrypted(&expect(201, create(&number.to_string())).await);
            second = second.or(made["id"].as_i64());
        }
        assert_eq!(expect(422, create("11")).await["title"], "CARD_LIMIT_REACHED");
        let card = second.expect("a card");
        expect(204, remove(partner, &Story { card, ..story.clone() })).await;
        assert_eq!(expect(404, create("2")).await["title"], "CARD_NOT_FOUND");
        expect(201, create("12")).await;
        let key = remove(partner, &story).header("X-Idempotency-Key", "once");
        expect(204, key).await;
    }
}
