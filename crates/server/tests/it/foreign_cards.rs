//! Cards that their processor has made: they pay as every card does, and what would need numbers or
//! keys of ours is refused.

use crate::cards::scan;
use crate::customers::{pin_block, sealed};
use crate::import::cards::{CONFIG_ID, YEARS, holder, moved, next_year, number, one, program};
use crate::operations::ended;
use crate::plastic::address;
use crate::story::{Story, encrypted, expect, unique};
use crate::support::Sandbox;
use serde_json::{Value, json};

const BIN: &str = "53208779";

/// A user with an imported card, and money.
async fn begun(sandbox: &Sandbox, change: impl Fn(&mut Value)) -> (Story, String) {
    let number = number(BIN);
    let mut line = holder(&number);
    change(&mut line);
    let told = one(sandbox, &line).await;
    assert_eq!(told["status"], 201, "{told}");
    let story = Story {
        customer: told["id"].as_i64().expect("an id"),
        balance: told["balanceId"].as_str().expect("an id").to_owned(),
        card: told["cardId"].as_i64().expect("an id"),
        full: Value::Null,
    };
    let id = format!("top-up-{}", unique());
    expect(201, story.top_up(sandbox.partner(), &json!(10_000), &id)).await;
    (story, number)
}

/// Pays one euro by the number, with more in the message.
async fn paid(sandbox: &Sandbox, number: &str, more: &Value) -> Value {
    let id = format!("paid-{}", unique());
    let mut body = json!({
        "card": { "pan": number }, "kind": "authorization", "type": "pos", "amount": 100,
        "currency": "EUR", "transactionId": id, "description": "Book store",
        "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let post = sandbox.processor().post("/processor/v1/authorizations");
    expect(200, post.header("X-Idempotency-Key", id).json(&body)).await
}

async fn state(sandbox: &Sandbox, story: &Story) -> Value {
    let path = format!("/secure/customers/{}/cards", story.customer);
    expect(200, sandbox.partner().get(&path)).await["items"][0]["state"].clone()
}

on_both_databases! {
    /// It pays by its number, is locked, unlocked, limited and removed; its number is in no file.
    async fn an_imported_card_pays_as_every_card(database) {
        let mut sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let (story, number) = begun(&sandbox, |_| ()).await;
        let partner = sandbox.partner();
        assert_eq!(paid(&sandbox, &number, &json!({})).await["description"], "APPROVED");
        assert_eq!(story.amounts(&sandbox).await, (9_900, 100));
        let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        expect(204, partner.post(&format!("{card}/lock")).json(&json!({ "reason": 7 }))).await;
        assert_eq!(paid(&sandbox, &number, &json!({})).await["actionCode"], "1002");
        expect(204, partner.post(&format!("{card}/unlock"))).await;
        assert_eq!(paid(&sandbox, &number, &json!({})).await["approved"], true);
        let limits = json!({ "limits": [{ "type": "general", "timeUnit": "transaction",
            "amountMinor": 50 }] });
        expect(200, partner.put(&format!("{card}/limits")).json(&limits)).await;
        let declined = paid(&sandbox, &number, &json!({})).await;
        assert_eq!(declined["description"], "EXCEEDS_AMOUNT_LIMIT");
        let path = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
        expect(204, partner.delete(&path).header("Issuer-Code", "sandbox")).await;
        assert_eq!(paid(&sandbox, &number, &json!({})).await["approved"], false);
        // A removed card's number stays known.
        let again = one(&sandbox, &holder(&number)).await;
        assert_eq!(again["title"], "CARD_ALREADY_EXISTS");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();

        scan(&sandbox, "", &[&number]);
        let records = crate::audit::records(&mut sandbox).await;
        scan(&sandbox, "", &[&number]);
        let written = sandbox.output();
        assert!(!written.contains(&number) && !written.contains("payload"), "the output tells");
        let of_card = records.values().flatten().filter(|it| it.action == "card.import");
        assert_eq!(of_card.count(), 1);
    }

    /// What the processor tells of code and PIN counts; what it hasn't checked nobody has.
    async fn its_processor_checks_its_codes(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let (story, number) = begun(&sandbox, |_| ()).await;
        let pin = pin_block(&sandbox, "8264");
        let mut foreign_pin = pin.clone();
        foreign_pin["keyId"] = "nobody-knows".into();
        for (more, told) in [
            (json!({ "cvv": "000" }), "APPROVED"),
            (json!({ "cvv": "999", "verifications": { "cvv": "NOT_CHECKED" } }), "APPROVED"),
            (json!({ "cvv": "000", "verifications": { "cvv": "MATCH" } }), "APPROVED"),
            (json!({ "cvv": "000", "verifications": { "cvv": "NO_MATCH" } }), "INCORRECT_CVV"),
            (json!({ "verifications": { "cvv": "NO_MATCH" } }), "INCORRECT_CVV"),
            (json!({ "pinBlock": pin }), "APPROVED"),
            (json!({ "pinBlock": foreign_pin }), "APPROVED"),
            (json!({ "pinBlock": pin, "verifications": { "pin": "MATCH" } }), "APPROVED"),
            (json!({ "verifications": { "cryptogram": "NO_MATCH" } }), "FRAUDS_DETECTED"),
            (json!({ "expiry": "2049-07" }), "APPROVED"),
            (json!({ "verifications": { "pin": "NO_MATCH" } }), "INCORRECT_PIN"),
            (json!({ "pinBlock": pin, "verifications": { "pin": "NO_MATCH" } }), "INCORRECT_PIN"),
            (json!({ "verifications": { "pin": "NO_MATCH" } }), "PIN_TRIES_EXCEEDED"),
        ] {
            assert_eq!(paid(&sandbox, &number, &more).await["description"], told, "{more}");
        }
        assert_eq!(state(&sandbox, &story).await, "LOCKED");
    }

    /// Whatever needs numbers or keys of ours is refused on each channel, and changes nothing.
    async fn what_we_would_have_to_make_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let create = ["program", "create", "--partner", "sandbox", "--config-id", "0000000078",
            "--processor", "sandbox-processor", "--card-type", "VIRTUAL", "--currency", "EUR",
            "--bin", "53208778", "--port", "NONE"];
        sandbox.antaca(&create).await.assert_done();
        let (story, number) = begun(&sandbox, |_| ()).await;
        let (partner, of) = (sandbox.partner(), format!("/secure/customers/{}", story.customer));
        let (admin, phone) = (
            sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await,
            sandbox.phone("sandbox", story.customer).await,
        );
        let phone = &phone.caller;
        let card = |rest: &str| format!("{of}/cards/{}{rest}", story.card);
        let own = |rest: &str| format!("/customers/me/cards/{}{rest}", story.card);
        let of_admin = |rest: &str| format!("/admin/cards/{}{rest}", story.card);
        let carrier = json!({ "deliveryAddress": address(), "delivery": "POST" });
        let new = |config_id: &str| json!({ "balanceId": story.balance, "configId": config_id });
        let mut plastic = new(CONFIG_ID);
        (plastic["deliveryAddress"], plastic["delivery"]) = (address(), "POST".into());
        let replaced = |reason: &str| {
            let mut body = carrier.clone();
            body["reason"] = reason.into();
            body
        };
        let pin = sealed(phone, phone.post(&own("/pin")), &json!({ "pin": "8264" })).await;
        let letter = json!({ "lastFourDigits": number[12..], "code": "123456" });
        let virtual_card = new("0000000078");
        let new_card = format!("{of}/cards/virtual");
        for (what, request) in [
            ("virtual", encrypted(partner.post(&new_card).json(&virtual_card))),
            ("of app", encrypted(phone.post("/customers/me/cards/virtual").json(&virtual_card))),
            ("order", encrypted(partner.post(&format!("{of}/cards/physical")).json(&plastic))),
            ("full data", encrypted(partner.get(&card("")))),
            ("own full data", encrypted(phone.get(&own("")))),
            ("code", encrypted(phone.post(&own("/cvv")))),
            ("code of admin", encrypted(admin.post(&of_admin("/cvv")))),
            ("pin", pin),
            ("print", encrypted(partner.post(&card("/print")).json(&carrier))),
            ("print of admin", encrypted(admin.post(&of_admin("/print")).json(&carrier))),
            ("renew", encrypted(partner.post(&card("/renew")).json(&carrier))),
            ("lost", encrypted(partner.post(&card("/replace")).json(&replaced("CARD_LOST")))),
            ("damaged", encrypted(partner.post(&card("/replace")).json(&replaced("CARD_DAMAGED")))),
            ("letter", partner.post(&card("/activate")).json(&letter)),
        ] {
            let key = format!("{what}-{}", unique());
            let told = expect(409, request.header("X-Idempotency-Key", key)).await;
            assert_eq!(told["title"], "CARD_MADE_ELSEWHERE", "{what}: {told}");
            let detail = "The card's processor makes its numbers and codes.";
            assert_eq!(told["detail"], detail, "{what}");
        }
        let later = partner.post(&format!("{of}/cards/virtual/async")).json(&virtual_card);
        let told = expect(202, later).await;
        let failed = ended(&sandbox, &story, told["operationId"].as_str().expect("an id")).await;
        assert!(failed.to_string().contains("CARD_MADE_ELSEWHERE"), "{failed}");
        let found = expect(200, partner.get(&format!("{of}/cards"))).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!((&found["items"][0]["state"], &found["items"][0]["exp"]),
            (&json!("ACTIVE"), &json!("2049-07-31")));
        assert_eq!(paid(&sandbox, &number, &json!({})).await["approved"], true);
        sandbox.antaca(&["orders", "run"]).await.assert_done();
    }

    /// Who has an inactive card in hand activates it by what stands on it; that needs no key.
    async fn it_is_activated_by_what_stands_on_it(database) {
        let sandbox = Sandbox::start(database).await;
        let expiry = next_year(&sandbox).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let (story, number) = begun(&sandbox, |line| {
            line["card"]["state"] = "INACTIVE".into();
            line["card"]["expiry"] = expiry.clone().into();
        }).await;
        assert_eq!(paid(&sandbox, &number, &json!({})).await["approved"], false);
        let path = format!("/secure/customers/{}/cards/{}/activate", story.customer, story.card);
        for (expiry, status) in [("2049-08", 422), (&expiry, 204)] {
            let told = json!({ "lastFourDigits": number[12..], "expiry": expiry });
            expect(status, sandbox.partner().post(&path).json(&told)).await;
        }
        assert_eq!(paid(&sandbox, &number, &json!({})).await["approved"], true);
        // The card ends by its date, as every card does, and no worker needs its keys for that.
        moved(&sandbox, YEARS).await;
        assert_eq!(paid(&sandbox, &number, &json!({})).await["description"], "CARD_EXPIRED");
        assert_eq!(state(&sandbox, &story).await, "EXPIRED");
    }
}
