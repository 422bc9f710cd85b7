//! A copy of a SQLite database while others read and write it.

use super::sqlite::{READER, Sqlite, connect};
use super::sqlite_value::error;
use crate::StoreError;
use rusqlite::Connection;
use rusqlite::backup::{Backup, Progress, StepResult};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Pages that are copied at once: a megabyte.
const PAGES: i32 = 256;
/// Between two steps the disk is the others'.
const PAUSE: Duration = Duration::from_millis(2);
/// Steps that may come to nothing in a row. The copy has a snapshot and a file of its own, so none
/// should.
const STUCK_MAX: u32 = 100;

/// How many copies are being made. While one is, the write-ahead log can't begin anew, and nobody
/// has to try.
#[derive(Default)]
pub(super) struct Copies(AtomicUsize);

impl Copies {
    pub(super) fn are_being_made(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

struct Making<'a>(&'a Copies);

impl<'a> Making<'a> {
    fn begin(copies: &'a Copies) -> Self {
        copies.0.fetch_add(1, Ordering::Relaxed);
        Self(copies)
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sqlite {
    /// Copies what is committed now into a new file, the owner's alone, on a connection of its own;
    /// `false` if it was told to give up. The connection's snapshot stays open meanwhile: without
    /// it every write of another connection would begin the copy anew.
    pub(super) fn copy(
        &self,
        to: &Path,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<bool, StoreError> {
        let _making = Making::begin(self.copies());
        let from = connect(self.path(), READER)?;
        let snapshot = "begin deferred; select 1 from sqlite_schema limit 1";
        from.execute_batch(snapshot).map_err(error)?;
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(|cause| StoreError::Broken(cause.into()))?;
        let mut copy = Connection::open(to).map_err(error)?;
        // A copy that is cut short is thrown away, so it needs no journal; its file is synced last.
        let unguarded = "pragma journal_mode = off; pragma synchronous = off";
        copy.execute_batch(unguarded).map_err(error)?;
        if !run(&from, &mut copy, &mut goes_on)? {
            return Ok(false);
        }
        copy.close().map_err(|(_, cause)| error(cause))?;
        let synced = File::open(to).and_then(|file| file.sync_all());
        synced.map_err(|cause| StoreError::Broken(cause.into()))?;
        Ok(true)
    }
}

fn run(
    from: &Connection,
    copy: &mut Connection,
    goes_on: &mut impl FnMut() -> bool,
) -> Result<bool, StoreError> {
    let backup = Backup::new(from, copy).map_err(error)?;
    let mut stuck = 0;
    loop {
        let Progress { remaining, .. } = backup.progress();
        if backup.step(PAGES).map_err(error)? == StepResult::Done {
            return Ok(true);
        }
        stuck = if backup.progress().remaining == remaining { stuck + 1 } else { 0 };
        if stuck > STUCK_MAX {
            return Err(StoreError::Broken("a copy of the database doesn't get on".into()));
        }
        if !goes_on() {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}
