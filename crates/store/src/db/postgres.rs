//! PostgreSQL: a pool of connections, and for each engine a connection of its own.

use super::row::{Columns, Row};
use super::statement::Shape;
use super::value::Value;
use super::{Kind, Load, Options};
use crate::StoreError;
use deadpool_postgres::{Hook, HookError, Manager, Object, Pool, PoolError, Runtime};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Statement};

/// No table is read whole where an index leads to what is wanted, however many rows of it the
/// planner believes are wanted.
const POOL: &str = "
    set statement_timeout = '10s';
    set lock_timeout = '5s';
    set idle_in_transaction_session_timeout = '10s';
    set jit = off;
    set random_page_cost = 1.1;
    set enable_seqscan = off;";

/// Plans made anew each time: a generic plan made while a table was empty stays bad for ever.
const ENGINE: &str = "
    set statement_timeout = '1500ms';
    set lock_timeout = '500ms';
    set idle_in_transaction_session_timeout = '2s';
    set plan_cache_mode = force_custom_plan;
    set jit = off;
    set random_page_cost = 1.1;
    set enable_seqscan = off;
    set enable_hashjoin = off;
    set enable_mergejoin = off;";

/// One PostgreSQL database.
pub(super) struct Postgres {
    config: Config,
    options: Options,
    pool: Pool,
}

/// A transaction on one connection; the connection is closed when it is dropped unfinished.
pub(super) struct PostgresTx {
    /// There until the end.
    client: Option<Object>,
}

