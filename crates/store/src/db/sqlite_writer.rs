//! SQLite's one connection that writes, and the transactions that are committed together on it.
//!
//! A commit waits for the disk, and meanwhile nobody else can write. So whoever has written and
//! finds others waiting lets them go on in the same transaction, each behind a savepoint of its
//! own, and commits after them, for all. Each hears that it is committed when it is.

use super::sqlite_value::error;
use crate::StoreError;
use rusqlite::{Connection, ErrorCode};
use std::ops::Deref;
use tokio::sync::watch;

/// How a group of transactions ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Committed,
    /// Nothing of it was written.
    RolledBack,
    Unknown,
}

impl End {
    /// What each of its transactions answers.
    pub(super) fn result(self) -> Result<(), StoreError> {
        match self {
            Self::Committed => Ok(()),
            Self::RolledBack => Err(StoreError::Unavailable(
                "the transactions that were to be committed together were rolled back".into(),
            )),
            Self::Unknown => Err(StoreError::CommitUnknown(
                "the commit of several transactions together failed".into(),
            )),
        }
    }
}

/// Tells how the group ends; `None` until it did.
pub(super) type Ending = watch::Receiver<Option<End>>;

/// The connection that writes. Whoever locks it has the one transaction that can be in hand.
pub(super) struct Writer {
    connection: Connection,
    /// Those that have written and are still to be committed.
    group: Option<watch::Sender<Option<End>>>,
    /// Whether the transaction in hand follows others of the group, in a savepoint.
    follows: bool,
}

impl Deref for Writer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, group: None, follows: false }
    }

    /// Begins a transaction, in the group if there is one.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.follows = self.group.is_some();
        if self.follows {
            return self.run("savepoint follower");
        }
        if !self.is_autocommit() {
            // The rollback of the last transaction failed.
            self.run("rollback")?;
        }
        self.run("begin immediate")
    }

    /// Leaves the transaction in hand to be committed with its group.
    pub(super) fn join(&mut self) -> rusqlite::Result<Ending> {
        if self.follows {
            self.run("release follower")?;
        }
        Ok(self.group.get_or_insert_with(|| watch::Sender::new(None)).subscribe())
    }

    /// Commits all that was begun, of the group and in hand. On an error nothing was written,
    /// except for [`StoreError::CommitUnknown`].
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let result = self.run("commit").map_err(|cause| {
            // What was written before a failing fsync may come back after a crash.
            if cause.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                StoreError::CommitUnknown(cause.into())
            } else {
                error(cause)
            }
        });
        self.end(match result {
            Ok(()) => End::Committed,
            Err(StoreError::CommitUnknown(_)) => End::Unknown,
            Err(_) => End::RolledBack,
        });
        result
    }

    /// Commits the group, if there is one.
    pub(super) fn commit_group(&mut self) -> Result<(), StoreError> {
        if self.group.is_some() { self.commit() } else { Ok(()) }
    }

    /// Undoes what is in hand; the whole group if SQLite leaves nothing else.
    pub(super) fn rollback(&mut self) {
        let open = !self.is_autocommit();
        if open && self.follows && self.run("rollback to follower; release follower").is_ok() {
            return;
        }
        self.end(End::RolledBack);
    }

    /// After the commit, or instead of it.
    fn end(&mut self, end: End) {
        if !self.is_autocommit() && self.run("rollback").is_err() {
            tracing::warn!("Could not roll back a transaction, the next one tries again.");
        }
        if let Some(group) = self.group.take() {
            group.send_replace(Some(end));
        }
    }

    fn run(&self, text: &str) -> rusqlite::Result<()> {
        self.connection.execute_batch(text)
    }
}
