//! Cards of people whom nobody has verified.

use crate::story::{Story, answer, decrypted, encrypted, expect, register, registration, unique};
use crate::support::Sandbox;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

const GIFT: &str = "0019167992";
const VIRTUAL: &str = "0019167984";

/// A user whom nobody has verified.
async fn stranger(sandbox: &Sandbox) -> i64 {
    let mut body = registration();
    body["state"] = "NEW".into();
    body["kyc"] = "NONE".into();
    expect(201, register(sandbox.partner(), &body)).await["id"].as_i64().expect("an id")
}

fn balance(sandbox: &Sandbox, customer: i64, body: &Value) -> RequestBuilder {
    sandbox.partner().post(&format!("/secure/customers/{customer}/balances")).json(body)
}

fn card(sandbox: &Sandbox, customer: i64, balance: &str, config_id: &str) -> RequestBuilder {
    let path = format!("/secure/customers/{customer}/cards/virtual");
    let body = json!({ "balanceId": balance, "configId": config_id, "dcUserId": customer });
    encrypted(sandbox.partner().post(&path).json(&body))
}

/// A gift with a card, of somebody whom nobody has verified.
async fn given(sandbox: &Sandbox, minor: i64) -> Story {
    let customer = stranger(sandbox).await;
    let body = json!({ "currency": "EUR", "configId": GIFT });
    let made = expect(201, balance(sandbox, customer, &body)).await;
    assert_eq!(made["configId"], GIFT);
    let balance = made["balanceId"].as_str().expect("an id").to_owned();
    let full = decrypted(&expect(201, card(sandbox, customer, &balance, GIFT)).await);
    let card = full["id"].as_i64().expect("an id");
    let story = Story { customer, balance, card, full };
    if minor > 0 {
        expect(201, story.top_up(sandbox.partner(), &json!(minor), "load")).await;
    }
    story
}

async fn title(request: RequestBuilder) -> Value {
    let (status, body) = answer(request).await;
    assert!((400..500).contains(&status), "{status} {body}");
    body["title"].clone()
}

