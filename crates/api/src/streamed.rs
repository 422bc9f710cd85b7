//! A body that is answered while it comes: its records in batches on one side, the answers on the
//! other, and in between as little as goes into them.

use crate::Api;
use crate::answer::{Body as Told, Success};
use crate::lines::MEDIA;
use crate::problem::Problem;
use crate::records::{Form, Record, Splitter};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long nothing may come of a body, and how long an answer may not be taken (spec "Limits that
/// protect the service").
const IDLE: Duration = Duration::from_secs(30);
/// How long a body is waited for before it is told that there is a pause.
const PAUSE: Duration = Duration::from_secs(2);
/// Records of a batch: enough that its commit costs little for each, and few enough that others
/// wait for the database for some milliseconds only.
const BATCH: usize = 256;
/// The same in bytes, for long records.
const BATCH_BYTES: usize = 1024 * 1024;
/// How long the first record of a batch waits for others.
const GATHER: Duration = Duration::from_millis(50);
/// Batches whose answers wait to be taken. A caller that reads nothing until it has sent all gets
/// further by them; then it is waited for.
const ANSWERED: usize = 16;

/// What came of a body.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Records, one at least.
    Records(Vec<Record>),
    /// Nothing for a moment.
    Pause,
    /// All of it was heard.
    End,
}

/// Why no more is heard of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Its caller has gone.
    Broken,
    /// Nothing came for [`IDLE`].
    Late,
    /// The process ends.
    Stopping,
}

/// A body, heard in batches of its records.
pub(crate) struct Source {
    body: Body,
    splitter: Splitter,
    stopping: CancellationToken,
    /// When something came of it last.
    heard_at: Instant,
    is_over: bool,
    /// Why no more is heard, once what was heard before is told.
    stopped: Option<Stopped>,
}

impl Source {
    /// Of a body that nothing was heard of.
    pub(crate) fn new(api: &Api, body: Body, form: Form) -> Self {
        let (stopping, heard_at) = (api.app.tasks.stopping(), Instant::now());
        let splitter = Splitter::new(form);
        Self { body, splitter, stopping, heard_at, is_over: false, stopped: None }
    }

    /// The number of the line that comes next.
    pub(crate) fn line(&self) -> i64 {
        self.splitter.line()
    }

    /// The first record, if there is one.
    pub(crate) async fn first(&mut self) -> Result<Option<Record>, Stopped> {
        loop {
            if let Some(record) = self.splitter.next() {
                return Ok(Some(record));
            }
            if self.is_over {
                return Ok(None);
            }
            self.hear(self.heard_at + IDLE).await?.ok_or(Stopped::Late)?;
        }
    }

    /// The next batch, as large as it becomes in [`GATHER`]; `first` begins it.
    pub(crate) async fn next(&mut self, first: Option<Record>) -> Result<Heard, Stopped> {
        let size = |record: &Record| record.text.as_ref().map_or(0, Vec::len);
        let mut bytes = first.as_ref().map_or(0, size);
        let mut batch: Vec<Record> = first.into_iter().collect();
        let mut until = Instant::now() + if batch.is_empty() { PAUSE } else { GATHER };
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            if let Some(record) = self.splitter.next() {
                if batch.is_empty() {
                    until = Instant::now() + GATHER;
                }
                bytes += size(&record);
                batch.push(record);
            } else if self.is_over || self.stopped.is_some() {
                break;
            } else {
                match self.hear(until).await {
                    Ok(Some(())) => {}
                    Ok(None) => break,
                    Err(stopped) => self.stopped = Some(stopped),
                }
            }
        }
        match (batch.is_empty(), self.is_over) {
            (false, _) => Ok(Heard::Records(batch)),
            (true, _) if self.stopped.is_some() => Err(self.stopped.unwrap_or(Stopped::Broken)),
            (true, true) => Ok(Heard::End),
            (true, false) if self.heard_at.elapsed() >= IDLE => Err(Stopped::Late),
            (true, false) => Ok(Heard::Pause),
        }
    }

    /// Hears a piece of the body; nothing if none comes until then.
    async fn hear(&mut self, until: Instant) -> Result<Option<()>, Stopped> {
        let frame = tokio::select! {
            () = self.stopping.cancelled() => return Err(Stopped::Stopping),
            frame = self.body.frame() => frame,
            () = sleep_until(until) => return Ok(None),
        };
        match frame {
            None => {
                self.is_over = true;
                self.splitter.end();
            }
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref().filter(|piece| !piece.is_empty()) {
                    self.heard_at = Instant::now();
                    self.splitter.push(piece);
                }
            }
            Some(Err(_)) => return Err(Stopped::Broken),
        }
        Ok(Some(()))
    }

    /// It was not for want of the caller's body that nothing was heard of it meanwhile.
    pub(crate) fn attend(&mut self) {
        self.heard_at = Instant::now();
    }
}

/// That an answer has ended before its time.
#[derive(Debug)]
pub(crate) struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer broke off")
    }
}

impl std::error::Error for BrokenOff {}

/// Where the answers go. Dropped before its end, the answer breaks off, so that nobody takes it
/// for all of it.
pub(crate) struct Answers(Option<Sender<Bytes, BrokenOff>>);

impl Answers {
    /// Tells lines; `false` if nobody hears them.
    pub(crate) async fn tell(&mut self, lines: &[Value]) -> bool {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        let Some(sender) = &mut self.0 else { return false };
        matches!(timeout(IDLE, sender.send_data(text.into())).await, Ok(Ok(())))
    }

    /// That was all.
    pub(crate) fn end(mut self) {
        self.0.take();
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            sender.abort(BrokenOff);
        }
    }
}

/// 200 with answers that come line by line.
#[derive(Debug)]
pub(crate) struct Streamed(Channel<Bytes, BrokenOff>);

impl Streamed {
    /// An answer, and where its lines come from.
    pub(crate) fn new() -> (Answers, Self) {
        let (sender, body) = Channel::new(ANSWERED);
        (Answers(Some(sender)), Self(body))
    }
}

impl Success for Streamed {
    const STATUS: StatusCode = StatusCode::OK;
    const FILES: &'static [&'static str] = &[MEDIA];

    fn body() -> Option<Told> {
        None
    }
}

impl IntoResponse for Streamed {
    fn into_response(self) -> Response {
        (StatusCode::OK, [(header::CONTENT_TYPE, MEDIA)], Body::new(self.0)).into_response()
    }
}

/// What a caller is told instead of the line that would be next, where no more is heard.
impl Stopped {
    /// As an answer; none where nobody would hear it.
    pub(crate) fn problem(self) -> Option<Problem> {
        match self {
            Self::Broken => None,
            Self::Late => Some(Problem::too_slow()),
            Self::Stopping => Some(Problem::unavailable()),
        }
    }
}
