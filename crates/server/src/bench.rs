//! `antaca bench`: how many authorizations a second this machine decides, and how fast.
//!
//! Four processes take part, so that each one's time is told apart: this one, which prepares, looks
//! on and verifies; the server, a sandbox as anybody would start it; the generator of the load; and
//! the partners that are told of each transaction. With `--ledger-only` it is this process alone.
//!
//! | file | what it is for |
//! | --- | --- |
//! | `ground` | where it is measured: folder, database, partner, cards, past |
//! | `over_https` | the measurement through the processor's channel |
//! | `isolation` | the same with many partners, of which one hangs |
//! | `ledger_only` | the measurement of the engine |
//! | `cards` | the measurement of issuing, by the use case or over HTTPS |
//! | `import` | the measurement of an import of users, over HTTPS |
//! | `screening` | the measurement of looking for all names again |
//! | `deliveries` | the measurement of the outbox |
//! | `lists` | the measurement of what the panel's people look at |
//! | `child` | the other processes, and what is said to them |
//! | `played` | what is said to the one that plays the partners |
//! | `generator`, `partner` | what those processes do |
//! | `report` | what is told of it |

mod cards;
mod child;
mod deliveries;
mod generator;
mod ground;
mod import;
mod isolation;
mod ledger_only;
mod lists;
mod over_https;
mod partner;
mod played;
mod report;
mod screening;

use crate::cli::{
    BenchArgs, BenchCommand, CardsArgs, DeliveriesArgs, ImportBenchArgs, ListsArgs, PreloadArgs,
    ScreeningBenchArgs,
};
use crate::failure::Failure;
use crate::output::{self, Progress};
use app::preload::BenchPartner;
use ground::Ground;
use report::{Phase, Report};
use simulator::load::Load;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Runs a command of `antaca bench`.
pub(crate) async fn run(command: BenchCommand) -> Result<ExitCode, Failure> {
    match command {
        BenchCommand::Authorizations(it) => unless_interrupted(authorizations(it)).await,
        BenchCommand::Cards(it) => unless_interrupted(issuing(it)).await,
        BenchCommand::Import(it) => unless_interrupted(importing(it)).await,
        BenchCommand::Screening(it) => unless_interrupted(screening(it)).await,
        BenchCommand::Deliveries(it) => unless_interrupted(delivering(it)).await,
        BenchCommand::Lists(it) => unless_interrupted(listing(it)).await,
        BenchCommand::Backlog(it) => deliveries::write(it).await.map(|()| ExitCode::SUCCESS),
        BenchCommand::Preload(it) => unless_interrupted(preload(it)).await,
        BenchCommand::Generator(it) => generator::run(&it).map(|()| ExitCode::SUCCESS),
        BenchCommand::Partner => partner::run().await.map(|()| ExitCode::SUCCESS),
    }
}

/// Does it, or gives up on SIGTERM or Ctrl-C: then too no process and no temporary folder is left.
async fn unless_interrupted(
    work: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("No signal is heard ({error})."));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err(Failure::new("It was interrupted.")),
        _ = terminate.recv() => Err(Failure::new("It was interrupted.")),
    }
}

async fn authorizations(arguments: BenchArgs) -> Result<ExitCode, Failure> {
    let mut ground = Ground::of(&arguments.at, ground::Default::Temporary)?;
    let progress = Progress::begin();
    let mut report = if arguments.ledger_only {
        ledger_only::measure(&ground, &arguments, &progress).await?
    } else {
        over_https::measure(&mut ground, &arguments, &progress).await?
    };
    progress.tell(|| "Verifying the ledger…".to_owned());
    report.faults.extend(ground.verify().await?);
    drop(progress);
    tell(&report, arguments.json);
    if report.is_empty() {
        return Err(Failure::new("No message was answered, so nothing was measured."));
    }
    let sound = report.faults.is_empty() && report.figures.errors == 0;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn tell(report: &Report, json: bool) {
    if let Some(error) = &report.figures.first_error {
        output::error(&format!("{} messages failed, the first: {error}", report.figures.errors));
    }
    for (what, figures) in report.beside() {
        if let Some(error) = &figures.first_error {
            output::error(&format!(
                "{} messages {what} failed, the first: {error}",
                figures.errors
            ));
        }
    }
    report.faults.iter().for_each(|fault| output::error(fault));
    output::line(&if json { report.json().to_string() } else { report.text() });
}

async fn issuing(arguments: CardsArgs) -> Result<ExitCode, Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Temporary)?;
    let progress = Progress::begin();
    let issued = cards::measure(&ground, &arguments, &progress).await?;
    drop(progress);
    if let Some(error) = &issued.figures.first_error {
        let errors = issued.figures.errors;
        output::error(&format!("{errors} cards weren't issued, the first: {error}"));
    }
    output::line(&if arguments.json { issued.json().to_string() } else { issued.text() });
    Ok(if issued.figures.errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn importing(arguments: ImportBenchArgs) -> Result<ExitCode, Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Temporary)?;
    let progress = Progress::begin();
    let imported = import::measure(&ground, &arguments, &progress).await?;
    drop(progress);
    for error in [&imported.first, &imported.again].iter().filter_map(|it| it.first_error.as_ref())
    {
        output::error(&format!("Lines weren't answered with a user, the first: {error}"));
    }
    output::line(&if arguments.json { imported.json().to_string() } else { imported.text() });
    Ok(if imported.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn screening(arguments: ScreeningBenchArgs) -> Result<ExitCode, Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Temporary)?;
    let progress = Progress::begin();
    let screened = screening::measure(&ground, &arguments, &progress).await?;
    drop(progress);
    output::line(&if arguments.json { screened.json().to_string() } else { screened.text() });
    Ok(ExitCode::SUCCESS)
}

