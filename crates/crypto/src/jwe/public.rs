//! The key of the one who reads: checking it, encrypting for it.

use crate::encoding::from_pem;
use crate::gcm::{Gcm, KEY_LEN};
use crate::random;
use crate::rsa::{EXPONENT, Weakness, modulus};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::{
    STANDARD_PAD_INDIFFERENT, URL_SAFE_NO_PAD, URL_SAFE_PAD_INDIFFERENT,
};
use std::fmt;
use thiserror::Error;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

/// Characters of a `Public-Key` header at most. Base64 of a PEM of 4096 bits has some 1,080.
const HEADER_LEN_MAX: usize = 2048;

/// An RSA public key that answers are encrypted for: 2048 to 4096 bits, exponent 65537.
pub struct PublicKey {
    key: OaepPublicEncryptingKey,
    /// Big-endian, without leading zeros.
    modulus: Vec<u8>,
}

/// Why a `Public-Key` header isn't usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPublicKey {
    /// Longer than 2 KiB.
    #[error("the public key is longer than 2048 characters")]
    TooLong,
    /// Neither standard nor URL-safe base64.
    #[error("the public key must be base64, without white space")]
    NotBase64,
    /// Base64 of something else.
    #[error("the public key must be a PEM \"PUBLIC KEY\" or a DER SubjectPublicKeyInfo of RSA")]
    NotAnRsaKey,
    /// Too weak, or slow beyond need.
    #[error("the public key must have 2048 to 4096 bits")]
    WrongSize,
    /// Small exponents are open to attacks, large ones are slow.
    #[error("the public key must have the exponent 65537")]
    WrongExponent,
}

impl PublicKey {
    /// Reads the value of a `Public-Key` header: base64 (standard or URL-safe, padded or not) of a
    /// PEM or of a DER `SubjectPublicKeyInfo`; 2048 characters at most.
    pub fn parse(header: &str) -> Result<Self, InvalidPublicKey> {
        if header.len() > HEADER_LEN_MAX {
            return Err(InvalidPublicKey::TooLong);
        }
        let decoded = STANDARD_PAD_INDIFFERENT
            .decode(header)
            .or_else(|_| URL_SAFE_PAD_INDIFFERENT.decode(header))
            .map_err(|_| InvalidPublicKey::NotBase64)?;
        match std::str::from_utf8(&decoded) {
            Ok(text) if text.contains("-----BEGIN ") => {
                let der = from_pem("PUBLIC KEY", text).ok_or(InvalidPublicKey::NotAnRsaKey)?;
                Self::from_spki(&der)
            }
            Ok(_) | Err(_) => Self::from_spki(&decoded),
        }
    }

    /// Reads a PEM of a `PUBLIC KEY`.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidPublicKey> {
        Self::from_spki(&from_pem("PUBLIC KEY", pem).ok_or(InvalidPublicKey::NotAnRsaKey)?)
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    pub(super) fn from_spki(der: &[u8]) -> Result<Self, InvalidPublicKey> {
        let Ok((&[], info)) = SubjectPublicKeyInfo::from_der(der) else {
            return Err(InvalidPublicKey::NotAnRsaKey);
        };
        let modulus = modulus(&info)?.to_vec();
        let key = PublicEncryptingKey::from_der(der).map_err(|_| InvalidPublicKey::NotAnRsaKey)?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| InvalidPublicKey::NotAnRsaKey)?;
        Ok(Self { key, modulus })
    }

    /// Encrypts into a compact JWE: `RSA-OAEP-256`, `A256GCM`, and a `kid` if there is one to name.
    #[must_use]
    pub fn encrypt(&self, kid: Option<&str>, plaintext: &[u8]) -> String {
        let mut content_key = Zeroizing::new([0; KEY_LEN]);
        random::fill(&mut *content_key);
        let header = URL_SAFE_NO_PAD.encode(header(kid));
        let (nonce, mut text) = Gcm::new(&content_key).seal(header.as_bytes(), plaintext);
        let tag = text.split_off(plaintext.len());
        let key = self.wrap(&*content_key);
        let [key, nonce, text, tag] =
            [&key[..], &nonce, &text, &tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{key}.{nonce}.{text}.{tag}")
    }

    pub(super) fn wrap(&self, content_key: &[u8]) -> Vec<u8> {
        let mut wrapped = vec![0; self.key.ciphertext_size()];
        let length = self
            .key
            .encrypt(&OAEP_SHA256_MGF1SHA256, content_key, &mut wrapped, None)
            .expect("a checked key of 2048 bits has room for a content key")
            .len();
        wrapped.truncate(length);
        wrapped
    }

    /// The key's thumbprint (RFC 7638, SHA-256), base64url: a name for it.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let [e, n] = [&EXPONENT[..], &self.modulus].map(|number| URL_SAFE_NO_PAD.encode(number));
        let json = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes()))
    }
}

/// The digest of a `Public-Key` header, to find again what was read from it: SHA-256.
#[must_use]
pub fn header_digest(header: &str) -> [u8; 32] {
    digest(&SHA256, header.as_bytes()).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint())
    }
}

impl From<Weakness> for InvalidPublicKey {
    fn from(weakness: Weakness) -> Self {
        match weakness {
            Weakness::NotRsa => Self::NotAnRsaKey,
            Weakness::Size => Self::WrongSize,
            Weakness::Exponent => Self::WrongExponent,
        }
    }
}

/// The protected header, always in this order.
fn header(kid: Option<&str>) -> String {
    let kid = kid.map(|kid| format!(r#","kid":{}"#, serde_json::Value::from(kid)));
    format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM"{}}}"#, kid.unwrap_or_default())
}
