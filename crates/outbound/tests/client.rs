//! Calls to a partner's server over real TLS, and everything that such a server may do wrong.

mod partner;

use crypto::certificates::{Authority, certificate_der, client_key_and_csr};
use domain::Timestamp;
use outbound::SharedSecret;
use outbound::client::{ANSWER_MAX, Answer, Call, CallError, Client, LIST_MAX, Method};
use outbound::target::{Identity, Reach, Target, TargetError};
use partner::{Behaviour, Partner, Request};
use std::time::{Duration, Instant};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Longer than any call here takes that isn't meant to time out.
const PATIENCE: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
const KEY: Uuid = Uuid::from_u128(0x20e8_7975_dbfb_4c95_b239_1695_16c0_b707);
const BODY: &[u8] = br#"{"dcCardId":"11"}"#;
const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

#[expect(clippy::disallowed_methods, reason = "certificates hold in real time")]
fn authority(name: &str) -> Authority {
    Authority::create(name, Timestamp::now())
}

/// A partner that behaves so, and how it is called.
#[expect(clippy::disallowed_methods, reason = "certificates hold in real time")]
fn partner(behaviour: Behaviour) -> (Partner, Target) {
    let authority = authority("Partner");
    let now = Timestamp::now();
    let server = authority.sign_server(&["localhost"], 1, now);
    let (key, csr) = client_key_and_csr("Antaca");
    let client = authority.sign_client(&csr, 1, now).expect("a request");
    let partner =
        Partner::start(authority.certificate_pem(), &server.expect("a certificate"), behaviour);
    let target = Target {
        base_url: format!("https://localhost:{}/base", partner.port),
        trusted_ca: authority.certificate_pem().to_owned(),
        identity: Some(Identity { certificate: client.pem, key }),
        reach: Reach::Anywhere,
    };
    (partner, target)
}

async fn call(target: &Target, timeout: Duration) -> Result<Answer, CallError> {
    let client = Client::new(target).expect("a target");
    client.call(&notification(&[], timeout)).await
}

fn notification(secrets: &[SharedSecret], timeout: Duration) -> Call<'_> {
    Call {
        method: Method::Post,
        path: "/notifications/cardLocked",
        key: KEY,
        request_id: "request-1",
        body: BODY,
        timeout,
        secrets,
        now: NOW,
        answer_max: ANSWER_MAX,
    }
}

/// What a partner that answers so is understood to have answered.
async fn answered(answer: &str) -> Result<Answer, CallError> {
    let (_partner, target) = partner(Behaviour::Answer(answer.as_bytes().to_vec()));
    call(&target, PATIENCE).await
}

