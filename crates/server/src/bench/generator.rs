//! The process that sends the load. Card numbers come in on the standard input, one a line, those
//! of another partner after an empty line, and are written nowhere.

use crate::cli::GeneratorArgs;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use simulator::load::tally::{Figures, Tally};
use simulator::load::{Load, Progress, Stream, run as send};
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroizing;

/// How often it says how far it is.
const OFTEN: Duration = Duration::from_millis(250);

/// What it says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Said {
    /// How many connections stand, and how many messages were answered.
    Progress(u64, u64),
    /// From now on it is counted.
    Begun,
    /// That was all, and this is what came of it.
    Ended(Sent),
}

/// What came of a load.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    /// Of each partner's.
    pub(super) each: Vec<Figures>,
    /// Of those that are told of together.
    pub(super) together: Option<Figures>,
}

/// Sends the load and says what came of it.
pub(super) fn run(arguments: &GeneratorArgs) -> Result<(), Failure> {
    let lines = std::io::stdin().lock().lines();
    let lines: Result<Vec<_>, _> = lines.map(|line| line.map(Zeroizing::new)).collect();
    let lines = lines.map_err(|_| Failure::new("The card numbers can't be read."))?;
    let cards = lines.split(|line| line.is_empty());
    let rates = arguments.rate.iter().copied().map(Some).chain(std::iter::repeat(None));
    let streams: Vec<_> = cards
        .zip(rates)
        .zip(arguments.connections.iter().copied())
        .map(|((cards, rate), connections)| Stream {
            cards: Arc::new(cards.to_vec()),
            rate,
            connections,
        })
        .collect();
    drop(lines);
    let load = Load {
        threads: arguments.threads,
        warm_up: Duration::from_secs(arguments.warm_up),
        duration: Duration::from_secs(arguments.duration),
    };
    let progress = Arc::new(Progress::default());
    let shown = progress.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(OFTEN);
            let (connected, answered) = (&shown.connected, &shown.answered);
            say(&Said::Progress(
                connected.load(Ordering::Relaxed),
                answered.load(Ordering::Relaxed),
            ));
        }
    });
    let (dir, begun) = (&arguments.data, || say(&Said::Begun));
    let sent = send(dir, &streams, load, crate::clock::now, &progress, begun);
    let sent = sent.map_err(|error| Failure::new(format!("The load can't be sent: {error}.")))?;
    let together = arguments.together.map(|count| {
        let mut all = Tally::new();
        sent.iter().take(count).for_each(|tally| all.add(tally));
        all.figures()
    });
    say(&Said::Ended(Sent { each: sent.iter().map(Tally::figures).collect(), together }));
    Ok(())
}

/// Says it; where nobody listens any more, the measurement is over.
fn say(said: &Said) {
    let line = serde_json::to_string(said).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
