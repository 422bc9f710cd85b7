//! `/admin/transactions`: payments are looked for, and each tells why it was decided so.

use super::signed_in;
use crate::deliveries::{client_ca, point_to};
use crate::story::{Story, answer, expect};
use crate::support::{Caller, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Partner, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a list finds, page by page.
async fn found(caller: &Caller, query: &str, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let next = after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!("/admin/transactions?limit={limit}{next}&{query}");
        let page = expect(200, caller.get(&path)).await;
        let items = page["items"].as_array().expect("a list").clone();
        ids.extend(items.iter().map(|it| {
            let id = it["externalTransactionId"].as_str().expect("an id");
            id.to_owned()
        }));
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() {
            return ids;
        }
    }
}

/// The life of the transaction of a network's id.
async fn life(caller: &Caller, story: &Story, name: &str) -> Value {
    let path = format!("/admin/transactions?cardId={}&limit=200", story.card);
    let page = expect(200, caller.get(&path)).await;
    let items = page["items"].as_array().expect("a list");
    let one = items.iter().find(|it| it["externalTransactionId"] == name).expect("it is listed");
    let path = format!("/admin/transactions/{}", one["id"].as_str().expect("an id"));
    expect(200, caller.get(&path)).await
}

/// The checks of a message with this outcome.
fn with(message: &Value, outcome: &str) -> Vec<String> {
    let checks = message["checks"].as_array().expect("a list");
    let those = checks.iter().filter(|it| it["outcome"] == outcome);
    those.map(|it| it["check"].as_str().expect("a name").to_owned()).collect()
}

