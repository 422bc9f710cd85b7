//! Imports that end before their body does, and go on later.

use super::*;
use crate::support::{Connection, Database, connect};
use axum::body::{Bytes, HttpBody};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use testkit::eventually;
use tokio::sync::mpsc;

/// How long something may take that is seen from outside.
const PATIENCE: Duration = Duration::from_secs(40);

/// An import by hand: some of its body is sent, and the answers are read meanwhile.
pub(super) struct Half {
    connection: Connection,
}

impl Half {
    /// Begins an import with some users.
    pub(super) async fn begin(sandbox: &Sandbox, key: &str, users: &[Value]) -> Self {
        let (certificate, private) = sandbox.identity("sandbox");
        let connection = connect(sandbox, Some((&certificate, &private)), &[]).await;
        let mut half = Self { connection: connection.expect("connects") };
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nIssuer-Code: sandbox\r\n\
             Content-Type: {NDJSON}\r\nX-Idempotency-Key: {key}\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        half.connection.send(head.as_bytes()).await.expect("sent");
        if !users.is_empty() {
            half.chunk(&ndjson(users)).await;
        }
        half
    }

    /// Sends more of the body.
    pub(super) async fn chunk(&mut self, text: &str) {
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        self.connection.send(chunk.as_bytes()).await.expect("sent");
    }

    /// Ends the body.
    pub(super) async fn last_chunk(&mut self) {
        self.connection.send(b"0\r\n\r\n").await.expect("sent");
    }

    /// Reads until a line has its answer.
    pub(super) async fn answered(&mut self, line: i64) -> String {
        // The fields of an answer stand in the order of the alphabet.
        self.connection.read_until(format!("\"line\":{line},\"status\":201}}\n").as_bytes()).await
    }

    /// All that is still answered.
    pub(super) async fn rest(mut self) -> String {
        let bytes = self.connection.read_all().await.expect("an answer");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Sends all of it until nobody else does it, and each line has its answer.
pub(super) async fn resumed(sandbox: &Sandbox, key: &str, users: &[Value]) -> Vec<Value> {
    let mut told = Vec::new();
    eventually("the import goes on", PATIENCE, async || {
        let request = send(sandbox.partner(), "sandbox", (NDJSON, key), ndjson(users));
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        if status == 409 {
            assert!(text.contains("IDEMPOTENT_REQUEST_IN_PROGRESS"), "{text}");
            return false;
        }
        assert_eq!(status, 200, "{text}");
        told = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        true
    })
    .await;
    told
}

async fn each_is_there_once(sandbox: &Sandbox, users: &[Value], told: &[Value]) {
    assert_eq!(told.len(), users.len());
    assert!(told.iter().all(|line| line["status"] == 201), "{told:?}");
    let ids: std::collections::BTreeSet<i64> =
        told.iter().map(|line| line["id"].as_i64().expect("an id")).collect();
    assert_eq!(ids.len(), users.len());
    for (user, told) in users.iter().zip(told).step_by(41) {
        assert_eq!(found(sandbox, user).await["id"], told["id"]);
    }
}

on_both_databases! {
    /// Answers come while the body does. Killed meanwhile, it goes on at the next sending: each
    /// user is there once, and what was answered is answered the same.
    async fn a_killed_server_goes_on_where_it_was(database) {
        let mut sandbox = Sandbox::start(database).await;
        let sent = users(1_000);
        let mut half = Half::begin(&sandbox, "killed", &sent[..300]).await;
        let first = half.answered(300).await;
        assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
        assert_eq!(counts(&sandbox, "killed").await, of("RUNNING", 300, 300, 0));
        half.chunk(&ndjson(&sent[300..700])).await;
        sandbox.kill();
        sandbox.restart().await;
        eventually("it is seen to have ended", PATIENCE, async || {
            counts(&sandbox, "killed").await.0 == "BROKEN"
        })
        .await;
        let told = resumed(&sandbox, "killed", &sent).await;
        each_is_there_once(&sandbox, &sent, &told).await;
        for line in &told[..300] {
            assert!(first.contains(&format!("{line}\n")), "{line} was answered otherwise");
        }
        assert_eq!(counts(&sandbox, "killed").await, of("FINISHED", 1_000, 1_000, 0));
        sandbox.stop().await.assert_done();
    }

    /// A caller that has gone ends it; nobody else does it meanwhile.
    async fn a_broken_connection_ends_it(database) {
        let sandbox = Sandbox::start(database).await;
        let sent = users(400);
        let mut half = Half::begin(&sandbox, "gone", &sent[..300]).await;
        half.answered(300).await;
        let twin = send(sandbox.partner(), "sandbox", (NDJSON, "gone"), ndjson(&sent));
        let told = expect(409, twin).await;
        assert_eq!(told["title"], "IDEMPOTENT_REQUEST_IN_PROGRESS");
        let line = sent[300].to_string();
        half.chunk(&line[..20]).await;
        drop(half);
        eventually("it has ended", PATIENCE, async || {
            counts(&sandbox, "gone").await == of("BROKEN", 300, 300, 0)
        })
        .await;
        let told = answers(send(sandbox.partner(), "sandbox", (NDJSON, "gone"), ndjson(&sent)));
        each_is_there_once(&sandbox, &sent, &told.await).await;
        assert_eq!(counts(&sandbox, "gone").await, of("FINISHED", 400, 400, 0));
    }

    /// A server that is told to end does the batch in hand, says so, and ends in order.
    async fn a_server_that_ends_says_where_it_was(database) {
        let mut sandbox = Sandbox::start(database).await;
        let sent = users(40);
        let mut half = Half::begin(&sandbox, "stopped", &sent[..30]).await;
        half.answered(30).await;
        sandbox.terminate();
        let rest = half.rest().await;
        assert!(rest.contains("\"line\":31,") && rest.contains("\"UNAVAILABLE\""), "{rest}");
        sandbox.ended().await.assert_done();
        sandbox.restart().await;
        assert_eq!(counts(&sandbox, "stopped").await, of("BROKEN", 30, 30, 0));
        let told = answers(send(sandbox.partner(), "sandbox", (NDJSON, "stopped"), ndjson(&sent)));
        each_is_there_once(&sandbox, &sent, &told.await).await;
    }

    /// A certificate that is revoked meanwhile imports nobody any more.
    async fn a_revoked_certificate_ends_it(database) {
        let sandbox = Sandbox::start(database).await;
        let sent = users(40);
        let mut half = Half::begin(&sandbox, "revoked", &sent[..30]).await;
        half.answered(30).await;
        let set = |state| ["partner", "set", "--code", "sandbox", "--state", state];
        sandbox.antaca(&set("CLOSED")).await.assert_done();
        half.chunk(&ndjson(&sent[30..])).await;
        half.last_chunk().await;
        let rest = half.rest().await;
        assert!(rest.contains("\"line\":31,"), "{rest}");
        assert!(rest.contains("\"CERTIFICATE_REVOKED\""), "{rest}");
        sandbox.antaca(&set("LIVE")).await.assert_done();
        assert_eq!(counts(&sandbox, "revoked").await, of("BROKEN", 30, 30, 0));
    }

    /// Two imports of the same users at once: each user is there once, whoever was first.
    async fn two_imports_of_the_same_users_share_them(database) {
        let sandbox = Sandbox::start(database).await;
        let sent = users(2_000);
        let reversed: Vec<Value> = sent.iter().rev().cloned().collect();
        let one = import(&sandbox, NDJSON, "one", ndjson(&sent));
        let other = import(&sandbox, NDJSON, "other", ndjson(&reversed));
        let (one, other) = tokio::join!(one, other);
        let is_there = |told: &Value| told["status"] == 201;
        for (one, other) in one.iter().zip(other.iter().rev()) {
            assert!(is_there(one) != is_there(other), "{one} {other}");
        }
        let told: Vec<&Value> = one.iter().chain(&other).filter(|told| !is_there(told)).collect();
        assert!(told.iter().all(|told| told["title"] == "USER_ALREADY_EXISTS"));
    }
}

/// A body that is sent piece by piece.
struct Pieces(mpsc::Receiver<String>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|text| Ok(Frame::data(text.into()))))
    }
}

