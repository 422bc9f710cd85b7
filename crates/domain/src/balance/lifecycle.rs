//! The states of a user's balance, and every way from one to another.

use super::{Balance, BalanceState};
use crate::card::Card;
use crate::card::lifecycle::CardStatus;
use crate::outcome::Outcome;
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
    /// held (spec "The model", rule 6) and each of its cards was removed. A removed balance stays
    /// as it is.
    pub fn remove(&mut self, cards: &[Card]) -> Result<Outcome, BalanceRefusal> {
        let is_removed = |card: &Card| matches!(card.status, CardStatus::Removed { .. });
        match self.state {
            BalanceState::Removed => Ok(Outcome::AlreadyApplied),
            BalanceState::Active | BalanceState::Locked => {
                if self.posted != 0 || !self.held.is_zero() {
                    return Err(BalanceRefusal::NotEmpty);
                }
                if !cards.iter().all(is_removed) {
                    return Err(BalanceRefusal::HasCards);
                }
                self.state = BalanceState::Removed;
                Ok(Outcome::Applied)
            }
        }
    }

    fn turn(&mut self, from: BalanceState, to: BalanceState) -> Result<Outcome, BalanceRefusal> {
        match self.state {
            BalanceState::Removed => Err(BalanceRefusal::Removed),
            state if state == from => {
                self.state = to;
                Ok(Outcome::Applied)
            }
            BalanceState::Active | BalanceState::Locked => Ok(Outcome::AlreadyApplied),
        }
    }
}

#[cfg(test)]
mod tests;
