//! A user's balance in each of its states: what can be done with it, and what remains of it.

mod races;

use crate::story::{Story, answer, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

fn lock(partner: &Caller, balance: &str) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{balance}/lock"))
}

fn unlock(partner: &Caller, balance: &str) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{balance}/unlock"))
}

fn remove(partner: &Caller, balance: &str) -> RequestBuilder {
    partner.delete(&format!("/secure/balances/{balance}"))
}

fn remove_card(partner: &Caller, story: &Story) -> RequestBuilder {
    let path = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
    partner.delete(&path).header("Issuer-Code", "sandbox")
}

/// An internal transaction with a name of its own.
fn transfer(partner: &Caller, balance: &str, kind: &str, minor: i64) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{balance}/transactions")).json(&json!({
        "type": kind, "amount": minor, "currency": "EUR", "description": "Transfer",
        "externalTransactionId": format!("transfer-{}", unique()),
    }))
}

/// An authorization of another kind.
fn of_kind(processor: &Caller, story: &Story, kind: &str, minor: i64) -> RequestBuilder {
    let id = format!("{kind}-{}", unique());
    let of = if kind == "balance-inquiry" { "balance_inquiry" } else { "pos" };
    let post = processor.post("/processor/v1/authorizations").header("X-Idempotency-Key", &id);
    post.json(&json!({
        "card": { "cardId": story.card }, "kind": kind, "type": of, "amount": minor,
        "currency": "EUR", "transactionId": id, "transactionDate": "2026-11-21T10:00:00+00:00",
        "description": "Book store",
    }))
}

/// A user with an empty balance and no card.
async fn empty(partner: &Caller) -> (i64, String) {
    let user = expect(201, register(partner, &registration())).await;
    let user = user["id"].as_i64().expect("an id");
    (user, another(partner, user).await)
}

/// Another balance of a user.
async fn another(partner: &Caller, user: i64) -> String {
    let path = format!("/secure/customers/{user}/balances");
    let made = expect(201, partner.post(&path).json(&json!({ "currency": "EUR" }))).await;
    made["balanceId"].as_str().expect("an id").to_owned()
}

async fn refused(request: RequestBuilder, status: u16, title: &str) {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
}

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The newest transaction of a balance, removed or not.
async fn newest(sandbox: &Sandbox, balance: &str) -> Value {
    let path = format!("/secure/transactions?balanceId={balance}&limit=1");
    expect(200, sandbox.partner().get(&path)).await["items"][0].clone()
}

const STATES: [&str; 3] = ["ACTIVE", "LOCKED", "REMOVED"];

/// A user's balance in one of the states. While it is there it has a card, 900 that can be spent
/// and 100 that are held under the name `held-` and the card's id.
async fn story_in(sandbox: &Sandbox, state: &str) -> Story {
    let partner = sandbox.partner();
    if state == "REMOVED" {
        let story = Story::begin(sandbox, 0).await;
        expect(204, remove_card(partner, &story)).await;
        expect(204, remove(partner, &story.balance)).await;
        return story;
    }
    let story = Story::begin(sandbox, 1_000).await;
    let held = story.purchase(sandbox.processor(), 100, &format!("held-{}", story.card));
    assert_eq!(expect(200, held).await["approved"], true);
    if state == "LOCKED" {
        expect(204, lock(partner, &story.balance)).await;
    }
    story
}

