//! What a server does by itself, again and again, until it stops.

use crate::audit_heads::Sealing;
use crate::checkpoints::{self, Copier};
use crate::clock;
use crate::folder::Folder;
use crate::jwe_keys;
use crate::serve::Served;
use app::error::Chain;
use app::janitor;
use app::{App, Clock, Error};
use domain::Timestamp;
use domain::ids::PartnerId;
use jiff::ToSpan as _;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use outbound::ekyc::Provider;
use outbound::mail::Mailer;
use simulator::bureau::Bureau;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::db::Kind;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Settings of other nodes are in force within this time.
const SETTINGS: Duration = Duration::from_secs(1);
/// Private keys stay at most this long after they are last accepted.
const ENDED_KEYS: Duration = Duration::from_secs(60);
/// Holds end at most this much late.
const EXPIRY: Duration = Duration::from_secs(1);
/// What a partner hasn't answered about is declined at most this much late, where whoever asked is
/// gone.
const QUESTIONS: Duration = Duration::from_secs(1);
/// Links to partners' books are made and undone at most this much late.
const LINKS: Duration = Duration::from_secs(1);
/// Operations whose worker has died, or that another node took, are looked for so often; a
/// new one wakes the worker of its own node at once.
const OPERATIONS: Duration = Duration::from_secs(1);
/// How late it may be seen that a balance runs low, and how long an e-mail waits to be sent.
const ALERTS: Duration = Duration::from_secs(2);

/// How often it is looked whether orders of plastic are to leave, and whether reports have come; in
/// a sandbox, where they leave at once.
const ORDERS: Duration = Duration::from_secs(60);
const ORDERS_AT_ONCE: Duration = Duration::from_millis(500);

/// How late a partner may be told that a card expires.
const EXPIRING: Duration = Duration::from_secs(60);
/// How long a KYC form waits to be checked by itself, and then to be sent to a provider.
const VERIFICATIONS: Duration = Duration::from_secs(1);
/// How long audit records wait to be sealed.
const AUDIT: Duration = Duration::from_secs(1);
/// How often authorizations, and cards that are used, are counted, once they are old enough.
const COUNTS: Duration = Duration::from_secs(5);
/// How long an export waits to be written.
const EXPORTS: Duration = Duration::from_secs(1);
/// How late it may be seen that a program runs out of numbers.
const NUMBERS: Duration = Duration::from_secs(60);

/// How often what has served its time is looked for; and in a sandbox, whose time is moved.
const JANITOR: Duration = Duration::from_secs(60);
const JANITOR_IN_SANDBOX: Duration = Duration::from_secs(5);

/// When each worker last succeeded.
#[derive(Clone, Default)]
pub(crate) struct Pulse(Arc<Mutex<BTreeMap<&'static str, Instant>>>);

impl Pulse {
    fn beat(&self, worker: &'static str) {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.insert(worker, Instant::now());
    }

    /// How long ago that was, for each.
    pub(crate) fn ages(&self) -> Vec<(&'static str, Duration)> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.iter().map(|(worker, at)| (*worker, at.elapsed())).collect()
    }
}

/// When orders of plastic leave.
#[derive(Clone, Debug)]
pub(crate) enum Orders {
    /// Once a day, at this time in UTC.
    Daily(Time),
    /// As soon as they are made; a bureau of ours answers after a while.
    AtOnce {
        /// Who answers.
        bureau: Bureau,
        /// After how long.
        answers: Duration,
    },
}

impl Orders {
    /// Before which moment an order was made that leaves now.
    fn leave_before(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::AtOnce { .. } => now,
            Self::Daily(at) => {
                let today = now.to_zoned(TimeZone::UTC).date().to_datetime(*at);
                let at = |day: DateTime| day.to_zoned(TimeZone::UTC).map(|it| it.timestamp());
                let yesterday = || at(today.saturating_sub(1.day()));
                let last = at(today).ok().filter(|last| *last <= now);
                last.or_else(|| yesterday().ok()).unwrap_or(now)
            }
        }
    }

    async fn carry_out(&self, app: &App) -> Result<(), Error> {
        if let Self::AtOnce { bureau, answers } = self
            && let Err(error) = bureau.answer(clock::file_time_before(*answers))
        {
            tracing::warn!(%error, "The sandbox's bureau can't work");
        }
        app.send_orders(self.leave_before(app.now())).await?;
        app.take_reports().await?;
        let overdue = app.count_overdue_orders().await?;
        crate::measures::orders_overdue(overdue);
        Ok(())
    }
}

