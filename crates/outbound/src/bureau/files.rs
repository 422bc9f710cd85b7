//! Files, of this machine or of an SFTP server.

use super::sftp::{Session, plain};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::fs;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// Who may read a batch, whatever our umask: its bureau may be of the folder's group.
const BATCH_MODE: u32 = 0o640;

/// Where files lie.
#[derive(Debug)]
pub(super) enum Files {
    /// On this machine.
    Local,
    /// On a server.
    Remote(Box<Session>),
}

/// By which a file is known again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes of it.
    pub(super) len: u64,
    modified: SystemTime,
}

impl Files {
    /// Makes a folder, unless there is one.
    pub(super) async fn make_folder(&self, path: &str) -> io::Result<()> {
        match self {
            Self::Local => fs::create_dir_all(path).await,
            Self::Remote(at) if at.session.metadata(path).await.is_ok_and(|it| it.is_dir()) => {
                Ok(())
            }
            Self::Remote(at) => at.session.create_dir(path).await.map_err(|error| plain(&error)),
        }
    }

    /// The names of what is in a folder.
    pub(super) async fn names(&self, path: &str) -> io::Result<Vec<String>> {
        match self {
            Self::Local => {
                let mut names = Vec::new();
                let mut entries = fs::read_dir(path).await?;
                while let Some(entry) = entries.next_entry().await? {
                    names.extend(entry.file_name().into_string());
                }
                Ok(names)
            }
            Self::Remote(at) => {
                let entries = at.session.read_dir(path).await.map_err(|error| plain(&error))?;
                Ok(entries.map(|entry| entry.file_name()).collect())
            }
        }
    }

    /// What a file is known by; none if it isn't one, but a folder for instance.
    pub(super) async fn stamp(&self, path: &str) -> io::Result<Option<Stamp>> {
        Ok(match self {
            Self::Local => {
                let file = fs::metadata(path).await?;
                let stamp = Stamp { len: file.len(), modified: file.modified()? };
                file.is_file().then_some(stamp)
            }
            Self::Remote(at) => {
                let file = at.session.metadata(path).await.map_err(|error| plain(&error))?;
                let since = Duration::from_secs(file.mtime.unwrap_or_default().into());
                let stamp = Stamp { len: file.len(), modified: SystemTime::UNIX_EPOCH + since };
                file.is_regular().then_some(stamp)
            }
        })
    }

    /// What a file holds; none if that is more than so many bytes.
    pub(super) async fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Local => read_to(fs::File::open(path).await?, max).await,
            Self::Remote(at) => {
                let file = at.session.open(path).await.map_err(|error| plain(&error))?;
                let unread = |_| io::Error::other("the server doesn't let us read all of it");
                read_to(file, max).await.map_err(unread)
            }
        }
    }

    /// Writes a file, durably; its folder must be there.
    pub(super) async fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Local => {
                let mut file = fs::File::options();
                let file = file.write(true).create(true).truncate(true).mode(BATCH_MODE);
                let mut file = file.open(path).await?;
                file.set_permissions(Permissions::from_mode(BATCH_MODE)).await?;
                file.write_all(content).await?;
                file.sync_all().await
            }
            Self::Remote(at) => {
                let mut file = at.session.create(path).await.map_err(|error| plain(&error))?;
                let unwritten = |_| io::Error::other("the server doesn't take all of it");
                file.write_all(content).await.map_err(unwritten)?;
                file.flush().await.map_err(unwritten)?;
                file.sync_all().await.map_err(|error| plain(&error))?;
                file.close().await.map_err(unwritten)
            }
        }
    }

    /// Gives a file the name that it is looked for by, in place of one that has it.
    pub(super) async fn publish(&self, path: &str, to: &str) -> io::Result<()> {
        let moved = self.move_away(path, to).await;
        let Self::Remote(at) = self else { return moved };
        // In the protocol's version 3 a rename replaces nothing. What is there is the same batch,
        // of another try; it goes only while there is one to put in its place.
        let has = async |path: &str| at.session.metadata(path).await.is_ok();
        if moved.is_err() && has(path).await && has(to).await {
            at.session.remove_file(to).await.map_err(|error| plain(&error))?;
            return self.move_away(path, to).await;
        }
        moved
    }

    /// Gives a file another name that no file has.
    pub(super) async fn move_away(&self, path: &str, to: &str) -> io::Result<()> {
        match self {
            Self::Local => {
                fs::rename(path, to).await?;
                let folder = Path::new(to).parent().unwrap_or(Path::new("/"));
                fs::File::open(folder).await?.sync_all().await
            }
            Self::Remote(at) => at.session.rename(path, to).await.map_err(|error| plain(&error)),
        }
    }

    /// Removes a file.
    pub(super) async fn remove(&self, path: &str) -> io::Result<()> {
        match self {
            Self::Local => fs::remove_file(path).await,
            Self::Remote(at) => at.session.remove_file(path).await.map_err(|error| plain(&error)),
        }
    }
}

async fn read_to(file: impl AsyncRead + Unpin, max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    let read = file.take(max + 1).read_to_end(&mut content).await?;
    Ok((u64::try_from(read).unwrap_or(u64::MAX) <= max).then_some(content))
}
