//! What tells who somebody is, and one-time passwords, encrypted for the partner's own key.

use crate::deliveries::client_ca;
use crate::story::{Story, expect, unique};
use crate::support::{Caller, Sandbox};
use crate::verifications::filled;
use crypto::jwe::PrivateKey;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use testkit::{Behaviour, Partner, Received, eventually};

const PATIENCE: Duration = Duration::from_secs(90);
static KEYS: LazyLock<[PrivateKey; 2]> =
    LazyLock::new(|| [PrivateKey::generate(), PrivateKey::generate()]);

/// Which of the keys a partner shows; none if it shows none.
type Shows = Arc<Mutex<Option<usize>>>;

fn payload(body: &Value, key: &PrivateKey) -> Option<Value> {
    let object = body.as_object().filter(|object| object.len() == 1)?;
    let opened = key.decrypt(object.get("payload")?.as_str()?).ok()?;
    serde_json::from_slice(&opened).ok()
}

/// A partner that takes what it can decrypt, and what was never encrypted.
async fn partner_that(sandbox: &Sandbox, shows: &Shows) -> Partner {
    let shows = shows.clone();
    Partner::start_for(&client_ca(sandbox), move |request, _| {
        let shown = shows.lock().expect("whole").map(|number| &KEYS[number]);
        if request.path == "/public-key" {
            let Some(key) = shown else { return Behaviour::Status(404) };
            let body = json!({ "publicKey": key.public_header() }).to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            return Behaviour::Bytes(
                format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes(),
            );
        }
        let clear = request.path.ends_with("/cardLocked");
        let opened = shown.and_then(|key| payload(&request.body, key));
        Behaviour::Status(if clear || opened.is_some() { 204 } else { 400 })
    })
    .await
}

async fn set(sandbox: &Sandbox, body: &Value) {
    let put = sandbox.partner().request(Method::PUT, "/sandbox/v1/settings");
    expect(204, put.json(body)).await;
}

fn at(partner: &Partner, path: &str) -> Vec<Received> {
    partner.received().into_iter().filter(|it| it.path == path).collect()
}

async fn submit(caller: &Caller, story: &Story) {
    let path = format!("/secure/customers/{}/verification", story.customer);
    expect(201, caller.post(&path).multipart(filled().form())).await;
}

/// Whether a one-time password was taken.
async fn otp(sandbox: &Sandbox, story: &Story) -> Value {
    let until = testkit::now().checked_add(jiff::SignedDuration::from_mins(5)).expect("a time");
    let body = json!({
        "card": { "cardId": story.card },
        "amount": 1000,
        "currency": "PLN",
        "merchantName": "merchant test",
        "otp": "1111",
        "validUntil": until.to_string(),
    });
    let post = sandbox.processor().post("/processor/v1/3ds/otp").json(&body);
    let key = format!("otp-{}", unique());
    expect(200, post.header("X-Idempotency-Key", key)).await["delivered"].clone()
}

async fn example(caller: &Caller, event: &str) -> Value {
    let post = caller.post("/secure/notifications/example");
    expect(200, post.json(&json!({ "event": event }))).await
}

const IN_PROGRESS: &str = "/notifications/verificationInProgress";
const EVENTS: [&str; 3] = ["otp", "verificationInProgress", "cardLocked"];

