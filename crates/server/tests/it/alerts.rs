//! Low-balance alerts: the operator's command, and the e-mail that a server sends by itself.

use crate::support::{Database, Ended, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{Letter, MailHost, MailTls, eventually};

/// A try that hangs is given up after a minute, and one of a dead server is made again after two.
const PATIENCE: Duration = Duration::from_secs(180);
const PASSWORD: &str = "correct-horse-battery";
const OPS: &str = "ops@example.com";

/// A mail server, and the variables of a server that sends by it.
struct Post {
    host: MailHost,
    folder: TempDir,
}

impl Post {
    async fn start() -> Self {
        let (host, folder) = (MailHost::start(MailTls::StartTls).await, testkit::folder());
        std::fs::write(folder.path().join("ca.pem"), host.authority()).expect("written");
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).expect("written");
        Self { host, folder }
    }

    async fn sandbox(&self, database: Database) -> Sandbox {
        let path = |name: &str| self.folder.path().join(name).to_str().expect("text").to_owned();
        let (port, ca, password) = (self.host.port().to_string(), path("ca.pem"), path("password"));
        let variables = [
            ("ANTACA_SMTP_HOST", "localhost"),
            ("ANTACA_SMTP_PORT", port.as_str()),
            ("ANTACA_SMTP_TLS", "starttls"),
            ("ANTACA_SMTP_CA_FILE", ca.as_str()),
            ("ANTACA_SMTP_USER", "cards"),
            ("ANTACA_SMTP_PASSWORD_FILE", password.as_str()),
            ("ANTACA_SMTP_FROM", "antaca@cards.example"),
        ];
        Sandbox::start_with(database, &variables).await
    }

    async fn letters(&self, count: usize) -> Vec<Letter> {
        eventually("so many were sent", PATIENCE, async || self.host.letters().len() >= count)
            .await;
        self.host.letters()
    }
}

/// A command about the partner's deposit in euros.
async fn deposit(sandbox: &Sandbox, command: &str, more: &[&str]) -> Ended {
    let of = ["--code", "sandbox", "--kind", "DEPOSIT", "--currency", "EUR"];
    sandbox.antaca(&[&["partner", command][..], &of, more].concat()).await
}

async fn move_money(sandbox: &Sandbox, kind: &str, amount: &str, id: &str) {
    let more = ["--type", kind, "--amount", amount, "--external-id", id];
    deposit(sandbox, "move", &more).await.assert_done();
}

async fn alert(sandbox: &Sandbox, more: &[&str]) -> Value {
    let ended = deposit(sandbox, "alert", more).await;
    assert_eq!(ended.assert_done().stderr, "");
    ended.json()[0]["alert"].clone()
}

on_both_databases! {
    /// Sent over TLS with a login; the log has neither the password nor an address.
    async fn an_operator_has_a_low_balance_told(database) {
        let post = Post::start().await;
        let sandbox = post.sandbox(database).await;
        let early = deposit(&sandbox, "alert", &["--below", "1", "--to", OPS]).await;
        early.assert_refused("BALANCE_NOT_FOUND");
        deposit(&sandbox, "balance", &[]).await.assert_done();
        move_money(&sandbox, "collateralCredit", "1000", "in").await;
        assert_eq!(alert(&sandbox, &[]).await, Value::Null);
        let both = ["--below", "1000", "--to", OPS, "--to", "b@bank.example"];
        let set = alert(&sandbox, &both).await;
        let expected = json!({
            "below": 1000, "to": [OPS, "b@bank.example"], "lowSince": null, "unsent": null,
        });
        assert_eq!(set, expected);

        for bad in [
            "ops@example.com\r\nBcc: x@example.com",
            "ops@example.com>,<x@example.com",
            "Ops <ops@example.com>",
            "a@example.com,b@example.com",
            "ops",
        ] {
            let told = deposit(&sandbox, "alert", &["--below", "5", "--to", bad]).await;
            told.assert_refused("--to must be one e-mail address");
            assert!(!told.stderr.contains("Bcc"), "{told:?}");
        }
        for bad in [
            &["--below", "5"][..],
            &["--to", OPS],
            &["--below", "-1", "--to", OPS],
            &["--below", "5", "--to", OPS, "--off"],
        ] {
            assert_eq!(deposit(&sandbox, "alert", bad).await.code, Some(2), "{bad:?}");
        }
        assert_eq!(alert(&sandbox, &[]).await, expected, "nothing was changed");

        move_money(&sandbox, "collateralDebit", "1", "out").await;
        let letters = post.letters(1).await;
        assert!(letters[0].secured);
        assert!(letters[0].commands.iter().any(|line| line.starts_with("AUTH PLAIN ")));
        assert_eq!(letters[0].to, [format!("<{OPS}>"), "<b@bank.example>".to_owned()]);
        assert_eq!(letters[0].header("Subject"), "Low balance: sandbox DEPOSIT 9.99 EUR");
        eventually("it is noted", PATIENCE, async || {
            let listed = sandbox.antaca(&["partner", "balances", "--code", "sandbox"]).await;
            let listed = listed.assert_done().json();
            let deposit = listed.iter().find(|one| one["kind"] == "DEPOSIT").expect("listed");
            let alert = &deposit["alert"];
            alert["lowSince"].is_string() && alert["unsent"].is_null()
        })
        .await;
        assert_eq!(alert(&sandbox, &["--off"]).await, Value::Null);
        assert_eq!(post.host.letters().len(), 1);
        let output = sandbox.output();
        assert!(output.contains("a low balance was told"), "{output}");
        assert!(!output.contains(PASSWORD) && !output.contains("ops@"), "{output}");
    }
}

