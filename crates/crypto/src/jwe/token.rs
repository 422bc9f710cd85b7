//! A token's parts, checked before anything is decrypted.

use super::JweError;
use crate::gcm::{NONCE_LEN, TAG_LEN};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Characters of a token at most: four times the largest request.
const TOKEN_LEN_MAX: usize = 4 * 1024 * 1024;
/// Characters of an encoded header at most; ours has about 120.
const HEADER_LEN_MAX: usize = 4096;
/// Bytes of an encrypted key at most: RSA of 4096 bits.
const ENCRYPTED_KEY_LEN_MAX: usize = 512;

/// A well-formed token of accepted algorithms, which may be anybody's.
pub struct Token {
    /// The protected header as it came, encoded: the additional data of the content.
    pub(super) header: String,
    kid: Option<String>,
    pub(super) algorithm: &'static OaepAlgorithm,
    pub(super) encrypted_key: Vec<u8>,
    pub(super) nonce: [u8; NONCE_LEN],
    /// The ciphertext followed by its tag.
    pub(super) body: Vec<u8>,
}

impl Token {
    /// Checks all that can be checked of a compact JWE without a key.
    pub fn parse(token: &str) -> Result<Self, JweError> {
        Self::checked(token).ok_or(JweError::InvalidPayload)
    }

    /// The name of the key that it says it was made for. Nothing vouches for it.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    fn checked(token: &str) -> Option<Self> {
        let [header, key, nonce, text, tag] = parts(token)?;
        let Header { algorithm, kid } = Header::parse(header)?;
        let encrypted_key = decoded(key)?;
        let nonce = decoded(nonce)?.try_into().ok()?;
        let (mut body, tag) = (decoded(text)?, decoded(tag)?);
        if !(1..=ENCRYPTED_KEY_LEN_MAX).contains(&encrypted_key.len()) || tag.len() != TAG_LEN {
            return None;
        }
        body.extend(tag);
        Some(Self { header: header.to_owned(), kid, algorithm, encrypted_key, nonce, body })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.body.len())
    }
}

fn parts(token: &str) -> Option<[&str; 5]> {
    if token.len() > TOKEN_LEN_MAX {
        return None;
    }
    // Six at most: a sixth is enough to see that there are too many.
    token.splitn(6, '.').collect::<Vec<_>>().try_into().ok()
}

/// Decodes base64url. Padding, white space and stray bits at the end are refused, so that a
/// token has one spelling.
fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// What we heed of a protected header.
struct Header {
    algorithm: &'static OaepAlgorithm,
    kid: Option<String>,
}

impl Header {
    fn parse(encoded: &str) -> Option<Self> {
        if encoded.len() > HEADER_LEN_MAX {
            return None;
        }
        let Members(mut members) = serde_json::from_slice(&decoded(encoded)?).ok()?;
        if members.contains_key("zip") || members.contains_key("crit") {
            return None;
        }
        let texts = ["alg", "enc", "kid", "typ", "cty"];
        if texts.iter().any(|name| members.get(*name).is_some_and(|value| !value.is_string())) {
            return None;
        }
        let algorithm = match members.get("alg")?.as_str()? {
            "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
            "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
            _ => return None,
        };
        if members.get("enc")?.as_str()? != "A256GCM" {
            return None;
        }
        let kid = members.remove("kid").and_then(|kid| kid.as_str().map(str::to_owned));
        Some(Self { algorithm, kid })
    }
}

/// The members of a JSON object, none of them twice.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(Members(members))
    }
}
