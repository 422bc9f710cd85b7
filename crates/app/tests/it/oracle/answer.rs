//! What is told, of a message and of the balances.

use domain::transaction::{Description, Processing, Status};

/// What is told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) processing: Processing,
    pub(super) description: Description,
    /// None where the spec has no such thing.
    pub(super) approved: Option<i64>,
    /// Where the transaction stands then.
    pub(super) status: Status,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Decided(Answer),
    KeyReused,
}

/// What can be spent and what is held.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) user: (i64, i64),
    pub(super) deposit: (i64, i64),
    pub(super) credit: (i64, i64),
    pub(super) company: (i64, i64),
}

impl Answer {
    /// What was done isn't a question of an amount.
    pub(super) fn done(status: Status) -> Self {
        Self { approved: None, ..Self::approved(0, status) }
    }

    pub(super) fn approved(amount: i64, status: Status) -> Self {
        let (processing, description) = (Processing::Success, Description::Approved);
        Self { processing, description, approved: Some(amount), status }
    }

    /// A refused record has the status that it asked for.
    pub(super) fn declined(description: Description, status: Status) -> Self {
        Self { processing: Processing::Declined, description, approved: Some(0), status }
    }

    /// What it refers to isn't there, or is over.
    pub(super) fn of_nothing(status: Status) -> Self {
        let description = Description::ReferencedTransactionNotFound;
        Self { processing: Processing::Invalid, ..Self::declined(description, status) }
    }

    /// What it refers to could be several.
    pub(super) fn ambiguous(status: Status) -> Self {
        let description = Description::AmbiguousReferencedTransaction;
        Self { processing: Processing::Invalid, ..Self::declined(description, status) }
    }
}

impl Heard {
    /// Whether it is what the oracle expects, as far as that goes.
    pub(super) fn fits(self, expected: Self) -> bool {
        match (self, expected) {
            (Self::Decided(told), Self::Decided(expected)) => {
                let approved = expected.approved.and(told.approved);
                Answer { approved, ..told } == expected
            }
            (told, expected) => told == expected,
        }
    }
}
