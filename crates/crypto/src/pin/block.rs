//! PIN blocks of formats 0, 1 and 4 (ISO 9564-1).

use super::key::{AES_BLOCK, PinKey};
use crate::random;
use crate::tdes::{self, packed};
use domain::secret::{Pan, Pin};
use thiserror::Error;
use zeroize::Zeroizing;

/// How a PIN lies in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Bound to the number, under triple DES.
    Zero,
    /// Bound to nothing, filled at random, under triple DES.
    One,
    /// Bound to the number, filled at random, under AES.
    Four,
}

/// An encrypted PIN block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinBlock {
    format: Format,
    bytes: Vec<u8>,
}

/// No PIN can be read from the block: it was made under another key, for another number, or not by
/// the rules. It tells nothing of the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no PIN can be read from the block")]
pub struct UnreadablePinBlock;

impl Format {
    /// The format of a number on the wire.
    #[must_use]
    pub fn of(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Zero),
            1 => Some(Self::One),
            4 => Some(Self::Four),
            _ => None,
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
            Self::Four => 4,
        }
    }

    /// Bytes of its block.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Zero | Self::One => tdes::BLOCK,
            Self::Four => AES_BLOCK,
        }
    }
}

impl PinBlock {
    /// Takes the bytes of an encrypted block, if there are as many as the format has.
    #[must_use]
    pub fn new(format: Format, bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == format.length()).then_some(Self { format, bytes })
    }

    /// How the PIN lies in it.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The encrypted bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A PIN and its number in a block of format 0, in clear, as hexadecimal digits: for what is itself
/// encrypted for who makes the card.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the digits go into the block")]
pub fn clear_block(pin: &Pin, pan: &Pan) -> Zeroizing<String> {
    let mut block = field(0x00, pin.expose(), [0xFF; 8]);
    combine(&mut *block, &*number_of_12(pan.expose()));
    Zeroizing::new(block.iter().map(|byte| format!("{byte:02X}")).collect())
}

impl PinKey {
    /// Encrypts a PIN for a number; nothing if the format isn't for this kind of key.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the digits go into the block, encrypted")]
    pub fn encrypt(&self, format: Format, pin: &Pin, pan: &Pan) -> Option<PinBlock> {
        self.encrypt_filled(format, pin.expose(), pan.expose(), random::bytes())
    }

    /// Encrypts a PIN for no number, in format 1; nothing if the key isn't for triple DES.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the digits go into the block, encrypted")]
    pub fn encrypt_unbound(&self, pin: &Pin) -> Option<PinBlock> {
        self.encrypt_filled(Format::One, pin.expose(), "", random::bytes())
    }

    /// Reads the PIN from a block that was made for a number.
    #[expect(clippy::disallowed_methods, reason = "the number is taken out of the block")]
    pub fn decrypt(&self, block: &PinBlock, pan: &Pan) -> Result<Pin, UnreadablePinBlock> {
        self.decrypt_of(block, pan.expose())
    }

    pub(super) fn encrypt_filled(
        &self,
        format: Format,
        pin: &str,
        pan: &str,
        fill: [u8; 8],
    ) -> Option<PinBlock> {
        let bytes = match (format, self) {
            (Format::Zero, Self::TripleDes(key)) => {
                let mut block = field(0x00, pin, [0xFF; 8]);
                combine(&mut *block, &*number_of_12(pan));
                key.encrypt(&mut block);
                block.to_vec()
            }
            (Format::One, Self::TripleDes(key)) => {
                let mut block = field(0x10, pin, fill);
                key.encrypt(&mut block);
                block.to_vec()
            }
            (Format::Four, Self::Aes(key)) => {
                let mut block = Zeroizing::new([0; AES_BLOCK]);
                block[..8].copy_from_slice(&*field(0x40, pin, [0xAA; 8]));
                block[8..].copy_from_slice(&fill);
                key.encrypt(&mut block);
                combine(&mut *block, &*number_of_19(pan));
                key.encrypt(&mut block);
                block.to_vec()
            }
            (Format::Zero | Format::One, Self::Aes(_)) | (Format::Four, Self::TripleDes(_)) => {
                return None;
            }
        };
        Some(PinBlock { format, bytes })
    }

