//! The control socket: while a server runs, an operator's commands reach it through
//! `DIR/control.sock`, so that it learns of each change at once.
//!
//! One line of JSON goes in; one comes out, after those that tell how far a long command is. Only
//! the owner of the folder and root may use it; the kernel tells who they are.

use crate::acts::{Act, Desk};
use crate::failure::Failure;
use crate::folder::Folder;
use app::audit::Operator;
use app::ledger::verify::Tell;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

const SOCKET: &str = "control.sock";
/// A command is a chain of certificates and those of an authority at most.
const LINE_MAX: u64 = 256 * 1024;
/// How long a command may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(5);

/// What came of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Reply {
    /// It isn't done yet; how far it is, in the command's own measure. More lines follow.
    Progress(u64),
    /// It was done, and this is to be shown.
    Done(Value),
    /// It wasn't, for this reason.
    Failed(String),
}

/// Makes the socket; what an ended server left there is replaced.
pub(crate) fn listen(folder: &Folder) -> Result<UnixListener, Failure> {
    let (path, new) = (folder.path(SOCKET), folder.path("control.new"));
    let failed = |error: std::io::Error| {
        let long = if error.kind() == ErrorKind::InvalidInput {
            "; a socket's path has 107 characters at most, so choose a folder nearer to the root"
        } else {
            ""
        };
        Failure::new(format!(
            "The control socket {} can't be made ({error}{long}).",
            path.display()
        ))
    };
    folder.remove("control.new")?;
    let listener = UnixListener::bind(&new).map_err(failed)?;
    // Closed to others before it has its name.
    std::fs::set_permissions(&new, Permissions::from_mode(0o600)).map_err(failed)?;
    std::fs::rename(&new, &path).map_err(failed)?;
    Ok(listener)
}

/// Removes the socket at the end.
pub(crate) fn remove(folder: &Folder) {
    // Left there it is refused by the kernel, and replaced by the next server.
    let _ = folder.remove(SOCKET);
}

/// Starts to take commands, until the server stops.
pub(crate) fn start(desk: &Desk, listener: UnixListener, folder: &Folder) -> Result<(), Failure> {
    let owner = std::fs::metadata(folder.dir())
        .map_err(|error| Failure::new(format!("The data folder has no owner ({error}).")))?
        .uid();
    let tasks = desk.app.tasks.clone();
    let stopping = tasks.stopping();
    let (desk, conversations) = (desk.clone(), tasks.clone());
    drop(tasks.run(async move {
        while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let desk = desk.clone();
            drop(conversations.run(async move {
                if let Err(error) = converse(&desk, stream, owner).await {
                    tracing::debug!(%error, "A connection to the control socket broke");
                }
            }));
        }
    }));
    Ok(())
}

async fn converse(desk: &Desk, stream: UnixStream, owner: u32) -> std::io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let (reading, mut writing) = stream.into_split();
    let operator = operator(uid);
    let reply = if uid == owner || uid == 0 {
        let mut line = Vec::new();
        let mut reading = BufReader::new(reading.take(LINE_MAX));
        timeout(ARRIVAL, reading.read_until(b'\n', &mut line)).await??;
        match serde_json::from_slice(&line) {
            Ok(act) => {
                let (told, mut news) = watch::channel(0);
                let tell = |count| {
                    told.send_replace(count);
                };
                let mut done = pin!(desk.act_and_tell(&operator, act, &tell));
                loop {
                    tokio::select! {
                        done = &mut done => break reply(done),
                        Ok(()) = news.changed() => {
                            let count = *news.borrow_and_update();
                            send(&mut writing, &Reply::Progress(count)).await?;
                        }
                    }
                }
            }
            Err(_) => Reply::Failed(
                "The server doesn't know this command: its release may be another one.".to_owned(),
            ),
        }
    } else {
        Reply::Failed("Only the owner of the data folder and root may do this.".to_owned())
    };
    send(&mut writing, &reply).await?;
    writing.shutdown().await
}

async fn send(to: &mut OwnedWriteHalf, reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    to.write_all(&line).await
}

fn reply(done: Result<Value, Failure>) -> Reply {
    match done {
        Ok(value) => Reply::Done(value),
        Err(failure) => Reply::Failed(failure.to_string()),
    }
}

/// Whether a server runs on a data folder.
pub(crate) async fn is_served(folder: &Path) -> bool {
    UnixStream::connect(folder.join(SOCKET)).await.is_ok()
}

/// Has a running server do a command; `None` where none is running.
pub(crate) async fn ask(
    folder: &Path,
    act: &Act,
    tell: Tell<'_>,
) -> Result<Option<Value>, Failure> {
    let Ok(stream) = UnixStream::connect(folder.join(SOCKET)).await else { return Ok(None) };
    let broken = |_| {
        Failure::new(
            "The server ended while it was asked: look whether the command was done before you \
             give it again.",
        )
    };
    let (reading, mut writing) = stream.into_split();
    let mut line = serde_json::to_vec(act).map_err(|error| Failure::new(error.to_string()))?;
    line.push(b'\n');
    writing.write_all(&line).await.map_err(broken)?;
    let mut reading = BufReader::new(reading);
    loop {
        let mut answer = Vec::new();
        reading.read_until(b'\n', &mut answer).await.map_err(broken)?;
        let reply = serde_json::from_slice(&answer)
            .map_err(|_| broken(std::io::Error::from(ErrorKind::UnexpectedEof)))?;
        match reply {
            Reply::Progress(count) => tell(count),
            Reply::Done(value) => return Ok(Some(value)),
            Reply::Failed(sentence) => return Err(Failure::new(sentence)),
        }
    }
}

/// Who gives commands on this command line.
pub(crate) fn operator_here() -> Result<Operator, Failure> {
    let pair = UnixStream::pair().and_then(|(one, _other)| one.peer_cred());
    let cred = pair.map_err(|error| Failure::new(format!("The OS user isn't known ({error}).")))?;
    Ok(operator(cred.uid()))
}

/// An OS user as the audit records name it: by its name, or its number where it has none.
fn operator(uid: u32) -> Operator {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    });
    Operator(format!("os:{}", name.unwrap_or_else(|| uid.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_an_os_user() {
        assert_eq!(operator(0).0, "os:root");
        assert_eq!(operator(4_000_000_000).0, "os:4000000000");
    }

    #[tokio::test]
    async fn without_a_server_nobody_answers() {
        let folder = testkit::folder();
        let asked = ask(folder.path(), &Act::ListPartners, &|_| {}).await;
        assert_eq!(asked, Ok(None));
    }
}
