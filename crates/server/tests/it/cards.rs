//! Cards over the wire: their numbers, their locks, and what they pay.

use crate::story::{KEY, Story, decrypted, encrypted, expect, unique};
use crate::support::Sandbox;
use domain::secret::Pan;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use testkit::contains_secret;
use tokio::task::JoinSet;

on_both_databases! {
    /// The card is one: 16 digits, Luhn, in the program's BIN range, the same whenever it is read.
    async fn a_virtual_card_has_real_numbers(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let number = story.full["cardNo"].as_str().expect("a number");
        assert_eq!(number.len(), 16);
        assert!(Pan::parse(number).is_ok() && number.starts_with("53208701"));
        assert_eq!(story.full["cvv"].as_str().map(str::len), Some(3));
        assert_eq!(story.full["type"], "VIRTUAL");

        let cards = format!("/secure/customers/{}/cards", story.customer);
        let read = encrypted(sandbox.partner().get(&format!("{cards}/{}", story.card)));
        assert_eq!(decrypted(&expect(200, read).await), story.full);
        let listed = expect(200, sandbox.partner().get(&cards)).await;
        assert_eq!(listed["items"][0]["lastFourDigits"], number[12..]);
        assert!(!listed.to_string().contains(number));
    }

    /// A retry of a card's creation gets the same card, encrypted for the key that it brings.
    async fn a_retried_creation_gets_the_same_card(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/cards/virtual", story.customer);
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let create = |body: &Value| {
            let request = sandbox.partner().post(&path).header("X-Idempotency-Key", "one");
            encrypted(request.json(body))
        };
        let first = decrypted(&expect(201, create(&body)).await);
        assert_eq!(decrypted(&expect(201, create(&body)).await), first);
        let mut other = body.clone();
        other["label"] = "another".into();
        let refused = expect(409, create(&other)).await;
        assert_eq!(refused["title"], "IDEMPOTENCY_KEY_REUSED");
    }

    /// Fifty equal keys at once: one card, one purchase, one answer.
    async fn fifty_equal_keys_at_once_act_once(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let cards = format!("/secure/customers/{}/cards", story.customer);
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let mut sent = JoinSet::new();
        for _ in 0..50 {
            let create = sandbox.partner().post(&format!("{cards}/virtual"));
            let create = encrypted(create.header("X-Idempotency-Key", "one").json(&body));
            sent.spawn(async { decrypted(&expect(201, create).await) });
        }
        let made = sent.join_all().await;
        assert!(made.iter().all(|card| *card == made[0]));
        let listed = expect(200, sandbox.partner().get(&cards)).await;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "the story's and this one");

        let mut sent = JoinSet::new();
        for _ in 0..50 {
            sent.spawn(expect(200, story.purchase(sandbox.processor(), 100, "one")));
        }
        let told = sent.join_all().await;
        assert!(told.iter().all(|answer| *answer == told[0] && answer["approved"] == true));
        assert_eq!(story.amounts(&sandbox).await, (9_900, 100));
    }

    /// A request may be encrypted too, for the key that we publish.
    async fn both_directions_can_be_encrypted(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let ours = expect(200, partner.get("/secure/public-key")).await;
        let ours = ours["publicKey"].as_str().expect("a key");
        let ours = crypto::jwe::PublicKey::parse(ours).expect("our key can be read");
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let token = ours.encrypt(None, body.to_string().as_bytes());
        let path = format!("/secure/customers/{}/cards/virtual", story.customer);
        let send = |body: Value| {
            let request = partner.post(&path).header("Encrypted-Request", "true");
            request.header("Public-Key", KEY.public_header()).json(&body)
        };
        let made = expect(201, send(json!({ "payload": token }))).await;
        assert_eq!(decrypted(&made)["type"], "VIRTUAL");
        let plain = expect(400, send(body)).await;
        assert_eq!(plain["title"], "INVALID_PAYLOAD");
        let theirs = KEY.public_header();
        let theirs = crypto::jwe::PublicKey::parse(&theirs).expect("a key").encrypt(None, b"{}");
        let foreign = expect(400, send(json!({ "payload": theirs }))).await;
        assert_eq!(foreign["title"], "CANT_DECRYPT_PAYLOAD");
    }

    /// A card pays, by its id and by its number; locked, it declines with its reason's code.
    async fn a_card_pays_until_it_is_locked(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let approved = expect(200, story.purchase(sandbox.processor(), 1_234, "p1")).await;
        assert_eq!(approved["actionCode"], "0000");
        assert_eq!(approved["responseCodes"], json!({ "mastercard": "00", "visa": "00" }));
        assert_eq!(story.amounts(&sandbox).await, (8_766, 1_234));

        let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
        let lock = |reason: i64| {
            sandbox.partner().post(&format!("{card}/lock")).json(&json!({ "reason": reason }))
        };
        let unlock = || sandbox.partner().post(&format!("{card}/unlock"));
        expect(204, unlock()).await;
        for (reason, code, mastercard, visa) in [
            (3, "1000", "05", "05"),
            (4, "1016", "51", "51"),
            (6, "1006", "75", "75"),
            (7, "1002", "57", "59"),
            (11, "1006", "75", "75"),
        ] {
            expect(204, lock(reason)).await;
            expect(204, lock(reason)).await;
            let id = format!("locked-{reason}");
            let told = expect(200, story.purchase(sandbox.processor(), 1, &id)).await;
            assert_eq!(told["description"], "CARD_LOCKED");
            assert_eq!(told["actionCode"], code);
            let schemes = json!({ "mastercard": mastercard, "visa": visa });
            assert_eq!(told["responseCodes"], schemes, "{reason}");
            expect(204, unlock()).await;
        }
        assert_eq!(expect(422, lock(9)).await["title"], "INVALID_LOCK_REASON");
        expect(204, lock(7)).await;
        assert_eq!(expect(409, lock(3)).await["title"], "CARD_ALREADY_LOCKED");
        expect(204, lock(2)).await;
        assert_eq!(expect(409, unlock()).await["title"], "CARD_LOCK_IRREVERSIBLE");
        let told = expect(200, story.purchase(sandbox.processor(), 1, "stolen")).await;
        assert_eq!(told["actionCode"], "2009");
        assert_eq!(story.amounts(&sandbox).await, (8_766, 1_234));
    }

    /// What the cardholder types is compared; the number leads to the card.
    async fn number_code_and_expiry_are_compared(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let (number, code) = (&story.full["cardNo"], story.full["cvv"].as_str().expect("a code"));
        let wrong = if code == "000" { "001" } else { "000" };
        let expiry = &story.full["exp"].as_str().expect("a date")[..7];
        let purchase = |id: &str, code: &str, expiry: &str| {
            let body = json!({
                "card": { "pan": number }, "kind": "authorization", "type": "pos", "amount": 100,
                "currency": "EUR", "transactionId": id, "cvv": code, "expiry": expiry,
                "transactionDate": "2026-11-21T10:00:00+00:00",
            });
            let post = sandbox.processor().post("/processor/v1/authorizations");
            post.header("X-Idempotency-Key", id).json(&body)
        };
        for (id, code, expiry, description) in [
            ("right", code, expiry, "APPROVED"),
            ("wrong", wrong, expiry, "INCORRECT_CVV"),
            ("old", code, "2020-01", "CARD_EXPIRED"),
        ] {
            let told = expect(200, purchase(id, code, expiry)).await;
            assert_eq!(told["description"], description, "{id}");
        }
        assert_eq!(story.amounts(&sandbox).await, (9_900, 100));
    }

    /// A network's times may be finer than those that are kept: a reference finds them anyway.
    async fn a_reference_to_a_fine_time_finds_its_authorization(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let at = "2026-11-21T10:00:00.1234567Z";
        let mut body = network_message(&json!({ "cardId": story.card }), "fine");
        body["transactionDate"] = at.into();
        let told = expect(200, send(&sandbox, "authorizations", &body)).await;
        assert_eq!(told["description"], "APPROVED");
        assert_eq!(story.amounts(&sandbox).await, (8_766, 1_234));
        let mut clearing = network_message(&json!({ "cardId": story.card }), "fine-cleared");
        clearing["referenceTransactionId"] = "fine".into();
        clearing["referenceTransactionDate"] = at.into();
        let cleared = expect(200, send(&sandbox, "clearings", &clearing)).await;
        assert_eq!(cleared["id"], told["id"], "it cleared the authorization");
        assert_eq!(story.amounts(&sandbox).await, (8_766, 0));
    }

    /// Numbers that merely look like a card's refuse nothing; those that may be one are masked.
    async fn card_numbers_in_free_text_are_masked(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let number = story.full["cardNo"].as_str().expect("a number");
        let masked = format!("{}******{}", &number[..6], &number[12..]);
        let mut body = network_message(&json!({ "pan": number }), "masked");
        body["description"] = "Books 5555 5555-5555 4444".into();
        body["transactionData"] = json!({
            "mcc": "5942", "merchantIdentifier": "378282246310005", "merchantName": number,
            "retrievalReferenceNumber": format!("1{number}"), "lastFourDpan": "5555555555554444",
            "lastFourDigits": "12",
        });
        let told = expect(200, send(&sandbox, "authorizations", &body)).await;
        assert_eq!(told["approved"], true);
        let id = told["id"].as_str().expect("an id");
        let path = format!("/secure/transactions/{id}");
        let found = expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(found["description"], "Books 5555 55**-**** 4444");
        let data = json!({
            "mcc": "5942", "merchantIdentifier": "378282246310005", "merchantName": masked,
            "retrievalReferenceNumber": format!("1{masked}"), "lastFourDpan": "4444",
        });
        assert_eq!(found["transactionData"], data);

        for field in ["transactionId", "referenceTransactionId"] {
            let mut body = network_message(&json!({ "pan": number }), "named");
            body[field] = format!("id-{number}").into();
            let refused = expect(422, send(&sandbox, "authorizations", &body)).await;
            assert_eq!(refused["violations"][0]["field"], field);
        }
        let body = network_message(&json!({ "pan": number }), "keyed");
        let post = sandbox.processor().post("/processor/v1/authorizations");
        let keyed = post.header("X-Idempotency-Key", number).json(&body);
        let refused = expect(422, keyed).await;
        assert_eq!(refused["violations"][0]["field"], "X-Idempotency-Key");
        let request = sandbox.partner().get("/nothing").header("X-Request-Id", number);
        let answered = expect(404, request).await;
        assert!(!answered.to_string().contains(number));
    }

    /// The owner's name for a card is free text too, and so are a partner's words for a top-up.
    async fn labels_and_top_ups_hold_no_card_number(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let cards = format!("/secure/customers/{}/cards", story.customer);
        let body = json!({
            "balanceId": story.balance, "configId": "0019167984", "label": "old: 4111111111111111",
        });
        let path = format!("{cards}/virtual");
        expect(201, encrypted(sandbox.partner().post(&path).json(&body))).await;
        let listed = expect(200, sandbox.partner().get(&cards)).await;
        assert_eq!(listed["items"][1]["label"], "old: 411111******1111");
        let path = format!("/secure/balances/{}/transactions", story.balance);
        let top_up = sandbox.partner().post(&path).json(&json!({
            "type": "topUp", "amount": 5, "currency": "EUR", "externalTransactionId": "masked",
            "description": "From 4111111111111111",
        }));
        assert_eq!(expect(201, top_up).await["description"], "From 411111******1111");
    }

    /// No number, code or key is in any file of the data folder, nor in what was logged.
    async fn secrets_are_in_no_file_in_clear(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        expect(200, story.purchase(sandbox.processor(), 100, "p1")).await;
        let number = story.full["cardNo"].as_str().expect("a number").to_owned();
        let kept = std::fs::read_to_string(sandbox.dir().join("passphrase"));
        let passphrase = kept.expect("a sandbox keeps its passphrase").trim().to_owned();
        let keys = [passphrase.as_str(), "PRIVATE KEY"];
        scan(&sandbox, "", &[&number]);
        scan(&sandbox, "antaca.db", &keys);
        sandbox.stop().await.assert_done();
        scan(&sandbox, "", &[&number]);
        scan(&sandbox, "antaca.db", &keys);
        let written = sandbox.output();
        for secret in [number.as_str(), passphrase.as_str(), "PRIVATE KEY", "payload", "cvv"] {
            assert!(!written.contains(secret), "the output holds a secret");
        }
    }
}

/// A message of the network about 12.34 EUR.
fn network_message(card: &Value, id: &str) -> Value {
    json!({
        "card": card, "kind": "authorization", "type": "pos", "amount": 1_234, "currency": "EUR",
        "transactionId": id, "transactionDate": "2026-11-21T10:00:00Z",
    })
}

fn send(sandbox: &Sandbox, kind: &str, body: &Value) -> RequestBuilder {
    let key = format!("{kind}-{}", unique());
    let post = sandbox.processor().post(&format!("/processor/v1/{kind}"));
    post.header("X-Idempotency-Key", key).json(body)
}

/// Searches the files of the data folder whose names begin so, the write-ahead log among them.
pub(crate) fn scan(sandbox: &Sandbox, beginning: &str, secrets: &[&str]) {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    for entry in std::fs::read_dir(sandbox.dir()).expect("the folder can be read") {
        let entry = entry.expect("an entry");
        let chosen = entry.file_name().to_string_lossy().starts_with(beginning);
        if chosen && let Ok(bytes) = std::fs::read(entry.path()) {
            assert_eq!(contains_secret(&bytes, &secrets), None, "{}", entry.path().display());
        }
    }
}
