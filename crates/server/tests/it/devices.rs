//! Devices of users and their sessions: paired by a code, begun by a signature, ended.

use crate::story::{answer, expect, register, registration};
use crate::support::{Caller, Database, Phone, Sandbox, offered};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Device, TrustedIdentity, contains_secret};

const ME: &str = "/customers/me";
const PAIR: &str = "/customers/devices";
const SESSIONS: &str = "/customers/sessions";

async fn user(sandbox: &Sandbox) -> i64 {
    let user = expect(201, register(sandbox.partner(), &registration())).await;
    user["id"].as_i64().expect("an id")
}

async fn advance(sandbox: &Sandbox, seconds: u32) {
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    expect(200, clock.json(&json!({ "advanceSeconds": seconds }))).await;
}

/// Who refuses, in a word.
async fn refused(caller: &Caller, path: &str, body: &Value) -> Value {
    expect(401, caller.post(path).json(body)).await["title"].clone()
}

/// A call about a user on the partner's lifecycle channel.
async fn lifecycle(sandbox: &Sandbox, method: Method, user: i64, rest: &str) -> (u16, Value) {
    let path = format!("/lifecycle/v1/users/{user}{rest}");
    answer(sandbox.partner().request(method, &path).header("Issuer-Code", "sandbox")).await
}

/// A session that the phone has begun: what calls with it.
async fn begun(sandbox: &Sandbox, phone: &Phone) -> Caller {
    let body = phone.beginning(&phone.device).await;
    let told = expect(201, sandbox.anonymous().post(SESSIONS).json(&body)).await;
    sandbox.anonymous().with_bearer(told["sessionToken"].as_str().expect("a token"))
}

