//! Why a command wasn't done, as one plain sentence for the person who gave it.

use app::error::Chain;
use std::fmt;
use store::StoreError;

/// Why a command wasn't done. The sentence says what to do about it where that is known, and never
/// holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure in these words.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Self {
        match &error {
            app::Error::Refused(refusal) => {
                Self(format!("{}: {}", refusal.title(), refusal.sentence()))
            }
            app::Error::KeyReused | app::Error::Unavailable(..) | app::Error::Internal(..) => {
                Self(format!("It could not be done: {}.", Chain(&error)))
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let chain = Chain(&error);
        match &error {
            StoreError::InUse => Self::new(
                "The database is used by another antaca process: stop that one first, or choose \
                 another folder with --data.",
            ),
            StoreError::NewerDatabase { number } => Self(format!(
                "The database was made by a newer release of antaca (it has migration {number}): \
                 install that release."
            )),
            StoreError::Configuration(what) => {
                Self(format!("The database can't be used as configured: {what}."))
            }
            StoreError::Unavailable(_) => Self(format!(
                "The database can't be reached: check that it runs and that its URL is right \
                 ({chain})."
            )),
            StoreError::NotFound
            | StoreError::Duplicate(_)
            | StoreError::CommitUnknown(_)
            | StoreError::Corrupt(_)
            | StoreError::Broken(_) => Self(format!("The database can't be used: {chain}.")),
        }
    }
}
