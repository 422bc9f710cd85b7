//! The demonstration partner, called as the platform calls partners.

use super::*;
use crypto::jwe::PublicKey;
use crypto::mac::SharedSecret;
use outbound::client::{ANSWER_MAX, Answer, Call, CallError, Client, Method};
use outbound::target::{Identity, Reach, Target};
use std::time::Duration;
use testkit::TestApp;
use uuid::Uuid;
use zeroize::Zeroizing;

const CODE: &str = "sandbox";

fn operator() -> Operator {
    Operator("os:test".to_owned())
}

async fn start(node: &TestApp, folder: &Folder) -> Calls {
    let ahead = Arc::default();
    let needs = Needs { app: &node.app, folder, real_time: clock::real(), ahead };
    Calls::start(needs, &operator()).await.expect("starts")
}

fn outbound_of(node: &TestApp) -> Outbound {
    let settings = node.app.settings.get();
    settings.outbound(node.scope.partner()).expect("is set").clone()
}

async fn opened(node: &TestApp, kept: Kept, sealed: &[u8]) -> Zeroizing<Vec<u8>> {
    node.app.open_outbound(node.scope.partner(), kept, sealed).await.expect("opens")
}

/// How the partner is called, by the settings.
async fn target(node: &TestApp) -> Target {
    let held = outbound_of(node);
    let key = opened(node, Kept::Key, &held.key.expect("a key")).await;
    Target {
        base_url: held.base_url.expect("a URL"),
        trusted_ca: held.trusted_ca.expect("an authority"),
        identity: Some(Identity {
            certificate: held.certificate.expect("a certificate"),
            key: Zeroizing::new(String::from_utf8(key.to_vec()).expect("a PEM")),
        }),
        reach: Reach::Anywhere,
    }
}

