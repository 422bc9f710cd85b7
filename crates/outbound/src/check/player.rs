//! Sends a call, reads the answer, and keeps what was found.

use super::{Fault, Finding, Plan, Verdict};
use crate::SharedSecret;
use crate::client::{ANSWER_MAX, Call, CallError, Client, LIST_MAX, Method, Seen};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an answer is waited for, to tell a slow one from none.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Characters of a body that are shown.
const SHOWN_MAX: usize = 300;

/// What agrees to a question.
const AGREES: &str =
    "204: any other answer is declined, and what was booked is taken back by a reversal";

/// What a check comes to.
pub(super) type Checked<T = ()> = Result<T, Fault>;

/// Plays calls against a partner's server.
pub(super) struct Player<'a> {
    client: &'a Client,
    pub(super) plan: &'a Plan<'a>,
    pub(super) findings: Vec<Finding>,
    pub(super) manners: Manners,
}

/// What is collected of all answers, to be told once.
#[derive(Default)]
pub(super) struct Manners {
    /// Questions whose answer came too late.
    pub(super) late: Vec<String>,
    /// Answers that don't say that they are JSON, and are.
    pub(super) untyped: Vec<String>,
    /// Refusals without a `detail`.
    pub(super) bare: Vec<String>,
    /// Successes of another status than the contract's.
    pub(super) unusual: Vec<String>,
    /// Our ends of the connections, in the order of the answers.
    pub(super) connections: Vec<SocketAddr>,
}

/// A call that was sent, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Came {
    pub(super) sent: String,
    /// Whether it answers a question: whether a payment may be.
    is_asked: bool,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A call as it is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: &'a Value,
    pub(super) key: Uuid,
}

impl<'a> Player<'a> {
    pub(super) fn new(client: &'a Client, plan: &'a Plan<'a>) -> Self {
        Self { client, plan, findings: Vec::new(), manners: Manners::default() }
    }

    /// Keeps what a check has found.
    pub(super) fn note(&mut self, check: &'static str, checked: Checked) {
        let fault = checked.err();
        let verdict = fault.as_ref().map_or(Verdict::Ok, |fault| fault.verdict);
        self.findings.push(Finding { check, verdict, fault });
    }

    pub(super) fn id(&self) -> Uuid {
        (self.plan.ids)()
    }

    /// Reads.
    pub(super) async fn get(&mut self, path: &str) -> Checked<Came> {
        let (method, key) = (Method::Get, self.id());
        self.send(Sending { method, path, body: &Value::Null, key }).await
    }

    /// Removes.
    pub(super) async fn delete(&mut self, path: &str) -> Checked<Came> {
        let (method, key) = (Method::Delete, self.id());
        self.send(Sending { method, path, body: &Value::Null, key }).await
    }

    /// Posts with a key of its own.
    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Checked<Came> {
        let key = self.id();
        self.post_as(path, body, key).await
    }

    /// Posts with this key.
    pub(super) async fn post_as(&mut self, path: &str, body: &Value, key: Uuid) -> Checked<Came> {
        self.send(Sending { method: Method::Post, path, body, key }).await
    }

    pub(super) async fn send(&mut self, sending: Sending<'_>) -> Checked<Came> {
        let (seen, took) = self.look(sending, self.plan.secrets).await;
        self.understood(sending, seen, took)
    }

    /// Posts the same twice at once.
    pub(super) async fn post_twice(
        &mut self,
        path: &str,
        body: &Value,
        key: Uuid,
    ) -> Checked<[Came; 2]> {
        let sending = Sending { method: Method::Post, path, body, key };
        let secrets = self.plan.secrets;
        let (one, other) = tokio::join!(self.look(sending, secrets), self.look(sending, secrets));
        let one = self.understood(sending, one.0, one.1)?;
        let other = self.understood(sending, other.0, other.1)?;
        Ok([one, other])
    }

    /// Sends, signed by these secrets.
    pub(super) async fn look(
        &self,
        sending: Sending<'_>,
        secrets: &[SharedSecret],
    ) -> (Result<Seen, CallError>, Duration) {
        let Sending { method, path, body, key } = sending;
        let is_list = method == Method::Get && path.ends_with("/balances");
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let call = Call {
            method,
            path,
            key,
            request_id: "partner-check",
            body: text.as_bytes(),
            timeout: TIMEOUT,
            secrets,
            now: (self.plan.now)(),
            answer_max: if is_list { LIST_MAX } else { ANSWER_MAX },
        };
        let begun = Instant::now();
        let seen = self.client.look(&call).await;
        (seen, begun.elapsed())
    }

    fn understood(
        &mut self,
        sending: Sending<'_>,
        seen: Result<Seen, CallError>,
        took: Duration,
    ) -> Checked<Came> {
        let sent = described(sending);
        let seen = seen.map_err(|error| wrong(&sent, "an answer", &format!("{error}")))?;
        let Seen { answer, media_type, from } = seen;
        let what = format!("{} after {sent}", answer.status);
        let is_asked = ["/transactions/debit", "/transactions/credit"].contains(&sending.path);
        if is_asked && took > self.plan.patience {
            self.manners.late.push(format!("{what}, {} ms", took.as_millis()));
        }
        let is_json = media_type == "application/json" || media_type == "application/problem+json";
        // Nobody has to have a public key, nor to say so in JSON.
        let is_needed = sending.path != "/public-key" || answer.status == 200;
        if !answer.body.is_empty() && !is_json && is_needed {
            self.manners.untyped.push(format!("{what}, Content-Type \"{media_type}\""));
        }
        self.manners.connections.extend(from);
        Ok(Came { sent, is_asked, status: answer.status, body: answer.body })
    }
}

fn described(sending: Sending<'_>) -> String {
    let method = match sending.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    let Sending { path, body, key, .. } = sending;
    if body.is_null() {
        return format!("{method} {path}");
    }
    format!("{method} {path}, X-Idempotency-Key {key}, {body}")
}

/// What must be mended.
pub(super) fn wrong(sent: &str, expected: &str, came: &str) -> Fault {
    let [sent, expected, came] = [sent, expected, came].map(str::to_owned);
    Fault { verdict: Verdict::Wrong, sent, expected, came }
}

/// What could be better.
pub(super) fn warning(sent: &str, expected: &str, came: &str) -> Fault {
    Fault { verdict: Verdict::Warning, ..wrong(sent, expected, came) }
}

impl Came {
    /// The status and the beginning of the body.
    pub(super) fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().filter(|it| !it.is_control()).take(SHOWN_MAX).collect();
        if text.is_empty() { self.status.to_string() } else { format!("{} {text}", self.status) }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// It must be a success, 204 best; to a question 204 alone agrees.
    pub(super) fn done(&self, manners: &mut Manners) -> Checked {
        if self.is_asked && self.status != 204 {
            return Err(wrong(&self.sent, AGREES, &self.shown()));
        }
        if !self.is_success() {
            return Err(wrong(&self.sent, "204, or another 2xx", &self.shown()));
        }
        if self.status != 204 {
            manners.unusual.push(format!("{} after {}", self.shown(), self.sent));
        }
        Ok(())
    }

    /// It must be this refusal.
    pub(super) fn refused(&self, manners: &mut Manners, status: u16, title: &str) -> Checked {
        let problem = self.json();
        if self.status != status || problem["title"] != title {
            let expected = format!("{status} {}", json!({ "title": title, "detail": "…" }));
            return Err(wrong(&self.sent, &expected, &self.shown()));
        }
        if !problem["detail"].is_string() {
            manners.bare.push(format!("{} after {}", self.shown(), self.sent));
        }
        Ok(())
    }
}
