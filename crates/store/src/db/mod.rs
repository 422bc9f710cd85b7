//! The database: the only code that knows which one runs, SQLite or PostgreSQL.
//!
//! A statement is one text, PostgreSQL's, within what SQLite understands too (`statement.rs` has
//! the few mechanical rewrites). It runs in a [`Tx`], which begins at a [`Db`] or, for what must
//! not wait for a pool, at an [`EngineConnection`]. What goes in is a [`Value`], what comes out a
//! [`Row`].
//!
//! | | SQLite | PostgreSQL |
//! | --- | --- | --- |
//! | to write | one connection, given out in order of arrival | a pool |
//! | to read | a few connections, snapshots | the same pool, `repeatable read read only` |
//! | an engine | the writer | a connection of its own |
//! | commits | of use cases that wait for one another, together | each by itself |
//! | many rows at once | a prepared statement, run for each | one statement over `unnest` |
//! | a row lock | nothing, the writer is alone | `for no key update` |
//! | dropping a transaction | rolls back | closes the connection |

mod copy;
mod migrate;
mod postgres;
mod postgres_value;
mod row;
mod sqlite;
mod sqlite_value;
mod sqlite_writer;
mod statement;
#[cfg(test)]
mod tests;
mod tx;
mod value;

pub use migrate::Migration;
pub use row::Row;
pub use statement::{Each, Sql, Table};
pub use tx::Tx;
pub use value::{FromValue, ToValue, Type, Value};
pub(crate) use value::{JsonText, Microseconds};

use crate::StoreError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// One row `ok`, or what is broken, a few faults at most.
const INTEGRITY: Sql = Sql("pragma integrity_check(10)");

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SQLite, embedded, one process.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// How a database is used.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The most connections at once: of the pool on PostgreSQL, of readers on SQLite.
    pub connections: usize,
    /// How long a transaction waits for a connection before it is [`StoreError::Unavailable`].
    pub wait: Duration,
    /// How large SQLite's write-ahead log may grow before [`Db::restart_wal_if_large`] acts, in
    /// bytes.
    pub wal_bytes_max: u64,
    /// From how many bytes on SQLite's database [is large](Db::is_large).
    pub large: u64,
}

impl Default for Options {
    /// 8 connections, 5 seconds; 256 MiB: what a page is changed by in the meantime is copied once;
    /// 2 GiB, of which a small machine keeps a part in memory only.
    fn default() -> Self {
        let (connections, wait) = (8, Duration::from_secs(5));
        Self { connections, wait, wal_bytes_max: 256 << 20, large: 2 << 30 }
    }
}

/// How much a database has to do for this process, at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Connections in use, without those of engines on PostgreSQL.
    pub in_use: usize,
    /// Transactions that wait for a connection.
    pub waiting: usize,
    /// The size of SQLite's write-ahead log, as its last checkpoint saw it, in bytes.
    pub wal_bytes: Option<u64>,
}

/// A database; cheap to clone.
#[derive(Clone)]
pub struct Db(On);

#[derive(Clone)]
enum On {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(Arc<postgres::Postgres>),
}

impl Db {
    /// Opens the SQLite database in the file `path`, or makes it; `<path>.lock` beside it is
    /// locked until the last clone and transaction are dropped. If another process has it, or this
    /// one already, that is [`StoreError::InUse`].
    pub fn sqlite(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        Ok(Self(On::Sqlite(Arc::new(sqlite::Sqlite::open(path.as_ref(), options)?))))
    }

    /// Takes the PostgreSQL database at `url`; connects when it is first used. A URL that can't be
    /// used is [`StoreError::Configuration`].
    pub fn postgres(url: &str, options: Options) -> Result<Self, StoreError> {
        Ok(Self(On::Postgres(Arc::new(postgres::Postgres::open(url, options)?))))
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0 {
            On::Sqlite(_) => Kind::Sqlite,
            On::Postgres(_) => Kind::Postgres,
        }
    }

    /// Has SQLite open its next readers anew: those there are keep what they know of the tables.
    fn forget_readers(&self) {
        if let On::Sqlite(sqlite) = &self.0 {
            sqlite.forget_readers();
        }
    }