on_both_databases! {
    /// A paired device acts, begins further sessions by its signature alone, and ends.
    async fn a_device_is_paired_and_ended(database) {
        let sandbox = Sandbox::start(database).await;
        let customer = user(&sandbox).await;
        let phone = sandbox.phone("sandbox", customer).await;
        let other = sandbox.phone("sandbox", customer).await;
        assert_eq!(expect(200, phone.caller.get(ME)).await["id"], customer);

        let second = begun(&sandbox, &phone).await;
        assert_eq!(expect(200, second.get(ME)).await["id"], customer);
        let devices = expect(200, second.get("/customers/me/devices")).await;
        let devices = devices["items"].as_array().expect("a list").clone();
        let current: Vec<(&Value, &Value)> =
            devices.iter().map(|it| (&it["installationId"], &it["current"])).collect();
        assert_eq!(current.len(), 2);
        assert!(current.contains(&(&json!(phone.installation), &json!(true))));
        assert!(current.contains(&(&json!(other.installation), &json!(false))));
        assert!(devices.iter().all(|it| it["platform"] == "ANDROID"));

        expect(204, second.delete("/customers/sessions/current")).await;
        assert_eq!(expect(401, second.get(ME)).await["title"], "SESSION_EXPIRED");
        expect(200, phone.caller.get(ME)).await;

        let end = |id: &str| format!("/customers/me/devices/{id}");
        expect(204, phone.caller.delete(&end(&other.installation))).await;
        assert_eq!(expect(401, other.caller.get(ME)).await["title"], "SESSION_EXPIRED");
        let body = other.beginning(&other.device).await;
        assert_eq!(refused(sandbox.anonymous(), SESSIONS, &body).await, "SESSION_REFUSED");
        let gone = expect(404, phone.caller.delete(&end(&other.installation))).await;
        assert_eq!(gone["title"], "DEVICE_NOT_FOUND");

        let (status, listed) = lifecycle(&sandbox, Method::GET, customer, "/devices").await;
        assert_eq!((status, listed["items"].as_array().map(Vec::len)), (200, Some(1)));
        assert_eq!(listed["items"][0]["current"], false);
        let rest = format!("/devices/{}", phone.installation);
        let (status, _) = lifecycle(&sandbox, Method::DELETE, customer, &rest).await;
        assert_eq!(status, 204);
        assert_eq!(expect(401, phone.caller.get(ME)).await["title"], "SESSION_EXPIRED");
    }

    /// A code opens once, for ten minutes, before five wrong tries, and until the next is made.
    async fn a_code_opens_once(database) {
        let sandbox = Sandbox::start(database).await;
        let (customer, app) = (user(&sandbox).await, sandbox.anonymous());
        let offer = async || offered(sandbox.partner(), "sandbox", customer).await;
        let pairing = |code: &str| Device::new().pairing(code, "phone");
        let tried = async |code: &str| refused(app, PAIR, &pairing(code)).await;
        let wrong = |code: &str| {
            let last = if code.ends_with('0') { '1' } else { '0' };
            format!("{}{last}", &code[..code.len() - 1])
        };

        let code = offer().await;
        for _ in 0..4 {
            assert_eq!(tried(&wrong(&code)).await, "PAIRING_REFUSED");
        }
        expect(201, app.post(PAIR).json(&pairing(&code.to_lowercase()))).await;
        assert_eq!(tried(&code).await, "PAIRING_REFUSED", "it has opened");

        let code = offer().await;
        for _ in 0..5 {
            assert_eq!(tried(&wrong(&code)).await, "PAIRING_REFUSED");
        }
        assert_eq!(tried(&code).await, "PAIRING_REFUSED", "five were wrong");

        let (first, second) = (offer().await, offer().await);
        assert_eq!(tried(&first).await, "PAIRING_REFUSED", "there is a newer one");
        advance(&sandbox, 599).await;
        expect(201, app.post(PAIR).json(&pairing(&second))).await;
        let late = offer().await;
        advance(&sandbox, 600).await;
        assert_eq!(tried(&late).await, "PAIRING_REFUSED");
        assert_eq!(tried("0000-0000-0000-0000").await, "PAIRING_REFUSED");
    }

    /// A user has one installation on a device, another on another; another user has their own.
    async fn one_installation_for_each_device_and_user(database) {
        let sandbox = Sandbox::start(database).await;
        let (one, two) = (user(&sandbox).await, user(&sandbox).await);
        let app = sandbox.anonymous();
        let pair = async |customer: i64, device: &str| {
            let code = offered(sandbox.partner(), "sandbox", customer).await;
            let body = Device::new().pairing(&code, device);
            let told = expect(201, app.post(PAIR).json(&body)).await;
            app.with_bearer(told["sessionToken"].as_str().expect("a token"))
        };
        let first = pair(one, "tablet").await;
        let elsewhere = pair(one, "phone").await;
        let others = pair(two, "tablet").await;
        let again = pair(one, "tablet").await;
        assert_eq!(expect(401, first.get(ME)).await["title"], "SESSION_EXPIRED");
        for (caller, customer) in [(&elsewhere, one), (&others, two), (&again, one)] {
            assert_eq!(expect(200, caller.get(ME)).await["id"], customer);
        }
        let listed = expect(200, again.get("/customers/me/devices")).await;
        let names: Vec<&Value> =
            listed["items"].as_array().expect("a list").iter().map(|it| &it["deviceId"]).collect();
        assert_eq!(names, ["phone", "tablet"]);
    }

    /// A session begins by the device's own signature over a fresh nonce for that very call.
    async fn a_session_begins_by_a_fresh_signature(database) {
        let sandbox = Sandbox::start(database).await;
        let customer = user(&sandbox).await;
        let phone = sandbox.phone("sandbox", customer).await;
        let other = sandbox.phone("sandbox", customer).await;
        let app = sandbox.anonymous();
        let refuse = async |what: &str, body: &Value| {
            assert_eq!(refused(app, SESSIONS, body).await, "SESSION_REFUSED", "{what}");
        };
        let right = phone.beginning(&phone.device).await;
        expect(201, app.post(SESSIONS).json(&right)).await;
        refuse("replayed", &right).await;
        refuse("of another device", &phone.beginning(&other.device).await).await;
        let nonce = other.beginning(&other.device).await["nonce"].clone();
        let text = nonce.as_str().expect("a text");
        let signed = |method: &str, path: &str| phone.device.sign(text, method, path);
        let body = |signature: String| {
            json!({ "installationId": phone.installation, "nonce": nonce, "signature": signature })
        };
        refuse("over another's nonce", &body(signed("POST", SESSIONS))).await;
        let step_up = phone.challenge().await;
        let of_call = phone.device.sign(&step_up, "POST", "/customers/me/cards/1/pin");
        let for_call = json!({
            "installationId": phone.installation, "nonce": step_up, "signature": of_call,
        });
        refuse("for another call", &for_call).await;
        // The wrong try has used the nonce up.
        let mut spoiled = phone.beginning(&phone.device).await;
        let good = spoiled["signature"].clone();
        spoiled["signature"] = other.device.sign("x", "POST", SESSIONS).into();
        refuse("wrong", &spoiled).await;
        spoiled["signature"] = good;
        refuse("used up", &spoiled).await;
        let late = phone.beginning(&phone.device).await;
        advance(&sandbox, 60).await;
        refuse("late", &late).await;

        // Of an installation that isn't there the same is told.
        let nobody = json!({ "installationId": "00000000-0000-4000-8000-000000000000" });
        let nonce = expect(201, app.post("/customers/sessions/challenge").json(&nobody)).await;
        let nonce = nonce["nonce"].as_str().expect("a text");
        let mut body = nobody;
        body["nonce"] = nonce.into();
        body["signature"] = phone.device.sign(nonce, "POST", SESSIONS).into();
        refuse("nobody's", &body).await;

        // A locked user neither pairs nor begins, and has no session when that is over.
        let (prepared, code) = (
            phone.beginning(&phone.device).await,
            offered(sandbox.partner(), "sandbox", customer).await,
        );
        assert_eq!(lifecycle(&sandbox, Method::POST, customer, "/lock").await.0, 204);
        refuse("locked", &prepared).await;
        let pairing = Device::new().pairing(&code, "phone");
        assert_eq!(refused(app, PAIR, &pairing).await, "PAIRING_REFUSED");
        let (status, told) = lifecycle(&sandbox, Method::POST, customer, "/pairing").await;
        assert_eq!((status, &told["title"]), (409, &json!("CUSTOMER_LOCKED")));
        assert_eq!(lifecycle(&sandbox, Method::POST, customer, "/unlock").await.0, 204);
        assert_eq!(expect(401, phone.caller.get(ME)).await["title"], "SESSION_EXPIRED");
        let body = phone.beginning(&phone.device).await;
        expect(201, app.post(SESSIONS).json(&body)).await;
    }

    /// A partner that knows its users by its own way begins sessions by a token, once each.
    async fn a_trusted_identity_begins_sessions(database) {
        let sandbox = Sandbox::start(database).await;
        let (customer, app) = (user(&sandbox).await, sandbox.anonymous());
        let path = "/customers/sessions/trusted-identity";
        let (trusted, other) = (TrustedIdentity::new("app"), TrustedIdentity::new("app"));
        let renamed = TrustedIdentity::new("another");
        let now = testkit::now().as_second();
        let claims = |name: &str, age: i64| {
            json!({ "userId": customer, "iat": now - age, "jti": name })
        };
        let begin = |token: String| app.post(path).json(&json!({ "token": token }));
        let refuse = async |what: &str, token: String| {
            let told = expect(401, begin(token)).await;
            assert_eq!(told["title"], "SESSION_REFUSED", "{what}");
        };
        refuse("nobody is trusted yet", trusted.token(&claims("early", 0))).await;
        let file = sandbox.dir().join("identity-ca.pem");
        std::fs::write(&file, &trusted.authority).expect("is written");
        let file = file.to_str().expect("a path of text");
        let trust = ["partner", "trust", "--code", "sandbox"];
        let name = ["--common-name", "app", "--trusted-ca", file];
        sandbox.antaca(&[&trust[..], &name].concat()).await.assert_done();

        let token = trusted.token(&claims("one", 0));
        let told = expect(201, begin(token.clone())).await;
        let session = app.with_bearer(told["sessionToken"].as_str().expect("a token"));
        assert_eq!(expect(200, session.get(ME)).await["id"], customer);
        refuse("replayed", token).await;
        refuse("its name again", trusted.token(&claims("one", 1))).await;
        refuse("old", trusted.token(&claims("two", 90))).await;
        refuse("of tomorrow", trusted.token(&claims("two", -90))).await;
        refuse("of another authority", other.token(&claims("two", 0))).await;
        refuse("of another name", renamed.token(&claims("two", 0))).await;
        let nobody = json!({ "userId": 999_999, "iat": now, "jti": "three" });
        refuse("of nobody", trusted.token(&nobody)).await;
        refuse("no token", "a.b.c".to_owned()).await;
        let missing = expect(422, app.post(path).json(&json!({}))).await;
        assert_eq!(missing["violations"][0]["field"], "token");

        // It is of no device, which could sign.
        let told = expect(404, session.post("/customers/me/step-up")).await;
        assert_eq!(told["title"], "DEVICE_NOT_FOUND");
        assert_eq!(lifecycle(&sandbox, Method::POST, customer, "/lock").await.0, 204);
        refuse("locked", trusted.token(&claims("four", 0))).await;
        assert_eq!(expect(401, session.get(ME)).await["title"], "SESSION_EXPIRED");
        assert_eq!(lifecycle(&sandbox, Method::POST, customer, "/unlock").await.0, 204);
        expect(201, begin(trusted.token(&claims("five", 0)))).await;
        let told = expect(201, begin(trusted.token(&claims("more", 0)))).await;
        let session = app.with_bearer(told["sessionToken"].as_str().expect("a token"));
        let paired = sandbox.phone("sandbox", customer).await;
        sandbox.antaca(&[&trust[..], &["--nobody"]].concat()).await.assert_done();
        assert_eq!(expect(401, session.get(ME)).await["title"], "SESSION_EXPIRED");
        expect(200, paired.caller.get(ME)).await;
        refuse("nobody is trusted any more", trusted.token(&claims("six", 0))).await;
    }

    /// A session lives as long as its partner says, to the second, and never above twelve hours.
    async fn a_session_lives_as_long_as_its_partner_says(database) {
        let sandbox = Sandbox::start(database).await;
        let customer = user(&sandbox).await;
        let over = async |caller: &Caller| answer(caller.get(ME)).await.0 == 401;
        let fixed = sandbox.phone("sandbox", customer).await;
        advance(&sandbox, 599).await;
        assert!(!over(&fixed.caller).await);
        advance(&sandbox, 1).await;
        assert!(over(&fixed.caller).await);

        let set = ["partner", "set", "--code", "sandbox", "--session-minutes", "2"];
        let set = [&set[..], &["--session-mode", "SLIDING"]].concat();
        sandbox.antaca(&set).await.assert_done();
        let sliding = sandbox.phone("sandbox", customer).await;
        for _ in 0..3 {
            advance(&sandbox, 119).await;
            assert!(!over(&sliding.caller).await);
        }
        advance(&sandbox, 120).await;
        assert!(over(&sliding.caller).await);

        let set = ["partner", "set", "--code", "sandbox", "--session-minutes", "720"];
        sandbox.antaca(&set).await.assert_done();
        let long = sandbox.phone("sandbox", customer).await;
        advance(&sandbox, 12 * 3600 - 1).await;
        assert!(!over(&long.caller).await);
        advance(&sandbox, 1).await;
        assert!(over(&long.caller).await);
    }
}

