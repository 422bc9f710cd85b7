//! Clients that ask for too much, send too slowly or don't listen: each gets its answer, and
//! nothing is held for ever.

use crate::story::{Story, expect, registration, unique};
use crate::support::{Caller, Connection, Database, Sandbox, connect};
use axum::body::Body;
use axum::http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the server may take to notice, on a machine that builds at the same time.
const SOON: Duration = Duration::from_secs(30);
/// Long enough to see that nothing happens.
const MOMENT: Duration = Duration::from_millis(300);

async fn limited(limits: &[(&str, &str)]) -> Sandbox {
    let names = limits.iter().map(|(name, _)| format!("ANTACA_LIMITS_{name}")).collect::<Vec<_>>();
    let values = limits.iter().map(|(_, value)| *value);
    let variables: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
    Sandbox::start_with(Database::Sqlite, &variables).await
}

/// Status, title and `Retry-After` of an answer.
async fn told(request: RequestBuilder) -> (u16, Value, Option<u64>) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after").cloned();
    let retry_after =
        retry_after.map(|value| value.to_str().expect("text").parse().expect("seconds"));
    let body: Value = answer.json().await.unwrap_or_default();
    (status, body["title"].clone(), retry_after)
}

/// How many of these a caller may send before it is told that they are too many.
async fn until_refused(request: impl Fn() -> RequestBuilder, allowed: u16) -> usize {
    for sent in 0..200 {
        let (status, title, retry_after) = told(request()).await;
        if status == 429 {
            assert_eq!(title, "TOO_MANY_REQUESTS");
            assert_eq!(retry_after, Some(1));
            return sent;
        }
        assert_eq!(status, allowed);
    }
    panic!("nothing was refused");
}

async fn eventually_answers(caller: &Caller, path: &str, status: u16) {
    testkit::eventually("time brings requests back", SOON, async || {
        told(caller.get(path)).await.0 == status
    })
    .await;
}

/// A connection of the partner's that has been answered once.
async fn used_connection(sandbox: &Sandbox, of: Option<&str>) -> Connection {
    let mut connection = plain_connection(sandbox, of).await;
    connection.send(GET).await.expect("sent");
    let answer = connection.read_answer().await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 401"), "{answer}");
    connection
}

async fn plain_connection(sandbox: &Sandbox, of: Option<&str>) -> Connection {
    let identity = of.map(|of| sandbox.identity(of));
    let identity = identity.as_ref().map(|(pem, key)| (pem.as_str(), key.as_str()));
    connect(sandbox, identity, &[]).await.expect("a connection")
}

/// Sends bytes on a connection and reads all that comes until its end.
async fn last_words(mut connection: Connection, bytes: &[u8]) -> String {
    // The other side may have said enough before it has read all.
    let _ = connection.send(bytes).await;
    String::from_utf8_lossy(&connection.read_all().await.expect("an answer")).into_owned()
}

fn assert_problem(answer: &str, status: &str, title: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["title"], title);
}

const PATH: &str = "/secure/public-key";
const GET: &[u8] = b"GET /secure/public-key HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Others, and the processor, aren't touched by it.
#[tokio::test]
async fn a_partner_that_asks_too_often_is_told_when_to_come_again() {
    let sandbox = limited(&[("REQUESTS_PER_SECOND", "5")]).await;
    let partner = sandbox.partner();
    // Also for what isn't there.
    let burst = until_refused(|| partner.get("/nowhere"), 404).await;
    assert!(burst >= 10, "{burst}");
    assert_eq!(told(sandbox.anonymous().get(PATH)).await.0, 401);
    for _ in 0..30 {
        assert_eq!(told(sandbox.processor().get(PATH)).await.0, 403);
    }
    eventually_answers(partner, PATH, 200).await;
    assert!(sandbox.metric("antaca_refused_total", &["cause=\"requests\""]).await >= 1);
}

/// Whoever isn't known is counted by address, with a certificate of somebody who is gone too.
#[tokio::test]
async fn callers_who_are_not_known_share_what_their_address_may_ask() {
    let sandbox = limited(&[("ANONYMOUS_REQUESTS_PER_SECOND", "5")]).await;
    let burst = until_refused(|| sandbox.anonymous().get(PATH), 401).await;
    assert!(burst >= 10, "{burst}");
    assert_eq!(told(sandbox.partner().get(PATH)).await.0, 200);
    eventually_answers(sandbox.anonymous(), "/nowhere", 404).await;
}

