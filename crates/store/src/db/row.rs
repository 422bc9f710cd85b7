//! What a statement answers.

use super::value::{FromValue, Value};
use crate::StoreError;
use std::fmt;
use std::sync::Arc;

/// The names of the columns of an answer, in order.
pub(super) type Columns = Vec<String>;

/// One row of an answer.
#[derive(Clone)]
pub struct Row(Vec<Value>, Arc<Columns>);

impl Row {
    pub(super) fn new(values: Vec<Value>, columns: Arc<Columns>) -> Self {
        Self(values, columns)
    }

    /// The value of a column; `Option<T>` if it may be null. A wrong type, null where a value is
    /// expected, and a column that isn't there are [`StoreError::Corrupt`].
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        self.1
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.0.get(index))
            .and_then(T::from_value)
            .ok_or_else(|| StoreError::Corrupt(column.to_owned()))
    }
}

/// Prints the names and types of the columns, not what they hold.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.1.iter().zip(&self.0)).finish()
    }
}