/// Each bad field is named, with all others that are wrong, and none of what was sent is repeated.
#[tokio::test]
async fn bad_input_is_named() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let app = sandbox.anonymous();
    let good = Device::new().pairing("0000-0000-0000-0000", "phone");
    let p384 = "A".repeat(160);
    for (field, bad) in [
        ("activationCode", json!("0000-0000-0000-000")),
        ("activationCode", json!("0000-0000-0000-000U")),
        ("activationCode", json!(7)),
        ("deviceId", json!("")),
        ("deviceId", json!("x".repeat(101))),
        ("deviceId", json!("a\nb")),
        ("platform", json!("WINDOWS")),
        ("platform", Value::Null),
        ("publicKey", json!("%%%")),
        ("publicKey", json!("AAAA")),
        ("publicKey", json!(p384)),
        ("publicKey", json!("A".repeat(5_000))),
    ] {
        let mut body = good.clone();
        body[field] = bad.clone();
        let told = expect(422, app.post(PAIR).json(&body)).await;
        assert_eq!(told["violations"][0]["field"], field, "{bad}");
        assert_eq!(told["violations"].as_array().map(Vec::len), Some(1), "{bad}");
    }
    let told = expect(422, app.post(PAIR).json(&json!({}))).await;
    assert_eq!(told["violations"].as_array().map(Vec::len), Some(4));
    for (path, count) in [(SESSIONS, 3), ("/customers/sessions/challenge", 1)] {
        let told = expect(422, app.post(path).json(&json!({ "installationId": 1 }))).await;
        assert_eq!(told["violations"].as_array().map(Vec::len), Some(count), "{path}");
    }
    for path in [PAIR, SESSIONS, "/customers/sessions/challenge"] {
        assert_eq!(expect(400, app.post(path)).await["title"], "INVALID_REQUEST");
    }
}

