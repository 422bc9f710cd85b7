//! What can be done with a card in each of its states, and what remains of a removed one.

use crate::story::{Story, answer, decrypted, encrypted, expect};
use crate::support::{Caller, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

fn remove(partner: &Caller, story: &Story) -> RequestBuilder {
    let path = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
    partner.request(Method::DELETE, &path).header("Issuer-Code", "sandbox")
}

fn lock(partner: &Caller, story: &Story, reason: i64) -> RequestBuilder {
    let path = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
    partner.post(&path).json(&json!({ "reason": reason }))
}

fn unlock(partner: &Caller, story: &Story) -> RequestBuilder {
    partner.post(&format!("/secure/customers/{}/cards/{}/unlock", story.customer, story.card))
}

fn full(partner: &Caller, story: &Story) -> RequestBuilder {
    let path = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
    encrypted(partner.get(&path))
}

const STATES: [&str; 4] = ["active", "locked", "stolen", "removed"];

/// Another card of the same user in one of the states.
async fn card_in(sandbox: &Sandbox, state: &str) -> Story {
    let partner = sandbox.partner();
    let story = Story::begin(sandbox, 1_000).await;
    match state {
        "active" => Value::Null,
        "locked" => expect(204, lock(partner, &story, 7)).await,
        "stolen" => expect(204, lock(partner, &story, 2)).await,
        "removed" => expect(204, remove(partner, &story)).await,
        other => panic!("{other}"),
    };
    story
}

/// Status, and what is told: a title, a description with its action code, or nothing.
async fn told(sandbox: &Sandbox, story: &Story, action: &str) -> (u16, String) {
    let partner = sandbox.partner();
    let (status, body) = answer(match action {
        "lock" => lock(partner, story, 7),
        "report stolen" => lock(partner, story, 2),
        "unlock" => unlock(partner, story),
        "remove" => remove(partner, story),
        "full data" => full(partner, story),
        "authorize" => story.purchase(sandbox.processor(), 100, &format!("p{}", story.card)),
        other => panic!("{other}"),
    })
    .await;
    let words = [&body["title"], &body["description"], &body["actionCode"]];
    let words: Vec<&str> = words.into_iter().filter_map(Value::as_str).collect();
    (status, words.join(" "))
}

on_both_databases! {
    /// Each state × each action that there is.
    async fn each_state_allows_what_it_should(database) {
        let sandbox = Sandbox::start(database).await;
        let (done, gone) = ((204, ""), (404, "CARD_NOT_FOUND"));
        let (second, for_ever) = ((409, "CARD_ALREADY_LOCKED"), (409, "CARD_LOCK_IRREVERSIBLE"));
        let table = [
            ("lock", [done, done, second, gone]),
            ("report stolen", [done, done, done, gone]),
            ("unlock", [done, done, for_ever, gone]),
            ("remove", [done, done, done, done]),
            ("full data", [(200, ""), (200, ""), (200, ""), gone]),
            ("authorize", [
                (200, "APPROVED 0000"),
                (200, "CARD_LOCKED 1002"),
                (200, "CARD_LOCKED 2009"),
                (200, "CARD_NOT_ACTIVE 1004"),
            ]),
        ];
        for (action, answers) in table {
            for (state, (status, words)) in STATES.into_iter().zip(answers) {
                let story = card_in(&sandbox, state).await;
                let told = told(&sandbox, &story, action).await;
                assert_eq!(told, (status, words.to_owned()), "{action} a card that is {state}");
            }
        }
    }

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
