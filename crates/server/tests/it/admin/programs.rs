//! Programs, made and changed by the operator under `/admin/programs`, and who serves them.

use super::signed_in;
use crate::audit::{Record, records};
use crate::plastic::{DIGITAL_FIRST, address};
use crate::story::{Story, answer, decrypted, encrypted, expect, unique};
use crate::support::Sandbox;
use serde_json::{Value, json};

const PROGRAMS: &str = "/admin/programs";
const ID: &str = "0000000042";
const BIN: &str = "53208799";

fn of(config_id: &str) -> String {
    format!("{PROGRAMS}/sandbox/{config_id}")
}

/// A program of the sandbox's partner, of a processor.
fn program(processor: &Value) -> Value {
    json!({ "issuerCode": "sandbox", "configId": ID, "processor": processor,
        "cardType": "VIRTUAL", "currency": "EUR", "bin": BIN, "cardCap": 3, "holdDays": 9 })
}

/// Another card of a user, of a program: status and body.
async fn card_of(sandbox: &Sandbox, story: &Story, config_id: &str) -> (u16, Value) {
    let path = format!("/secure/customers/{}/cards/virtual", story.customer);
    let body = json!({ "balanceId": story.balance, "configId": config_id });
    answer(encrypted(sandbox.partner().post(&path).json(&body))).await
}

