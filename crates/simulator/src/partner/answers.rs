//! The answers that are kept with `X-Idempotency-Key`.
//!
//! A call that wasn't answered in time, or whose answer was lost, comes again under the same key:
//! at once, after seconds, or after days (three by itself, and later by a person's hand). It gets
//! the answer that it got, and nothing is done twice. So:
//!
//! - Look the key up and write the answer down in the same database transaction as the booking,
//!   with the key unique there: of two calls at once under one key the second finds the first's
//!   answer.
//! - Keep refusals too: what was refused once stays refused under its key, even if there is money
//!   by now. What failed on your own side (5xx) isn't kept: it did nothing, and is done when it
//!   comes again.
//! - A key belongs to one call. The same key with another body is a fault of the caller: 409.
//! - The key tells a repetition, and nothing else does: two calls about one transaction have the
//!   same `id` in their bodies, and keys of their own.
//! - Keep them for a week at least.

use super::books::{Reply, Request};
use super::recent::Recent;
use aws_lc_rs::digest::{Context, SHA256};
use std::time::Duration;

/// The answers by their keys.
#[derive(Debug)]
pub(super) struct Answers(Recent<Answered>);

#[derive(Debug)]
struct Answered {
    /// The digest of what was asked.
    request: Vec<u8>,
    reply: Reply,
}

impl Answers {
    pub(super) fn new(max: usize) -> Self {
        Self(Recent::new(max))
    }

    /// The answer that this call got before.
    pub(super) fn kept(&self, request: &Request<'_>) -> Option<Reply> {
        let answered = self.0.get(request.key?)?;
        if answered.request == digest(request) {
            return Some(answered.reply.clone());
        }
        Some(Reply::client_error("The key was used for another call."))
    }

    /// Keeps an answer. A call without a key can't be told from another, so it is done each time;
    /// ours always have one.
    pub(super) fn keep(&mut self, request: &Request<'_>, reply: &Reply) {
        if let Some(key) = request.key.filter(|_| reply.status < 500) {
            let reply = Reply { after: Duration::ZERO, ..reply.clone() };
            self.0.insert(key, Answered { request: digest(request), reply });
        }
    }
}

fn digest(request: &Request<'_>) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for part in [request.method.as_bytes(), b" ", request.path.as_bytes(), b"\n", request.body] {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}
