//! The states of a user's balance, and every way from one to another.

use super::{Balance, BalanceState};
use crate::card::Card;
use crate::card::lifecycle::CardStatus;
use crate::outcome::Outcome;
use crate::partner::BalanceMode;
use thiserror::Error;

/// Why a balance wasn't changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BalanceRefusal {
    /// It has money, owes some, or something of it is held.
    #[error("the balance isn't empty")]
    NotEmpty,
    /// A card pays from it.
    #[error("a card pays from the balance")]
    HasCards,
    /// It is gone.
    #[error("the balance was removed")]
    Removed,
}

impl Balance {
    /// Lets no debit be asked of it any more. A locked balance stays as it is.
    pub fn lock(&mut self) -> Result<Outcome, BalanceRefusal> {
        self.turn(BalanceState::Active, BalanceState::Locked)
    }

    /// Takes the lock off. A balance that isn't locked stays as it is.
    pub fn unlock(&mut self) -> Result<Outcome, BalanceRefusal> {
        self.turn(BalanceState::Locked, BalanceState::Active)
    }

    /// Takes the balance out of use for ever, locked or not, once it is at zero, nothing of it is
    /// held (spec "The model", rule 6) and each of its cards was removed. Where the partner holds
    /// its money it has to be unlinked then. A removed balance stays as it is.
    pub fn remove(&mut self, cards: &[Card]) -> Result<Outcome, BalanceRefusal> {
        let is_removed = |card: &Card| matches!(card.status, CardStatus::Removed { .. });
        match self.state {
            BalanceState::Removed => Ok(Outcome::AlreadyApplied),
            BalanceState::Linking | BalanceState::Unlinking => Err(BalanceRefusal::Removed),
            BalanceState::Active | BalanceState::Locked => {
                if self.posted != 0 || !self.held.is_zero() {
                    return Err(BalanceRefusal::NotEmpty);
                }
                if !cards.iter().all(is_removed) {
                    return Err(BalanceRefusal::HasCards);
                }
                self.state = match self.mode {
                    BalanceMode::Internal => BalanceState::Removed,
                    BalanceMode::External => BalanceState::Unlinking,
                };
                Ok(Outcome::Applied)
            }
        }
    }

    /// The partner has linked it: from now on it is there. One that is being unlinked isn't any
    /// more.
    pub fn linked(&mut self) -> Result<Outcome, BalanceRefusal> {
        self.turn(BalanceState::Linking, BalanceState::Active)
    }

    /// Has its link undone, whether or not that was made. One that isn't being linked stays as it
    /// is.
    pub fn undo_link(&mut self) -> Outcome {
        match self.state {
            BalanceState::Linking => {
                self.state = BalanceState::Unlinking;
                Outcome::Applied
            }
            BalanceState::Active
            | BalanceState::Locked
            | BalanceState::Unlinking
            | BalanceState::Removed => Outcome::AlreadyApplied,
        }
    }

    /// There is no link, nor will there be: it is gone for good. One that is there stays as it is.
    pub fn unlinked(&mut self) -> Outcome {
        match self.state {
            BalanceState::Linking | BalanceState::Unlinking => {
                self.state = BalanceState::Removed;
                Outcome::Applied
            }
            BalanceState::Active | BalanceState::Locked | BalanceState::Removed => {
                Outcome::AlreadyApplied
            }
        }
    }

    /// It wasn't unlinked, and is there as it was before. One that isn't being unlinked stays as it
    /// is.
    pub fn keep(&mut self, was: BalanceState) -> Outcome {
        match self.state {
            BalanceState::Unlinking => {
                self.state = was;
                Outcome::Applied
            }
            BalanceState::Active
            | BalanceState::Locked
            | BalanceState::Linking
            | BalanceState::Removed => Outcome::AlreadyApplied,
        }
    }

    fn turn(&mut self, from: BalanceState, to: BalanceState) -> Result<Outcome, BalanceRefusal> {
        match self.state {
            state if state == from => {
                self.state = to;
                Ok(Outcome::Applied)
            }
            BalanceState::Linking | BalanceState::Unlinking | BalanceState::Removed => {
                Err(BalanceRefusal::Removed)
            }
            BalanceState::Active | BalanceState::Locked => Ok(Outcome::AlreadyApplied),
        }
    }
}

#[cfg(test)]
mod tests;
