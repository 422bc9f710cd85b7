//! Low-balance alerts: who is told by e-mail, how often, and what a mail server changes of it.

use app::alerts::alert_json;
use app::audit::Operator;
use domain::alert::{MailAddress, Rule};
use domain::balance::PartnerBalanceKind;
use domain::ids::BalanceId;
use domain::money::Amount;
use domain::partner::CollateralMode;
use domain::transaction::TransactionType::{CollateralCredit, CollateralDebit};
use outbound::mail::{MailServer, Mailer, Security};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::db::Sql;
use testkit::{Database, Letter, MailHost, MailTls, TestApp, eventually, free_port, on_both};

const OPS: &str = "ops@example.com";
const DESK: &str = "desk@bank.example";

fn address(text: &str) -> MailAddress {
    MailAddress::parse(text).expect("an address")
}

fn mailer(port: u16) -> Mailer {
    let server = MailServer {
        host: "localhost".to_owned(),
        port,
        security: Security::None,
        trusted_ca: None,
        login: None,
        from: address("antaca@cards.example"),
    };
    Mailer::new(server).expect("a mailer")
}

/// Has these told of a balance below an amount.
async fn set(node: &TestApp, balance: BalanceId, below: i64, to: &[&str]) {
    let below = Amount::from_minor(below).expect("an amount");
    let rule = Rule::new(below, to.iter().map(|it| address(it)).collect()).expect("a rule");
    let operator = Operator("os:test".to_owned());
    let of = (node.scope.partner(), balance);
    node.app.set_alert(&operator, of, Some(rule)).await.expect("is set");
}

/// A turn of each worker.
async fn turn(node: &TestApp, mailer: &Mailer) {
    node.app.look_at_balances().await.expect("looks");
    node.app.send_alerts(mailer).await.expect("sends");
}

async fn load(node: &TestApp, balance: BalanceId, minor: i64) {
    node.transfer(balance, CollateralCredit, minor).await.expect("is loaded");
}

async fn draw(node: &TestApp, balance: BalanceId, minor: i64) {
    node.transfer(balance, CollateralDebit, minor).await.expect("is drawn");
}

/// What the alert of the only balance with one shows.
async fn shown(node: &TestApp) -> Value {
    let alerts = node.app.alerts(node.scope).await.expect("reads");
    alerts.first().map_or(Value::Null, alert_json)
}

fn ids(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.header("Message-ID")).collect()
}

on_both! {
    /// One e-mail when it falls, none while it stays low, another after it was enough again.
    async fn a_fall_is_told_once_to_all_and_again_after_a_recovery(node) {
        let host = MailHost::start(MailTls::None).await;
        let mailer = mailer(host.port());
        let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
        load(&node, deposit, 100_000).await;
        set(&node, deposit, 100_000, &[OPS, DESK]).await;
        turn(&node, &mailer).await;
        assert_eq!(host.letters(), [], "at its threshold it is enough");

        draw(&node, deposit, 50).await;
        turn(&node, &mailer).await;
        let letters = host.letters();
        assert_eq!(letters.len(), 1);
        let told = &letters[0];
        assert_eq!(told.to, [format!("<{OPS}>"), format!("<{DESK}>")]);
        assert_eq!(told.header("To"), format!("{OPS}, {DESK}"));
        assert_eq!(told.header("From"), "Antaca <antaca@cards.example>");
        assert_eq!(told.header("Subject"), "Low balance: sandbox DEPOSIT 999.50 EUR");
        assert_eq!(told.header("Auto-Submitted"), "auto-generated");
        for words in [
            "Partner:    sandbox\n",
            "Balance:    DEPOSIT\n",
            "Currency:   EUR\n",
            "Available:  999.50 EUR",
            "Threshold:  1000.00 EUR\n",
        ] {
            assert!(told.text.contains(words), "{words}: {}", told.text);
        }

        draw(&node, deposit, 900).await;
        for _ in 0..3 {
            turn(&node, &mailer).await;
            node.advance_real(3_600);
        }
        assert_eq!(host.letters().len(), 1, "it stays low");

        load(&node, deposit, 950).await;
        turn(&node, &mailer).await;
        assert_eq!(host.letters().len(), 1);
        assert_eq!(shown(&node).await["lowSince"], Value::Null);
        draw(&node, deposit, 1).await;
        turn(&node, &mailer).await;
        let letters = host.letters();
        assert_eq!(letters.len(), 2);
        assert_ne!(ids(&letters)[0], ids(&letters)[1]);
        assert!(letters[1].text.contains("Available:  999.99 EUR"), "{}", letters[1].text);
    }
}