/// An authorization isn't throttled unless that is asked for.
#[tokio::test]
async fn a_processor_is_limited_only_where_that_is_configured() {
    let sandbox = limited(&[("PROCESSOR_REQUESTS_PER_SECOND", "5")]).await;
    let burst = until_refused(|| sandbox.processor().get("/nowhere"), 404).await;
    assert!(burst >= 10, "{burst}");
}

/// It has its answer before its connection ends; those that are open stay.
#[tokio::test]
async fn a_connection_too_many_with_one_certificate_is_answered_429_and_ends() {
    let sandbox = limited(&[("CONNECTIONS_PER_CERTIFICATE", "2")]).await;
    let mut first = used_connection(&sandbox, Some("sandbox")).await;
    let second = used_connection(&sandbox, Some("sandbox")).await;
    let third = plain_connection(&sandbox, Some("sandbox")).await;
    let answer = last_words(third, GET).await;
    assert_problem(&answer, "429", "TOO_MANY_REQUESTS");
    assert!(answer.to_ascii_lowercase().contains("retry-after: 1"), "{answer}");

    let (pem, key) = sandbox.identity("sandbox");
    let identity = Some((pem.as_str(), key.as_str()));
    let third = connect(&sandbox, identity, &[b"h2"]).await.expect("a connection");
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(third.into_stream()))
            .await
            .expect("a handshake");
    let request = Request::get(format!("https://localhost{PATH}")).body(Body::empty());
    let answer = sender.send_request(request.expect("a request"));
    let (answer, ended) = tokio::join!(answer, timeout(SOON, connection));
    assert_eq!(answer.expect("an answer").status(), 429);
    assert!(ended.is_ok(), "the connection stays");

    assert_eq!(told(sandbox.processor().get(PATH)).await.0, 403);
    first.send(GET).await.expect("sent");
    assert!(first.read_answer().await.expect("an answer").starts_with("HTTP/1.1 200"));
    drop(second);
    eventually_answers(sandbox.partner(), PATH, 200).await;
}

/// Partners call from the same address, perhaps through the same proxy.
#[tokio::test]
async fn connections_without_a_certificate_are_few_and_keep_no_partner_out() {
    let sandbox = limited(&[("CONNECTIONS_PER_ADDRESS", "2")]).await;
    let held = [used_connection(&sandbox, None).await, used_connection(&sandbox, None).await];
    let answer = last_words(plain_connection(&sandbox, None).await, GET).await;
    assert_problem(&answer, "429", "TOO_MANY_REQUESTS");
    assert_eq!(told(sandbox.partner().get(PATH)).await.0, 200);
    drop(held);
    eventually_answers(sandbox.anonymous(), PATH, 401).await;
}

#[tokio::test]
async fn beyond_all_connections_further_ones_wait_until_one_ends() {
    let sandbox = limited(&[("CONNECTIONS", "2")]).await;
    let first = used_connection(&sandbox, Some("sandbox")).await;
    let _second = used_connection(&sandbox, Some("sandbox")).await.into_stream();
    let third = used_connection(&sandbox, None);
    tokio::pin!(third);
    assert!(timeout(MOMENT, &mut third).await.is_err(), "it isn't accepted yet");
    drop(first);
    third.await;
    // Monitoring has room of its own.
    assert_eq!(sandbox.operations("/health/ready").await.0, 200);
}

#[tokio::test]
async fn a_handshake_that_is_not_made_ends_in_time() {
    let sandbox = limited(&[("HANDSHAKE_SECONDS", "1")]).await;
    let port = sandbox.file()["baseUrl"].as_str().and_then(|url| url.rsplit(':').next());
    let address = format!("127.0.0.1:{}", port.expect("a port"));
    let mut silent = TcpStream::connect(address).await.expect("a connection");
    let read = timeout(SOON, silent.read_u8()).await.expect("the server ends it");
    assert!(read.is_err(), "nothing is said to whom can't be spoken with");
    let failed = sandbox.metric("antaca_handshakes_failed_total", &["cause=\"time\""]).await;
    assert!(failed >= 1, "{failed}");
}

