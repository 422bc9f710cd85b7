//! SQLite: one writer, given out in order of arrival, and a few readers. Statements run where they
//! are called, without a change of thread.

use super::copy::Copies;
use super::row::{Columns, Row};
use super::sqlite_value::{bind, error, value};
use super::sqlite_writer::{End, Ending, Writer};
use super::tx::Reads;
use super::value::Value;
use super::{Load, Options, inline};
use crate::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, vtab::array};
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// `wal_autocheckpoint = 0`: checkpoints are [`Sqlite::checkpoint`]'s, off the writer.
const EVERY: &str = "
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma wal_autocheckpoint = 0;
    pragma secure_delete = on;
    pragma temp_store = memory;";
const WRITER: &str = "pragma cache_size = -65536;";
pub(super) const READER: &str = "pragma cache_size = -8192; pragma query_only = on;";
const CHECKPOINTER: &str = "pragma cache_size = -2048;";

const BUSY: Duration = Duration::from_secs(5);
/// How long a restart of the write-ahead log may keep the writer, and who begins to read, waiting
/// for those who read already.
const READERS_LEAVE: Duration = Duration::from_millis(10);
/// More than there are statements.
const STATEMENTS_CACHED: usize = 1024;

/// One SQLite database, held by this process alone.
pub(super) struct Sqlite {
    path: PathBuf,
    options: Options,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    permits: Arc<Semaphore>,
    readers: Mutex<Vec<Connection>>,
    checkpointer: Mutex<Checkpointer>,
    /// The database's file, to flush it. Closed after all connections: closing it lets go of the
    /// locks that SQLite has on the file.
    file: File,
    /// Bytes in the write-ahead log since its last restart, as the last checkpoint saw it.
    wal_bytes: AtomicU64,
    copies: Copies,
    /// Whether the file is so large that a statement may have to wait for the disk; as the last
    /// checkpoint saw it.
    large: AtomicBool,
    /// Whether the log may have what was erased since: nobody knows at a start.
    has_erased: AtomicBool,
    /// Transactions that wait for a connection.
    waiting: AtomicUsize,
    /// Locked as long as the database is open.
    _lock: File,
}

/// What copies the log.
struct Checkpointer {
    connection: Connection,
    /// Bytes of a page.
    page: u32,
    /// Frames of the log, and how many of them the database has, after the last copy.
    copied: Option<(i64, i64)>,
}

impl Checkpointer {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path, CHECKPOINTER)?;
        let page = connection.pragma_query_value(None, "page_size", |row| row.get(0));
        Ok(Self { page: page.map_err(error)?, connection, copied: None })
    }
}

/// A transaction on one of the connections; rolled back when it is dropped unfinished.
pub(super) struct SqliteTx {
    connection: Held,
    /// Whether there is nothing left to undo.
    finished: bool,
    /// Keeps the lock file locked.
    database: Arc<Sqlite>,
}

