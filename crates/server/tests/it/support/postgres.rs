//! A PostgreSQL server of a test's own, which it may crash.

use std::process::{Command, Stdio};

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lib/postgres.sh");

/// A durable server, removed on drop.
pub(crate) struct OwnPostgres {
    folder: String,
    url: String,
}

/// Runs functions of `scripts/lib/postgres.sh`; what they say.
fn run(folder: &str, url: &str, script: &str) -> String {
    let text = format!(". '{LIBRARY}'\nPOSTGRES_FOLDER='{folder}' POSTGRES_URL='{url}'\n{script}");
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &text])
        .env("POSTGRES_DURABLE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

impl OwnPostgres {
    /// Starts an empty one.
    pub(crate) fn start() -> Self {
        let told = run("", "", "postgres_start >&2; echo \"$POSTGRES_FOLDER $POSTGRES_URL\"");
        let (folder, url) = told.trim().split_once(' ').expect("a folder and a URL");
        Self { folder: folder.to_owned(), url: url.to_owned() }
    }

    /// Where it is, whenever it runs.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it at once, as a crash does.
    pub(crate) async fn crash(&self) {
        self.run("postgres_crash").await;
    }

    /// Starts it again after a crash.
    pub(crate) async fn resume(&self) {
        self.run("postgres_resume").await;
    }

    /// Sends a signal to all its processes, by its name: `STOP`, `CONT`.
    pub(crate) async fn signal(&self, name: &str) {
        self.run(&format!("postgres_signal {name}")).await;
    }

    async fn run(&self, script: &str) {
        let (folder, url, script) = (self.folder.clone(), self.url.clone(), script.to_owned());
        let running = tokio::task::spawn_blocking(move || run(&folder, &url, &script));
        running.await.expect("no panic");
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        // The failure of a test shows, not one of the tidying up after it.
        if !std::thread::panicking() {
            run(&self.folder, &self.url, "postgres_stop");
            return;
        }
        let _ = std::panic::catch_unwind(|| run(&self.folder, &self.url, "postgres_stop"));
    }
}
