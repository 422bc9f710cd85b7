//! Heads beyond the limits, answered in the words of every other problem.
//!
//! hyper answers those of HTTP/1.1 by itself, with no body, before any code of ours sees them. It
//! can't be told another answer, so its own is recognised on the way out and gets a body.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How hyper's answer begins, and what tells that it has no body.
const BARE: &[u8] = b"HTTP/1.1 431 ";
const NO_BODY: &str = "content-length: 0\r\n";
const MEDIA_TYPE: &str = "application/problem+json";
const REQUEST_ID: &str = "x-request-id";

/// The answer to a request whose head is too large.
pub(super) fn response() -> Response {
    let (id, body) = problem();
    let head = [(header::CONTENT_TYPE.as_str(), MEDIA_TYPE), (REQUEST_ID, id.as_str())];
    (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, head, body).into_response()
}

/// What is wrong, and the name under which the log has it.
fn problem() -> (String, String) {
    let id = app::ids::random_id().to_string();
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.as_u16();
    tracing::info!(request_id = id, status, "answered");
    let body = json!({
        "type": "about:blank",
        "title": "REQUEST_HEADER_FIELDS_TOO_LARGE",
        "status": status,
        "detail": "The request's head is larger, or has more fields, than is taken.",
        "requestId": id,
    });
    (id, body.to_string())
}

/// hyper's own answer with a body; `None` if the bytes are anything else.
fn worded(bytes: &[u8]) -> Option<Vec<u8>> {
    let bare = bytes.strip_prefix(BARE).and_then(|_| str::from_utf8(bytes).ok())?;
    let (before, after) = bare.split_once(NO_BODY)?;
    let (id, body) = problem();
    let length = body.len();
    let head = format!(
        "{before}content-type: {MEDIA_TYPE}\r\ncontent-length: {length}\r\n{REQUEST_ID}: {id}\r\n"
    );
    Some([head.as_str(), after, &body].concat().into_bytes())
}

/// A connection of HTTP/1.1 on which hyper's own answer gets a body.
pub(super) struct Worded<S> {
    io: S,
    /// What is still to be written in the place of hyper's answer.
    answer: Vec<u8>,
}

impl<S> Worded<S> {
    pub(super) fn new(io: S) -> Self {
        Self { io, answer: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
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
        if self.answer.is_empty() && !first.starts_with(BARE) {
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
        assert!(
            head.starts_with("HTTP/1.1 431 X\r\nconnection: close\r\ncontent-type: "),
            "{head}"
        );
        assert!(head.ends_with("\r\ndate: y"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        for other in ["", "HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n", &text] {
            assert_eq!(worded_text(other), None);
        }
    }

    /// However few bytes the connection takes at once.
    #[tokio::test]
    async fn everything_else_passes_as_it_is() {
        let (here, mut there) = tokio::io::duplex(7);
        let said = async {
            let mut connection = Worded::new(here);
            let bare = b"HTTP/1.1 431 X\r\ncontent-length: 0\r\n\r\n";
            for bytes in [&b"HTTP/1.1 200 OK\r\n\r\nbody"[..], bare, b"more"] {
                connection.write_all(bytes).await.expect("written");
            }
        };
        let mut heard = String::new();
        let (_, read) = tokio::join!(said, there.read_to_string(&mut heard));
        read.expect("text");
        assert!(heard.starts_with("HTTP/1.1 200 OK\r\n\r\nbodyHTTP/1.1 431 X\r\ncontent-type"));
        assert!(heard.ends_with("}more"), "{heard}");
    }
}
