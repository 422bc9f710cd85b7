//! Compact JWE (RFC 7516), as sensitive requests and responses travel.
//!
//! We send `RSA-OAEP-256` with `A256GCM`, and accept `RSA-OAEP` (SHA-1) besides. Everything about
//! a token is checked before its key is decrypted, and from there on there is one path and one
//! error: where OAEP fails a random key takes the place of the content key, and the decryption of
//! the content fails as it does for an altered token.

mod private;
mod public;
#[cfg(test)]
mod tests;
mod token;

pub use private::{InvalidPrivateKey, PrivateKey, decrypt_with};
pub use public::{InvalidPublicKey, PublicKey, header_digest};
pub use token::Token;

use thiserror::Error;

/// Why a token wasn't decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JweError {
    /// It isn't a compact JWE of the algorithms accepted. Nothing was decrypted.
    #[error("must be a compact JWE with RSA-OAEP-256 or RSA-OAEP and A256GCM")]
    InvalidPayload,
    /// It was made for another key, or altered. Which of these isn't told.
    #[error("the payload can't be decrypted")]
    CantDecrypt,
}
