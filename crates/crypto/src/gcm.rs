//! AES-256-GCM with a random nonce, under the three formats that use it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 12;
/// Bytes of a tag.
pub(crate) const TAG_LEN: usize = 16;

/// A key of AES-256-GCM.
pub(crate) struct Gcm(RandomizedNonceKey);

impl Gcm {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key);
        Self(key.expect("a key of AES-256 is 32 bytes long"))
    }

    /// Encrypts; the answer is the nonce, and the ciphertext followed by its tag.
    pub(crate) fn seal(&self, additional: &[u8], plaintext: &[u8]) -> ([u8; NONCE_LEN], Vec<u8>) {
        // Room for the tag, so that growing leaves no copy of the plaintext behind.
        let mut body = Vec::with_capacity(plaintext.len() + TAG_LEN);
        body.extend_from_slice(plaintext);
        let nonce = self.0.seal_in_place_append_tag(Aad::from(additional), &mut body);
        let nonce = nonce.expect("AES-GCM encrypts whatever fits into memory");
        (*nonce.as_ref(), body)
    }

    /// Decrypts a ciphertext followed by its tag, if key, nonce and additional data are its own.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        additional: &[u8],
        body: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(additional), &mut body);
        let length = opened.ok()?.len();
        body.truncate(length);
        Some(body)
    }
}
