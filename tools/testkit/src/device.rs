//! A user's device, as far as it signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// A device with a key of its own.
pub struct Device(EcdsaKeyPair);

impl Device {
    /// A new one.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    #[must_use]
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a pair"))
    }

    /// Its public key: an uncompressed point.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The body of `POST /customers/devices` with a code, for a device of this name.
    #[must_use]
    pub fn pairing(&self, code: &str, device: &str) -> Value {
        let key = crypto::encoding::url_safe(self.public_key());
        json!({
            "activationCode": code, "deviceId": device, "platform": "ANDROID", "publicKey": key,
        })
    }

    /// What it signs of a challenge, for a call: base64 for URLs.
    ///
    /// # Panics
    ///
    /// If it can't sign.
    #[must_use]
    pub fn sign(&self, challenge: &str, method: &str, path: &str) -> String {
        let message = format!("{challenge}\n{method}\n{path}");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
        crypto::encoding::url_safe(signature.as_ref())
    }

    /// The value of `X-Step-Up` for a call.
    ///
    /// # Panics
    ///
    /// If it can't sign.
    #[must_use]
    pub fn step_up(&self, challenge: &str, method: &str, path: &str) -> String {
        format!("{challenge}.{}", self.sign(challenge, method, path))
    }
}

impl Default for Device {
    fn default() -> Self {
        Self::new()
    }
}
