//! Why a use case did not happen. Knows nothing about HTTP or card networks.

use crate::refusals::Refusal;
use std::error::Error as StdError;
use store::StoreError;
use thiserror::Error as ThisError;

/// Why a use case did not happen.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A rule said no.
    #[error("refused: {}", .0.title())]
    Refused(Refusal),
    /// The idempotency key was used for something else.
    #[error("the idempotency key was used with other content")]
    KeyReused,
    /// Something that we depend on doesn't answer; the same request may be sent again.
    #[error("{0} is unavailable")]
    Unavailable(&'static str, #[source] Option<Box<dyn StdError + Send + Sync>>),
    /// A bug, or an invariant that doesn't hold.
    #[error("internal error: {0}")]
    Internal(&'static str, #[source] Option<Box<dyn StdError + Send + Sync>>),
}

impl Error {
    /// There is more to do than can be done in time.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::Unavailable("the ledger engine", None)
    }

    /// Whether it is the database's, whatever was asked of it.
    pub(crate) fn is_of_store(&self) -> bool {
        let (Self::Unavailable(_, source) | Self::Internal(_, source)) = self else { return false };
        source.as_ref().is_some_and(|source| source.is::<StoreError>())
    }

    /// An invariant that doesn't hold.
    #[must_use]
    pub fn broken(what: &'static str) -> Self {
        Self::Internal(what, None)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if error.is_trouble() {
            Self::Unavailable("the database", Some(Box::new(error)))
        } else {
            Self::Internal("the database answered with an error", Some(Box::new(error)))
        }
    }
}

impl From<crypto::seal::OpenError> for Error {
    fn from(error: crypto::seal::OpenError) -> Self {
        Self::Internal("a sealed value can't be opened", Some(Box::new(error)))
    }
}

/// An error with all that caused it, for the one place that logs it.
pub struct Chain<'a>(pub &'a (dyn StdError + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}
