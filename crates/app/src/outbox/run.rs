//! Delivering the rows of one stream, one after the other.

use super::client::Line;
use super::encryption::{NotSent, Telling};
use super::parked::Parked;
use super::settle::Results;
use crate::ledger::calls;
use crate::{App, reached};
use domain::notification::{Event, Outcome, Spread, Try, Verdict};
use jiff::SignedDuration;
use outbound::client::Answer;
use outbound::transactions;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::outbox::{Attempt, Entry, Lease, Next, Settled};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long a partner may take to answer a notification.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// What must be left of a lease for another try: the answer's time, and some to write it down.
const LEFT_MIN: SignedDuration = SignedDuration::from_secs(12);
/// How much is kept of an answer.
const KEPT_BYTES: usize = 1024;

/// Claimed rows of one stream, and what is sent for each.
pub(super) struct Run {
    pub(super) line: Arc<Line>,
    pub(super) entries: Vec<Entry>,
    /// What was given up before of the stream, if it is one of calls.
    pub(super) parked: Parked,
    /// By number; one that is missing can't be made.
    pub(super) bodies: Arc<HashMap<i64, Vec<u8>>>,
    pub(super) paused: Arc<HashSet<Event>>,
    pub(super) lease: Lease,
    /// Turns at calling the partner.
    pub(super) turns: Arc<Semaphore>,
}

impl Run {
    /// Tries one after the other, when its turn has come; the first that has to be tried again ends
    /// the run, and what is left of it is given back.
    pub(super) async fn deliver(mut self, app: App, results: Results) {
        let turns = self.turns.clone();
        // Nobody closes it; whose lease is over by then gives all back.
        let _turn = turns.acquire().await;
        let (mut open, mut parked) = (true, std::mem::take(&mut self.parked));
        for entry in &self.entries {
            let now = app.outbox.now();
            let time_left = self.lease.until.duration_since(now) > LEFT_MIN;
            open = open && time_left && !app.tasks.is_stopping();
            let settled = if !open {
                self.given_back(entry, now)
            } else if parked.keeps_back(entry) {
                note_parked(entry, "what it refers to is parked");
                let next = Next::Closed(Outcome::Failed);
                Settled { next, ..self.given_back(entry, now) }
            } else {
                self.settle(&app, entry).await
            };
            if settled.next == Next::Closed(Outcome::Failed) && entry.event != Event::Clearing {
                entry.detail.iter().for_each(|said| parked.add(entry.number, said));
            }
            open = open && matches!(settled.next, Next::Closed(_));
            results.send(settled).await;
        }
    }

    async fn settle(&self, app: &App, entry: &Entry) -> Settled {
        if self.paused.contains(&entry.event) {
            let next = Next::Closed(Outcome::Paused);
            return Settled { next, ..self.given_back(entry, app.outbox.now()) };
        }
        let Some(body) = self.bodies.get(&entry.number) else {
            tracing::error!(
                partner = entry.partner.0,
                number = entry.number,
                request_id = entry.request_id,
                "a notification can't be made"
            );
            let next = Next::Closed(Outcome::Failed);
            return Settled { next, ..self.given_back(entry, app.outbox.now()) };
        };
        let (at, begun) = (app.outbox.now(), Instant::now());
        let answer = self.call(entry, body, at).await;
        reached("call-made");
        let duration = begun.elapsed();
        let attempts = entry.attempts + 1;
        let verdict = judge(entry, &answer);
        let named = (entry.id, entry.request_id.as_str());
        note(entry.event, named, attempts, (&answer, &verdict, duration));
        if answer.as_ref().is_ok_and(transactions::is_unknown) {
            tracing::warn!(
                partner = entry.partner.0,
                notification = %entry.id,
                request_id = entry.request_id,
                "a partner doesn't know a transaction that it is told of"
            );
        }
        let later = |pause| {
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            app.outbox.now().saturating_add(pause).unwrap_or(domain::Timestamp::MAX)
        };
        if verdict == Verdict::GiveUp && entry.event.is_call() {
            note_parked(entry, "it was tried as often as it is to be");
        }
        let next = match verdict {
            Verdict::Delivered => Next::Closed(Outcome::Delivered),
            Verdict::Again(pause) => Next::Again(later(pause)),
            Verdict::GiveUp => Next::Closed(Outcome::Failed),
            Verdict::Gone => Next::Closed(Outcome::Paused),
            Verdict::Instead(event) => {
                Next::Instead { event, id: calls::instead_of(entry.id), at: app.outbox.now() }
            }
        };
        let attempt = Some(attempt(at, duration, answer));
        Settled { attempts, attempt, next, ..self.given_back(entry, at) }
    }

