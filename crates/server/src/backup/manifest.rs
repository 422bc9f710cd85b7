//! What a backup says of itself.

use super::{open_plain, unusable};
use crate::failure::Failure;
use crate::folder::{self, Readers};
use crypto::digest::Sha256;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The manifest's name.
pub(super) const NAME: &str = "manifest.json";
/// The form of the manifest.
pub(super) const FORM: u32 = 1;
/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Content {
    /// The database.
    Database,
    /// The sealed keys and what belongs to them.
    Keys,
}

impl Content {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Database => "the database",
            Self::Keys => "the keys",
        }
    }
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Manifest {
    /// The form of this file.
    pub(super) form: u32,
    /// The release that wrote it.
    pub(super) antaca: String,
    pub(super) content: Content,
    /// Of a sandbox or of a production instance.
    pub(super) kind: String,
    /// The last migration of the database.
    pub(super) schema: i64,
    /// Everything that was acknowledged before this moment is in the backup.
    pub(super) begun_at: String,
    pub(super) ended_at: String,
    pub(super) files: Vec<Entry>,
    /// What `ledger verify` found in the copy of a database.
    pub(super) ledger: Option<Ledger>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// What the verification of a ledger found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ledger {
    pub(super) holds: bool,
    pub(super) balances: usize,
}

impl Manifest {
    /// Reads the manifest of a backup.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let text = folder::read_text(&path)?.ok_or_else(|| {
            Failure::new(format!(
                "There is no backup in {}: it has no {NAME}, which is written last.",
                folder.display()
            ))
        })?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|_| Failure::new(format!("{} isn't a manifest.", path.display())))?;
        if manifest.form != FORM {
            return Err(Failure::new(format!(
                "The backup was made by antaca {}: restore it with that release.",
                manifest.antaca
            )));
        }
        if let Some(entry) = manifest.files.iter().find(|entry| !is_plain(&entry.name)) {
            return Err(Failure::new(format!(
                "{} names {:?}, which isn't a file of a backup.",
                path.display(),
                entry.name
            )));
        }
        Ok(manifest)
    }

    /// Writes the manifest into the folder of a backup.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Failure::new(e.to_string()))?;
        folder::write(folder, NAME, format!("{text}\n").as_bytes(), Readers::Owner)
    }
}

/// A name without a way to another folder.
fn is_plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(letter)
}

impl Entry {
    /// Reads a file of a backup and describes it.
    pub(super) fn of(folder: &Path, name: &str) -> Result<Self, Failure> {
        let path = folder.join(name);
        let (bytes, sha256) = describe(open_plain(&path)?, &path)?;
        Ok(Self { name: name.to_owned(), bytes, sha256 })
    }

    /// Refuses a file that isn't what the manifest says of this one.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        let file = File::open(path).map_err(|error| unusable(path, &error))?;
        if describe(file, path)? == (self.bytes, self.sha256.clone()) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} isn't what was backed up: its size or its digest is another than the manifest's.",
            self.name
        )))
    }
}

/// The size and the digest of a file.
fn describe(mut file: File, path: &Path) -> Result<(u64, String), Failure> {
    let mut read = || {
        let (mut digest, mut bytes) = (Sha256::begin(), 0u64);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                return Ok((bytes, digest.finish()));
            }
            digest.update(&chunk[..read]);
            bytes += read as u64;
        }
    };
    read().map_err(|error: std::io::Error| unusable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_no_other_folder() {
        for name in ["antaca.db", "ca-key.sealed", "master-key.json"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "..", ".x", "a/b", "/etc/passwd", "a\\b", "a b"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
