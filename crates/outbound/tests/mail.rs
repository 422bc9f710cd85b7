//! E-mail to a real SMTP server over TCP and TLS, and what such a server may do wrong.

use domain::Timestamp;
use domain::alert::{MailAddress, Rule};
use domain::balance::PartnerBalanceKind;
use domain::money::{Amount, Currency};
use outbound::mail::{LowBalance, Mail, MailError, MailServer, Mailer, Password, Security, Sent};
use testkit::{MailHost, MailTls, free_port};
use uuid::Uuid;

const AT: Timestamp = Timestamp::constant(1_790_000_000, 123_456_789);
const ID: Uuid = Uuid::from_u128(0x20e8_7975_dbfb_4c95_b239_1695_16c0_b707);

fn address(text: &str) -> MailAddress {
    MailAddress::parse(text).expect("an address")
}

fn server(host: &MailHost, security: Security) -> MailServer {
    MailServer {
        host: "localhost".to_owned(),
        port: host.port(),
        security,
        trusted_ca: Some(host.authority().to_owned()),
        login: Some(("cards".to_owned(), Password::new("s3cret"))),
        from: address("antaca@cards.example"),
    }
}

fn mail() -> Mail {
    let threshold = Amount::from_minor(100_000).expect("an amount");
    let rule = Rule::new(threshold, vec![address("ops@example.com")]).expect("a rule");
    let (partner, kind, currency) = ("acme", PartnerBalanceKind::Credit, Currency::PLN);
    LowBalance { partner, kind, currency, available: -5, rule: &rule, at: AT }.mail(ID)
}

async fn send(server: MailServer) -> Result<Sent, MailError> {
    let mail = mail();
    Mailer::new(server)?.send(&mail, &mail.addressed).await
}

/// Logged in only where nobody can listen; the message is whole and names itself.
#[tokio::test]
async fn a_message_is_sent_over_tls_of_both_kinds() {
    for (tls, security) in
        [(MailTls::Implicit, Security::Implicit), (MailTls::StartTls, Security::StartTls)]
    {
        let host = MailHost::start(tls).await;
        assert_eq!(send(server(&host, security)).await, Ok(Sent { refused: Vec::new() }));
        let letters = host.letters();
        let [letter] = letters.as_slice() else { panic!("one message: {letters:?}") };
        assert!(letter.secured);
        let auth = "AUTH PLAIN AGNhcmRzAHMzY3JldA==";
        assert!(letter.commands.contains(&auth.to_owned()), "{letter:?}");
        assert!(letter.commands.contains(&"EHLO cards.example".to_owned()));
        assert!(letter.commands.iter().any(|it| it == "MAIL FROM:<antaca@cards.example>"));
        assert_eq!(letter.to, ["<ops@example.com>"]);
        assert_eq!(letter.header("Message-ID"), format!("<{ID}@cards.example>"));
        assert_eq!(letter.header("Date"), "Mon, 21 Sep 2026 14:13:20 +0000");
        assert_eq!(letter.header("Subject"), "Low balance: acme CREDIT -0.05 PLN");
        assert!(letter.text.contains("\nSeen:       2026-09-21T14:13:20Z (UTC)\n"), "{letter:?}");
        assert!(letter.text.is_ascii());
    }
}

/// Neither the login nor a message goes to a server that isn't who it should be.
#[tokio::test]
async fn nothing_goes_to_a_server_that_is_not_secured_as_configured() {
    let plain = MailHost::start(MailTls::None).await;
    let told = send(server(&plain, Security::StartTls)).await;
    assert_eq!(told, Err(MailError::NotOffered));
    let (stranger, host) =
        (MailHost::start(MailTls::Implicit).await, MailHost::start(MailTls::StartTls).await);
    for security in [Security::Implicit, Security::StartTls] {
        let of = if security == Security::Implicit { &stranger } else { &host };
        let mut wrong = server(of, security);
        wrong.trusted_ca = Some(plain.authority().to_owned());
        assert!(matches!(send(wrong).await, Err(MailError::Tls | MailError::Connection)));
        let mut other_name = server(of, security);
        other_name.host = "127.0.0.1".to_owned();
        assert!(matches!(send(other_name).await, Err(MailError::Tls | MailError::Connection)));
    }
    assert_eq!([plain.letters(), stranger.letters(), host.letters()], [vec![], vec![], vec![]]);
    let mut wrong = server(&plain, Security::Implicit);
    wrong.trusted_ca = Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".into());
    assert_eq!(send(wrong).await, Err(MailError::Configuration));
}

/// Each refusal is told by its status and by nothing else of what the server says.
#[tokio::test]
async fn a_refusal_is_told_without_the_servers_words() {
    type Behave = fn(&str) -> Option<&'static str>;
    let cases: [(Behave, MailError); 6] = [
        (|it| it.starts_with("AUTH").then_some("535 s3cret is wrong"), MailError::Login(535)),
        (|it| it.starts_with("MAIL").then_some("451 later"), MailError::Refused(451)),
        (|it| it.starts_with("RCPT").then_some("550 who?"), MailError::Refused(550)),
        (|it| (it == "DATA").then_some("554 no"), MailError::Refused(554)),
        (|it| (it == ".").then_some("552 too large"), MailError::Refused(552)),
        (|it| (it == ".").then_some("what?"), MailError::Broken),
    ];
    for (behave, expected) in cases {
        let host = MailHost::start_on(0, MailTls::Implicit, behave).await;
        let told = send(server(&host, Security::Implicit)).await;
        assert_eq!(told, Err(expected));
        let text = format!("{expected} {expected:?}");
        assert!(!text.contains("s3cret") && !text.contains("who?"), "{text}");
    }
    let mut nobody = server(&MailHost::start(MailTls::None).await, Security::None);
    nobody.port = free_port();
    let told = format!("{nobody:?}");
    assert!(!told.contains("s3cret") && !told.contains("ops@"), "{told}");
    assert_eq!(send(nobody).await, Err(MailError::Connection));
}

/// What was taken was sent, whether or not the server says goodbye.
#[tokio::test]
async fn a_server_that_does_not_say_goodbye_has_the_message() {
    let host = MailHost::start_on(0, MailTls::Implicit, |it| (it == "QUIT").then_some("")).await;
    assert_eq!(send(server(&host, Security::Implicit)).await, Ok(Sent { refused: Vec::new() }));
    assert_eq!(host.letters().len(), 1);
}
