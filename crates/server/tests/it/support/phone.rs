//! A user's app, with a session that the server was asked for through its control socket: until
//! pairing begins sessions.

use super::{Caller, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::Device;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// A user's app.
pub(crate) struct Phone {
    /// Calls with the session's token.
    pub(crate) caller: Caller,
    /// Signs.
    pub(crate) device: Device,
    /// The token itself.
    pub(crate) token: String,
}

impl Sandbox {
    /// Begins a session of a user of the partner of a code.
    pub(crate) async fn phone(&self, code: &str, customer: i64) -> Phone {
        let device = Device::new();
        let key: String = device.public_key().iter().map(|byte| format!("{byte:02x}")).collect();
        let act =
            json!({ "beginSession": { "partner": code, "user": customer, "publicKey": key } });
        let stream = UnixStream::connect(self.dir().join("control.sock")).await.expect("is there");
        let (reading, mut writing) = stream.into_split();
        writing.write_all(format!("{act}\n").as_bytes()).await.expect("is sent");
        let mut line = String::new();
        BufReader::new(reading).read_line(&mut line).await.expect("is answered");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        let token = told["done"]["token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        let caller = self.anonymous().with_bearer(&token);
        Phone { caller, device, token }
    }
}

impl Phone {
    /// A call with a fresh signature of the device.
    pub(crate) async fn signed(&self, method: Method, path: &str) -> RequestBuilder {
        let challenge = self.challenge().await;
        let signed = self.device.step_up(&challenge, method.as_str(), path);
        self.caller.request(method, path).header("X-Step-Up", signed)
    }

    /// Something to sign.
    pub(crate) async fn challenge(&self) -> String {
        let asked = self.caller.post("/customers/me/step-up").send().await.expect("an answer");
        assert_eq!(asked.status(), 201);
        let told: Value = asked.json().await.expect("JSON");
        told["challenge"].as_str().expect("a text").to_owned()
    }
}