on_both! {
    /// What counts is what can be spent: a hold counts as spent, and its release as money.
    async fn a_hold_lowers_what_is_looked_at(node) {
        let host = MailHost::start(MailTls::None).await;
        let mailer = mailer(host.port());
        let deposit = node.backed_by(CollateralMode::Deposit, 1_000).await;
        let funded = node.funded(1_000).await;
        set(&node, deposit, 800, &[OPS]).await;
        node.purchase(funded.card, 300, "held").await.expect("decided");
        turn(&node, &mailer).await;
        let letters = host.letters();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("Available:  7.00 EUR"), "{}", letters[0].text);
        node.verify().await;
    }
}

on_both! {
    /// A server that is down is tried again, with growing pauses, and then told once.
    async fn what_cannot_be_sent_is_sent_later(node) {
        let port = free_port();
        let mailer = mailer(port);
        let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
        set(&node, deposit, 1, &[OPS]).await;
        for (attempts, pause) in [(1, 5), (2, 10), (3, 20)] {
            turn(&node, &mailer).await;
            assert_eq!(shown(&node).await["unsent"]["attempts"], attempts);
            node.advance_real(pause - 2);
            turn(&node, &mailer).await;
            assert_eq!(shown(&node).await["unsent"]["attempts"], attempts, "it is a pause");
            node.advance_real(2);
        }
        let tries = AtomicUsize::new(0);
        // The first answer to a text isn't SMTP: whether it was taken isn't known.
        let host = MailHost::start_on(port, MailTls::None, move |line| {
            let first = line == "." && tries.fetch_add(1, Ordering::SeqCst) == 0;
            first.then_some("hello?")
        })
        .await;
        turn(&node, &mailer).await;
        assert_eq!(shown(&node).await["unsent"]["attempts"], 4);
        node.advance_real(40);
        turn(&node, &mailer).await;
        assert_eq!(shown(&node).await["unsent"], Value::Null);
        node.advance_real(86_400);
        turn(&node, &mailer).await;
        let letters = host.letters();
        assert_eq!(letters.len(), 2);
        assert_eq!(ids(&letters)[0], ids(&letters)[1], "it is the same message");
        assert_eq!(letters[0].text, letters[1].text);
    }
}

on_both! {
    /// An address that is refused keeps nobody else's e-mail back, and is tried on.
    async fn a_refused_address_is_tried_alone(node) {
        let host = MailHost::start_on(0, MailTls::None, |line| {
            line.contains("nobody@").then_some("550 5.1.1 no such user, says ops-secret")
        })
        .await;
        let mailer = mailer(host.port());
        let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
        set(&node, deposit, 1, &["nobody@example.com", OPS]).await;
        turn(&node, &mailer).await;
        node.advance_real(60);
        turn(&node, &mailer).await;
        assert_eq!(host.letters().len(), 1);
        assert_eq!(host.letters()[0].to, [format!("<{OPS}>")]);
        let unsent = shown(&node).await["unsent"].clone();
        let nobody = json!(["nobody@example.com"]);
        assert_eq!((&unsent["to"], &unsent["attempts"]), (&nobody, &json!(2)));

        set(&node, deposit, 1, &[DESK, OPS]).await;
        node.advance_real(60);
        turn(&node, &mailer).await;
        let letters = host.letters();
        assert_eq!(letters.len(), 2);
        assert_eq!(letters[1].to, [format!("<{DESK}>")], "who has it doesn't get it again");
        assert_eq!(shown(&node).await["unsent"], Value::Null);
    }
}

