//! What is measured of batches and decisions.

use super::Waiting;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::ledger::Message;

/// A batch was committed: it began at `begun`, and to commit at `writing`.
pub(super) fn committed(number: u64, batch: &[Arc<Waiting>], begun: Instant, writing: Instant) {
    let waits = batch.iter().map(|waiting| waiting.waited(begun));
    let waited = waits.max().unwrap_or_default();
    let (took, commit) = (begun.elapsed(), writing.elapsed());
    metrics::histogram!("antaca_batch_commands").record(count(batch.len()));
    metrics::histogram!("antaca_batch_wait_seconds").record(waited);
    metrics::histogram!("antaca_batch_seconds").record(took);
    metrics::histogram!("antaca_commit_seconds").record(commit);
    tracing::debug!(
        batch = number,
        commands = batch.len(),
        waited_microseconds = microseconds(waited),
        commit_microseconds = microseconds(commit),
        microseconds = microseconds(took),
        "batch committed"
    );
}

/// A command was decided, `took` after it came to the engine.
pub(super) fn decided(message: &Message, took: Duration) {
    let kind = message.kind.clone();
    metrics::histogram!("antaca_decision_seconds", "kind" => kind.clone()).record(took);
    let (outcome, description) = (message.processing.as_str(), message.description.as_str());
    metrics::counter!(
        "antaca_decisions_total",
        "kind" => kind, "outcome" => outcome, "description" => description
    )
    .increment(1);
}

pub(super) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
