//! A user's device, as far as it signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

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

    /// The value of `X-Step-Up` for a call.
    ///
    /// # Panics
    ///
    /// If it can't sign.
    #[must_use]
    pub fn step_up(&self, challenge: &str, method: &str, path: &str) -> String {
        let message = format!("{challenge}\n{method}\n{path}");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
        format!("{challenge}.{}", crypto::encoding::url_safe(signature.as_ref()))
    }
}

impl Default for Device {
    fn default() -> Self {
        Self::new()
    }
}