    pub(super) fn decrypt_of(
        &self,
        block: &PinBlock,
        pan: &str,
    ) -> Result<Pin, UnreadablePinBlock> {
        match (block.format, self) {
            (format @ (Format::Zero | Format::One), Self::TripleDes(key)) => {
                let bytes = block.bytes.as_slice().try_into().map_err(|_| UnreadablePinBlock)?;
                let mut clear = Zeroizing::new(bytes);
                key.decrypt(&mut clear);
                match format {
                    Format::Zero => {
                        combine(&mut *clear, &*number_of_12(pan));
                        read(&clear, 0x00, Some(0xF))
                    }
                    Format::One | Format::Four => read(&clear, 0x10, None),
                }
            }
            (Format::Four, Self::Aes(key)) => {
                let bytes = block.bytes.as_slice().try_into().map_err(|_| UnreadablePinBlock)?;
                let mut clear: Zeroizing<[u8; AES_BLOCK]> = Zeroizing::new(bytes);
                key.decrypt(&mut clear);
                combine(&mut *clear, &*number_of_19(pan));
                key.decrypt(&mut clear);
                let mut start = Zeroizing::new([0; 8]);
                start.copy_from_slice(&clear[..8]);
                read(&start, 0x40, Some(0xA))
            }
            (Format::Zero | Format::One, Self::Aes(_)) | (Format::Four, Self::TripleDes(_)) => {
                Err(UnreadablePinBlock)
            }
        }
    }
}

/// Control, length, the PIN's digits, and what fills the rest.
fn field(control: u8, pin: &str, fill: [u8; 8]) -> Zeroizing<[u8; 8]> {
    let mut block = Zeroizing::new(fill);
    block[0] = control | u8::try_from(pin.len()).unwrap_or(0xF);
    for (place, digit) in pin.bytes().map(|digit| digit - b'0').enumerate() {
        let byte = &mut block[1 + place / 2];
        *byte = if place % 2 == 0 { digit << 4 | *byte & 0x0F } else { *byte & 0xF0 | digit };
    }
    block
}

/// Reads what [`field`] makes.
fn read(block: &[u8; 8], control: u8, fill: Option<u8>) -> Result<Pin, UnreadablePinBlock> {
    let length = usize::from(block[0] & 0x0F);
    if block[0] & 0xF0 != control || !(4..=12).contains(&length) {
        return Err(UnreadablePinBlock);
    }
    let nibbles: Zeroizing<Vec<u8>> =
        Zeroizing::new(block[1..].iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect());
    let (digits, rest) = nibbles.split_at(length);
    let filled = fill.is_none_or(|fill| rest.iter().all(|nibble| *nibble == fill));
    if !filled || digits.iter().any(|digit| *digit > 9) {
        return Err(UnreadablePinBlock);
    }
    let text: Zeroizing<String> =
        Zeroizing::new(digits.iter().map(|digit| char::from(b'0' + digit)).collect());
    Pin::parse(&text).map_err(|_| UnreadablePinBlock)
}

/// Four zeros and the last twelve digits before the check digit.
fn number_of_12(pan: &str) -> Zeroizing<[u8; 8]> {
    let digits = &pan.as_bytes()[pan.len() - 13..pan.len() - 1];
    packed(&Zeroizing::new([b"0000", digits].concat()))
}

/// How many digits there are beyond twelve, all of them, and zeros.
fn number_of_19(pan: &str) -> Zeroizing<[u8; AES_BLOCK]> {
    let beyond = b'0' + u8::try_from(pan.len() - 12).unwrap_or(0);
    let mut digits = Zeroizing::new([&[beyond], pan.as_bytes()].concat());
    digits.resize(2 * AES_BLOCK, b'0');
    packed(&digits)
}

fn combine(block: &mut [u8], other: &[u8]) {
    for (byte, other) in block.iter_mut().zip(other) {
        *byte ^= other;
    }
}
