//! A user's app, paired as any is: by a code that the partner has handed on.

use super::{Caller, Sandbox};
use crate::story::{expect, unique};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::Device;

/// A user's app.
pub(crate) struct Phone {
    /// Calls with the session's token.
    pub(crate) caller: Caller,
    /// Signs.
    pub(crate) device: Device,
    /// The token itself.
    pub(crate) token: String,
    /// What it was paired as.
    pub(crate) installation: String,
}

impl Sandbox {
    /// Pairs a new device of a user of the partner `sandbox`, or of another that it lists.
    pub(crate) async fn phone(&self, code: &str, customer: i64) -> Phone {
        match code {
            "sandbox" => self.phone_of(self.partner(), code, customer).await,
            _ => self.phone_of(&self.partner_of_code(code), code, customer).await,
        }
    }

    /// The same for whoever calls as the partner of a code.
    pub(crate) async fn phone_of(&self, partner: &Caller, code: &str, customer: i64) -> Phone {
        Phone::paired((partner, code), self.anonymous(), customer).await
    }
}

impl Phone {
    /// Pairs a new device of a user of a partner; it calls as this caller, and with its token.
    pub(crate) async fn paired(
        (partner, code): (&Caller, &str),
        app: &Caller,
        customer: i64,
    ) -> Self {
        let offered = offered(partner, code, customer).await;
        let device = Device::new();
        let body = device.pairing(&offered, &format!("device-{}", unique()));
        let paired = expect(201, app.post("/customers/devices").json(&body)).await;
        let text = |name: &str| paired[name].as_str().expect("a text").to_owned();
        let token = text("sessionToken");
        let caller = app.with_bearer(&token);
        Self { caller, device, token, installation: text("installationId") }
    }
}

/// An activation code for a user of the partner of a code.
pub(crate) async fn offered(partner: &Caller, code: &str, customer: i64) -> String {
    let offer = partner.post(&format!("/lifecycle/v1/users/{customer}/pairing"));
    let offered = expect(201, offer.header("Issuer-Code", code)).await;
    offered["activationCode"].as_str().expect("a code").to_owned()
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
        let asked = expect(201, self.caller.post("/customers/me/step-up")).await;
        asked["challenge"].as_str().expect("a text").to_owned()
    }

    /// What begins a session with a fresh nonce, of whoever is to have signed it.
    pub(crate) async fn beginning(&self, signer: &Device) -> Value {
        let ask = self.caller.post("/customers/sessions/challenge");
        let asked = expect(201, ask.json(&json!({ "installationId": self.installation }))).await;
        let nonce = asked["nonce"].as_str().expect("a text");
        let signature = signer.sign(nonce, "POST", "/customers/sessions");
        json!({ "installationId": self.installation, "nonce": nonce, "signature": signature })
    }
}
