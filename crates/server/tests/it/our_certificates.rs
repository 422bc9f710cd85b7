//! How partners are called: our certificate from request to use, the secret, what they are told.

use crate::support::{Database, Ended, Sandbox};
use crypto::certificates::Authority;
use domain::Timestamp;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The days of a certificate that a partner signs for us.
const DAYS: u32 = 30;

/// A partner with an authority of its own.
struct Partner {
    authority: Authority,
    now: Timestamp,
}

impl Partner {
    fn new() -> Self {
        // Long ago, so that an ended certificate can be had, and for ten years.
        let now = "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time");
        Self { authority: Authority::create("Partner CA", now), now }
    }

    /// A certificate that holds at the time of the test.
    fn sign(&self, csr: &str) -> String {
        self.authority.sign_client(csr, 825, self.now).expect("signed").pem
    }

    /// One that has ended.
    fn sign_ended(&self, csr: &str) -> String {
        self.authority.sign_client(csr, DAYS, self.now).expect("signed").pem
    }
}

fn written(sandbox: &Sandbox, name: &str, text: &str) -> String {
    let file: PathBuf = sandbox.dir().join(name);
    std::fs::write(&file, text).expect("the file can be written");
    file.to_str().expect("a path of text").to_owned()
}

async fn requested(sandbox: &Sandbox) -> String {
    let csr = ["ca", "csr", "--partner", "acme", "--name", "antaca at acme"];
    sandbox.antaca(&csr).await.assert_done().stdout.clone()
}

/// `ca import` of these texts.
async fn import(sandbox: &Sandbox, certificate: &str, ca: &str, url: &str) -> Ended {
    let certificate = written(sandbox, "ours.pem", certificate);
    let ca = written(sandbox, "theirs.pem", ca);
    let import = ["ca", "import", "--partner", "acme", "--certificate", &certificate];
    sandbox.antaca(&[&import[..], &["--trusted-ca", &ca, "--base-url", url]].concat()).await
}

/// What is known of the calls to the partner, and our certificate for it.
async fn calls(sandbox: &Sandbox) -> (Value, Option<Value>) {
    let partners = sandbox.antaca(&["partner", "list"]).await.assert_done().json();
    let acme = partners.into_iter().find(|partner| partner["issuerCode"] == "acme");
    let list = ["ca", "list", "--partner", "acme"];
    let listed = sandbox.antaca(&list).await.assert_done().json();
    let ours = listed.into_iter().find(|line| line["direction"] == "OUTBOUND");
    (acme.expect("it was created")["calls"].clone(), ours)
}

async fn with_acme(database: Database) -> Sandbox {
    let sandbox = Sandbox::start(database).await;
    sandbox.antaca(&["partner", "create", "--code", "acme"]).await.assert_done();
    sandbox
}

