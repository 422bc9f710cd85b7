//! What happens on a connection, and when it has to end.

use crate::config::Connections;
use hyper_util::server::graceful::GracefulConnection;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// What the answers in flight get beyond a request's time when their connection is to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long an answer that is still being made may not be taken.
const STALLED: Duration = Duration::from_secs(60);

/// Whether requests of a connection are in flight, since when none are, and since when the next
/// one's head is coming.
pub(super) struct Activity {
    in_flight: AtomicUsize,
    /// How many of them have their answers taken while these are made.
    streaming: AtomicUsize,
    times: Mutex<Times>,
    /// How long a head, and a request, may take.
    head: Duration,
    /// How long there may be nothing.
    idle: Duration,
    /// Told when the connection has to end after the answers in flight.
    ending: CancellationToken,
}

struct Times {
    quiet_since: Instant,
    head_since: Option<Instant>,
    /// Since when nothing is taken of an answer.
    taken_at: Instant,
}

/// How a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It said all that it had to.
    Done,
    /// A head was begun and didn't come.
    SlowHead,
    /// Answers weren't taken in time, or the process ends.
    Left,
}

impl Activity {
    pub(super) fn new(limits: Connections) -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            streaming: AtomicUsize::new(0),
            times: Mutex::new(Times {
                quiet_since: Instant::now(),
                head_since: None,
                taken_at: Instant::now(),
            }),
            head: limits.head,
            idle: limits.idle,
            ending: CancellationToken::new(),
        }
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > 0
    }

    /// Whether nobody takes the answers that are all that is in flight.
    fn is_stalled(&self) -> bool {
        let streaming = self.streaming.load(Ordering::Acquire);
        streaming > 0
            && streaming == self.in_flight.load(Ordering::Acquire)
            && self.times().taken_at.elapsed() > STALLED
    }

    /// Bytes came in. Between requests they begin a head.
    pub(super) fn heard(&self) {
        if !self.is_busy() {
            self.times().head_since.get_or_insert_with(Instant::now);
        }
    }

    /// Waits until nothing has happened for too long, or a head takes too long.
    async fn over(&self) -> Ended {
        loop {
            if self.is_stalled() {
                return Ended::Left;
            }
            let (left, ended) = match (self.is_busy(), &*self.times()) {
                (true, _) => (self.idle, Ended::Done),
                (false, Times { head_since: Some(since), .. }) => {
                    (self.head.saturating_sub(since.elapsed()), Ended::SlowHead)
                }
                (false, Times { quiet_since, .. }) => {
                    (self.idle.saturating_sub(quiet_since.elapsed()), Ended::Done)
                }
            };
            if left.is_zero() {
                return ended;
            }
            // A head may begin while this sleeps.
            sleep(left.min(self.head)).await;
        }
    }

    /// Runs a connection to its end. Where it has been idle for too long, or is to end, the
    /// requests in flight are still answered.
    pub(super) async fn drive(
        &self,
        mut connection: Pin<&mut impl GracefulConnection>,
        stopping: &CancellationToken,
    ) -> Ended {
        let left = tokio::select! {
            // What goes wrong on a connection is the other side's affair.
            _ = connection.as_mut() => return Ended::Done,
            () = stopping.cancelled() => Ended::Left,
            () = self.ending.cancelled() => Ended::Done,
            ended = self.over() => ended,
        };
        if left == Ended::SlowHead {
            return left;
        }
        connection.as_mut().graceful_shutdown();
        match timeout(self.head + LAST_WORDS, connection).await {
            Ok(_) => left,
            Err(_) => Ended::Left,
        }
    }
}

/// An answer that is taken while it is made.
pub(super) struct Streaming(Busy);

impl Streaming {
    pub(super) fn begin(busy: Busy) -> Self {
        busy.0.streaming.fetch_add(1, Ordering::AcqRel);
        let streaming = Self(busy);
        streaming.taken();
        streaming
    }

    /// Somebody wants more of it.
    pub(super) fn taken(&self) {
        self.0.0.times().taken_at = Instant::now();
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.0.streaming.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A request in flight.
pub(super) struct Busy(Arc<Activity>);

impl Busy {
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.in_flight.fetch_add(1, Ordering::AcqRel);
        activity.times().head_since = None;
        Self(activity.clone())
    }

    /// The connection is to end after the answers in flight.
    pub(super) fn end(&self) {
        self.0.ending.cancel();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.times().quiet_since = Instant::now();
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
