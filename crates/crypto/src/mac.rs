//! Keyed digests: HMAC-SHA256, of our own over a list of parts, and plain for others to check.

use crate::encoding;
use aws_lc_rs::{constant_time, hmac};

/// A key of HMAC-SHA256. Comes from [`crate::keys`].
pub struct MacKey(hmac::Key);

secret_debug!(MacKey);

impl MacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Digests the parts. Each is preceded by its length, so `["ab", "c"]` and `["a", "bc"]`
    /// have different digests.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&encoding::length(part));
            context.update(part);
        }
        context.sign().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    /// Tells whether the digest is that of the parts, in the same time wherever they differ.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], digest: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.sign(parts), digest).is_ok()
    }
}

/// A key of HMAC-SHA256 that someone else has too, so its digests are of the bytes as they are.
pub struct SharedSecret(hmac::Key);

secret_debug!(SharedSecret);

impl SharedSecret {
    /// Takes a secret of any length; one of less than 32 bytes makes weak digests.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Digests the text that the parts make when they are joined.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    assert_not_impl_any!(MacKey: Clone, PartialEq, std::fmt::Display);
    assert_not_impl_any!(SharedSecret: Clone, PartialEq, std::fmt::Display);
    assert_impl_all!(MacKey: Send, Sync);

    #[test]
    fn a_digest_is_accepted_for_its_own_parts_and_key_alone() {
        let key = MacKey::new(&[1; 32]);
        let digest = key.sign(&[b"ab", b"c"]);
        assert!(key.verify(&[b"ab", b"c"], &digest));
        assert!(!key.verify(&[b"a", b"bc"], &digest));
        assert!(!key.verify(&[b"abc"], &digest));
        assert!(!key.verify(&[b"ab", b"c", b""], &digest));
        assert!(!MacKey::new(&[2; 32]).verify(&[b"ab", b"c"], &digest));
    }

    #[test]
    fn a_digest_cut_short_or_changed_in_one_bit_is_refused() {
        let key = MacKey::new(&[1; 32]);
        let digest = key.sign(&[b"text"]);
        assert!(!key.verify(&[b"text"], &digest[..31]));
        assert!(!key.verify(&[b"text"], &[]));
        for place in 0..digest.len() {
            let mut changed = digest;
            changed[place] ^= 1;
            assert!(!key.verify(&[b"text"], &changed), "{place}");
        }
    }

    /// RFC 4231, test case 2.
    #[test]
    fn a_shared_secret_digests_the_plain_bytes() {
        let expected = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
            0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
            0x64, 0xec, 0x38, 0x43,
        ];
        let secret = SharedSecret::new(b"Jefe");
        assert_eq!(secret.sign(&[b"what do ya want ", b"for nothing?"]), expected);
        assert_eq!(secret.sign(&[b"what do ya want for nothing?"]), expected);
    }

    /// A change of the format would lose every card in the PAN index.
    #[test]
    fn the_digest_of_known_parts_does_not_change() {
        let digest = MacKey::new(&[7; 32]).sign(&[b"pan", b"4111111111111111"]);
        let length = |n: u8| [0, 0, 0, 0, 0, 0, 0, n];
        let bytes = [&length(3)[..], b"pan", &length(16), b"4111111111111111"].concat();
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), &bytes);
        assert_eq!(digest, expected.as_ref());
    }
}
