//! A user is removed: what ends with them, what is in the way, and what is erased in time.

use crate::corporations::Company;
use crate::story::{Story, answer, encrypted, expect, register, registration, unique};
use crate::support::{Caller, Database, Sandbox};
use crate::verifications::filled;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use store::db::{Db, Options, Sql};
use testkit::{contains_secret, eventually};

/// Every table that holds something of a person is named there.
const LIST: &str = include_str!("../../../../docs/personal-data.md");

fn lifecycle(partner: &Caller, method: Method, user: i64, rest: &str) -> RequestBuilder {
    let request = partner.request(method, &format!("/lifecycle/v1/users/{user}{rest}"));
    request.header("Issuer-Code", "sandbox")
}

fn remove(partner: &Caller, user: i64) -> RequestBuilder {
    lifecycle(partner, Method::DELETE, user, "")
}

/// Spends all of what there is, and has it cleared.
pub(crate) async fn spend(sandbox: &Sandbox, story: &Story, minor: i64, merchant: &str) {
    let (id, date) = (format!("spent-{}", unique()), "2026-11-21T10:00:00+00:00");
    let body = json!({
        "card": { "cardId": story.card }, "kind": "authorization", "type": "pos",
        "amount": minor, "currency": "EUR", "transactionId": id, "description": merchant,
        "transactionDate": date, "transactionData": { "merchantName": merchant },
    });
    let post = sandbox.processor().post("/processor/v1/authorizations");
    let told = expect(200, post.header("X-Idempotency-Key", &id).json(&body)).await;
    assert_eq!(told["description"], "APPROVED");
    let clearing =
        story.message(sandbox.processor(), "clearings", minor, &format!("{id}-c"), Some(&id));
    expect(200, clearing).await;
}

/// Money is in the way, and what is held of it.
async fn not_while_there_is_money(sandbox: &Sandbox, story: &Story) {
    let refused = async || {
        let told = expect(409, remove(sandbox.partner(), story.customer)).await;
        assert_eq!(told["title"], "BALANCE_NOT_EMPTY");
    };
    refused().await;
    expect(200, story.purchase(sandbox.processor(), 1_000, "held")).await;
    refused().await;
    let back = story.message(sandbox.processor(), "reversals", 1_000, "back", Some("held"));
    expect(200, back).await;
}