on_both_databases! {
    /// Requested, signed by the partner, taken; asked for anew and renewed; nothing in between
    /// touches what is in use.
    async fn our_certificate_goes_from_request_to_use_and_is_renewed(database) {
        let mut sandbox = with_acme(database).await;
        let partner = Partner::new();
        let ca = partner.authority.certificate_pem();
        let url = "HTTPS://Cards.Acme.Example:443/antaca/";
        let early = import(&sandbox, ca, ca, url).await;
        early.assert_refused("CERTIFICATE_NOT_REQUESTED: ");
        assert_eq!(calls(&sandbox).await, (Value::Null, None));

        let replaced = requested(&sandbox).await;
        let csr = requested(&sandbox).await;
        let stale = import(&sandbox, &partner.sign(&replaced), ca, url).await;
        stale.assert_refused("CERTIFICATE_KEY_MISMATCH: ");
        let (known, ours) = calls(&sandbox).await;
        assert_eq!((&known["complete"], ours), (&json!(false), None));

        let first = partner.sign(&csr);
        let chain = format!("Subject: ours\n{first}Subject: theirs\n{ca}");
        import(&sandbox, &chain, ca, url).await.assert_done();
        let (known, ours) = calls(&sandbox).await;
        assert_eq!(known["complete"], true);
        assert_eq!(known["baseUrl"], "https://cards.acme.example/antaca");
        let ours = ours.expect("there is one");
        assert_eq!(ours["commonName"], "antaca at acme");
        assert_eq!(ours["partner"], "acme");

        // Without a request the address alone may change; with one the certificate stays.
        let other = "https://192.0.2.7:8443";
        import(&sandbox, &first, ca, other).await.assert_done();
        let csr = requested(&sandbox).await;
        let (known, still) = calls(&sandbox).await;
        assert_eq!(known["baseUrl"], other);
        assert_eq!(known["complete"], true);
        assert_eq!(still, Some(ours.clone()));
        sandbox.stop().await;
        sandbox.restart().await;
        import(&sandbox, &partner.sign(&csr), ca, other).await.assert_done();
        let (_, renewed) = calls(&sandbox).await;
        assert_ne!(renewed, Some(ours));
        let old = import(&sandbox, &first, ca, other).await;
        old.assert_refused("CERTIFICATE_KEY_MISMATCH: ");
        assert_eq!(calls(&sandbox).await.1, renewed);
    }

    /// Each fault is named, and nothing changes.
    async fn what_a_partner_gave_is_refused_by_its_fault(database) {
        let sandbox = with_acme(database).await;
        let partner = Partner::new();
        let ca = partner.authority.certificate_pem();
        let url = "https://cards.acme.example";
        let csr = requested(&sandbox).await;
        let good = partner.sign(&csr);
        let before = calls(&sandbox).await;

        let ended = import(&sandbox, &partner.sign_ended(&csr), ca, url).await;
        ended.assert_refused("CERTIFICATE_NOT_IN_FORCE: ");
        import(&sandbox, &csr, ca, url).await.assert_refused("CERTIFICATE_UNREADABLE: ");
        let (server, key) =
            partner.authority.sign_server(&["acme.example"], 825, partner.now).expect("signed");
        let with_key = format!("{good}{}", *key);
        import(&sandbox, &with_key, ca, url).await.assert_refused("CERTIFICATE_UNREADABLE: ");
        import(&sandbox, &server, ca, url).await.assert_refused("CERTIFICATE_KEY_MISMATCH: ");
        import(&sandbox, &good, &good, url).await.assert_refused("TRUSTED_CA_REFUSED: ");
        import(&sandbox, &good, "", url).await.assert_refused("TRUSTED_CA_REFUSED: ");
        for url in ["http://acme.example", "https://me@acme.example", "https://acme.example:22"] {
            import(&sandbox, &good, ca, url).await.assert_refused("BASE_URL_INVALID: ");
        }
        let large = "x".repeat(70_000);
        import(&sandbox, &large, ca, url).await.assert_refused("is too large for what it is");
        for name in ["", " antaca", &"a".repeat(65)] {
            let named = sandbox.antaca(&["ca", "csr", "--partner", "acme", "--name", name]).await;
            named.assert_refused("COMMON_NAME_INVALID: ");
        }
        let nobody = sandbox.antaca(&["ca", "csr", "--partner", "nobody"]).await;
        nobody.assert_refused("PARTNER_NOT_FOUND: ");

        assert_eq!(calls(&sandbox).await, before);
        import(&sandbox, &good, ca, url).await.assert_done();
    }

    /// The secret is the same until it is made anew, and is in nothing that is written.
    async fn the_secret_of_our_calls_is_shown_and_made_anew(database) {
        let mut sandbox = with_acme(database).await;
        let secret = async |sandbox: &Sandbox, more: &[&str]| {
            let secret = [&["partner", "secret", "--code", "acme"], more].concat();
            sandbox.antaca(&secret).await.assert_done().stdout.trim_end().to_owned()
        };
        let first = secret(&sandbox, &[]).await;
        assert!(first.starts_with("whsec_") && first.len() == 50, "24 to 64 bytes as base64");
        assert_eq!(secret(&sandbox, &[]).await, first);
        let second = secret(&sandbox, &["--rotate"]).await;
        assert_ne!(second, first);
        assert_eq!(secret(&sandbox, &[]).await, second);
        let again = sandbox.antaca(&["partner", "secret", "--code", "acme", "--rotate"]).await;
        again.assert_refused("SECRET_ROTATED_RECENTLY: ");
        assert_eq!(secret(&sandbox, &[]).await, second);
        let third = secret(&sandbox, &["--rotate", "--at-once"]).await;
        assert!(third != first && third != second);
        assert_eq!(secret(&sandbox, &[]).await, third);
        let alone = sandbox.antaca(&["partner", "secret", "--code", "acme", "--at-once"]).await;
        assert_eq!(alone.code, Some(2), "only with --rotate");
        let nobody = sandbox.antaca(&["partner", "secret", "--code", "nobody"]).await;
        nobody.assert_refused("PARTNER_NOT_FOUND: ");
        sandbox.stop().await;
        for secret in [&first, &second, &third] {
            let text = secret.strip_prefix("whsec_").expect("its prefix");
            assert!(!sandbox.output().contains(text), "the log holds a secret");
            for entry in std::fs::read_dir(sandbox.dir()).expect("the folder can be read") {
                let path = entry.expect("an entry").path();
                let held = std::fs::read(&path).unwrap_or_default();
                let found = held.windows(text.len()).any(|part| part == text.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
        assert_eq!(secret(&sandbox, &[]).await, third, "without a server too");
    }

    /// A partner is told of what it asked for.
    async fn a_partner_says_what_it_is_told_of(database) {
        let sandbox = with_acme(database).await;
        let told = async |words: &str| {
            let set = ["partner", "set", "--code", "acme", "--notifications", words];
            sandbox.antaca(&set).await.assert_done().json()[0]["calls"]["notifications"].clone()
        };
        let all = json!(["cardLocked", "cardUnlocked", "transaction"]);
        assert_eq!(told("transaction,cardUnlocked,cardLocked,transaction").await, all);
        assert_eq!(told("cardLocked").await, json!(["cardLocked"]));
        assert_eq!(told("none").await, json!([]));
        assert_eq!(calls(&sandbox).await.0["notifications"], json!([]));
        for (words, code) in [("everything", 2), ("", 2), ("none,cardLocked", 1)] {
            let set = ["partner", "set", "--code", "acme", "--notifications", words];
            assert_eq!(sandbox.antaca(&set).await.code, Some(code), "{words:?}");
        }
        let set = ["partner", "set", "--code", "acme", "--name", "Acme Bank"];
        sandbox.antaca(&set).await.assert_done();
        assert_eq!(calls(&sandbox).await.0["notifications"], json!([]));
    }
}
