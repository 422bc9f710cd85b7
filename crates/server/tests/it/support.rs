//! A running sandbox for a test, and what is called of it.

mod admin;
mod browser;
mod foreign;
mod phone;
mod postgres;
mod process;
mod sibling;
mod sshd;
mod tls;

pub(crate) use admin::Admin;
pub(crate) use browser::{Browser, Loaded};
pub(crate) use foreign::{Foreign, card_crypto, in_chromium, read_pdf};
pub(crate) use phone::{Phone, offered};
pub(crate) use postgres::OwnPostgres;
pub(crate) use process::{Ended, Running, antaca, antaca_with};
pub(crate) use sshd::Sshd;
pub(crate) use tls::{Connection, config, connect, connect_as};

use reqwest::{Certificate, Client, Identity, RequestBuilder};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// How long a sandbox may take to be ready, on a machine that builds at the same time.
const START: Duration = Duration::from_secs(60);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// Which database a sandbox runs on.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// In its data folder.
    Sqlite,
    /// At this URL.
    Postgres(String),
}

impl Database {
    /// A new one of the same kind.
    pub(crate) async fn another(&self) -> Self {
        match self {
            Self::Sqlite => Self::Sqlite,
            Self::Postgres(_) => Self::Postgres(testkit::postgres_url().await),
        }
    }
}

/// Runs the body of each test twice: with a database of SQLite and with one of PostgreSQL.
///
/// ```text
/// on_both_databases! {
///     /// What the test shows.
///     async fn its_name_is_a_sentence(database) {
///         let sandbox = Sandbox::start(database).await;
///     }
/// }
/// ```
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* async fn $name:ident($database:ident) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "a body may need nothing")]
            use super::*;

            async fn case($database: $crate::support::Database) $body

            #[tokio::test]
            async fn on_sqlite() {
                case($crate::support::Database::Sqlite).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                let url = testkit::postgres_url().await;
                case($crate::support::Database::Postgres(url)).await;
            }
        }
    )+};
}

/// A sandbox in a folder of its own. On drop it is killed, and everything it wrote is searched for
/// card numbers.
pub(crate) struct Sandbox {
    around: TempDir,
    database: Database,
    variables: Vec<(String, String)>,
    /// Arguments beside the usual ones.
    more: &'static [&'static str],
    running: Running,
    file: Value,
    callers: [Caller; 3],
}

impl Sandbox {
    /// Starts a new sandbox and waits until it is ready.
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, &[]).await
    }

    /// As [`Sandbox::start`], with variables of the environment.
    pub(crate) async fn start_with(database: Database, variables: &[(&str, &str)]) -> Self {
        Self::open(testkit::folder(), database, variables).await
    }

    /// As [`Sandbox::start`], with a portfolio that is made from then on.
    pub(crate) async fn start_with_portfolio(database: Database) -> Self {
        Self::open_with(testkit::folder(), database, Vec::new(), &["--demo"]).await
    }

    /// Starts on what is in the folder `data` of a folder, or anew if there is nothing.
    pub(crate) async fn open(
        around: TempDir,
        database: Database,
        variables: &[(&str, &str)],
    ) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(owned).collect::<Vec<_>>();
        Self::open_with(around, database, variables, &[]).await
    }

    async fn open_with(
        around: TempDir,
        database: Database,
        variables: Vec<(String, String)>,
        more: &'static [&'static str],
    ) -> Self {
        let dir = around.path().join("data");
        let running = spawn(&dir, &database, &variables, more);
        let file = ready(&running, &dir).await;
        let callers = callers(&dir, &file);
        Self { around, database, variables, more, running, file, callers }
    }

    /// Starts again on the same folder and database, after [`Sandbox::stop`] or [`Sandbox::kill`].
    pub(crate) async fn restart(&mut self) {
        let dir = self.dir();
        self.running.replace(spawn(&dir, &self.database, &self.variables, self.more));
        self.file = ready(&self.running, &dir).await;
        self.callers = callers(&dir, &self.file);
    }

    /// Sets the variables of the environment for the next [`Sandbox::restart`].
    pub(crate) fn set_variables(&mut self, variables: &[(&str, &str)]) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.variables = variables.iter().map(owned).collect();
    }

    /// Ends it with SIGTERM and waits for it.
    pub(crate) async fn stop(&mut self) -> Ended {
        self.running.terminate();
        self.running.ended().await
    }

    /// Asks it to end with SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        self.running.terminate();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Ended {
        self.running.ended().await
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&self) {
        self.running.kill();
    }

    /// Lets it write no file beyond so many bytes; `None` lets it again.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        self.running.limit_files(bytes);
    }

    /// The anonymous memory that its process has in use, in bytes.
    pub(crate) fn resident(&self) -> usize {
        self.running.resident()
    }

    /// The data folder.
    pub(crate) fn dir(&self) -> PathBuf {
        self.around.path().join("data")
    }

    /// The database.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// What `sandbox.json` says.
    pub(crate) fn file(&self) -> &Value {
        &self.file
    }

    /// Everything that it has written so far, over all its starts.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&self.running.output()).into_owned()
    }

    /// Calls as the partner `sandbox`.
    pub(crate) fn partner(&self) -> &Caller {
        &self.callers[0]
    }

    /// Calls as the processor.
    pub(crate) fn processor(&self) -> &Caller {
        &self.callers[1]
    }

    /// Calls as the partner of a code.
    pub(crate) fn partner_of_code(&self, code: &str) -> Caller {
        let partners = self.file["partners"].as_array().into_iter().flatten();
        let partner = partners.into_iter().find(|partner| partner["issuerCode"] == code);
        caller(&self.dir(), &self.file, partner.expect("sandbox.json names the partner"))
    }

    /// Calls without a certificate.
    pub(crate) fn anonymous(&self) -> &Caller {
        &self.callers[2]
    }

    /// Calls with a certificate of one's own: certificate and key as PEM.
    pub(crate) fn with_certificate(&self, certificate: &str, key: &str) -> Caller {
        Caller::new(&self.dir(), &self.file, Some(&format!("{certificate}\n{key}")))
    }

    /// Runs `antaca` with these arguments and `--data` of this sandbox.
    pub(crate) async fn antaca(&self, arguments: &[&str]) -> Ended {
        let dir = self.dir();
        let data = ["--data", dir.to_str().expect("a path of text")];
        antaca(&[arguments, &data].concat()).await
    }

    /// Certificate and key of the partner `sandbox`, or of `processor`, PEM.
    pub(crate) fn identity(&self, of: &str) -> (String, String) {
        let read = |end| std::fs::read_to_string(self.dir().join(format!("{of}.{end}")));
        (read("pem").expect("a certificate"), read("key").expect("a key"))
    }

    /// The sum of a metric over the lines that hold all these words.
    pub(crate) async fn metric(&self, name: &str, words: &[&str]) -> u64 {
        let (status, text) = self.operations("/metrics").await;
        assert_eq!(status, 200, "{text}");
        let lines = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
                && words.iter().all(|word| line.contains(word))
        });
        let value = |line: &str| line.rsplit(' ').next().and_then(|text| text.parse::<u64>().ok());
        lines.map(|line| value(line).expect("a whole number")).sum()
    }

    /// Asks the operations listener by another method; the status.
    pub(crate) async fn operate(&self, method: reqwest::Method, path: &str) -> u16 {
        let url = self.file["operationsUrl"].as_str().expect("a URL");
        let answer = self.anonymous().client.request(method, format!("{url}{path}")).send().await;
        answer.expect("the operations listener answers").status().as_u16()
    }

    /// Asks the operations listener; status and body.
    pub(crate) async fn operations(&self, path: &str) -> (u16, String) {
        let url = self.file["operationsUrl"].as_str().expect("a URL");
        let answer = self.anonymous().client.get(format!("{url}{path}")).send().await;
        let answer = answer.expect("the operations listener answers");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }
}