on_both_databases! {
    /// Who sets an alert that nobody will send is told so, and at each start the log tells it.
    async fn without_a_mail_server_an_alert_is_kept_with_a_warning(database) {
        let mut sandbox = Sandbox::start(database).await;
        deposit(&sandbox, "balance", &[]).await.assert_done();
        let set = deposit(&sandbox, "alert", &["--below", "1000", "--to", OPS]).await;
        assert!(set.stderr.contains("no mail server is configured"), "{set:?}");
        assert_eq!(set.assert_done().json()[0]["alert"]["below"], 1000);
        assert_eq!(set.json()[0].get("warning"), None);
        sandbox.stop().await.assert_done();
        sandbox.restart().await;
        eventually("the log tells it", PATIENCE, async || {
            sandbox.output().contains("There are low-balance alerts, and no mail server")
        })
        .await;
    }
}

/// A server that can't read what it needs for e-mail says so at its start.
#[tokio::test]
async fn a_missing_password_is_told_at_the_start() {
    let folder = testkit::folder();
    let data = folder.path().join("data");
    let arguments = crate::support::arguments(&data, &Database::Sqlite);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let missing = folder.path().join("password");
    let variables = [
        ("ANTACA_SMTP_HOST", "mail.example"),
        ("ANTACA_SMTP_FROM", "a@cards.example"),
        ("ANTACA_SMTP_USER", "cards"),
        ("ANTACA_SMTP_PASSWORD_FILE", missing.to_str().expect("text")),
    ];
    let ended = crate::support::antaca_with(&arguments, &variables).await;
    ended.assert_refused("There is no password in");
}

/// One of two servers tells it, also when the one that looked first is gone.
#[tokio::test]
async fn two_servers_tell_a_low_balance_once() {
    let post = Post::start().await;
    let one = post.sandbox(Database::Postgres(testkit::postgres_url().await)).await;
    let other = one.sibling().await;
    deposit(&one, "balance", &[]).await.assert_done();
    alert(&one, &["--below", "1000", "--to", OPS]).await;
    post.letters(1).await;
    for (fall, kept) in [(2, &one), (3, &other)] {
        move_money(kept, "collateralCredit", "1000", &format!("in-{fall}")).await;
        eventually("it has recovered", PATIENCE, async || {
            alert(kept, &[]).await["lowSince"].is_null()
        })
        .await;
        move_money(kept, "collateralDebit", "1000", &format!("out-{fall}")).await;
        let letters = post.letters(fall).await;
        assert_eq!(letters.len(), fall);
        if fall == 2 {
            one.kill();
        }
    }
    let letters = post.letters(3).await;
    let ids: std::collections::BTreeSet<&str> =
        letters.iter().map(|letter| letter.header("Message-ID")).collect();
    assert_eq!((letters.len(), ids.len()), (3, 3));
}