/// Over HTTP/2 too answers come while the body does.
#[tokio::test]
async fn answers_come_while_the_body_does_over_http_2() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let (certificate, private) = sandbox.identity("sandbox");
    let connection = connect(&sandbox, Some((&certificate, &private)), &[b"h2"]).await;
    let io = TokioIo::new(connection.expect("connects").into_stream());
    let shaken = http2::handshake(TokioExecutor::new(), io).await;
    let (mut sender, connection) = shaken.expect("a handshake");
    let importing = async {
        let (pieces, body) = mpsc::channel(1);
        let request = Request::post(format!("https://localhost{PATH}"))
            .header("Issuer-Code", "sandbox")
            .header("Content-Type", NDJSON)
            .header("X-Idempotency-Key", "http-2")
            .body(Pieces(body));
        let sent = users(600);
        pieces.send(ndjson(&sent[..300])).await.expect("is taken");
        let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let mut answer = answer.into_body();
        let mut told = String::new();
        let mut pieces = Some(pieces);
        while let Some(frame) =
            std::future::poll_fn(|context| Pin::new(&mut answer).poll_frame(context)).await
        {
            let frame = frame.expect("the answer goes on");
            told += std::str::from_utf8(frame.data_ref().expect("data")).expect("a text");
            if told.lines().count() == 300
                && let Some(pieces) = pieces.take()
            {
                pieces.send(ndjson(&sent[300..])).await.expect("is taken");
            }
        }
        assert_eq!(told.matches("\"status\":201}\n").count(), 600);
        assert_eq!(counts(&sandbox, "http-2").await, of("FINISHED", 600, 600, 0));
    };
    tokio::select! {
        () = importing => {}
        ended = connection => panic!("the connection has ended: {ended:?}"),
    }
}
