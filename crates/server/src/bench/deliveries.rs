//! The measurement of the outbox alone: a backlog of transactions that a partner wasn't told of,
//! and then the worker that delivers, in this process, to the partner's own. Another process has
//! written the backlog, so that this one's memory is that of delivering.

use super::child::Process;
use super::ground::{self, Ground};
use super::ledger_only::{Desk, NOWHERE, checkpoints};
use super::partner::How;
use super::played::Played;
use super::report::{Delivered, memory, processor_time};
use crate::cli::{BacklogArgs, DeliveriesArgs, Where};
use crate::failure::Failure;
use crate::output::Progress;
use crate::serve::input_ends;
use crate::workers;
use app::App;
use app::preload::BenchPartner;
use simulator::load::mix::Asked;
use simulator::load::tally::Outcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::db::Kind;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

/// Purchases that are decided at once while the backlog is written.
const WRITERS: usize = 256;
/// What each is of, in minor units: a card for measuring has enough for all.
const AMOUNT: i64 = 1;
/// How often it is looked how far it is.
const OFTEN: Duration = Duration::from_millis(250);
/// How often, when the partner has heard all, it is looked whether that is written down.
const LOOK: Duration = Duration::from_millis(20);
/// How long nothing may be told before it is given up: longer than the first two pauses.
const STANDS: Duration = Duration::from_secs(60);

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &DeliveriesArgs,
    progress: &Progress,
) -> Result<Delivered, Failure> {
    progress.tell(|| "Writing what is to be told…".to_owned());
    let at = &arguments.at;
    if arguments.streams > at.cards {
        return Err(Failure::new("A stream is a card's, so there must be as many --cards."));
    }
    write_elsewhere(ground, arguments).await?;
    let opened = ground.open(&[BenchPartner::Measured]).await?;
    let app = opened.sandbox.desk.app.clone();
    let how = How { http1: arguments.http1, ..How::default() };
    let mut played = Played::start(&opened, how).await?;
    if app.db.kind() == Kind::Sqlite {
        drop(app.tasks.run(checkpoints(app.clone())));
    }
    let delivered = deliver(&app, arguments, &mut played, progress).await;
    drop(app);
    opened.close().await?;
    played.end().await?;
    delivered
}

/// Delivers the backlog to its end.
async fn deliver(
    app: &App,
    arguments: &DeliveriesArgs,
    played: &mut Played,
    progress: &Progress,
) -> Result<Delivered, Failure> {
    let (process, count) = (std::process::id(), i64::from(arguments.count));
    let waiting = app.untold_of_measurements().await?;
    if waiting != count {
        return Err(Failure::new(format!("There are {waiting} notifications instead of {count}.")));
    }
    let memory_before = memory(process);
    let (begun, before) = (Instant::now(), processor_time(process));
    let (mut peak, mut told, mut moved) = (memory_before, 0, begun);
    workers::deliver(app.clone());
    loop {
        peak = peak.max(memory(process));
        let counts = played.counts().await?.of(BenchPartner::Measured);
        let now = counts.map_or(0, |count| count.all);
        if now > told {
            (told, moved) = (now, Instant::now());
        }
        if told >= count && app.untold_of_measurements().await? == 0 {
            break;
        }
        if moved.elapsed() > STANDS {
            let failure = format!("The partner was told of {told} and then of no more.");
            return Err(Failure::new(failure));
        }
        progress.tell(|| format!("{told} of {count} notifications…"));
        sleep(if told >= count { LOOK } else { OFTEN }).await;
    }
    let elapsed = begun.elapsed();
    let cpu = before.zip(processor_time(process));
    Ok(Delivered {
        notifications: arguments.count,
        streams: arguments.streams,
        told,
        elapsed,
        cpu: cpu.map(|(before, after)| after.saturating_sub(before)),
        memory: (memory_before, peak.max(memory(process))),
    })
}

/// Has another process write the backlog.
async fn write_elsewhere(ground: &Ground, arguments: &DeliveriesArgs) -> Result<(), Failure> {
    let Where { database, cards, .. } = &arguments.at;
    let mut options = vec!["bench".to_owned(), "backlog".to_owned()];
    for (name, value) in [
        ("--cards", Some(cards.to_string())),
        ("--count", Some(arguments.count.to_string())),
        ("--streams", Some(arguments.streams.to_string())),
        ("--database", database.clone()),
    ] {
        options.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    }
    let options = options.iter().map(AsRef::as_ref);
    let dir = ["--data".as_ref(), ground.dir().as_os_str()];
    let mut process = Process::start("writer of the backlog", options.chain(dir), &[])?;
    let ended = process.wait().await?;
    if ended.success() { Ok(()) } else { Err(process.gone()) }
}

/// Writes a backlog, until the standard input ends at the latest.
pub(super) async fn write(arguments: BacklogArgs) -> Result<(), Failure> {
    tokio::select! {
        written = write_all(&arguments) => written,
        () = input_ends() => Err(Failure::new("Nobody waits for the backlog any more.")),
    }
}

/// One notification for each of so many purchases, which cards take in turn; each is decided and
/// written as a processor's are.
async fn write_all(arguments: &BacklogArgs) -> Result<(), Failure> {
    let ground = Ground::of(&arguments.at, ground::Default::Kept)?;
    let progress = Progress::begin();
    let mut opened = ground.prepare(&[BenchPartner::Measured], &progress).await?;
    for party in opened.partners() {
        opened.tell_at(party.id, NOWHERE.to_owned()).await?;
    }
    let mut cards: Vec<_> = opened.take_cards().into_iter().flatten().collect();
    cards.truncate(arguments.streams as usize);
    let desk = Desk::of(&opened, Arc::new(cards))?;
    let app = desk.app.clone();
    if app.db.kind() == Kind::Sqlite {
        drop(app.tasks.run(checkpoints(app.clone())));
    }
    let next = Arc::new(AtomicU64::new(0));
    let count = u64::from(arguments.count);
    let mut writing = JoinSet::new();
    for _ in 0..WRITERS {
        writing.spawn(purchase(desk.clone(), next.clone(), count));
    }
    let mut often = interval(OFTEN);
    let written = loop {
        tokio::select! {
            ended = writing.join_next() => match ended {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(failure))) => break Err(failure),
                Some(Err(_)) => break Err(Failure::new("A writer's task ended.")),
                None => break Ok(()),
            },
            _ = often.tick() => {
                let made = next.load(Ordering::Relaxed).min(count);
                progress.tell(|| format!("{made} of {count} purchases…"));
            }
        }
    };
    drop((writing, desk, app));
    opened.close().await?;
    written
}

/// Takes one number after the other until all are taken.
async fn purchase(desk: Desk, next: Arc<AtomicU64>, count: u64) -> Result<(), Failure> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        let card = usize::try_from(number).unwrap_or(0) % desk.cards.len().max(1);
        let key = app::ids::random_id().to_string();
        let asked = Asked { card, amount: AMOUNT, network_id: number, key };
        match desk.authorize(&asked, desk.app.now()).await? {
            Outcome::Approved => {}
            Outcome::Declined | Outcome::Reversed | Outcome::Refused(_) | Outcome::Error(_) => {
                return Err(Failure::new("A purchase for measuring was declined."));
            }
        }
    }
}
