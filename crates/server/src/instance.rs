//! Opening an instance: database, keys, settings and engines, checked against one another.

use crate::clock::Clocks;
use crate::database::{self, Kind, Place};
use crate::failure::Failure;
use app::keyring::Keyring;
use app::ledger::{Engines, Options};
use app::outbox::{Bell, Outbox};
use app::processor::LookUps;
use app::settings::{Settings, Snapshot};
use app::{App, Parts};
use crypto::keys::MasterKeys;
use domain::Timestamp;
use outbound::target::Reach;
use std::sync::Arc;
use std::time::Duration;
use store::db::Db;

/// How long what is running may take to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How a database is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    /// Connections to it.
    pub(crate) connections: usize,
    /// Ledger engines.
    pub(crate) engines: usize,
}

impl Use {
    /// A command's, which is alone.
    pub(crate) const COMMAND: Self = Self { connections: 2, engines: 1 };
    /// A sandbox's.
    pub(crate) const SANDBOX: Self = Self { connections: 8, engines: 1 };
}

/// Opens a database for an instance of this kind; refuses one of another kind, one that has to be
/// migrated, and one of a newer release.
pub(crate) async fn open_database(
    place: &Place,
    kind: Kind,
    connections: usize,
) -> Result<Db, Failure> {
    let db = place.open(connections)?;
    let found = database::look(&db).await?;
    if let Some(found) = &found.kind {
        kind.expect(found, "database")?;
    }
    if !found.pending.is_empty() || found.kind.is_none() {
        return Err(Failure::new(
            "The database isn't migrated to this release: run `antaca migrate` first.",
        ));
    }
    Ok(db)
}

/// The keyring of a database; refuses master keys that aren't its own.
pub(crate) async fn open_keyring(
    db: &Db,
    masters: MasterKeys,
    now: Timestamp,
) -> Result<Keyring, Failure> {
    Keyring::open(db, masters, now).await?.ok_or_else(|| {
        Failure::new(
            "The database was made with another master key, or the key was rotated since: take \
             the data folder that belongs to it, or another database.",
        )
    })
}

/// Starts what use cases need.
pub(crate) async fn start(
    db: Db,
    keyring: Keyring,
    kind: Kind,
    clocks: Clocks,
    engines: usize,
) -> Result<App, Failure> {
    // A sandbox's partners run on the same machine.
    let reach = match kind {
        Kind::Sandbox => Reach::Anywhere,
        Kind::Production => Reach::Public,
    };
    let outbox = Outbox::new(Bell::new(clocks.real), reach);
    let clock = clocks.business;
    let settings = Arc::new(Settings::new(Snapshot::load(&db).await?));
    let options = Options { engines, bell: outbox.bell().clone() };
    let engines = Engines::start(&db, &settings, &clock, &options)?;
    let look_ups = LookUps::start(&db)?;
    let app = App::new(Parts {
        db,
        keyring,
        settings,
        jwe_keys: app::jwe::JweKeys::default(),
        engines,
        clock,
        tasks: app::tasks::Tasks::default(),
        turns: app::once::Turns::default(),
        numbers: app::ids::Numbers::default(),
        look_ups,
        outbox,
        admin_checks: app::admins::Checks::default(),
        overviews: app::overview::Overviews::default(),
        screening: app::screening::Screening::default(),
        operations: tokio::sync::Notify::new(),
    });
    // Before anybody is registered.
    app.refresh_screening().await?;
    Ok(app)
}

/// Ends the engines and the database, after the last of the tasks.
pub(crate) async fn close(app: App) -> Result<(), Failure> {
    let db = app.db.clone();
    // Their threads are waited for: a batch may still be committing.
    let closed = tokio::task::spawn_blocking(move || app.engines.close()).await;
    closed.map_err(|_| Failure::new("An engine couldn't be ended."))?;
    Ok(db.close().await?)
}