/// Status, and what is told: a title, a description with its action code, or nothing.
async fn told(sandbox: &Sandbox, story: &Story, action: &str) -> (u16, String) {
    let (partner, processor, balance) = (sandbox.partner(), sandbox.processor(), &story.balance);
    let held = format!("held-{}", story.card);
    let name = format!("{action}-{}", story.card);
    let (status, body) = answer(match action {
        "show" => partner.get(&format!("/secure/balances/{balance}")),
        "history" => partner.get(&format!("/secure/balances/{balance}/transactions")),
        "lock" => lock(partner, balance),
        "unlock" => unlock(partner, balance),
        "remove" => remove(partner, balance),
        "topUp" | "payment" | "withdrawal" | "fee" => transfer(partner, balance, action, 10),
        "card" => {
            let path = format!("/secure/customers/{}/cards/virtual/async", story.customer);
            let body = json!({ "balanceId": balance, "configId": "0019167984" });
            let made = expect(202, partner.post(&path).json(&body)).await;
            let id = made["operationId"].as_str().expect("an id");
            let path = format!("/secure/customers/{}/cards/operations/{id}", story.customer);
            eventually("the operation ends", PATIENCE, async || {
                expect(200, partner.get(&path)).await["status"] != "PENDING"
            })
            .await;
            partner.get(&path)
        }
        "authorization" | "credit" | "advice" | "force-debit" => {
            of_kind(processor, story, action, 10)
        }
        "account-verification" | "balance-inquiry" => of_kind(processor, story, action, 0),
        "clearing" => story.message(processor, "clearings", 10, &name, Some(&held)),
        "reversal" => story.message(processor, "reversals", 10, &name, Some(&held)),
        other => panic!("{other}"),
    })
    .await;
    let words = ["title", "description", "actionCode", "reason"].map(|name| &body[name]);
    let words: Vec<&str> = words.into_iter().filter_map(Value::as_str).collect();
    (status, words.join(" "))
}

