//! PINs as they travel and as they are recognised.
//!
//! A PIN travels in a block (ISO 9564-1) that is encrypted under a key which both sides share: in
//! format 0 under triple DES and bound to the card's number, in format 1 under triple DES and bound
//! to nothing, in format 4 under AES and bound to the number. It is recognised by its verification
//! value: four digits that are made of number and PIN under a key of the issuer (Visa's algorithm),
//! so that the PIN itself is kept nowhere.

mod block;
mod key;
#[cfg(test)]
mod tests;

pub use block::{Format, PinBlock, UnreadablePinBlock};
pub use key::{InvalidPinKey, PinKey};

use crate::tdes::{self, TripleDesKey, decimalised, packed};
use domain::card::pin::DIGITS;
use domain::secret::{Pan, Pin};
use zeroize::Zeroizing;

/// Digits of a number that go into a verification value: the last eleven before the check digit.
const OF_NUMBER: usize = 11;

/// The key that makes a BIN's PIN verification values.
#[derive(Debug)]
pub struct PinVerificationKey(pub TripleDesKey);

/// A PIN verification value: four digits. Whoever has it and the key can try out all PINs, so it is
/// a secret like the PIN.
pub struct Pvv(Zeroizing<[u8; DIGITS]>);

secret_debug!(Pvv);

impl Pvv {
    /// Takes the four digits, as [`Pvv::expose`] gives them.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        let digits = <[u8; DIGITS]>::try_from(digits).ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Self(Zeroizing::new(digits)))
    }

    /// The four digits, for sealing them.
    #[must_use]
    pub fn expose(&self) -> &[u8; DIGITS] {
        &self.0
    }

    /// Tells whether two values are the same, in the same time wherever they differ.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&*self.0, &*other.0).is_ok()
    }
}

impl PinVerificationKey {
    /// The verification value of a card's PIN, of its first four digits. `index` is which of the
    /// issuer's keys this is: one digit that goes into the value.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the digits go into the value")]
    pub fn value(&self, pan: &Pan, index: u8, pin: &Pin) -> Pvv {
        self.value_of(pan.expose(), index, pin.expose())
    }

    /// The same for any digits, as published test vectors have numbers that fail the Luhn check.
    fn value_of(&self, pan: &str, index: u8, pin: &str) -> Pvv {
        let mut digits = Zeroizing::new(Vec::with_capacity(2 * tdes::BLOCK));
        let number = &pan.as_bytes()[pan.len() - OF_NUMBER - 1..pan.len() - 1];
        digits.extend_from_slice(number);
        digits.push(b'0' + index % 10);
        digits.extend_from_slice(&pin.as_bytes()[..DIGITS]);
        let mut block = packed::<{ tdes::BLOCK }>(&digits);
        self.0.encrypt(&mut block);
        let value = decimalised(&block, DIGITS);
        Pvv::from_digits(value.as_bytes()).expect("a block has sixteen digits")
    }
}
