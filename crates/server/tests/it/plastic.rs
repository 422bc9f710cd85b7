//! Plastic from its order to its holder's hand.

use crate::customers::{paid_with, sealed};
use crate::story::{Story, answer, decrypted, encrypted, expect, unique};
use crate::support::{Caller, Database, Sandbox};
use crate::untold::{forms, nothing_tells};
use crypto::jwe::PrivateKey;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
/// A program of plastic, one of virtual cards that may be printed, and one of neither.
pub(crate) const PHYSICAL: &str = "0019167985";
pub(crate) const DIGITAL_FIRST: &str = "0019167986";
const VIRTUAL: &str = "0019167984";

/// What is ordered of a program.
pub(crate) fn order_of(story: &Story, config_id: &str) -> Value {
    json!({
        "balanceId": story.balance, "configId": config_id, "dcUserId": story.customer,
        "deliveryAddress": address(), "delivery": "POST",
    })
}

pub(crate) fn address() -> Value {
    json!({
        "street": "Main Street", "number": "1", "apartment": "2", "city": "Warsaw",
        "postCode": "00-001", "country": "PL",
    })
}

/// Waits until an order has left for the bureau.
pub(crate) async fn sent(sandbox: &Sandbox, story: &Story, id: &str) {
    until(sandbox, story, id, "SENT_TO_BUREAU").await;
}

/// Has the bureau's report of orders imported, all with one outcome.
pub(crate) async fn import(sandbox: &Sandbox, orders: &[&str], outcome: &str) {
    let lines = orders.iter().map(|id| format!("sandbox:{id},{outcome}\n"));
    let file = sandbox.dir().join(format!("{}.csv", unique()));
    std::fs::write(&file, format!("reference,outcome\n{}", lines.collect::<String>()))
        .expect("writes");
    let file = file.to_str().expect("a path of text");
    let told = sandbox.antaca(&["orders", "import", "--bureau", "sandbox", file]).await;
    assert_eq!(told.assert_done().json()[0]["changed"], orders.len());
}

/// Orders a card of a program; the order's id.
pub(crate) async fn ordered(partner: &Caller, story: &Story, config_id: &str) -> String {
    let path = format!("/secure/customers/{}/cards/physical", story.customer);
    let asked = encrypted(partner.post(&path).json(&order_of(story, config_id)));
    let told = decrypted(&expect(202, asked).await);
    told["orderId"].as_str().expect("an id").to_owned()
}

async fn order(sandbox: &Sandbox, story: &Story, id: &str) -> Value {
    let path = format!("/secure/customers/{}/cards/orders/{id}", story.customer);
    expect(200, sandbox.partner().get(&path)).await
}

/// Waits until an order is so far.
pub(crate) async fn until(sandbox: &Sandbox, story: &Story, id: &str, status: &str) -> Value {
    testkit::eventually(status, SOON, async || order(sandbox, story, id).await["status"] == status)
        .await;
    order(sandbox, story, id).await
}

async fn cards(sandbox: &Sandbox, story: &Story) -> Vec<Value> {
    let path = format!("/secure/customers/{}/cards", story.customer);
    let listed = expect(200, sandbox.partner().get(&path)).await;
    listed["items"].as_array().expect("a list").clone()
}

pub(crate) async fn activate(
    sandbox: &Sandbox,
    story: &Story,
    card: i64,
    told: Value,
) -> (u16, Value) {
    let path = format!("/secure/customers/{}/cards/{card}/activate", story.customer);
    let (status, body) = answer(sandbox.partner().post(&path).json(&told)).await;
    (status, body["title"].clone())
}

async fn ship(sandbox: &Sandbox, id: &str, outcome: &str, tracking: &str) {
    let shipped = ["simulate", "shipping", "--order", id, "--outcome", outcome];
    let all = [&shipped[..], &["--tracking", tracking]].concat();
    sandbox.antaca(&all).await.assert_done();
}

/// The lines of all batches that lie in the bureau's folder.
fn batches(sandbox: &Sandbox) -> Vec<Value> {
    let folder = sandbox.dir().join("bureau/out");
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        text.push_str(&std::fs::read_to_string(path).expect("a text"));
    }
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What a bureau reads of an order.
pub(crate) fn read_by_bureau(sandbox: &Sandbox, line: &Value) -> Value {
    let key = std::fs::read_to_string(sandbox.dir().join("bureau.key")).expect("its key");
    let key = PrivateKey::from_pkcs8_pem(&key).expect("a key");
    let plain = key.decrypt(line["secrets"].as_str().expect("secrets")).expect("is for it");
    serde_json::from_slice(&plain).expect("JSON")
}

pub(crate) fn card_path(story: &Story, card: i64, rest: &str) -> String {
    format!("/secure/customers/{}/cards/{card}{rest}", story.customer)
}

/// Orders a card and waits until it was made: its id, its full data, its order.
pub(crate) async fn arrived(sandbox: &Sandbox, story: &Story) -> (i64, Value, String) {
    let mut body = order_of(story, PHYSICAL);
    body["embossedName"] = "Łukasz Żółć".into();
    let path = format!("/secure/customers/{}/cards/physical", story.customer);
    let asked = encrypted(sandbox.partner().post(&path).json(&body));
    arrived_by(sandbox, story, asked).await
}