/// An app that has no session yet may encrypt what it sends, as any other.
#[tokio::test]
async fn a_code_may_be_sent_encrypted() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let customer = user(&sandbox).await;
    let code = offered(sandbox.partner(), "sandbox", customer).await;
    let (app, body) = (sandbox.anonymous(), Device::new().pairing(&code, "phone"));
    let asked = crate::customers::sealed(app, app.post(PAIR), &body).await;
    let told = crate::story::decrypted(&expect(201, asked).await);
    let session = app.with_bearer(told["sessionToken"].as_str().expect("a token"));
    assert_eq!(expect(200, session.get(ME)).await["id"], customer);
}

/// What opens something stands neither in the log nor in a file of the database.
#[tokio::test]
async fn what_opens_is_kept_nowhere() {
    let mut sandbox = Sandbox::start(Database::Sqlite).await;
    let customer = user(&sandbox).await;
    let unused = offered(sandbox.partner(), "sandbox", customer).await;
    let used = offered(sandbox.partner(), "sandbox", customer).await;
    let body = Device::new().pairing(&used, "phone");
    let paired = expect(201, sandbox.anonymous().post(PAIR).json(&body)).await;
    let token = paired["sessionToken"].as_str().expect("a token").to_owned();
    expect(200, sandbox.anonymous().with_bearer(&token).get(ME)).await;
    sandbox.stop().await.assert_done();
    let plain = |code: &str| code.replace('-', "");
    let secrets = [plain(&unused), plain(&used), unused, used, token];
    let secrets: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
    assert_eq!(contains_secret(sandbox.output().as_bytes(), &secrets), None);
    for file in std::fs::read_dir(sandbox.dir()).expect("a folder") {
        let path = file.expect("a file").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("it can be read");
            assert_eq!(contains_secret(&bytes, &secrets), None, "{}", path.display());
        }
    }
}
