//! Our key for a server that we log in to by SSH: Ed25519 (RFC 8032), as RFC 8709 puts it on the
//! wire.

use crate::random;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

/// The algorithm's name (RFC 8709).
const ALGORITHM: &str = "ssh-ed25519";
/// Bytes of a seed.
const SEED_LEN: usize = 32;

/// A key pair to log in with.
pub struct SshKey {
    seed: Zeroizing<[u8; SEED_LEN]>,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SshKey(…)")
    }
}

/// What was kept isn't a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it isn't an SSH key")]
pub struct InvalidSshKey;

impl SshKey {
    /// A new one.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "any 32 bytes are a seed")]
    pub fn generate() -> Self {
        let seed: [u8; SEED_LEN] = random::bytes();
        Self::from_seed(&seed).expect("any 32 bytes are a seed")
    }

    /// The key of a seed that [`SshKey::seed`] gave.
    pub fn from_seed(seed: &[u8]) -> Result<Self, InvalidSshKey> {
        let seed: [u8; SEED_LEN] = seed.try_into().map_err(|_| InvalidSshKey)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| InvalidSshKey)?;
        Ok(Self { seed: Zeroizing::new(seed), pair })
    }

    /// What to keep of it, sealed.
    #[must_use]
    pub fn seed(&self) -> &[u8] {
        &*self.seed
    }

    /// The public key on the wire.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        [string(ALGORITHM.as_bytes()), string(self.pair.public_key().as_ref())].concat()
    }

    /// The public key as a line of `authorized_keys`, without a comment.
    #[must_use]
    pub fn public_line(&self) -> String {
        format!("{ALGORITHM} {}", STANDARD.encode(self.public()))
    }

    /// A signature of what a server wants signed, on the wire.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(message);
        [string(ALGORITHM.as_bytes()), string(signature.as_ref())].concat()
    }
}

/// A string on the wire (RFC 4251): its length, then itself.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "nothing here has 4 GiB")]
pub fn string(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("shorter than 4 GiB");
    [&len.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(digits: &str) -> Vec<u8> {
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16);
        pairs.map(|pair| byte(pair).expect("hexadecimal")).collect()
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn it_signs_as_published() {
        let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SshKey::from_seed(&seed).expect("a seed");
        let public = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = bytes(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f\
             3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        let wire = |last: &[u8]| [b"\0\0\0\x0bssh-ed25519".to_vec(), string(last)].concat();
        assert_eq!(key.public(), wire(&public));
        assert_eq!(key.sign(&[0x72]), wire(&signature));
        assert!(key.public_line().starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
        assert_eq!(SshKey::from_seed(key.seed()).expect("a seed").public(), key.public());
        assert!(SshKey::from_seed(&seed[1..]).is_err());
        assert_eq!(format!("{key:?}"), "SshKey(…)");
    }
}
