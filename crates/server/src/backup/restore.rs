//! Restoring a backup: into a data folder that has no database, or no keys, yet.

use super::check::{self, Checked};
use super::manifest::{Content, Ledger, Manifest};
use super::{DATABASE, apart, keys, unusable};
use crate::cli::At;
use crate::database::Place;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::output;
use clap::Args;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `antaca restore`
#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// How many ids and card numbers of each series are left out, as they may have been given out
    /// since the backup
    #[arg(long, value_name = "COUNT", default_value_t = 10_000,
        value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    pub(crate) skip_numbers: i64,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Restores a backup into a data folder, or the SQLite database at `place` where that is elsewhere.
pub(crate) async fn restore(
    arguments: &RestoreArgs,
    data: &Path,
    place: Option<Place>,
) -> Result<ExitCode, Failure> {
    let manifest = Manifest::read(&arguments.from)?;
    let folder = Folder::create(data)?;
    match manifest.content {
        Content::Keys => {
            keys::restore(&arguments.from, &manifest, &folder)?;
            output::line(&format!(
                "Restored {} files of keys to {}. They are opened by the passphrase that they were \
                 sealed with.",
                manifest.files.len(),
                data.display()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Content::Database => {
            let path = match place {
                None => folder.path(DATABASE),
                Some(Place::Sqlite(path)) => path,
                Some(Place::Postgres(_)) => {
                    return Err(Failure::new(
                        "The backup is of SQLite, and a PostgreSQL database is configured: restore \
                         that with `pg_restore` (see docs/operating.md).",
                    ));
                }
            };
            let checked = restore_database(arguments, &manifest, &path).await?;
            Ok(tell(&path, &checked))
        }
    }
}

/// A restore never overwrites a database; and SQLite would write what an older one's logs hold into
/// the one that is restored beside them.
fn refuse_what_is_there(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(Failure::new(format!(
            "There is a database already, {}: choose another folder with --data.",
            path.display()
        )));
    }
    if let Some(log) = check::logs_of(path).next() {
        return Err(Failure::new(format!(
            "A log of an older database is there, {}, and would be written into the restored one: \
             move it to where that database is now, or choose another folder with --data.",
            log.display()
        )));
    }
    Ok(())
}

/// The database gets its name when all of it is there and checked.
async fn restore_database(
    arguments: &RestoreArgs,
    manifest: &Manifest,
    path: &Path,
) -> Result<Checked, Failure> {
    refuse_what_is_there(path)?;
    let [entry] = manifest.files.as_slice() else {
        return Err(Failure::new("The backup of a database has one file; this one is spoilt."));
    };
    let aside = path.with_extension("db.restored");
    check::remove(&aside);
    let placed = async {
        let (from, to, entry) = (arguments.from.join(&entry.name), aside.clone(), entry.clone());
        apart(move || copy(&from, &to).and_then(|()| entry.check(&to))).await?;
        let checked = check::check(&aside, async |db| {
            Ok(app::ids::skip_numbers(db, arguments.skip_numbers).await?)
        });
        let checked = checked.await?;
        if checked.kind != manifest.kind {
            return Err(Failure::new("The backup's manifest belongs to another database."));
        }
        let synced = File::open(&aside).and_then(|file| file.sync_all());
        synced.map_err(|error| unusable(&aside, &error))?;
        std::fs::rename(&aside, path).map_err(|error| unusable(path, &error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unusable(folder, &error))?;
        Ok(checked)
    };
    placed.await.inspect_err(|_| check::remove(&aside))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut read = File::open(from).map_err(|error| unusable(from, &error))?;
    // A new file: what is there by that name isn't followed.
    let written = File::options().write(true).create_new(true).mode(0o600).open(to);
    let mut written = written.map_err(|error| unusable(to, &error))?;
    std::io::copy(&mut read, &mut written).map_err(|error| unusable(to, &error)).map(|_| ())
}

fn tell(path: &Path, checked: &Checked) -> ExitCode {
    let path = path.display();
    match checked.ledger {
        Some(Ledger { holds: true, balances }) => {
            output::line(&format!("Restored {path}. The ledger holds, balances: {balances}."));
            ExitCode::SUCCESS
        }
        None => {
            output::line(&format!(
                "Restored {path}, which is of an older release: run `antaca migrate`, then `antaca \
                 ledger verify`."
            ));
            ExitCode::SUCCESS
        }
        Some(Ledger { holds: false, .. }) => {
            checked.faults.iter().for_each(|fault| output::error(fault));
            output::error(&format!("Restored {path}, but its ledger doesn't hold."));
            ExitCode::from(1)
        }
    }
}
