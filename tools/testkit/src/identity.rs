//! A partner's own way to know its users: it vouches for one with a token that it signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use crypto::encoding::url_safe;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256,
};
use serde_json::{Value, json};

/// Who vouches: an authority, and a certificate of it with its key.
pub struct TrustedIdentity {
    /// The authority, PEM.
    pub authority: String,
    /// The chain as `x5c` has it.
    chain: Value,
    key: RsaKeyPair,
}

impl TrustedIdentity {
    /// One whose certificate has this common name.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    #[must_use]
    pub fn new(common_name: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let mut params = named("An authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("signed");
        let authority = root.pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
        let leaf = named(common_name).signed_by(&key, &issuer).expect("signed");
        let text = |pem: String| {
            let lines = pem.lines().filter(|line| !line.starts_with("-----"));
            lines.collect::<String>()
        };
        let chain = json!([text(leaf.pem()), text(authority.clone())]);
        let key = RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a key");
        Self { authority, chain, key }
    }

    /// A token of these claims.
    ///
    /// # Panics
    ///
    /// If it can't sign.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "x5c": self.chain });
        let part = |value: &Value| url_safe(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let done = self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature);
        done.expect("signs");
        format!("{signed}.{}", url_safe(&signature))
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
