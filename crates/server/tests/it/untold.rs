//! Numbers, PINs and codes are told nobody but who asks for them, encrypted: not in a file, not in
//! a backup, not in the database, not in a log.

use crate::customers::{paid_with, sealed};
use crate::plastic::{
    DIGITAL_FIRST, PHYSICAL, activate, arrived_by, card_path, files, order_of, quick_with,
    read_by_bureau, sent_as, until,
};
use crate::story::{Story, decrypted, encrypted, expect, unique};
use crate::support::{Database, Sandbox};
use serde_json::{Value, json};
use std::process::Command;
use testkit::{contains_secret, forms_of_bytes, forms_of_number};

const PIN: &str = "8264";
/// What of a card has few digits.
const CODES: [&str; 4] = ["cvv", "icvv", "cvc2", "activationCode"];

/// How number, PIN and codes of a card might be written: the number and the PIN's block by
/// themselves, what has three or four digits under its name alone, since chance writes such
/// digits everywhere.
pub(crate) fn forms(card: &Value, pin: &str) -> Vec<Vec<u8>> {
    let number = ["pan", "cardNo"].iter().find_map(|name| card[*name].as_str());
    let mut forms = number.map(forms_of_number).unwrap_or_default();
    if let Some(block) = card["pinBlock"].as_str() {
        forms.extend(forms_of_bytes(&unhex(block)));
    }
    let codes = CODES.map(|name| (name, card[name].as_str()));
    for (name, code) in codes.into_iter().chain([("pin", Some(pin))]) {
        let Some(code) = code else { continue };
        for (quote, space) in [("\"", ""), ("\"", " "), ("\\\"", ""), ("\\\"", " ")] {
            let written = format!("{quote}{name}{quote}:{space}{quote}{code}{quote}");
            forms.push(written.into_bytes());
        }
        forms.push(format!("{name}={code}").into_bytes());
        let after = number.map(|number| format!("{number}{code}"));
        forms.extend(after.map(String::into_bytes));
    }
    forms
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).expect("a text"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// No file of the sandbox has these, no copy of its database or its keys, and no dump of the
/// database.
pub(crate) async fn nothing_tells(sandbox: &Sandbox, forms: &[Vec<u8>]) {
    let secrets: Vec<&[u8]> = forms.iter().map(Vec::as_slice).collect();
    let copies = testkit::folder();
    let is_on_postgres = matches!(sandbox.database(), Database::Postgres(_));
    for (more, name) in [(&[][..], "backup"), (&["--keys"], "backup-of-keys")] {
        let out = copies.path().join(name);
        let all = [&["backup", "--out", out.to_str().expect("text")][..], more].concat();
        let made = sandbox.antaca(&all).await;
        assert!(made.code == Some(0) || is_on_postgres, "{made:?}");
    }
    if let Database::Postgres(url) = sandbox.database() {
        let mut dump = Command::new(testkit::postgres_program("pg_dump"));
        let dump = dump.arg("--dbname").arg(url).output().expect("the program is there");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        assert!(contains_secret(&dump.stdout, &[b"card_order"]).is_some(), "it is whole");
        std::fs::write(copies.path().join("dump.sql"), dump.stdout).expect("writes");
    }
    for file in files(&sandbox.dir()).into_iter().chain(files(copies.path())) {
        let bytes = std::fs::read(&file).expect("a file");
        let told = contains_secret(&bytes, &secrets);
        assert_eq!(told, None, "{} tells number, PIN or code", file.display());
    }
    let log = sandbox.output();
    assert_eq!(contains_secret(log.as_bytes(), &secrets), None, "the log");
}

/// Every text of a line of the log, at whatever depth.
fn texts(line: &Value, found: &mut Vec<String>) {
    match line {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|it| texts(it, found)),
        Value::Object(all) => all.values().for_each(|it| texts(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Each of a card's calls that has a secret in it, right and wrong: the card as its bureau reads
/// it, and what else was shown of cards.
async fn traffic(sandbox: &Sandbox, story: &Story) -> Vec<Value> {
    let phone = sandbox.phone("sandbox", story.customer).await;
    let mut body = order_of(story, PHYSICAL);
    body["pin"] = PIN.into();
    let path = format!("/secure/customers/{}/cards/physical_with_pin", story.customer);
    let (card, full, order) = arrived_by(
        sandbox,
        story,
        sealed(&phone.caller, sandbox.partner().post(&path), &body).await,
    )
    .await;
    let secrets = read_by_bureau(sandbox, &sent_as(sandbox, &order));
    let digits = &full["cardNo"].as_str().expect("a number")[12..];
    for (code, status) in [(json!("000000"), 422), (secrets["activationCode"].clone(), 204)] {
        let told = json!({ "lastFourDigits": digits, "code": code });
        assert_eq!(activate(sandbox, story, card, told).await.0, status);
    }
    for (pin, told) in [(PIN, "APPROVED"), ("8265", "INCORRECT_PIN")] {
        let id = format!("cash-{}", unique());
        assert_eq!(paid_with(sandbox, card, pin, &id).await["description"], told);
    }
    let id = format!("typed-{}", unique());
    let typed = json!({
        "card": { "pan": full["cardNo"] }, "kind": "authorization", "type": "pos", "amount": 1,
        "currency": "EUR", "transactionId": id, "cvv": full["cvv"], "description": "Book store",
        "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    let post = sandbox.processor().post("/processor/v1/authorizations");
    let told = expect(200, post.header("X-Idempotency-Key", &id).json(&typed)).await;
    assert_eq!(told["description"], "APPROVED", "{told}");

    let own = format!("/customers/me/cards/{}", story.card);
    for (pin, status) in [("1234", 422), (PIN, 200)] {
        let post = phone.caller.post(&format!("{own}/pin"));
        expect(status, sealed(&phone.caller, post, &json!({ "pin": pin })).await).await;
    }
    let reset = encrypted(phone.caller.post(&format!("{own}/cvv")));
    let mut reset = decrypted(&expect(200, reset).await);
    reset["cardNo"] = story.full["cardNo"].clone();
    let lost = json!({ "reason": "CARD_LOST" });
    let replaced = sandbox.partner().post(&card_path(story, story.card, "/replace")).json(&lost);
    let replaced = decrypted(&expect(201, encrypted(replaced)).await);
    vec![secrets, full, reset, replaced, story.full.clone(), printed(sandbox, story).await]
}

/// A virtual card whose plastic was ordered, as the bureau reads it.
async fn printed(sandbox: &Sandbox, story: &Story) -> Value {
    let create = json!({ "balanceId": story.balance, "configId": DIGITAL_FIRST });
    let path = format!("/secure/customers/{}/cards/virtual", story.customer);
    let made = encrypted(sandbox.partner().post(&path).json(&create));
    let card = decrypted(&expect(201, made).await)["id"].as_i64().expect("an id");
    let mut body = order_of(story, DIGITAL_FIRST);
    let body = json!({ "deliveryAddress": body["deliveryAddress"].take(), "delivery": "POST" });
    let print = sandbox.partner().post(&card_path(story, card, "/print")).json(&body);
    let order = decrypted(&expect(202, encrypted(print)).await)["orderId"].clone();
    let order = order.as_str().expect("an id");
    until(sandbox, story, order, "PERSONALISED").await;
    read_by_bureau(sandbox, &sent_as(sandbox, order))
}

on_both_databases! {
    /// All that is done with cards, under the log that tells the most.
    async fn nothing_that_is_written_tells_number_pin_or_code(database) {
        let variables = [("ANTACA_LOG", "debug"), ("ANTACA_LOG_FORMAT", "json")];
        let mut sandbox = quick_with(database, &variables).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let shown = traffic(&sandbox, &story).await;
        let all: Vec<Vec<u8>> = shown.iter().flat_map(|card| forms(card, PIN)).collect();
        assert!(all.len() > 100, "{} forms", all.len());
        nothing_tells(&sandbox, &all).await;

        // Nor is a text of the log such digits and nothing else.
        let codes = shown.iter().flat_map(|card| CODES.map(|name| &card[name]));
        let codes: Vec<&str> = codes.filter_map(Value::as_str).chain([PIN]).collect();
        let ended = sandbox.stop().await;
        let mut lines = 0;
        for line in ended.stderr.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            let mut told = Vec::new();
            texts(&line, &mut told);
            assert!(!told.iter().any(|it| codes.contains(&it.as_str())), "{line}");
            lines += 1;
        }
        assert!(lines > 50, "{lines}");
    }
}
