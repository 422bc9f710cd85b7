//! A P-256 key that signs certificates and requests, wiped when dropped.

use crate::encoding::{from_pem, to_pem};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rcgen::{Error, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};
use zeroize::Zeroizing;

/// A key of ours. `rcgen` has a type for this too, but that leaves the key in memory.
pub(super) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(super) fn generate() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        Self(key.expect("aws-lc makes keys of P-256"))
    }

    pub(super) fn from_pem(pem: &str) -> Option<Self> {
        let der = from_pem("PRIVATE KEY", pem)?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).ok().map(Self)
    }

    pub(super) fn to_pem(&self) -> Zeroizing<String> {
        let der = self.0.to_pkcs8v1().expect("a key of P-256 can be written");
        to_pem("PRIVATE KEY", der.as_ref())
    }
}

impl PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| Error::RingUnspecified)
    }
}
