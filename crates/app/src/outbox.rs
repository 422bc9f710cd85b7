//! The outbox: what partners are told, delivered at least once, in order within a stream.
//!
//! A row is written in the transaction that it reports, and the bell is rung. Each node claims what
//! is due by a lease that it commits, calls the partner with no transaction open, and writes what
//! came of it, many results at once. A stream's rows are claimed as a run, from its first open one
//! on, and tried one after the other; a failed one keeps those behind it waiting.
//!
//! | step | where |
//! | --- | --- |
//! | written by use cases | `tell` |
//! | claim | `claim` |
//! | what is sent | `notice`, `contact` |
//! | keep back what refers to a call that was given up | `parked` |
//! | call | `run`, `client`, `encryption` |
//! | write results, pause addresses | `settle` |
//! | show what was tried | `log` |
//! | send again, resume | `again` |
//! | send an example | `example` |
//! | say something once, beside the outbox | `beside` |
//! | when to try again | [`domain::notification`] |

mod again;
mod beside;
mod claim;
mod client;
mod contact;
mod encryption;
mod example;
mod log;
mod notice;
mod parked;
mod run;
mod settle;
mod tell;

pub use again::{ResendFailed, Resent, Resumed};
pub(crate) use contact::KEPT as CONTACT;
pub use example::Tried;
pub use log::{Asked, Attempt, Of, Told};
pub(crate) use tell::News;

use crate::balances::Busy;
use crate::error::Chain;
use crate::{App, Clock, Error};
use client::Clients;
use domain::ids::PartnerId;
use domain::partner::PartnerState;
use outbound::target::Reach;
use settle::Results;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use store::outbox;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long what another node has written may lie unseen.
const POLL: Duration = Duration::from_secs(1);
/// The time between two claims for a partner: each is a commit.
const CLAIM_PAUSE: Duration = Duration::from_millis(50);
/// Streams of one partner that are delivered at a time: one slow partner has no more of this node,
/// and no more calls open. More may be claimed, since a claim is a commit; they wait their turn.
const RUNS_MAX: usize = 64;

/// Rung when something is written to the outbox of this node, and what time it is due by: real
/// time, since pauses and leases don't follow the business clock.
#[derive(Clone)]
pub struct Bell {
    rung: Arc<watch::Sender<()>>,
    real_time: Clock,
}

impl Bell {
    /// A bell that goes by this clock.
    #[must_use]
    pub fn new(real_time: Clock) -> Self {
        Self { rung: Arc::new(watch::Sender::new(())), real_time }
    }

    /// Has the worker of this node look what is due.
    pub fn ring(&self) {
        self.rung.send_replace(());
    }

    pub(crate) fn now(&self) -> domain::Timestamp {
        (self.real_time)()
    }
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bell")
    }
}

/// What delivering needs beside the use cases.
pub struct Outbox {
    bell: Bell,
    clients: Clients,
    linking: Busy,
}

impl Outbox {
    /// `reach` says which addresses may be called.
    #[must_use]
    pub fn new(bell: Bell, reach: Reach) -> Self {
        Self { bell, clients: Clients::new(reach), linking: Busy::default() }
    }

    /// Whose links are being worked on.
    pub(crate) fn linking(&self) -> &Busy {
        &self.linking
    }

    /// Rung when something is to be delivered.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Which addresses may be called.
    pub(crate) fn reach(&self) -> Reach {
        self.clients.reach()
    }

    pub(crate) fn now(&self) -> domain::Timestamp {
        self.bell.now()
    }
}