/// Starts all workers of a server, as tasks that end when it stops.
pub(crate) fn start(served: &Served, sealing: &Sealing, pulse: &Pulse, real_time: &Clock) {
    let (app, retention) = (&served.desk.app, served.retention);
    let every = Every { app, pulse };
    let folder = served.folder.clone();
    every.run("settings", SETTINGS, move |app| {
        let folder = folder.clone();
        async move {
            app.refresh_settings().await?;
            follow_jwe_keys(&app, &folder)
        }
    });
    let real_time = real_time.clone();
    every.run("ended-jwe-keys", ENDED_KEYS, move |app| {
        let now = real_time();
        async move { app.delete_ended_jwe_keys(now).await }
    });
    deliver(app.clone());
    every.run("expiry", EXPIRY, |app| async move { app.expire_holds().await.map(|_| ()) });
    every.run(
        "questions",
        QUESTIONS,
        |app| async move { app.give_up_questions().await.map(|_| ()) },
    );
    every.run("links", LINKS, |app| async move { app.follow_links().await.map(|_| ()) });
    let pause =
        if matches!(served.orders, Orders::Daily(_)) { JANITOR } else { JANITOR_IN_SANDBOX };
    every.run("janitor", pause, move |app| async move {
        janitor::sweep(&app, &retention).await.map(|_| ())
    });
    let sealing = sealing.clone();
    every.run("audit", AUDIT, move |app| {
        let sealing = sealing.clone();
        async move { sealing.turn(&app).await }
    });
    alert(&every, served.mailer.clone());
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    every.run("numbers", NUMBERS, move |app| {
        let told = told.clone();
        async move { look_at_numbers(&app, &told).await }
    });
    let often = if matches!(served.orders, Orders::Daily(_)) { EXPIRING } else { SETTINGS };
    every.run("expiring-cards", often, |app| async move {
        app.tell_of_expiring_cards().await.map(|_| ())
    });
    every.run(
        "documents",
        often,
        |app| async move { app.lock_for_ended_documents().await.map(|_| ()) },
    );
    every.run("parked-calls", NUMBERS, |app| async move {
        crate::measures::parked_calls(app.count_parked_calls().await?);
        Ok(())
    });
    prepare_lists(&every);
    screen(&every);
    check_forms(&every, served.ekyc.clone());
    let orders = served.orders.clone();
    let pause = if matches!(orders, Orders::Daily(_)) { ORDERS } else { ORDERS_AT_ONCE };
    every.run("orders", pause, move |app| {
        let orders = orders.clone();
        async move { orders.carry_out(&app).await }
    });
    let made = |app: App| async move { app.carry_out_operations().await.map(|_| ()) };
    every.run_or_woken("operations", OPERATIONS, Some(|app| &app.operations), made);
    if app.db.kind() == Kind::Sqlite {
        let copier = Copier::start();
        every.run("checkpoint", checkpoints::EVERY, move |app| {
            let copier = copier.clone();
            async move { copier.copy(&app).await }
        });
    }
}

/// Learns of lists of sanctions, and looks for everybody on those that have changed.
fn screen(every: &Every<'_>) {
    every.run("screening-lists", SETTINGS, |app| async move { app.refresh_screening().await });
    every.run("screening", SETTINGS, |app| async move { app.screen_again().await.map(|_| ()) });
}

/// Prepares what people look for and at, so that no page has to read it from many rows.
fn prepare_lists(every: &Every<'_>) {
    every.run("authorization-counts", COUNTS, |app| async move {
        app.count_authorizations().await.map(|_| ())
    });
    every.run("exports", EXPORTS, |app| async move { app.write_exports().await.map(|_| ()) });
    every.run("card-use", COUNTS, |app| async move { app.count_card_use().await.map(|_| ()) });
    every.run("names", NUMBERS, |app| async move { app.fold_names().await.map(|_| ()) });
}