async fn call(
    target: &Target,
    (method, path): (Method, &str),
    secret: &[u8],
) -> Result<Answer, CallError> {
    send(target, (method, path, r#"{"dcCardId":"11"}"#), 7, secret).await
}

/// Sends with the key of a number.
async fn send(
    target: &Target,
    (method, path, body): (Method, &str, &str),
    key: u128,
    secret: &[u8],
) -> Result<Answer, CallError> {
    let client = Client::new(target).expect("a target");
    let call = Call {
        method,
        path,
        key: Uuid::from_u128(key),
        request_id: "request-1",
        body: body.as_bytes(),
        timeout: Duration::from_secs(20),
        secrets: &[SharedSecret::new(secret)],
        now: clock::real()(),
        answer_max: ANSWER_MAX,
    };
    client.call(&call).await
}

testkit::on_both! {
    async fn what_is_signed_is_kept_for_its_partner(node) {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let calls = start(&node, &folder).await;
        let target = target(&node).await;
        let secret = opened(&node, Kept::Secret, &outbound_of(&node).secret).await;
        let locked = (Method::Post, "/notifications/cardLocked");

        let answer = call(&target, locked, &secret).await.expect("an answer");
        assert_eq!((answer.status, answer.body), (204, Vec::new()));
        let answer = call(&target, locked, &[1; 32]).await.expect("an answer");
        assert_eq!(answer.status, 401, "signed by somebody else");
        let answer = call(&target, (Method::Get, "/users/1"), &secret).await.expect("an answer");
        assert_eq!(answer.status, 404);

        let page = calls.received(CODE, None, 50);
        assert_eq!((page.items.len(), page.next), (2, None));
        let first = &page.items[0];
        assert_eq!((&first["method"], &first["path"]), (&"POST".into(), &locked.1.into()));
        assert_eq!(first["body"]["dcCardId"], "11");
        assert_eq!(first["headers"]["x-request-id"], "request-1");
        assert_eq!(page.items[1]["path"], "/users/1");
        let page = calls.received(CODE, None, 1);
        assert_eq!((page.items.len(), page.next), (1, Some(1)));
        let page = calls.received(CODE, page.next, 1);
        assert_eq!((page.items[0]["path"].clone(), page.next), ("/users/1".into(), None));
        assert!(calls.received("shared", None, 50).items.is_empty());
        node.app.tasks.stop();
    }
}

testkit::on_both! {
    async fn the_demonstration_partner_keeps_books(node) {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let calls = start(&node, &folder).await;
        let target = target(&node).await;
        let secret = opened(&node, Kept::Secret, &outbound_of(&node).secret).await;
        let link = r#"{"balanceId":"b334b384-328c-11ed-a261-0242ac120002","currency":"PLN"}"#;
        let debit = r#"{"id":"b4f534ef-77c2-4f16-ab4d-496806a76fb6","transactionId":"ab3d89e4",
            "balanceId":"b334b384-328c-11ed-a261-0242ac120002","amount":2500,"currency":"PLN",
            "status":"AUTHORIZED"}"#;
        let balance = "/users/7/balances/b334b384-328c-11ed-a261-0242ac120002";
        for (method, path, body, key, expected) in [
            (Method::Post, "/users/7/balances", link, 1, (204, "")),
            (Method::Post, "/transactions/debit", debit, 2, (204, "")),
            (Method::Post, "/transactions/debit", debit, 2, (204, "")),
            (Method::Get, balance, "", 3, (200, r#"{"amount":97500,"currency":"PLN"}"#)),
        ] {
            let answer = send(&target, (method, path, body), key, &secret).await;
            let answer = answer.expect("an answer");
            let body = String::from_utf8(answer.body).expect("text");
            assert_eq!((answer.status, body.as_str()), expected, "{path}");
            assert!(!answer.is_problem_json);
        }
        let other = (Method::Get, "/users/8/balances/b334b384-328c-11ed-a261-0242ac120002", "");
        let refused = send(&target, other, 4, &secret).await.expect("an answer");
        assert!(refused.status == 403 && refused.is_problem_json, "{refused:?}");

        let key = send(&target, (Method::Get, "/public-key", ""), 5, &secret).await;
        let key: Value = serde_json::from_slice(&key.expect("an answer").body).expect("JSON");
        let key = PublicKey::parse(key["publicKey"].as_str().expect("a text"));
        assert!(key.is_ok(), "what we encrypt for");
        assert_eq!(calls.received(CODE, None, 50).items.len(), 6);
        node.app.tasks.stop();
    }
}

testkit::on_both! {
    async fn a_caller_of_another_authority_does_not_get_in(node) {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let calls = start(&node, &folder).await;
        let (key, csr) = client_key_and_csr(CLIENT_NAME);
        let now = clock::real()();
        let other = Authority::create(CLIENT_CA_NAME, now).sign_client(&csr, 1, now);
        let certificate = other.expect("a request").pem;
        let identity = Some(Identity { certificate, key });
        let target = Target { identity, ..target(&node).await };
        let secret = opened(&node, Kept::Secret, &outbound_of(&node).secret).await;
        let refused = call(&target, (Method::Post, "/notifications/cardLocked"), &secret).await;
        assert!(matches!(refused, Err(CallError::Tls | CallError::Broken)), "{refused:?}");
        assert!(calls.received(CODE, None, 50).items.is_empty());
        node.app.tasks.stop();
    }
}

testkit::on_both! {
    async fn each_start_sets_anew_what_has_to_be_and_leaves_the_rest(node) {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let first_start = start(&node, &folder).await;
        let first = outbound_of(&node);
        assert_eq!(first.base_url, Some(first_start.demonstration(CODE).base_url));
        assert_eq!(first.notifications, Event::NOTIFICATIONS);

        // The demonstration partner has moved to another port.
        let own = SetOutbound { notifications: Some(Vec::new()), ..SetOutbound::default() };
        node.app.set_outbound(&operator(), first.partner, own).await.expect("sets");
        let second_start = start(&node, &folder).await;
        let second = outbound_of(&node);
        let expected = Outbound {
            base_url: Some(second_start.demonstration(CODE).base_url),
            notifications: Vec::new(),
            ..first.clone()
        };
        assert_ne!(second.base_url, first.base_url);
        assert_eq!(second, expected);

        // The partner has named a server of its own.
        let base_url = Some("https://localhost:9999/own".to_owned());
        let own = SetOutbound { base_url, ..SetOutbound::default() };
        node.app.set_outbound(&operator(), first.partner, own).await.expect("sets");
        let third = outbound_of(&node);
        start(&node, &folder).await;
        assert_eq!(outbound_of(&node), third);
        node.app.tasks.stop();
    }
}
