//! What the last commit of an earlier issue left behind is opened by the binary of today. See
//! `tests/upgrade/README.md`.

use crate::story::{answer, decrypted, encrypted, expect};
use crate::support::{Database, Ended, Running, Sandbox, antaca_with};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use store::db::{Db, Options, Sql};
use tempfile::TempDir;

/// The folder of what the last commit of an issue left.
fn fixture(issue: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrade").join(issue)
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Unpacks an archive into the folder `data` of a new folder, and its database where that isn't a
/// file.
fn unpack(issue: &str, prefix: &str, database: &Database) -> TempDir {
    let around = testkit::folder();
    let data = around.path().join("data");
    std::fs::DirBuilder::new().mode(0o700).create(&data).expect("a folder");
    let kind = match database {
        Database::Sqlite => "sqlite",
        Database::Postgres(_) => "postgres",
    };
    let archive = fixture(issue).join(format!("{prefix}{kind}.tar.gz"));
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&data));
    if let Database::Postgres(url) = database {
        let dump = data.join("database.sql");
        let psql = testkit::postgres_program("psql");
        let quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"];
        run(Command::new(psql).args(quiet).arg("--dbname").arg(url).arg("--file").arg(&dump));
        std::fs::remove_file(dump).expect("it is there");
    }
    around
}

fn facts(issue: &str, database: &Database) -> Value {
    let name = match database {
        Database::Sqlite => "sqlite.json",
        Database::Postgres(_) => "postgres.json",
    };
    let text = std::fs::read_to_string(fixture(issue).join(name)).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().expect("a list")
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().expect("a text")
}

/// Whether all that was answered then is answered now; a later release may answer more.
fn still_says(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => then
            .iter()
            // Names the request, not its answer.
            .filter(|(name, _)| *name != "requestId")
            .all(|(name, then)| now.get(name).is_some_and(|now| still_says(now, then))),
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| still_says(now, then))
        }
        (now, then) => now == then,
    }
}

fn get(sandbox: &Sandbox, path: &str) -> RequestBuilder {
    let call = sandbox.partner().get(path);
    if path.starts_with("/lifecycle/") { call.header("Issuer-Code", "sandbox") } else { call }
}

/// What the partner could read then.
async fn check_seen(sandbox: &Sandbox, facts: &Value) {
    for seen in list(facts, "seen") {
        let path = text(seen, "path");
        let now = expect(200, get(sandbox, path)).await;
        assert!(still_says(&now, &seen["answer"]), "{path}: {now} instead of {}", seen["answer"]);
    }
}

/// Every command again, under its old key.
async fn check_asked(sandbox: &Sandbox, facts: &Value) {
    for asked in list(facts, "asked") {
        let (path, key) = (text(asked, "path"), text(asked, "key"));
        let method = Method::from_bytes(text(asked, "method").as_bytes()).expect("a method");
        let caller = match text(asked, "caller") {
            "partner" => sandbox.partner(),
            _ => sandbox.processor(),
        };
        let mut call = caller.request(method, path).header("X-Idempotency-Key", key);
        if path.starts_with("/lifecycle/") {
            call = call.header("Issuer-Code", "sandbox");
        }
        let (status, now) = answer(call.json(&asked["body"])).await;
        assert_eq!(asked["status"], status, "{path} {key}: {now}");
        assert!(still_says(&now, &asked["answer"]), "{path} {key}: {now}");
    }
}

/// A card's number and code are what they were: an authorization by them is approved.
async fn check_card(sandbox: &Sandbox, card: &Value) -> Value {
    let again = sandbox.partner().post(text(card, "path")).json(&card["body"]);
    let again = again.header("X-Idempotency-Key", text(card, "key"));
    let again = decrypted(&expect(201, encrypted(again)).await);
    let path = format!("/secure/customers/{}/cards/{}", card["customer"], card["card"]);
    let full = decrypted(&expect(200, encrypted(sandbox.partner().get(&path))).await);
    for told in [&again, &full] {
        assert_eq!(told["id"], card["card"]);
        assert!(text(told, "cardNo").ends_with(text(card, "lastFour")), "card {}", card["card"]);
        assert_eq!(told["exp"], card["expiry"]);
        assert_eq!(told["cvv"], full["cvv"]);
    }
    full
}

fn message(card: Value, amount: i64, id: &str, moment: &str) -> Value {
    json!({
        "card": card, "amount": amount, "currency": "EUR", "transactionId": id,
        "transactionDate": moment, "description": "Book store",
    })
}

fn authorization(mut body: Value) -> Value {
    body["kind"] = "authorization".into();
    body["type"] = "pos".into();
    body
}

async fn process(sandbox: &Sandbox, what: &str, body: &Value) -> Value {
    let call = sandbox.processor().post(&format!("/processor/v1/{what}"));
    let call = call.header("X-Idempotency-Key", text(body, "transactionId"));
    expect(200, call.json(body)).await
}

