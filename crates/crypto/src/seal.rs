//! Encryption at rest: AES-256-GCM, bound to the place where the value is stored.
//!
//! A sealed value is one byte of version, 12 bytes of random nonce, the ciphertext and its tag of
//! 16 bytes. The epoch of its key isn't in it: the row stores that beside the value.

use crate::encoding::joined;
use crate::gcm::{Gcm, KEY_LEN, NONCE_LEN};
use domain::ids::PartnerId;
use thiserror::Error;
use zeroize::Zeroizing;

/// The only version so far.
const VERSION: u8 = 1;

/// Where a sealed value is stored. A value copied to another row, column or partner can't be
/// opened there, so who can write to the database still can't swap one card's data for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The column's name.
    pub column: &'a str,
    /// Whose row it is.
    pub partner: PartnerId,
    /// The row's key as text.
    pub row: &'a str,
}

impl Place<'_> {
    fn encoded(&self) -> Vec<u8> {
        let Self { table, column, partner, row } = self;
        joined(&[table.as_bytes(), column.as_bytes(), &partner.0.to_be_bytes(), row.as_bytes()])
    }
}

/// A key that seals values. Comes from [`crate::keys`]; good for 2³⁰ values, then the next epoch.
pub struct SealingKey(Gcm);

secret_debug!(SealingKey);

impl SealingKey {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Gcm::new(key))
    }

    /// Encrypts the value for its place. The same value gives other bytes each time.
    #[must_use]
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Vec<u8> {
        let (nonce, body) = self.0.seal(&place.encoded(), plaintext);
        [&[VERSION], &nonce[..], &body].concat()
    }

    /// Decrypts a value sealed for this place under this key.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        if *version != VERSION {
            return Err(OpenError);
        }
        self.0.open(*nonce, &place.encoded(), body).ok_or(OpenError)
    }
}

/// The value can't be opened: it was sealed under another key, for another place, or was altered.
/// Which of these it was can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the sealed value can't be opened with this key at this place")]
pub struct OpenError;

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    assert_not_impl_any!(SealingKey: Clone, PartialEq, std::fmt::Display);
    assert_impl_all!(SealingKey: Send, Sync);

    const PLACE: Place<'_> =
        Place { table: "card", column: "pan", partner: PartnerId(7), row: "42" };

    fn key() -> SealingKey {
        SealingKey::new(&[9; 32])
    }

    #[test]
    fn a_value_is_opened_at_its_place() {
        for value in [&b""[..], b"4111111111111111", &[0; 100_000]] {
            let sealed = key().seal(&PLACE, value);
            assert_eq!(sealed.len(), 1 + 12 + value.len() + 16);
            assert_eq!(**key().open(&PLACE, &sealed).expect("the same place"), *value);
        }
    }

    #[test]
    fn the_same_value_is_sealed_to_other_bytes_each_time() {
        assert_ne!(key().seal(&PLACE, b"value"), key().seal(&PLACE, b"value"));
    }

    #[test]
    fn a_value_is_not_opened_anywhere_else() {
        let sealed = key().seal(&PLACE, b"value");
        let elsewhere = [
            Place { table: "balance", ..PLACE },
            Place { column: "pin", ..PLACE },
            Place { partner: PartnerId(8), ..PLACE },
            Place { row: "43", ..PLACE },
            Place { table: "cardpan", column: "", ..PLACE },
            Place { table: "car", column: "dpan", ..PLACE },
        ];
        for place in elsewhere {
            assert_eq!(key().open(&place, &sealed).err(), Some(OpenError), "{place:?}");
        }
        assert_eq!(SealingKey::new(&[8; 32]).open(&PLACE, &sealed).err(), Some(OpenError));
    }

    #[test]
    fn a_flipped_bit_or_a_cut_anywhere_is_refused() {
        let sealed = key().seal(&PLACE, b"value");
        for place in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[place] ^= 1 << bit;
                assert_eq!(key().open(&PLACE, &altered).err(), Some(OpenError), "{place}.{bit}");
            }
            assert_eq!(key().open(&PLACE, &sealed[..place]).err(), Some(OpenError), "{place}");
        }
    }

    /// What is stored must stay readable. These bytes are from an implementation in Python.
    #[test]
    fn a_value_sealed_elsewhere_by_the_same_rules_is_opened() {
        let sealed = [
            0x01, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0xDE,
            0x60, 0xAA, 0xF3, 0x0D, 0x7E, 0x1B, 0xD4, 0xAE, 0x67, 0x1D, 0xAE, 0xE1, 0xF2, 0xF4,
            0x05, 0x1E, 0x87, 0xC0, 0x6A, 0xD0, 0x2D, 0x11, 0x54, 0x06, 0x4E, 0x09, 0xCF, 0x7F,
            0x21, 0x80, 0x09,
        ];
        assert_eq!(**key().open(&PLACE, &sealed).expect("its place"), *b"4111111111111111");
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", key()), "SealingKey(…)");
    }
}