enum Held {
    Writer(OwnedMutexGuard<Writer>),
    /// The connection is there until the drop puts it back; then the permit is given back.
    Reader(Option<Connection>, #[expect(dead_code, reason = "held")] OwnedSemaphorePermit),
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(lock_path)
            .map_err(|error| StoreError::Broken(error.into()))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse,
            TryLockError::Error(error) => StoreError::Broken(error.into()),
        })?;
        let writer = connect(path, WRITER)?;
        let file = File::open(path).map_err(|error| StoreError::Broken(error.into()))?;
        let opened = Self {
            writer: Arc::new(tokio::sync::Mutex::new(Writer::new(writer))),
            permits: Arc::new(Semaphore::new(options.connections)),
            readers: Mutex::default(),
            checkpointer: Mutex::new(Checkpointer::open(path)?),
            file,
            wal_bytes: AtomicU64::new(0),
            copies: Copies::default(),
            large: AtomicBool::new(false),
            has_erased: AtomicBool::new(true),
            waiting: AtomicUsize::new(0),
            path: path.to_owned(),
            options,
            _lock: lock,
        };
        opened.measure();
        Ok(opened)
    }

    /// Where its file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The copies that are being made of it.
    pub(super) fn copies(&self) -> &Copies {
        &self.copies
    }

    pub(super) fn load(&self) -> Load {
        let free = self.permits.available_permits();
        let writing = usize::from(self.writer.try_lock().is_err());
        Load {
            in_use: self.options.connections.saturating_sub(free) + writing,
            waiting: self.waiting.load(Ordering::Relaxed),
            wal_bytes: Some(self.wal_bytes.load(Ordering::Relaxed)),
        }
    }

    async fn writer(&self) -> Result<OwnedMutexGuard<Writer>, StoreError> {
        let _waiting = Waiting::begin(&self.waiting);
        timeout(self.options.wait, Arc::clone(&self.writer).lock_owned())
            .await
            .map_err(|elapsed| StoreError::Unavailable(elapsed.into()))
    }

    /// Begins to write, after all who asked earlier.
    pub(super) async fn begin(self: &Arc<Self>) -> Result<SqliteTx, StoreError> {
        let mut writer = self.writer().await?;
        writer.begin().map_err(error)?;
        Ok(SqliteTx::new(Held::Writer(writer), self))
    }

    /// Commits the group whose end is awaited, unless somebody else does before it is our turn.
    async fn commit_group(self: Arc<Self>, mut ending: Ending) -> Result<(), StoreError> {
        let mut writer = tokio::select! {
            biased;
            _ = ending.wait_for(Option::is_some) => None,
            writer = Arc::clone(&self.writer).lock_owned() => Some(writer),
        };
        match &mut writer {
            Some(writer) => commit_unless_ended(writer, &ending),
            None => {
                let end = *ending.borrow();
                end.unwrap_or(End::Unknown).result()
            }
        }
    }

    /// Closes the readers that nobody has now.
    pub(super) fn forget_readers(&self) {
        lock(&self.readers).clear();
    }

    /// Begins to read; the first statement takes the snapshot.
    pub(super) async fn read(self: &Arc<Self>) -> Result<SqliteTx, StoreError> {
        let waiting = Waiting::begin(&self.waiting);
        let permit = timeout(self.options.wait, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|elapsed| StoreError::Unavailable(elapsed.into()))?
            .map_err(|closed| StoreError::Unavailable(closed.into()))?;
        drop(waiting);
        let idle = lock(&self.readers).pop();
        let reader = idle.map_or_else(|| inline(|| connect(&self.path, READER)), Ok)?;
        reader.execute_batch("begin deferred").map_err(error)?;
        Ok(SqliteTx::new(Held::Reader(Some(reader), permit), self))
    }

    /// Copies what is committed from the write-ahead log into the database and flushes it, without
    /// stopping anyone. Little is left then to copy and to flush for
    /// [`Sqlite::restart_wal_if_large`], which keeps the writer. Tells whether there was anything
    /// new.
    pub(super) fn checkpoint(&self) -> Result<bool, StoreError> {
        let mut checkpointer = lock(&self.checkpointer);
        inline(|| {
            if !self.copy_log(&mut checkpointer)? {
                return Ok(false);
            }
            self.flush()?;
            // The first flush may take long, the next are of what was written meanwhile.
            for _ in 0..if self.wants_restart() { 2 } else { 0 } {
                self.copy_log(&mut checkpointer)?;
                self.flush()?;
            }
            Ok(true)
        })
    }

    fn copy_log(&self, checkpointer: &mut Checkpointer) -> Result<bool, StoreError> {
        let copied =
            checkpointer.connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
                Ok((row.get(1)?, row.get(2)?))
            });
        let copied @ (frames, _): (i64, i64) = copied.map_err(error)?;
        // -1 while there is no log.
        let bytes = u64::try_from(frames).unwrap_or(0) * u64::from(checkpointer.page);
        self.wal_bytes.store(bytes, Ordering::Relaxed);
        self.measure();
        Ok(checkpointer.copied.replace(copied) != Some(copied))
    }

    pub(super) fn is_large(&self) -> bool {
        self.large.load(Ordering::Relaxed)
    }

    /// Looks how large the file is.
    fn measure(&self) {
        let large = self.file.metadata().is_ok_and(|file| file.len() >= self.options.large);
        self.large.store(large, Ordering::Relaxed);
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| StoreError::Unavailable(error.into()))
    }

    /// Whether the log is large. Not while copies are made: a copy's snapshot would be in the way
    /// each time, and the writer kept waiting for it.
    fn wants_restart(&self) -> bool {
        let large = self.wal_bytes.load(Ordering::Relaxed) >= self.options.wal_bytes_max;
        large && !self.copies.are_being_made()
    }

    /// Lets the next write begin the log anew once it is large; gives up if a reader is in the
    /// way. Tells whether it succeeded.
    pub(super) async fn restart_wal_if_large(&self) -> Result<bool, StoreError> {
        Ok(self.wants_restart() && self.copy_alone("pragma wal_checkpoint(restart)").await?)
    }

    /// Notes that the log has what was erased.
    pub(super) fn note_erased(&self) {
        self.has_erased.store(true, Ordering::Relaxed);
    }

    /// Empties the log if it may have what was erased; gives up if a reader is in the way.
    pub(super) async fn empty_log_of_erased(&self) -> Result<(), StoreError> {
        if self.has_erased.load(Ordering::Relaxed)
            && self.copy_alone("pragma wal_checkpoint(truncate)").await?
        {
            self.has_erased.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Copies the log while nobody writes or reads.
    async fn copy_alone(&self, pragma: &str) -> Result<bool, StoreError> {
        let mut writer = self.writer().await?;
        inline(|| writer.commit_group())?;
        // SQLite itself would look whether the readers are gone at growing intervals, while new
        // ones begin.
        let all = u32::try_from(self.options.connections).unwrap_or(u32::MAX);
        let Ok(Ok(_no_reader)) = timeout(READERS_LEAVE, self.permits.acquire_many(all)).await
        else {
            return Ok(false);
        };
        let done = inline(|| {
            writer.busy_timeout(Duration::ZERO)?;
            let busy = writer.query_row(pragma, [], |row| row.get(0));
            writer.busy_timeout(BUSY)?;
            busy.map(|busy: bool| !busy)
        })
        .map_err(error)?;
        if done {
            self.wal_bytes.store(0, Ordering::Relaxed);
        }
        Ok(done)
    }

    /// Waits for the writer, then empties the write-ahead log.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        inline(|| writer.commit_group())?;
        self.forget_readers();
        inline(|| writer.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())))
            .map_err(error)
    }
}