impl Postgres {
    /// Reads the URL; connects when the first transaction begins.
    pub(super) fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        // The error is left out: it may repeat what the URL holds.
        let mut config: Config =
            url.parse().map_err(|_| StoreError::Configuration("its URL can't be read"))?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(StoreError::Configuration("TLS to PostgreSQL isn't supported yet"));
        }
        config
            .connect_timeout(options.wait)
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(10));
        let pool = pool(&config, "antaca", POOL, options.connections, options.wait)?;
        Ok(Self { config, options, pool })
    }

    /// A pool of one, apart from the pool: it reconnects when its connection is gone.
    pub(super) fn engine(&self, number: usize) -> Result<Pool, StoreError> {
        pool(&self.config, &format!("antaca engine {number}"), ENGINE, 1, self.options.wait)
    }

    pub(super) async fn begin(&self) -> Result<PostgresTx, StoreError> {
        begin(&self.pool, "begin").await
    }

    pub(super) async fn read(&self) -> Result<PostgresTx, StoreError> {
        begin(&self.pool, "begin isolation level repeatable read read only").await
    }

    pub(super) fn load(&self) -> Load {
        let status = self.pool.status();
        let in_use = status.size.saturating_sub(status.available);
        Load { in_use, waiting: status.waiting, wal_bytes: None }
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

fn pool(
    config: &Config,
    name: &str,
    settings: &'static str,
    size: usize,
    wait: Duration,
) -> Result<Pool, StoreError> {
    let mut config = config.clone();
    config.application_name(name);
    Pool::builder(Manager::new(config, NoTls))
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .post_create(Hook::async_fn(move |client, _| {
            Box::pin(
                async move { client.batch_execute(settings).await.map_err(HookError::Backend) },
            )
        }))
        .build()
        .map_err(|error| StoreError::Broken(error.into()))
}

/// Begins a transaction; once more if the connection turns out to have been closed meanwhile.
pub(super) async fn begin(pool: &Pool, text: &str) -> Result<PostgresTx, StoreError> {
    let mut attempts = 2;
    loop {
        let tx = PostgresTx { client: Some(pool.get().await.map_err(pool_error)?) };
        attempts -= 1;
        match tx.script(text).await {
            Ok(()) => return Ok(tx),
            Err(error) if attempts == 0 || !error.is_trouble() => return Err(error),
            Err(_) => {}
        }
    }
}

impl PostgresTx {
    fn client(&self) -> &Object {
        self.client.as_ref().expect("only the end takes it")
    }

    async fn prepare(&self, shape: Shape) -> Result<Statement, StoreError> {
        self.client().prepare_cached(&shape.text(Kind::Postgres)).await.map_err(error)
    }

    pub(super) async fn rows<P: ToSql + Sync>(
        &self,
        shape: Shape,
        parameters: &[P],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(shape).await?;
        let columns: Arc<Columns> =
            Arc::new(statement.columns().iter().map(|it| it.name().to_owned()).collect());
        let rows = self.client().query(&statement, &erased(parameters)).await.map_err(error)?;
        let decode = |row: &tokio_postgres::Row| {
            let cell = |index: usize| {
                let value: Result<Value, _> = row.try_get(index);
                value.map_err(|_| StoreError::Corrupt(columns[index].clone()))
            };
            let values = (0..columns.len()).map(cell).collect::<Result<_, _>>()?;
            Ok(Row::new(values, Arc::clone(&columns)))
        };
        rows.iter().map(decode).collect()
    }

    pub(super) async fn run<P: ToSql + Sync>(
        &self,
        shape: Shape,
        parameters: &[P],
    ) -> Result<u64, StoreError> {
        let statement = self.prepare(shape).await?;
        self.client().execute(&statement, &erased(parameters)).await.map_err(error)
    }

    /// Runs statements without parameters.
    pub(super) async fn script(&self, text: &str) -> Result<(), StoreError> {
        self.client().batch_execute(text).await.map_err(error)
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.client().batch_execute("commit").await.map_err(commit_error)?;
        // Back into the pool.
        drop(self.client.take());
        Ok(())
    }

    pub(super) async fn rollback(mut self) {
        // If that fails, the drop closes the connection, which rolls back too.
        if self.client().batch_execute("rollback").await.is_ok() {
            drop(self.client.take());
        }
    }
}

/// Closes the connection of an unfinished transaction, so that the server rolls it back: a drop
/// can't wait for a statement, and one may still be running.
impl Drop for PostgresTx {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

fn erased<P: ToSql + Sync>(parameters: &[P]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|it| it as &(dyn ToSql + Sync)).collect()
}

/// What PostgreSQL says of an error, without the values of rows that its details repeat.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {code}{told}")]
struct Reply {
    code: String,
    told: String,
}

impl Reply {
    fn new(error: &DbError) -> Self {
        let code = error.code().code();
        // These classes tell of names in the statement or of the server, others quote values.
        let told = if ["08", "40", "42", "53", "55", "57"].contains(&class(error)) {
            format!(": {}", error.message())
        } else {
            let names = [error.table(), error.column(), error.constraint()];
            names.into_iter().flatten().map(|name| format!(", {name}")).collect()
        };
        Self { code: code.to_owned(), told }
    }
}

/// The first two characters of an SQLSTATE.
fn class(error: &DbError) -> &str {
    error.code().code().get(..2).unwrap_or_default()
}

fn error(error: tokio_postgres::Error) -> StoreError {
    let Some(reply) = error.as_db_error() else {
        let broken =
            error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
        return if broken {
            StoreError::Unavailable(error.into())
        } else {
            StoreError::Broken(error.into())
        };
    };
    let cause = Reply::new(reply).into();
    match (class(reply), reply.code().code()) {
        (_, "23505") => StoreError::Duplicate(reply.constraint().unwrap_or_default().to_owned()),
        // 55P03: a lock timed out. 25P03: the server ended a transaction that stood still.
        ("08" | "40" | "53" | "57", _) | (_, "55P03" | "25P03") => StoreError::Unavailable(cause),
        _ => StoreError::Broken(cause),
    }
}

/// An error in answer to a commit. Only a plain one tells that nothing was committed; a fatal one
/// ends the connection, perhaps after the commit.
fn commit_error(cause: tokio_postgres::Error) -> StoreError {
    match cause.as_db_error() {
        Some(reply) if reply.parsed_severity() == Some(Severity::Error) => error(cause),
        Some(reply) => StoreError::CommitUnknown(Reply::new(reply).into()),
        None => StoreError::CommitUnknown(cause.into()),
    }
}

fn pool_error(cause: PoolError) -> StoreError {
    match cause {
        PoolError::Backend(cause) | PoolError::PostCreateHook(HookError::Backend(cause)) => {
            error(cause)
        }
        cause @ (PoolError::Timeout(_) | PoolError::Closed) => {
            StoreError::Unavailable(cause.into())
        }
        cause @ (PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
            StoreError::Broken(cause.into())
        }
    }
}
