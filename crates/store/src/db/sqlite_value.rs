//! Values on their way into SQLite and out of it, and what its errors mean.

use super::value::Value;
use crate::StoreError;
use crate::error::Cause;
use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{ErrorCode, Statement, ToSql};
use std::rc::Rc;

/// Gives a statement its parameters.
pub(super) fn bind(statement: &mut Statement<'_>, parameters: &[Value]) -> Result<(), StoreError> {
    // SQLite takes a parameter that was never bound for null.
    if statement.parameter_count() != parameters.len() {
        return Err(StoreError::Broken("the number of parameters is wrong".into()));
    }
    for (index, parameter) in (1..).zip(parameters) {
        statement.raw_bind_parameter(index, parameter).map_err(error)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let array = |cells: Vec<Cell>| Ok(ToSqlOutput::from_rc(Rc::new(cells), c"rarray"));
        let cell = match self {
            Self::Null => ValueRef::Null,
            Self::Bool(it) => ValueRef::Integer((*it).into()),
            Self::Int(it) => ValueRef::Integer(*it),
            Self::Time(it) => ValueRef::Integer(it.as_microsecond()),
            Self::Text(it) | Self::Json(it) => ValueRef::Text(it.as_bytes()),
            Self::Bytes(it) => ValueRef::Blob(it),
            Self::Uuid(it) => ValueRef::Blob(it.as_bytes()),
            Self::Ints(all) => return array(all.iter().copied().map(Cell::Integer).collect()),
            Self::Texts(all) => return array(all.iter().cloned().map(Cell::Text).collect()),
            Self::Uuids(all) => {
                return array(all.iter().map(|id| Cell::Blob(id.as_bytes().to_vec())).collect());
            }
        };
        Ok(ToSqlOutput::Borrowed(cell))
    }
}

/// What a cell holds. There are no fractions in the database.
pub(super) fn value(cell: ValueRef<'_>, column: &str) -> Result<Value, StoreError> {
    let corrupt = || StoreError::Corrupt(column.to_owned());
    Ok(match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(it) => Value::Int(it),
        ValueRef::Text(it) => Value::Text(str::from_utf8(it).map_err(|_| corrupt())?.to_owned()),
        ValueRef::Blob(it) => Value::Bytes(it.to_vec()),
        ValueRef::Real(_) => return Err(corrupt()),
    })
}

/// What an error of SQLite means.
pub(super) fn error(error: rusqlite::Error) -> StoreError {
    let duplicate = error.sqlite_error().is_some_and(|it| {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE].contains(&it.extended_code)
    });
    let trouble = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
        )
    );
    if duplicate {
        StoreError::Duplicate(unique_name(&error.to_string()))
    } else if trouble {
        StoreError::Unavailable(error.into())
    } else {
        StoreError::Broken(Cause::from(error))
    }
}

/// `UNIQUE constraint failed: t.a, t.b` tells columns, `…: index 'name'` an index.
fn unique_name(message: &str) -> String {
    let name = message.split_once(": ").map_or(message, |(_, name)| name);
    name.trim_start_matches("index ").trim_matches('\'').to_owned()
}