on_both_databases! {
    /// Only with nothing on their balances; then all of theirs ends, and their names are free.
    async fn a_user_is_removed_with_all_of_theirs(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let mut story = Story::begin(&sandbox, 1_000).await;
        let customer = story.customer;
        let told = expect(200, lifecycle(partner, Method::GET, customer, "")).await;
        let phone = sandbox.phone("sandbox", customer).await;
        let company = Company::begin(&sandbox, 0).await;
        let corporate = company.issue(partner, customer).await.card;

        not_while_there_is_money(&sandbox, &story).await;
        assert_eq!(expect(200, lifecycle(partner, Method::GET, customer, "")).await, told);
        expect(200, phone.caller.get("/customers/me")).await;
        spend(&sandbox, &story, 1_000, "Book store").await;

        let once = || remove(partner, customer).header("X-Idempotency-Key", "once");
        expect(204, once()).await;
        expect(204, once()).await;
        for gone in [
            remove(partner, customer),
            lifecycle(partner, Method::GET, customer, ""),
            lifecycle(partner, Method::POST, customer, "/pairing"),
            lifecycle(partner, Method::POST, customer, "/lock"),
            partner.get(&format!("/secure/customers/{customer}/balances")),
            partner.get(&format!("/secure/customers/{customer}/cards")),
        ] {
            assert_eq!(expect(404, gone).await["title"], "CUSTOMER_NOT_FOUND");
        }
        let over = expect(401, phone.caller.get("/customers/me")).await;
        assert_eq!(over["title"], "SESSION_EXPIRED");
        let body = phone.beginning(&phone.device).await;
        let refused = sandbox.anonymous().post("/customers/sessions").json(&body);
        assert_eq!(expect(401, refused).await["title"], "SESSION_REFUSED");
        for card in [story.card, corporate] {
            story.card = card;
            let id = format!("late-{}", unique());
            let told = expect(200, story.purchase(sandbox.processor(), 1, &id)).await;
            assert_ne!(told["description"], "APPROVED", "{told}");
        }
        let balance = partner.get(&format!("/secure/balances/{}", story.balance));
        assert_eq!(expect(404, balance).await["title"], "BALANCE_NOT_FOUND");
        let history = partner.get(&format!("/secure/transactions?balanceId={}", story.balance));
        assert!(!expect(200, history).await["items"].as_array().expect("a list").is_empty());

        // E-mail and phone are free, and the corporation's balance is as it was.
        let mut again = registration();
        (again["email"], again["phone"]) = (told["email"].clone(), told["phone"].clone());
        expect(201, register(partner, &again)).await;
        expect(200, partner.get(&format!("/secure/balances/{}", company.balance))).await;
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Five years later nothing of the person is left in any table or file, the ledger holds, and a
    /// user who was removed later is still known.
    async fn a_removed_user_is_erased_in_time(database) {
        let mut sandbox = Sandbox::start(database).await;
        let (number, partner) = (unique(), sandbox.partner().clone());
        let (mail, phone) = (format!("f.w{number}@erased.test"), format!("7788{number:06}"));
        let story = lived(&sandbox, (&mail, &phone)).await;
        expect(204, remove(&partner, story.customer)).await;

        let advance = async |sandbox: &Sandbox, days: u32| {
            let clock = sandbox.partner().post("/sandbox/v1/clock");
            let body = json!({ "advanceSeconds": days * 86_400 });
            expect(200, clock.json(&body)).await;
        };
        advance(&sandbox, 400).await;
        let later = expect(201, register(&partner, &registration())).await;
        let later_mail = later["email"].as_str().expect("an e-mail").to_owned();
        expect(204, remove(&partner, later["id"].as_i64().expect("an id"))).await;
        advance(&sandbox, 5 * 366 - 400).await;
        let soon = Duration::from_secs(60);
        eventually("the user is erased", soon, async || {
            sandbox.metric("antaca_janitor_rows_total", &["kind=\"user\""]).await == 1
        })
        .await;
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        sandbox.stop().await.assert_done();

        let last_four = story.full["cardNo"].as_str().expect("a number")[12..].to_owned();
        let words = WORDS.iter().copied().chain([mail.as_str(), phone.as_str(), BORN]);
        let secrets: Vec<&[u8]> = words.map(str::as_bytes).collect();
        nothing_of(&sandbox, &secrets).await;
        let tables = tables(sandbox.database(), &sandbox).await;
        let of = |name: &str| tables.iter().find(|(table, _)| table == name).expect("a table");
        assert!(of("user").1.contains(&later_mail), "who was removed later is still known");
        assert!(!of("card").1.contains(&last_four));
        for emptied in [
            "verification",
            "verification_image",
            "installation",
            "spending",
            "history_record",
        ] {
            assert_eq!(of(emptied).1, "", "{emptied}");
        }
    }
}

/// None of these words is in a table, or in a file of the database, of a sandbox that was stopped.
pub(crate) async fn nothing_of(sandbox: &Sandbox, words: &[&[u8]]) {
    for (table, text) in tables(sandbox.database(), sandbox).await {
        assert_eq!(contains_secret(text.as_bytes(), words), None, "{table}");
    }
    if matches!(sandbox.database(), Database::Sqlite) {
        for file in std::fs::read_dir(sandbox.dir()).expect("a folder") {
            let path = file.expect("a file").path();
            if path.to_string_lossy().contains("antaca.db") {
                let bytes = std::fs::read(&path).expect("it can be read");
                assert_eq!(contains_secret(&bytes, words), None, "{}", path.display());
            }
        }
    }
}

/// What only this person has: names, street, merchant, label, device, name at the partner, and in
/// the history a comment, a label and a merchant.
const WORDS: [&str; 10] = [
    "Ferdynanda",
    "Wspanialska",
    "Zapomniana",
    "Kawiarnia-Znana",
    "na-wczasy",
    "telefonik",
    "zewnetrzna-nazwa",
    "uwaga-na-boku",
    "etykieta-moja",
    "sklep-wlasny",
];
const BORN: &str = "1987-06-05";

/// A user who has done whatever leaves something personal, and whose balance is at zero.
async fn lived(sandbox: &Sandbox, (mail, phone): (&str, &str)) -> Story {
    let partner = sandbox.partner();
    let [first, last, street, shop, label, device, external, comment, tag, own] = WORDS;
    let address = json!({ "street": street, "number": "1", "city": "Lublin",
        "postCode": "20-128", "country": "PL" });
    let user = json!({
        "firstName": first, "lastName": last, "phone": phone, "email": mail, "birthDate": BORN,
        "state": "VERIFIED", "kyc": "SUCCESS", "externalId": external, "address": address,
    });
    let customer = expect(201, register(partner, &user)).await["id"].as_i64().expect("an id");
    let path = format!("/secure/customers/{customer}/verification");
    expect(201, partner.post(&path).multipart(filled().form())).await;
    let made = partner.post(&format!("/secure/customers/{customer}/balances"));
    let made = expect(201, made.json(&json!({ "currency": "EUR" }))).await;
    let balance = made["balanceId"].as_str().expect("an id").to_owned();
    let body = json!({ "balanceId": balance, "configId": "0019167984", "dcUserId": customer,
        "label": label });
    let post = partner.post("/secure/cards/virtual").json(&body);
    let full = crate::story::decrypted(&expect(201, encrypted(post)).await);
    let card = full["id"].as_i64().expect("an id");
    let story = Story { customer, balance, card, full };
    expect(201, story.top_up(partner, &json!(500), &format!("top-up-{}", unique()))).await;
    spend(sandbox, &story, 500, shop).await;
    let history = "/thc/transactions";
    let records = expect(200, partner.get(&format!("{history}?userId={customer}&limit=1"))).await;
    let path = format!("{history}/{}", records["items"][0]["id"]);
    let put = partner.request(Method::PUT, &path);
    let notes = json!({ "comment": comment, "labels": [tag] });
    expect(200, put.json(&notes)).await;
    let record = json!({
        "clientTransactionId": unique().to_string(), "type": "PURCHASE", "status": "CLEARED",
        "amountMinor": 1, "currency": "EUR", "timestamp": "2026-11-21T10:00:00Z",
        "userId": customer, "merchantName": own,
    });
    expect(201, partner.post(history).json(&record)).await;
    let code = crate::support::offered(partner, "sandbox", customer).await;
    let pairing = testkit::Device::new().pairing(&code, device);
    expect(201, sandbox.anonymous().post("/customers/devices").json(&pairing)).await;
    story
}

/// What the rows of each table hold, as text.
pub(crate) async fn tables(database: &Database, sandbox: &Sandbox) -> Vec<(String, String)> {
    let db = match database {
        Database::Sqlite => Db::sqlite(sandbox.dir().join("antaca.db"), Options::default()),
        Database::Postgres(url) => Db::postgres(url, Options::default()),
    };
    let db = db.expect("opens");
    let mut found = Vec::new();
    for line in LIST.lines().filter_map(|line| line.strip_prefix("- `")) {
        let (table, rest) = line.split_once('`').expect("a table's name");
        let rest = rest.split(" (").next().unwrap_or_default();
        let columns: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let texts = columns.iter().map(|it| match database {
            // Of a BLOB the digits.
            Database::Sqlite => {
                format!("iif(typeof(\"{it}\") = 'blob', hex(\"{it}\"), coalesce(\"{it}\", ''))")
            }
            Database::Postgres(_) => format!("coalesce(\"{it}\"::text, '')"),
        });
        let row = texts.collect::<Vec<_>>().join(" || ' ' || ");
        let text = format!("select {row} as content from \"{table}\"");
        let sql = Sql(Box::leak(text.into_boxed_str()));
        let mut tx = db.read().await.expect("begins");
        let rows = tx.rows(&sql, &[]).await.expect("reads");
        let content = |row: &store::db::Row| row.get::<String>("content").unwrap_or_default();
        let all: Vec<String> = rows.iter().map(content).collect();
        found.push((table.to_owned(), all.join("\n")));
        tx.rollback().await;
    }
    db.close().await.expect("closes");
    found
}

/// A user whom nobody knows, and one of another partner.
#[tokio::test]
async fn nobody_is_removed_twice_or_by_others() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    for unknown in ["999999", "0", "x", "-1"] {
        let path = format!("/lifecycle/v1/users/{unknown}");
        let call = sandbox.partner().delete(&path).header("Issuer-Code", "sandbox");
        let (status, told) = answer(call).await;
        assert_eq!(
            (status, &told["title"]),
            (404, &Value::from("CUSTOMER_NOT_FOUND")),
            "{unknown}"
        );
    }
}
