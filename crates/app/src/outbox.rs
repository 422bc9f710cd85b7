//! The outbox: what partners are told, delivered at least once, in order within a stream.
//!
//! A row is written in the transaction that it reports, and the bell is rung. Each node claims what
//! is due by a lease that it commits, calls the partner with no transaction open, and writes what
//! came of it, many results at once. A stream's rows are claimed as a run, from its first open one
//! on, and tried one after the other; a failed one keeps those behind it waiting.
//!
//! | step | where |
//! | --- | --- |
//! | claim | `claim` |
//! | what is sent | `notice` |
//! | call | `run`, `client` |
//! | write results, pause addresses | `settle` |
//! | show what was tried, resume | `log` |
//! | when to try again | [`domain::notification`] |

mod claim;
mod client;
mod log;
mod notice;
mod run;
mod settle;

pub use log::{Attempt, Told};

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
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long what another node has written may lie unseen.
const POLL: Duration = Duration::from_secs(1);
/// Streams of one partner that are delivered at a time: one slow partner has no more of this node.
const RUNS_MAX: usize = 64;

/// Rung when something is written to the outbox of this node.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Has the worker of this node look what is due.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// What delivering needs beside the use cases.
pub struct Outbox {
    bell: Bell,
    real_time: Clock,
    worker: Uuid,
    clients: Clients,
}

impl Outbox {
    /// Real time: pauses and leases don't follow the business clock. `reach` says which addresses
    /// may be called.
    #[must_use]
    pub fn new(bell: Bell, real_time: Clock, reach: Reach) -> Self {
        Self { bell, real_time, worker: crate::ids::random_id(), clients: Clients::new(reach) }
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
        (self.real_time)()
    }
}

impl App {
    /// Delivers until the process is to end; then what is in flight is still settled.
    pub async fn deliver_outbox(self) {
        let results = Results::start(&self);
        let stopping = self.tasks.stopping();
        let mut draining = HashSet::new();
        let mut drains = JoinSet::new();
        while !stopping.is_cancelled() {
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
                () = self.outbox.bell.0.notified() => {}
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

    /// Delivers what a partner is to be told until nothing is due.
    async fn drain(self, partner: PartnerId, results: Results) -> PartnerId {
        let mut runs = JoinSet::new();
        loop {
            let room = runs.len() <= RUNS_MAX / 2 && !self.tasks.is_stopping();
            let begun = match room.then_some(self.begin_runs(partner, &results, &mut runs)) {
                Some(begin) => begin.await,
                None => Ok(0),
            };
            match begun {
                Ok(1..) => continue,
                Ok(0) => {}
                Err(error) => {
                    tracing::warn!(%partner, error = %Chain(&error), "deliveries must wait");
                }
            }
            if runs.join_next().await.is_none() {
                return partner;
            }
        }
    }

    /// Claims what is due and begins to deliver it; how many runs were begun.
    async fn begin_runs(
        &self,
        partner: PartnerId,
        results: &Results,
        runs: &mut JoinSet<()>,
    ) -> Result<usize, Error> {
        let Some(line) = self.line_to(partner).await? else { return Ok(0) };
        let claimed = self.claim(partner).await?;
        let bodies = self.bodies(partner, &claimed).await?;
        let count = claimed.runs.len();
        let bodies = Arc::new(bodies);
        for entries in claimed.runs {
            let run = run::Run {
                line: line.clone(),
                entries,
                bodies: bodies.clone(),
                paused: claimed.paused.clone(),
                lease: claimed.lease,
            };
            runs.spawn(run.deliver(self.clone(), results.clone()));
        }
        Ok(count)
    }
}
