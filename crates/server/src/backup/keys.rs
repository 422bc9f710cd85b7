//! The files of a data folder that are backed up with the keys.

use super::manifest::{Entry, Manifest};
use super::{open_plain, unusable};
use crate::failure::Failure;
use crate::folder::{self, Folder, Readers};
use crate::secrets::{MASTER_KEY, NEXT_MASTER_KEY};
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// What is sealed, and certificates, which are public. Not the passphrase, nor a sandbox's keys in
/// clear, which it makes anew.
fn belongs(name: &str) -> bool {
    let is_master = [MASTER_KEY, NEXT_MASTER_KEY].contains(&name);
    is_master || name.ends_with(".sealed") || name.ends_with(".pem")
}

/// Whether a folder holds keys.
pub(super) fn are_in(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name == MASTER_KEY || name.to_string_lossy().ends_with(".sealed")
    })
}

/// Copies the keys of a data folder; answers the files' names.
pub(super) fn copy(data: &Path, out: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(data).map_err(|error| unusable(data, &error))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| belongs(name)).collect();
    names.sort();
    if !names.iter().any(|name| name == MASTER_KEY) {
        return Err(Failure::new(format!("There is no master key in {}.", data.display())));
    }
    for name in &names {
        let (path, mut content) = (data.join(name), Zeroizing::new(Vec::new()));
        let read = open_plain(&path)?.read_to_end(&mut content);
        read.map_err(|error| unusable(&path, &error))?;
        folder::write(out, name, &content, readers(name))?;
    }
    Ok(names)
}

fn readers(name: &str) -> Readers {
    if name.ends_with(".pem") { Readers::All } else { Readers::Owner }
}

/// Puts backed up keys into a data folder that has none.
pub(super) fn restore(from: &Path, manifest: &Manifest, to: &Folder) -> Result<(), Failure> {
    if are_in(to.dir()) {
        return Err(Failure::new(format!(
            "There are keys already in {}: choose another folder with --data.",
            to.dir().display()
        )));
    }
    if let Some(entry) = manifest.files.iter().find(|entry| !belongs(&entry.name)) {
        return Err(Failure::new(format!("{} isn't a file of keys.", entry.name)));
    }
    manifest.files.iter().try_for_each(|entry| entry.check(&from.join(&entry.name)))?;
    // The master key last: without it the folder has no keys, and the next try makes all anew.
    let is_master = |entry: &&Entry| entry.name == MASTER_KEY;
    let files = &manifest.files;
    let others = files.iter().filter(|entry| !is_master(entry));
    for entry in others.chain(files.iter().filter(is_master)) {
        let content = folder::read(&from.join(&entry.name))?.unwrap_or_default();
        to.write(&entry.name, &content, readers(&entry.name))?;
    }
    Ok(())
}