/// Calls the sandbox with one certificate, or none.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    client: Client,
    base: String,
    /// The token of a session.
    bearer: Option<String>,
}

impl Caller {
    /// Calls the server of a file such as `sandbox.json`, with files in this folder.
    pub(crate) fn new(dir: &Path, file: &Value, identity: Option<&str>) -> Self {
        let ca = read(dir, file["ca"].as_str());
        let ca = Certificate::from_pem(ca.as_bytes()).expect("the authority's certificate");
        let base = file["baseUrl"].as_str().expect("a URL").to_owned();
        let port = base.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let mut builder = Client::builder()
            .tls_backend_rustls()
            .tls_certs_only([ca])
            .no_proxy()
            .timeout(ANSWER)
            .resolve("localhost", ([127, 0, 0, 1], port).into());
        if let Some(pem) = identity {
            builder = builder.identity(Identity::from_pem(pem.as_bytes()).expect("an identity"));
        }
        Self { client: builder.build().expect("a client"), base, bearer: None }
    }

    /// The same with the token of a session.
    pub(crate) fn with_bearer(&self, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..self.clone() }
    }

    /// A GET of this path.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// Replaces.
    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.request(reqwest::Method::PUT, path)
    }

    /// Removes.
    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(reqwest::Method::DELETE, path)
    }

    /// A POST to this path.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(reqwest::Method::POST, path)
    }

    /// A request of any method to this path.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// The arguments of a sandbox in this folder.
pub(crate) fn arguments(dir: &Path, database: &Database) -> Vec<String> {
    let dir = dir.to_str().expect("a path of text");
    let mut arguments =
        ["sandbox", "--data", dir, "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0"]
            .map(str::to_owned)
            .to_vec();
    if let Database::Postgres(url) = database {
        arguments.extend(["--database".to_owned(), url.clone()]);
    }
    arguments
}

fn spawn(
    dir: &Path,
    database: &Database,
    variables: &[(String, String)],
    more: &[&str],
) -> Running {
    tls::install_provider();
    let mut arguments = arguments(dir, database);
    arguments.extend(more.iter().map(|it| (*it).to_owned()));
    Running::spawn(&arguments, variables)
}

/// Waits for `sandbox.json` and reads it.
async fn ready(running: &Running, dir: &Path) -> Value {
    let path = dir.join("sandbox.json");
    testkit::eventually("the sandbox is ready", START, async || {
        let over = running.is_over();
        assert!(!over, "the sandbox has ended: {}", String::from_utf8_lossy(&running.output()));
        path.exists() && running.output_contains("\nReady.")
    })
    .await;
    let text = std::fs::read_to_string(path).expect("sandbox.json can be read");
    serde_json::from_str(&text).expect("sandbox.json is JSON")
}

fn callers(dir: &Path, file: &Value) -> [Caller; 3] {
    let of = |whose: &Value| caller(dir, file, whose);
    [of(&file["partners"][0]), of(&file["processor"]), Caller::new(dir, file, None)]
}

/// Calls with a certificate that `sandbox.json` names.
fn caller(dir: &Path, file: &Value, whose: &Value) -> Caller {
    let parts = [read(dir, whose["certificate"].as_str()), read(dir, whose["key"].as_str())];
    Caller::new(dir, file, Some(&parts.join("\n")))
}

fn read(dir: &Path, name: Option<&str>) -> String {
    let path = dir.join(name.expect("sandbox.json names the file"));
    std::fs::read_to_string(path).expect("the file can be read")
}
