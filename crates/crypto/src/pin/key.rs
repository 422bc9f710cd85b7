//! The keys that PIN blocks are encrypted under.

use crate::tdes::{self, TripleDesKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey,
};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a block of AES.
pub(super) const AES_BLOCK: usize = 16;

/// A key for PIN blocks, as a processor or a bureau shares it with us.
#[derive(Debug)]
pub enum PinKey {
    /// For formats 0 and 1.
    TripleDes(TripleDesKey),
    /// For format 4.
    Aes(AesKey),
}

/// An AES key of 128 or 256 bits.
pub struct AesKey(Zeroizing<Vec<u8>>);

secret_debug!(AesKey);

/// The bytes aren't a key of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 16 bytes of odd parity for triple DES, 16 or 32 bytes for AES")]
pub struct InvalidPinKey;

impl PinKey {
    /// Takes the bytes of a key for triple DES.
    pub fn triple_des(bytes: &[u8]) -> Result<Self, InvalidPinKey> {
        TripleDesKey::from_bytes(bytes).map(Self::TripleDes).map_err(|_| InvalidPinKey)
    }

    /// Takes the bytes of a key for AES.
    pub fn aes(bytes: &[u8]) -> Result<Self, InvalidPinKey> {
        match bytes.len() {
            16 | 32 => Ok(Self::Aes(AesKey(Zeroizing::new(bytes.to_vec())))),
            _ => Err(InvalidPinKey),
        }
    }

    /// The bytes themselves, for sealing them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::TripleDes(key) => key.expose(),
            Self::Aes(AesKey(key)) => key,
        }
    }

    /// The key check value: six hexadecimal digits that both sides compare to know that they have
    /// the same key. Of triple DES the start of encrypted zeros, of AES the start of their CMAC
    /// (ANSI X9.24-1, annex A).
    #[must_use]
    pub fn check_value(&self) -> String {
        let start: [u8; 3] = match self {
            Self::TripleDes(key) => {
                let mut block = [0; tdes::BLOCK];
                key.encrypt(&mut block);
                [block[0], block[1], block[2]]
            }
            Self::Aes(key) => {
                let tag = key.cmac(&[0; AES_BLOCK]);
                [tag[0], tag[1], tag[2]]
            }
        };
        start.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

impl AesKey {
    /// Encrypts a block.
    pub(super) fn encrypt(&self, block: &mut [u8; AES_BLOCK]) {
        self.unbound()
            .and_then(EncryptingKey::ecb)
            .and_then(|key| key.encrypt(block).map(drop))
            .expect("the key's length was checked, and a block is sixteen bytes long");
    }

    /// Decrypts a block.
    pub(super) fn decrypt(&self, block: &mut [u8; AES_BLOCK]) {
        self.unbound()
            .and_then(DecryptingKey::ecb)
            .and_then(|key| key.decrypt(block, DecryptionContext::None).map(drop))
            .expect("the key's length was checked, and a block is sixteen bytes long");
    }

    fn cmac(&self, message: &[u8]) -> Vec<u8> {
        let algorithm =
            if self.0.len() == 16 { aws_lc_rs::cmac::AES_128 } else { aws_lc_rs::cmac::AES_256 };
        let key = aws_lc_rs::cmac::Key::new(algorithm, &self.0);
        let tag = key.and_then(|key| aws_lc_rs::cmac::sign(&key, message));
        tag.expect("the key's length was checked").as_ref().to_vec()
    }

    fn unbound(&self) -> Result<UnboundCipherKey, aws_lc_rs::error::Unspecified> {
        let algorithm: &'static Algorithm = if self.0.len() == 16 { &AES_128 } else { &AES_256 };
        UnboundCipherKey::new(algorithm, &self.0)
    }
}
