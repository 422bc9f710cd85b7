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

pub use block::{Format, PinBlock, UnreadablePinBlock, clear_block};
pub use key::{InvalidPinKey, PinKey};

use crate::tdes::{self, TripleDesKey, decimalised, packed};
use domain::card::pin::DIGITS;
use domain::secret::{Pan, Pin};
use zeroize::Zeroizing;

/// Digits of a number that go into a verification value: the last eleven before the check digit.
const OF_NUMBER: usize = 11;

/// Whether a PIN is as long as one that a holder chooses: its verification value tells of no more
/// digits, so a longer one that begins with it isn't it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "its length alone is looked at")]
pub fn is_chosen(pin: &Pin) -> bool {
    pin.expose().len() == DIGITS
}

/// The key that makes a BIN's PIN verification values.
#[derive(Debug)]
pub struct PinVerificationKey(pub TripleDesKey);

/// A PIN verification value as the second track of a stripe has it: the index of the issuer's key,
/// a digit, and the four digits of the value. Whoever has it and the key can try out all PINs, so
/// it is a secret like the PIN.
pub struct Pvv(Zeroizing<[u8; 1 + DIGITS]>);

secret_debug!(Pvv);

impl Pvv {
    /// Takes the five digits, as [`Pvv::expose`] gives them.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        let digits = <[u8; 1 + DIGITS]>::try_from(digits).ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Self(Zeroizing::new(digits)))
    }

    /// The five digits, for sealing them and for stripe and chip.
    #[must_use]
    pub fn expose(&self) -> &[u8; 1 + DIGITS] {
        &self.0
    }

    /// Which of the issuer's keys made it.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.0[0] - b'0'
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
        let mut value = Zeroizing::new(vec![b'0' + index % 10]);
        value.extend_from_slice(decimalised(&block, DIGITS).as_bytes());
        Pvv::from_digits(&value).expect("a block has sixteen digits")
    }
}
