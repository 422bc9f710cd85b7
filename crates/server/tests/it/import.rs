//! Many users in one body: every line answered, and each user once, whatever happens meanwhile.

mod bad;
mod broken;
pub(crate) mod cards;

use crate::denied::signed;
use crate::story::{answer, expect, register, unique};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

const PATH: &str = "/lifecycle/v1/import";
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const HEADER: &str = "firstName,lastName,phone,email,birthDate,state,kyc,externalId,street,number,\
                      apartment,city,postCode,country";

/// A user of an import, by a number.
fn user(number: u64) -> Value {
    json!({
        "firstName": "John", "lastName": "Doe", "phone": format!("{}", 700_000_000 + number),
        "email": format!("import{number}@doe.test"), "birthDate": "2000-01-01",
        "state": "NEW", "kyc": "NONE",
    })
}

/// So many users that nobody else has.
fn users(count: usize) -> Vec<Value> {
    (0..count).map(|_| user(unique())).collect()
}

fn ndjson(users: &[Value]) -> String {
    users.iter().map(|user| format!("{user}\n")).collect()
}

/// The same as a row of CSV.
fn row(user: &Value) -> String {
    let cell = |name: &str| match name {
        "street" | "number" | "apartment" | "city" | "postCode" | "country" => {
            user["address"][name].as_str().unwrap_or_default().to_owned()
        }
        _ => user[name].as_str().unwrap_or_default().to_owned(),
    };
    let cells: Vec<String> = HEADER.split(',').map(cell).collect();
    cells.join(",")
}

fn send(
    caller: &Caller,
    code: &str,
    (media, key): (&str, &str),
    body: impl Into<reqwest::Body>,
) -> RequestBuilder {
    let post = caller.post(PATH).header("Issuer-Code", code).header("Content-Type", media);
    post.header("X-Idempotency-Key", key).body(body)
}

