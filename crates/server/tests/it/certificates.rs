//! The life of the certificates of those who call us: signed, listed, revoked, on the CRL.

use crate::story::unique;
use crate::support::{Caller, Database, Sandbox, config, connect, connect_as};
use axum::body::Body;
use axum::http::Request;
use crypto::certificates::{certificate_der, client_key_and_csr, fingerprint};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Where any partner may ask.
const ROUTE: &str = "/secure/public-key";
/// How soon another node refuses what one has revoked, on a machine that builds meanwhile.
const ELSEWHERE: Duration = Duration::from_secs(10);
/// How soon a file tells of a change, on such a machine.
const SOON: Duration = Duration::from_secs(10);

/// A certificate that this test had signed.
struct Held {
    pem: String,
    key: String,
    name: String,
    file: PathBuf,
}

impl Held {
    /// The partner `sandbox` gets another certificate, under a name of its own.
    async fn of_partner(sandbox: &Sandbox) -> Self {
        let name = format!("server-{}", unique());
        Self::signed(sandbox, &name, &["--partner", "sandbox"]).await
    }

    async fn signed(sandbox: &Sandbox, name: &str, more: &[&str]) -> Self {
        let (key, csr) = client_key_and_csr(name);
        let file = sandbox.dir().join(format!("{name}.pem"));
        let path = file.to_str().expect("a path of text");
        std::fs::write(&file, csr).expect("the request can be written");
        let sign = ["ca", "sign", "--csr", path, "--out", path];
        sandbox.antaca(&[&sign, more].concat()).await.assert_done();
        let pem = std::fs::read_to_string(&file).expect("the certificate can be read");
        Self { pem, key: key.to_string(), name: name.to_owned(), file }
    }

    fn caller(&self, sandbox: &Sandbox) -> Caller {
        sandbox.with_certificate(&self.pem, &self.key)
    }