    /// A row as it was claimed, to be had by the next claim.
    fn given_back(&self, entry: &Entry, now: domain::Timestamp) -> Settled {
        Settled {
            partner: entry.partner,
            number: entry.number,
            stream: entry.stream.clone(),
            event: entry.event,
            attempts: entry.attempts,
            attempt: None,
            next: Next::Again(now),
            by: self.lease.by,
        }
    }

    async fn call(
        &self,
        entry: &Entry,
        body: &[u8],
        now: domain::Timestamp,
    ) -> Result<Answer, NotSent> {
        let telling = Telling {
            event: entry.event,
            key: entry.id,
            request_id: &entry.request_id,
            body,
            timeout: ANSWER,
            now,
        };
        self.line.tell(&telling).await
    }
}

fn note_parked(entry: &Entry, reason: &'static str) {
    tracing::error!(
        partner = entry.partner.0,
        notification = %entry.id,
        event = entry.event.as_str(),
        request_id = entry.request_id,
        reason,
        "a call of a partner's mode is parked: its books differ from ours"
    );
}

fn judge(entry: &Entry, answer: &Result<Answer, NotSent>) -> Verdict {
    let attempt = usize::try_from(entry.attempts + 1).unwrap_or(usize::MAX);
    let planned = entry.attempts + 1 - entry.attempts_before;
    let planned = usize::try_from(planned).unwrap_or(usize::MAX);
    let (tried, asked) = match answer {
        Ok(answer) if transactions::is_unknown(answer) => (Try::Unknown, answer.retry_after),
        Ok(answer) if transactions::refuses(answer) => (Try::Refused, answer.retry_after),
        Ok(answer) => (Try::Answered(answer.status), answer.retry_after),
        Err(_) => (Try::Unanswered, None),
    };
    entry.event.judge(tried, planned, asked, Spread::drawn(entry.id, attempt))
}

/// A try, as it is kept.
pub(super) fn attempt(
    at: domain::Timestamp,
    duration: Duration,
    answer: Result<Answer, NotSent>,
) -> Attempt {
    let none = Attempt {
        at,
        duration_ms: i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
        status: None,
        error: None,
        answer_bytes: None,
        answer: None,
    };
    match answer {
        Err(error) => Attempt { error: Some(error.as_str().to_owned()), ..none },
        Ok(answer) => Attempt {
            status: Some(i64::from(answer.status)),
            answer_bytes: i64::try_from(answer.body.len()).ok(),
            answer: answer.is_problem_json.then(|| kept(&answer.body)),
            ..none
        },
    }
}

/// The beginning of an answer as text. PostgreSQL keeps no NUL.
fn kept(body: &[u8]) -> String {
    let start = &body[..body.len().min(KEPT_BYTES)];
    String::from_utf8_lossy(start).replace('\0', "\u{fffd}")
}

/// Logs and measures a try by what came of it.
pub(super) fn note(
    event: Event,
    (key, request_id): (Uuid, &str),
    attempt: i64,
    (answer, verdict, took): (&Result<Answer, NotSent>, &Verdict, Duration),
) {
    tracing::info!(
        request_id,
        notification = %key,
        event = event.as_str(),
        attempt,
        status = answer.as_ref().map_or(0, |answer| answer.status),
        error = answer.as_ref().err().map_or("", |error| error.as_str()),
        microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "notified"
    );
    let outcome = match verdict {
        Verdict::Delivered => "delivered",
        Verdict::Again(_) => "again",
        Verdict::GiveUp => "failed",
        Verdict::Gone => "paused",
        Verdict::Instead(_) => "refused",
    };
    let event = event.as_str();
    metrics::histogram!("antaca_notification_seconds", "event" => event).record(took);
    metrics::counter!("antaca_notifications_total", "event" => event, "outcome" => outcome)
        .increment(1);
}
