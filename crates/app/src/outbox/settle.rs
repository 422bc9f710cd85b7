//! Writing what came of deliveries, many at once: on SQLite they share the one writer with the
//! authorizations.

use crate::error::Chain;
use crate::{App, Error, reached};
use domain::notification::{Outcome, Verdict};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::time::Duration;
use store::StoreError;
use store::db::Tx;
use store::endpoints::{self, Key};
use store::outbox::{self, Next, Settled};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// At most 20 commits a second.
const PAUSE: Duration = Duration::from_millis(50);
/// Results of one commit, and results that may wait: beyond, deliveries wait.
const BATCH: usize = 1_000;
/// The longest pause after the database's trouble.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// An address that has failed for so long is paused.
const FAILING_MAX: SignedDuration = SignedDuration::from_hours(5 * 24);
/// After so long without a failure, longer than any pause between tries, an address begins anew.
const QUIET_MAX: SignedDuration = SignedDuration::from_hours(30);

/// Where deliveries bring their results.
#[derive(Clone)]
pub(super) struct Results(mpsc::Sender<Settled>);

impl Results {
    /// Starts to write results, until the last of those who bring some is gone. The task ends once
    /// all is written.
    pub(super) fn start(app: &App) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(BATCH);
        (Self(sender), app.tasks.run(app.clone().settle_results(receiver)))
    }

    pub(super) async fn send(&self, settled: Settled) {
        // Nobody writes any more only where the process gives up; the lease will end by itself.
        let _ = self.0.send(settled).await;
    }
}

impl App {
    async fn settle_results(self, mut results: mpsc::Receiver<Settled>) {
        let mut batch = Vec::new();
        while results.recv_many(&mut batch, BATCH).await > 0 {
            // In one order by every worker, so that no two wait for one another crosswise.
            batch.sort_by_key(|settled: &Settled| (settled.partner, settled.number));
            let mut pause = PAUSE;
            while let Err(error) = self.write_results(&batch).await {
                tracing::warn!(error = %Chain(&error), "results can't be written now");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            batch.clear();
            // What waited behind them may be due now.
            self.outbox.bell.ring();
            if !self.tasks.is_stopping() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn write_results(&self, batch: &[Settled]) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let written = self.write_results_in(&mut tx, batch).await;
        let paused = tx.end(written).await?;
        reached("call-settled");
        for (partner, event) in paused {
            let event = event.as_str();
            tracing::error!(partner = partner.0, event, "notifications of a partner are paused");
        }
        Ok(())
    }

    /// Answers the addresses that were paused.
    async fn write_results_in(
        &self,
        tx: &mut Tx,
        batch: &[Settled],
    ) -> Result<Vec<Key>, StoreError> {
        let now = self.outbox.now();
        let batch = still_paused(tx, batch, now).await?;
        outbox::settle(tx, &batch, now).await?;
        note_all(tx, &addresses(&batch), now).await
    }
}

/// Notes how addresses did; which were paused.
async fn note_all(
    tx: &mut Tx,
    Addresses { working, failing, gone }: &Addresses,
    now: domain::Timestamp,
) -> Result<Vec<Key>, StoreError> {
    endpoints::work(tx, working).await?;
    let since = now.checked_sub(FAILING_MAX).unwrap_or(domain::Timestamp::MIN);
    let quiet = now.checked_sub(QUIET_MAX).unwrap_or(domain::Timestamp::MIN);
    let before = endpoints::lock_paused(tx, failing).await?;
    endpoints::fail(tx, failing, now, (quiet, since)).await?;
    endpoints::pause_gone(tx, gone, now).await?;
    let after = endpoints::lock_paused(tx, failing).await?;
    Ok(after.difference(&before).copied().collect())
}

/// Notes how one address did that was called beside the outbox.
pub(super) async fn note(
    tx: &mut Tx,
    key: Key,
    verdict: Verdict,
    now: domain::Timestamp,
) -> Result<(), StoreError> {
    let mut found = Addresses::default();
    match verdict {
        Verdict::Delivered | Verdict::Instead(_) => found.working.insert(key),
        Verdict::Again(_) | Verdict::GiveUp => found.failing.insert(key),
        Verdict::Gone => found.failing.insert(key) | found.gone.insert(key),
    };
    for (partner, event) in note_all(tx, &found, now).await? {
        let event = event.as_str();
        tracing::error!(partner = partner.0, event, "notifications of a partner are paused");
    }
    Ok(())
}

/// What was left untried because its address is paused is given back if that was resumed since.
async fn still_paused(
    tx: &mut Tx,
    batch: &[Settled],
    now: domain::Timestamp,
) -> Result<Vec<Settled>, StoreError> {
    let untried = |settled: &Settled| {
        settled.next == Next::Closed(Outcome::Paused) && settled.attempt.is_none()
    };
    let left = batch.iter().filter(|settled| untried(settled));
    let keys: BTreeSet<Key> = left.map(|settled| (settled.partner, settled.event)).collect();
    let paused = endpoints::lock_paused(tx, &keys).await?;
    let settle = |settled: &Settled| {
        let resumed = untried(settled) && !paused.contains(&(settled.partner, settled.event));
        let next = if resumed { Next::Again(now) } else { settled.next };
        Settled { next, ..settled.clone() }
    };
    Ok(batch.iter().map(settle).collect())
}

/// How the addresses that were tried did.
#[derive(Default)]
struct Addresses {
    working: BTreeSet<Key>,
    /// Those that took nothing.
    failing: BTreeSet<Key>,
    /// Those of them that answered 410.
    gone: BTreeSet<Key>,
}

fn addresses(batch: &[Settled]) -> Addresses {
    let mut found = Addresses::default();
    // The calls of a partner's mode have no address that could be paused.
    let tried = |settled: &&Settled| settled.attempt.is_some() && !settled.event.is_call();
    for settled in batch.iter().filter(tried) {
        let key = (settled.partner, settled.event);
        match settled.next {
            Next::Closed(Outcome::Delivered) | Next::Instead { .. } => found.working.insert(key),
            Next::Closed(Outcome::Failed) | Next::Again(_) => found.failing.insert(key),
            Next::Closed(Outcome::Paused) => found.failing.insert(key) | found.gone.insert(key),
        };
    }
    found.failing.retain(|key| !found.working.contains(key) || found.gone.contains(key));
    found
}
