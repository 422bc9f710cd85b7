//! Operations: what was ordered and is done afterwards; so far the making of a virtual card.

use crate::ids::CardId;

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for a worker, or one is at it.
    Pending,
    /// The card was made.
    Done {
        /// The card.
        card: CardId,
    },
    /// It came to nothing, for good.
    Failed {
        /// The title of the refusal, or `INTERNAL_ERROR`.
        reason: String,
    },
}

impl Progress {
    /// The word on the wire and in the database.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Done { .. } => "DONE",
            Self::Failed { .. } => "FAILED",
        }
    }
}
