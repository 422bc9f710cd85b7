//! Keys at rest: the master key wraps the platform's own key and those of partners, and from each
//! of these one key per purpose and epoch is derived (HKDF-SHA256). So a master key is replaced by
//! wrapping the others anew, and nothing that was sealed or digested changes.
//!
//! The kind of the instance ("sandbox", "production") is part of every derivation from the master
//! key, so a partner's key wrapped by one kind of instance can't be unwrapped by the other.

mod file;
mod ring;
#[cfg(test)]
mod tests;
mod token;

pub use file::{KeyFileError, Passphrase};
pub use ring::{MasterKeys, Next};
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
    /// What chains audit records.
    AuditChain,
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
            Self::AuditChain => b"audit-chain",
            Self::ActivationCode => b"activation-code",
        }
    }
}

/// The key above all others. It lives in memory; at rest it is a file sealed by a passphrase or a
/// token.
pub struct MasterKey {
    kind: String,
    key: Key,
}

/// The key of what belongs to the platform itself. At rest it is wrapped by the master key.
pub struct PlatformKey {
    kind: String,
    key: Key,
}

/// The key of one partner. At rest it is wrapped by the master key.
pub struct PartnerKey(Key);

secret_debug!(MasterKey, PlatformKey, PartnerKey);

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

    /// Whether this is the same key.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&*self.key, &*other.key).is_ok()
    }

    /// Seals a partner's key for storing it.
    #[must_use]
    pub fn wrap(&self, partner: PartnerId, key: &PartnerKey) -> Vec<u8> {
        self.wrapping().seal(&wrapped_at(partner), &*key.0)
    }

    /// Opens a key that [`Self::wrap`] sealed for this partner.
    pub fn unwrap(&self, partner: PartnerId, wrapped: &[u8]) -> Result<PartnerKey, OpenError> {
        self.unwrapped(partner, wrapped).map(PartnerKey)
    }

    /// Seals the platform's key for storing it.
    #[must_use]
    pub fn wrap_platform(&self, key: &PlatformKey) -> Vec<u8> {
        self.wrapping().seal(&wrapped_at(PartnerId::PLATFORM), &*key.key)
    }

    /// Opens a key that [`Self::wrap_platform`] sealed.
    pub fn unwrap_platform(&self, wrapped: &[u8]) -> Result<PlatformKey, OpenError> {
        let key = self.unwrapped(PartnerId::PLATFORM, wrapped)?;
        Ok(PlatformKey { kind: self.kind.clone(), key })
    }

    /// The platform's key of a database in which the master key was that too, before there was a
    /// key of the platform: what was sealed then stays readable.
    #[must_use]
    pub fn as_platform(&self) -> PlatformKey {
        PlatformKey { kind: self.kind.clone(), key: self.key.clone() }
    }

    /// Seals a secret that lies in a file of the data folder, beside the master key's own.
    #[must_use]
    pub fn seal_file(&self, name: &str, secret: &[u8]) -> Vec<u8> {
        secrets(&self.key, &self.kind).seal(&platform_place(name), secret)
    }

    /// Opens what [`Self::seal_file`] sealed.
    pub fn open_file(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        secrets(&self.key, &self.kind).open(&platform_place(name), sealed)
    }

    fn unwrapped(&self, partner: PartnerId, wrapped: &[u8]) -> Result<Key, OpenError> {
        let opened = self.wrapping().open(&wrapped_at(partner), wrapped)?;
        let mut key = Key::default();
        if opened.len() != key.len() {
            return Err(OpenError);
        }
        key.copy_from_slice(&opened);
        Ok(key)
    }

    fn wrapping(&self) -> SealingKey {
        SealingKey::new(&of_platform(&self.key, &self.kind, (b"wrap", b"partner"), 0))
    }
}

impl PlatformKey {
    /// Makes a new key for an instance of this kind: "sandbox" or "production".
    #[must_use]
    pub fn generate(kind: &str) -> Self {
        Self { kind: kind.to_owned(), key: generated() }
    }

    /// Seals a secret of the platform itself, for a row of the database.
    #[must_use]
    pub fn seal(&self, row: &str, secret: &[u8]) -> Vec<u8> {
        secrets(&self.key, &self.kind).seal(&platform_place(row), secret)
    }

    /// Opens what [`Self::seal`] sealed.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        secrets(&self.key, &self.kind).open(&platform_place(row), sealed)
    }

    /// The key that digests what belongs to the platform itself.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, epoch: u32) -> MacKey {
        MacKey::new(&of_platform(&self.key, &self.kind, (b"mac", purpose.label()), epoch))
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

/// Where a secret of the platform is said to be stored.
fn platform_place(row: &str) -> Place<'_> {
    Place { table: "platform", column: "secret", partner: PartnerId::PLATFORM, row }
}

/// What seals secrets under the master key or the platform's.
fn secrets(key: &Key, kind: &str) -> SealingKey {
    SealingKey::new(&of_platform(key, kind, (b"seal", Purpose::Secret.label()), 0))
}

/// Derives from the master key or the platform's; both by the same names, since the one was the
/// other once.
fn of_platform(key: &Key, kind: &str, (usage, label): (&[u8], &[u8]), epoch: u32) -> Key {
    derived(key, &[b"master", kind.as_bytes(), usage, label, &epoch.to_be_bytes()])
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
