//! Why the database didn't do what was asked.

use thiserror::Error;

/// What an error came from. Its text holds names and codes, never a value from a row.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the database didn't do what was asked. The texts never repeat their source and never hold
/// a value from a row.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Exactly one row was expected and there was none.
    #[error("there is no such row")]
    NotFound,
    /// A row with the same key exists. Holds the name of the constraint or index on PostgreSQL;
    /// on SQLite the name of the index or, for a key of the table itself, its columns
    /// (`card.partner_id, card.id`).
    #[error("there is such a row already (by {0})")]
    Duplicate(String),
    /// The database's trouble, nothing was changed; worth trying again.
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// The connection broke during the commit: everything was written or nothing, and only
    /// reading again tells.
    #[error("it is unknown whether the transaction was committed")]
    CommitUnknown(#[source] Cause),
    /// A stored value isn't what it should be. Holds the name of its column.
    #[error("the stored value of {0} can't be read")]
    Corrupt(String),
    /// Another process uses this SQLite database.
    #[error("another process uses the database")]
    InUse,
    /// The database was migrated by a newer program.
    #[error("the database is newer than this program: it has migration {number}")]
    NewerDatabase {
        /// The first migration that this program doesn't know.
        number: i64,
    },
    /// The settings of the connection can't be used; says which.
    #[error("the database can't be used as configured: {0}")]
    Configuration(&'static str),
    /// Anything else: a bug.
    #[error("the database refused a statement")]
    Broken(#[source] Cause),
}

impl StoreError {
    /// Whether it is the database's trouble, which passes: worth trying again until the deadline.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::CommitUnknown(_))
    }
}
