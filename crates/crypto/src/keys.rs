//! Keys at rest: the master key seals the partners' keys, and from each of these one key per
//! purpose and epoch is derived (HKDF-SHA256).
//!
//! The kind of the instance ("sandbox", "production") is part of every derivation from the master
//! key, so a partner's key wrapped by one kind of instance can't be unwrapped by the other.

mod file;
#[cfg(test)]
mod tests;
mod token;

pub use file::{KeyFileError, Passphrase};
pub use token::{Token, TokenError, TokenName};

use crate::encoding::joined;
use crate::mac::MacKey;
use crate::random;
use crate::seal::{OpenError, Place, SealingKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use domain::ids::PartnerId;
use zeroize::Zeroizing;

/// The bytes of a key.
type Key = Zeroizing<[u8; 32]>;

/// Tells our derivations from any other use of HKDF; a new scheme gets a new salt.
const SALT: &[u8] = b"antaca keys 1";

/// What a derived key is for. Keys of different purposes have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Card numbers, sealed.
    Pan,
    /// The index by which a card number is found.
    PanIndex,
    /// KYC documents.
    Document,
    /// Secrets that are used again: TOTP, webhook secrets, private keys of our certificates.
    Secret,
    /// Answers kept for retries, and what waits in the outbox.
    Answer,
    /// Card verification keys and the like.
    CardKey,
    /// Recognising a request or a value without keeping it.
    Fingerprint,
    /// Digests of personal fields in audit records.
    Audit,
    /// The codes in the letters that cards come with.
    ActivationCode,
}

impl Purpose {
    /// The name in the derivation. Never changed: data sealed under the old name would be lost.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Pan => b"pan",
            Self::PanIndex => b"pan-index",
            Self::Document => b"document",
            Self::Secret => b"secret",
            Self::Answer => b"answer",
            Self::CardKey => b"card-key",
            Self::Fingerprint => b"fingerprint",
            Self::Audit => b"audit",
            Self::ActivationCode => b"activation-code",
        }
    }
}

/// The key above all others. It lives in memory; at rest it is a file sealed by a passphrase.
pub struct MasterKey {
    kind: String,
    key: Key,
}

/// The key of one partner. At rest it is wrapped by the master key.
pub struct PartnerKey(Key);

secret_debug!(MasterKey, PartnerKey);

impl MasterKey {
    /// Makes a new master key for an instance of this kind: "sandbox" or "production".
    #[must_use]
    pub fn generate(kind: &str) -> Self {
        Self { kind: kind.to_owned(), key: generated() }
    }

    /// The kind of instance that the key was made for.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Seals a partner's key for storing it.
    #[must_use]
    pub fn wrap(&self, partner: PartnerId, key: &PartnerKey) -> Vec<u8> {
        self.wrapping().seal(&wrapped_at(partner), &*key.0)
    }

    /// Opens a key that [`Self::wrap`] sealed for this partner.
    pub fn unwrap(&self, partner: PartnerId, wrapped: &[u8]) -> Result<PartnerKey, OpenError> {
        let opened = self.wrapping().open(&wrapped_at(partner), wrapped)?;
        let mut key = Key::default();
        if opened.len() != key.len() {
            return Err(OpenError);
        }
        key.copy_from_slice(&opened);
        Ok(PartnerKey(key))
    }

    /// The key that seals what belongs to the platform itself.
    #[must_use]
    pub fn sealing(&self, purpose: Purpose, epoch: u32) -> SealingKey {
        SealingKey::new(&self.derive(b"seal", purpose.label(), epoch))
    }

    /// The key that digests what belongs to the platform itself.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, epoch: u32) -> MacKey {
        MacKey::new(&self.derive(b"mac", purpose.label(), epoch))
    }

    fn wrapping(&self) -> SealingKey {
        SealingKey::new(&self.derive(b"wrap", b"partner", 0))
    }

    fn derive(&self, usage: &[u8], label: &[u8], epoch: u32) -> Key {
        let kind = self.kind.as_bytes();
        derived(&self.key, &[b"master", kind, usage, label, &epoch.to_be_bytes()])
    }
}

impl PartnerKey {
    /// Makes a new key for a partner.
    #[must_use]
    pub fn generate() -> Self {
        Self(generated())
    }

    /// The key that seals the partner's values of this purpose. A new epoch is due after 2³⁰ uses
    /// or a year; each row says which epoch it was sealed in.
    #[must_use]
    pub fn sealing(&self, purpose: Purpose, epoch: u32) -> SealingKey {
        SealingKey::new(&self.derive(b"seal", purpose, epoch))
    }

    /// The key that digests the partner's values of this purpose.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, epoch: u32) -> MacKey {
        MacKey::new(&self.derive(b"mac", purpose, epoch))
    }

    fn derive(&self, usage: &[u8], purpose: Purpose, epoch: u32) -> Key {
        derived(&self.0, &[b"partner", usage, purpose.label(), &epoch.to_be_bytes()])
    }
}

/// Where a wrapped key is said to be stored.
fn wrapped_at(partner: PartnerId) -> Place<'static> {
    Place { table: "partner", column: "key", partner, row: "" }
}

fn generated() -> Key {
    let mut key = Key::default();
    random::fill(&mut *key);
    key
}

fn derived(key: &Key, name: &[&[u8]]) -> Key {
    let mut derived = Key::default();
    Salt::new(HKDF_SHA256, SALT)
        .extract(&**key)
        .expand(&[&joined(name)], HKDF_SHA256)
        .and_then(|material| material.fill(&mut *derived))
        .expect("HKDF-SHA256 gives 32 bytes");
    derived
}