async fn delivering(arguments: DeliveriesArgs) -> Result<ExitCode, Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Temporary)?;
    let progress = Progress::begin();
    let delivered = deliveries::measure(&ground, &arguments, &progress).await?;
    drop(progress);
    output::line(&if arguments.json { delivered.json().to_string() } else { delivered.text() });
    Ok(ExitCode::SUCCESS)
}

async fn listing(arguments: ListsArgs) -> Result<ExitCode, Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Kept)?;
    let progress = Progress::begin();
    let listed = lists::measure(&ground, &arguments, &progress).await?;
    drop(progress);
    if let Some(error) = &listed.first_error {
        output::error(&format!("{} calls failed, the first: {error}", listed.errors));
    }
    output::line(&if arguments.json { listed.json().to_string() } else { listed.text() });
    Ok(if listed.errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn preload(arguments: PreloadArgs) -> Result<ExitCode, Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Kept)?;
    let progress = Progress::begin();
    let prepared = ground.prepare(&[BenchPartner::Measured], &progress).await?;
    let filled = prepared.fill(arguments.transactions.into(), &progress).await;
    let cards = prepared.cards();
    prepared.close().await?;
    filled?;
    drop(progress);
    output::line(&format!(
        "There are {cards} cards for measuring, and {} new transactions, in {}.",
        arguments.transactions,
        ground.dir().display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Measures, so many messages a second of each partner. Beside a greedy partner that is done twice:
/// first with its share, then with more.
async fn in_turn(
    arguments: &BenchArgs,
    drive: impl AsyncFn(Vec<Offer>) -> Result<Phase, Failure>,
) -> Result<Report, Failure> {
    let offer = |rate| Offer { rate, connections: arguments.connections };
    let rate = arguments.rate.map(u64::from);
    let (Some(rate), Some(times)) = (rate, arguments.greedy) else {
        return Ok(Report::of(drive(vec![offer(rate)]).await?));
    };
    let at_share = drive(vec![offer(Some(rate)); 2]).await?;
    let greedy = rate * u64::from(times);
    let phase = drive([rate, greedy].map(|rate| offer(Some(rate))).into()).await?;
    Ok(Report::beside_greed(at_share, phase, times, greedy))
}

/// What is sent of the cards of one partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offer {
    /// Messages a second; as many as are answered, if it isn't given.
    rate: Option<u64>,
    /// Connections at once, or callers.
    connections: u32,
}

impl BenchArgs {
    fn partners(&self) -> Vec<BenchPartner> {
        match (self.hanging, self.greedy) {
            (Some(count), _) => isolation::partners(count),
            (None, Some(_)) => vec![BenchPartner::Measured, BenchPartner::Greedy],
            (None, None) => vec![BenchPartner::Measured],
        }
    }

    /// How many connections a server has to take. Those of one phase may still be ending when those
    /// of the next begin.
    fn connections_allowed(&self) -> u32 {
        match (self.hanging, self.greedy) {
            (Some(count), _) => {
                let offers = isolation::offers(self, count);
                2 * offers.iter().map(|offer| offer.connections).sum::<u32>()
            }
            (None, Some(_)) => 4 * self.connections,
            (None, None) => self.connections,
        }
    }

    /// How the partners are played.
    fn how(&self) -> partner::How {
        partner::How { asked_ms: self.asked.map(u64::from), http1: self.http1 }
    }

    fn load(&self) -> Load {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Load {
            threads: self.threads.map_or((processors / 4).max(1), |threads| threads as usize),
            warm_up: Duration::from_secs(self.warm_up.into()),
            duration: Duration::from_secs(self.duration.into()),
        }
    }
}
