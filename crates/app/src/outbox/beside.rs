//! Calls beside the outbox: once and at once, and nothing of what was said is kept.

use super::encryption::Telling;
use super::run::note;
use super::settle;
use crate::App;
use crate::error::Chain;
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::notification::{Event, Spread, Try, Verdict};
use std::time::Instant;
use store::StoreError;
use store::db::Tx;

/// What came of such a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// None was made: it was too late, or the partner can't be called.
    Not,
    /// It was made.
    Came(Verdict),
}

impl Called {
    /// Whether the partner took it.
    pub(crate) fn delivered(self) -> bool {
        self == Self::Came(Verdict::Delivered)
    }
}

impl App {
    /// Calls a partner once, to be answered before the first end, begun before the second, which is
    /// of real time. What the partner says isn't kept: it may say what it was told.
    pub(crate) async fn call_once(
        &self,
        partner: PartnerId,
        event: Event,
        (body, request_id): (&[u8], &str),
        (deadline, until): (Instant, Timestamp),
    ) -> Called {
        let line = match self.line_to(partner).await {
            Ok(Some(line)) => line,
            Ok(None) => return Called::Not,
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(partner = partner.0, %error, "a partner can't be called now");
                return Called::Not;
            }
        };
        let (now, begun, key) = (self.outbox.now(), Instant::now(), crate::ids::random_id());
        let timeout = deadline.saturating_duration_since(begun);
        if timeout.is_zero() || until <= now {
            return Called::Not;
        }
        let answer = line.tell(&Telling { event, key, request_id, body, timeout, now }).await;
        let took = begun.elapsed();
        let tried = answer.as_ref().map_or(Try::Unanswered, |it| Try::Answered(it.status));
        let verdict = event.judge(tried, 1, None, Spread::drawn(key, 1));
        note(event, (key, request_id), 1, (&answer, &verdict, took));
        Called::Came(verdict)
    }

    /// Notes how the address did, as of what the outbox delivers.
    pub(crate) async fn note_call(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        event: Event,
        called: Called,
    ) -> Result<(), StoreError> {
        match called {
            Called::Not => Ok(()),
            Called::Came(verdict) => {
                settle::note(tx, (partner, event), verdict, self.outbox.now()).await
            }
        }
    }
}
