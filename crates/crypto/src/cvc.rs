//! Card verification values by the schemes' algorithm: CVV on the stripe, CVC2 on the back of the
//! card, iCVV in the chip. They differ in the service code that goes in.
//!
//! Number, expiry (YYMM) and service code, filled with zeros to 32 digits, make two blocks. The
//! first is encrypted by DES under the key's left half, combined with the second by exclusive or,
//! and encrypted by triple DES. Of the 16 hexadecimal digits of the outcome the decimal ones come
//! first, then the letters less 10; the first three are the value.

use crate::tdes::{BLOCK, TripleDesKey, decimalised, packed};
use domain::secret::{Cvv, Pan};
use jiff::civil::Date;
use thiserror::Error;
use zeroize::Zeroizing;

/// Digits of a value.
const DIGITS: usize = 3;

/// What a value is for: the three digits of ISO/IEC 7813, or a scheme's stand-in for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCode([u8; 3]);

impl ServiceCode {
    /// The stand-in for CVC2 and CVV2, printed on the card.
    pub const CVC2: Self = Self(*b"000");
    /// The stand-in for iCVV, in the chip's copy of track 2.
    pub const ICVV: Self = Self(*b"999");

    /// Of a chip card that works everywhere (ISO/IEC 7813): what its stripe and its chip say.
    pub const INTERNATIONAL_CHIP: Self = Self(*b"201");

    /// The three digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Reads the three digits of a magnetic stripe, such as 201.
    pub fn parse(digits: &str) -> Result<Self, InvalidServiceCode> {
        let code = <[u8; 3]>::try_from(digits.as_bytes()).map_err(|_| InvalidServiceCode)?;
        if code.iter().all(u8::is_ascii_digit) { Ok(Self(code)) } else { Err(InvalidServiceCode) }
    }
}

/// The text isn't a service code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be three digits")]
pub struct InvalidServiceCode;

/// The key that makes a BIN's card verification values.
#[derive(Debug)]
pub struct CardVerificationKey(pub TripleDesKey);

impl CardVerificationKey {
    /// The value of a card. Of the expiry, year and month count.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the number's digits go into the value")]
    pub fn code(&self, pan: &Pan, expiry: Date, service_code: ServiceCode) -> Cvv {
        let value = self.value(pan.expose(), expiry, service_code);
        Cvv::parse(&value).expect("the value is three digits")
    }

    /// The CVC2 of a card: the value printed on it.
    #[must_use]
    pub fn cvc2(&self, pan: &Pan, expiry: Date) -> Cvv {
        self.code(pan, expiry, ServiceCode::CVC2)
    }

    /// The value for any digits, as published test vectors have numbers that fail the Luhn check.
    fn value(
        &self,
        pan: &str,
        expiry: Date,
        ServiceCode(service): ServiceCode,
    ) -> Zeroizing<String> {
        let expiry = format!("{:02}{:02}", expiry.year().rem_euclid(100), expiry.month());
        let mut digits = Zeroizing::new(Vec::with_capacity(32));
        digits.extend(pan.bytes().chain(expiry.bytes()).chain(service));
        digits.resize(32, b'0');
        decimalised(&self.encrypted(&packed(&digits)), DIGITS)
    }

    fn encrypted(&self, blocks: &[u8; 16]) -> Zeroizing<[u8; BLOCK]> {
        let (first, second) = blocks.split_at(BLOCK);
        let mut block = Zeroizing::new([0; BLOCK]);
        block.copy_from_slice(first);
        self.0.encrypt_by_left(&mut block);
        for (byte, other) in block.iter_mut().zip(second) {
            *byte ^= other;
        }
        self.0.encrypt(&mut block);
        block
    }
}

/// Tells whether two codes are the same, in the same time wherever they differ.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "compared in constant time, and nothing else")]
pub fn same(one: &Cvv, other: &Cvv) -> bool {
    let (one, other) = (one.expose().as_bytes(), other.expose().as_bytes());
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests;
