//! A portfolio to look at, on request: a sandbox begins in the past and is led through those days
//! by its own public interfaces, up to now.

use crate::clock;
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::output::{self, Progress};
use crate::secrets::MASTER_KEY;
use app::{App, Clock};
use domain::Timestamp;
use jiff::SignedDuration;
use simulator::traffic::Summary;
use simulator::traffic::portfolio::{self, Portfolio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The file that says that a portfolio was begun, or made.
const NAME: &str = "portfolio";
const MADE: &str = "made\n";
const PORTFOLIO: Portfolio = Portfolio { users: 200, cards: 300, days: 30 };

/// Moves the clock of a new sandbox back to where its history begins. Whether there is one to make:
/// not in a folder that has one.
pub(super) fn begin(folder: &Folder, ahead: &AtomicI64) -> Result<bool, Failure> {
    let found = folder.read_text(NAME)?;
    if found.as_ref().is_some_and(|found| found.as_str() == MADE) {
        return Ok(false);
    }
    if folder.path(MASTER_KEY).exists() {
        return Err(Failure::new(match found {
            Some(_) => {
                "The portfolio of this data folder was broken off when the sandbox was ended: take \
                 another folder with --data, or start without --demo to use what there is."
            }
            None => {
                "The data folder holds a sandbox already, and --demo fills a new one: take another \
                 folder with --data."
            }
        }));
    }
    folder.write(NAME, b"begun\n", Readers::Owner)?;
    let days = SignedDuration::from_hours(24 * i64::from(PORTFOLIO.days));
    ahead.fetch_sub(days.as_secs() * 1_000_000, Ordering::Relaxed);
    Ok(true)
}

/// Makes it while the sandbox serves.
pub(super) fn start(app: &App, folder: &Arc<Folder>, real: &Clock, ahead: &Arc<AtomicI64>) {
    let (stopping, folder) = (app.tasks.stopping(), folder.clone());
    let business = clock::business(ahead.clone());
    let moved = Moved { real: real.clone(), business, ahead: ahead.clone() };
    drop(app.tasks.run(async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = make(&folder, &moved) => {}
        }
    }));
}

async fn make(folder: &Folder, moved: &Moved) {
    output::line("Making the demonstration portfolio: 200 users, 300 cards, 30 days…");
    let progress = Progress::begin();
    let made = portfolio::run(folder.dir(), PORTFOLIO, moved, |text| {
        progress.tell(|| text.to_owned());
    });
    let made = made.await;
    drop(progress);
    moved.ahead.fetch_max(0, Ordering::Relaxed);
    match made {
        Ok(summary) => {
            output::line(&told(&summary));
            if let Err(failure) = folder.write(NAME, MADE.as_bytes(), Readers::Owner) {
                output::error(&failure.to_string());
            }
        }
        Err(error) => {
            output::error(&format!("The demonstration portfolio isn't complete: {error}."));
        }
    }
}

fn told(summary: &Summary) -> String {
    let declined = summary.declined.values().sum::<u64>();
    let failed = summary.failed.values().sum::<u64>();
    let failed = if failed > 0 { format!(", {failed} not taken") } else { String::new() };
    format!(
        "The demonstration portfolio is there: {} purchases approved, {declined} declined, {} \
         cleared{failed}. It is the partner \"sandbox\"'s.",
        summary.approved, summary.cleared
    )
}

/// The sandbox's business clock.
struct Moved {
    real: Clock,
    business: Clock,
    /// How far business time is ahead, in microseconds.
    ahead: Arc<AtomicI64>,
}

impl portfolio::Clock for Moved {
    fn now(&self) -> Timestamp {
        (self.business)()
    }

    fn move_to(&self, moment: Timestamp) {
        let ahead = moment.as_microsecond() - (self.real)().as_microsecond();
        self.ahead.fetch_max(ahead, Ordering::Relaxed);
    }
}
