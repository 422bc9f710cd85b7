//! The data folder: 0700, used by one process at a time, written file by file without a moment in
//! which half of one could be read.

use crate::failure::Failure;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Locked as long as a process uses the folder.
const LOCK: &str = "lock";
/// What tells that a folder is ours, also one that was copied.
const OURS: &[&str] = &[LOCK, crate::secrets::MASTER_KEY];

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The owner alone.
    Owner,
    /// Everybody who may enter the folder.
    All,
}

/// A data folder that this process has for itself.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the folder for this process; makes it where there is none.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| unusable(path, &error))?;
        Self::open(path)
    }

    /// Takes the folder for this process; there must be one.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        close_to_others(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(|error| unusable(path, &error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Failure::new(format!(
                "The folder {} is used by another antaca process: stop that one first, or choose \
                 another folder with --data.",
                path.display()
            )),
            TryLockError::Error(error) => unusable(path, &error),
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where a file of this name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder itself.
    pub(crate) fn dir(&self) -> &Path {
        &self.path
    }

    /// What a file holds; `None` where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let path = self.path(name);
        content(&path).map_err(|error| unusable(&path, &error))
    }

    /// What a file of text holds; `None` where there is none.
    pub(crate) fn read_text(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        self.read(name)?.map(|content| text(&self.path(name), &content)).transpose()
    }

    /// Writes a file whole: whoever reads it sees all of it or what was there before.
    pub(crate) fn write(&self, name: &str, content: &[u8], who: Readers) -> Result<(), Failure> {
        write(&self.path, name, content, who)
    }

    /// Makes a folder in it, the owner's alone, unless there is one.
    pub(crate) fn create_folder(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|error| unusable(&path, &error))
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        let entries =
            std::fs::read_dir(&self.path).map_err(|error| unusable(&self.path, &error))?;
        Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    /// Removes a file, if there is one.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Failure> {
        remove(&self.path(name)).map_err(|error| unusable(&self.path(name), &error))
    }
}

/// What a file that somebody named holds; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    content(path).map_err(|error| {
        Failure::new(format!(
            "{} can't be read ({error}): name a file that you may read.",
            path.display()
        ))
    })
}

/// What a file of text that somebody named holds; `None` where there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
    read(path)?.map(|content| text(path, &content)).transpose()
}

fn content(path: &Path) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(Zeroizing::new(content))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(path: &Path, content: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let text = std::str::from_utf8(content)
        .map_err(|_| Failure::new(format!("{} isn't text.", path.display())))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes a file of a folder whole: whoever reads it sees all of it or what was there before.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    content: &[u8],
    who: Readers,
) -> Result<(), Failure> {
    let (path, new) = (folder.join(name), folder.join(format!(".{name}.new")));
    let mode = match who {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let write = || {
        remove(&new)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| unusable(&path, &error))
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes the folder the owner's alone. One with other people's things in it stays as it is.
fn close_to_others(path: &Path) -> Result<(), Failure> {
    let mode = std::fs::metadata(path).map_err(|error| unusable(path, &error))?.permissions();
    if mode.mode() & 0o077 == 0 {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path).map_err(|error| unusable(path, &error))?;
    let ours = OURS.iter().any(|name| path.join(name).exists());
    if !ours && entries.next().is_some() {
        return Err(Failure::new(format!(
            "The folder {} holds other things and others may read it: choose a new or empty \
             folder with --data.",
            path.display()
        )));
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
        .map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "{} can't be used ({error}): choose another folder with --data, or make this one yours.",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_its_private_files_are_the_owners_alone() {
        let around = testkit::folder();
        let folder = Folder::create(&around.path().join("a/b")).expect("a folder");
        folder.write("secret", b"x", Readers::Owner).expect("written");
        folder.write("public", b"x", Readers::All).expect("written");
        let mode = |path: PathBuf| {
            std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
        };
        assert_eq!(mode(folder.dir().to_owned()), 0o700);
        assert_eq!(mode(folder.path("secret")), 0o600);
        assert_eq!(mode(folder.path("public")), 0o644);
    }

    #[test]
    fn a_second_process_is_told_that_the_folder_is_in_use() {
        let around = testkit::folder();
        let first = Folder::create(around.path()).expect("a folder");
        let second = Folder::create(around.path()).expect_err("it is in use");
        assert!(second.to_string().contains("used by another antaca process"), "{second}");
        drop(first);
        assert!(Folder::open(around.path()).is_ok());
    }

    #[test]
    fn a_folder_of_other_things_is_left_alone() {
        let around = testkit::folder();
        std::fs::write(around.path().join("diary.txt"), "mine").expect("written");
        let open = Permissions::from_mode(0o755);
        std::fs::set_permissions(around.path(), open).expect("it is ours");
        let failure = Folder::create(around.path()).expect_err("it holds other things");
        assert!(failure.to_string().contains("holds other things"), "{failure}");
    }

    #[test]
    fn a_file_that_somebody_named_is_told_apart_from_the_data_folder() {
        let around = testkit::folder();
        let failure = read_text(around.path()).expect_err("a folder isn't a file");
        let told = failure.to_string();
        assert!(told.contains("can't be read") && told.contains("name a file"), "{told}");
        assert!(!told.contains("--data"), "{told}");
    }

    #[test]
    fn a_file_is_replaced_whole_and_removed_twice() {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        for content in ["one", "two"] {
            folder.write("file", content.as_bytes(), Readers::Owner).expect("written");
            let read = folder.read_text("file").expect("read").expect("it is there");
            assert_eq!(*read, content);
        }
        folder.remove("file").and_then(|()| folder.remove("file")).expect("removed");
        assert!(folder.read("file").expect("read").is_none());
    }
}
