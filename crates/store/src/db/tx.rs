//! A transaction: the only way to read and write.

use super::Kind;
use super::postgres::PostgresTx;
use super::row::Row;
use super::sqlite::SqliteTx;
use super::statement::{Each, LOCKING, Shape, Sql, Table};
use super::value::{ToValue, Value};
use crate::StoreError;

/// A transaction. Dropped unfinished, it is rolled back: at once on SQLite, by closing the
/// connection on PostgreSQL.
///
/// After a statement that failed, or whose future was dropped, it can only be rolled back: any
/// other call is [`StoreError::Broken`].
pub struct Tx {
    on: On,
    /// A statement failed, runs, or was given up.
    failed: bool,
    /// Whether it is committed at once, rather than after others that wait, together with them.
    alone: bool,
}

/// How much a statement has to read for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// A row that is looked up.
    One,
    /// Whatever it is.
    Many,
}

pub(super) enum On {
    Sqlite(SqliteTx),
    Postgres(PostgresTx),
}

impl Tx {
    pub(super) fn new(on: On) -> Self {
        Self { on, failed: false, alone: false }
    }

    /// An engine's, which has gathered a batch already and is waited for by all of it.
    pub(super) fn of_engine(on: On) -> Self {
        Self { alone: true, ..Self::new(on) }
    }

    /// Which database it runs on.
    pub(super) fn kind(&self) -> Kind {
        match self.on {
            On::Sqlite(_) => Kind::Sqlite,
            On::Postgres(_) => Kind::Postgres,
        }
    }

    /// The rows that a statement answers.
    pub async fn rows(
        &mut self,
        sql: &Sql,
        parameters: &[&dyn ToValue],
    ) -> Result<Vec<Row>, StoreError> {
        self.query(Shape::Once(*sql), vec![values(parameters)], Reads::Many).await
    }

    /// The one row that a statement answers, of however many it is a sum; none is
    /// [`StoreError::NotFound`], several are [`StoreError::Broken`].
    pub async fn row(&mut self, sql: &Sql, parameters: &[&dyn ToValue]) -> Result<Row, StoreError> {
        let rows = self.rows(sql, parameters).await?;
        only(rows)?.ok_or(StoreError::NotFound)
    }

    /// The row that a statement looks up, if it is there, reading little else; several are
    /// [`StoreError::Broken`].
    pub async fn find(
        &mut self,
        sql: &Sql,
        parameters: &[&dyn ToValue],
    ) -> Result<Option<Row>, StoreError> {
        only(self.query(Shape::Once(*sql), vec![values(parameters)], Reads::One).await?)
    }

    /// Runs a statement that answers no rows; how many rows it changed.
    pub async fn run(&mut self, sql: &Sql, parameters: &[&dyn ToValue]) -> Result<u64, StoreError> {
        self.execute(Shape::Once(*sql), vec![values(parameters)]).await
    }

    /// The rows that a `select` answers for each row of parameters, all in one list, in no
    /// particular order: the select must answer what tells them apart. The same parameters twice
    /// answer their rows twice.
    pub async fn rows_each(
        &mut self,
        each: &Each,
        parameters: &[Vec<Value>],
    ) -> Result<Vec<Row>, StoreError> {
        check_widths(parameters, each.keys.len());
        self.query(Shape::RowsEach(*each), parameters, Reads::Many).await
    }

    /// Runs an `update` or `delete` for each row of parameters; how many rows were changed in all.
    /// No two rows of parameters may change the same row: PostgreSQL takes one of them.
    pub async fn run_each(
        &mut self,
        each: &Each,
        parameters: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        check_widths(parameters, each.keys.len());
        self.execute(Shape::RunEach(*each), parameters).await
    }

    /// Inserts rows; how many.
    pub async fn insert_all(
        &mut self,
        table: &Table,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        check_widths(rows, table.columns.len());
        self.execute(Shape::InsertAll(*table), rows).await
    }

    /// Inserts those rows whose keys aren't there yet; how many were. Waits for other transactions
    /// that insert the same keys, in the order of the rows: the caller sorts them.
    pub async fn insert_new(
        &mut self,
        table: &Table,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        check_widths(rows, table.columns.len());
        self.execute(Shape::InsertNew(*table), rows).await
    }