#[tokio::test]
async fn a_call_shows_our_certificate_and_is_signed() {
    let (partner, target) = partner(Behaviour::Answer(NO_CONTENT.to_vec()));
    let client = Client::new(&target).expect("a target");
    let secrets = [SharedSecret::new(&(0..32).collect::<Vec<u8>>())];
    let answer = client.call(&notification(&secrets, PATIENCE)).await.expect("an answer");
    assert_eq!((answer.status, answer.body), (204, Vec::new()));
    assert!(!answer.is_problem_json && answer.retry_after.is_none());

    let Request { head, body, certificate } = partner.next();
    assert_eq!(
        certificate,
        certificate_der(&identity(&target).certificate).expect("a certificate")
    );
    assert_eq!(body, BODY);
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /base/notifications/cardLocked HTTP/1.1"));
    let headers: Vec<String> = lines.map(str::to_owned).collect();
    for expected in [
        "x-idempotency-key: 20e87975-dbfb-4c95-b239-169516c0b707",
        "x-request-id: request-1",
        "webhook-id: 20e87975-dbfb-4c95-b239-169516c0b707",
        "webhook-timestamp: 1700000000",
        // From the Python library `standardwebhooks`.
        "webhook-signature: v1,DpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=",
        "content-type: application/json",
        concat!("user-agent: Antaca/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(headers.iter().any(|header| header == expected), "{expected}: {headers:?}");
    }
    assert!(!head.contains("accept-encoding"), "{head}");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_call() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (partner, target) = partner(Behaviour::KeepAlive(answer.to_vec()));
    let client = Client::new(&target).expect("a target");
    for _ in 0..3 {
        client.call(&notification(&[], PATIENCE)).await.expect("an answer");
    }
    assert_eq!(partner.connections(), 1);
}

#[tokio::test]
async fn every_method_is_sent() {
    let (partner, target) = partner(Behaviour::KeepAlive(NO_CONTENT.to_vec()));
    let client = Client::new(&target).expect("a target");
    for (method, word) in [
        (Method::Get, "GET"),
        (Method::Post, "POST"),
        (Method::Put, "PUT"),
        (Method::Delete, "DELETE"),
    ] {
        let call = Call { method, path: "/users/1", ..notification(&[], PATIENCE) };
        client.call(&call).await.expect("an answer");
        let line = format!("{word} /base/users/1 HTTP/1.1");
        assert_eq!(partner.next().head.lines().next(), Some(&*line));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (partner, target) = partner(Behaviour::Answer(
        b"HTTP/1.1 301 Moved Permanently\r\nlocation: /base/elsewhere\r\ncontent-length: 0\r\n\r\n"
            .to_vec(),
    ));
    let answer = call(&target, PATIENCE).await.expect("an answer");
    assert_eq!(answer.status, 301);
    partner.next();
    assert_eq!(partner.connections(), 1);
}

#[tokio::test]
async fn a_problem_and_a_wish_to_be_left_alone_are_understood() {
    let problem = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: Application/Problem+JSON; \
                   charset=utf-8\r\nretry-after: 120\r\ncontent-length: 13\r\n\r\n\
                   {\"title\":\"A\"}";
    let answer = answered(problem).await.expect("an answer");
    assert_eq!((answer.status, &*answer.body), (503, &b"{\"title\":\"A\"}"[..]));
    assert!(answer.is_problem_json);
    assert_eq!(answer.retry_after, Some(Duration::from_secs(120)));

    // 100 seconds after `NOW`, 100 before it, and what can't be read.
    for (wish, expected) in [
        ("Tue, 14 Nov 2023 22:15:00 GMT", Some(Duration::from_secs(100))),
        ("Tue, 14 Nov 2023 22:11:40 GMT", Some(Duration::ZERO)),
        ("soon", None),
        ("-5", None),
    ] {
        let answer = format!("HTTP/1.1 429 Too Many\r\nretry-after: {wish}\r\n\r\n");
        assert_eq!(answered(&answer).await.expect("an answer").retry_after, expected, "{wish}");
    }
}

#[tokio::test]
async fn an_answer_of_64_kib_is_read_and_a_longer_one_is_refused() {
    let answer = |length: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", " ".repeat(length))
    };
    let read = answered(&answer(64 * 1024)).await.expect("an answer");
    assert_eq!(read.body.len(), 64 * 1024);
    assert_eq!(answered(&answer(64 * 1024 + 1)).await, Err(CallError::TooLarge));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(1_000_000));
    assert_eq!(answered(&endless).await, Err(CallError::TooLarge));
    // A list may be longer, and has an end too.
    for (length, expected) in [(LIST_MAX, Ok(LIST_MAX)), (LIST_MAX + 1, Err(CallError::TooLarge))] {
        let (_partner, target) = partner(Behaviour::Answer(answer(length).into_bytes()));
        let client = Client::new(&target).expect("a target");
        let call = Call { answer_max: LIST_MAX, ..notification(&[], PATIENCE) };
        let read = client.call(&call).await.map(|answer| answer.body.len());
        assert_eq!(read, expected);
    }
}

#[tokio::test]
async fn an_answer_that_drips_is_given_up_in_time() {
    for head in ["HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", "HTTP/1.1 200 OK\r\nx: "] {
        let (_partner, target) = partner(Behaviour::Drip(head.as_bytes().to_vec()));
        let begun = Instant::now();
        assert_eq!(call(&target, Duration::from_millis(1500)).await, Err(CallError::Timeout));
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn a_connection_that_ends_early_has_no_answer() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    for answer in ["", "HTTP/1.1 2", half, "rubbish\r\n\r\n", "HTTP/1.1 999999 x\r\n\r\n"] {
        assert_eq!(answered(answer).await, Err(CallError::Broken), "{answer}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_can_not_be_connected_to() {
    let (partner, target) = partner(Behaviour::Answer(Vec::new()));
    let port = partner.stop();
    let target = Target { base_url: format!("https://localhost:{port}"), ..target };
    assert_eq!(call(&target, PATIENCE).await, Err(CallError::Connect));
}

#[tokio::test]
async fn a_name_that_does_not_exist_can_not_be_connected_to() {
    let (_partner, target) = partner(Behaviour::Answer(Vec::new()));
    for reach in [Reach::Public, Reach::Anywhere] {
        let base_url = "https://partner.invalid".to_owned();
        let target = Target { base_url, reach, ..copy(&target) };
        assert_eq!(call(&target, PATIENCE).await, Err(CallError::Connect));
    }
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (partner, target) = partner(Behaviour::Answer(NO_CONTENT.to_vec()));
    let trusted_ca = authority("Partner").certificate_pem().to_owned();
    let target = Target { trusted_ca, ..target };
    assert_eq!(call(&target, PATIENCE).await, Err(CallError::Tls));
    assert!(partner.received_nothing());
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let (partner, target) = partner(Behaviour::Answer(NO_CONTENT.to_vec()));
    let base_url = format!("https://127.0.0.1:{}", partner.port);
    assert_eq!(call(&Target { base_url, ..target }, PATIENCE).await, Err(CallError::Tls));
    assert!(partner.received_nothing());
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "certificates hold in real time")]
async fn a_server_that_does_not_know_our_certificate_ends_the_handshake() {
    let (partner, target) = partner(Behaviour::Answer(NO_CONTENT.to_vec()));
    let (key, csr) = client_key_and_csr("Antaca");
    let other = authority("Other").sign_client(&csr, 1, Timestamp::now()).expect("a request");
    let identity = Some(Identity { certificate: other.pem, key });
    let target = Target { identity, ..target };
    let refused = call(&target, PATIENCE).await;
    assert!(matches!(refused, Err(CallError::Tls | CallError::Broken)), "{refused:?}");
    assert!(partner.received_nothing());
}

#[tokio::test]
async fn a_name_of_our_own_network_is_refused_before_anything_is_connected_to() {
    let (partner, target) = partner(Behaviour::Answer(NO_CONTENT.to_vec()));
    let target = Target { reach: Reach::Public, ..target };
    assert_eq!(call(&target, PATIENCE).await, Err(CallError::Forbidden));
    assert_eq!(partner.connections(), 0);
}

#[test]
fn a_client_is_not_made_of_what_can_not_work() {
    let (_partner, target) = partner(Behaviour::Answer(Vec::new()));
    let wrong = |target: Target| Client::new(&target).expect_err("a wrong target");
    let base_url = "https://127.0.0.1:8443".to_owned();
    let public = Target { base_url, reach: Reach::Public, ..copy(&target) };
    assert_eq!(wrong(public), TargetError::Address);
    let trusted_ca = String::new();
    assert_eq!(wrong(Target { trusted_ca, ..copy(&target) }), TargetError::TrustedCa);
    let ours = identity(&target);
    for ours in [
        Identity { certificate: target.trusted_ca.clone(), key: ours.key.clone() },
        Identity { certificate: ours.certificate.clone(), key: Zeroizing::new("key".to_owned()) },
    ] {
        assert_eq!(wrong(Target { identity: Some(ours), ..copy(&target) }), TargetError::Identity);
    }
    assert_eq!(format!("{target:?}"), "Target { reach: Anywhere, .. }");
}

fn copy(target: &Target) -> Target {
    Target {
        base_url: target.base_url.clone(),
        trusted_ca: target.trusted_ca.clone(),
        identity: target.identity.clone(),
        reach: target.reach,
    }
}

fn identity(target: &Target) -> &Identity {
    target.identity.as_ref().expect("an identity")
}
