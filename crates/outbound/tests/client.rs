//! Calls to a partner's server over real TLS, and everything that such a server may do wrong.

mod partner;

use crypto::certificates::{Authority, certificate_der, client_key_and_csr};
use domain::Timestamp;
use domain::card::lifecycle::LockReason;
use domain::ids::{BalanceId, CardId, TransactionId, UserId};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::DescriptionCodes;
use domain::secret::Otp;
use domain::transaction::{
    Category, Description, Order, Place, Processing, Resource, Status, TransactionType,
};
use outbound::SharedSecret;
use outbound::balances;
use outbound::client::{ANSWER_MAX, Answer, Call, CallError, Client, LIST_MAX, Method};
use outbound::notifications::{self, OtpNotice, TransactionNotice};
use outbound::target::{Identity, Reach, Target, TargetError};
use outbound::transactions::{self, Subject};
use partner::{Behaviour, Partner, Request};
use serde_json::{Value, json};
use std::sync::mpsc::channel;
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

/// A request as it came: the first line, and the headers by their names, but for the client's own
/// `user-agent` and `host`.
fn told(request: &Request) -> (String, Vec<String>) {
    let mut lines = request.head.lines().filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    let own = ["user-agent: ", "host: "];
    let of_call = |line: &&str| !own.iter().any(|name| line.starts_with(name));
    let mut headers: Vec<String> = lines.filter(of_call).map(str::to_owned).collect();
    headers.sort();
    (first, headers)
}

/// The headers of the seeds' pages, and those that sign.
fn expected_headers(length: usize, signature: &str) -> Vec<String> {
    let mut headers = vec!["accept: application/json".to_owned()];
    if length > 0 {
        headers.push(format!("content-length: {length}"));
        headers.push("content-type: application/json".to_owned());
    }
    headers.extend([
        "webhook-id: 20e87975-dbfb-4c95-b239-169516c0b707".to_owned(),
        format!("webhook-signature: {signature}"),
        "webhook-timestamp: 1700000000".to_owned(),
        "x-idempotency-key: 20e87975-dbfb-4c95-b239-169516c0b707".to_owned(),
        "x-request-id: request-1".to_owned(),
    ]);
    headers
}

/// A purchase of the card 222.
fn purchase() -> Order {
    Order {
        balance: Some(BALANCE),
        card: Some(CardId(222)),
        processor: None,
        network_id: "177482/1".to_owned(),
        network_date: NOW,
        reference_id: None,
        reference_date: None,
        kind: TransactionType::Pos,
        category: Category::Debit,
        amount: 2233,
        currency: Currency::EUR,
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: "Description".to_owned(),
        data: None,
        mcc: None,
        retrieval_reference: None,
        place: Place::default(),
    }
}

const BALANCE: BalanceId = BalanceId(Uuid::from_u128(0x16b5_3ddb_877c_4d6c_80c7_2d37_50f2_4b65));
const TRANSACTION: TransactionId =
    TransactionId(Uuid::from_u128(0x24cb_c777_de3f_42e2_b772_7d54_27dc_616e));
const RESOURCE: Uuid = Uuid::from_u128(0x5966_4b2b_8403_4205_a400_9228_3fa9_5ffe);

/// The object of a transaction that stands so.
fn object(status: Status) -> Value {
    let (order, resource) = (purchase(), Resource::card(RESOURCE));
    transactions::object(&Subject { id: TRANSACTION, order: &order, resource, status })
}

