//! The measurement of issuing: many callers in this process, each through the use case that a
//! partner's call ends in, with a key of idempotency, without HTTP.

use super::ground::Ground;
use super::ledger_only::checkpoints;
use super::report::{Issued, processor_time};
use crate::cli::CardsArgs;
use crate::failure::Failure;
use crate::output::Progress;
use app::audit::Origin;
use app::cards::IssueVirtual;
use app::preload::{BenchPartner, Holding};
use app::{App, Once};
use domain::scope::Scope;
use serde_json::json;
use simulator::load::tally::{Outcome, Tally};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::db::Kind;

/// How often a person is told how far it is.
const OFTEN: Duration = Duration::from_millis(250);

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &CardsArgs,
    progress: &Progress,
) -> Result<Issued, Failure> {
    let mut opened = ground.prepare(&[BenchPartner::Measured], progress).await?;
    let party = opened.partners().first().map(|party| party.id);
    let partner = party.ok_or_else(|| Failure::new("There is no partner for measuring."))?;
    let holders = opened.take_cards().into_iter().next().unwrap_or_default();
    let app = opened.sandbox.desk.app.clone();
    if app.db.kind() == Kind::Sqlite {
        drop(app.tasks.run(checkpoints(app.clone())));
    }
    let caller = Caller {
        scope: Scope::platform(partner, "cards for measuring"),
        config_id: super::ground::CONFIG_ID.to_owned(),
        app: app.clone(),
        holders: holders.into(),
        next: Arc::default(),
        count: arguments.count as usize,
    };
    let issued = drive(&caller, arguments.callers, progress).await;
    drop((caller, app));
    opened.close().await?;
    Ok(issued)
}

async fn drive(caller: &Caller, callers: u32, progress: &Progress) -> Issued {
    let (begun, before) = (Instant::now(), processor_time(std::process::id()));
    let one = |_| caller.app.tasks.run(caller.clone().run());
    let callers: Vec<_> = (0..callers).map(one).collect();
    let mut all = Tally::new();
    for running in callers {
        let mut running = std::pin::pin!(running);
        let tally = loop {
            tokio::select! {
                done = &mut running => break done,
                () = tokio::time::sleep(OFTEN) => {
                    let made = caller.next.load(Ordering::Relaxed).min(caller.count);
                    progress.tell(|| format!("{made} of {} cards…", caller.count));
                }
            }
        };
        match tally {
            Ok(tally) => all.add(&tally),
            Err(_) => all.error("a caller's task ended"),
        }
    }
    all.end(begun);
    let cpu = before.zip(processor_time(std::process::id()));
    let cpu = cpu.map(|(before, after)| after.saturating_sub(before));
    Issued { figures: all.figures(), cpu }
}

/// One caller at work.
#[derive(Clone)]
struct Caller {
    app: App,
    scope: Scope,
    config_id: String,
    holders: Arc<[Holding]>,
    next: Arc<AtomicUsize>,
    count: usize,
}

impl Caller {
    async fn run(self) -> Tally {
        let mut tally = Tally::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return tally;
            }
            let begun = Instant::now();
            let outcome = self.issue(number).await;
            tally.record(begun.elapsed(), &outcome);
        }
    }

    async fn issue(&self, number: usize) -> Outcome {
        let holding = &self.holders[number % self.holders.len()];
        let key = app::ids::random_id().to_string();
        let command = IssueVirtual {
            holder: holding.holder,
            balance: holding.balance,
            config_id: self.config_id.clone(),
            label: None,
        };
        let origin = Origin { actor: "bench".to_owned(), address: None, request_id: key.clone() };
        let once = Once {
            endpoint: "bench cards".to_owned(),
            fingerprint: self.app.keyring.fingerprint(&[key.as_bytes()]),
            key: Some(key),
            origin,
            render: |card: &domain::card::Card| json!({ "id": card.id.0 }),
        };
        match self.app.issue_virtual_card(self.scope, command, once).await {
            Ok(_) => Outcome::Approved,
            Err(error) => Outcome::Error(error.to_string()),
        }
    }
}
