//! Encryption on every kind of endpoint.

use super::{Published, both_ways, sealed};
use crate::story::{Story, answer, decrypted, encrypted, expect, registration, unique};
use crate::support::Sandbox;
use crate::verifications::filled;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Asserts that an answer is nothing but a payload, and decrypts it.
async fn opened(status: u16, request: RequestBuilder) -> Value {
    let told = expect(status, request).await;
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(1), "{told}");
    decrypted(&told)
}

on_both_databases! {
    /// A call without a body is encrypted by its headers alone.
    async fn calls_without_a_body_are_answered_encrypted(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let customer = format!("/secure/customers/{}", story.customer);
        for path in [
            "/secure/public-key".to_owned(),
            "/lifecycle/v1/public-key".to_owned(),
            format!("/lifecycle/v1/users/{}", story.customer),
            format!("{customer}/balances"),
            format!("{customer}/balances/{}", story.balance),
            format!("/secure/balances/{}/transactions", story.balance),
            format!("{customer}/cards"),
        ] {
            let get = || partner.get(&path).header("Issuer-Code", "sandbox");
            let plain = expect(200, get()).await;
            assert_eq!(opened(200, encrypted(get())).await, plain, "{path}");
            assert_eq!(opened(200, both_ways(get())).await, plain, "{path}");
        }
        let card = format!("{customer}/cards/{}", story.card);
        assert_eq!(opened(200, both_ways(partner.get(&card))).await, story.full);

        let head = partner.request(Method::HEAD, "/secure/public-key");
        assert_eq!(encrypted(head).send().await.expect("an answer").status(), 200);

        // 204 has no content to encrypt.
        for request in [both_ways, encrypted] {
            let unlock = request(partner.post(&format!("{card}/unlock")));
            let answered = unlock.send().await.expect("an answer");
            assert_eq!(answered.status(), 204);
            assert_eq!(answered.bytes().await.expect("a body").len(), 0);
        }
    }

    /// Bodies of every channel, forms included.
    async fn calls_with_a_body_are_encrypted_both_ways(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let ours = Published::of(partner).await;
        let wallet = || partner.post("/lifecycle/v1/wallet").header("Issuer-Code", "sandbox");
        let user = opened(201, sealed(wallet(), &ours.named(&registration()))).await;
        let path = format!("/lifecycle/v1/users/{}", user["id"]);
        let change = partner.request(Method::PUT, &path).header("Issuer-Code", "sandbox");
        let token = ours.nameless(&json!({ "firstName": "Jane" }));
        assert_eq!(opened(200, sealed(change, &token)).await["firstName"], "Jane");

        let story = Story::begin(&sandbox, 1_000).await;
        let customer = format!("/secure/customers/{}", story.customer);
        let balances = partner.post(&format!("{customer}/balances"));
        let token = ours.named(&json!({ "currency": "PLN" }));
        assert_eq!(opened(201, sealed(balances, &token)).await["currency"], "PLN");
        let lock = partner.post(&format!("{customer}/cards/{}/lock", story.card));
        let locked = sealed(lock, &ours.named(&json!({ "reason": 3 }))).send().await;
        assert_eq!(locked.expect("an answer").status(), 204);

        let message = json!({
            "card": { "cardId": story.card }, "kind": "authorization", "type": "pos",
            "amount": 100, "currency": "EUR", "transactionId": format!("p{}", unique()),
            "transactionDate": "2026-11-21T10:00:00+00:00",
        });
        let post = sandbox.processor().post("/processor/v1/authorizations");
        let post = post.header("X-Idempotency-Key", format!("p{}", unique()));
        let declined = opened(200, sealed(post, &ours.named(&message))).await;
        assert_eq!(declined["description"], "CARD_LOCKED", "a decline is a success");

        let verification = || partner.post(&format!("{customer}/verification"));
        let told = opened(201, encrypted(verification().multipart(filled().form()))).await;
        assert_eq!(told["status"], "IN_PROGRESS");
        let refused = expect(400, both_ways(verification().multipart(filled().form()))).await;
        assert_eq!(refused["title"], "INVALID_PAYLOAD");
    }

    /// Whatever was asked for, a refusal can be read without a key.
    async fn refusals_are_plain(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let ours = Published::of(partner).await;
        let balances = format!("/secure/customers/{}/balances", story.customer);
        let unknown = format!("{balances}/0351eb09-3ac0-4234-a4ad-0a6ad52f248b");
        let keyed = |currency: &str, key: &str| {
            let post = partner.post(&balances).header("X-Idempotency-Key", key);
            sealed(post, &ours.named(&json!({ "currency": currency })))
        };
        let first = opened(201, keyed("EUR", "one")).await;
        // Other bytes, the same content: it is the same request.
        assert_eq!(opened(201, keyed("EUR", "one")).await, first);
        for (request, status, title) in [
            (encrypted(partner.get(&unknown)), 404, "BALANCE_NOT_FOUND"),
            (both_ways(partner.get("/secure/nothing")), 404, "NOT_FOUND"),
            (both_ways(partner.request(Method::DELETE, &balances)), 405, "METHOD_NOT_ALLOWED"),
            (both_ways(sandbox.anonymous().get(&balances)), 401, "CERTIFICATE_REQUIRED"),
            (both_ways(sandbox.processor().get(&balances)), 403, "FORBIDDEN"),
            (keyed("PLN", "one"), 409, "IDEMPOTENCY_KEY_REUSED"),
            (keyed("rubbish", "two"), 422, "VALIDATION_ERROR"),
            (both_ways(partner.post(&balances)), 400, "INVALID_REQUEST"),
        ] {
            let answered = request.send().await.expect("an answer");
            assert_eq!(answered.headers()["content-type"], "application/problem+json", "{title}");
            assert_eq!(answered.status(), status, "{title}");
            let body: Value = answered.json().await.expect("JSON");
            assert_eq!(body["title"], title);
        }
    }

    /// A header is true only if it is the word `true`.
    async fn a_header_that_is_not_the_word_true_asks_for_nothing(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let cards = format!("/secure/customers/{}/cards", story.customer);
        let full = format!("{cards}/{}", story.card);
        for word in ["True", "TRUE", "1", "yes", "false", "", "true, true"] {
            for name in ["Encrypt-Response", "Encrypted-Request"] {
                let listed = partner.get(&cards).header(name, word).header("Public-Key", "rubbish");
                let (status, body) = answer(listed).await;
                assert!(status == 200 && body["items"].is_array(), "{name}: {word}: {body}");
                let refused = expect(400, partner.get(&full).header(name, word)).await;
                assert_eq!(refused["title"], "ENCRYPTION_REQUIRED", "{name}: {word}");
            }
        }
    }
}
