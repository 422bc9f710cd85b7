//! The way from nothing to a card with money behind it, as a partner goes it.

use crate::support::{Caller, Sandbox};
use crypto::jwe::PrivateKey;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A partner's own key; one for all tests, since making it takes long.
pub(crate) static KEY: LazyLock<PrivateKey> = LazyLock::new(PrivateKey::generate);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that nobody else gets.
pub(crate) fn unique() -> u64 {
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// A user with a balance and a card.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) customer: i64,
    pub(crate) balance: String,
    pub(crate) card: i64,
    /// The card's full data, as the partner decrypted it.
    pub(crate) full: Value,
}

/// Status and body of an answer.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Asserts a status and gives the body.
pub(crate) async fn expect(status: u16, request: RequestBuilder) -> Value {
    let (told, body) = answer(request).await;
    assert_eq!(told, status, "{body}");
    body
}

/// A user's registration, unlike any other.
pub(crate) fn registration() -> Value {
    let number = unique();
    json!({
        "firstName": "John", "lastName": "Doe", "phone": format!("{:09}", 200_000_000 + number),
        "email": format!("john{number}@doe.test"), "birthDate": "2000-01-01",
        "state": "VERIFIED", "kyc": "SUCCESS",
    })
}

/// `POST /lifecycle/v1/wallet`.
pub(crate) fn register(caller: &Caller, body: &Value) -> RequestBuilder {
    caller.post("/lifecycle/v1/wallet").header("Issuer-Code", "sandbox").json(body)
}

/// Decrypts the answer to a call that was made with [`KEY`].
pub(crate) fn decrypted(body: &Value) -> Value {
    serde_json::from_str(&decrypted_text(body)).expect("JSON")
}

/// The same, of an answer that isn't JSON.
pub(crate) fn decrypted_text(body: &Value) -> String {
    let token = body["payload"].as_str().expect("a payload");
    let plain = KEY.decrypt(token).expect("our key opens it");
    String::from_utf8(plain.to_vec()).expect("a text")
}

/// Asks for an encrypted answer.
pub(crate) fn encrypted(request: RequestBuilder) -> RequestBuilder {
    request.header("Encrypt-Response", "true").header("Public-Key", KEY.public_header())
}

impl Story {
    /// A user, a balance in euro with this much on it, and a virtual card.
    pub(crate) async fn begin(sandbox: &Sandbox, minor: i64) -> Self {
        Self::begin_as(sandbox.partner(), minor).await
    }

    /// As [`Story::begin`], by a caller that may outlive the sandbox.
    pub(crate) async fn begin_as(partner: &Caller, minor: i64) -> Self {
        Self::begin_of((partner, "sandbox", "0019167984"), minor).await
    }

    /// As [`Story::begin_as`], of a partner and a program.
    pub(crate) async fn begin_of(
        (partner, code, config_id): (&Caller, &str, &str),
        minor: i64,
    ) -> Self {
        let wallet = partner.post("/lifecycle/v1/wallet").header("Issuer-Code", code);
        let user = expect(201, wallet.json(&registration())).await;
        let customer = user["id"].as_i64().expect("an id");
        let path = format!("/secure/customers/{customer}/balances");
        let made = expect(201, partner.post(&path).json(&json!({ "currency": "EUR" }))).await;
        let balance = made["balanceId"].as_str().expect("an id").to_owned();
        let path = format!("/secure/customers/{customer}/cards/virtual");
        let body = json!({ "balanceId": balance, "configId": config_id, "dcUserId": customer });
        let full = decrypted(&expect(201, encrypted(partner.post(&path).json(&body))).await);
        let card = full["id"].as_i64().expect("an id");
        let story = Self { customer, balance, card, full };
        if minor > 0 {
            let id = format!("top-up-{}", unique());
            expect(201, story.top_up(partner, &json!(minor), &id)).await;
        }
        story
    }