on_both! {
    /// What a node was sending when it died is sent by another when the claim is over, not before.
    async fn a_claim_outlives_its_node_by_two_minutes(node) {
        let hung = free_port();
        let silent = MailHost::start_on(hung, MailTls::None, |line| (line == "DATA").then_some(""));
        let silent = silent.await;
        let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
        set(&node, deposit, 1, &[OPS]).await;
        node.app.look_at_balances().await.expect("looks");
        let app = node.app.clone();
        let stuck = mailer(hung);
        let tasks = node.app.tasks.clone();
        let sending = tasks.run(async move { app.send_alerts(&stuck).await });
        let patience = Duration::from_secs(30);
        eventually("it is claimed", patience, async || {
            shown(&node).await["unsent"]["attempts"] == 1
        })
        .await;
        sending.abort();
        drop((sending.await, silent));

        let host = MailHost::start(MailTls::None).await;
        let mailer = mailer(host.port());
        node.advance_real(110);
        turn(&node, &mailer).await;
        assert_eq!(host.letters(), []);
        node.advance_real(10);
        turn(&node, &mailer).await;
        assert_eq!(host.letters().len(), 1);
    }
}

on_both! {
    /// Another threshold is judged anew; without an alert nothing is told, nor what was unsent.
    async fn a_changed_alert_is_judged_anew_and_one_taken_away_is_silent(node) {
        let host = MailHost::start(MailTls::None).await;
        let mailer = mailer(host.port());
        let operator = Operator("os:test".to_owned());
        let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
        load(&node, deposit, 500).await;
        for (below, letters) in [(501, 1), (501, 1), (1_000, 2), (500, 2), (600, 3)] {
            set(&node, deposit, below, &[OPS]).await;
            turn(&node, &mailer).await;
            assert_eq!(host.letters().len(), letters, "{below}");
        }
        set(&node, deposit, 700, &[OPS]).await;
        node.app.look_at_balances().await.expect("looks");
        let of = (node.scope.partner(), deposit);
        assert_eq!(node.app.set_alert(&operator, of, None).await.expect("is taken away"), None);
        turn(&node, &mailer).await;
        assert_eq!(host.letters().len(), 3);
        assert!(!node.app.has_alerts().await.expect("reads"));

        const AUDIT: Sql =
            Sql("select detail from audit where action = 'partner-balance.alert'");
        let mut tx = node.app.db.read().await.expect("begins");
        let rows = tx.rows(&AUDIT, &[]).await.expect("reads");
        let details: Vec<Value> = rows.iter().map(|row| row.get("detail").expect("JSON")).collect();
        tx.rollback().await;
        assert_eq!(details.len(), 6, "what stays as it is leaves no record: {details:?}");
        let change = json!({ "before": { "below": 501 }, "after": { "below": 1_000 } });
        assert!(details.contains(&change), "{details:?}");
        assert!(details.iter().all(|detail| !detail.to_string().contains('@')), "{details:?}");
    }
}

/// Whoever sees it first tells it, and the other doesn't.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_tells() {
    let node = TestApp::on(Database::Postgres).await;
    let other = node.sibling().await;
    other.app.refresh_settings().await.expect("reads");
    let host = MailHost::start(MailTls::None).await;
    let mailer = mailer(host.port());
    let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
    set(&node, deposit, 100, &[OPS]).await;
    for falls in 1..=10 {
        tokio::join!(turn(&node, &mailer), turn(&other, &mailer));
        tokio::join!(turn(&node, &mailer), turn(&other, &mailer));
        assert_eq!(host.letters().len(), falls);
        load(&node, deposit, 100).await;
        tokio::join!(turn(&node, &mailer), turn(&other, &mailer));
        draw(&node, deposit, 100).await;
    }
    let letters = host.letters();
    let each: std::collections::BTreeSet<&str> = ids(&letters).into_iter().collect();
    assert_eq!(each.len(), 10);
}
