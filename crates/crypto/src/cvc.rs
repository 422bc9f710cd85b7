//! Card verification values by the schemes' algorithm: CVV on the stripe, CVC2 on the back of the
//! card, iCVV in the chip. They differ in the service code that goes in.
//!
//! Number, expiry (YYMM) and service code, filled with zeros to 32 digits, make two blocks. The
//! first is encrypted by DES under the key's left half, combined with the second by exclusive or,
//! and encrypted by triple DES. Of the 16 hexadecimal digits of the outcome the decimal ones come
//! first, then the letters less 10; the first three are the value.

use crate::random;
use aws_lc_rs::cipher::{self, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use domain::secret::{Cvv, Pan};
use jiff::civil::Date;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a block of DES.
const BLOCK: usize = 8;

/// What a value is for: the three digits of ISO/IEC 7813, or a scheme's stand-in for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCode([u8; 3]);

impl ServiceCode {
    /// The stand-in for CVC2 and CVV2, printed on the card.
    pub const CVC2: Self = Self(*b"000");
    /// The stand-in for iCVV, in the chip's copy of track 2.
    pub const ICVV: Self = Self(*b"999");

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

/// A card verification key: two DES keys of odd parity.
pub struct CardVerificationKey(Zeroizing<[u8; 16]>);

secret_debug!(CardVerificationKey);

/// The bytes aren't a card verification key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 16 bytes of odd parity, the halves different and not weak keys of DES")]
pub struct InvalidCardVerificationKey;

impl CardVerificationKey {
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
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCardVerificationKey> {
        let key = Self(Zeroizing::new(bytes.try_into().map_err(|_| InvalidCardVerificationKey)?));
        let odd = key.0.iter().all(|byte| *byte == with_odd_parity(*byte));
        if odd && key.single().is_ok() && key.triple().is_ok() {
            Ok(key)
        } else {
            Err(InvalidCardVerificationKey)
        }
    }

    /// The bytes themselves, for sealing them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

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
        let mut blocks = Zeroizing::new([0; 16]);
        for (byte, pair) in blocks.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] - b'0') << 4 | (pair[1] - b'0');
        }
        decimalised(&self.encrypted(&blocks))
    }

    fn encrypted(&self, blocks: &[u8; 16]) -> Zeroizing<[u8; BLOCK]> {
        let (first, second) = blocks.split_at(BLOCK);
        let mut block = Zeroizing::new([0; BLOCK]);
        block.copy_from_slice(first);
        encrypt(self.single(), &mut block);
        for (byte, other) in block.iter_mut().zip(second) {
            *byte ^= other;
        }
        encrypt(self.triple(), &mut block);
        block
    }

    /// DES under the left half.
    #[expect(deprecated, reason = "the schemes prescribe DES here")]
    fn single(&self) -> Result<EncryptingKey, Unspecified> {
        let left = &self.0[..BLOCK];
        EncryptingKey::ecb(UnboundCipherKey::new(&cipher::DES_FOR_LEGACY_USE_ONLY, left)?)
    }

    /// Triple DES under both: encrypt left, decrypt right, encrypt left.
    #[expect(deprecated, reason = "the schemes prescribe triple DES here")]
    fn triple(&self) -> Result<EncryptingKey, Unspecified> {
        let both = &self.0[..];
        EncryptingKey::ecb(UnboundCipherKey::new(&cipher::DES_EDE_FOR_LEGACY_USE_ONLY, both)?)
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

/// The first three of the decimal digits followed by the letters less 10.
fn decimalised(block: &[u8; BLOCK]) -> Zeroizing<String> {
    let nibbles = block.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let (digits, letters): (Vec<u8>, Vec<u8>) = nibbles.partition(|nibble| *nibble < 10);
    let letters = letters.into_iter().map(|letter| letter - 10);
    let digits = digits.into_iter().chain(letters).take(3);
    Zeroizing::new(digits.map(|digit| char::from(b'0' + digit)).collect())
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
