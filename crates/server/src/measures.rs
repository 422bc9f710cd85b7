//! Metrics: what they are called, and what is looked up when they are asked for. The rest is
//! counted where it happens. No label holds an id or a path. A partner's code stands in those of
//! the calls that are made to partners, and nowhere else: there are as many as the operator has
//! named.

use crate::workers::Pulse;
use app::App;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::{Duration, Instant};

/// How often what was recorded is gathered, so that it takes no more memory.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

/// Bounds of times, in seconds.
const TIMES: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Bounds of numbers of commands.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
const BATCH_COMMANDS: &str = "antaca_batch_commands";

/// Name and meaning of what is counted.
const COUNTERS: &[(&str, &str)] = &[
    ("antaca_requests_total", "requests that were answered, by channel, method, route and status"),
    ("antaca_problems_total", "answers that aren't successes, by title"),
    ("antaca_refused_total", "429, 503 and connections refused for a limit, by cause"),
    ("antaca_handshakes_failed_total", "TLS handshakes that failed, by cause"),
    ("antaca_jwe_total", "bodies that were decrypted or encrypted"),
    ("antaca_decisions_total", "the engine's decisions, by kind, outcome and description"),
    ("antaca_notifications_total", "calls of partners, by event and by what came of them"),
    ("antaca_partner_calls_total", "calls to partners, by partner, call and result"),
    ("antaca_questions_total", "payments that partners were asked about, by what they said"),
    ("antaca_balance_calls_total", "calls about balances that partners hold, by what came of them"),
    ("antaca_ekyc_questions_total", "questions to an eKYC provider, by what came of them"),
    ("antaca_database_trouble_total", "batches that the database's trouble held up"),
    ("antaca_worker_failures_total", "failed steps of a worker"),
    ("antaca_audit_sealed_rows_total", "audit records that were sealed"),
    ("antaca_janitor_rows_total", "rows that have gone because their time was up"),
];
/// Name and meaning of what is looked at.
const GAUGES: &[(&str, &str)] = &[
    ("antaca_requests_in_flight", "requests that are being served, by channel"),
    ("antaca_connections", "open connections"),
    ("antaca_engine_waiting", "commands that wait for an engine"),
    ("antaca_engines_running", "1 while every engine works"),
    ("antaca_database_connections_in_use", "database connections in use"),
    ("antaca_database_waiting", "transactions that wait for a connection"),
    ("antaca_sqlite_wal_bytes", "size of SQLite's write-ahead log at its last checkpoint"),
    ("antaca_settings_version", "version of the settings in force on this node"),
    ("antaca_worker_last_success_seconds", "seconds since a worker's last success"),
    ("antaca_programs_running_out", "open programs with less than a fifth of their numbers left"),
    ("antaca_orders_overdue", "orders of plastic of which a bureau said nothing for 72 hours"),
    ("antaca_partner_calls_parked", "calls about money that partners couldn't be told by"),
    ("antaca_audit_unsealed_rows", "audit records that aren't sealed yet"),
    ("antaca_janitor_backlog_rows", "rows whose time is up and that are still there"),
    ("antaca_uptime_seconds", "seconds since the process began"),
    ("antaca_build_info", "1, with the version that runs"),
];
/// Name and meaning of what is measured.
const HISTOGRAMS: &[(&str, &str)] = &[
    ("antaca_request_seconds", "from a request's head to its answer"),
    (BATCH_COMMANDS, "commands of a batch"),
    ("antaca_batch_wait_seconds", "how long the longest waiting command of a batch had waited"),
    ("antaca_batch_seconds", "from the begin of a batch's transaction to its commit"),
    ("antaca_commit_seconds", "the commit alone"),
    ("antaca_partner_call_seconds", "how long a partner took to answer, by partner and call"),
    ("antaca_question_seconds", "how long a partner took to say whether a payment may be"),
    ("antaca_balance_call_seconds", "how long a partner took to answer about a balance, by call"),
    ("antaca_notification_seconds", "how long a partner took to answer, by event"),
    ("antaca_ekyc_seconds", "how long an eKYC provider took to answer"),
    ("antaca_decision_seconds", "from a command's arrival at the engine to its answer, by kind"),
];

/// How many programs run out of numbers.
pub(crate) fn programs_running_out(count: usize) {
    gauge!("antaca_programs_running_out").set(number(count));
}

/// How many orders of plastic a bureau says nothing of.
pub(crate) fn orders_overdue(count: i64) {
    gauge!("antaca_orders_overdue").set(number(usize::try_from(count).unwrap_or_default()));
}

/// How many audit records aren't sealed yet.
pub(crate) fn audit_unsealed(count: i64) {
    gauge!("antaca_audit_unsealed_rows").set(number(usize::try_from(count).unwrap_or_default()));
}

/// How many calls about money partners couldn't be told by.
pub(crate) fn parked_calls(count: i64) {
    gauge!("antaca_partner_calls_parked").set(number(usize::try_from(count).unwrap_or_default()));
}

/// The metrics of this process.
#[derive(Clone)]
pub(crate) struct Measures {
    handle: PrometheusHandle,
    begun: Instant,
}

impl Measures {
    /// Begins to record. A second call in one process records nothing.
    pub(crate) fn begin() -> Self {
        let bounds = [(Matcher::Suffix("_seconds".to_owned()), TIMES)];
        let sizes = (Matcher::Full(BATCH_COMMANDS.to_owned()), SIZES);
        let builder = PrometheusBuilder::new();
        let builder =
            bounds.into_iter().chain([sizes]).fold(builder, |builder, (names, bounds)| {
                builder.set_buckets_for_metric(names, bounds).expect("there are bounds")
            });
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Fails where somebody records already, in tests.
        let _ = metrics::set_global_recorder(recorder);
        for (name, what) in COUNTERS {
            describe_counter!(*name, *what);
        }
        for (name, what) in GAUGES {
            describe_gauge!(*name, *what);
        }
        for (name, what) in HISTOGRAMS {
            let unit = if *name == BATCH_COMMANDS { Unit::Count } else { Unit::Seconds };
            describe_histogram!(*name, unit, *what);
        }
        // It must be there before the first time, for its increase to be seen.
        counter!("antaca_database_trouble_total").absolute(0);
        Self { handle, begun: Instant::now() }
    }

    /// Gathers what was recorded.
    pub(crate) fn keep_up(&self) {
        self.handle.run_upkeep();
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn told(&self, app: &App, pulse: &Pulse) -> String {
        gauge!("antaca_uptime_seconds").set(self.begun.elapsed());
        gauge!("antaca_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        gauge!("antaca_engine_waiting").set(number(app.engines.waiting()));
        gauge!("antaca_engines_running").set(u8::from(app.engines.are_running()));
        let load = app.db.load();
        gauge!("antaca_database_connections_in_use").set(number(load.in_use));
        gauge!("antaca_database_waiting").set(number(load.waiting));
        if let Some(bytes) = load.wal_bytes {
            gauge!("antaca_sqlite_wal_bytes").set(number(usize::try_from(bytes).unwrap_or(0)));
        }
        let version = u32::try_from(app.settings.get().version).unwrap_or(u32::MAX);
        gauge!("antaca_settings_version").set(version);
        for (worker, age) in pulse.ages() {
            gauge!("antaca_worker_last_success_seconds", "worker" => worker).set(age);
        }
        self.handle.render()
    }
}

/// A number as metrics have it; none of ours comes near what that can't hold.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
