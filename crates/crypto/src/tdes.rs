//! Triple DES with keys of double length, as the schemes prescribe it for card verification values,
//! PIN verification values and the older PIN blocks.

use crate::random;
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a block of DES.
pub const BLOCK: usize = 8;

/// A key of double length: two DES keys of odd parity.
pub struct TripleDesKey(Zeroizing<[u8; 16]>);

secret_debug!(TripleDesKey);

/// The bytes aren't a key of double length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 16 bytes of odd parity, the halves different and not weak keys of DES")]
pub struct InvalidTripleDesKey;

impl TripleDesKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate() -> Self {
        // A weak key comes up once in 2^52 times; then another is drawn.
        loop {
            let mut key = Zeroizing::new([0; 16]);
            random::fill(&mut *key);
            for byte in key.iter_mut() {
                *byte = with_odd_parity(*byte);
            }
            if let Ok(key) = Self::from_bytes(&*key) {
                return key;
            }
        }
    }

    /// Takes the bytes of a key. Refused are even parity, equal halves and the weak and semi-weak
    /// keys of DES.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidTripleDesKey> {
        let key = Self(Zeroizing::new(bytes.try_into().map_err(|_| InvalidTripleDesKey)?));
        let odd = key.0.iter().all(|byte| *byte == with_odd_parity(*byte));
        if odd && key.single().is_ok() && key.triple().is_ok() {
            Ok(key)
        } else {
            Err(InvalidTripleDesKey)
        }
    }

    /// The bytes themselves, for sealing them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Encrypts a block by DES under the left half.
    pub(crate) fn encrypt_by_left(&self, block: &mut [u8; BLOCK]) {
        encrypt(self.single(), block);
    }

    /// Encrypts a block: encrypt left, decrypt right, encrypt left.
    pub(crate) fn encrypt(&self, block: &mut [u8; BLOCK]) {
        encrypt(self.triple(), block);
    }

    /// Decrypts a block.
    pub(crate) fn decrypt(&self, block: &mut [u8; BLOCK]) {
        self.unbound()
            .and_then(DecryptingKey::ecb)
            .and_then(|key| key.decrypt(block, DecryptionContext::None).map(drop))
            .expect("the key was checked when it was taken, and a block is eight bytes long");
    }

    #[expect(deprecated, reason = "the schemes prescribe DES here")]
    fn single(&self) -> Result<EncryptingKey, Unspecified> {
        let left = &self.0[..BLOCK];
        EncryptingKey::ecb(UnboundCipherKey::new(&cipher::DES_FOR_LEGACY_USE_ONLY, left)?)
    }

    fn triple(&self) -> Result<EncryptingKey, Unspecified> {
        EncryptingKey::ecb(self.unbound()?)
    }

    #[expect(deprecated, reason = "the schemes prescribe triple DES here")]
    fn unbound(&self) -> Result<UnboundCipherKey, Unspecified> {
        UnboundCipherKey::new(&cipher::DES_EDE_FOR_LEGACY_USE_ONLY, &self.0[..])
    }
}

fn encrypt(key: Result<EncryptingKey, Unspecified>, block: &mut [u8; BLOCK]) {
    key.and_then(|key| key.encrypt(block))
        .expect("the key was checked when it was taken, and a block is eight bytes long");
}

/// Sets the lowest bit so that the number of ones is odd.
fn with_odd_parity(byte: u8) -> u8 {
    if byte.count_ones() % 2 == 1 { byte } else { byte ^ 1 }
}

/// The decimal digits of a block in hexadecimal, followed by its letters less 10: as many as are
/// asked for.
pub(crate) fn decimalised(block: &[u8; BLOCK], count: usize) -> Zeroizing<String> {
    let nibbles = block.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let (digits, letters): (Vec<u8>, Vec<u8>) = nibbles.partition(|nibble| *nibble < 10);
    let letters = letters.into_iter().map(|letter| letter - 10);
    let digits = digits.into_iter().chain(letters).take(count);
    Zeroizing::new(digits.map(|digit| char::from(b'0' + digit)).collect())
}

/// Packs decimal digits, two in a byte.
pub(crate) fn packed<const N: usize>(digits: &[u8]) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (pair[0] - b'0') << 4 | (pair[1] - b'0');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_not_impl_any;

    assert_not_impl_any!(TripleDesKey: Clone, PartialEq, std::fmt::Display);

    const KEY: [u8; 16] = [
        0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32,
        0x10,
    ];

    #[test]
    fn a_new_key_has_odd_parity_and_is_read_back() {
        for _ in 0..100 {
            let key = TripleDesKey::generate();
            assert!(key.expose().iter().all(|byte| byte.count_ones() % 2 == 1));
            let read = TripleDesKey::from_bytes(key.expose()).expect("our own key");
            assert_eq!(read.expose(), key.expose());
        }
    }

    #[test]
    fn what_is_encrypted_is_decrypted() {
        let key = TripleDesKey::generate();
        for _ in 0..100 {
            let (mut block, plain) = {
                let plain: [u8; BLOCK] = random::bytes();
                (plain, plain)
            };
            key.encrypt(&mut block);
            assert_ne!(block, plain);
            key.decrypt(&mut block);
            assert_eq!(block, plain);
        }
    }

    #[test]
    fn keys_of_even_parity_equal_halves_or_weak_halves_are_refused() {
        let even = {
            let mut key = KEY;
            key[3] ^= 1;
            key
        };
        let equal = [&KEY[..8], &KEY[..8]].concat();
        let weak = [&[1; 8], &KEY[..8]].concat();
        let semi_weak = [&[0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE], &KEY[..8]].concat();
        for bad in [&even[..], &equal, &weak, &semi_weak, &KEY[..15], &[], &[KEY, KEY].concat()] {
            let read = TripleDesKey::from_bytes(bad);
            assert_eq!(read.err(), Some(InvalidTripleDesKey), "{bad:?}");
        }
    }
}