    /// `POST /secure/balances/{balanceId}/transactions`.
    pub(crate) fn top_up(&self, partner: &Caller, amount: &Value, id: &str) -> RequestBuilder {
        partner.post(&format!("/secure/balances/{}/transactions", self.balance)).json(&json!({
            "type": "topUp", "amount": amount, "currency": "EUR", "description": "Top-up",
            "externalTransactionId": id,
        }))
    }

    /// The same of another type; the partner's own name is the idempotency key too.
    pub(crate) fn moved(
        &self,
        partner: &Caller,
        (kind, amount): (&str, i64),
        name: &str,
    ) -> RequestBuilder {
        let path = format!("/secure/balances/{}/transactions", self.balance);
        partner.post(&path).header("X-Idempotency-Key", name).json(&json!({
            "type": kind, "amount": amount, "currency": "EUR", "description": "Moved",
            "externalTransactionId": name,
        }))
    }

    /// `POST /processor/v1/authorizations`; the network's id is the idempotency key too.
    pub(crate) fn purchase(&self, processor: &Caller, minor: i64, id: &str) -> RequestBuilder {
        self.message(processor, "authorizations", minor, id, None)
    }

    /// `POST /processor/v1/authorizations` of a kind.
    pub(crate) fn told(
        &self,
        processor: &Caller,
        kind: &str,
        minor: i64,
        id: &str,
    ) -> RequestBuilder {
        let body = json!({
            "card": { "cardId": self.card }, "kind": kind, "type": "pos", "amount": minor,
            "currency": "EUR", "transactionId": id, "description": "Book store",
            "transactionDate": "2026-11-21T10:00:00+00:00",
        });
        let path = "/processor/v1/authorizations";
        processor.post(path).header("X-Idempotency-Key", id).json(&body)
    }

    /// The same for more of what is named.
    pub(crate) fn raised(
        &self,
        processor: &Caller,
        minor: i64,
        id: &str,
        of: &str,
    ) -> RequestBuilder {
        let body = json!({
            "card": { "cardId": self.card }, "kind": "incremental", "type": "pos",
            "amount": minor, "currency": "EUR", "transactionId": id, "description": "Book store",
            "transactionDate": "2026-11-21T10:00:00+00:00", "referenceTransactionId": of,
            "referenceTransactionDate": "2026-11-21T10:00:00+00:00",
        });
        let path = "/processor/v1/authorizations";
        processor.post(path).header("X-Idempotency-Key", id).json(&body)
    }

    /// A message of the network about this card.
    pub(crate) fn message(
        &self,
        processor: &Caller,
        kind: &str,
        minor: i64,
        id: &str,
        of: Option<&str>,
    ) -> RequestBuilder {
        let mut body = json!({
            "card": { "cardId": self.card }, "amount": minor, "currency": "EUR",
            "transactionId": id, "transactionDate": "2026-11-21T10:00:00+00:00",
            "description": "Book store",
        });
        if kind == "authorizations" {
            body["kind"] = "authorization".into();
            body["type"] = "pos".into();
        }
        if let Some(of) = of {
            body["referenceTransactionId"] = of.into();
            body["referenceTransactionDate"] = "2026-11-21T10:00:00+00:00".into();
        }
        let path = format!("/processor/v1/{kind}");
        processor.post(&path).header("X-Idempotency-Key", id).json(&body)
    }

    /// What can be spent and what is held, in minor units.
    pub(crate) async fn amounts(&self, sandbox: &Sandbox) -> (i64, i64) {
        self.amounts_by(sandbox.partner()).await
    }

    /// The same, as its own partner sees it.
    pub(crate) async fn amounts_by(&self, partner: &Caller) -> (i64, i64) {
        let path = format!("/secure/customers/{}/balances/{}", self.customer, self.balance);
        let found = expect(200, partner.get(&path)).await;
        let amount = |name: &str| found[name].as_i64().expect("an amount");
        (amount("amount"), amount("blockedAmount"))
    }
}