    /// Begins to read and write.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(match &self.0 {
            On::Sqlite(sqlite) => tx::On::Sqlite(sqlite.begin().await?),
            On::Postgres(postgres) => tx::On::Postgres(postgres.begin().await?),
        }))
    }

    /// Begins to read only; all statements see what was committed when the first one ran.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(match &self.0 {
            On::Sqlite(sqlite) => tx::On::Sqlite(sqlite.read().await?),
            On::Postgres(postgres) => tx::On::Postgres(postgres.read().await?),
        }))
    }

    /// The connection of engine number `n`, outside the pool; on SQLite the one writer.
    pub fn engine(&self, n: usize) -> Result<EngineConnection, StoreError> {
        Ok(EngineConnection(match &self.0 {
            On::Sqlite(sqlite) => Engine::Sqlite(Arc::clone(sqlite)),
            On::Postgres(postgres) => Engine::Postgres(postgres.engine(n)?),
        }))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut tx = self.read().await?;
        tx.row(&Sql("select 1 as one"), &[]).await?;
        tx.rollback().await;
        Ok(())
    }

    /// How much it has to do.
    #[must_use]
    pub fn load(&self) -> Load {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.load(),
            On::Postgres(postgres) => postgres.load(),
        }
    }

    /// Whether SQLite's database is so large that what is needed of it lies on the disk more often
    /// than in memory. `false` on PostgreSQL.
    #[must_use]
    pub fn is_large(&self) -> bool {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.is_large(),
            On::Postgres(_) => false,
        }
    }

    /// Copies what was committed from SQLite's write-ahead log into the database file and flushes
    /// it, beside those who read and write; whether there was anything new. To be called often by
    /// a worker, in whose thread it runs. Nothing on PostgreSQL.
    pub fn checkpoint(&self) -> Result<bool, StoreError> {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.checkpoint(),
            On::Postgres(_) => Ok(false),
        }
    }

    /// Notes that something was erased, which SQLite's write-ahead log still has.
    pub fn note_erased(&self) {
        if let On::Sqlite(sqlite) = &self.0 {
            sqlite.note_erased();
        }
    }

    /// Empties SQLite's write-ahead log if it may have what was erased: since the last time, or
    /// before this process began. Waits for the writer, and gives up where somebody reads. Nothing
    /// on PostgreSQL, whose log its operator keeps.
    pub async fn empty_log_of_erased(&self) -> Result<(), StoreError> {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.empty_log_of_erased().await,
            On::Postgres(_) => Ok(()),
        }
    }

    /// Makes SQLite begin its write-ahead log anew if the last checkpoint found it large; waits
    /// for the writer. Tells whether it did: a reader can be in the way, then a later call does.
    /// Nothing on PostgreSQL.
    pub async fn restart_wal_if_large(&self) -> Result<bool, StoreError> {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.restart_wal_if_large().await,
            On::Postgres(_) => Ok(false),
        }
    }

    /// Copies what is committed now of a SQLite database into a new file, beside those who read and
    /// write: nobody waits for it, but the write-ahead log can't begin anew until it is done. Takes
    /// long, so it belongs on a thread of its own. `goes_on` is asked again and again; answers
    /// `false` if that told to give up, and then, as after an error, the file is worth nothing.
    /// [`StoreError::Configuration`] on PostgreSQL.
    pub fn copy(&self, to: &Path, goes_on: impl FnMut() -> bool) -> Result<bool, StoreError> {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.copy(to, goes_on),
            On::Postgres(_) => {
                Err(StoreError::Configuration("PostgreSQL is copied by its own programs"))
            }
        }
    }

    /// Whether SQLite finds its file whole, page by page. Takes long, so it belongs on a thread of
    /// its own. PostgreSQL looks after its files itself.
    pub async fn is_intact(&self) -> Result<bool, StoreError> {
        if self.kind() == Kind::Postgres {
            return Ok(true);
        }
        let mut tx = self.read().await?;
        let told = tx.rows(&INTEGRITY, &[]).await;
        let told = tx.end(told).await?;
        let first = told.first().map(|row| row.get::<String>("integrity_check"));
        Ok(first.transpose()?.as_deref() == Some("ok"))
    }

    /// At shutdown, after the last transaction: empties SQLite's write-ahead log, closes
    /// PostgreSQL's pool.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.0 {
            On::Sqlite(sqlite) => sqlite.close().await,
            On::Postgres(postgres) => {
                postgres.close();
                Ok(())
            }
        }
    }
}

/// A connection that one engine owns, so that it never waits for a pool.
pub struct EngineConnection(Engine);

enum Engine {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(deadpool_postgres::Pool),
}

impl EngineConnection {
    /// Begins to read and write; connects again if the connection is gone.
    pub async fn begin(&mut self) -> Result<Tx, StoreError> {
        Ok(Tx::of_engine(match &self.0 {
            Engine::Sqlite(sqlite) => tx::On::Sqlite(sqlite.begin().await?),
            Engine::Postgres(pool) => tx::On::Postgres(postgres::begin(pool, "begin").await?),
        }))
    }
}

/// Runs what blocks for a moment in this thread. A runtime of many threads is told, so that its
/// other tasks move on; the only thread of a runtime belongs to the caller anyway.
fn inline<T>(work: impl FnOnce() -> T) -> T {
    let many = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if many { tokio::task::block_in_place(work) } else { work() }
}