/// However many bytes come meanwhile.
#[tokio::test]
async fn a_head_and_a_body_that_come_too_slowly_are_answered_408() {
    let sandbox = limited(&[("REQUEST_SECONDS", "1")]).await;
    let begun = Instant::now();
    let answer = last_words(plain_connection(&sandbox, None).await, b"GET /secure/pu").await;
    assert_problem(&answer, "408", "REQUEST_TIMEOUT");
    // The second head of a connection too.
    let used = used_connection(&sandbox, Some("sandbox")).await;
    assert_problem(&last_words(used, b"G").await, "408", "REQUEST_TIMEOUT");

    let head = "POST /lifecycle/v1/wallet HTTP/1.1\r\nHost: localhost\r\nIssuer-Code: sandbox\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let answer = last_words(plain_connection(&sandbox, Some("sandbox")).await, head.as_bytes());
    assert_problem(&answer.await, "408", "REQUEST_TIMEOUT");
    assert!(begun.elapsed() < SOON);
}

/// HTTP/2's pings don't keep it open.
#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_ends() {
    let sandbox = limited(&[("IDLE_SECONDS", "1")]).await;
    let answer = last_words(used_connection(&sandbox, Some("sandbox")).await, b"").await;
    assert_eq!(answer, "");
    let fresh = connect(&sandbox, None, &[b"h2"]).await.expect("a connection").into_stream();
    let shaken = http2::Builder::new(TokioExecutor::new())
        .timer(hyper_util::rt::TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_millis(100)))
        .keep_alive_while_idle(true)
        .handshake::<_, Body>(TokioIo::new(fresh))
        .await;
    let (_sender, connection) = shaken.expect("a handshake");
    assert!(timeout(SOON, connection).await.is_ok(), "the connection stays");
}

/// Its answers fill the connection until nothing more fits.
#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_left() {
    let limits = [("IDLE_SECONDS", "1"), ("REQUEST_SECONDS", "1"), ("REQUESTS_PER_SECOND", "0")];
    let sandbox = limited(&limits).await;
    let mut deaf = plain_connection(&sandbox, Some("sandbox")).await;
    let many = GET.repeat(1_000);
    let mut sent = 0;
    while let Ok(Ok(())) = timeout(Duration::from_secs(2), deaf.send(&many)).await {
        sent += 1;
        assert!(sent < 10_000, "the server takes whatever comes");
    }
    testkit::eventually("the connection is given up", SOON, async || {
        sandbox.metric("antaca_connections", &[]).await == 0
    })
    .await;
    assert_eq!(told(sandbox.partner().get(PATH)).await.0, 200);
}

/// A request that is taken back leaves nothing behind, however often.
#[tokio::test]
async fn a_flood_of_requests_that_are_taken_back_holds_nothing() {
    let sandbox = limited(&[("REQUESTS_PER_SECOND", "0")]).await;
    let (pem, key) = sandbox.identity("sandbox");
    let user = expect(201, crate::story::register(sandbox.partner(), &registration())).await;
    let path = format!("https://localhost/secure/customers/{}/balances", user["id"]);
    for _ in 0..3 {
        let identity = Some((pem.as_str(), key.as_str()));
        let connection = connect(&sandbox, identity, &[b"h2"]).await.expect("a connection");
        let io = TokioIo::new(connection.into_stream());
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
        let flood = async {
            for number in 0..2_000 {
                if sender.ready().await.is_err() {
                    return;
                }
                let request = Request::get(&path).body(Body::empty()).expect("a request");
                let answer = sender.send_request(request);
                // The request is on its way when others have had their turn.
                if number % 2 == 0 {
                    let _ = timeout(Duration::ZERO, answer).await;
                }
            }
        };
        tokio::select! {
            () = flood => {}
            _ = connection => {}
        }
    }
    testkit::eventually("nothing is in flight", SOON, async || {
        sandbox.metric("antaca_requests_in_flight", &[]).await == 0
    })
    .await;
    assert_eq!(told(sandbox.partner().get(PATH)).await.0, 200);
}