    fn fingerprint(&self) -> String {
        let der = certificate_der(&self.pem).expect("a certificate");
        fingerprint(&der).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    async fn revoke(&self, sandbox: &Sandbox) -> Value {
        let revoke = ["ca", "revoke", "--certificate", self.file.to_str().expect("text")];
        sandbox.antaca(&revoke).await.assert_done().json().remove(0)
    }
}

async fn asked(caller: &Caller) -> (u16, Value) {
    let (status, body) = crate::story::answer(caller.get(ROUTE)).await;
    (status, body["title"].clone())
}

fn revoked() -> (u16, Value) {
    (401, json!("CERTIFICATE_REVOKED"))
}

/// The certificates of those who call us.
async fn listed(sandbox: &Sandbox, of: &[&str]) -> Vec<Value> {
    let list = [&["ca", "list"], of].concat();
    let mut lines = sandbox.antaca(&list).await.assert_done().json();
    lines.retain(|line| line["direction"] == "INBOUND");
    lines
}

/// Number and serial numbers of a list, as openssl reads them and finds them signed.
fn read_list(sandbox: &Sandbox, file: &Path) -> (u64, Vec<String>) {
    let read = Command::new("openssl")
        .args(["crl", "-noout", "-text", "-CAfile"])
        .args([&sandbox.dir().join("ca.pem"), Path::new("-in"), file])
        .output()
        .expect("openssl runs");
    let (text, told) = (String::from_utf8_lossy(&read.stdout), read.stderr);
    assert!(read.status.success() && told.starts_with(b"verify OK"), "{text}");
    let after = |label| text.split_once(label).expect("openssl says so").1.trim_start();
    let number = after("X509v3 CRL Number:").lines().next().expect("a number");
    let mut serials: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Serial Number: "))
        .map(str::to_owned)
        .collect();
    serials.sort();
    (number.trim().parse().expect("a number"), serials)
}

/// The scopes of certificates that were listed, sorted.
fn scopes(lines: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = lines.iter().map(|line| line["scopes"].to_string()).collect();
    all.sort();
    all
}

on_both_databases! {
    /// By whatever it is named; a second time succeeds and changes nothing.
    async fn a_revoked_certificate_is_refused_for_ever(database) {
        let mut sandbox = Sandbox::start(database).await;
        let first = Held::of_partner(&sandbox).await;
        let caller = first.caller(&sandbox);
        assert_eq!(asked(&caller).await.0, 200);
        let told = first.revoke(&sandbox).await;
        assert_eq!(told["fingerprint"], first.fingerprint());
        assert_eq!(told["commonName"], first.name);
        assert!(told["revokedAt"].is_string(), "{told}");
        assert_eq!(asked(&caller).await, revoked());
        assert_eq!(first.revoke(&sandbox).await, told, "the first revocation stands");
        assert_eq!(asked(sandbox.partner()).await.0, 200, "the others are none of its business");

        for option in ["--name", "--serial", "--fingerprint"] {
            let held = Held::of_partner(&sandbox).await;
            let lines = listed(&sandbox, &["--partner", "sandbox"]).await;
            let line = lines.iter().find(|line| line["commonName"] == held.name).expect("listed");
            let field = if option == "--name" { "commonName" } else { &option[2..] };
            let mut value = line[field].as_str().expect("a text").to_owned();
            if option == "--serial" {
                value.make_ascii_uppercase();
            }
            sandbox.antaca(&["ca", "revoke", option, &value]).await.assert_done();
            assert_eq!(asked(&held.caller(&sandbox)).await, revoked(), "{option}");
        }

        let unknown = sandbox.antaca(&["ca", "revoke", "--serial", "00"]).await;
        unknown.assert_refused("CERTIFICATE_NOT_FOUND: ");
        let key = sandbox.dir().join("sandbox.key");
        let key = key.to_str().expect("text");
        let wrong = sandbox.antaca(&["ca", "revoke", "--certificate", key]).await;
        wrong.assert_refused("must be an X.509 certificate");
        assert_eq!(sandbox.antaca(&["ca", "revoke"]).await.code, Some(2));

        // Without a server too, and it holds after a start.
        let last = Held::of_partner(&sandbox).await;
        sandbox.stop().await;
        last.revoke(&sandbox).await;
        sandbox.restart().await;
        assert_eq!(asked(&last.caller(&sandbox)).await, revoked());
        assert_eq!(asked(&first.caller(&sandbox)).await, revoked());
    }

    /// As a file of the folder, which is current a moment after each revocation, and on demand.
    async fn the_list_of_revoked_certificates_names_them_and_no_other(database) {
        let mut sandbox = Sandbox::start(database).await;
        let file = sandbox.dir().join("crl.pem");
        testkit::eventually("there is a list", SOON, async || file.exists()).await;
        assert_eq!(read_list(&sandbox, &file).1, Vec::<String>::new());
        let in_force = Held::of_partner(&sandbox).await;
        let mut serials = Vec::new();
        let mut last = 0;
        for _ in 0..2 {
            let told = Held::of_partner(&sandbox).await.revoke(&sandbox).await;
            serials.push(told["serial"].as_str().expect("a serial number").to_ascii_uppercase());
            serials.sort();
            testkit::eventually("the file names it", SOON, async || {
                read_list(&sandbox, &file).1 == serials
            })
            .await;
            let (number, _) = read_list(&sandbox, &file);
            assert!(number > last, "{number} follows {last}");
            last = number;
        }

        let out = sandbox.dir().join("mine.pem");
        let crl = ["ca", "crl", "--out", out.to_str().expect("a path of text")];
        for running in [true, false] {
            if !running {
                sandbox.stop().await;
            }
            sandbox.antaca(&crl).await.assert_done();
            let (number, named) = read_list(&sandbox, &out);
            assert!(number > last, "{number} follows {last}");
            assert_eq!(named, serials);
            last = number;
        }
        sandbox.restart().await;
        assert_eq!(asked(&in_force.caller(&sandbox)).await.0, 200);
        testkit::eventually("a start makes it anew", SOON, async || {
            read_list(&sandbox, &file).0 > last
        })
        .await;
    }

    /// A name may have several certificates; while two are in force it names neither.
    async fn a_name_with_two_certificates_in_force_revokes_none(database) {
        let sandbox = Sandbox::start(database).await;
        let name = format!("server-{}", unique());
        let first = Held::signed(&sandbox, &name, &["--partner", "sandbox"]).await;
        let second = Held::signed(&sandbox, &name, &["--partner", "sandbox"]).await;
        let by_name = ["ca", "revoke", "--name", &name];
        sandbox.antaca(&by_name).await.assert_refused("CERTIFICATE_AMBIGUOUS: ");
        for held in [&first, &second] {
            assert_eq!(asked(&held.caller(&sandbox)).await.0, 200);
        }
        let print = first.fingerprint();
        sandbox.antaca(&["ca", "revoke", "--fingerprint", &print]).await.assert_done();
        assert_eq!(asked(&second.caller(&sandbox)).await.0, 200);
        for _ in 0..2 {
            let told = sandbox.antaca(&by_name).await.assert_done().json().remove(0);
            assert_eq!(told["fingerprint"], second.fingerprint());
        }
        assert_eq!(asked(&second.caller(&sandbox)).await, revoked());
    }

    /// Several certificates at once, each with its own scopes; those of the operator are no
    /// partner's, and open no channel of partners or processors.
    async fn a_certificate_allows_what_its_scopes_say(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = ["--partner", "sandbox"];
        let funding = ["--scope", "partner-balance-create"];
        let both = [&partner[..], &["--scope", "secure"], &funding, &funding].concat();
        let both = Held::signed(&sandbox, "server-both", &both).await;
        let alone = [&partner[..], &funding].concat();
        let alone = Held::signed(&sandbox, "server-alone", &alone).await;
        let ours = ["--operator", "treasury", "--scope", "collateral"];
        let ours = Held::signed(&sandbox, "our-treasury", &ours).await;
        assert_eq!(asked(sandbox.partner()).await.0, 200);
        assert_eq!(asked(&both.caller(&sandbox)).await.0, 200);
        let forbidden = (403, json!("FORBIDDEN"));
        assert_eq!(asked(&alone.caller(&sandbox)).await, forbidden);
        assert_eq!(asked(&ours.caller(&sandbox)).await, forbidden);

        let csr = sandbox.dir().join("again.csr");
        std::fs::write(&csr, client_key_and_csr("our-treasury").1).expect("written");
        let csr = csr.to_str().expect("text");
        let sign = async |more: &[&str]| {
            sandbox.antaca(&[&["ca", "sign", "--csr", csr], more].concat()).await
        };
        for scope in ["collateral", "iban", "processor", "everything"] {
            let refused = sign(&["--partner", "sandbox", "--scope", scope]).await;
            refused.assert_refused("collateral and iban are scopes of the operator's own");
        }
        sign(&["--operator", "treasury"]).await.assert_refused("Say with --scope");
        let wrong = sign(&["--operator", "treasury", "--scope", "secure"]).await;
        wrong.assert_refused("SCOPE_REFUSED: ");
        let wrong = sign(&["--operator", "Our Treasury", "--scope", "iban"]).await;
        wrong.assert_refused("OPERATOR_NAME_INVALID: ");
        let other = sign(&["--operator", "other", "--scope", "iban"]).await;
        other.assert_refused("COMMON_NAME_TAKEN: ");
        sign(&partner).await.assert_refused("COMMON_NAME_TAKEN: ");
        sign(&["--operator", "treasury", "--scope", "iban"]).await.assert_done();
        assert_eq!(sign(&["--operator", "treasury", "--partner", "sandbox"]).await.code, Some(2));

        let lines = listed(&sandbox, &["--operator", "treasury"]).await;
        assert_eq!(scopes(&lines), [r#"["collateral"]"#, r#"["iban"]"#]);
        assert_eq!(lines[0]["operator"], "treasury");
        let lines = listed(&sandbox, &partner).await;
        let funding = r#"["partner-balance-create"]"#;
        let both = r#"["partner-balance-create","secure"]"#;
        assert_eq!(scopes(&lines), [both, funding, r#"["secure"]"#]);
        assert!(lines.iter().all(|line| line["partner"] == "sandbox"), "{lines:?}");
        let lines = listed(&sandbox, &["--processor", "sandbox-processor"]).await;
        assert_eq!(lines.len(), 1);
        let all = listed(&sandbox, &[]).await;
        for name in ["sandbox", "sandbox-processor", "server-both", "our-treasury"] {
            assert!(all.iter().any(|line| line["commonName"] == name), "{name}: {all:?}");
        }
        let nobody = sandbox.antaca(&["ca", "list", "--partner", "nobody"]).await;
        nobody.assert_refused("PARTNER_NOT_FOUND: ");
    }
}

/// A resumed session carries the certificate of its first handshake, which is looked up again.
#[tokio::test]
async fn a_resumed_session_ends_being_accepted_with_the_revocation() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let held = Held::of_partner(&sandbox).await;
        let identity = Some((held.pem.as_str(), held.key.as_str()));
        let config = Arc::new(config(&sandbox, identity, &[version]));
        for (resumed, status) in [(false, 200), (true, 200), (true, 401)] {
            if status == 401 {
                held.revoke(&sandbox).await;
            }
            let mut connection = connect_as(&sandbox, &config).await.expect("a connection");
            assert_eq!(connection.is_resumed(), resumed, "{version:?}");
            let request = format!("GET {ROUTE} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            connection.send(request.as_bytes()).await.expect("sent");
            let answer = connection.read_until(b"}").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{version:?}: {answer}");
        }
    }
}

/// The other node learns of it by itself, on a connection that is open there.
#[tokio::test]
async fn a_revocation_holds_on_the_other_node_too() {
    let database = Database::Postgres(testkit::postgres_url().await);
    let sandbox = Sandbox::start(database).await;
    let sibling = sandbox.sibling().await;
    let held = Held::of_partner(&sandbox).await;
    let caller = held.caller(&sibling);
    testkit::eventually("the other node knows the certificate", ELSEWHERE, async || {
        asked(&caller).await.0 == 200
    })
    .await;
    held.revoke(&sandbox).await;
    assert_eq!(asked(&held.caller(&sandbox)).await, revoked(), "here it holds at once");
    testkit::eventually("the other node refuses it", ELSEWHERE, async || {
        asked(&caller).await == revoked()
    })
    .await;
}

/// HTTP/1.1, kept alive: the same connection, by its own port.
#[tokio::test]
async fn an_open_connection_ends_being_accepted_with_the_revocation() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let held = Held::of_partner(&sandbox).await;
    let identity = Some((held.pem.as_str(), held.key.as_str()));
    let mut connection = connect(&sandbox, identity, &[b"http/1.1"]).await.expect("a connection");
    let request = format!("GET {ROUTE} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (status, title) in [(200, "publicKey"), (401, "CERTIFICATE_REVOKED")] {
        connection.send(request.as_bytes()).await.expect("sent");
        let answer = connection.read_until(b"}").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(title), "{answer}");
        held.revoke(&sandbox).await;
    }
}

#[tokio::test]
async fn an_open_connection_of_http_2_ends_being_accepted_with_the_revocation() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let held = Held::of_partner(&sandbox).await;
    let identity = Some((held.pem.as_str(), held.key.as_str()));
    let connection = connect(&sandbox, identity, &[b"h2"]).await.expect("a connection");
    let io = TokioIo::new(connection.into_stream());
    let shaken = http2::handshake(TokioExecutor::new(), io).await;
    let (mut sender, connection) = shaken.expect("a handshake");
    let asking = async {
        for status in [200, 401] {
            let request = Request::get(format!("https://localhost{ROUTE}")).body(Body::empty());
            let answer = sender.send_request(request.expect("a request")).await;
            assert_eq!(answer.expect("an answer").status(), status);
            held.revoke(&sandbox).await;
        }
    };
    tokio::select! {
        () = asking => {}
        ended = connection => panic!("the connection has ended: {ended:?}"),
    }
}
