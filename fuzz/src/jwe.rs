//! Tokens, their headers, and the keys that callers send.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::jwe::{JweError, PrivateKey, PublicKey, Token};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The key of both sides: that of RFC 7516, for which there are tokens in `corpus/`.
pub(crate) static KEY: LazyLock<PrivateKey> = LazyLock::new(rfc7516);

/// The key of RFC 7516, appendix A.1.
pub(crate) fn rfc7516() -> PrivateKey {
    let pem = include_str!("../../crates/crypto/testdata/rfc7516-a1-key.pem");
    PrivateKey::from_pkcs8_pem(pem).expect("the key of RFC 7516")
}

/// A text encrypted for this key.
pub(crate) fn encrypted(plain: &[u8]) -> String {
    PublicKey::parse(&KEY.public_header()).expect("a key of ours").encrypt(None, plain)
}

/// Tokens: what is no token isn't decrypted, what is one has one spelling.
pub fn token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = text.trim_end();
    let opened = KEY.decrypt(text);
    if Token::parse(text).is_err() {
        assert_eq!(opened.err(), Some(JweError::InvalidPayload));
        return;
    }
    for part in text.split('.') {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("a part of a token is base64url");
        assert_eq!(URL_SAFE_NO_PAD.encode(bytes), part);
    }
    match opened {
        Ok(plain) => {
            let again = KEY.decrypt(&encrypted(&plain)).expect("ours");
            assert_eq!(*again, *plain);
        }
        Err(error) => assert_eq!(error, JweError::CantDecrypt),
    }
}

/// The protected header of a token that is well-formed otherwise.
pub fn header(data: &[u8]) {
    let parts = [data, &[1; 256], &[2; 12], b"text", &[3; 16]];
    let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let Ok(token) = Token::parse(&token) else { return };
    let header: Map<String, Value> = serde_json::from_slice(data).expect("a header is an object");
    assert!(["RSA-OAEP", "RSA-OAEP-256"].iter().any(|name| header["alg"] == *name), "{header:?}");
    assert_eq!(header["enc"], "A256GCM");
    assert!(!header.contains_key("zip") && !header.contains_key("crit"), "{header:?}");
    assert_eq!(token.kid(), header.get("kid").and_then(Value::as_str));
}

/// The header `Public-Key`: a key that is read can be used, and is the same in another spelling.
pub fn public_key(data: &[u8]) {
    let name = |header: &str| {
        let key = PublicKey::parse(header).ok()?;
        let token = key.encrypt(Some("name"), b"{}");
        assert_eq!(Token::parse(&token).expect("a token of ours").kid(), Some("name"));
        Some(key.thumbprint())
    };
    let named = name(&STANDARD.encode(data));
    // The other spelling may be short enough where the first is too long.
    assert!(named.is_none() || named == name(&URL_SAFE_NO_PAD.encode(data)));
    name(String::from_utf8_lossy(data).trim_end());
}
