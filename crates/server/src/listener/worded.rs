//! What is answered before a request reaches the router, in the words of every other problem.
//!
//! hyper answers heads of HTTP/1.1 that are too large or malformed by itself, with no body, before
//! any code of ours sees them. It can't be told another answer, so its own is recognised on the way
//! out and gets a body.

use super::activity::Activity;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How hyper's answers begin, and what tells that one has no body.
const BARE: &[(&[u8], WhatIsWrong)] = &[
    (b"HTTP/1.1 431 ", WhatIsWrong::HeadTooLarge),
    (b"HTTP/1.1 414 ", WhatIsWrong::HeadTooLarge),
    (b"HTTP/1.1 400 ", WhatIsWrong::Malformed),
];
const NO_BODY: &str = "content-length: 0\r\n";
const MEDIA_TYPE: &str = "application/problem+json";
const REQUEST_ID: &str = "x-request-id";

/// Why a request doesn't reach the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhatIsWrong {
    /// Its head is beyond the limits.
    HeadTooLarge,
    /// Its head isn't HTTP.
    Malformed,
    /// Its head didn't come in time.
    Late,
    /// Its connection is one too many.
    TooManyConnections,
}

impl WhatIsWrong {
    fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "REQUEST_HEADER_FIELDS_TOO_LARGE",
                "The request's head is larger, or has more fields, than is taken.",
            ),
            Self::Malformed => {
                (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "The request's head isn't HTTP.")
            }
            Self::Late => (
                StatusCode::REQUEST_TIMEOUT,
                "REQUEST_TIMEOUT",
                "The request didn't arrive in time.",
            ),
            Self::TooManyConnections => (
                StatusCode::TOO_MANY_REQUESTS,
                "TOO_MANY_REQUESTS",
                "There are too many connections; use those that are open.",
            ),
        }
    }
}

/// The answer to a request that doesn't reach the router.
pub(super) fn response(what: WhatIsWrong) -> Response {
    let (status, id, body) = problem(what);
    let head = [(header::CONTENT_TYPE.as_str(), MEDIA_TYPE), (REQUEST_ID, id.as_str())];
    let mut response = (status, head, body).into_response();
    if what == WhatIsWrong::TooManyConnections {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The answer to a head that doesn't come, as bytes of HTTP/1.1.
pub(super) fn late() -> Vec<u8> {
    let (status, id, body) = problem(WhatIsWrong::Late);
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {MEDIA_TYPE}\r\n\
         content-length: {length}\r\n{REQUEST_ID}: {id}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What is wrong, and the name under which the log has it.
fn problem(what: WhatIsWrong) -> (StatusCode, String, String) {
    let id = app::ids::random_id().to_string();
    let (status, title, detail) = what.told();
    tracing::info!(request_id = id, status = status.as_u16(), "answered");
    metrics::counter!("antaca_problems_total", "title" => title).increment(1);
    let body = json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "requestId": id,
    });
    (status, id, body.to_string())
}

/// hyper's own answer with a body; `None` if the bytes are anything else.
fn worded(bytes: &[u8]) -> Option<Vec<u8>> {
    let what = bare(bytes)?;
    let (_, fields) = str::from_utf8(bytes).ok()?.split_once("\r\n")?;
    let (before, after) = fields.split_once(NO_BODY)?;
    let (status, id, body) = problem(what);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{before}content-type: {MEDIA_TYPE}\r\ncontent-length: {length}\r\n\
         {REQUEST_ID}: {id}\r\n"
    );
    Some([head.as_str(), after, &body].concat().into_bytes())
}

/// What hyper found wrong, if it may be its answer that these bytes begin.
fn bare(bytes: &[u8]) -> Option<WhatIsWrong> {
    BARE.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, what)| *what)
}

/// A connection of HTTP/1.1 on which hyper's own answer gets a body, and which tells when bytes
/// come in.
pub(super) struct Worded<S> {
    io: S,
    activity: Arc<Activity>,
    /// What is still to be written in the place of hyper's answer.
    answer: Vec<u8>,
}

impl<S> Worded<S> {
    pub(super) fn new(io: S, activity: Arc<Activity>) -> Self {
        Self { io, activity, answer: Vec::new() }
    }

    /// The connection beneath.
    pub(super) fn into_inner(self) -> S {
        self.io
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let this = &mut *self;
        if this.answer.is_empty() {
            match worded(bytes) {
                None => return Pin::new(&mut this.io).poll_write(context, bytes),
                Some(answer) => this.answer = answer,
            }
        }
        // hyper offers the same bytes until they are taken, so they are when all of ours is out.
        while !this.answer.is_empty() {
            let written = ready!(Pin::new(&mut this.io).poll_write(context, &this.answer))?;
            if written == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            this.answer.drain(..written);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |it| it);
        if self.answer.is_empty() && bare(first).is_none() {
            return Pin::new(&mut self.io).poll_write_vectored(context, slices);
        }
        self.poll_write(context, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[test]
    fn only_the_bare_answer_gets_a_body() {
        let bare = "HTTP/1.1 431 X\r\nconnection: close\r\ncontent-length: 0\r\ndate: y\r\n\r\n";
        let worded_text = |text: &str| {
            worded(text.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"))
        };
        let text = worded_text(bare).expect("it is hyper's");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        let begin = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n";
        let fields = head.strip_prefix(begin).expect("what it said stays");
        assert!(fields.starts_with("content-type: "), "{head}");
        assert!(head.ends_with("\r\ndate: y"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        let malformed = bare.replace("431", "400");
        assert!(worded_text(&malformed).expect("it is hyper's").contains("INVALID_REQUEST"));
        for other in ["", "HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n", &text] {
            assert_eq!(worded_text(other), None);
        }
    }

    /// However few bytes the connection takes at once.
    #[tokio::test]
    async fn everything_else_passes_as_it_is() {
        let (here, mut there) = tokio::io::duplex(7);
        let said = async {
            let second = std::time::Duration::from_secs(1);
            let limits = crate::config::Connections {
                all: 1,
                per_certificate: 1,
                per_address: 1,
                handshake: second,
                head: second,
                idle: second,
            };
            let mut connection = Worded::new(here, Arc::new(Activity::new(limits)));
            let bare = b"HTTP/1.1 431 X\r\ncontent-length: 0\r\n\r\n";
            for bytes in [&b"HTTP/1.1 200 OK\r\n\r\nbody"[..], bare, b"more"] {
                connection.write_all(bytes).await.expect("written");
            }
        };
        let mut heard = String::new();
        let (_, read) = tokio::join!(said, there.read_to_string(&mut heard));
        read.expect("text");
        let rest = heard.strip_prefix("HTTP/1.1 200 OK\r\n\r\nbody").expect("as it was");
        let begin = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type";
        assert!(rest.starts_with(begin), "{heard}");
        assert!(heard.ends_with("}more"), "{heard}");
    }
}