/// One answer a line.
async fn answers(request: RequestBuilder) -> Vec<Value> {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let is_ndjson = answer.headers()["content-type"] == NDJSON;
    let text = answer.text().await.expect("a body");
    assert_eq!((status, is_ndjson), (200, true), "{text}");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Imports as the partner `sandbox`.
async fn import(sandbox: &Sandbox, media: &str, key: &str, body: String) -> Vec<Value> {
    answers(send(sandbox.partner(), "sandbox", (media, key), body)).await
}

/// The key of an import of one user by the partner of a code.
pub(crate) async fn imported(caller: &Caller, code: &str) -> String {
    let key = format!("import-{}", unique());
    let told = answers(send(caller, code, (NDJSON, &key), ndjson(&users(1)))).await;
    assert_eq!(told[0]["status"], 201);
    key
}

/// What each line says in a word: its place, and its status or its title.
fn words(told: &[Value]) -> Vec<(i64, String)> {
    let word = |line: &Value| {
        let title = line["title"].as_str().map(str::to_owned);
        (line["line"].as_i64().expect("a place"), title.unwrap_or(line["status"].to_string()))
    };
    told.iter().map(word).collect()
}

fn expected(words: &[(i64, &str)]) -> Vec<(i64, String)> {
    words.iter().map(|(line, word)| (*line, (*word).to_owned())).collect()
}

fn progress(caller: &Caller, code: &str, key: &str) -> RequestBuilder {
    let get = caller.get(&format!("{PATH}/{key}"));
    get.header("Issuer-Code", code)
}

/// State, lines, created, refused.
async fn counts(sandbox: &Sandbox, key: &str) -> (String, i64, i64, i64) {
    let told = expect(200, progress(sandbox.partner(), "sandbox", key)).await;
    let number = |name: &str| told[name].as_i64().expect("a number");
    let state = told["state"].as_str().expect("a state").to_owned();
    (state, number("lines"), number("created"), number("refused"))
}

fn of(state: &str, lines: i64, created: i64, refused: i64) -> (String, i64, i64, i64) {
    (state.to_owned(), lines, created, refused)
}

/// The one user of an e-mail.
async fn found(sandbox: &Sandbox, user: &Value) -> Value {
    let email = user["email"].as_str().expect("a text");
    let find = sandbox.partner().get(&format!("/lifecycle/v1/users?email={email}"));
    let mut found = expect(200, find.header("Issuer-Code", "sandbox")).await;
    let items = found["items"].as_array_mut().expect("a list");
    assert!(items.len() <= 1);
    items.pop().unwrap_or_default()
}

on_both_databases! {
    /// Lines of JSON: each has its answer, each user is there, and sent again it is the same.
    async fn lines_of_json_are_users(database) {
        let sandbox = Sandbox::start(database).await;
        let mut sent = users(600);
        let address = json!({ "street": "Main Street", "number": "1", "apartment": null,
            "city": "Warsaw", "postCode": "00-001", "country": "PL" });
        sent[1]["address"] = address.clone();
        (sent[2]["state"], sent[2]["kyc"]) = ("VERIFIED".into(), "SUCCESS".into());
        let told = import(&sandbox, NDJSON, "first", ndjson(&sent)).await;
        let places: Vec<(i64, String)> = (1..=600).map(|line| (line, "201".to_owned())).collect();
        assert_eq!(words(&told), places);
        let some = sent.iter().zip(&told).enumerate().filter(|(at, _)| *at < 3 || at % 37 == 0);
        for (_, (user, told)) in some {
            let there = found(&sandbox, user).await;
            assert_eq!(there["id"], told["id"]);
            for (name, value) in user.as_object().expect("an object") {
                assert_eq!(&there[name], value, "{name}");
            }
        }
        assert_eq!(counts(&sandbox, "first").await, of("FINISHED", 600, 600, 0));
        assert_eq!(import(&sandbox, NDJSON, "first", ndjson(&sent)).await, told);
        assert_eq!(counts(&sandbox, "first").await, of("FINISHED", 600, 600, 0));

        // More of it under the same key is an import that goes on.
        sent.extend(users(2));
        let more = import(&sandbox, NDJSON, "first", ndjson(&sent)).await;
        assert_eq!((&more[..600], more[601]["status"].as_i64()), (&told[..], Some(201)));
        assert_eq!(counts(&sandbox, "first").await, of("FINISHED", 602, 602, 0));
        // They are users like any other.
        let again = register(sandbox.partner(), &sent[5]);
        assert_eq!(expect(409, again).await["title"], "USER_ALREADY_EXISTS");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Rows of CSV, with what spreadsheets add: a mark, carriage returns, quotes, empty cells.
    async fn rows_of_csv_are_users(database) {
        let sandbox = Sandbox::start(database).await;
        let mut sent = users(3);
        sent[0]["externalId"] = "x, \"1\"".into();
        sent[1]["address"] = json!({ "street": "Main Street", "number": "1", "city": "Warsaw",
            "postCode": "00-001", "country": "PL" });
        let quoted = row(&sent[0]).replace("x, \"1\"", "\"x, \"\"1\"\"\"");
        let rows = [quoted, row(&sent[1]), String::new(), row(&sent[2])].join("\r\n");
        let body = format!("\u{feff}{HEADER}\r\n{rows}");
        let told = import(&sandbox, CSV, "rows", body.clone()).await;
        assert_eq!(words(&told), expected(&[(2, "201"), (3, "201"), (5, "201")]));
        let there = found(&sandbox, &sent[0]).await;
        assert_eq!(there["externalId"], sent[0]["externalId"]);
        assert!(there["address"].is_null());
        let there = found(&sandbox, &sent[1]).await;
        assert!(there["address"]["apartment"].is_null() && there["externalId"].is_null());
        assert_eq!(there["address"]["city"], "Warsaw");
        assert_eq!(import(&sandbox, CSV, "rows", body).await, told);
        // Columns may stand in any order, and those that nobody needs be left out.
        let some = users(1).remove(0);
        let text = |name: &str| some[name].as_str().expect("a text").to_owned();
        let names = ["kyc", "state", "email", "phone", "lastName", "birthDate", "firstName"];
        let body = format!("{}\n{}\n", names.join(","), names.map(text).join(","));
        let told = import(&sandbox, CSV, "order", body).await;
        assert_eq!(words(&told), expected(&[(2, "201")]));
        assert_eq!(found(&sandbox, &some).await["id"], told[0]["id"]);
    }

    /// An import is its partner's: by its key nobody else sees it, and another may have the same.
    async fn an_import_is_its_partners(database) {
        let sandbox = Sandbox::start(database).await;
        let create = ["partner", "create", "--code", "other", "--kyc-mode", "EXTERNAL"];
        sandbox.antaca(&create).await.assert_done();
        let other = signed(&sandbox, "other", &["--partner", "other"]).await;
        let body = ndjson(&users(2));
        let ours = import(&sandbox, NDJSON, "a%2Fkey", body.clone()).await;
        assert_eq!(words(&ours), expected(&[(1, "201"), (2, "201")]));
        assert_eq!(counts(&sandbox, "a%252Fkey").await, of("FINISHED", 2, 2, 0));
        let told = expect(404, progress(&other, "other", "a%252Fkey")).await;
        assert_eq!(told["title"], "IMPORT_NOT_FOUND");
        let theirs = answers(send(&other, "other", (NDJSON, "a%2Fkey"), body)).await;
        assert_eq!(words(&theirs), words(&ours));
        assert_ne!(theirs[0]["id"], ours[0]["id"]);
        let told = expect(200, progress(&other, "other", "a%252Fkey")).await;
        assert_eq!((&told["lines"], &told["state"]), (&json!(2), &json!("FINISHED")));
        let began = told["startedAt"].as_str().expect("a moment");
        assert!(began <= told["updatedAt"].as_str().expect("a moment"));
        expect(404, progress(&other, "other", "none")).await;
    }

    /// A partner that decides KYC by forms can't set the flag line by line either; when it may, the
    /// same line is done.
    async fn a_flag_that_may_not_be_set_is_refused_until_it_may(database) {
        let sandbox = Sandbox::start(database).await;
        let create = ["partner", "create", "--code", "forms", "--kyc-mode", "MANUAL"];
        sandbox.antaca(&create).await.assert_done();
        let forms = signed(&sandbox, "forms", &["--partner", "forms"]).await;
        let mut sent = users(3);
        sent[1]["kyc"] = "SUCCESS".into();
        let send = || send(&forms, "forms", (NDJSON, "flags"), ndjson(&sent));
        let told = answers(send()).await;
        assert_eq!(words(&told), expected(&[(1, "201"), (2, "KYC_NOT_PERMITTED"), (3, "201")]));
        assert_eq!(told[1]["status"], 403);
        let set = ["partner", "set", "--code", "forms", "--kyc-mode", "EXTERNAL"];
        sandbox.antaca(&set).await.assert_done();
        let again = answers(send()).await;
        assert_eq!((&again[0], &again[2]), (&told[0], &told[2]));
        assert_eq!(again[1]["status"], 201);
    }
}

/// A caller that reads nothing until it has sent all isn't stuck, up to what the document says.
#[tokio::test]
async fn ten_thousand_lines_go_without_reading() {
    let sandbox = Sandbox::start(crate::support::Database::Sqlite).await;
    let body = ndjson(&users(10_000));
    let mut connection = broken::Half::begin(&sandbox, "unread", &[]).await;
    connection.chunk(&body).await;
    connection.last_chunk().await;
    let told = connection.rest().await;
    assert_eq!(told.matches("\"status\":201").count(), 10_000);
    assert_eq!(counts(&sandbox, "unread").await, of("FINISHED", 10_000, 10_000, 0));
    assert_eq!(answer(progress(sandbox.partner(), "sandbox", "unread")).await.0, 200);
}