/// What is sent, and the call as the seeds' pages have it: the first line and the body.
type Golden = ((Method, String), Value, &'static str, Value);

/// Everything that is told of money and of balances.
fn calls_about_money() -> Vec<Golden> {
    let of = |status: &str| {
        json!({
            "id": "24cbc777-de3f-42e2-b772-7d5427dc616e",
            "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65",
            "resourceId": "59664b2b-8403-4205-a400-92283fa95ffe", "resource": "card",
            "transactionId": "177482/1", "referenceTransactionId": null, "type": "pos",
            "amount": 2233, "currency": "EUR", "originalAmount": null, "originalCurrency": null,
            "status": status, "description": "Description", "date": "2023-11-14T22:13:20+00:00",
            "transactionData": {
                "mcc": null, "merchantIdentifier": null, "merchantName": null, "captureMode": null,
                "cardId": "222", "lastFourDigits": null, "acquirerCountry": null,
                "mdesDigitizedWalletId": null, "cashbackPosCurrencyCode": null,
                "cashbackPosAmount": null, "lastFourDpan": null,
                "adjustmentReasonDescription": null, "retrievalReferenceNumber": null,
            },
        })
    };
    let about = |event, status| {
        let body = object(status);
        (notifications::address(event, body.to_string().as_bytes()), body)
    };
    let (debit, authorized) = about(Event::Debit, Status::Authorized);
    let (credit, reversed) = about(Event::ForceCredit, Status::Reversed);
    let (put, cleared) = about(Event::Clearing, Status::Cleared);
    let (all, one) = (balances::path_of_all("7"), balances::path("7", BALANCE));
    let link = balances::link(BALANCE, Currency::PLN);
    let linked = json!({
        "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65", "currency": "PLN",
    });
    let none = Value::Null;
    vec![
        (debit, authorized, "POST /base/transactions/debit", of("AUTHORIZED")),
        (credit, reversed, "POST /base/transactions/force-credit", of("REVERSED")),
        (put, cleared, "PUT /base/transactions/177482%2F1", of("CLEARED")),
        ((Method::Post, all.clone()), link, "POST /base/users/7/balances", linked),
        ((Method::Get, all), none.clone(), "GET /base/users/7/balances", none.clone()),
        (
            (Method::Get, one.clone()),
            none.clone(),
            "GET /base/users/7/balances/16b53ddb-877c-4d6c-80c7-2d3750f24b65",
            none.clone(),
        ),
        (
            (Method::Delete, one),
            none.clone(),
            "DELETE /base/users/7/balances/16b53ddb-877c-4d6c-80c7-2d3750f24b65",
            none.clone(),
        ),
        ((Method::Get, "/public-key".to_owned()), none.clone(), "GET /base/public-key", none),
    ]
}

/// What is told beside it.
fn notifications_told() -> Vec<Golden> {
    let otp = notifications::otp(&OtpNotice {
        user: UserId(1337),
        card: CardId(1338),
        balance: BALANCE,
        amount: 1000,
        currency: Currency::PLN,
        merchant_name: "merchant test",
        otp: &Otp::parse("1111").expect("a password"),
    });
    let otp = serde_json::from_slice(&otp).expect("JSON");
    let order = purchase();
    let transaction = notifications::transaction(&TransactionNotice {
        processing: Processing::Success,
        processed_at: NOW,
        description: Description::Approved,
        codes: DescriptionCodes::Seeds,
        transaction: TRANSACTION,
        order: &order,
        resource: Resource::card(RESOURCE),
        status: Status::Authorized,
    });
    let (reason, codes) = (LockReason::PinTriesExceeded, DescriptionCodes::Seeds);
    let locked = notifications::card_locked(CardId(11), reason, NOW, codes);
    let date = "2023-11-14T22:13:20+00:00";
    let told = json!({
        "status": "SUCCESS", "date": date, "description": "APPROVED",
        "transaction": {
            "id": "24cbc777-de3f-42e2-b772-7d5427dc616e",
            "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65",
            "resourceId": "59664b2b-8403-4205-a400-92283fa95ffe", "resource": "card",
            "cardId": "222", "externalTransactionId": "177482/1",
            "referenceExternalTransactionId": null, "type": "POS", "category": "DEBIT",
            "amount": 2233, "currency": "EUR", "originalAmount": null, "originalCurrency": null,
            "status": "AUTHORIZED", "description": "Description", "date": date,
            "referenceExternalTransactionDate": null, "transactionData": [],
        },
    });
    let at = |event: Event| notifications::address(event, b"{}");
    vec![
        (
            at(Event::CardLocked),
            locked,
            "POST /base/notifications/cardLocked",
            json!({ "dcCardId": "11", "date": date, "reason": "PIN_TRIES_EXCEEDED" }),
        ),
        (
            at(Event::Otp),
            otp,
            "POST /base/notifications/otp",
            json!({
                "storageCustomerId": "1337", "storageCardId": "1338",
                "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65", "amount": "1000",
                "currency": "PLN", "merchantName": "merchant test", "otp": "1111",
            }),
        ),
        (at(Event::Transaction), transaction, "POST /base/notifications/transaction", told),
        (
            at(Event::TransactionEvent),
            notifications::transaction_event(20, NOW),
            "POST /base/transaction-event",
            json!({ "id": 20, "timestamp": "1700000000" }),
        ),
    ]
}

/// The whole request of each kind: method, path, headers, body. What has no body says nothing of
/// its type.
#[tokio::test]
async fn each_request_is_that_of_the_seeds_pages() {
    let (partner, target) = partner(Behaviour::KeepAlive(NO_CONTENT.to_vec()));
    let client = Client::new(&target).expect("a target");
    let secrets = [SharedSecret::new(&(0..32).collect::<Vec<u8>>())];
    for ((method, path), sent, line, expected) in
        calls_about_money().into_iter().chain(notifications_told())
    {
        let body = if sent.is_null() { Vec::new() } else { sent.to_string().into_bytes() };
        let call = Call { method, path: &path, body: &body, ..notification(&secrets, PATIENCE) };
        client.call(&call).await.expect("an answer");
        let request = partner.next();
        let (first, headers) = told(&request);
        assert_eq!(first, format!("{line} HTTP/1.1"));
        let signature = headers.iter().find_map(|it| it.strip_prefix("webhook-signature: "));
        let signature = signature.expect("it is signed");
        assert!(signature.starts_with("v1,"), "{line}");
        assert_eq!(headers, expected_headers(body.len(), signature), "{line}");
        assert_eq!(request.body, body, "{line}");
        let came: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        assert_eq!(came, expected, "{line}");
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

/// What can't be read to the end isn't read: the connection is closed, long before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_an_end_is_cut_off() {
    const FLOOD: usize = 64 * 1024 * 1024;
    let of_length = format!("HTTP/1.1 200 OK\r\ncontent-length: {FLOOD}\r\n\r\n");
    for head in [of_length.as_str(), "HTTP/1.1 200 OK\r\n\r\n"] {
        let (sender, taken) = channel();
        let (_partner, target) = partner(Behaviour::Flood(head.into(), FLOOD, sender));
        assert_eq!(call(&target, PATIENCE).await, Err(CallError::TooLarge));
        // What lies in the buffers of both ends isn't ours to bound.
        let taken = taken.recv_timeout(PATIENCE).expect("the connection ends");
        assert!(taken < FLOOD / 2, "{taken}");
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
#[expect(clippy::disallowed_methods, reason = "certificates hold in real time")]
async fn a_server_whose_certificate_is_over_is_refused() {
    let before = Timestamp::now() - jiff::SignedDuration::from_hours(72);
    let authority = Authority::create("Partner", before);
    let (key, csr) = client_key_and_csr("Antaca");
    let client = authority.sign_client(&csr, 30, before).expect("a request");
    for (days, expected) in [(30, Ok(204)), (1, Err(CallError::Tls))] {
        let server = authority.sign_server(&["localhost"], days, before).expect("a certificate");
        let answer = Behaviour::Answer(NO_CONTENT.to_vec());
        let partner = Partner::start(authority.certificate_pem(), &server, answer);
        let target = Target {
            base_url: format!("https://localhost:{}", partner.port),
            trusted_ca: authority.certificate_pem().to_owned(),
            identity: Some(Identity { certificate: client.pem.clone(), key: key.clone() }),
            reach: Reach::Anywhere,
        };
        let answer = call(&target, PATIENCE).await.map(|answer| answer.status);
        assert_eq!(answer, expected);
        assert_eq!(partner.received_nothing(), expected.is_err());
    }
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