impl App {
    /// Delivers until the process is to end; then what is in flight is still settled.
    pub async fn deliver_outbox(self) {
        let (results, written) = Results::start(&self);
        let (stopping, mut bell) = (self.tasks.stopping(), self.outbox.bell.rung.subscribe());
        if let Err(error) = self.free_claims().await {
            tracing::warn!(error = %Chain(&error), "claims aren't freed and end by themselves");
        }
        self.wake_all_waiting().await;
        let mut draining = HashSet::new();
        let mut drains = JoinSet::new();
        while !stopping.is_cancelled() {
            bell.mark_unchanged();
            match self.partners_with_due(&draining).await {
                Ok(partners) => {
                    for partner in partners {
                        draining.insert(partner);
                        drains.spawn(self.clone().drain(partner, results.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "the outbox can't be read now");
                }
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = bell.changed() => {}
                () = tokio::time::sleep(POLL) => {}
                Some(ended) = drains.join_next() => match ended {
                    Ok(partner) => {
                        draining.remove(&partner);
                    }
                    // Whose it was isn't known, so all are looked at again.
                    Err(_) => draining.clear(),
                },
            }
        }
        while drains.join_next().await.is_some() {}
        drop(results);
        // The runtime may end with this. Whether writing panicked is told by the panic.
        let _ = written.await;
    }

    /// What a resumption left waiting by dying halfway goes on.
    async fn wake_all_waiting(&self) {
        let settings = self.settings.get();
        for partner in settings.partners() {
            if settings.outbound(partner.id).is_some()
                && let Err(error) = self.wake_waiting(partner.id).await
            {
                let error = Chain(&error);
                tracing::warn!(partner = partner.id.0, %error, "deliveries must wait");
            }
        }
    }

    /// The live partners that can be called, have something due and aren't being served.
    async fn partners_with_due(
        &self,
        served: &HashSet<PartnerId>,
    ) -> Result<Vec<PartnerId>, Error> {
        let settings = self.settings.get();
        let ids: Vec<PartnerId> = settings
            .partners()
            .into_iter()
            .filter(|partner| partner.state == PartnerState::Live && !served.contains(&partner.id))
            .map(|partner| partner.id)
            .filter(|id| settings.outbound(*id).is_some_and(|outbound| outbound.is_complete()))
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.read().await?;
        let due = outbox::partners_with_due(&mut tx, &ids, self.outbox.now()).await;
        Ok(tx.end(due).await?)
    }

    /// Delivers what a partner is to be told until nothing is due. Where something is due and can't
    /// be taken, it takes a while to say so, or it would be asked again and again.
    async fn drain(self, partner: PartnerId, results: Results) -> PartnerId {
        let (mut runs, mut bell) = (JoinSet::new(), self.outbox.bell.rung.subscribe());
        let turns = Arc::new(Semaphore::new(RUNS_MAX));
        let stopping = self.tasks.stopping();
        let (mut next_look, mut taken_any) = (Instant::now(), false);
        loop {
            stopping.run_until_cancelled(tokio::time::sleep_until(next_look)).await;
            next_look = Instant::now() + CLAIM_PAUSE;
            while runs.try_join_next().is_some() {}
            bell.mark_unchanged();
            let room = runs.len() <= RUNS_MAX / 2 && !stopping.is_cancelled();
            let taken = match room {
                true => self.begin_runs(partner, (&results, &turns), &mut runs).await,
                false => Ok(false),
            };
            match taken {
                Ok(false) => {}
                Ok(true) => {
                    taken_any = true;
                    continue;
                }
                Err(error) => {
                    let error = Chain(&error);
                    tracing::warn!(partner = partner.0, %error, "deliveries must wait");
                }
            }
            if runs.is_empty() {
                let pause = if taken_any { Duration::ZERO } else { POLL };
                stopping.run_until_cancelled(tokio::time::sleep(pause)).await;
                return partner;
            }
            // One slow answer keeps nothing else waiting.
            tokio::select! {
                _ = runs.join_next() => {}
                _ = bell.changed(), if room => {}
                () = tokio::time::sleep(POLL), if room => {}
            }
        }
    }

    /// Claims what is due and begins to deliver it; whether there was any.
    async fn begin_runs(
        &self,
        partner: PartnerId,
        (results, turns): (&Results, &Arc<Semaphore>),
        runs: &mut JoinSet<()>,
    ) -> Result<bool, Error> {
        let Some(line) = self.line_to(partner).await? else { return Ok(false) };
        let claimed = self.claim(partner).await?;
        let bodies = self.bodies(partner, &claimed).await?;
        let bodies = Arc::new(bodies);
        let mut parked = claimed.parked;
        for entries in claimed.runs {
            let stream = entries.first().map(|entry| entry.stream.as_str()).unwrap_or_default();
            let run = run::Run {
                line: line.clone(),
                parked: parked.remove(stream).unwrap_or_default(),
                entries,
                bodies: bodies.clone(),
                paused: claimed.paused.clone(),
                lease: claimed.lease,
                turns: turns.clone(),
            };
            runs.spawn(run.deliver(self.clone(), results.clone()));
        }
        Ok(claimed.any)
    }
}
