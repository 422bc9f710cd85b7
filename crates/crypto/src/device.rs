//! The keys that users' devices make, and what they sign with them: ECDSA on P-256 with SHA-256.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use thiserror::Error;

/// The public key of a device.
pub struct DeviceKey(ParsedPublicKey);

secret_debug!(DeviceKey);

/// The bytes aren't a public key of P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a public key of P-256, as SubjectPublicKeyInfo or as an uncompressed point")]
pub struct InvalidDeviceKey;

impl DeviceKey {
    /// Takes a public key: the DER of a `SubjectPublicKeyInfo`, or an uncompressed point.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidDeviceKey> {
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bytes);
        parsed.map(Self).map_err(|_| InvalidDeviceKey)
    }

    /// Whether a signature, in the DER that phones make, is this device's under a message.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    };

    #[test]
    fn what_a_device_signed_is_its_own() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a pair");
        let key = DeviceKey::parse(pair.public_key().as_ref()).expect("its own");
        let signed = pair.sign(&SystemRandom::new(), b"a message").expect("signs");
        assert!(key.has_signed(b"a message", signed.as_ref()));
        assert!(!key.has_signed(b"another", signed.as_ref()));
        assert!(!key.has_signed(b"a message", &signed.as_ref()[1..]));
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a pair");
        let other = DeviceKey::parse(other.public_key().as_ref()).expect("its own");
        assert!(!other.has_signed(b"a message", signed.as_ref()));
    }

    #[test]
    fn other_keys_are_refused() {
        let wide = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).expect("a pair");
        for bad in [&[][..], &[4; 65], wide.public_key().as_ref(), b"-----BEGIN PUBLIC KEY-----"] {
            assert_eq!(DeviceKey::parse(bad).err(), Some(InvalidDeviceKey));
        }
    }
}