/// The same, by this order.
pub(crate) async fn arrived_by(
    sandbox: &Sandbox,
    story: &Story,
    asked: RequestBuilder,
) -> (i64, Value, String) {
    let told = decrypted(&expect(202, asked).await);
    let order = told["orderId"].as_str().expect("an id").to_owned();
    let card = until(sandbox, story, &order, "PERSONALISED").await["cardId"].as_i64();
    let card = card.expect("the card is told");
    let full = encrypted(sandbox.partner().get(&card_path(story, card, "")));
    (card, decrypted(&expect(200, full).await), order)
}

fn replace(
    sandbox: &Sandbox,
    story: &Story,
    card: i64,
    reason: &str,
    to: Option<Value>,
) -> RequestBuilder {
    let mut body = json!({ "reason": reason });
    if let Some(to) = to {
        body["deliveryAddress"] = to;
        body["delivery"] = "COURIER".into();
    }
    encrypted(sandbox.partner().post(&card_path(story, card, "/replace")).json(&body))
}

/// The line of an order in the batches.
pub(crate) fn sent_as(sandbox: &Sandbox, order: &str) -> Value {
    let name = format!("sandbox:{order}");
    let mut lines = batches(sandbox).into_iter();
    lines.find(|line| line["reference"] == name.as_str()).expect("it was sent")
}

/// Every file in a folder and below.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// A sandbox whose bureau answers at once.
pub(crate) async fn quick(database: Database) -> Sandbox {
    quick_with(database, &[]).await
}

/// The same, with these variables.
pub(crate) async fn quick_with(database: Database, variables: &[(&str, &str)]) -> Sandbox {
    let quick = [("ANTACA_SANDBOX_BUREAU_SECONDS", "0")];
    Sandbox::start_with(database, &[&quick, variables].concat()).await
}

/// A sandbox whose bureau answers only when it is told to.
pub(crate) async fn patient(database: Database) -> Sandbox {
    Sandbox::start_with(database, &[("ANTACA_SANDBOX_BUREAU_SECONDS", "86400")]).await
}

/// What a holder reads on a card.
fn on_it(full: &Value) -> Value {
    let digits = full["cardNo"].as_str().expect("a number")[12..].to_owned();
    json!({ "lastFourDigits": digits, "expiry": full["exp"].as_str().expect("a day")[..7] })
}

/// A purchase of one cent with these codes.
fn by_codes(card: i64, codes: &Value) -> Value {
    let mut body = json!({
        "card": { "cardId": card }, "kind": "authorization", "type": "pos", "amount": 1,
        "currency": "EUR", "transactionId": format!("t{}", unique()),
        "transactionDate": "2026-11-21T10:00:00+00:00", "description": "Book store",
    });
    for (name, code) in codes.as_object().expect("an object") {
        body[name.as_str()] = code.clone();
    }
    body
}

async fn paid_by_codes(sandbox: &Sandbox, card: i64, codes: &Value) -> Value {
    let body = by_codes(card, codes);
    let key = body["transactionId"].as_str().expect("a name");
    let post = sandbox.processor().post("/processor/v1/authorizations");
    expect(200, post.header("X-Idempotency-Key", key).json(&body)).await["description"].clone()
}

