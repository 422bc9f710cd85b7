//! The master key's file: a small JSON text, sealed by a passphrase (Argon2id, AES-256-GCM).
//!
//! Everything in it but the sealed key and the nonce is additional data of the seal, so neither
//! the kind nor a parameter can be changed without the passphrase.

use super::{Key, MasterKey};
use crate::encoding::joined;
use crate::gcm::Gcm;
use crate::random;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// The only version so far.
const VERSION: u64 = 1;
/// A file is some 400 bytes long; what is longer than this isn't one.
const TEXT_LEN_MAX: usize = 16 * 1024;
/// What a new file costs to open: 64 MiB, 3 passes, 1 lane (RFC 9106, section 4, second choice
/// with fewer lanes, since it is opened once per start).
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
/// What a file may ask for at most, so that an altered one can't exhaust the machine.
const COST_MAX: Cost = Cost { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };
/// Bytes of salt in a new file.
const SALT_LEN: usize = 16;

/// The passphrase of the master key's file.
pub struct Passphrase(pub(super) Zeroizing<String>);

secret_debug!(Passphrase);

impl Passphrase {
    /// Takes the text as it was read; one line end after it isn't part of the passphrase.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        Self(Zeroizing::new(line.to_owned()))
    }
}

/// Why a master key's file can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// The text isn't a key file, or one that lost some of its content.
    #[error("the file isn't a master key file")]
    NotAKeyFile,
    /// The file was written by a newer release.
    #[error("the key file has a version that this release can't read")]
    UnsupportedVersion,
    /// The file asks for more memory, passes or lanes than is allowed: 1 GiB, 64, 16.
    #[error("the key file asks for more than 1 GiB of memory, 64 passes or 16 lanes")]
    TooCostly,
    /// The passphrase isn't this file's, or the file was altered; the two can't be told apart.
    #[error("the passphrase is wrong, or the key file was altered")]
    WrongPassphrase,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: u64,
    kind: String,
    argon2id: Cost,
    salt: String,
    nonce: String,
    key: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl MasterKey {
    /// Writes the key as the text of a file that this passphrase opens. Takes about as long as
    /// opening it: a few tenths of a second, and 64 MiB of memory.
    #[must_use]
    pub fn to_file(&self, passphrase: &Passphrase) -> String {
        let salt = random::bytes::<SALT_LEN>();
        let gcm = stretched(passphrase, &salt, COST).expect("our own cost is a valid one");
        let (nonce, sealed) = gcm.seal(&additional(&self.kind, COST, &salt), &*self.key);
        let file = File {
            version: VERSION,
            kind: self.kind.clone(),
            argon2id: COST,
            salt: STANDARD.encode(salt),
            nonce: STANDARD.encode(nonce),
            key: STANDARD.encode(sealed),
        };
        serde_json::to_string_pretty(&file).expect("text and numbers can be written") + "\n"
    }

    /// Reads the text of a file that [`Self::to_file`] made.
    pub fn from_file(text: &str, passphrase: &Passphrase) -> Result<Self, KeyFileError> {
        let file = File::parse(text)?;
        let salt = decoded(&file.salt)?;
        let nonce = decoded(&file.nonce)?.try_into().map_err(|_| KeyFileError::NotAKeyFile)?;
        let sealed = decoded(&file.key)?;
        let gcm = stretched(passphrase, &salt, file.argon2id)?;
        let opened = gcm
            .open(nonce, &additional(&file.kind, file.argon2id, &salt), &sealed)
            .ok_or(KeyFileError::WrongPassphrase)?;
        let mut key = Key::default();
        if opened.len() != key.len() {
            return Err(KeyFileError::NotAKeyFile);
        }
        key.copy_from_slice(&opened);
        Ok(Self { kind: file.kind, key })
    }
}

impl File {
    fn parse(text: &str) -> Result<Self, KeyFileError> {
        if text.len() > TEXT_LEN_MAX {
            return Err(KeyFileError::NotAKeyFile);
        }
        // The version first: a newer file may have other fields.
        let Versioned { version } =
            serde_json::from_str(text).map_err(|_| KeyFileError::NotAKeyFile)?;
        if version != VERSION {
            return Err(KeyFileError::UnsupportedVersion);
        }
        serde_json::from_str(text).map_err(|_| KeyFileError::NotAKeyFile)
    }
}

impl Cost {
    fn is_bearable(self) -> bool {
        self.memory_kib <= COST_MAX.memory_kib
            && self.passes <= COST_MAX.passes
            && self.lanes <= COST_MAX.lanes
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, KeyFileError> {
    STANDARD.decode(text).map_err(|_| KeyFileError::NotAKeyFile)
}

/// What the file says in the clear, as additional data.
fn additional(kind: &str, cost: Cost, salt: &[u8]) -> Vec<u8> {
    let numbers = [cost.memory_kib, cost.passes, cost.lanes].map(u32::to_be_bytes);
    joined(&[
        b"antaca master key",
        &VERSION.to_be_bytes(),
        kind.as_bytes(),
        &numbers.concat(),
        salt,
    ])
}

/// Turns the passphrase into the key that seals the file.
fn stretched(passphrase: &Passphrase, salt: &[u8], cost: Cost) -> Result<Gcm, KeyFileError> {
    if !cost.is_bearable() {
        return Err(KeyFileError::TooCostly);
    }
    let mut key = Key::default();
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(key.len()))
        .map_err(|_| KeyFileError::NotAKeyFile)?;
    let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase.0.as_bytes(), salt, &mut *key, &mut **memory)
        .map_err(|_| KeyFileError::NotAKeyFile)?;
    Ok(Gcm::new(&key))
}