/// Cards pay, holds are cleared, what waits is found.
async fn check_money(sandbox: &Sandbox, facts: &Value) {
    let moment = text(facts, "moment");
    let [paying, polish, locked] = list(facts, "cards") else { panic!("three cards") };
    let full = check_card(sandbox, paying).await;
    check_card(sandbox, polish).await;
    check_card(sandbox, locked).await;

    let mut by_number =
        authorization(message(json!({ "pan": full["cardNo"] }), 100, "new-1", moment));
    by_number["cvv"] = full["cvv"].clone();
    by_number["expiry"] = text(&full, "exp")[..7].into();
    assert_eq!(process(sandbox, "authorizations", &by_number).await["approved"], true);
    let of = json!({ "cardId": paying["card"] });
    let early = authorization(message(of.clone(), 600, text(facts, "early"), moment));
    assert_eq!(process(sandbox, "authorizations", &early).await["approved"], false);
    let of_locked = json!({ "cardId": locked["card"] });
    let refused = authorization(message(of_locked, 100, "new-2", moment));
    let refused = process(sandbox, "authorizations", &refused).await;
    assert_eq!(refused["description"], "CARD_LOCKED");

    let path = format!("/secure/balances/{}", text(paying, "balance"));
    let before = expect(200, sandbox.partner().get(&path)).await;
    let mut clearing = message(of, 1_000, "new-3", moment);
    clearing["referenceTransactionId"] = "open".into();
    clearing["referenceTransactionDate"] = moment.into();
    assert_eq!(process(sandbox, "clearings", &clearing).await["accepted"], true);
    let after = expect(200, sandbox.partner().get(&path)).await;
    assert_eq!(after["amount"], before["amount"], "what was held is what moved");
    let held = |of: &Value| of["blockedAmount"].as_i64().expect("an amount");
    assert_eq!(held(&after), held(&before) - 1_000);
}

/// Balances, cards, holds, keys and certificates of then are those of now.
async fn goes_on(issue: &str, database: Database) {
    let facts = facts(issue, &database);
    let around = unpack(issue, "", &database);
    let begin = [("ANTACA_CLOCK", text(&facts, "madeAt"))];
    let mut sandbox = Sandbox::open(around, database, &begin).await;
    sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    check_seen(&sandbox, &facts).await;
    check_asked(&sandbox, &facts).await;
    check_seen(&sandbox, &facts).await;
    check_money(&sandbox, &facts).await;
    sandbox.antaca(&["ledger", "verify"]).await.assert_done();

    // As when they had come to their end: the sandbox makes new ones.
    sandbox.stop().await.assert_done();
    for name in ["server.pem", "sandbox.pem", "processor.pem"] {
        std::fs::remove_file(sandbox.dir().join(name)).expect("it is there");
    }
    sandbox.restart().await;
    check_asked(&sandbox, &facts).await;
}

on_both_databases! {
    async fn a_sandbox_of_issue_2_goes_on(database) {
        goes_on("issue-2", database).await;
    }
}

on_both_databases! {
    async fn a_sandbox_of_issue_3_goes_on(database) {
        goes_on("issue-3", database).await;
    }
}

on_both_databases! {
    async fn a_sandbox_of_issue_4_goes_on(database) {
        goes_on("issue-4", database).await;
    }
}

fn variables(around: &Path, database: &Database) -> Vec<(String, String)> {
    let path = |name: &str| around.join(name).to_str().expect("text").to_owned();
    let mut variables = vec![
        ("ANTACA_DATA", path("data")),
        ("ANTACA_KEYS_PASSPHRASE_FILE", path("data/passphrase")),
        ("ANTACA_LISTEN", "127.0.0.1:0".to_owned()),
        ("ANTACA_OPERATIONS", "127.0.0.1:0".to_owned()),
    ];
    if let Database::Postgres(url) = database {
        variables.push(("ANTACA_DATABASE_URL", url.clone()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn antaca(arguments: &[&str], variables: &[(String, String)]) -> Ended {
    let borrowed: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    antaca_with(arguments, &borrowed).await
}

async fn serve(variables: &[(String, String)]) {
    let mut running = Running::spawn(&["serve"], variables);
    testkit::eventually("it serves", Duration::from_secs(60), async || {
        assert!(!running.is_over(), "{}", String::from_utf8_lossy(&running.output()));
        running.output_contains("\"Serving\"")
    })
    .await;
    let listed = antaca(&["partner", "list"], variables).await.assert_done().json();
    assert_eq!(listed[0]["issuerCode"], "acme");
    running.terminate();
    assert_eq!(running.ended().await.code, Some(0));
}

/// Writes a migration of a release that is yet to come.
async fn from_the_future(around: &Path, database: &Database) {
    let options = Options::default();
    let db = match database {
        Database::Sqlite => Db::sqlite(around.join("data/antaca.db"), options),
        Database::Postgres(url) => Db::postgres(url, options),
    };
    let db = db.expect("opens");
    let mut tx = db.begin().await.expect("begins");
    let text = "insert into migration (number, name) values (9999, 'from the future')";
    tx.run(&Sql(text), &[]).await.expect("inserts");
    tx.commit().await.expect("commits");
    db.close().await.expect("closes");
}

on_both_databases! {
    /// Nothing is migrated behind an operator's back, and nothing newer is touched.
    async fn a_production_instance_is_migrated_by_its_operator_alone(database) {
        let around = unpack("issue-2", "production-", &database);
        let variables = variables(around.path(), &database);
        for arguments in [&["serve"][..], &["partner", "list"]] {
            let refused = antaca(arguments, &variables).await;
            refused.assert_refused("isn't migrated to this release: run `antaca migrate` first");
        }
        antaca(&["migrate"], &variables).await.assert_done();
        serve(&variables).await;
        antaca(&["ledger", "verify"], &variables).await.assert_done();

        from_the_future(around.path(), &database).await;
        for arguments in [&["serve"][..], &["migrate"], &["partner", "list"]] {
            let refused = antaca(arguments, &variables).await;
            refused.assert_refused("made by a newer release of antaca (it has migration 9999)");
        }
    }
}
