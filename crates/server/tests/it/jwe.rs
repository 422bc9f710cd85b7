//! JWE over TLS: on every kind of endpoint, with foreign libraries, with rubbish, and while its key
//! is rotated.

mod endpoints;
mod foreign;
mod mutated;
mod refused;
mod rotation;

use crate::story::{KEY, expect};
use crate::support::Caller;
use crypto::jwe::PublicKey;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// The key that the platform publishes.
#[derive(Debug)]
struct Published {
    /// As it is published: base64 of a PEM.
    text: String,
    kid: String,
    key: PublicKey,
}

impl Published {
    async fn of(caller: &Caller) -> Self {
        let told = expect(200, caller.get("/secure/public-key")).await;
        let text = told["publicKey"].as_str().expect("a key").to_owned();
        let kid = told["kid"].as_str().expect("a name").to_owned();
        let key = PublicKey::parse(&text).expect("the key can be read");
        assert_eq!(key.thumbprint(), kid);
        Self { text, kid, key }
    }

    /// Encrypts, naming the key.
    fn named(&self, body: &Value) -> String {
        self.key.encrypt(Some(&self.kid), body.to_string().as_bytes())
    }

    /// Encrypts without naming the key.
    fn nameless(&self, body: &Value) -> String {
        self.key.encrypt(None, body.to_string().as_bytes())
    }
}

/// Makes a request encrypted in both directions.
fn sealed(request: RequestBuilder, token: &str) -> RequestBuilder {
    both_ways(request).json(&json!({ "payload": token }))
}

/// The headers of a request that is encrypted in both directions.
fn both_ways(request: RequestBuilder) -> RequestBuilder {
    request.header("Encrypted-Request", "true").header("Public-Key", KEY.public_header())
}

/// The token with one of its five parts replaced.
fn with_part(token: &str, place: usize, part: &str) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    parts[place] = part;
    parts.join(".")
}
