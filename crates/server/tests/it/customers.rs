//! What a user's app may do with its own cards, over the mobile channel.

use crate::story::{KEY, Story, answer, decrypted, encrypted, expect, register, registration};
use crate::support::{Caller, Database, Phone, Sandbox};
use crypto::pin::PinKey;
use domain::secret::Pin;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A request that is encrypted, and asks for an encrypted answer.
pub(crate) async fn sealed(
    caller: &Caller,
    request: RequestBuilder,
    body: &Value,
) -> RequestBuilder {
    sealed_at("/customers/public-key", caller, request, body).await
}

/// The same, on the channel where this route tells our key.
pub(crate) async fn sealed_at(
    key: &str,
    caller: &Caller,
    request: RequestBuilder,
    body: &Value,
) -> RequestBuilder {
    let told = expect(200, caller.get(key)).await;
    let ours = told["publicKey"].as_str().expect("a key");
    let ours = crypto::jwe::PublicKey::parse(ours).expect("our key can be read");
    let token = ours.encrypt(None, body.to_string().as_bytes());
    let request = request.header("Encrypted-Request", "true");
    request.header("Public-Key", KEY.public_header()).json(&json!({ "payload": token }))
}

/// What is one's own.
const ME: &str = "/customers/me";

async fn begun(sandbox: &Sandbox, minor: i64) -> (Story, Phone) {
    let story = Story::begin(sandbox, minor).await;
    let phone = sandbox.phone("sandbox", story.customer).await;
    (story, phone)
}

async fn set_pin(phone: &Phone, card: i64, pin: &str) -> (u16, Value) {
    let path = format!("/customers/me/cards/{card}/pin");
    let asked = sealed(&phone.caller, phone.caller.post(&path), &json!({ "pin": pin })).await;
    answer(asked).await
}

/// A PIN as the sandbox's processor encrypts it.
pub(crate) fn pin_block(sandbox: &Sandbox, pin: &str) -> Value {
    let told = &sandbox.file()["processor"]["pinKey"];
    let file = sandbox.dir().join(told["file"].as_str().expect("a file"));
    let digits = std::fs::read_to_string(file).expect("it is there");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    let key: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    let key = PinKey::triple_des(&key).expect("a key");
    let block = key.encrypt_unbound(&Pin::parse(pin).expect("digits")).expect("for this key");
    let block: String = block.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "format": 1, "keyId": told["keyId"], "block": block })
}

pub(crate) async fn paid_with(sandbox: &Sandbox, card: i64, pin: &str, id: &str) -> Value {
    let body = json!({
        "card": { "cardId": card }, "kind": "authorization", "type": "atm", "amount": 100,
        "currency": "EUR", "transactionId": id, "description": "Cash", "pinBlock":
        pin_block(sandbox, pin), "transactionDate": "2026-11-21T10:00:00+00:00",
    });
    let post = sandbox.processor().post("/processor/v1/authorizations");
    expect(200, post.header("X-Idempotency-Key", id).json(&body)).await
}