on_both_databases! {
    /// Ordered with a PIN, sent, made, activated, shipped: and what each of the parties sees of it.
    async fn a_card_comes_to_its_holder_and_pays(database) {
        let sandbox = patient(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let mut body = order_of(&story, PHYSICAL);
        body["pin"] = "8264".into();
        body["embossedName"] = "Łukasz Żółć".into();
        let phone = sandbox.phone("sandbox", story.customer).await;
        let path = format!("/secure/customers/{}/cards/physical_with_pin", story.customer);
        let asked = sealed(&phone.caller, sandbox.partner().post(&path), &body).await;
        let asked = asked.header("X-Idempotency-Key", "one");
        let again = asked.try_clone().expect("no stream");
        let told = decrypted(&expect(202, asked).await);
        assert_eq!(decrypted(&expect(202, again).await), told);
        let id = told["orderId"].as_str().expect("an id").to_owned();

        // Nobody sees the card yet.
        let sent = until(&sandbox, &story, &id, "SENT_TO_BUREAU").await;
        assert_eq!(sent, json!({ "orderId": id, "status": "SENT_TO_BUREAU" }));
        assert_eq!(cards(&sandbox, &story).await.len(), 1, "the story's own");

        // The bureau reads all that it needs; who else looks, nothing that pays.
        let lines = batches(&sandbox);
        assert_eq!((&lines[0]["records"], &lines[0]["bureau"]), (&1.into(), &"sandbox".into()));
        let line = &lines[1];
        assert_eq!(line["reference"], format!("sandbox:{id}"));
        assert_eq!(line["embossedName"], "LUKASZ ZOLC");
        assert_eq!((&line["kind"], &line["chipProfile"]), (&"CARD".into(), &"SANDBOX".into()));
        assert_eq!(line["carrier"]["address"], body["deliveryAddress"]);
        let secrets = read_by_bureau(&sandbox, line);
        let pan = secrets["pan"].as_str().expect("a number");
        let block = secrets["pinBlock"].as_str().expect("a block");
        assert!(block.starts_with("0482"), "format 0, four digits, and the first two of the PIN");
        nothing_tells(&sandbox, &forms(&secrets, "8264")).await;
        for name in ["cvv", "icvv", "cvc2"] {
            assert_eq!(secrets[name].as_str().map(str::len), Some(3), "{name}");
        }

        // It is made: seen, not working.
        ship(&sandbox, &id, "PERSONALISED", "").await;
        let made = until(&sandbox, &story, &id, "PERSONALISED").await;
        let card = made["cardId"].as_i64().expect("the card is told");
        let listed = cards(&sandbox, &story).await;
        let found = listed.iter().find(|it| it["id"] == card).expect("it is listed");
        assert_eq!((&found["state"], &found["type"]), (&"INACTIVE".into(), &"PHYSICAL".into()));
        let path = format!("/secure/customers/{}/cards/{card}", story.customer);
        let full = decrypted(&expect(200, encrypted(sandbox.partner().get(&path))).await);
        assert_eq!((&full["cardNo"], &full["cvv"]), (&secrets["pan"], &secrets["cvc2"]));
        assert_eq!(full["exp"].as_str().map(|it| &it[..7]), secrets["expiry"].as_str());
        let declined = paid_with(&sandbox, card, "8264", "too-early").await;
        assert_eq!(declined["description"], "CARD_NOT_ACTIVE");

        ship(&sandbox, &id, "SHIPPED", "RR123456785PL").await;
        let shipped = until(&sandbox, &story, &id, "SHIPPED").await;
        assert_eq!(shipped["trackingNumber"], "RR123456785PL");
        // Its letter's code, or its expiry, makes it work; once is enough.
        let code = secrets["activationCode"].as_str().expect("a code");
        let told = json!({ "lastFourDigits": &pan[12..], "code": code });
        assert_eq!(activate(&sandbox, &story, card, told.clone()).await.0, 204);
        assert_eq!(activate(&sandbox, &story, card, told).await.0, 204);
        let paid = paid_with(&sandbox, card, "8264", "cash").await;
        assert_eq!(paid["description"], "APPROVED", "{paid}");
        let wrong = paid_with(&sandbox, card, "8265", "wrong").await;
        assert_eq!(wrong["description"], "INCORRECT_PIN");

        // Who activates it has it, whatever the carrier reports.
        assert_eq!(order(&sandbox, &story, &id).await["status"], "DELIVERED");
    }

    /// What can't be laid waits, and leaves once, under the name that it was given.
    async fn a_batch_that_cannot_be_laid_waits(database) {
        let sandbox = patient(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let out = sandbox.dir().join("bureau/out");
        let _ = std::fs::remove_dir_all(sandbox.dir().join("bureau"));
        std::fs::write(sandbox.dir().join("bureau"), "in the way").expect("writes");
        let id = ordered(sandbox.partner(), &story, PHYSICAL).await;
        let ran = sandbox.antaca(&["orders", "run"]).await.assert_done().json().remove(0);
        assert_eq!(ran["sent"], 0, "{ran}");
        assert_eq!(order(&sandbox, &story, &id).await["status"], "ORDERED");
        std::fs::remove_file(sandbox.dir().join("bureau")).expect("removes");
        // As on a node where the share isn't mounted.
        let ran = sandbox.antaca(&["orders", "run"]).await.assert_done().json().remove(0);
        assert_eq!(ran["sent"], 0, "{ran}");
        assert!(!sandbox.dir().join("bureau").exists(), "nothing is laid where nobody looks");
        std::fs::create_dir_all(&out).expect("makes it");
        until(&sandbox, &story, &id, "SENT_TO_BUREAU").await;
        let names: Vec<_> = std::fs::read_dir(&out).expect("is there").collect();
        assert_eq!(names.len(), 1);
        let lines = batches(&sandbox);
        let name = names[0].as_ref().expect("an entry").file_name();
        assert_eq!(lines[0]["batch"].as_str(), name.to_str());
    }

    /// Plastic is renewed by other plastic, which takes over when it is activated.
    async fn plastic_is_renewed(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let (card, first, order) = arrived(&sandbox, &story).await;
        let before = read_by_bureau(&sandbox, &sent_as(&sandbox, &order));
        let renew = |body: Value, key: &str| {
            let post = sandbox.partner().post(&card_path(&story, card, "/renew"));
            encrypted(post.header("X-Idempotency-Key", key).json(&body))
        };
        let carrier = json!({ "deliveryAddress": address(), "delivery": "COURIER" });
        let told = expect(409, renew(carrier.clone(), "inactive")).await;
        assert_eq!(told["title"], "CARD_NOT_ACTIVE");
        assert_eq!(activate(&sandbox, &story, card, on_it(&first)).await.0, 204);
        let told = expect(409, renew(carrier.clone(), "early")).await;
        assert_eq!(told["title"], "CARD_RENEWAL_TOO_EARLY");
        crate::renewals::advance_to_last_days(&sandbox, &first).await;
        assert_eq!(expect(422, renew(json!({}), "where")).await["title"], "DELIVERY_REQUIRED");
        let wrong = json!({ "delivery": "COURIER" });
        assert_eq!(expect(422, renew(wrong, "wrong")).await["title"], "VALIDATION_ERROR");

        let told = decrypted(&expect(200, renew(carrier.clone(), "one")).await);
        assert_eq!(decrypted(&expect(200, renew(carrier.clone(), "one")).await), told);
        assert_eq!((&told["exp"], &told["cvv"]), (&first["exp"], &first["cvv"]));
        let again = expect(409, renew(carrier, "two")).await;
        assert_eq!(again["title"], "PLASTIC_ALREADY_ORDERED");
        let order = told["orderId"].as_str().expect("an id").to_owned();
        until(&sandbox, &story, &order, "PERSONALISED").await;
        let line = sent_as(&sandbox, &order);
        let secrets = read_by_bureau(&sandbox, &line);
        let parts = (&line["kind"], &line["embossedName"], &secrets["pan"]);
        assert_eq!(parts, (&"RENEWAL".into(), &"LUKASZ ZOLC".into(), &first["cardNo"]));
        let pays = async |month: &Value, told: &str| {
            let id = format!("renewed-{}", unique());
            let body = json!({
                "card": { "cardId": card }, "kind": "authorization", "type": "pos", "amount": 1,
                "currency": "EUR", "transactionId": id, "expiry": month, "description": "Shop",
                "transactionDate": "2026-11-21T10:00:00+00:00",
            });
            let post = sandbox.processor().post("/processor/v1/authorizations");
            let answer = expect(200, post.header("X-Idempotency-Key", &id).json(&body)).await;
            assert_eq!(answer["description"], told, "{month}");
        };
        let (old, new) = (json!(on_it(&first)["expiry"]), secrets["expiry"].clone());
        pays(&old, "APPROVED").await;
        pays(&new, "CARD_EXPIRED").await;
        let read = |of: &Value| json!({ "magstripeCvv": of["cvv"], "icvv": of["icvv"] });
        assert_eq!(paid_by_codes(&sandbox, card, &read(&before)).await, "APPROVED");
        assert_eq!(paid_by_codes(&sandbox, card, &read(&secrets)).await, "INCORRECT_CVV");

        // What stands on the old plastic changes nothing, and what is wrong is counted.
        assert_eq!(activate(&sandbox, &story, card, on_it(&first)).await.0, 204);
        let mut wrong = on_it(&first);
        wrong["expiry"] = "2020-01".into();
        let told = activate(&sandbox, &story, card, wrong).await;
        assert_eq!(told, (422, "ACTIVATION_DATA_WRONG".into()));
        pays(&old, "APPROVED").await;
        let digits = on_it(&first)["lastFourDigits"].clone();
        let told = json!({ "lastFourDigits": digits, "code": secrets["activationCode"] });
        assert_eq!(activate(&sandbox, &story, card, told.clone()).await.0, 204);
        assert_eq!(activate(&sandbox, &story, card, told).await.0, 204);
        pays(&new, "APPROVED").await;
        pays(&old, "CARD_EXPIRED").await;
        assert_eq!(paid_by_codes(&sandbox, card, &read(&before)).await, "INCORRECT_CVV");
        assert_eq!(paid_by_codes(&sandbox, card, &read(&secrets)).await, "APPROVED");
        let full = encrypted(sandbox.partner().get(&card_path(&story, card, "")));
        let full = decrypted(&expect(200, full).await);
        assert_eq!((&full["cardNo"], &full["cvv"]), (&first["cardNo"], &secrets["cvc2"]));
        assert_eq!(full["exp"].as_str().map(|it| &it[..7]), new.as_str());
        until(&sandbox, &story, &order, "DELIVERED").await;
    }

    /// Stripe and chip have codes of their own, and each is right in its place alone.
    async fn what_a_terminal_reads_is_compared(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let (card, full, order) = arrived(&sandbox, &story).await;
        let secrets = read_by_bureau(&sandbox, &sent_as(&sandbox, &order));
        let digits = &full["cardNo"].as_str().expect("a number")[12..];
        let told = json!({ "lastFourDigits": digits, "code": secrets["activationCode"] });
        assert_eq!(activate(&sandbox, &story, card, told).await.0, 204);
        let [stripe, chip, typed] = ["cvv", "icvv", "cvc2"].map(|name| secrets[name].clone());
        assert_eq!(typed, full["cvv"]);
        let wrong = |code: &Value| {
            let digits: u32 = code.as_str().and_then(|it| it.parse().ok()).expect("three digits");
            json!(format!("{:03}", (digits + 1) % 1_000))
        };
        for (codes, told) in [
            (json!({ "magstripeCvv": stripe }), "APPROVED"),
            (json!({ "icvv": chip }), "APPROVED"),
            (json!({ "icvv": chip, "magstripeCvv": stripe, "cvv": typed }), "APPROVED"),
            (json!({ "magstripeCvv": wrong(&stripe) }), "INCORRECT_CVV"),
            (json!({ "icvv": wrong(&chip) }), "INCORRECT_CVV"),
            (json!({ "icvv": chip, "magstripeCvv": wrong(&stripe) }), "INCORRECT_CVV"),
            (json!({ "icvv": wrong(&chip), "cvv": typed }), "INCORRECT_CVV"),
        ] {
            assert_eq!(paid_by_codes(&sandbox, card, &codes).await, told, "{codes}");
        }
        // Six were wrong, which bars no typed one: nobody guesses what a terminal reads.
        let six = json!({ "magstripeCvv": wrong(&stripe) });
        for _ in 0..2 {
            assert_eq!(paid_by_codes(&sandbox, card, &six).await, "INCORRECT_CVV");
        }
        assert_eq!(paid_by_codes(&sandbox, card, &json!({ "cvv": typed })).await, "APPROVED");
        // Data of the chip on a stripe, or what is printed: a copy. (They may be alike by chance.)
        for copied in [&chip, &typed] {
            let told = if *copied == stripe { "APPROVED" } else { "INCORRECT_CVV" };
            let codes = json!({ "magstripeCvv": copied });
            assert_eq!(paid_by_codes(&sandbox, card, &codes).await, told, "{codes}");
        }
        let path = "/processor/v1/authorizations";
        for name in ["magstripeCvv", "icvv"] {
            let mut body = by_codes(card, &json!({ name: "12" }));
            let post = sandbox.processor().post(path).header("X-Idempotency-Key", name);
            let told = expect(422, post.json(&body)).await;
            assert_eq!(told["violations"][0]["field"], name, "{told}");
            body["kind"] = "force-debit".into();
            body[name] = "123".into();
            let post = sandbox.processor().post(path).header("X-Idempotency-Key", name);
            let told = expect(422, post.json(&body)).await;
            assert_eq!(told["violations"][0]["field"], name, "{told}");
        }
    }

    /// The bureau of a sandbox answers by itself.
    async fn the_sandbox_makes_cards_by_itself(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let id = ordered(sandbox.partner(), &story, PHYSICAL).await;
        let made = until(&sandbox, &story, &id, "PERSONALISED").await;
        let card = made["cardId"].as_i64().expect("the card is told");
        let listed = cards(&sandbox, &story).await;
        let found = listed.iter().find(|it| it["id"] == card).expect("it is listed");
        let expiry = &found["exp"].as_str().expect("a day")[..7];
        let told = json!({ "lastFourDigits": found["lastFourDigits"], "expiry": expiry });
        assert_eq!(activate(&sandbox, &story, card, told).await.0, 204);
    }

    /// Who guesses has five tries, and then the card is locked until its partner has looked.
    async fn nobody_activates_a_card_by_guessing(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let id = ordered(sandbox.partner(), &story, PHYSICAL).await;
        let card = until(&sandbox, &story, &id, "PERSONALISED").await["cardId"].as_i64();
        let card = card.expect("the card is told");
        let found = cards(&sandbox, &story).await;
        let found = found.iter().find(|it| it["id"] == card).expect("it is listed").clone();
        let expiry = &found["exp"].as_str().expect("a day")[..7];
        let right = json!({ "lastFourDigits": found["lastFourDigits"], "expiry": expiry });
        let mut wrong = right.clone();
        wrong["expiry"] = "2020-01".into();
        for try_ in 1..=5 {
            let told = activate(&sandbox, &story, card, wrong.clone()).await;
            assert_eq!(told, (422, "ACTIVATION_DATA_WRONG".into()), "{try_}");
        }
        let told = activate(&sandbox, &story, card, right.clone()).await;
        assert_eq!(told, (409, "CARD_LOCKED".into()));
        let path = format!("/secure/customers/{}/cards/{card}", story.customer);
        let listed = cards(&sandbox, &story).await;
        let found = listed.iter().find(|it| it["id"] == card).expect("it is listed");
        assert_eq!((&found["state"], &found["lockReason"]), (&"LOCKED".into(), &7.into()));
        expect(204, sandbox.partner().post(&format!("{path}/unlock"))).await;
        // The same key again isn't another try.
        let path = format!("{path}/activate");
        for _ in 0..6 {
            let again = sandbox.partner().post(&path).header("X-Idempotency-Key", "one");
            assert_eq!(expect(422, again.json(&wrong)).await["title"], "ACTIVATION_DATA_WRONG");
        }
        assert_eq!(activate(&sandbox, &story, card, right).await.0, 204);
        for (body, field) in [
            (json!({}), "lastFourDigits"),
            (json!({ "lastFourDigits": "123", "expiry": "2029-01" }), "lastFourDigits"),
            (json!({ "lastFourDigits": "1234" }), "expiry"),
            (json!({ "lastFourDigits": "1234", "expiry": "2029-13" }), "expiry"),
            (json!({ "lastFourDigits": "1234", "code": "12345a" }), "code"),
            (json!({ "lastFourDigits": "1234", "code": "123456", "expiry": "2029-01" }), "expiry"),
        ] {
            let told = expect(422, sandbox.partner().post(&path).json(&body)).await;
            let named = |it: &Value| it["field"] == field;
            assert!(told["violations"].as_array().expect("a list").iter().any(named), "{told}");
        }
    }

    /// Wrong digits, a wrong code and a wrong month are tries alike, and the partner is told of the
    /// lock that the fifth leaves.
    async fn every_wrong_thing_is_a_try_to_activate(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let (card, full, order) = arrived(&sandbox, &story).await;
        let code = read_by_bureau(&sandbox, &sent_as(&sandbox, &order))["activationCode"].clone();
        let digits: u32 = code.as_str().and_then(|it| it.parse().ok()).expect("six digits");
        let other = format!("{:06}", (digits + 1) % 1_000_000);
        let right = on_it(&full);
        let last = right["lastFourDigits"].as_str().expect("digits");
        let wrong = format!("{:04}", (last.parse::<u32>().expect("digits") + 1) % 10_000);
        for told in [
            json!({ "lastFourDigits": wrong, "code": code }),
            json!({ "lastFourDigits": last, "code": other }),
            json!({ "lastFourDigits": last, "expiry": "2020-01" }),
            json!({ "lastFourDigits": wrong, "expiry": right["expiry"] }),
            json!({ "lastFourDigits": last, "code": other }),
        ] {
            let answered = activate(&sandbox, &story, card, told.clone()).await;
            assert_eq!(answered, (422, "ACTIVATION_DATA_WRONG".into()), "{told}");
        }
        let told = json!({ "lastFourDigits": last, "code": code });
        assert_eq!(activate(&sandbox, &story, card, told).await, (409, "CARD_LOCKED".into()));
        let card = card.to_string();
        testkit::eventually("the partner is told", SOON, async || {
            let told = expect(200, sandbox.partner().get("/sandbox/v1/received")).await;
            let items = told["items"].as_array().expect("a list").clone();
            items.iter().any(|it| {
                let body = &it["body"];
                body["reason"] == "SUSPECTED_FRAUD" && body["dcCardId"] == card.as_str()
            })
        })
        .await;
    }

    /// Who has a name that no machine embosses gets no plastic without another one.
    async fn a_name_that_cannot_be_embossed_is_refused(database) {
        let sandbox = patient(database).await;
        let partner = sandbox.partner();
        let mut body = crate::story::registration();
        body["firstName"] = "小明".into();
        body["lastName"] = "王".into();
        let user = expect(201, crate::story::register(partner, &body)).await;
        let customer = user["id"].as_i64().expect("an id");
        let balance = crate::bad_orders::balance(partner, customer, "EUR").await;
        let create = json!({ "balanceId": balance, "configId": DIGITAL_FIRST });
        let cards_path = format!("/secure/customers/{customer}/cards");
        let made = encrypted(partner.post(&format!("{cards_path}/virtual")).json(&create));
        let full = decrypted(&expect(201, made).await);
        let card = full["id"].as_i64().expect("an id");
        let story = Story { customer, balance, card, full };
        let order = |name: Option<&str>| {
            let mut body = order_of(&story, PHYSICAL);
            body["embossedName"] = name.into();
            encrypted(partner.post(&format!("{cards_path}/physical")).json(&body))
        };
        assert_eq!(expect(422, order(None)).await["title"], "NAME_NOT_EMBOSSABLE");
        let print = json!({ "deliveryAddress": address(), "delivery": "POST" });
        let print = encrypted(partner.post(&card_path(&story, card, "/print")).json(&print));
        assert_eq!(expect(422, print).await["title"], "NAME_NOT_EMBOSSABLE");
        assert_eq!(cards(&sandbox, &story).await.len(), 1);
        assert!(batches(&sandbox).is_empty());
        let told = decrypted(&expect(202, order(Some("Wang Xiaoming"))).await);
        sent(&sandbox, &story, told["orderId"].as_str().expect("an id")).await;
        assert_eq!(batches(&sandbox)[1]["embossedName"], "WANG XIAOMING");
    }

    /// A card that can't be made is nobody's; one that comes back stays as it was.
    async fn orders_fail(database) {
        let sandbox = patient(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let [never, back] = [
            ordered(sandbox.partner(), &story, PHYSICAL).await,
            ordered(sandbox.partner(), &story, PHYSICAL).await,
        ];
        for id in [&never, &back] {
            until(&sandbox, &story, id, "SENT_TO_BUREAU").await;
        }
        ship(&sandbox, &never, "FAILED", "").await;
        let failed = until(&sandbox, &story, &never, "FAILED").await;
        let reason = "NOT_PERSONALISED";
        assert_eq!(failed, json!({ "orderId": never, "status": "FAILED", "reason": reason }));
        ship(&sandbox, &back, "SHIPPED", "RR1").await;
        let card = until(&sandbox, &story, &back, "SHIPPED").await["cardId"].clone();
        ship(&sandbox, &back, "UNDELIVERED", "").await;
        let failed = until(&sandbox, &story, &back, "FAILED").await;
        assert_eq!((&failed["reason"], &failed["cardId"]), (&"UNDELIVERED".into(), &card));
        let listed = cards(&sandbox, &story).await;
        assert_eq!(listed.len(), 2, "the story's own, and the one that was made");
        assert!(listed.iter().any(|it| it["id"] == card && it["state"] == "INACTIVE"));

        // What is told of a report that isn't right, line by line; the good ones count.
        let file = sandbox.dir().join("report.csv");
        let text = format!(
            "reference,outcome,trackingNumber\n\
             sandbox:{back},PERSONALISED,\nsandbox:{never},FAILED,\nsandbox:{never},SHIPPED,\n\
             nobody:{back},SHIPPED,\nsandbox:1,SHIPPED,\nsandbox:{back},LOST,\n\
             sandbox:{back},SHIPPED,a b\n"
        );
        std::fs::write(&file, text).expect("writes");
        let file = file.to_str().expect("a path of text");
        let told = sandbox.antaca(&["orders", "import", "--bureau", "sandbox", file]).await;
        let told = told.assert_done().json().remove(0);
        assert_eq!((&told["changed"], &told["known"]), (&0.into(), &1.into()), "{told}");
        let refused: Vec<&Value> =
            told["refused"].as_array().expect("a list").iter().map(|it| &it["line"]).collect();
        assert_eq!(refused, [2, 4, 5, 6, 7, 8], "{told}");
        let unknown = sandbox.antaca(&["orders", "import", "--bureau", "nobody", file]).await;
        unknown.assert_refused("There is no bureau of this name");
    }

    /// A virtual card's plastic is the same card, one at a time, for programs that allow it.
    async fn a_virtual_card_is_printed(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let partner = sandbox.partner();
        let create = json!({ "balanceId": story.balance, "configId": DIGITAL_FIRST });
        let path = format!("/secure/customers/{}/cards", story.customer);
        let made = encrypted(partner.post(&format!("{path}/virtual")).json(&create));
        let card = decrypted(&expect(201, made).await)["id"].as_i64().expect("an id");
        let body = order_of(&story, DIGITAL_FIRST);
        let body = json!({ "deliveryAddress": body["deliveryAddress"], "delivery": "COURIER" });
        let print = |card: i64| {
            encrypted(partner.post(&format!("{path}/{card}/print")).json(&body))
        };
        let told = decrypted(&expect(202, print(card)).await);
        let id = told["orderId"].as_str().expect("an id");
        let refused = expect(409, print(card)).await;
        assert_eq!(refused["title"], "PLASTIC_ALREADY_ORDERED");
        let refused = expect(422, print(story.card)).await;
        assert_eq!(refused["title"], "PLASTIC_NOT_SUPPORTED");
        let sent = until(&sandbox, &story, id, "PERSONALISED").await;
        assert_eq!(sent["cardId"], card);
        let lines = batches(&sandbox);
        assert_eq!(lines[1]["kind"], "PRINT");
        assert!(lines[1].get("embossedName").is_none(), "nothing is printed on it");
        let secrets = read_by_bureau(&sandbox, &lines[1]);
        assert!(secrets.get("activationCode").is_none() && secrets.get("pinBlock").is_none());
        ship(&sandbox, id, "DELIVERED", "").await;
        until(&sandbox, &story, id, "DELIVERED").await;
        expect(202, print(card)).await;
        let listed = cards(&sandbox, &story).await;
        assert_eq!(listed.iter().find(|it| it["id"] == card).expect("it")["state"], "ACTIVE");
    }

    /// Another number, the same name and limits, the old card locked for good.
    async fn plastic_that_is_lost_is_replaced(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let (card, full, _) = arrived(&sandbox, &story).await;
        let limit = json!({ "limits": [
            { "type": "general", "timeUnit": "daily", "currency": "EUR", "amountMinor": 500 },
        ] });
        let limits = card_path(&story, card, "/limits");
        expect(200, sandbox.partner().put(&limits).json(&limit)).await;
        let refused = expect(422, replace(&sandbox, &story, card, "CARD_LOST", None)).await;
        assert_eq!(refused["title"], "DELIVERY_REQUIRED");
        let half = json!({ "reason": "CARD_LOST", "delivery": "POST" });
        let half = sandbox.partner().post(&card_path(&story, card, "/replace")).json(&half);
        let told = expect(422, encrypted(half)).await;
        assert_eq!(told["violations"][0]["field"], "deliveryAddress", "{told}");
        let same = encrypted(sandbox.partner().get(&card_path(&story, card, "")));
        assert_eq!(decrypted(&expect(200, same).await), full);

        let key = format!("replace-{}", unique());
        let lost = replace(&sandbox, &story, card, "CARD_LOST", Some(address()));
        let lost = lost.header("X-Idempotency-Key", key);
        let retry = lost.try_clone().expect("no stream");
        let new = decrypted(&expect(201, lost).await);
        assert_eq!(decrypted(&expect(201, retry).await), new);
        assert_ne!(new["cardNo"], full["cardNo"]);
        let order = new["orderId"].as_str().expect("an id").to_owned();
        until(&sandbox, &story, &order, "PERSONALISED").await;
        let listed = cards(&sandbox, &story).await;
        let state = |id: &Value| {
            let found = listed.iter().find(|it| it["id"] == *id).expect("it is listed");
            (found["state"].clone(), found["lockReason"].clone())
        };
        assert_eq!(state(&full["id"]), ("LOCKED".into(), 8.into()));
        assert_eq!(state(&new["id"]), ("INACTIVE".into(), Value::Null));
        let id = new["id"].as_i64().expect("an id");
        let limits = card_path(&story, id, "/limits");
        let limits = expect(200, sandbox.partner().get(&limits)).await;
        assert_eq!(limits["limits"][0]["amountMinor"], 500, "{limits}");
        let line = sent_as(&sandbox, &order);
        assert_eq!((&line["kind"], &line["embossedName"]), (&"CARD".into(), &"LUKASZ ZOLC".into()));
    }

    /// The same card once more, when what was ordered before has come or failed.
    async fn damaged_plastic_is_made_once_more(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let (card, full, order) = arrived(&sandbox, &story).await;
        let damaged = |card: i64, to| replace(&sandbox, &story, card, "CARD_DAMAGED", to);
        for (status, title, request) in [
            (422, "DELIVERY_REQUIRED", damaged(card, None)),
            (409, "PLASTIC_ALREADY_ORDERED", damaged(card, Some(address()))),
            // There is nothing of it that could be damaged.
            (422, "PLASTIC_NOT_SUPPORTED", damaged(story.card, Some(address()))),
        ] {
            assert_eq!(expect(status, request).await["title"], title);
        }
        ship(&sandbox, &order, "DELIVERED", "").await;
        until(&sandbox, &story, &order, "DELIVERED").await;
        let again = decrypted(&expect(201, damaged(card, Some(address()))).await);
        assert_eq!((&again["id"], &again["cardNo"]), (&full["id"], &full["cardNo"]));
        let order = again["orderId"].as_str().expect("an id");
        until(&sandbox, &story, order, "PERSONALISED").await;
        let line = sent_as(&sandbox, order);
        let told = (&line["kind"], &line["embossedName"]);
        assert_eq!(told, (&"REISSUE".into(), &"LUKASZ ZOLC".into()));
        let secrets = read_by_bureau(&sandbox, &line);
        assert_eq!((&secrets["pan"], &secrets["cvc2"]), (&full["cardNo"], &full["cvv"]));
        assert!(secrets.get("activationCode").is_none(), "it goes on as it is");
    }

    /// What can't be ordered is refused, and nothing is left of it.
    async fn an_order_is_checked(database) {
        let sandbox = patient(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let path = format!("/secure/customers/{}/cards/physical", story.customer);
        let good = order_of(&story, PHYSICAL);
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        let mut street = good.clone();
        street["deliveryAddress"]["street"] = "".into();
        for (body, field) in [
            (with("delivery", "PIGEON".into()), "delivery"),
            (with("delivery", Value::Null), "delivery"),
            (with("deliveryAddress", Value::Null), "deliveryAddress"),
            (with("deliveryAddress", "home".into()), "deliveryAddress"),
            (street, "deliveryAddress.street"),
            (with("embossedName", "王小明".into()), "embossedName"),
            (with("embossedName", "Abcdefghijklm Nopqrstuvwxyz".into()), "embossedName"),
            (with("pin", "8264".into()), "pin"),
            (with("dcCorporationId", 1.into()), "dcCorporationId"),
        ] {
            let told = expect(422, encrypted(partner.post(&path).json(&body))).await;
            let named = |it: &Value| it["field"] == field;
            assert!(told["violations"].as_array().expect("a list").iter().any(named), "{told}");
        }
        for (body, title) in [
            (with("configId", VIRTUAL.into()), "PROGRAM_NOT_FOUND"),
            (with("configId", "0000000000".into()), "PROGRAM_NOT_FOUND"),
            (with("dcUserId", (story.customer + 1).into()), "CUSTOMER_MISMATCH"),
        ] {
            let told = expect(422, encrypted(partner.post(&path).json(&body))).await;
            assert_eq!(told["title"], title, "{body}");
        }
        let plain = expect(400, partner.post(&path).json(&good)).await;
        assert_eq!(plain["title"], "ENCRYPTION_REQUIRED");
        let phone = sandbox.phone("sandbox", story.customer).await;
        let with_pin = format!("{path}_with_pin");
        let wrong = "VALIDATION_ERROR";
        for (pin, title) in [("1234", "WEAK_PIN"), ("12345", wrong), ("82a4", wrong)] {
            let body = with("pin", pin.into());
            let asked = sealed(&phone.caller, partner.post(&with_pin), &body).await;
            let told = expect(422, asked).await;
            assert_eq!(told["title"], title, "{pin}");
        }
        let body = with("pin", "8264".into());
        let open = expect(400, encrypted(partner.post(&with_pin).json(&body))).await;
        assert_eq!(open["title"], "ENCRYPTION_REQUIRED", "a PIN is never sent in clear");

        // A program that nobody makes plastic for.
        let program = ["program", "create", "--partner", "sandbox", "--processor"];
        let of = ["sandbox-processor", "--config-id", "0000000077", "--card-type", "PHYSICAL"];
        let more = ["--currency", "EUR", "--bin", "53208701"];
        sandbox.antaca(&[&program[..], &of, &more].concat()).await.assert_done();
        let body = with("configId", "0000000077".into());
        let told = expect(422, encrypted(partner.post(&path).json(&body))).await;
        assert_eq!(told["title"], "PLASTIC_NOT_SUPPORTED");
        assert_eq!(cards(&sandbox, &story).await.len(), 1, "the story's own");
        assert!(batches(&sandbox).is_empty());
    }
}