/// What a merchant is told that asks for something.
async fn asked(sandbox: &Sandbox, story: &Story, kind: &str, change: Value) -> Value {
    let id = format!("gift-{}", unique());
    let mut body = json!({
        "card": { "cardId": story.card }, "kind": kind, "type": "pos", "amount": 100,
        "currency": "EUR", "transactionId": id, "description": "Toy shop",
        "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    for (name, value) in change.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let post = sandbox.processor().post("/processor/v1/authorizations");
    let told = expect(200, post.header("X-Idempotency-Key", &id).json(&body)).await;
    told["description"].clone()
}

/// An authorization that is cleared at once.
async fn bought(sandbox: &Sandbox, story: &Story, minor: i64) {
    let id = format!("bought-{}", unique());
    let told = expect(200, story.purchase(sandbox.processor(), minor, &id)).await;
    assert_eq!(told["description"], "APPROVED");
    let cleared = format!("{id}-cleared");
    let of = Some(id.as_str());
    expect(200, story.message(sandbox.processor(), "clearings", minor, &cleared, of)).await;
}

/// Spends with a card that has replaced one which had spent less, removes both, the older one last,
/// and has another made.
async fn spend_with_a_replacement(sandbox: &Sandbox, story: &mut Story) {
    let older = story.card;
    let path = format!("/secure/customers/{}/cards/{older}/replace", story.customer);
    let replace = sandbox.partner().post(&path).json(&json!({ "reason": "CARD_LOST" }));
    let newer = decrypted(&expect(201, encrypted(replace)).await);
    story.card = newer["id"].as_i64().expect("an id");
    bought(sandbox, story, 5_000).await;
    for card in [story.card, older] {
        let path = format!("/lifecycle/v1/users/{}/cards/{card}", story.customer);
        expect(204, sandbox.partner().delete(&path).header("Issuer-Code", "sandbox")).await;
    }
    let another = card(sandbox, story.customer, &story.balance, GIFT);
    let full = decrypted(&expect(201, another).await);
    story.card = full["id"].as_i64().expect("an id");
    // Nothing is left of the month, whatever is left of the money.
    assert_eq!(asked(sandbox, story, "authorization", json!({})).await, "LIMIT_EXCEED");
    let told = asked(sandbox, story, "credit", json!({ "amount": 5_000 })).await;
    assert_eq!(told, "APPROVED");
}

on_both_databases! {
    /// It is loaded once, spent in shops, and never becomes money of another kind.
    async fn a_gift_is_loaded_once_and_spent_in_shops(database) {
        let sandbox = Sandbox::start(database).await;
        let story = given(&sandbox, 0).await;
        let moves = |kind: &str, minor: i64| {
            let path = format!("/secure/balances/{}/transactions", story.balance);
            sandbox.partner().post(&path).json(&json!({
                "type": kind, "amount": minor, "currency": "EUR", "description": "Gift",
                "externalTransactionId": format!("gift-{}", unique()),
            }))
        };
        assert_eq!(title(moves("topUp", 15_001)).await, "LIMIT_EXCEED");
        for kind in ["loan", "cashback"] {
            assert_eq!(title(moves(kind, 1)).await, "TRANSACTION_NOT_PERMITTED", "{kind}");
        }
        expect(201, moves("topUp", 15_000)).await;
        for kind in ["topUp", "payment", "withdrawal", "funding", "interest"] {
            assert_eq!(title(moves(kind, 1)).await, "TRANSACTION_NOT_PERMITTED", "{kind}");
        }
        expect(201, moves("fee", 100)).await;

        let online = |minor: i64| {
            json!({ "amount": minor, "transactionData": { "captureMode": "ECOM" } })
        };
        for (kind, change, told) in [
            ("authorization", json!({}), "APPROVED"),
            ("authorization", json!({ "type": "atm" }), "TRANSACTION_NOT_PERMITTED"),
            ("authorization", json!({ "type": "cashback_at_pos" }), "TRANSACTION_NOT_PERMITTED"),
            ("authorization", json!({ "type": "aft" }), "TRANSACTION_NOT_PERMITTED"),
            ("authorization", online(5_001), "LIMIT_EXCEED"),
            ("authorization", online(5_000), "APPROVED"),
            // Nothing was cleared, so there is nothing to be given back.
            ("credit", json!({}), "TRANSACTION_NOT_PERMITTED"),
        ] {
            let answer = asked(&sandbox, &story, kind, change.clone()).await;
            assert_eq!(answer, told, "{kind} {change}");
        }
        bought(&sandbox, &story, 2_000).await;
        // What was charged isn't given back as if it had been a purchase.
        let refund = |minor: i64| json!({ "amount": minor });
        let told = asked(&sandbox, &story, "credit", refund(2_001)).await;
        assert_eq!(told, "TRANSACTION_NOT_PERMITTED");
        assert_eq!(asked(&sandbox, &story, "credit", refund(2_000)).await, "APPROVED");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// 150 euro in a month of the calendar, whatever is given back, with whichever card.
    async fn a_gift_pays_150_euro_a_month(database) {
        let sandbox = Sandbox::start(database).await;
        let mut story = given(&sandbox, 15_000).await;
        bought(&sandbox, &story, 10_000).await;
        let told = asked(&sandbox, &story, "credit", json!({ "amount": 10_000 })).await;
        assert_eq!(told, "APPROVED");
        assert_eq!(story.amounts(&sandbox).await, (15_000, 0));
        let over = json!({ "amount": 5_001 });
        let told = asked(&sandbox, &story, "authorization", over.clone()).await;
        assert_eq!(told, "LIMIT_EXCEED");
        let path = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        let shown = expect(200, sandbox.partner().get(&format!("{path}/limits"))).await;
        let month = shown["ceilings"].as_array().expect("a list").iter();
        let month = month.filter(|it| it["timeUnit"] == "monthly" && it["type"] == "general");
        let month: Vec<_> = month.map(|it| it["amountMinor"].clone()).collect();
        assert_eq!(month, [15_000], "{shown}");

        // Another card of the same gift goes on where that one was.
        let another = card(&sandbox, story.customer, &story.balance, GIFT);
        assert_eq!(title(another).await, "CARD_LIMIT_REACHED");
        let removal = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
        let removal = sandbox.partner().delete(&removal).header("Issuer-Code", "sandbox");
        expect(204, removal).await;
        let another = card(&sandbox, story.customer, &story.balance, GIFT);
        let full = decrypted(&expect(201, another).await);
        story.card = full["id"].as_i64().expect("an id");
        assert_eq!(asked(&sandbox, &story, "authorization", over.clone()).await, "LIMIT_EXCEED");
        spend_with_a_replacement(&sandbox, &mut story).await;
        assert_eq!(asked(&sandbox, &story, "authorization", over.clone()).await, "LIMIT_EXCEED");
        let clock = sandbox.partner().post("/sandbox/v1/clock");
        expect(200, clock.json(&json!({ "advanceSeconds": 31 * 86_400 }))).await;
        assert_eq!(asked(&sandbox, &story, "authorization", over).await, "APPROVED");
    }

    /// Gifts and what verified users have don't mix.
    async fn a_gift_is_nothing_else(database) {
        let sandbox = Sandbox::start(database).await;
        let gift = given(&sandbox, 0).await;
        let verified = Story::begin(&sandbox, 0).await;
        for (customer, body, told) in [
            (gift.customer, json!({ "currency": "EUR" }), "KYC_NOT_VERIFIED"),
            (gift.customer, json!({ "currency": "PLN", "configId": GIFT }), "CURRENCY_MISMATCH"),
            (gift.customer, json!({ "currency": "EUR", "configId": VIRTUAL }), "PROGRAM_NOT_FOUND"),
            (gift.customer, json!({ "currency": "EUR", "configId": "1" }), "PROGRAM_NOT_FOUND"),
            (gift.customer, json!({ "currency": "EUR", "configId": 1 }), "VALIDATION_ERROR"),
        ] {
            let request = balance(&sandbox, customer, &body);
            assert_eq!(title(request).await, told, "{body}");
        }
        for (story, config_id, told) in [
            (&gift, VIRTUAL, "PROGRAM_MISMATCH"),
            (&verified, GIFT, "PROGRAM_MISMATCH"),
        ] {
            let request = card(&sandbox, story.customer, &story.balance, config_id);
            assert_eq!(title(request).await, told, "{config_id}");
        }
        let program = ["program", "create", "--partner", "sandbox", "--config-id", "0000000077"];
        let rest = ["--processor", "sandbox-processor", "--card-type", "VIRTUAL"];
        let bin = ["--bin", "53208777", "--gift-approval"];
        for wrong in [
            ["A-1", "--currency", "PLN"].as_slice(),
            &["A-1", "--currency", "EUR", "--product", "DEBIT"],
            &["A-1", "--currency", "EUR", "--audience", "BUSINESS"],
            &["A-1", "--currency", "EUR", "--gift-ecommerce-max", "15001"],
            &["", "--currency", "EUR"],
        ] {
            let all = [&program[..], &rest, &bin, wrong].concat();
            let told = sandbox.antaca(&all).await;
            assert!(told.code == Some(1), "{wrong:?}: {told:?}");
            assert!(told.stderr.contains("GIFT_PROGRAM_INVALID"), "{wrong:?}: {told:?}");
        }
    }
}
