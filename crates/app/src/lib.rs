//! The use cases, the ledger engine and the workers: the only place where transactions of the
//! database begin and end.
//!
//! A use case reads what it needs, asks a rule of `domain` to decide, and writes what was decided.
//! It contains no SQL, no JSON shapes of the wire and no HTTP status, and decides nothing itself.

pub mod admins;
pub mod alerts;
pub mod audit;
pub mod balances;
pub mod cards;
pub mod certificates;
pub mod corporations;
pub mod devices;
mod erasure;
pub mod error;
pub mod exports;
#[cfg(feature = "faults")]
pub mod faults;
pub mod ids;
pub mod janitor;
pub mod jwe;
pub mod keyring;
pub mod ledger;
mod master_key;
pub mod once;
pub mod outbound;
pub mod outbox;
pub mod overview;
pub mod owners;
pub mod page;
pub mod partners;
pub mod personalisation;
pub mod pin_keys;
pub mod preload;
pub mod processor;
pub mod programs;
mod readers;
pub mod refusals;
pub mod sandbox;
pub mod screening;
pub mod sessions;
pub mod settings;
pub mod spending;
pub mod spreadsheet;
pub mod statements;
pub mod tasks;
pub mod thc;
pub mod transactions;
pub mod trusted_identity;
pub mod users;
pub mod verifications;

pub use error::Error;
pub use once::Once;
pub use refusals::Refusal;

use domain::Timestamp;
use keyring::Keyring;
use ledger::Engines;
use settings::Settings;
use std::sync::Arc;
use store::db::Db;
use tasks::Tasks;

/// Whether this build is for tests: it has the feature `faults`, which no release build has.
pub const IS_FOR_TESTS: bool = cfg!(feature = "faults");

/// The moment at which a test has a sandbox's clock begin: none if the text isn't one, or if this
/// build isn't for tests.
#[must_use]
pub fn moment_of_test(text: &str) -> Option<Timestamp> {
    if IS_FOR_TESTS { text.parse().ok() } else { None }
}

/// Reads the business time. Real time on a real instance; a sandbox and tests can move it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What every use case works with; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The keys, unwrapped as they are needed.
    pub keyring: Keyring,
    /// Partners, programs and certificates, in memory.
    pub settings: Arc<Settings>,
    /// The keys that requests are encrypted for, opened.
    pub jwe_keys: jwe::JweKeys,
    /// The ledger engines.
    pub engines: Engines,
    /// The business time.
    pub clock: Clock,
    /// Where use cases run, so that hanging up doesn't stop them.
    pub tasks: Tasks,
    /// Keys that are being worked on in this process.
    pub turns: once::Turns,
    /// Numbers taken in blocks.
    pub numbers: ids::Numbers,
    /// Cards that are looked for by number.
    pub look_ups: processor::LookUps,
    /// What partners are told.
    pub outbox: outbox::Outbox,
    /// Turns at comparing passwords.
    pub admin_checks: admins::Checks,
    /// What was counted of all that a partner has.
    pub overviews: overview::Overviews,
    /// Lists that names are looked for on.
    pub screening: screening::Screening,
    /// Wakes the worker that carries out operations.
    pub operations: tokio::sync::Notify,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The business time, in microseconds as both databases keep it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.0.clock)();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Today in UTC.
    #[must_use]
    pub fn today(&self) -> domain::Date {
        self.now().to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Where the engine, a worker or a use case says how far it is; a test stops it there.
pub(crate) fn reached(step: &'static str) {
    #[cfg(feature = "faults")]
    faults::reached(step);
    #[cfg(not(feature = "faults"))]
    let _ = step;
}
