//! Backup and restore. A backup is a folder with a manifest: of the database, or of the sealed
//! keys, never of both, since either alone is useless to a thief. The passphrase is in neither.
//!
//! The server copies; the command that asked checks the copy and writes the manifest last, so that
//! a folder without one isn't a backup.

mod check;
mod keys;
mod make;
mod manifest;
mod restore;

pub(crate) use make::{Backup, finish};
pub(crate) use manifest::Content;
pub(crate) use restore::{RestoreArgs, restore};

use crate::failure::Failure;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The database's file in a backup.
const DATABASE: &str = "antaca.db";
/// What it is called until it is checked.
const PART: &str = ".antaca.db.part";

/// What can't be done with a file, in one sentence.
fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} can't be used ({error}).", path.display()))
}

/// Opens a file to read it, never through a link: whoever owns the folder could have root read, or
/// give away, any file of the machine by one.
fn open_plain(path: &Path) -> Result<File, Failure> {
    let refused = || {
        Failure::new(format!(
            "{} isn't a plain file: a link, for one, is never followed by a backup.",
            path.display()
        ))
    };
    let named = std::fs::symlink_metadata(path).map_err(|error| unusable(path, &error))?;
    if !named.is_file() {
        return Err(refused());
    }
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    let opened = file.metadata().map_err(|error| unusable(path, &error))?;
    // Another one where the name was given to a link in between.
    let same = (opened.dev(), opened.ino()) == (named.dev(), named.ino());
    if same { Ok(file) } else { Err(refused()) }
}

/// Runs what waits for the disk on a thread of its own.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure::new("A step of it broke off."))?
}
