//! A real SFTP server: OpenSSH's, as whoever runs the tests, on a port of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{eventually, free_port};

const PROGRAMS: &[&str] = &["/usr/sbin/sshd", "/usr/local/sbin/sshd"];

/// The server; it ends with this value.
pub(crate) struct Sshd {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    /// Starts one that knows nobody.
    pub(crate) async fn start() -> Self {
        let folder = testkit::folder();
        std::fs::write(folder.path().join("authorized_keys"), "").expect("writes");
        make_key(&folder.path().join("host"));
        // Where it gives up its rights, if it runs as root.
        let _ = std::fs::create_dir_all("/run/sshd");
        let port = free_port();
        let child = serve(folder.path(), port);
        let server = Self { folder, port, child };
        server.listens().await;
        server
    }

    /// Ends it and starts it again, with another host key.
    pub(crate) async fn change_host_key(&mut self) {
        self.stop();
        for file in ["host", "host.pub"] {
            std::fs::remove_file(self.at(file)).expect("is there");
        }
        make_key(&self.at("host"));
        self.child = serve(self.folder.path(), self.port);
        self.listens().await;
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The file with its host key.
    pub(crate) fn host_key(&self) -> PathBuf {
        self.at("host.pub")
    }

    /// Lets the owner of a key in.
    pub(crate) fn let_in(&self, line: &str) {
        std::fs::write(self.at("authorized_keys"), line).expect("writes");
    }

    /// The URL of a folder of it, and where that is.
    pub(crate) fn share(&self, name: &str) -> (String, PathBuf) {
        let path = self.at(name);
        std::fs::create_dir(&path).expect("makes it");
        let user = Command::new("id").arg("-un").output().expect("runs").stdout;
        let user = String::from_utf8(user).expect("text");
        let url = format!("sftp://{}@127.0.0.1:{}{}", user.trim(), self.port, path.display());
        (url, path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn listens(&self) {
        let connects = async || tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await;
        eventually("sshd listens", Duration::from_secs(20), async || connects().await.is_ok())
            .await;
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn make_key(file: &Path) {
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file);
    assert!(make.status().expect("ssh-keygen is installed").success());
}

fn serve(folder: &Path, port: u16) -> Child {
    let found = PROGRAMS.iter().find(|it| Path::new(it).exists()).expect("sshd is installed");
    let mut command = Command::new(found);
    command.args(["-D", "-e", "-f", "none", "-p", &port.to_string()]);
    for option in [
        "ListenAddress=127.0.0.1".to_owned(),
        format!("HostKey={}", folder.join("host").display()),
        format!("AuthorizedKeysFile={}", folder.join("authorized_keys").display()),
        "PasswordAuthentication=no".to_owned(),
        "KbdInteractiveAuthentication=no".to_owned(),
        "PidFile=none".to_owned(),
        "StrictModes=no".to_owned(),
        "Subsystem=sftp internal-sftp".to_owned(),
    ] {
        command.args(["-o", &option]);
    }
    if punishes(found) {
        command.args(["-o", "PerSourcePenalties=no"]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("sshd starts")
}

/// Whether it makes whom it has refused wait: OpenSSH 9.8 and later.
fn punishes(program: &str) -> bool {
    let told = Command::new(program).arg("-V").output().expect("runs");
    let told = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    let version = told.split("OpenSSH_").nth(1).unwrap_or_default();
    let mut numbers = version.split(|it: char| !it.is_ascii_digit()).map(str::parse::<u32>);
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or_default();
    (next(), next()) >= (9, 8)
}
