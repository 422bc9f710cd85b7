//! The books of one partner, and what it answers to each call of the contract: an example of a
//! partner's side, kept in memory. What a call must do stands at its function; here is what holds
//! for all of them.
//!
//! | file | calls |
//! | --- | --- |
//! | `balances` | `/users/{id}/balances`: linked, read, listed, unlinked |
//! | `transactions` | `/transactions/…`: asked, told, undone, cleared |
//! | `answers` | the same key gets the same answer, and nothing is done twice |
//! | `triggers` | amounts that are refused on purpose, for trying it out |
//!
//! A partner of one's own keeps all this in its database: the answer under its key, the transaction
//! and the balance are written in one transaction there. In memory a lock around the books does the
//! same: each call is done as a whole, one after the other.

use super::answers::Answers;
use super::public_key::public_key;
use super::recent::Recent;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Transactions, and reversals of unknown ones, that are kept at most; then the oldest go, so that
/// a measurement doesn't fill the memory. A partner of one's own forgets nothing.
const KEPT_MAX: usize = 100_000;

/// How the partner works with the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It holds its users' money (balance mode `EXTERNAL`).
    External {
        /// What a balance has when it is linked, in minor units: in a sandbox nobody pays in.
        starting: i64,
    },
    /// It is asked, and the money is held by the platform (authorization mode `SHARED`). There are
    /// no calls for balances; what it was told is summed up for each of them, from 0.
    Shared {
        /// What one transaction may be at most, in minor units.
        limit: i64,
    },
}

impl Mode {
    /// How the sandbox's demonstration partner of a code works. A new balance has 1,000.00; where
    /// it is asked, a payment may be of 5,000.00 at most.
    #[must_use]
    pub fn of_sandbox(code: &str) -> Self {
        match code {
            "shared" => Self::Shared { limit: 500_000 },
            _ => Self::External { starting: 100_000 },
        }
    }
}

/// A call that the partner has received; whose it is was checked before.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, from the base URL on, as it came: percent-encoded.
    pub path: &'a str,
    /// `X-Idempotency-Key`.
    pub key: Option<&'a str>,
    /// Its body as it came.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// Whether it asks, as `debit` and `credit` do: whoever calls waits with a decision meanwhile.
    #[must_use]
    pub fn is_question(&self) -> bool {
        matches!(self.path, "/transactions/debit" | "/transactions/credit")
    }
}

/// What the partner answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// JSON; none with 204. From status 400 on it is a problem: `title` and `detail`.
    pub body: Option<Value>,
    /// How long it is held back.
    pub after: Duration,
}

impl Reply {
    /// What its body is.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        if self.status < 400 { "application/json" } else { "application/problem+json" }
    }

    pub(super) fn done() -> Self {
        Self { status: 204, body: None, after: Duration::ZERO }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body), after: Duration::ZERO }
    }

    pub(super) fn refused(status: u16, title: &str, detail: &str) -> Self {
        let body = json!({ "title": title, "detail": detail });
        Self { status, body: Some(body), after: Duration::ZERO }
    }

    /// 409: the call makes no sense. It is never answered to a good caller.
    pub(super) fn client_error(detail: &str) -> Self {
        Self::refused(409, "CLIENT_ERROR", detail)
    }
}

/// What a balance has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    /// Whose it is; nobody's when it was unlinked. What has happened is booked there all the same.
    pub(super) user: Option<String>,
    pub(super) currency: String,
    /// In minor units. Below 0 if more has happened than it had.
    pub(super) amount: i64,
}

/// What the partner knows of a transaction, under our `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The network's id, which need not be unique.
    pub transaction_id: String,
    /// The balance.
    pub balance: String,
    /// `AUTHORIZED`, `CLEARED` or `REVERSED`.
    pub status: String,
    /// What was booked under this id, in order.
    pub effects: Vec<Effect>,
}

impl Transaction {
    /// What all its effects together have added to the balance.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.effects.iter().map(|effect| effect.amount).sum()
    }
}

/// One booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// By which call.
    pub by: By,
    /// What it has added to the balance, in minor units; a debit is below 0.
    pub amount: i64,
}