on_both_databases! {
    /// By all that is named, newest first, page by page.
    async fn payments_are_looked_for(database) {
        let sandbox = Sandbox::start(database).await;
        let processor = sandbox.processor();
        let admin = signed_in(&sandbox, "EMPLOYEE").await;
        let (one, two) = (Story::begin(&sandbox, 1_000).await, Story::begin(&sandbox, 0).await);
        for (story, amount, name) in
            [(&one, 100, "a"), (&two, 200, "b"), (&one, 5_000, "c"), (&one, 300, "d")]
        {
            expect(200, story.purchase(processor, amount, name)).await;
        }
        expect(200, one.message(processor, "clearings", 100, "a-cleared", Some("a"))).await;
        let cards = format!("/secure/customers/{}/cards", one.customer);
        let cards = expect(200, sandbox.partner().get(&cards)).await;
        let digits = cards["items"][0]["lastFourDigits"].as_str().expect("digits");
        let since = "from=2000-01-01T00:00:00Z";
        let (customer, card, balance) = (one.customer, one.card, &one.balance);
        for (query, expected) in [
            (format!("cardId={card}"), vec!["d", "c", "a"]),
            (format!("customerId={customer}&type=pos"), vec!["d", "c", "a"]),
            (format!("balanceId={balance}&status=CLEARED&type=pos"), vec!["a"]),
            (format!("cardId={card}&reason=INSUFFICIENT_FUNDS"), vec!["c"]),
            (format!("reason=INSUFFICIENT_FUNDS&{since}"), vec!["c", "b"]),
            (format!("processingStatus=DECLINED&{since}&type=pos"), vec!["c", "b"]),
            (format!("cardId={card}&amountFrom=101"), vec!["d", "c"]),
            (format!("cardId={card}&amountFrom=100&amountTo=300"), vec!["d", "a"]),
            (format!("lastFourDigits={digits}&{since}&amountTo=300&type=pos"), vec!["d", "a"]),
            (format!("lastFourDigits={digits}&amountTo=300&type=pos"), vec!["d", "a"]),
            (format!("cardId={card}&currency=EUR&amountFrom=300"), vec!["d", "c"]),
            (format!("cardId={card}&currency=PLN"), vec![]),
            (format!("lastFourDigits={digits}&cardId={card}&type=pos"), vec!["d", "c", "a"]),
            (format!("cardId={card}&to=2000-01-01T00:00:00Z"), vec![]),
        ] {
            for limit in [1, 50] {
                let told = found(&admin, &query, limit).await;
                // Another card may have the same last digits.
                let told: Vec<&str> = told.iter().map(String::as_str)
                    .filter(|it| expected.contains(it) || !query.contains("Digits")).collect();
                assert_eq!(told, expected, "{query} by {limit}");
            }
        }
        let stranger = sandbox.admin("ADMIN", Some("external")).await.sign_in(&sandbox).await;
        let theirs = found(&stranger, since, 50).await;
        assert!(["a", "b", "c", "d"].iter().all(|name| !theirs.contains(&(*name).to_owned())));
    }

    /// What is wrong with a question is told, all of it.
    async fn a_question_that_cant_be_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = signed_in(&sandbox, "ADMIN").await;
        for (query, fields) in [
            ("lastFourDigits=123", vec!["lastFourDigits"]),
            ("currency=euro", vec!["currency"]),
            ("lastFourDigits=12a4&cardId=1", vec!["lastFourDigits"]),
            ("reason=WHY", vec!["reason"]),
            ("processingStatus=ASKING", vec!["processingStatus"]),
            ("amountFrom=-1&amountTo=x", vec!["amountFrom", "amountTo"]),
            ("amountFrom=2&amountTo=1", vec!["amountTo"]),
            ("status=NEW&type=none", vec!["status", "type"]),
            ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", vec!["to"]),
            ("after=1", vec!["after"]),
            ("cardId=1&after=00000000-0000-4000-8000-000000000000", vec!["after"]),
            ("merchant=a", vec!["merchant"]),
        ] {
            let (status, body) = answer(admin.get(&format!("/admin/transactions?{query}"))).await;
            assert_eq!((status, &body["title"]), (422, &json!("VALIDATION_ERROR")), "{query}");
            let told = body["violations"].as_array().expect("a list").iter();
            let told: Vec<&str> = told.map(|it| it["field"].as_str().expect("a name")).collect();
            assert_eq!(told, fields, "{query}");
        }
        for id in ["x", "1", "00000000-0000-4000-8000-000000000000"] {
            let told = expect(404, admin.get(&format!("/admin/transactions/{id}"))).await;
            assert_eq!(told["title"], "TRANSACTION_NOT_FOUND", "{id}");
        }
    }

    /// A payment's whole life: approved, cleared in two parts, reversed.
    async fn a_payment_tells_its_life(database) {
        let sandbox = Sandbox::start(database).await;
        let processor = sandbox.processor();
        let admin = signed_in(&sandbox, "MANAGER").await;
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(processor, 500, "bought")).await;
        let seen = life(&admin, &story, "bought").await;
        assert!(seen["timings"]["expiresAt"].is_string(), "{seen}");
        assert_eq!(seen["movements"], json!([]));
        expect(200, story.message(processor, "reversals", 100, "back", Some("bought"))).await;
        expect(200, story.message(processor, "clearings", 400, "cleared", Some("bought"))).await;
        let seen = life(&admin, &story, "bought").await;
        let messages = seen["messages"].as_array().expect("a list");
        let told: Vec<[&Value; 4]> = messages.iter()
            .map(|it| [&it["kind"], &it["amount"], &it["processingStatus"], &it["actionCode"]])
            .collect();
        let (done, code) = (json!("SUCCESS"), json!("0000"));
        assert_eq!(told, [
            [&json!("authorization"), &json!(500), &done, &code],
            [&json!("reversal"), &json!(100), &done, &code],
            [&json!("clearing"), &json!(400), &done, &code],
        ]);
        let asked = &messages[0];
        assert_eq!(with(asked, "PASSED").len(), asked["checks"].as_array().expect("all").len());
        assert_eq!(asked["checks"][0]["check"], "EARLY_REVERSAL");
        assert_eq!((&asked["mastercardCode"], &asked["visaCode"]), (&json!("00"), &json!("00")));
        assert_eq!(asked["approvedAmount"], 500);
        assert!(asked["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{asked}");
        assert_eq!(messages[1]["checks"], json!([]), "what isn't asked is checked by nobody");
        let moved = seen["movements"].as_array().expect("a list");
        assert_eq!(moved[0]["fromBalanceId"], json!(story.balance));
        assert_eq!((&moved[0]["to"], &moved[0]["amount"]), (&json!("scheme"), &json!(400)));
        assert_eq!(seen["timings"]["clearedAt"], moved[moved.len() - 1]["postedAt"]);
        assert_eq!(seen["timings"]["expiresAt"], Value::Null);
        assert_eq!(seen["transaction"]["status"], "CLEARED");
        let text = seen.to_string();
        let number = story.full["cardNo"].as_str().expect("a number");
        assert!(!text.contains(number), "no answer has a card's number");

        // A load has its one message, and money from a bank.
        let path = format!("/admin/transactions?balanceId={}&type=topUp", story.balance);
        let page = expect(200, admin.get(&path)).await;
        let path = format!("/admin/transactions/{}", page["items"][0]["id"].as_str().expect("one"));
        let loaded = expect(200, admin.get(&path)).await;
        assert_eq!(loaded["messages"][0]["kind"], "internal");
        assert_eq!(loaded["movements"][0]["toBalanceId"], json!(story.balance));
    }

    /// What its partner was told of it, and whether it took that.
    async fn a_payment_tells_what_was_told_of_it(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(204)).await;
        point_to(&sandbox, &partner, &["transaction", "transactionEvent", "cardLocked"]).await;
        let admin = signed_in(&sandbox, "EMPLOYEE").await;
        let (story, other) = (Story::begin(&sandbox, 1_000).await, Story::begin(&sandbox, 9).await);
        expect(200, story.purchase(sandbox.processor(), 500, "bought")).await;
        expect(200, other.purchase(sandbox.processor(), 5, "elsewhere")).await;
        let reversal = story.message(sandbox.processor(), "reversals", 500, "r", Some("bought"));
        expect(200, reversal).await;
        let delivered = || async {
            let seen = life(&admin, &story, "bought").await;
            let told = seen["told"].as_array().expect("a list").clone();
            let done = told.iter().filter(|it| it["status"] == "DELIVERED").count();
            (told, done)
        };
        eventually("all is told", PATIENCE, async || delivered().await.1 == 4).await;
        let (told, _) = delivered().await;
        let events = told.iter().map(|it| it["event"].as_str().expect("a word"));
        let events: Vec<&str> = events.collect();
        let of_one = ["transaction", "transactionEvent"];
        assert_eq!(events, [of_one, of_one].concat(), "of the purchase, and of its reversal");
        for one in &told {
            let path = format!("/secure/notifications/{}", one["id"].as_str().expect("an id"));
            let seen = expect(200, sandbox.partner().get(&path)).await;
            assert_eq!(seen["number"], one["number"]);
        }
    }

    /// Why a payment was declined, as somebody who is asked reads it.
    async fn a_decline_names_the_check_that_failed(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let admin = signed_in(&sandbox, "EMPLOYEE").await;
        let story = Story::begin(&sandbox, 1_000).await;
        let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        let limited = json!({ "limits": [
            { "type": "general", "timeUnit": "daily", "amountMinor": 600 },
        ] });

        expect(200, story.purchase(processor, 1_001, "too-much")).await;
        expect(200, partner.put(&format!("{card}/limits")).json(&limited)).await;
        expect(200, story.purchase(processor, 601, "limited")).await;
        expect(204, partner.post(&format!("{card}/lock")).json(&json!({ "reason": 7 }))).await;
        expect(200, story.purchase(processor, 1, "locked")).await;
        for (name, reason, check, passed) in [
            ("too-much", "INSUFFICIENT_FUNDS", "FUNDS", 15),
            ("limited", "EXCEEDS_AMOUNT_LIMIT", "CARD_LIMITS", 11),
            ("locked", "CARD_LOCKED", "CARD", 2),
        ] {
            let seen = life(&admin, &story, name).await;
            let message = &seen["messages"][0];
            assert_eq!(message["reason"], reason, "{name}");
            assert_eq!(seen["transaction"]["descriptionCode"], reason, "{name}");
            assert_eq!(with(message, "FAILED"), [check], "{name}");
            assert_eq!(with(message, "PASSED").len(), passed, "{name}");
            assert_eq!(with(message, "NOT_REACHED").len(), 15 - passed, "{name}");
            assert_eq!(seen["explanation"], message["explanation"], "{name}");
            assert!(message["explanation"].as_str().is_some_and(|text| text.ends_with('.')));
            assert_eq!(seen["movements"], json!([]), "{name}");
        }
    }
}
