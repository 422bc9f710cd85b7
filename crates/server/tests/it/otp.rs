//! `POST /processor/v1/3ds/otp`: a one-time password reaches the partner once at most, and is kept
//! nowhere.

use crate::deliveries::{client_ca, point_to};
use crate::story::{Story, answer, expect, unique};
use crate::support::{Caller, Database, Sandbox};
use domain::Timestamp;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::time::{Duration, Instant};
use testkit::{Behaviour, Partner, contains_secret, eventually};

const PATIENCE: Duration = Duration::from_secs(60);
/// What must be nowhere.
const PASSWORD: &str = "Z7q4X9w2K8v5";
const EVENTS: [&str; 3] = ["otp", "cardLocked", "cardUnlocked"];

/// A moment so many seconds from now.
fn at(seconds: i64) -> String {
    let span = jiff::SignedDuration::from_secs(seconds);
    let at: Timestamp = testkit::now().checked_add(span).expect("a time");
    at.to_string()
}

fn body(card: &Value) -> Value {
    json!({
        "card": card,
        "amount": 1000,
        "currency": "PLN",
        "merchantName": "merchant test",
        "otp": PASSWORD,
        "validUntil": at(300),
    })
}

fn send(processor: &Caller, body: &Value, key: &str) -> RequestBuilder {
    let post = processor.post("/processor/v1/3ds/otp");
    post.header("X-Idempotency-Key", key).json(body)
}

fn by_id(story: &Story) -> Value {
    json!({ "cardId": story.card })
}

fn otps(partner: &Partner) -> usize {
    partner.received().iter().filter(|it| it.path == "/notifications/otp").count()
}

fn delivered(yes: bool) -> Value {
    json!({ "delivered": yes })
}

/// Everything in a folder and below.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

/// Nothing that the sandbox has written holds the password.
fn assert_kept_nowhere(sandbox: &Sandbox) {
    let needles = [PASSWORD.as_bytes()];
    assert_eq!(contains_secret(sandbox.output().as_bytes(), &needles), None, "the log");
    for (name, bytes) in files(&sandbox.dir()) {
        assert_eq!(contains_secret(&bytes, &needles), None, "{name}");
    }
    if let Database::Postgres(url) = sandbox.database() {
        let mut dump = Command::new(testkit::postgres_program("pg_dump"));
        let dump = dump.arg("--dbname").arg(url).output().expect("the program is there");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        assert!(contains_secret(&dump.stdout, &[b"idempotency"]).is_some());
        assert_eq!(contains_secret(&dump.stdout, &needles), None, "the database");
    }
}