    /// Locks the rows that a `select … for no key update` finds for each of the keys, in the order
    /// of the keys, which are sorted. Nothing on SQLite: its writer is alone.
    ///
    /// # Panics
    ///
    /// If the keys aren't sorted or the statement doesn't lock: two transactions could block each
    /// other for good, or both change a row.
    pub async fn lock(&mut self, each: &Each, keys: &[Vec<Value>]) -> Result<(), StoreError> {
        assert!(keys.is_sorted(), "rows are locked in one order by everyone");
        assert!(each.sql.contains(LOCKING), "the statement locks");
        check_widths(keys, each.keys.len());
        match self.kind() {
            Kind::Sqlite => Ok(()),
            // The lateral subquery runs, and locks, for one key after the other in the order of
            // the arrays: a subquery that locks is never merged into a join, which could visit the
            // table in an order of its own. The other form, `order by` beside the lock, would sort
            // before it locks just as well, but by PostgreSQL's order of the columns, for which
            // every text would have to be written out.
            Kind::Postgres => self.query(Shape::RowsEach(*each), keys, Reads::Many).await.map(drop),
        }
    }

    /// Makes everything durable and visible. On an error nothing was, except for
    /// [`StoreError::CommitUnknown`]. Refused as [`StoreError::Broken`] if a statement had failed.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.failed {
            self.rollback().await;
            return Err(had_failed());
        }
        match self.on {
            On::Sqlite(tx) => tx.commit(self.alone).await,
            On::Postgres(tx) => tx.commit().await,
        }
    }

    /// Undoes everything. Can't fail: at worst the connection is closed, which undoes it too.
    pub async fn rollback(self) {
        match self.on {
            On::Sqlite(tx) => drop(tx),
            On::Postgres(tx) => tx.rollback().await,
        }
    }

    /// Commits if `result` is good, else rolls back; answers `result`, or why the commit failed.
    pub async fn end<T, E: From<StoreError>>(self, result: Result<T, E>) -> Result<T, E> {
        if result.is_ok() {
            self.commit().await?;
        } else {
            self.rollback().await;
        }
        result
    }

    /// Runs statements without parameters, separated by semicolons.
    pub(super) async fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.enter()?;
        let result = match &mut self.on {
            On::Sqlite(tx) => tx.script(text),
            On::Postgres(tx) => tx.script(text).await,
        };
        self.leave(result)
    }

    async fn query(
        &mut self,
        shape: Shape,
        sets: impl AsRef<[Vec<Value>]>,
        reads: Reads,
    ) -> Result<Vec<Row>, StoreError> {
        let sets = sets.as_ref();
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        self.enter()?;
        let result = match (&mut self.on, shape) {
            (On::Sqlite(tx), _) => tx.rows(&shape.text(Kind::Sqlite), sets, reads),
            (On::Postgres(tx), Shape::Once(_)) => tx.rows(shape, &sets[0]).await,
            (On::Postgres(tx), _) => tx.rows(shape, &columns(sets)).await,
        };
        self.leave(result)
    }

    async fn execute(
        &mut self,
        shape: Shape,
        sets: impl AsRef<[Vec<Value>]>,
    ) -> Result<u64, StoreError> {
        let sets = sets.as_ref();
        if sets.is_empty() {
            return Ok(0);
        }
        self.enter()?;
        let result = match (&mut self.on, shape) {
            (On::Sqlite(tx), _) => tx.run(&shape.text(Kind::Sqlite), sets),
            (On::Postgres(tx), Shape::Once(_)) => tx.run(shape, &sets[0]).await,
            (On::Postgres(tx), _) => tx.run(shape, &columns(sets)).await,
        };
        self.leave(result)
    }

    /// Before a statement. SQLite may have rolled back after a failure; what came after it would
    /// be committed by itself.
    fn enter(&mut self) -> Result<(), StoreError> {
        if std::mem::replace(&mut self.failed, true) { Err(had_failed()) } else { Ok(()) }
    }

    /// After a statement.
    fn leave<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.failed = result.is_err();
        result
    }
}

fn only(mut rows: Vec<Row>) -> Result<Option<Row>, StoreError> {
    let row = rows.pop();
    if rows.is_empty() {
        Ok(row)
    } else {
        Err(StoreError::Broken("a statement answered several rows instead of one".into()))
    }
}

fn had_failed() -> StoreError {
    StoreError::Broken("a statement of the transaction had failed".into())
}

fn values(parameters: &[&dyn ToValue]) -> Vec<Value> {
    parameters.iter().map(|it| it.to_value()).collect()
}

/// The same values, one list for each parameter.
fn columns(sets: &[Vec<Value>]) -> Vec<Vec<&Value>> {
    (0..sets[0].len()).map(|index| sets.iter().map(|set| &set[index]).collect()).collect()
}

/// A row of parameters that is too short or too long is a bug of the caller.
fn check_widths(rows: &[Vec<Value>], width: usize) {
    assert!(rows.iter().all(|row| row.len() == width), "each row has a value for each parameter");
}