on_both_databases! {
    /// A user makes a card, looks at it, sets its PIN, locks and unlocks it, tightens its limits
    /// and removes it; and is on record for it.
    async fn a_user_cares_for_own_cards(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 10_000).await;
        let app = &phone.caller;
        assert_eq!(expect(200, app.get("/customers/me")).await["id"], story.customer);

        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let make = app.post("/customers/me/cards/virtual").json(&body);
        let made = decrypted(&expect(201, encrypted(make)).await);
        let card = made["id"].as_i64().expect("an id");
        let path = format!("/customers/me/cards/{card}");
        assert_eq!(decrypted(&expect(200, encrypted(app.get(&path))).await), made);
        assert_eq!(expect(400, app.get(&path)).await["title"], "ENCRYPTION_REQUIRED");
        let ordered = app.post("/customers/me/cards/virtual/async").json(&body);
        let operation = expect(202, ordered).await["operationId"].clone();
        let operation = operation.as_str().expect("an id");
        testkit::eventually("the card is made", std::time::Duration::from_secs(20), async || {
            let told = app.get(&format!("/customers/me/cards/operations/{operation}"));
            expect(200, told).await["status"] == "DONE"
        })
        .await;
        let listed = expect(200, app.get("/customers/me/cards")).await;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
        assert!(!listed.to_string().contains(made["cardNo"].as_str().expect("a number")));

        let (status, set) = set_pin(&phone, card, "8264").await;
        assert_eq!((status, decrypted(&set)), (200, json!({ "id": card, "offlinePin": "NONE" })));
        for (pin, id, told) in [
            ("8264", "right", "APPROVED"),
            ("8265", "wrong", "INCORRECT_PIN"),
            ("8266", "wrong-too", "INCORRECT_PIN"),
            ("8264", "right-again", "APPROVED"),
        ] {
            assert_eq!(paid_with(&sandbox, card, pin, id).await["description"], told, "{id}");
        }

        let lock = app.post(&format!("{path}/lock")).json(&json!({ "reason": 7 }));
        expect(204, lock).await;
        let told = paid_with(&sandbox, card, "8264", "locked").await;
        assert_eq!(told["description"], "CARD_LOCKED");
        expect(204, app.post(&format!("{path}/unlock"))).await;

        let limits = |minor: i64| json!({ "limits": [{
            "type": "atm", "timeUnit": "daily", "currency": "EUR", "amountMinor": minor,
        }] });
        let put = |minor| app.put(&format!("{path}/limits")).json(&limits(minor));
        expect(200, put(1_000)).await;
        expect(200, put(250)).await;
        let loosened = expect(422, put(251)).await;
        assert_eq!(loosened["title"], "LIMIT_LOOSENED");
        let emptied = app.put(&format!("{path}/limits")).json(&json!({}));
        assert_eq!(expect(422, emptied).await["title"], "LIMIT_LOOSENED");
        let of_partner = format!("/secure/customers/{}/cards/{card}/limits", story.customer);
        expect(200, sandbox.partner().put(&of_partner).json(&limits(2_000))).await;
        let shown = expect(200, app.get(&format!("{path}/limits"))).await;
        assert_eq!(shown["limits"][0]["amountMinor"], 2_000);

        expect(204, app.delete(&path)).await;
        assert_eq!(expect(404, encrypted(app.get(&path))).await["title"], "CARD_NOT_FOUND");
    }

    /// A user sees own balances, what happened on them and what may be spent, as the partner does,
    /// and may tighten that.
    async fn a_user_sees_own_money(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 10_000).await;
        let (app, customer) = (&phone.caller, story.customer);
        expect(200, story.purchase(sandbox.processor(), 700, "seen")).await;
        let secure = |rest: &str| sandbox.partner().get(&format!("/secure{rest}"));
        let of_user = format!("/customers/{customer}");
        let balance = format!("/balances/{}", story.balance);
        let period = "statement?from=2026-01-01&to=2026-12-31";
        for (own, theirs) in [
            ("/balances".to_owned(), format!("{of_user}/balances")),
            (balance.clone(), format!("{of_user}{balance}")),
            (format!("{balance}/transactions"), format!("{balance}/transactions")),
            (format!("{balance}/{period}"), format!("{balance}/{period}")),
            ("/transactions".to_owned(), format!("/transactions?customerId={customer}")),
            ("/limits".to_owned(), format!("{of_user}/limits")),
        ] {
            let shown = expect(200, app.get(&format!("{ME}{own}"))).await;
            let mut told = expect(200, secure(&theirs)).await;
            if own.contains("statement") {
                told["madeAt"] = shown["madeAt"].clone();
            }
            assert_eq!(shown, told, "{own}");
        }
        let card = format!("{ME}/transactions?cardId={}&type=pos", story.card);
        let listed = expect(200, app.get(&card)).await;
        let id = listed["items"][0]["id"].as_str().expect("an id");
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        let shown = expect(200, app.get(&format!("{ME}/transactions/{id}"))).await;
        assert_eq!(shown, listed["items"][0]);
        let unknown = app.get(&format!("{ME}/transactions?customerId={customer}"));
        assert_eq!(expect(422, unknown).await["violations"][0]["field"], "customerId");

        let limits = |minor: i64| json!({ "limits": [{
            "type": "general", "timeUnit": "daily", "currency": "EUR", "amountMinor": minor,
        }] });
        let put = |minor| app.put(&format!("{ME}/limits")).json(&limits(minor));
        expect(200, put(1_000)).await;
        assert_eq!(expect(422, put(1_001)).await["title"], "LIMIT_LOOSENED");
        expect(200, put(900)).await;
        let over = expect(200, story.purchase(sandbox.processor(), 300, "over")).await;
        assert_eq!(over["description"], "LIMIT_EXCEED");
        let form = crate::verifications::filled().form();
        let form = app.post(&format!("{ME}/register")).multipart(form);
        assert_eq!(expect(201, form).await["status"], "IN_PROGRESS");
    }

    /// A reset code is right, the one before wrong; plastic keeps its own.
    async fn a_code_is_reset(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 10_000).await;
        let path = format!("/customers/me/cards/{}/cvv", story.card);
        assert_eq!(expect(400, phone.caller.post(&path)).await["title"], "ENCRYPTION_REQUIRED");
        let reset = || encrypted(phone.caller.post(&path)).header("X-Idempotency-Key", "once");
        let told = decrypted(&expect(200, reset()).await);
        assert_eq!(told["id"], story.card);
        assert_ne!(told["cvv"], story.full["cvv"]);
        assert_eq!(decrypted(&expect(200, reset()).await), told, "a retry resets nothing");
        let shown = phone.caller.get(&format!("/customers/me/cards/{}", story.card));
        let full = decrypted(&expect(200, encrypted(shown)).await);
        assert_eq!((&full["cvv"], &full["cardNo"]), (&told["cvv"], &story.full["cardNo"]));
        let paid = |code: &Value, id: &str| {
            let body = json!({
                "card": { "cardId": story.card }, "kind": "authorization", "type": "pos",
                "amount": 100, "currency": "EUR", "transactionId": id, "cvv": code,
                "transactionDate": "2026-11-21T10:00:00+00:00",
            });
            let post = sandbox.processor().post("/processor/v1/authorizations");
            expect(200, post.header("X-Idempotency-Key", id).json(&body))
        };
        assert_eq!(paid(&story.full["cvv"], "old").await["description"], "INCORRECT_CVV");
        assert_eq!(paid(&told["cvv"], "new").await["description"], "APPROVED");
        // Each further one is another too, with a key of its own.
        let mut seen = vec![told["cvv"].clone()];
        for _ in 0..3 {
            let next = decrypted(&expect(200, encrypted(phone.caller.post(&path))).await);
            assert_ne!(Some(&next["cvv"]), seen.last());
            seen.push(next["cvv"].clone());
        }
        assert_eq!(paid(&seen[3], "newest").await["description"], "APPROVED");
    }

    /// The network stops a card by number or id; its partner is told, and only a lock for good
    /// takes another's place.
    async fn a_network_stops_a_card(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, _) = begun(&sandbox, 10_000).await;
        let stop = |card: Value, reason: i64, key: &str| {
            let post = sandbox.processor().post("/processor/v1/cards/stop");
            let post = post.header("X-Idempotency-Key", key);
            post.json(&json!({ "card": card, "reason": reason }))
        };
        let by_id = || json!({ "cardId": story.card });
        let by_number = json!({ "pan": story.full["cardNo"] });
        for (card, reason, accepted, description) in [
            (by_id(), 3, true, "APPROVED"),
            (by_number, 3, true, "APPROVED"),
            (by_id(), 7, false, "CARD_ALREADY_LOCKED"),
            (by_id(), 2, true, "APPROVED"),
            (by_id(), 1, false, "CARD_ALREADY_LOCKED"),
            (json!({ "cardId": 999_999 }), 1, false, "CARD_NOT_FOUND"),
            (json!({ "pan": "4111111111111111" }), 1, false, "CARD_NOT_FOUND"),
        ] {
            let key = format!("stop-{}", crate::story::unique());
            let told = expect(200, stop(card.clone(), reason, &key)).await;
            assert_eq!((&told["accepted"], &told["description"]),
                (&json!(accepted), &json!(description)), "{card} {reason}");
        }
        let told = expect(200, story.purchase(sandbox.processor(), 1, "stolen")).await;
        assert_eq!(told["actionCode"], "2009");
        for card in [by_id(), json!({ "cardId": 999_999 })] {
            let unknown = stop(card, 9, &format!("stop-{}", crate::story::unique()));
            assert_eq!(expect(422, unknown).await["title"], "INVALID_LOCK_REASON");
        }
        expect(200, stop(by_id(), 2, "once")).await;
        let reused = expect(409, stop(by_id(), 1, "once")).await;
        assert_eq!(reused["title"], "IDEMPOTENCY_KEY_REUSED");
        let keyless = sandbox.processor().post("/processor/v1/cards/stop");
        let refused = expect(422, keyless.json(&json!({ "card": by_id(), "reason": 2 }))).await;
        assert_eq!(refused["violations"][0]["field"], "X-Idempotency-Key");
        testkit::eventually("the partner is told", std::time::Duration::from_secs(20), async || {
            let told = expect(200, sandbox.partner().get("/sandbox/v1/received")).await;
            let items = told["items"].as_array().expect("a list").iter();
            items.filter(|it| it["path"] == "/notifications/cardLocked").count() == 2
        })
        .await;
    }

    /// A PIN comes encrypted, has four digits, and isn't easily guessed.
    async fn a_pin_is_sent_encrypted(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 0).await;
        let path = format!("/customers/me/cards/{}/pin", story.card);
        let body = json!({ "pin": "8264" });
        for plain in [phone.caller.post(&path), encrypted(phone.caller.post(&path))] {
            let refused = expect(400, plain.json(&body)).await;
            assert_eq!(refused["title"], "ENCRYPTION_REQUIRED");
        }
        for (pin, status, title) in [
            ("826", 422, "VALIDATION_ERROR"),
            ("82641", 422, "VALIDATION_ERROR"),
            ("826a", 422, "VALIDATION_ERROR"),
            ("８２６４", 422, "VALIDATION_ERROR"),
            ("", 422, "VALIDATION_ERROR"),
            ("1234", 422, "WEAK_PIN"),
            ("2000", 422, "WEAK_PIN"),
        ] {
            let (told, problem) = set_pin(&phone, story.card, pin).await;
            assert_eq!((told, &problem["title"]), (status, &json!(title)), "{pin}");
            assert!(pin.is_empty() || !problem.to_string().contains(pin), "{problem}");
        }
        for body in [json!({}), json!({ "pin": 8264 }), json!({ "pin": null })] {
            let asked = sealed(&phone.caller, phone.caller.post(&path), &body).await;
            assert_eq!(expect(422, asked).await["violations"][0]["field"], "pin");
        }
        let (status, _) = set_pin(&phone, story.card, "8264").await;
        assert_eq!(status, 200);
        let lock = phone.caller.post(&format!("/customers/me/cards/{}/lock", story.card));
        expect(204, lock.json(&json!({ "reason": 2 }))).await;
        let (status, problem) = set_pin(&phone, story.card, "9375").await;
        assert_eq!((status, &problem["title"]), (409, &json!("CARD_LOCK_IRREVERSIBLE")));
    }

    /// Another code needs a signature too; without one the code stays.
    async fn a_code_is_reset_with_a_signature_alone(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 0).await;
        let set = ["partner", "set", "--code", "sandbox", "--step-up", "on"];
        sandbox.antaca(&set).await.assert_done();
        let path = format!("/customers/me/cards/{}/cvv", story.card);
        let unsigned = || encrypted(phone.caller.post(&path));
        let elsewhere = format!("/customers/me/cards/{}/pin", story.card);
        let elsewhere = phone.device.step_up(&phone.challenge().await, "POST", &elsewhere);
        for request in [unsigned(), unsigned().header("X-Step-Up", elsewhere)] {
            assert_eq!(expect(403, request).await["title"], "STEP_UP_REQUIRED");
        }
        let shown = sandbox.partner().get(&format!(
            "/secure/customers/{}/cards/{}",
            story.customer, story.card
        ));
        assert_eq!(decrypted(&expect(200, encrypted(shown)).await), story.full);
        let signed = encrypted(phone.signed(Method::POST, &path).await);
        let reset = decrypted(&expect(200, signed).await);
        assert_ne!(reset["cvv"], story.full["cvv"], "a reset skips a code that is the same");
    }

    /// Where the partner wants it, what only the cardholder knows is shown and changed with a fresh
    /// signature of the device over that very call, once.
    async fn sensitive_calls_are_signed(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 0).await;
        let other = sandbox.phone("sandbox", story.customer).await;
        let path = format!("/customers/me/cards/{}", story.card);
        let set = ["partner", "set", "--code", "sandbox", "--step-up", "on"];
        sandbox.antaca(&set).await.assert_done();
        expect(200, phone.caller.get("/customers/me/cards")).await;

        let get = || encrypted(phone.caller.get(&path));
        let challenge = phone.challenge().await;
        let signed = phone.device.step_up(&challenge, "GET", &path);
        let (_, signature) = signed.split_once('.').expect("two parts");
        let pin = format!("{path}/pin");
        let of_device = phone.challenge().await;
        let stolen = other.device.step_up(&of_device, "GET", &path);
        let of_other = other.device.step_up(&other.challenge().await, "GET", &path);
        let elsewhere = phone.device.step_up(&phone.challenge().await, "POST", &pin);
        let unknown = phone.device.step_up("unknown", "GET", &path);
        for wrong in ["", ".", &challenge, signature, &stolen, &of_other, &elsewhere, &unknown] {
            let refused = expect(403, get().header("X-Step-Up", wrong)).await;
            assert_eq!(refused["title"], "STEP_UP_REQUIRED", "{wrong}");
        }
        assert_eq!(expect(403, get()).await["title"], "STEP_UP_REQUIRED");
        let twice = get().header("X-Step-Up", &signed).header("X-Step-Up", &signed);
        assert_eq!(expect(403, twice).await["title"], "STEP_UP_REQUIRED");

        let shown = expect(200, get().header("X-Step-Up", &signed)).await;
        assert_eq!(decrypted(&shown), story.full);
        let replayed = expect(403, get().header("X-Step-Up", &signed)).await;
        assert_eq!(replayed["title"], "STEP_UP_REQUIRED");

        let post = phone.signed(Method::POST, &pin).await;
        let asked = sealed(&phone.caller, post, &json!({ "pin": "8264" })).await;
        expect(200, asked).await;
        let (status, problem) = set_pin(&phone, story.card, "9375").await;
        assert_eq!((status, &problem["title"]), (403, &json!("STEP_UP_REQUIRED")));

        let late = phone.device.step_up(&phone.challenge().await, "GET", &path);
        let clock = sandbox.partner().post("/sandbox/v1/clock");
        expect(200, clock.json(&json!({ "advanceSeconds": 60 }))).await;
        let refused = expect(403, get().header("X-Step-Up", &late)).await;
        assert_eq!(refused["title"], "STEP_UP_REQUIRED");
    }

    /// A session ends by its time, and with its user; nobody acts without one.
    async fn a_session_ends(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 0).await;
        let other = Story::begin(&sandbox, 0).await;
        let locked = sandbox.phone("sandbox", other.customer).await;
        let me = "/customers/me";
        let none = sandbox.anonymous();
        let two = phone.caller.get(me).bearer_auth(&phone.token);
        let basic = none.get(me).basic_auth("user", Some("password"));
        let long = "x".repeat(5_000);
        for wrong in [
            none.get(me),
            two,
            basic,
            none.with_bearer("").get(me),
            none.with_bearer(&phone.token[1..]).get(me),
            none.with_bearer(&long).get(me),
            // A certificate is no session.
            sandbox.partner().get(me),
        ] {
            assert_eq!(expect(401, wrong).await["title"], "SESSION_EXPIRED");
        }
        expect(200, locked.caller.get(me)).await;
        let lock = |state| {
            let path = format!("/lifecycle/v1/users/{}", other.customer);
            let put = sandbox.partner().put(&path).header("Issuer-Code", "sandbox");
            put.json(&json!({ "state": state }))
        };
        expect(200, lock("LOCKED")).await;
        assert_eq!(expect(401, locked.caller.get(me)).await["title"], "SESSION_EXPIRED");
        expect(200, lock("VERIFIED")).await;
        // It ended with the lock, and doesn't come back.
        assert_eq!(expect(401, locked.caller.get(me)).await["title"], "SESSION_EXPIRED");

        let advance = |seconds: u32| {
            let clock = sandbox.partner().post("/sandbox/v1/clock");
            expect(200, clock.json(&json!({ "advanceSeconds": seconds })))
        };
        advance(590).await;
        assert_eq!(expect(200, phone.caller.get(me)).await["id"], story.customer);
        advance(10).await;
        assert_eq!(expect(401, phone.caller.get(me)).await["title"], "SESSION_EXPIRED");
    }

    /// A user who may take off own locks alone doesn't take off others.
    async fn a_user_may_be_kept_from_unlocking(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, phone) = begun(&sandbox, 0).await;
        let own = format!("/customers/me/cards/{}", story.card);
        let theirs = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        let lock = |caller: &Caller, path: &str| {
            caller.post(&format!("{path}/lock")).json(&json!({ "reason": 7 }))
        };
        expect(204, lock(sandbox.partner(), &theirs)).await;
        expect(204, phone.caller.post(&format!("{own}/unlock"))).await;
        let set = ["partner", "set", "--code", "sandbox", "--user-may-unlock", "OWN_LOCKS"];
        sandbox.antaca(&set).await.assert_done();
        expect(204, lock(sandbox.partner(), &theirs)).await;
        let refused = expect(409, phone.caller.post(&format!("{own}/unlock"))).await;
        assert_eq!(refused["title"], "CARD_LOCK_NOT_OWN");
        expect(204, sandbox.partner().post(&format!("{theirs}/unlock"))).await;
        expect(204, lock(&phone.caller, &own)).await;
        expect(204, phone.caller.post(&format!("{own}/unlock"))).await;
    }

    /// Two users of a partner with the same key do each their own.
    async fn a_users_keys_are_its_own(database) {
        let sandbox = Sandbox::start(database).await;
        let (one, first) = begun(&sandbox, 0).await;
        let (two, second) = begun(&sandbox, 0).await;
        for (story, phone) in [(&one, &first), (&two, &second), (&one, &first)] {
            let make = phone.caller.post("/customers/me/cards/virtual/async");
            let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
            let made = expect(202, make.header("X-Idempotency-Key", "same").json(&body)).await;
            let path = format!("/customers/me/cards/operations/{}",
                made["operationId"].as_str().expect("an id"));
            expect(200, phone.caller.get(&path)).await;
        }
    }
}

/// A closed partner's users don't act, and a deleted session's neither.
#[tokio::test]
async fn users_of_a_closed_partner_do_not_act() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let user = expect(201, register(sandbox.partner(), &registration())).await;
    let phone = sandbox.phone("sandbox", user["id"].as_i64().expect("an id")).await;
    expect(200, phone.caller.get("/customers/me")).await;
    let set = ["partner", "set", "--code", "sandbox", "--state", "CLOSED"];
    sandbox.antaca(&set).await.assert_done();
    assert_eq!(expect(401, phone.caller.get("/customers/me")).await["title"], "SESSION_EXPIRED");
}