/// The calls that move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `POST /transactions/debit`
    Debit,
    /// `POST /transactions/credit`
    Credit,
    /// `POST /transactions/force-debit`
    ForceDebit,
    /// `POST /transactions/force-credit`
    ForceCredit,
    /// `POST /transactions/reversal`
    Reversal,
}

/// The books of one partner.
#[derive(Debug)]
pub struct Books {
    pub(super) mode: Mode,
    pub(super) balances: HashMap<String, Balance>,
    /// By our `id`.
    pub(super) transactions: Recent<Transaction>,
    /// When an `id` was undone.
    pub(super) undone: Recent<Timestamp>,
    answers: Answers,
}

impl Books {
    /// Books with nothing in them.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            balances: HashMap::new(),
            transactions: Recent::new(KEPT_MAX),
            undone: Recent::new(KEPT_MAX),
            answers: Answers::new(KEPT_MAX),
        }
    }

    /// Does what a call asks for, and answers it.
    pub fn answer(&mut self, request: &Request<'_>, now: Timestamp) -> Reply {
        let path = request.path.strip_prefix('/').unwrap_or_default();
        // First cut, then decoded: an id may have a slash in it, as %2F.
        let segments: Option<Vec<String>> = path.split('/').map(decoded).collect();
        let segments = segments.unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method, segments.as_slice()) {
            // Whatever is told, it is taken. It can come more than once, under the same key.
            ("POST", ["notifications", ..] | ["transaction-event"]) => Reply::done(),
            ("GET", ["public-key"]) => Reply::ok(json!({ "publicKey": public_key() })),
            // What is read is read anew: nothing is kept with its key.
            ("GET", segments) => self.perform(request, segments, now),
            (_, segments) => match self.answers.kept(request) {
                Some(reply) => reply,
                None => {
                    let reply = self.perform(request, segments, now);
                    self.answers.keep(request, &reply);
                    reply
                }
            },
        }
    }

    fn perform(&mut self, request: &Request<'_>, segments: &[&str], now: Timestamp) -> Reply {
        let is_external = matches!(self.mode, Mode::External { .. });
        match (request.method, segments) {
            ("POST", ["transactions", word]) => self.post(word, request.body, now),
            ("PUT", ["transactions", id]) if is_external => self.put_status(id, request.body),
            ("POST", ["users", user, "balances"]) if is_external => self.link(user, request.body),
            ("GET", ["users", user, "balances"]) if is_external => self.list(user),
            ("GET", ["users", user, "balances", id]) if is_external => self.read(user, id),
            ("DELETE", ["users", user, "balances", id]) if is_external => self.unlink(user, id),
            _ => Reply::refused(404, "NOT_FOUND", "There is no such path."),
        }
    }

    /// What a balance has, in minor units, also one that was unlinked; `None` if it is unknown.
    #[must_use]
    pub fn amount(&self, balance: &str) -> Option<i64> {
        self.balances.get(balance).map(|balance| balance.amount)
    }

    /// Makes a balance have so much, as if somebody had paid in or drawn. Whether it is known.
    pub fn set_amount(&mut self, balance: &str, amount: i64) -> bool {
        let known = self.balances.get_mut(balance);
        known.map(|balance| balance.amount = amount).is_some()
    }

    /// Whose a balance is; `None` if it isn't linked.
    #[must_use]
    pub fn owner(&self, balance: &str) -> Option<&str> {
        self.balances.get(balance)?.user.as_deref()
    }

    /// What is known of a transaction, by our `id`.
    #[must_use]
    pub fn transaction(&self, id: &str) -> Option<&Transaction> {
        self.transactions.get(id)
    }

    /// All transactions by our `id`, in no order.
    pub fn transactions(&self) -> impl Iterator<Item = (&str, &Transaction)> {
        self.transactions.iter()
    }
}

/// A segment of a path, decoded (RFC 3986, section 2.1); `None` if it isn't text.
fn decoded(segment: &str) -> Option<String> {
    let digit =
        |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next())? * 16 + digit(bytes.next())?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests;