on_both_databases! {
    /// Each state × each action: who asks is told no, who informs is heard.
    async fn each_state_of_a_balance_allows_what_it_should(database) {
        let sandbox = Sandbox::start(database).await;
        let (done, gone) = ((204, ""), (404, "BALANCE_NOT_FOUND"));
        let (fine, moved) = ((200, ""), (201, "Transfer"));
        let (approved, posted) = ((200, "APPROVED 0000"), (200, "APPROVED"));
        let (locked, no_card) = ((200, "BALANCE_LOCKED 1004"), (200, "CARD_NOT_ACTIVE 1004"));
        let (kept_in, not_empty) = ((422, "BALANCE_LOCKED"), (409, "BALANCE_NOT_EMPTY"));
        let table = [
            ("show", [fine, fine, gone]),
            ("history", [fine, fine, gone]),
            ("lock", [done, done, gone]),
            ("unlock", [done, done, gone]),
            ("remove", [not_empty, not_empty, done]),
            ("topUp", [moved, moved, gone]),
            ("payment", [moved, moved, gone]),
            ("withdrawal", [moved, kept_in, gone]),
            ("fee", [moved, kept_in, gone]),
            ("card", [fine, fine, (200, "BALANCE_NOT_FOUND")]),
            ("authorization", [approved, locked, no_card]),
            ("credit", [approved, approved, no_card]),
            ("account-verification", [approved, approved, no_card]),
            ("balance-inquiry", [approved, approved, no_card]),
            ("advice", [approved, approved, approved]),
            ("force-debit", [approved, approved, approved]),
            ("clearing", [posted, posted, posted]),
            ("reversal", [posted, posted, (200, "REFERENCED_TRANSACTION_NOT_FOUND")]),
        ];
        for (action, answers) in table {
            for (state, (status, words)) in STATES.into_iter().zip(answers) {
                let story = story_in(&sandbox, state).await;
                let told = told(&sandbox, &story, action).await;
                assert_eq!(told, (status, words.to_owned()), "{action}: {state}");
            }
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// By the user whom the body names; a corporation's aren't made yet, and that is said.
    async fn a_balance_is_created_for_the_owner_in_the_body(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let (user, first) = empty(partner).await;
        let create = |body: &Value| partner.post("/secure/balances").json(body);
        let body = json!({ "currency": "EUR", "dcUserId": user });
        let keyed = || create(&body).header("X-Idempotency-Key", "second");
        let made = expect(201, keyed()).await;
        let second = made["balanceId"].clone();
        let expected = json!({
            "balanceId": second, "currency": "EUR", "amount": 0, "blockedAmount": 0,
            "state": "ACTIVE", "iban": null,
        });
        assert_eq!(made, expected);
        assert_eq!(expect(201, keyed()).await, made);
        let other = create(&json!({ "currency": "PLN", "dcUserId": user }));
        let reused = other.header("X-Idempotency-Key", "second");
        refused(reused, 409, "IDEMPOTENCY_KEY_REUSED").await;
        let path = format!("/secure/customers/{user}/balances");
        let all = expect(200, partner.get(&path)).await;
        let all: Vec<&Value> =
            all["items"].as_array().expect("a list").iter().map(|it| &it["balanceId"]).collect();
        assert_eq!(all, [&json!(first), &second]);
        expect(201, transfer(partner, second.as_str().expect("an id"), "topUp", 5)).await;

        let company = "0351eb09-3ac0-4234-a4ad-0a6ad52f248b";
        let mut new = registration();
        new["kyc"] = json!("NONE");
        let unknown = expect(201, register(partner, &new)).await["id"].clone();
        for (body, status, title) in [
            (json!({ "currency": "EUR", "dcUserId": 999_999 }), 404, "CUSTOMER_NOT_FOUND"),
            (json!({ "currency": "JPY", "dcUserId": user }), 422, "CURRENCY_NOT_SUPPORTED"),
            (json!({ "currency": "EUR", "dcUserId": unknown }), 422, "KYC_NOT_VERIFIED"),
            (json!({ "currency": "EUR", "dcCorporationId": company }), 404,
             "CORPORATION_NOT_FOUND"),
        ] {
            refused(create(&body), status, title).await;
        }
        for (body, fields) in [
            (json!({}), &["currency", "dcUserId"][..]),
            (json!({ "currency": "EURO", "dcUserId": "1" }), &["currency", "dcUserId"]),
            (json!({ "currency": "EUR", "dcCorporationId": 1 }), &["dcCorporationId"]),
            (
                json!({ "currency": "EUR", "dcCorporationId": company, "dcUserId": user }),
                &["dcUserId"],
            ),
        ] {
            let told = expect(422, create(&body)).await;
            assert_eq!(told["title"], "VALIDATION_ERROR", "{body}");
            let wrong = told["violations"].as_array().expect("a list").iter();
            let wrong: Vec<&Value> = wrong.map(|it| &it["field"]).collect();
            assert_eq!(wrong, fields, "{body}");
        }
    }

    /// Nothing leaves while it is locked but what has happened; unlocked, it pays again.
    async fn a_locked_balance_takes_no_debits(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(processor, 300, "cleared")).await;
        expect(200, story.purchase(processor, 200, "reversed")).await;
        let keyed = lock(partner, &story.balance).header("X-Idempotency-Key", "lock");
        expect(204, keyed.try_clone().expect("no stream")).await;
        let path = format!("/secure/balances/{}", story.balance);
        assert_eq!(expect(200, partner.get(&path)).await["state"], "LOCKED");

        let told = expect(200, story.purchase(processor, 1, "p1")).await;
        assert_eq!((&told["approved"], &told["approvedAmount"]), (&json!(false), &json!(0)));
        refused(transfer(partner, &story.balance, "withdrawal", 1), 422, "BALANCE_LOCKED").await;
        assert_eq!(story.amounts(&sandbox).await, (500, 500));
        expect(201, transfer(partner, &story.balance, "topUp", 50)).await;
        expect(200, of_kind(processor, &story, "credit", 7)).await;
        assert_eq!(story.amounts(&sandbox).await, (557, 500));
        // More than was held: the difference by force.
        let clear = story.message(processor, "clearings", 310, "clear", Some("cleared"));
        assert_eq!(expect(200, clear).await["accepted"], true);
        let reverse = story.message(processor, "reversals", 200, "reverse", Some("reversed"));
        assert_eq!(expect(200, reverse).await["accepted"], true);
        assert_eq!(story.amounts(&sandbox).await, (747, 0));

        expect(204, unlock(partner, &story.balance)).await;
        // A retry of what was done before changes nothing.
        expect(204, keyed).await;
        assert_eq!(expect(200, partner.get(&path)).await["state"], "ACTIVE");
        assert_eq!(expect(200, story.purchase(processor, 747, "p2")).await["approved"], true);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// By every name that isn't a balance of the partner's users, and while something is left.
    async fn what_isnt_empty_or_isnt_there_isnt_removed(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let own = expect(200, partner.get("/secure/partner-balances")).await;
        let own = own["items"][0]["id"].as_str().expect("an id").to_owned();
        let (user, balance) = empty(partner).await;
        let (other, _) = empty(partner).await;
        let gone = "BALANCE_NOT_FOUND";
        for id in [&own, "00000000-0000-4000-8000-000000000000", "nothing", "%00"] {
            for request in [remove(partner, id), lock(partner, id), unlock(partner, id)] {
                refused(request, 404, gone).await;
            }
            let path = format!("/secure/customers/{user}/balances/{id}");
            refused(partner.delete(&path), 404, gone).await;
        }
        let path = format!("/secure/customers/{other}/balances/{balance}");
        refused(partner.delete(&path), 404, gone).await;
        let nobody = format!("/secure/customers/999999/balances/{balance}");
        refused(partner.delete(&nobody), 404, gone).await;
        assert_eq!(newest(&sandbox, &balance).await, Value::Null);
        let found = partner.get(&format!("/secure/partner-balances/{own}"));
        assert_eq!(expect(200, found).await["state"], "ACTIVE");

        let full = "BALANCE_NOT_EMPTY";
        let story = Story::begin(&sandbox, 100).await;
        refused(remove(partner, &story.balance), 409, full).await;
        expect(200, story.purchase(processor, 100, "all")).await;
        assert_eq!(story.amounts(&sandbox).await, (0, 100));
        refused(remove(partner, &story.balance), 409, full).await;
        // Posted, it is below zero.
        let clear = story.message(processor, "clearings", 130, "over", Some("all"));
        expect(200, clear).await;
        expect(204, remove_card(partner, &story)).await;
        assert_eq!(story.amounts(&sandbox).await, (-30, 0));
        refused(remove(partner, &story.balance), 409, full).await;
        expect(201, transfer(partner, &story.balance, "topUp", 30)).await;
        let path = format!("/secure/customers/{}/balances/{}", story.customer, story.balance);
        expect(204, partner.delete(&path)).await;

        let story = Story::begin(&sandbox, 0).await;
        let keyed = remove(partner, &story.balance).header("X-Idempotency-Key", "early");
        refused(keyed.try_clone().expect("no stream"), 409, "BALANCE_HAS_CARDS").await;
        let card = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
        expect(204, partner.post(&card).json(&json!({ "reason": 2 }))).await;
        refused(remove(partner, &story.balance), 409, "BALANCE_HAS_CARDS").await;
        expect(204, remove_card(partner, &story)).await;
        // What was refused under a key stays refused under it.
        refused(keyed, 409, "BALANCE_HAS_CARDS").await;
        expect(204, lock(partner, &story.balance)).await;
        expect(204, remove(partner, &story.balance)).await;
        let external = sandbox.partner_of_code("external");
        refused(remove(&external, &balance), 404, gone).await;
    }

    /// It is shown nowhere but in the history, and what the network tells late is still posted.
    async fn a_removed_balance_never_comes_back(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 500).await;
        expect(201, transfer(partner, &story.balance, "withdrawal", 500)).await;
        let kept = another(partner, story.customer).await;
        expect(204, remove_card(partner, &story)).await;
        let keyed = remove(partner, &story.balance).header("X-Idempotency-Key", "removal");
        expect(204, keyed.try_clone().expect("no stream")).await;
        expect(204, keyed).await;
        expect(204, remove(partner, &story.balance)).await;

        let path = format!("/secure/customers/{}/balances", story.customer);
        let left = expect(200, partner.get(&path)).await;
        let left: Vec<&Value> =
            left["items"].as_array().expect("a list").iter().map(|it| &it["balanceId"]).collect();
        assert_eq!(left, [&json!(kept)]);
        refused(partner.get(&format!("{path}/{}", story.balance)), 404, "BALANCE_NOT_FOUND").await;
        refused(transfer(partner, &story.balance, "topUp", 1), 404, "BALANCE_NOT_FOUND").await;

        let late = story.message(processor, "clearings", 40, "late", None);
        assert_eq!(expect(200, late).await["accepted"], true);
        let told = newest(&sandbox, &story.balance).await;
        assert_eq!((&told["amount"], &told["balanceAfter"]), (&json!(40), &json!(-40)));
        // Its user's history has what was on it.
        let path = format!("/secure/transactions?customerId={}", story.customer);
        let history = expect(200, partner.get(&path)).await;
        let types: Vec<&Value> =
            history["items"].as_array().expect("a list").iter().map(|it| &it["type"]).collect();
        assert_eq!(types, ["pos", "withdrawal", "topUp"]);
        let days = "from=2000-01-01&to=2100-12-31";
        let path = format!("/secure/balances/{}/statement?{days}", story.balance);
        let statement = expect(200, partner.get(&path)).await;
        assert_eq!(statement["closingBalance"], -40);
        assert_eq!(statement["items"].as_array().map(Vec::len), Some(3));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}
