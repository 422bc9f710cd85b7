//! A folder of an SFTP server. The connection is made by the system's `ssh`, which everybody who
//! runs such a server knows and patches; what we say over it is the SFTP protocol's version 3.
//!
//! The server shows the host key that was set for it or isn't talked to; we show our key, by an
//! agent of our own. Nothing of `ssh`'s configuration on this machine is used.

use super::agent;
use crate::guard::is_public;
use crate::target::Reach;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::ssh::SshKey;
use reqwest::Url;
use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, lookup_host};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

const SSH_PORT: u16 = 22;
/// The first port that isn't kept for a machine's own services.
const FREE_PORT: u16 = 1024;
/// Host keys of a server at most: one of each kind, the next ones too.
const HOST_KEYS_MAX: usize = 8;
const HOST_KEY_KINDS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
];
/// What a server is called in our list of host keys, whatever its address.
const ALIAS: &str = "bureau";
/// Bytes that are read of what `ssh` says.
const COMPLAINT_LEN: u64 = 4096;
/// How long `ssh` may take to say why it has ended.
const COMPLAINT_TIME: Duration = Duration::from_secs(2);
/// Addresses of a server that are tried.
const ADDRESSES_MAX: usize = 4;

/// Where a folder is: `sftp://USER@HOST[:PORT]/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    user: String,
    host: String,
    port: u16,
    /// The folder's path.
    pub(super) path: String,
}

/// It can't be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it isn't sftp://USER@HOST/PATH, with port 22 or from 1024 on, at a public address")]
pub struct InvalidAddress;

/// The keys of a server, one of which it has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKeys(Vec<String>);

/// It isn't a list of host keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("these aren't 1 to 8 public keys of an SSH server")]
pub struct InvalidHostKeys;

/// How to get in.
#[derive(Debug)]
pub struct Login {
    /// Where the folder is.
    pub address: Address,
    /// What the server shows.
    pub host_keys: HostKeys,
    /// What we show.
    pub key: Arc<SshKey>,
    /// Which addresses may be connected to.
    pub reach: Reach,
}

/// A connection.
pub(super) struct Session {
    pub(super) session: SftpSession,
    // Ended with the connection.
    _child: Child,
    _agent: JoinSet<()>,
    _folder: TempDir,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Address {
    /// Reads one.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, InvalidAddress> {
        let url = Url::parse(text).map_err(|_| InvalidAddress)?;
        let host = url.host_str().ok_or(InvalidAddress)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(SSH_PORT);
        let plain = |text: &str, more: &str| {
            let plain = |it: char| it.is_ascii_alphanumeric() || more.contains(it);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
        };
        let (user, path) = (url.username().to_owned(), url.path().to_owned());
        let own = |address: IpAddr| reach == Reach::Public && !is_public(address);
        let good = url.scheme() == "sftp"
            && text.len() <= 500
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && plain(&user, "._-")
            && plain(&host, ".:-")
            && plain(&path, "/._-")
            && (port == SSH_PORT || port >= FREE_PORT)
            && !host.parse().is_ok_and(own);
        if good { Ok(Self { user, host, port, path }) } else { Err(InvalidAddress) }
    }

    /// The addresses to connect to, if each of them may be.
    async fn resolve(&self, reach: Reach) -> io::Result<Vec<SocketAddr>> {
        let unknown = |_| unreachable("the server's name isn't known");
        let found = lookup_host((self.host.as_str(), self.port)).await.map_err(unknown)?;
        let found: Vec<SocketAddr> = found.collect();
        if reach == Reach::Public && !found.iter().all(|it| is_public(it.ip())) {
            return Err(unreachable("the server's name leads to an address that isn't public"));
        }
        Ok(found)
    }
}

