//! Checking a copy of a database by what is in it.

use super::apart;
use super::manifest::Ledger;
use crate::database::{self, Place};
use crate::failure::Failure;
use crate::instance::Use;
use std::path::{Path, PathBuf};
use store::db::Db;
use tokio::runtime::Handle;

/// What tells that a database is open.
const LOCK: &str = ".lock";
/// What SQLite writes beside a database that is open, and reads again when it is opened.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What was found in a copy.
pub(super) struct Checked {
    /// `sandbox` or `production`.
    pub(super) kind: String,
    /// What its ledger says; `None` where a migration is due first.
    pub(super) ledger: Option<Ledger>,
    /// What doesn't hold.
    pub(super) faults: Vec<String>,
}

/// Opens a copy, has it checked and changed by `more`, and closes it again.
pub(super) async fn check(
    path: &Path,
    more: impl AsyncFnOnce(&Db) -> Result<(), Failure>,
) -> Result<Checked, Failure> {
    let db = Place::Sqlite(path.to_owned()).open(Use::COMMAND.connections)?;
    let checked = look(&db).await;
    let done = match &checked {
        Ok(_) => more(&db).await,
        Err(_) => Ok(()),
    };
    let closed = db.close().await;
    drop(db);
    // Gone by itself where all was closed in order.
    remove_beside(path);
    let checked = checked?;
    done?;
    closed?;
    Ok(checked)
}

/// Removes a copy that isn't wanted, and what is beside it.
pub(super) fn remove(path: &Path) {
    remove_beside(path);
    let _ = std::fs::remove_file(path);
}

/// The logs that lie beside where a database is, or was.
pub(super) fn logs_of(path: &Path) -> impl Iterator<Item = PathBuf> {
    LOGS.map(|end| beside(path, end)).into_iter().filter(|path| path.symlink_metadata().is_ok())
}

fn remove_beside(path: &Path) {
    for end in LOGS.into_iter().chain([LOCK]) {
        let _ = std::fs::remove_file(beside(path, end));
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

async fn look(db: &Db) -> Result<Checked, Failure> {
    let (checked, runtime) = (db.clone(), Handle::current());
    if !apart(move || Ok(runtime.block_on(checked.is_intact())?)).await? {
        return Err(Failure::new(
            "The copy of the database is damaged: SQLite finds faults in it.",
        ));
    }
    let found = database::look(db).await?;
    let kind = found.kind.ok_or_else(|| Failure::new("The copy isn't a database of antaca."))?;
    if !found.pending.is_empty() {
        return Ok(Checked { kind, ledger: None, faults: Vec::new() });
    }
    let report = database::verify(db).await?;
    let ledger = Ledger { holds: report.holds(), balances: report.balances };
    Ok(Checked { kind, ledger: Some(ledger), faults: report.faults })
}