/// Delivers. With SQLite on a thread of its own: each of its many short transactions would have a
/// worker of the runtime handed over to another thread, and requests wait behind that.
pub(crate) fn deliver(app: App) {
    if app.db.kind() != Kind::Sqlite {
        drop(app.tasks.run(app.clone().deliver_outbox()));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let started = runtime.and_then(|runtime| {
        let delivering = async move { app.tasks.run(app.clone().deliver_outbox()).await };
        // Whether it panicked is told by the panic.
        let work = move || drop(runtime.block_on(delivering));
        std::thread::Builder::new().name("outbox".to_owned()).spawn(work)
    });
    if let Err(error) = started {
        tracing::error!(%error, "the outbox can't be delivered");
    }
}

/// Tells which programs run out of numbers, each once for as long as it does.
async fn look_at_numbers(
    app: &App,
    told: &Mutex<BTreeSet<(PartnerId, String)>>,
) -> Result<(), Error> {
    let found = app.programs_running_out().await?;
    crate::measures::programs_running_out(found.len());
    let now: BTreeSet<_> = found.iter().map(|it| (it.partner, it.config_id.clone())).collect();
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for (partner, config_id) in now.difference(&told) {
        let partner = partner.0;
        tracing::warn!(partner, config_id, "A program has less than a fifth of its numbers left");
    }
    *told = now;
    Ok(())
}

/// Has low balances told. Looking is apart from sending, which waits for a server. Without one
/// nothing is noted either: another node tells it, or this one once it can.
fn alert(every: &Every<'_>, mailer: Option<Mailer>) {
    let Some(mailer) = mailer else {
        let app = every.app.clone();
        drop(every.app.tasks.run(async move {
            if matches!(app.has_alerts().await, Ok(true)) {
                tracing::warn!("There are low-balance alerts, and no mail server is configured");
            }
        }));
        return;
    };
    every.run("alerts", ALERTS, |app| async move { app.look_at_balances().await.map(|_| ()) });
    every.run("mails", ALERTS, move |app| {
        let mailer = mailer.clone();
        async move { app.send_alerts(&mailer).await.map(|_| ()) }
    });
}

/// Has KYC forms checked. Asking a provider is apart from that, since it waits for a server;
/// without one it is seen to that forms don't wait for ever that were left to it before.
fn check_forms(every: &Every<'_>, provider: Option<Provider>) {
    let asked = provider.clone();
    every.run("verifications", VERIFICATIONS, move |app| {
        let provider = provider.clone();
        async move { app.check_verifications(provider.as_ref()).await.map(|_| ()) }
    });
    every.run("ekyc", VERIFICATIONS, move |app| {
        let provider = asked.clone();
        async move { app.ask_about_verifications(provider.as_ref()).await.map(|_| ()) }
    });
}

/// Opens the keys that another node made, and tells the current one in this node's folder.
fn follow_jwe_keys(app: &App, folder: &Folder) -> Result<(), Error> {
    app.open_jwe_keys()?;
    if let Err(failure) = jwe_keys::tell(app, folder) {
        tracing::warn!(%failure, "The JWE key isn't in the data folder");
    }
    Ok(())
}

/// How workers are started.
struct Every<'a> {
    app: &'a App,
    pulse: &'a Pulse,
}

impl Every<'_> {
    /// Runs a step again and again; a failing one is told and tried at the next turn.
    fn run<F>(&self, name: &'static str, pause: Duration, step: impl Fn(App) -> F + Send + 'static)
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.run_or_woken(name, pause, None, step);
    }

    /// As [`Every::run`], and at once when the bell rings.
    fn run_or_woken<F>(
        &self,
        name: &'static str,
        pause: Duration,
        bell: Option<fn(&App) -> &Notify>,
        step: impl Fn(App) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let (app, pulse) = (self.app.clone(), self.pulse.clone());
        let (tasks, stopping) = (app.tasks.clone(), app.tasks.stopping());
        pulse.beat(name);
        drop(tasks.run(async move {
            while stopping.run_until_cancelled(turn(&app, pause, bell)).await.is_some() {
                match step(app.clone()).await {
                    Ok(()) => pulse.beat(name),
                    Err(error) => {
                        metrics::counter!("antaca_worker_failures_total", "worker" => name)
                            .increment(1);
                        let told = Chain(&error);
                        tracing::warn!(worker = name, error = %told, "A worker's step failed");
                    }
                }
            }
        }));
    }
}

/// Waits for the next turn.
async fn turn(app: &App, pause: Duration, bell: Option<fn(&App) -> &Notify>) {
    match bell {
        None => sleep(pause).await,
        // Whether the time is up or the bell rang, the step is the same.
        Some(bell) => drop(timeout(pause, bell(app).notified()).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was made before the last time of day that has come leaves, and nothing else.
    #[test]
    fn orders_leave_once_a_day_at_their_time_and_not_before() {
        let orders = Orders::Daily(jiff::civil::time(18, 30, 0, 0));
        for (now, before) in [
            ("2026-11-30T00:00:00Z", "2026-11-29T18:30:00Z"),
            ("2026-11-30T18:29:59.999999Z", "2026-11-29T18:30:00Z"),
            ("2026-11-30T18:30:00Z", "2026-11-30T18:30:00Z"),
            ("2026-11-30T18:30:01Z", "2026-11-30T18:30:00Z"),
            ("2026-11-30T23:59:59Z", "2026-11-30T18:30:00Z"),
            ("2026-12-01T00:00:00Z", "2026-11-30T18:30:00Z"),
            ("2027-01-01T07:00:00Z", "2026-12-31T18:30:00Z"),
        ] {
            let [now, before]: [Timestamp; 2] = [now, before].map(|it| it.parse().expect("a time"));
            assert_eq!(orders.leave_before(now), before, "{now}");
        }
    }
}
