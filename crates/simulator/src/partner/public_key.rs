//! `GET /public-key`: what sensitive notifications are encrypted for.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::OnceLock;

/// The key as PEM in base64. It is made when it is first asked for and lasts as long as the
/// process: nobody opens here what is encrypted for it.
pub(super) fn public_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key of this size can be made");
        let public: Result<PublicKeyX509Der<'_>, _> = pair.public_key().as_der();
        let der = public.expect("a key that was made has an encoding");
        STANDARD.encode(pem(der.as_ref()))
    })
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in encoded.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}