impl HostKeys {
    /// Reads them: a line each, of a `.pub` file, of `known_hosts`, of what `ssh-keyscan` prints.
    pub fn parse(text: &str) -> Result<Self, InvalidHostKeys> {
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
        let keys: Option<Vec<String>> = lines.map(host_key).collect();
        let fits = |keys: &Vec<String>| (1..=HOST_KEYS_MAX).contains(&keys.len());
        keys.filter(fits).map(Self).ok_or(InvalidHostKeys)
    }

    /// As it is kept and shown: a key a line.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.join("\n")
    }
}

/// The kind and the key of a line, without what stands around them.
fn host_key(line: &str) -> Option<String> {
    // A marker of `known_hosts` says that it isn't simply a host's key: revoked, or an authority's.
    if line.starts_with('@') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let kind = words.find(|word| HOST_KEY_KINDS.contains(word))?;
    let key = words.next()?;
    let decoded = STANDARD.decode(key).ok()?;
    // It begins with the name of its kind.
    decoded.starts_with(&crypto::ssh::string(kind.as_bytes())).then(|| format!("{kind} {key}"))
}

/// Connects.
pub(super) async fn connect(login: &Login) -> io::Result<Session> {
    // Of this user alone, as all that `tempfile` makes.
    let folder = tempfile::Builder::new().prefix("antaca-ssh-").tempdir()?;
    let known: String = login.host_keys.0.iter().map(|key| format!("{ALIAS} {key}\n")).collect();
    std::fs::write(folder.path().join("known_hosts"), known)?;
    let listener = UnixListener::bind(folder.path().join("agent"))?;
    let mut agent = JoinSet::new();
    agent.spawn(agent::serve(listener, login.key.clone()));

    let addresses = login.address.resolve(login.reach).await?;
    let mut failed = unreachable("the server's name has no address");
    for address in addresses.into_iter().take(ADDRESSES_MAX) {
        match start(login, address, folder.path()).await {
            Ok((session, mut child)) => {
                // Unread, what the server says beside the protocol would stop it.
                if let Some(mut stderr) = child.stderr.take() {
                    agent.spawn(async move {
                        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
                    });
                }
                return Ok(Session { session, _child: child, _agent: agent, _folder: folder });
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => failed = error,
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}

async fn start(
    login: &Login,
    address: SocketAddr,
    folder: &Path,
) -> io::Result<(SftpSession, Child)> {
    let named = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
    let mut command = Command::new("ssh");
    command.env_clear().args(["-F", "none", "-T", "-x", "-a"]);
    let options = [
        named("UserKnownHostsFile", "known_hosts"),
        named("IdentityAgent", "agent"),
        format!("HostKeyAlias={ALIAS}"),
    ];
    let fixed = [
        "BatchMode=yes",
        "ClearAllForwardings=yes",
        "ConnectTimeout=10",
        "GlobalKnownHostsFile=none",
        "IdentityFile=none",
        "LogLevel=ERROR",
        "PreferredAuthentications=publickey",
        "ServerAliveInterval=10",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
    ];
    for option in options.iter().map(String::as_str).chain(fixed) {
        command.args(["-o", option]);
    }
    command.args(["-p", &address.port().to_string(), "-l", &login.address.user, "-s", "--"]);
    command.args([address.ip().to_string().as_str(), "sftp"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let missing = |error: io::Error| match error.kind() == io::ErrorKind::NotFound {
        true => io::Error::other("the program ssh isn't installed"),
        false => error,
    };
    let mut child = command.spawn().map_err(missing)?;
    let pipes = child.stdout.take().zip(child.stdin.take());
    let (output, input) = pipes.ok_or_else(|| io::Error::other("ssh has no pipes"))?;
    match SftpSession::new(tokio::io::join(output, input)).await {
        Ok(session) => Ok((session, child)),
        Err(SftpError::Timeout) => Err(unreachable("the server doesn't answer in time")),
        Err(_) => Err(complaint(&mut child).await),
    }
}

/// Why `ssh` has ended. What the server has said isn't repeated.
async fn complaint(child: &mut Child) -> io::Error {
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut stderr = stderr.take(COMPLAINT_LEN);
        let _ = timeout(COMPLAINT_TIME, stderr.read_to_end(&mut said)).await;
    }
    let said = String::from_utf8_lossy(&said);
    let has = |text: &str| said.contains(text);
    if has("Host key verification failed") || has("no matching host key type") {
        let what = "the server shows another host key than the one that is set";
        return io::Error::new(io::ErrorKind::PermissionDenied, what);
    }
    if has("Permission denied") || has("Too many authentication failures") {
        let what = "the server doesn't let us in: it has to be given our key";
        return io::Error::new(io::ErrorKind::PermissionDenied, what);
    }
    if has("subsystem request failed") {
        return io::Error::other("the server has no SFTP");
    }
    unreachable("the server can't be reached")
}

fn unreachable(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, what)
}

/// What a server refuses, without its words.
pub(super) fn plain(error: &SftpError) -> io::Error {
    let (kind, what) = match error {
        SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile => {
            (io::ErrorKind::NotFound, "there is no such file or folder on the server")
        }
        SftpError::Status(status) if status.status_code == StatusCode::PermissionDenied => {
            (io::ErrorKind::PermissionDenied, "the server doesn't allow it")
        }
        SftpError::Timeout => (io::ErrorKind::TimedOut, "the server doesn't answer in time"),
        SftpError::Status(_)
        | SftpError::IO(_)
        | SftpError::Limited(_)
        | SftpError::UnexpectedPacket
        | SftpError::UnexpectedBehavior(_) => (io::ErrorKind::Other, "the server doesn't do it"),
    };
    io::Error::new(kind, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let address = |text: &str| Address::parse(text, Reach::Public);
        let read = Address {
            user: "antaca".to_owned(),
            host: "sftp.bureau.example".to_owned(),
            port: 2222,
            path: "/cards/acme".to_owned(),
        };
        assert_eq!(address("sftp://antaca@sftp.bureau.example:2222/cards/acme"), Ok(read));
        assert_eq!(address("sftp://a@b.example/").expect("reads").port, 22);
        assert_eq!(address("sftp://a@[2606:4700::1111]/x").expect("reads").host, "2606:4700::1111");
        for wrong in [
            "sftp://b.example/x",
            "sftp://a:secret@b.example/x",
            "sftp://-oProxyCommand@b.example/x",
            "sftp://a@-b.example/x",
            "sftp://a@b.example:80/x",
            "sftp://a@b.example/x?y",
            "sftp://a@b.example/x%20y",
            "sftp://a@b.example",
            "sftp://a@10.0.0.1/x",
            "sftp://a@[::1]/x",
            "https://a@b.example/x",
            "/srv/bureau",
            "",
        ] {
            assert_eq!(address(wrong), Err(InvalidAddress), "{wrong}");
        }
        let own = Address::parse("sftp://a@127.0.0.1:2022/x", Reach::Anywhere);
        assert!(own.is_ok(), "a sandbox's bureau is on the same machine");
    }

    #[test]
    fn host_keys_are_read_from_what_people_have() {
        let key = SshKey::generate().public_line();
        let scanned =
            format!("# b.example:22 SSH-2.0-OpenSSH_9.2\nb.example {key}\n\n{key} root@b\n");
        let keys = HostKeys::parse(&scanned).expect("reads");
        assert_eq!(keys.text(), format!("{key}\n{key}"));
        assert_eq!(HostKeys::parse(&keys.text()), Ok(keys));
        let foreign = key.replace("ssh-ed25519", "ssh-rsa");
        let many = format!("{key}\n").repeat(9);
        let revoked = format!("@revoked b.example {key}");
        let cut = ["", "# nothing", "ssh-ed25519", "ssh-ed25519 AAAA", "dog"];
        for wrong in cut.into_iter().chain([&*foreign, &many, &revoked]) {
            assert_eq!(HostKeys::parse(wrong), Err(InvalidHostKeys), "{wrong}");
        }
    }
}