/// Before a byte of it is read where its length is told, and at the limit where it isn't.
#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let sandbox = limited(&[]).await;
    let head = |path: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nIssuer-Code: sandbox\r\n\
             Content-Type: application/json\r\n{more}\r\n\r\n"
        )
    };
    for (path, length) in [
        ("/lifecycle/v1/wallet", 1024 * 1024 + 1),
        ("/processor/v1/authorizations", 1024 * 1024 + 1),
        ("/secure/customers/1/verification", 21 * 1024 * 1024 + 1),
    ] {
        let of = if path.starts_with("/processor") { "processor" } else { "sandbox" };
        let head = head(path, &format!("Content-Length: {length}"));
        // None of the body is sent, so nothing but the length can tell.
        let answer = last_words(plain_connection(&sandbox, Some(of)).await, head.as_bytes()).await;
        assert_problem(&answer, "413", "PAYLOAD_TOO_LARGE");
    }
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let head = head("/lifecycle/v1/wallet", "Transfer-Encoding: chunked");
    // Two mebibytes more than are read: the answer isn't lost in them.
    let body = format!("{head}{}", chunk.repeat(48));
    let answer = last_words(plain_connection(&sandbox, Some("sandbox")).await, body.as_bytes());
    assert_problem(&answer.await, "413", "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_head_that_is_not_http_is_answered_in_the_words_of_every_problem() {
    let sandbox = limited(&[]).await;
    for head in ["GET\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "\u{16}\u{3}\r\n\r\n"] {
        let answer = last_words(plain_connection(&sandbox, None).await, head.as_bytes()).await;
        assert_problem(&answer, "400", "INVALID_REQUEST");
    }
}

/// While a partner's requests fill their places, the network is served.
#[tokio::test]
async fn a_partner_with_too_many_requests_at_once_is_told_503_and_keeps_no_processor_out() {
    let limits = [("REQUESTS_AT_ONCE", "2"), ("FORMS_AT_ONCE", "2")];
    let sandbox = limited(&limits).await;
    let story = Story::begin(&sandbox, 1_000).await;
    let slow = "POST /lifecycle/v1/wallet HTTP/1.1\r\nHost: localhost\r\nIssuer-Code: sandbox\r\n\
                Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let mut half = plain_connection(&sandbox, Some("sandbox")).await;
    half.send(slow.as_bytes()).await.expect("sent");
    // Looked at from outside: a request of ours could take the place first.
    let served = ["channel=\"lifecycle\""];
    testkit::eventually("one of two places is taken", SOON, async || {
        sandbox.metric("antaca_requests_in_flight", &served).await == 1
    })
    .await;
    testkit::eventually("the next one is refused", SOON, async || {
        told(sandbox.partner().get(PATH)).await == (503, json!("UNAVAILABLE"), Some(1))
    })
    .await;
    let id = format!("purchase-{}", unique());
    let bought = expect(200, story.purchase(sandbox.processor(), 100, &id)).await;
    assert_eq!(bought["approved"], true);
    let refused = sandbox.metric("antaca_refused_total", &["cause=\"requests at once\""]).await;
    assert!(refused >= 1, "{refused}");

    half.send(b"\"a\": 1}").await.expect("sent");
    let answer = half.read_answer().await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    eventually_answers(sandbox.partner(), PATH, 200).await;
}

/// Waiting for the database has an end, and what comes of it isn't a bug's answer.
#[tokio::test]
async fn a_database_that_does_not_answer_is_told_503() {
    let url = testkit::postgres_url().await;
    let sandbox = Sandbox::start(Database::Postgres(url.clone())).await;
    let story = Story::begin(&sandbox, 1_000).await;
    let db = store::db::Db::postgres(&url, store::db::Options::default()).expect("opens");
    let mut blocking = db.begin().await.expect("begins");
    // However long it takes: a pool's connection doesn't stand still in a transaction for ever.
    for text in [
        "set local idle_in_transaction_session_timeout = 0",
        "lock table balance in access exclusive mode",
    ] {
        blocking.run(&store::db::Sql(text), &[]).await.expect("locks");
    }

    // More than there are connections: some wait for the table, the others for a connection.
    let path = format!("/secure/customers/{}/balances", story.customer);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..12 {
        requests.spawn(told(sandbox.partner().get(&path)));
    }
    testkit::eventually("some wait for a connection", SOON, async || {
        sandbox.metric("antaca_database_waiting", &[]).await >= 1
    })
    .await;
    let id = format!("purchase-{}", unique());
    let bought = told(story.purchase(sandbox.processor(), 100, &id)).await;
    assert_eq!(bought, (503, json!("UNAVAILABLE"), Some(1)));
    while let Some(answer) = requests.join_next().await {
        let answer = answer.expect("it doesn't panic");
        assert_eq!(answer, (503, json!("UNAVAILABLE"), Some(1)));
    }
    blocking.rollback().await;
    let again = expect(200, story.purchase(sandbox.processor(), 100, &id)).await;
    assert_eq!(again["approved"], true);
    assert_eq!(story.amounts(&sandbox).await, (900, 100));
}