on_both_databases! {
    /// Encrypted for the key that the partner shows, asked for once, and anew after a rotation.
    async fn what_is_sensitive_is_encrypted_for_the_partners_key(database) {
        let sandbox = Sandbox::start(database).await;
        let shows: Shows = Arc::new(Mutex::new(Some(0)));
        let partner = partner_that(&sandbox, &shows).await;
        let (caller, story) = (sandbox.partner(), Story::begin(&sandbox, 0).await);
        set(&sandbox, &json!({
            "baseUrl": partner.base_url(),
            "trustedCa": partner.authority(),
            "notifications": EVENTS,
            "encryptNotifications": true,
            "kycMode": "MANUAL",
        }))
        .await;
        submit(caller, &story).await;
        eventually("it is told", PATIENCE, async || at(&partner, IN_PROGRESS).len() == 1).await;
        let told = at(&partner, IN_PROGRESS).remove(0);
        let opened = payload(&told.body, &KEYS[0]).expect("a payload for the key");
        assert_eq!(opened["userId"], story.customer.to_string());
        assert_eq!(opened["status"], "IN_PROGRESS");
        assert!(opened["email"].as_str().is_some_and(|email| email.contains('@')));
        assert_eq!(otp(&sandbox, &story).await, true);
        let password = at(&partner, "/notifications/otp").remove(0);
        assert_eq!(payload(&password.body, &KEYS[0]).expect("a payload")["otp"], "1111");
        let lock = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
        expect(204, caller.post(&lock).json(&json!({ "reason": 7 }))).await;
        let locked = "/notifications/cardLocked";
        eventually("it is told", PATIENCE, async || at(&partner, locked).len() == 1).await;
        assert_eq!(at(&partner, locked)[0].body["dcCardId"], story.card.to_string());
        let asked = at(&partner, "/public-key");
        assert_eq!(asked.len(), 1, "it is kept");
        assert_eq!(asked[0].method, "GET");
        assert!(asked[0].headers["webhook-signature"].starts_with("v1,"));

        // What is being sent is left alone. A try has the old key, the next the new one.
        let one = format!("/secure/notifications/{}", told.key());
        let kept = async || expect(200, caller.get(&one)).await["status"].clone();
        eventually("it is taken", PATIENCE, async || kept().await == "DELIVERED").await;
        *shows.lock().expect("whole") = Some(1);
        expect(204, caller.post(&format!("{one}/resend"))).await;
        let opens = |it: &Received, key: usize| payload(&it.body, &KEYS[key]);
        let anew = || at(&partner, IN_PROGRESS).iter().find_map(|it| opens(it, 1));
        eventually("it is told for the new key", PATIENCE, async || anew().is_some()).await;
        assert_eq!(anew(), Some(opened.clone()));
        let tries = at(&partner, IN_PROGRESS);
        let before = tries.iter().take_while(|it| opens(it, 0).as_ref() == Some(&opened));
        assert_eq!(before.count(), tries.len() - 1, "one took it");
        assert!(tries.iter().all(|it| it.key() == told.key()));
        assert!(at(&partner, "/public-key").len() > 1);
    }

    /// Without a key nothing is sent in clear; what waits is sent when there is one.
    async fn without_a_key_nothing_sensitive_is_sent(database) {
        let sandbox = Sandbox::start(database).await;
        let shows: Shows = Arc::default();
        let partner = partner_that(&sandbox, &shows).await;
        let (caller, story) = (sandbox.partner(), Story::begin(&sandbox, 0).await);
        set(&sandbox, &json!({
            "baseUrl": partner.base_url(),
            "trustedCa": partner.authority(),
            "notifications": EVENTS,
            "encryptNotifications": true,
            "kycMode": "MANUAL",
        }))
        .await;
        assert_eq!(example(caller, "cardLocked").await["delivered"], true);
        let tried = example(caller, "verificationAccepted").await;
        assert_eq!(tried["delivered"], false);
        assert_eq!(tried["attempt"]["error"], "NO_PUBLIC_KEY");
        assert_eq!(otp(&sandbox, &story).await, false);
        submit(caller, &story).await;
        let mine = "/secure/notifications?event=verificationInProgress&limit=1";
        let newest = async || expect(200, caller.get(mine)).await["items"][0].clone();
        eventually("it is tried", PATIENCE, async || newest().await["attemptCount"] == 1).await;
        let one = newest().await["notificationId"].as_str().expect("an id").to_owned();
        let one = expect(200, caller.get(&format!("/secure/notifications/{one}"))).await;
        assert_eq!(one["attempts"][0]["error"], "NO_PUBLIC_KEY");
        let sent =
            |path: &str| path.starts_with("/notifications/") && !path.ends_with("cardLocked");
        assert!(!partner.received().iter().any(|it| sent(&it.path)), "nothing was sent");
        *shows.lock().expect("whole") = Some(1);
        eventually("it is told", PATIENCE, async || newest().await["status"] == "DELIVERED").await;
        let told = at(&partner, IN_PROGRESS);
        let id = one["notificationId"].as_str().expect("an id");
        assert_eq!((told.len(), told[0].key()), (1, id));
        assert!(payload(&told[0].body, &KEYS[1]).is_some());
        assert_eq!(otp(&sandbox, &story).await, true);
    }
}
