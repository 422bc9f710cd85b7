//! The measurement of issuing: many callers at once, each with a key of idempotency of its own. By
//! itself it is the use case that a partner's call ends in, in this process; `over_https` makes it
//! the call.

mod over_https;

use super::ground::{CONFIG_ID, Ground};
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
use tokio::task::JoinSet;
use tokio::time::interval;

/// How often a person is told how far it is.
const OFTEN: Duration = Duration::from_millis(250);

/// One caller: issues one card after the other.
trait Caller: Send + 'static {
    /// Issues card `number` of the measurement.
    fn issue(&mut self, number: usize) -> impl Future<Output = Outcome> + Send;
}

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &CardsArgs,
    progress: &Progress,
) -> Result<Issued, Failure> {
    if let Some(encrypted) = arguments.https {
        return over_https::measure(ground, arguments, encrypted, progress).await;
    }
    let mut opened = ground.prepare(&[BenchPartner::Measured], progress).await?;
    let from = opened.fill_range(arguments.filled).await?;
    let partner = opened.measured()?;
    let holders: Arc<[_]> = opened.take_cards().into_iter().flatten().collect();
    let app = opened.sandbox.desk.app.clone();
    if app.db.kind() == Kind::Sqlite {
        drop(app.tasks.run(checkpoints(app.clone())));
    }
    let caller = InProcess {
        scope: Scope::platform(partner, "cards for measuring"),
        app: app.clone(),
        holders,
    };
    let callers = vec![caller; arguments.callers as usize];
    let issued = drive(callers, arguments.count, std::process::id(), progress).await;
    let to = opened.range().await?;
    drop(app);
    opened.close().await?;
    Ok(Issued { generator_cpu: None, range: Some((from, to)), ..issued })
}

/// Has the callers issue so many cards, and looks at the process that does it.
async fn drive<C: Caller>(
    callers: Vec<C>,
    count: u32,
    process: u32,
    progress: &Progress,
) -> Issued {
    let times = || [process, std::process::id()].map(processor_time);
    let (begun, before) = (Instant::now(), times());
    let (next, count) = (Arc::new(AtomicUsize::new(0)), count as usize);
    let mut running = JoinSet::new();
    for mut caller in callers {
        let next = next.clone();
        running.spawn(async move {
            let mut tally = Tally::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return tally;
                }
                let begun = Instant::now();
                let outcome = caller.issue(number).await;
                tally.record(begun.elapsed(), &outcome);
            }
        });
    }
    let mut all = Tally::new();
    let mut often = interval(OFTEN);
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok(tally)) => all.add(&tally),
                Some(Err(_)) => all.error("a caller's task ended"),
                None => break,
            },
            _ = often.tick() => {
                let made = next.load(Ordering::Relaxed).min(count);
                progress.tell(|| format!("{made} of {count} cards…"));
            }
        }
    }
    all.end(begun);
    let spent = |n: usize| Some(times()[n]?.saturating_sub(before[n]?));
    Issued { figures: all.figures(), cpu: spent(0), generator_cpu: spent(1), range: None }
}

/// Calls the use case.
#[derive(Clone)]
struct InProcess {
    app: App,
    scope: Scope,
    holders: Arc<[Holding]>,
}

impl Caller for InProcess {
    async fn issue(&mut self, number: usize) -> Outcome {
        let holding = &self.holders[number % self.holders.len()];
        let key = app::ids::random_id().to_string();
        let command = IssueVirtual {
            corporation: None,
            holder: holding.holder,
            balance: holding.balance,
            config_id: CONFIG_ID.to_owned(),
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
