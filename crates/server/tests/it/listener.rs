//! The HTTPS listener: certificates, protocols and limits.

use crate::support::{Database, Sandbox, connect};
use axum::body::Body;
use axum::http::{Request, Response};
use crypto::certificates::{Authority, client_key_and_csr};
use domain::Timestamp;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

/// Sends a request by hand and reads the answer.
async fn answer(sandbox: &Sandbox, request: &str) -> String {
    let mut connection = connect(sandbox, None, &[]).await.expect("a connection");
    // A head that is much too long isn't read to its end.
    let _ = connection.send(request.as_bytes()).await;
    let answer = connection.read_all().await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request by hand and reads the answer's status line.
async fn status(sandbox: &Sandbox, request: &str) -> String {
    let answer = answer(sandbox, request).await;
    answer.lines().next().unwrap_or_default().to_owned()
}

/// Not even a handshake: a client can't find out more than that.
#[tokio::test]
async fn a_certificate_that_is_not_of_our_authority_or_not_for_clients_is_refused_by_tls() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let now = "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time");
    let stranger = Authority::create("Antaca sandbox CA", now);
    let (key, csr) = client_key_and_csr("sandbox");
    let signed = stranger.sign_client(&csr, 825, now).expect("signed").pem;
    let (server, server_key) = stranger.sign_server(&["localhost"], 398, now).expect("signed");
    for (certificate, key) in [(&signed, &key), (&server, &server_key)] {
        // With TLS 1.3 the client hears of it with its first read.
        let heard = async {
            let mut connection = connect(&sandbox, Some((certificate, key)), &[]).await?;
            connection.send(b"GET /secure/public-key HTTP/1.1\r\nHost: x\r\n\r\n").await?;
            connection.read_all().await
        };
        let error = heard.await.expect_err("an alert").to_string();
        assert!(error.contains("alert"), "{error}");
    }
}

/// Each caller is known by the certificate of its connection.
#[tokio::test]
async fn a_connection_tells_whose_it_is() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let callers = [sandbox.partner(), sandbox.processor(), sandbox.anonymous()];
    for (caller, status) in callers.iter().zip([200, 403, 401]) {
        let answer = caller.get("/secure/public-key").send().await.expect("an answer");
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn http_2_is_offered_and_http_1_is_the_default() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let protocols: [&[&[u8]]; 3] = [&[b"h2", b"http/1.1"], &[b"http/1.1"], &[]];
    for (offered, agreed) in protocols.iter().zip([Some(&b"h2"[..]), Some(b"http/1.1"), None]) {
        let connection = connect(&sandbox, None, offered).await.expect("a connection");
        assert_eq!(connection.protocol(), agreed);
    }
    assert!(connect(&sandbox, None, &[b"spdy"]).await.is_err());
}

/// In the words of every other problem.
fn assert_too_large(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large"), "{answer}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/problem+json"), "{answer}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["title"], "REQUEST_HEADER_FIELDS_TOO_LARGE");
    assert_eq!(body["status"], 431);
    assert_eq!(body["type"], "about:blank");
    let id = body["requestId"].as_str().expect("an id");
    assert!(head.contains(&format!("x-request-id: {id}")), "{answer}");
}

#[tokio::test]
async fn a_head_beyond_its_limits_is_answered() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let get = |fields: &str| {
        format!("GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n")
    };
    assert_eq!(status(&sandbox, &get("")).await, "HTTP/1.1 404 Not Found");
    for length in [16, 32, 60] {
        let long = format!("X-Long: {}\r\n", "a".repeat(length * 1024));
        assert_too_large(&answer(&sandbox, &get(&long)).await);
    }
    let many: String = (0..100).map(|number| format!("X-{number}: a\r\n")).collect();
    assert_too_large(&answer(&sandbox, &get(&many)).await);
    let fitting: String = (0..90).map(|number| format!("X-{number}: a\r\n")).collect();
    assert_eq!(status(&sandbox, &get(&fitting)).await, "HTTP/1.1 404 Not Found");
}

/// A refusal is known before the body has come; the client hears it, and may go on.
#[tokio::test]
async fn a_refused_request_with_a_body_is_answered_and_its_connection_goes_on() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let mut connection = connect(&sandbox, None, &[b"http/1.1"]).await.expect("a connection");
    for (path, status) in [("/secure/cards/virtual", 401), ("/nowhere", 404), ("/nowhere", 404)] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 200000\r\n\r\n"
        );
        connection.send(head.as_bytes()).await.expect("sent");
        for _ in 0..20 {
            // The server has time to answer and to close, were it to do so.
            tokio::task::yield_now().await;
            connection.send(&[b' '; 10_000]).await.expect("the server still listens");
        }
        let answer = connection.read_until(b"}").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    // Whoever asks first isn't made to send for nothing.
    let head = "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                Content-Length: 200000\r\n\r\n";
    connection.send(head.as_bytes()).await.expect("sent");
    let answer = connection.read_until(b"}").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

/// Sends a request with so many fields of such a length over HTTP/2.
async fn over_http_2(sandbox: &Sandbox, fields: usize, length: usize) -> Response<Incoming> {
    let connection = connect(sandbox, None, &[b"h2"]).await.expect("a connection");
    let io = TokioIo::new(connection.into_stream());
    let shaken = http2::handshake(TokioExecutor::new(), io).await;
    let (mut sender, connection) = shaken.expect("a handshake");
    let mut request = Request::get("https://localhost/nowhere");
    for number in 0..fields {
        request = request.header(format!("x-{number}"), "a".repeat(length));
    }
    let request = request.body(Body::empty()).expect("a request");
    let answer = sender.send_request(request);
    tokio::select! {
        answer = answer => answer.expect("an answer"),
        ended = connection => panic!("the connection has ended: {ended:?}"),
    }
}

#[tokio::test]
async fn a_head_beyond_its_limits_is_answered_over_http_2_too() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    assert_eq!(over_http_2(&sandbox, 90, 1).await.status(), 404);
    for (fields, length) in [(101, 1), (1, 16 * 1024), (20, 1024)] {
        let answer = over_http_2(&sandbox, fields, length).await;
        assert_eq!(answer.status(), 431);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["x-request-id"].len(), 36);
    }
}
