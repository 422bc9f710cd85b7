//! Our own key: reading it, decrypting with it.

use super::JweError;
use super::public::{InvalidPublicKey, PublicKey};
use super::token::Token;
use crate::encoding::{from_pem, to_pem};
use crate::gcm::{Gcm, KEY_LEN};
use crate::random;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// An RSA private key that requests are decrypted with. Using it takes about a millisecond.
pub struct PrivateKey {
    key: PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    public_pem: String,
    kid: String,
}

secret_debug!(PrivateKey);

/// The text isn't a private key that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a PKCS#8 PEM of an RSA key of 2048 to 4096 bits with the exponent 65537")]
pub struct InvalidPrivateKey;

impl PrivateKey {
    /// Makes a new key of 2048 bits. Takes a good part of a second.
    #[must_use]
    pub fn generate() -> Self {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048);
        let key = key.expect("aws-lc makes RSA keys of 2048 bits");
        Self::new(key).expect("a key just made has 2048 bits and the exponent 65537")
    }

    /// Reads a PEM of PKCS#8 ("PRIVATE KEY"): an RSA key of 2048 to 4096 bits, exponent 65537.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, InvalidPrivateKey> {
        let der = from_pem("PRIVATE KEY", pem).ok_or(InvalidPrivateKey)?;
        let key = PrivateDecryptingKey::from_pkcs8(&der).map_err(|_| InvalidPrivateKey)?;
        Self::new(key).map_err(|_| InvalidPrivateKey)
    }

    fn new(key: PrivateDecryptingKey) -> Result<Self, InvalidPublicKey> {
        let spki = key.public_key().as_der().map_err(|_| InvalidPublicKey::NotAnRsaKey)?;
        let kid = PublicKey::from_spki(spki.as_ref())?.thumbprint();
        let oaep = OaepPrivateDecryptingKey::new(key.clone());
        let oaep = oaep.map_err(|_| InvalidPublicKey::NotAnRsaKey)?;
        let public_pem = String::clone(&to_pem("PUBLIC KEY", spki.as_ref()));
        Ok(Self { key, oaep, public_pem, kid })
    }

    /// The key as a PEM of PKCS#8, for sealing it.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let der = self.key.as_der().expect("an RSA key can be written");
        to_pem("PRIVATE KEY", der.as_ref())
    }

    /// The public half as a PEM.
    #[must_use]
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The public half as it stands in a `Public-Key` header and in `publicKey`: base64 of the PEM.
    #[must_use]
    pub fn public_header(&self) -> String {
        STANDARD.encode(&self.public_pem)
    }

    /// The key's name in the header of a token: its thumbprint (RFC 7638, SHA-256), base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Decrypts a compact JWE. Its `kid` isn't compared with this key's: the caller chose the key.
    pub fn decrypt(&self, token: &str) -> Result<Zeroizing<Vec<u8>>, JweError> {
        self.open(&Token::parse(token)?).ok_or(JweError::CantDecrypt)
    }

    fn open(&self, token: &Token) -> Option<Zeroizing<Vec<u8>>> {
        let content_key = self.content_key(token);
        Gcm::new(&content_key).open(token.nonce, token.header.as_bytes(), &token.body)
    }

    /// The key of the token's content; a random one where the token's can't be decrypted.
    fn content_key(&self, token: &Token) -> Zeroizing<[u8; KEY_LEN]> {
        let mut content_key = Zeroizing::new([0; KEY_LEN]);
        random::fill(&mut *content_key);
        let mut buffer = Zeroizing::new(vec![0; self.oaep.min_output_size()]);
        let decrypted = self.oaep.decrypt(token.algorithm, &token.encrypted_key, &mut buffer, None);
        if let Ok(key) = decrypted
            && key.len() == KEY_LEN
        {
            content_key.copy_from_slice(key);
        }
        content_key
    }
}

/// Decrypts a token with that one of these keys that it was made for. Each of them is tried to its
/// end, also after one has fitted, so that the time doesn't tell which it was.
pub fn decrypt_with(
    keys: &[Arc<PrivateKey>],
    token: &Token,
) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let mut opened = None;
    for key in keys {
        let tried = key.open(token);
        opened = opened.or(tried);
    }
    opened.ok_or(JweError::CantDecrypt)
}
