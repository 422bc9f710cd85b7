//! Cards that live on, and cards that take another's place.

use crate::story::{Story, decrypted, encrypted, expect, unique};
use crate::support::Sandbox;
use serde_json::{Value, json};

fn of(story: &Story, rest: &str) -> String {
    format!("/secure/customers/{}/cards/{}/{rest}", story.customer, story.card)
}

async fn paid(sandbox: &Sandbox, card: &Value, (cvv, expiry): (&Value, &str)) -> Value {
    let id = format!("paid-{}", unique());
    let body = json!({
        "card": { "pan": card["cardNo"] }, "kind": "authorization", "type": "pos", "amount": 100,
        "currency": "EUR", "transactionId": id, "cvv": cvv, "expiry": expiry,
        "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    let post = sandbox.processor().post("/processor/v1/authorizations");
    expect(200, post.header("X-Idempotency-Key", &id).json(&body)).await["description"].clone()
}

/// The month of a card's last day.
fn month(card: &Value) -> &str {
    &card["exp"].as_str().expect("a date")[..7]
}

/// Moves the clock to sixty days before a card's last day.
pub(crate) async fn advance_to_last_days(sandbox: &Sandbox, card: &Value) {
    let left = days_left(sandbox, card).await;
    advance(sandbox, left - 60).await;
}

async fn advance(sandbox: &Sandbox, days: u32) {
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    expect(200, clock.json(&json!({ "advanceSeconds": days * 86_400 }))).await;
}

/// Days from the business clock's today to a card's last day.
async fn days_left(sandbox: &Sandbox, card: &Value) -> u32 {
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    let now = expect(200, clock.json(&json!({ "advanceSeconds": 1 }))).await;
    let today: domain::Date = now["now"].as_str().expect("a time")[..10].parse().expect("a day");
    let last: domain::Date = card["exp"].as_str().expect("a date").parse().expect("a day");
    let left = (last - today).get_days();
    u32::try_from(left).expect("it lives")
}

on_both_databases! {
    /// Renewed in its last 60 days, a card has its number and PIN, another expiry and code; so it
    /// has when it has expired.
    async fn a_card_is_renewed(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let renew = |key: &str| {
            let post = encrypted(sandbox.partner().post(&of(&story, "renew")));
            post.header("X-Idempotency-Key", key)
        };
        let plain = sandbox.partner().post(&of(&story, "renew"));
        assert_eq!(expect(400, plain).await["title"], "ENCRYPTION_REQUIRED");
        assert_eq!(expect(409, renew("early")).await["title"], "CARD_RENEWAL_TOO_EARLY");
        let left = days_left(&sandbox, &story.full).await;
        advance(&sandbox, left - 60).await;

        let first = decrypted(&expect(200, renew("first")).await);
        assert_eq!(decrypted(&expect(200, renew("first")).await), first);
        assert_eq!((&first["id"], &first["cardNo"]), (&json!(story.card), &story.full["cardNo"]));
        assert!(first["exp"].as_str() > story.full["exp"].as_str());
        assert_eq!(expect(409, renew("again")).await["title"], "CARD_RENEWAL_TOO_EARLY");
        let (old, new) = (month(&story.full), month(&first));
        assert_eq!(paid(&sandbox, &first, (&first["cvv"], new)).await, "APPROVED");
        assert_eq!(paid(&sandbox, &first, (&first["cvv"], old)).await, "CARD_EXPIRED");
        if first["cvv"] != story.full["cvv"] {
            assert_eq!(paid(&sandbox, &first, (&story.full["cvv"], new)).await, "INCORRECT_CVV");
        }

        let left = days_left(&sandbox, &first).await;
        advance(&sandbox, left + 1).await;
        assert_eq!(paid(&sandbox, &first, (&first["cvv"], new)).await, "CARD_EXPIRED");
        let second = decrypted(&expect(200, renew("second")).await);
        assert_eq!(paid(&sandbox, &second, (&second["cvv"], month(&second))).await, "APPROVED");
    }

    /// A replacement has another number, and what the card had; the old one is locked for good, and
    /// counts no more against what its holder may have.
    async fn a_card_is_replaced(database) {
        let sandbox = Sandbox::start(database).await;
        let mut story = Story::begin(&sandbox, 10_000).await;
        let limits = json!({ "limits": [{ "type": "general", "timeUnit": "daily",
            "currency": "EUR", "amountMinor": 1_000 }] });
        expect(200, sandbox.partner().put(&of(&story, "limits")).json(&limits)).await;
        expect(200, story.purchase(sandbox.processor(), 600, "before")).await;
        let lock = sandbox.partner().post(&of(&story, "lock"));
        expect(204, lock.json(&json!({ "reason": 2 }))).await;
        let replace = |story: &Story, body: &Value, key: &str| {
            let post = encrypted(sandbox.partner().post(&of(story, "replace")));
            post.header("X-Idempotency-Key", key).json(body)
        };
        for wrong in [json!({}), json!({ "reason": "DAMAGED" }), json!({ "reason": 1 })] {
            let refused = expect(422, replace(&story, &wrong, "wrong")).await;
            assert_eq!(refused["violations"][0]["field"], "reason");
        }
        let stolen = json!({ "reason": "CARD_STOLEN" });
        let made = decrypted(&expect(201, replace(&story, &stolen, "one")).await);
        assert_eq!(decrypted(&expect(201, replace(&story, &stolen, "one")).await), made);
        assert_ne!(made["cardNo"], story.full["cardNo"]);
        let again = expect(409, replace(&story, &stolen, "two")).await;
        assert_eq!(again["title"], "CARD_LOCK_IRREVERSIBLE");
        let declined = expect(200, story.purchase(sandbox.processor(), 1, "old")).await;
        assert_eq!(declined["actionCode"], "1011");
        let cleared = story.message(sandbox.processor(), "clearings", 600, "c", Some("before"));
        assert_eq!(expect(200, cleared).await["accepted"], true, "what was authorized is settled");

        let old = std::mem::replace(&mut story.card, made["id"].as_i64().expect("an id"));
        let shown = expect(200, sandbox.partner().get(&of(&story, "limits"))).await;
        assert_eq!(shown["limits"][0]["usedMinor"], 600, "{shown}");
        let beyond = expect(200, story.purchase(sandbox.processor(), 401, "beyond")).await;
        assert_eq!(beyond["description"], "EXCEEDS_AMOUNT_LIMIT");
        expect(200, story.purchase(sandbox.processor(), 400, "within")).await;

        let cards = format!("/secure/customers/{}/cards", story.customer);
        let listed = expect(200, sandbox.partner().get(&cards)).await;
        let listed = listed["items"].as_array().expect("a list");
        let of_old = listed.iter().find(|card| card["id"] == old).expect("is still there");
        assert_eq!((&of_old["state"], &of_old["lockReason"]), (&json!("LOCKED"), &json!(8)));
        testkit::eventually("the partner is told", std::time::Duration::from_secs(20), async || {
            let told = expect(200, sandbox.partner().get("/sandbox/v1/received")).await;
            let items = told["items"].as_array().expect("a list");
            items.iter().any(|it| it["body"]["reason"] == "CARD_REPLACED")
        })
        .await;

        // Ten cards a program: replaced ones are none of them.
        for n in 2..=10 {
            let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
            let create = sandbox.partner().post(&format!("{cards}/virtual")).json(&body);
            let made = expect(201, encrypted(create)).await;
            assert!(made["payload"].is_string(), "{n}");
        }
        let full = decrypted(&expect(201, replace(&story, &stolen, "full")).await);
        assert_eq!(full["type"], "VIRTUAL");
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let eleventh = sandbox.partner().post(&format!("{cards}/virtual")).json(&body);
        assert_eq!(expect(422, encrypted(eleventh)).await["title"], "CARD_LIMIT_REACHED");
    }
}

/// A virtual card with a label, limits, controls and a budget of which something is spent.
async fn with_everything(sandbox: &Sandbox) -> Story {
    let mut story = Story::begin(sandbox, 10_000).await;
    let body = json!({
        "balanceId": story.balance, "configId": "0019167984", "label": "Travel",
    });
    let create = format!("/secure/customers/{}/cards/virtual", story.customer);
    let made = encrypted(sandbox.partner().post(&create).json(&body));
    story.full = decrypted(&expect(201, made).await);
    story.card = story.full["id"].as_i64().expect("an id");
    let draft = json!({
        "limits": [{ "type": "general", "timeUnit": "lifetime", "currency": "EUR",
            "amountMinor": 5_000, "count": 9 }],
        "controls": {
            "countries": { "blocked": ["TH"] }, "mccs": { "allowed": ["5942"] },
            "captureModes": { "blocked": ["MAGSTRIPE"] },
        },
        "budget": { "amountMinor": 700, "from": "2020-01-01", "to": "2099-12-31" },
    });
    expect(200, sandbox.partner().put(&of(&story, "limits")).json(&draft)).await;
    let id = format!("spent-{}", unique());
    let body = json!({
        "card": { "cardId": story.card }, "kind": "authorization", "type": "pos", "amount": 300,
        "currency": "EUR", "transactionId": id, "description": "Book store",
        "transactionDate": "2026-11-21T10:00:00+00:00", "transactionData": { "mcc": "5942" },
    });
    let post = sandbox.processor().post("/processor/v1/authorizations");
    let told = expect(200, post.header("X-Idempotency-Key", &id).json(&body)).await;
    assert_eq!(told["description"], "APPROVED", "{told}");
    story
}

/// A card's label, and what it may spend and has.
async fn kept(sandbox: &Sandbox, story: &Story) -> (Value, Value) {
    let cards = format!("/secure/customers/{}/cards", story.customer);
    let listed = expect(200, sandbox.partner().get(&cards)).await;
    let mut listed = listed["items"].as_array().expect("a list").iter();
    let label =
        listed.find(|card| card["id"] == story.card).expect("it is listed")["label"].clone();
    (label, expect(200, sandbox.partner().get(&of(story, "limits"))).await)
}

on_both_databases! {
    /// Label, limits, controls and budget, with what was spent of them.
    async fn what_a_card_had_is_carried_over(database) {
        let sandbox = Sandbox::start(database).await;
        let mut story = with_everything(&sandbox).await;
        let before = kept(&sandbox, &story).await;
        assert_eq!(before.0, "Travel");
        assert_eq!(before.1["budget"]["usedMinor"], 300);
        assert_eq!(before.1["controls"]["mccs"]["allowed"], json!(["5942"]));

        let left = days_left(&sandbox, &story.full).await;
        advance(&sandbox, left - 60).await;
        expect(200, encrypted(sandbox.partner().post(&of(&story, "renew")))).await;
        assert_eq!(kept(&sandbox, &story).await, before, "renewed");

        let lost = json!({ "reason": "CARD_LOST" });
        let lost = encrypted(sandbox.partner().post(&of(&story, "replace")).json(&lost));
        let made = decrypted(&expect(201, lost).await);
        story.card = made["id"].as_i64().expect("an id");
        assert_eq!(kept(&sandbox, &story).await, before, "replaced");
        // What is carried over holds: 400 of the budget are left.
        let id = format!("beyond-{}", unique());
        let body = json!({
            "card": { "cardId": story.card }, "kind": "authorization", "type": "pos",
            "amount": 401, "currency": "EUR", "transactionId": id, "description": "Book store",
            "transactionDate": "2026-11-21T10:00:00+00:00", "transactionData": { "mcc": "5942" },
        });
        let post = sandbox.processor().post("/processor/v1/authorizations");
        let told = expect(200, post.header("X-Idempotency-Key", &id).json(&body)).await;
        assert_eq!(told["description"], "BUDGET_EXCEEDED", "{told}");
    }
}