/// Somebody who waits for a connection.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn connect(path: &Path, pragmas: &str) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        // Else each new value of a parameter has the statement planned again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        array::load_module(&connection)?;
        connection.execute_batch(EVERY)?;
        connection.execute_batch(pragmas)?;
        Ok(connection)
    };
    open().map_err(error)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SqliteTx {
    fn new(connection: Held, database: &Arc<Sqlite>) -> Self {
        Self { connection, finished: false, database: Arc::clone(database) }
    }

    fn connection(&self) -> &Connection {
        match &self.connection {
            Held::Writer(guard) => guard,
            Held::Reader(reader, _) => reader.as_ref().expect("only the drop takes it"),
        }
    }

    /// Does a statement's work. What a writer does is short, and so is looking for one row; both
    /// is found in memory unless the database is large. The thread is kept then, since giving it
    /// up for a moment costs more.
    fn work<T>(&self, reads: Reads, work: impl FnOnce() -> T) -> T {
        let is_short = match self.connection {
            Held::Writer(_) => true,
            Held::Reader(..) => reads == Reads::One,
        };
        if is_short && !self.database.is_large() { work() } else { inline(work) }
    }

    /// The rows of all runs of a statement, one for each row of parameters.
    pub(super) fn rows(
        &self,
        text: &str,
        sets: &[Vec<Value>],
        reads: Reads,
    ) -> Result<Vec<Row>, StoreError> {
        self.work(reads, || {
            let mut statement = self.connection().prepare_cached(text).map_err(error)?;
            let columns: Arc<Columns> =
                Arc::new(statement.column_names().map(str::to_owned).collect());
            let mut rows = Vec::new();
            for parameters in sets {
                bind(&mut statement, parameters)?;
                let mut answer = statement.raw_query();
                while let Some(row) = answer.next().map_err(error)? {
                    let cell =
                        |index: usize| value(row.get_ref(index).map_err(error)?, &columns[index]);
                    let values = (0..columns.len()).map(cell).collect::<Result<_, _>>()?;
                    rows.push(Row::new(values, Arc::clone(&columns)));
                }
            }
            Ok(rows)
        })
    }

    /// Runs a statement for each row of parameters; how many rows it changed.
    pub(super) fn run(&self, text: &str, sets: &[Vec<Value>]) -> Result<u64, StoreError> {
        self.work(Reads::Many, || {
            let mut statement = self.connection().prepare_cached(text).map_err(error)?;
            let mut changed = 0;
            for parameters in sets {
                bind(&mut statement, parameters)?;
                changed += statement.raw_execute().map_err(error)? as u64;
            }
            Ok(changed)
        })
    }

    /// Runs statements without parameters.
    pub(super) fn script(&self, text: &str) -> Result<(), StoreError> {
        inline(|| self.connection().execute_batch(text)).map_err(error)
    }

    /// Makes everything durable; on an error all is rolled back. `alone`: at once, and with it
    /// whatever waits to be committed; else those who wait for the writer have their turn first.
    pub(super) async fn commit(mut self, alone: bool) -> Result<(), StoreError> {
        let ending = match &mut self.connection {
            Held::Reader(..) => return Ok(()),
            Held::Writer(writer) if alone => {
                self.finished = true;
                return inline(|| writer.commit());
            }
            Held::Writer(writer) => writer.join().map_err(error)?,
        };
        self.finished = true;
        let database = Arc::clone(&self.database);
        drop(self);
        if let Ok(mut writer) = Arc::clone(&database.writer).try_lock_owned() {
            return commit_unless_ended(&mut writer, &ending);
        }
        // A task, since others wait for the group too when this transaction's caller gives up.
        // Where even that is gone, whoever writes next commits the group, or closing does.
        #[expect(clippy::disallowed_methods, reason = "awaited at once")]
        let task = tokio::spawn(database.commit_group(ending));
        task.await.map_err(|failed| StoreError::CommitUnknown(failed.into()))?
    }
}

/// Rolls back what wasn't committed and gives the connection back.
impl Drop for SqliteTx {
    fn drop(&mut self) {
        match &mut self.connection {
            Held::Writer(_) if self.finished => {}
            Held::Writer(writer) => writer.rollback(),
            Held::Reader(reader, _) => {
                if let Some(reader) = reader.take()
                    && (reader.is_autocommit() || reader.execute_batch("rollback").is_ok())
                {
                    lock(&self.database.readers).push(reader);
                }
            }
        }
    }
}

/// Commits the group whose end is awaited, if nobody else has.
fn commit_unless_ended(writer: &mut Writer, ending: &Ending) -> Result<(), StoreError> {
    // Not borrowed any longer: it is locked as long as it is.
    let end = *ending.borrow();
    match end {
        Some(end) => end.result(),
        None => inline(|| writer.commit_group()),
    }
}