on_both_databases! {
    /// The body is that of the seeds; each key is tried once; nothing is kept.
    async fn an_otp_reaches_the_partner_once_and_is_kept_nowhere(database) {
        let variables = [("ANTACA_LOG", "debug"), ("ANTACA_LOG_FORMAT", "json")];
        let mut sandbox = Sandbox::start_with(database, &variables).await;
        let status = Arc::new(AtomicU16::new(204));
        let says = status.clone();
        // What it refuses, it repeats.
        let partner = Partner::start_for(&client_ca(&sandbox), move |request, _| {
            let status = says.load(SeqCst);
            if status < 300 {
                return Behaviour::Status(status);
            }
            let body = String::from_utf8_lossy(&request.bytes);
            let body = format!(r#"{{"detail": {body}}}"#);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/problem+json\r\n");
            Behaviour::Bytes(
                format!("{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                    .into_bytes(),
            )
        })
        .await;
        point_to(&sandbox, &partner, &EVENTS).await;
        let (processor, story) = (sandbox.processor(), Story::begin(&sandbox, 0).await);
        let taken = body(&by_id(&story));
        assert_eq!(expect(200, send(processor, &taken, "taken")).await, delivered(true));
        let received = partner.received();
        assert_eq!(received.len(), 1);
        assert_eq!(
            received[0].body,
            json!({
                "storageCustomerId": story.customer.to_string(),
                "storageCardId": story.card.to_string(),
                "balanceId": story.balance,
                "amount": "1000",
                "currency": "PLN",
                "merchantName": "merchant test",
                "otp": PASSWORD,
            })
        );
        assert!(received[0].headers["webhook-signature"].starts_with("v1,"));
        // As the first time, and nothing is sent.
        assert_eq!(expect(200, send(processor, &taken, "taken")).await, delivered(true));
        let mut other = taken.clone();
        other["otp"] = json!("1111");
        let reused = expect(409, send(processor, &other, "taken")).await;
        assert_eq!(reused["title"], "IDEMPOTENCY_KEY_REUSED");

        status.store(422, SeqCst);
        for _ in 0..2 {
            assert_eq!(expect(200, send(processor, &taken, "refused")).await, delivered(false));
        }
        assert_eq!(partner.count(), 2);
        let all = expect(200, sandbox.partner().get("/secure/notifications?event=otp")).await;
        assert_eq!(all["items"], json!([]), "it is in no list");
        let (_, metrics) = sandbox.operations("/metrics").await;
        assert_eq!(contains_secret(metrics.as_bytes(), &[PASSWORD.as_bytes()]), None);
        let wrong = json!({ "card": by_id(&story), "amount": -1, "otp": "Z7q4X9w2K8v5 no" });
        let wrong = expect(422, send(processor, &wrong, "wrong")).await;
        assert_eq!(wrong["violations"].as_array().map(Vec::len), Some(5), "{wrong}");
        assert!(!wrong.to_string().contains(PASSWORD));
        sandbox.stop().await.assert_done();
        assert_kept_nowhere(&sandbox);
    }

    /// For a card that can't be paid with, too late, or to a partner that takes none, none is sent.
    async fn an_otp_that_leads_nowhere_is_not_sent(database) {
        let sandbox = Sandbox::start(database).await;
        let status = Arc::new(AtomicU16::new(204));
        let says = status.clone();
        let partner = Partner::start_for(&client_ca(&sandbox), move |request, _| {
            let otp = request.path.ends_with("/otp");
            Behaviour::Status(if otp { says.load(SeqCst) } else { 204 })
        })
        .await;
        point_to(&sandbox, &partner, &EVENTS).await;
        let (caller, processor) = (sandbox.partner(), sandbox.processor());
        let told = async |body: &Value| {
            expect(200, send(processor, body, &format!("otp-{}", unique()))).await["delivered"]
                .clone()
        };
        let story = Story::begin(&sandbox, 0).await;
        for unknown in [json!({ "cardId": 999_999 }), json!({ "pan": "4111111111111111" })] {
            assert_eq!(told(&body(&unknown)).await, false, "{unknown}");
        }
        let mut late = body(&by_id(&story));
        late["validUntil"] = json!(at(-1));
        assert_eq!(told(&late).await, false);
        let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        expect(204, caller.post(&format!("{card}/lock")).json(&json!({ "reason": 7 }))).await;
        assert_eq!(told(&body(&by_id(&story))).await, false, "it is locked");
        expect(204, caller.post(&format!("{card}/unlock"))).await;
        let user = format!("/lifecycle/v1/users/{}", story.customer);
        let user = |verb: &str| {
            caller.post(&format!("{user}/{verb}")).header("Issuer-Code", "sandbox")
        };
        expect(204, user("lock")).await;
        assert_eq!(told(&body(&by_id(&story))).await, false, "its holder is locked");
        expect(204, user("unlock")).await;
        assert_eq!(otps(&partner), 0);
        assert_eq!(told(&body(&by_id(&story))).await, true);
        assert_eq!(otps(&partner), 1);

        point_to(&sandbox, &partner, &EVENTS[1..]).await;
        assert_eq!(told(&body(&by_id(&story))).await, false, "it takes none");
        point_to(&sandbox, &partner, &EVENTS).await;
        status.store(410, SeqCst);
        assert_eq!(told(&body(&by_id(&story))).await, false, "it is gone");
        status.store(204, SeqCst);
        assert_eq!(told(&body(&by_id(&story))).await, false, "it is paused");
        assert_eq!(otps(&partner), 2);
        let resumed = expect(200, caller.post("/secure/notifications/resume")).await;
        assert_eq!(resumed, json!({ "events": ["otp"], "notifications": 0 }));
        assert_eq!(told(&body(&by_id(&story))).await, true);
        let gone = caller.delete(&format!("/lifecycle/v1/users/{}/cards/{}", story.customer,
            story.card));
        expect(204, gone.header("Issuer-Code", "sandbox")).await;
        assert_eq!(told(&body(&by_id(&story))).await, false, "it is removed");
        assert_eq!(otps(&partner), 3);
    }

    /// A partner that doesn't answer costs no more than the time budget; a server that dies
    /// meanwhile has lost the password, and doesn't send it again.
    async fn a_crash_loses_an_otp_and_never_doubles_it(database) {
        let mut sandbox = Sandbox::start(database).await;
        let partner = Partner::start_for(&client_ca(&sandbox), |request, _| {
            if request.path.ends_with("/otp") { Behaviour::Hang } else { Behaviour::Status(204) }
        })
        .await;
        point_to(&sandbox, &partner, &EVENTS).await;
        let story = Story::begin(&sandbox, 0).await;
        let body = body(&by_id(&story));
        let begun = Instant::now();
        let slow = expect(200, send(sandbox.processor(), &body, "slow")).await;
        assert_eq!(slow, delivered(false));
        // Two seconds, and what a busy machine adds.
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

        let dying = send(sandbox.processor(), &body, "dying").send();
        let killed = async {
            eventually("it is on its way", PATIENCE, async || otps(&partner) == 2).await;
            sandbox.kill();
        };
        let (dead, ()) = tokio::join!(dying, killed);
        assert!(dead.is_err(), "nobody answers any more");
        sandbox.restart().await;
        // As long as another node could be at it, it is being done.
        eventually("it is known to be lost", PATIENCE, async || {
            let (status, again) = answer(send(sandbox.processor(), &body, "dying")).await;
            assert!(status == 409 || (status, again) == (200, delivered(false)), "{status}");
            status == 200
        })
        .await;
        assert_eq!(otps(&partner), 2);
        sandbox.stop().await.assert_done();
        assert_kept_nowhere(&sandbox);
    }
}