on_both_databases! {
    /// A program that was made has cards with numbers of its BIN; they obey its rules, and pay
    /// nothing while it is closed.
    async fn a_program_is_made_changed_and_closed(database) {
        let mut sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let processors = expect(200, operator.get("/admin/processors")).await;
        let body = program(&processors["items"][0]["name"]);
        let key = format!("key-{}", unique());
        let post = || operator.post(PROGRAMS).header("X-Idempotency-Key", &key).json(&body);
        let made = expect(201, post()).await;
        assert_eq!(expect(201, post()).await, made, "it is made once");
        for (name, value) in body.as_object().expect("an object") {
            assert!(name == "bin" || made[name] == *value, "{name}: {made}");
        }
        assert_eq!((&made["bins"], &made["state"]), (&json!([BIN]), &json!("LIVE")));
        let twice = expect(409, operator.post(PROGRAMS).json(&body)).await;
        assert_eq!(twice["title"], "PROGRAM_ALREADY_EXISTS");

        let mut story = Story::begin(&sandbox, 10_000).await;
        let (status, card) = card_of(&sandbox, &story, ID).await;
        let card = decrypted(&card);
        assert_eq!(status, 201, "{card}");
        assert!(card["cardNo"].as_str().expect("a number").starts_with(BIN));
        story.card = card["id"].as_i64().expect("an id");
        let shown = expect(200, operator.get(&of(ID))).await;
        assert_eq!(shown["numbers"], json!([{ "bin": BIN, "taken": 64, "of": 10_000_000 }]));
        assert_eq!(shown["runningOut"], false);

        let rules = json!({
            "limits": [{ "type": "general", "timeUnit": "daily", "amountMinor": 500 }],
            "controls": { "mccs": { "blocked": ["7995"] } },
        });
        let change = json!({ "rules": rules, "addBin": "53208798" });
        expect(204, operator.put(&of(ID)).json(&change)).await;
        let shown = expect(200, operator.get(&of(ID))).await;
        assert_eq!(shown["rules"]["limits"][0]["amountMinor"], 500);
        assert_eq!(shown["rules"]["controls"]["mccs"]["blocked"], json!(["7995"]));
        assert_eq!(shown["bins"], json!([BIN, "53208798"]));
        let pay = async |minor| {
            let id = format!("pay-{}", unique());
            let told = expect(200, story.purchase(sandbox.processor(), minor, &id)).await;
            told["description"].clone()
        };
        assert_eq!(pay(501).await, "LIMIT_EXCEED");
        assert_eq!(pay(300).await, "APPROVED");

        expect(204, operator.put(&of(ID)).json(&json!({ "state": "CLOSED" }))).await;
        assert_eq!(pay(1).await, "TRANSACTION_NOT_PERMITTED");
        let (status, refused) = card_of(&sandbox, &story, ID).await;
        assert_eq!((status, &refused["title"]), (422, &json!("PROGRAM_NOT_FOUND")));
        expect(204, operator.put(&of(ID)).json(&json!({ "state": "LIVE" }))).await;
        assert_eq!(pay(1).await, "APPROVED");
        assert_eq!(card_of(&sandbox, &story, ID).await.0, 201);

        let records = records(&mut sandbox).await;
        let own = records.values().flatten().filter(|it: &&Record| it.object == ID);
        let mut done: Vec<&str> = own
            .inspect(|it| assert!(it.actor.starts_with("admin:"), "{it:?}"))
            .map(|it| it.action.as_str())
            .collect();
        done.sort_unstable();
        assert_eq!(done, ["program.create", "program.set", "program.set", "program.set"]);
    }

    /// What can't be is refused, and changes nothing, also of what was sent beside it.
    async fn what_no_program_can_be_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let name = expect(200, operator.get("/admin/processors")).await["items"][0]["name"].clone();
        for (changed, status, title) in [
            (json!({ "issuerCode": "nobody" }), 404, "PARTNER_NOT_FOUND"),
            (json!({ "processor": "nobody" }), 422, "PROCESSOR_NOT_FOUND"),
            (json!({ "configId": "42" }), 422, "VALIDATION_ERROR"),
            (json!({ "cardType": "PAPER" }), 422, "VALIDATION_ERROR"),
            (json!({ "lifetimeMonths": 121 }), 422, "PROGRAM_INVALID"),
            (json!({ "holdDays": 4_294_967_297i64 }), 422, "PROGRAM_INVALID"),
            (json!({ "digitalFirst": true, "port": "NONE" }), 422, "PROGRAM_INVALID"),
            (json!({ "gift": { "approval": "A 1" }, "audience": "BUSINESS" }), 422,
                "GIFT_PROGRAM_INVALID"),
            // It begins one of the sandbox's.
            (json!({ "bin": "532087" }), 409, "BIN_TAKEN"),
        ] {
            let mut body = program(&name);
            for (field, value) in changed.as_object().expect("an object") {
                body[field] = value.clone();
            }
            let told = expect(status, operator.post(PROGRAMS).json(&body)).await;
            assert_eq!(told["title"], title, "{changed}");
        }
        assert_eq!(answer(operator.get(&of(ID))).await.0, 404);

        let known = of("0019167984");
        let before = expect(200, operator.get(&known)).await;
        let zloty = json!({ "limits": [{ "type": "atm", "timeUnit": "daily", "amountMinor": 1,
            "currency": "PLN" }] });
        let bureau = |name: &str| json!({ "bureau": name, "chipProfile": "X" });
        for (change, status, title) in [
            (json!({ "rules": zloty, "state": "CLOSED" }), 422, "CURRENCY_MISMATCH"),
            (json!({ "addBin": "532087", "state": "CLOSED" }), 409, "BIN_TAKEN"),
            (json!({ "addBin": "5320870" }), 422, "VALIDATION_ERROR"),
            (json!({ "plastic": bureau("nobody"), "state": "CLOSED" }), 422, "BUREAU_NOT_FOUND"),
            (json!({ "rules": { "budget": {} } }), 422, "VALIDATION_ERROR"),
        ] {
            let told = expect(status, operator.put(&known).json(&change)).await;
            assert_eq!(told["title"], title, "{change}");
        }
        assert_eq!(expect(200, operator.get(&known)).await, before);
        let unknown = expect(404, operator.put(&of(ID)).json(&json!({ "state": "LIVE" }))).await;
        assert_eq!(unknown["title"], "PROGRAM_UNKNOWN");
        let bureaus = expect(200, operator.get("/admin/bureaus")).await;
        let bureau = bureau(bureaus["items"][0]["name"].as_str().expect("a name"));
        expect(204, operator.put(&known).json(&json!({ "plastic": bureau }))).await;
        assert_eq!(expect(200, operator.get(&known)).await["plastic"], bureau);
    }

    /// A closed program's cards are neither printed nor renewed nor replaced, until it is open.
    async fn nothing_is_made_of_a_closed_program(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let partner = sandbox.partner();
        let story = Story::begin_of((partner, "sandbox", DIGITAL_FIRST), 0).await;
        let carrier = json!({ "deliveryAddress": address(), "delivery": "POST" });
        let lost = json!({ "reason": "CARD_LOST" });
        let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        let ask = |what: &str, body: &Value| {
            encrypted(partner.post(&format!("{card}/{what}")).json(body))
        };
        let set = async |state: &str| {
            let put = operator.put(&of(DIGITAL_FIRST)).json(&json!({ "state": state }));
            expect(204, put).await;
        };
        set("CLOSED").await;
        for (what, body) in [("print", &carrier), ("replace", &lost), ("renew", &carrier)] {
            let told = expect(422, ask(what, body)).await;
            assert_eq!(told["title"], "PROGRAM_NOT_FOUND", "{what}");
        }
        set("LIVE").await;
        let (status, told) = answer(ask("print", &carrier)).await;
        assert!(status < 300, "{status} {told}");
    }

    /// Page by page all programs come, each once, or those of one partner.
    async fn programs_are_listed(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = expect(200, operator.get(&format!("{PROGRAMS}?limit=2{after}"))).await;
            for it in page["items"].as_array().expect("a list") {
                let text = |name: &str| it[name].as_str().expect("a text").to_owned();
                found.push((text("issuerCode"), text("configId")));
            }
            let Value::String(next) = &page["next"] else { break };
            after = format!("&after={next}");
        }
        assert!(found.is_sorted() && found.len() >= 7, "{found:?}");
        let own = expect(200, operator.get(&format!("{PROGRAMS}?issuerCode=shared"))).await;
        assert_eq!(own["items"].as_array().map(Vec::len), Some(1), "{own}");
        let nobody = expect(404, operator.get(&format!("{PROGRAMS}?issuerCode=nobody"))).await;
        assert_eq!(nobody["title"], "PARTNER_NOT_FOUND");
    }

    /// A processor is made once; its name isn't given to another.
    async fn a_processor_is_made(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let body = json!({ "name": "acme-processing", "timeBudgetMs": 1_500 });
        let path = "/admin/processors";
        let key = format!("key-{}", unique());
        let post = || operator.post(path).header("X-Idempotency-Key", &key).json(&body);
        assert_eq!(expect(201, post()).await, body);
        assert_eq!(expect(201, post()).await, body, "it is made once");
        let twice = expect(409, operator.post(path).json(&body)).await;
        assert_eq!(twice["title"], "PROCESSOR_ALREADY_EXISTS");
        let slow = json!({ "name": "slow", "timeBudgetMs": 5_001 });
        let told = expect(422, operator.post(path).json(&slow)).await;
        assert_eq!(told["title"], "PROCESSOR_INVALID");
        let listed = expect(200, operator.get(path)).await;
        let items = listed["items"].as_array().expect("a list");
        assert!(items.contains(&body) && !items.iter().any(|it| it["name"] == "slow"), "{listed}");
        let program = program(&body["name"]);
        assert_eq!(expect(201, operator.post(PROGRAMS).json(&program)).await["processor"],
            "acme-processing");
    }
}
