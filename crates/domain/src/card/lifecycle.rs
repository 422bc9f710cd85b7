//! The states of a card, and every way from one to another.

use super::Card;
use crate::outcome::Outcome;
use crate::program::CardType;
use crate::words::words;
use jiff::{Timestamp, ToSpan, civil::Date};
use thiserror::Error;

/// Where a card stands. `EXPIRED` isn't a state of its own: it follows from the expiry date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardStatus {
    /// It isn't locked.
    Usable(Usable),
    /// Locked: every authorization is declined.
    Locked {
        /// Why.
        reason: LockReason,
        /// Since when.
        since: Timestamp,
        /// What it goes back to.
        was: Usable,
        /// Who put the lock on; of locks of former releases it isn't known.
        by: Option<Locker>,
    },
    /// Gone for good.
    Removed {
        /// Since when.
        at: Timestamp,
    },
}

words! {
    /// A card that isn't locked.
    pub enum Usable {
        /// At the bureau still: its holder doesn't see it.
        Ordered = "ORDERED",
        /// Personalised, not yet activated by its holder.
        Inactive = "INACTIVE",
        /// It pays.
        Active = "ACTIVE",
    }
}

words! {
    /// Who puts a lock on a card.
    pub enum Locker {
        /// The user who holds it.
        User = "USER",
        /// The partner's back end.
        Partner = "PARTNER",
        /// A card network or an acquirer.
        Network = "NETWORK",
        /// We, for wrong PINs.
        Platform = "PLATFORM",
    }
}

words! {
    /// Why a card is locked (spec "Lock reasons"; the seeds' table of codes).
    pub enum LockReason {
        /// Lost.
        CardLost = "CARD_LOST",
        /// Stolen.
        CardStolen = "CARD_STOLEN",
        /// A question is open.
        PendingQuery = "PENDING_QUERY",
        /// Merged with another.
        CardConsolidation = "CARD_CONSOLIDATION",
        /// Not in use.
        CardInactive = "CARD_INACTIVE",
        /// Too many wrong PINs.
        PinTriesExceeded = "PIN_TRIES_EXCEEDED",
        /// It may be in wrong hands.
        SuspectedFraud = "SUSPECTED_FRAUD",
        /// Another took its place.
        CardReplaced = "CARD_REPLACED",
        /// Too many wrong PINs at terminals without a line.
        OfflinePinAttemptsExceeded = "OFFLINE_PIN_ATTEMPTS_EXCEEDED",
    }
}

words! {
    /// Why another card, or other plastic of the same one, takes a card's place.
    pub enum ReplacementReason {
        /// It is lost.
        Lost = "CARD_LOST",
        /// It is stolen.
        Stolen = "CARD_STOLEN",
        /// It may be in wrong hands.
        Fraud = "SUSPECTED_FRAUD",
        /// Its plastic doesn't work any more; number and state stay.
        Damaged = "CARD_DAMAGED",
    }
}

/// How long before its last day a card may be renewed (spec "States").
const RENEWAL_DAYS: i32 = 60;

impl LockReason {
    /// The code on the wire.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::CardLost => 1,
            Self::CardStolen => 2,
            Self::PendingQuery => 3,
            Self::CardConsolidation => 4,
            Self::CardInactive => 5,
            Self::PinTriesExceeded => 6,
            Self::SuspectedFraud => 7,
            Self::CardReplaced => 8,
            Self::OfflinePinAttemptsExceeded => 11,
        }
    }

    /// The reason that a code names.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    /// Whether the lock can be taken off.
    #[must_use]
    pub fn is_reversible(self) -> bool {
        match self {
            Self::CardLost | Self::CardStolen | Self::CardInactive | Self::CardReplaced => false,
            Self::PendingQuery
            | Self::CardConsolidation
            | Self::PinTriesExceeded
            | Self::SuspectedFraud
            | Self::OfflinePinAttemptsExceeded => true,
        }
    }

    /// Whether wrong PINs are why.
    fn is_of_pins(self) -> bool {
        matches!(self, Self::PinTriesExceeded | Self::OfflinePinAttemptsExceeded)
    }

    /// What the network is answered while the lock stands.
    #[must_use]
    pub fn action_code(self) -> &'static str {
        match self {
            Self::CardLost => "2008",
            Self::CardStolen => "2009",
            Self::PendingQuery => "1000",
            Self::CardConsolidation => "1016",
            Self::CardInactive => "1018",
            Self::PinTriesExceeded | Self::OfflinePinAttemptsExceeded => "1006",
            Self::SuspectedFraud => "1002",
            Self::CardReplaced => "1011",
        }
    }
}

/// Which locks somebody may take off, of those that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlocks {
    /// Whoever put them on.
    All,
    /// Those that the user has put on.
    OfUserAlone,
}

/// Why a card wasn't changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CardRefusal {
    /// It is locked for another reason.
    #[error("the card is locked for another reason")]
    AlreadyLocked,
    /// The lock can't be taken off.
    #[error("the lock can't be taken off")]
    LockIrreversible,
    /// The user may take off own locks alone, and this is another's.
    #[error("somebody else has locked the card")]
    LockNotOwn,
    /// What would change stands on its plastic.
    #[error("what would change stands on the card's plastic")]
    OnPlastic,
    /// It is locked, so that doesn't matter now.
    #[error("the card is locked")]
    Locked,
    /// It doesn't work yet.
    #[error("the card isn't active")]
    NotActive,
    /// What was told isn't what its plastic or its letter says.
    #[error("the card can't be activated with this")]
    ActivationDataWrong,
    /// It lives for too long still.
    #[error("it is too early to renew the card")]
    RenewalTooEarly,
    /// Its last day is over.
    #[error("the card has expired")]
    Expired,
    /// It is gone.
    #[error("the card was removed")]
    Removed,
}

impl Card {
    /// Locks the card. An irreversible reason replaces a reversible one; any other second reason
    /// is refused.
    pub fn lock(
        &mut self,
        reason: LockReason,
        by: Locker,
        now: Timestamp,
    ) -> Result<Outcome, CardRefusal> {
        let was = match self.status {
            CardStatus::Usable(usable) => usable,
            CardStatus::Locked { reason: held, .. } if held == reason => {
                return Ok(Outcome::AlreadyApplied);
            }
            CardStatus::Locked { reason: held, was, .. }
                if held.is_reversible() && !reason.is_reversible() =>
            {
                was
            }
            CardStatus::Locked { .. } => return Err(CardRefusal::AlreadyLocked),
            CardStatus::Removed { .. } => return Err(CardRefusal::Removed),
        };
        self.status = CardStatus::Locked { reason, since: now, was, by: Some(by) };
        Ok(Outcome::Applied)
    }

    /// Takes a lock off and gives back the state from before; one that isn't the user's own only
    /// where `locks` lets them. Where wrong PINs were why, they are forgotten: else the next one
    /// would lock it again.
    pub fn unlock(&mut self, locks: Unlocks) -> Result<Outcome, CardRefusal> {
        match self.status {
            CardStatus::Usable(_) => Ok(Outcome::AlreadyApplied),
            CardStatus::Locked { reason, by, .. }
                if reason.is_reversible()
                    && locks == Unlocks::OfUserAlone
                    && by != Some(Locker::User) =>
            {
                Err(CardRefusal::LockNotOwn)
            }
            CardStatus::Locked { reason, was, .. } if reason.is_reversible() => {
                self.status = CardStatus::Usable(was);
                if reason.is_of_pins() {
                    self.tries.right_pin();
                }
                Ok(Outcome::Applied)
            }
            CardStatus::Locked { .. } => Err(CardRefusal::LockIrreversible),
            CardStatus::Removed { .. } => Err(CardRefusal::Removed),
        }
    }

    /// Gives the card another PIN: also while it is locked, unless that is for good.
    pub fn change_pin(&mut self, today: Date) -> Result<(), CardRefusal> {
        self.may_get_secrets(today)?;
        self.pin_version = self.pin_version.saturating_add(1);
        self.tries.right_pin();
        Ok(())
    }

    /// Gives the card another code, that of a later generation of its key; the one before is wrong
    /// from then on, and wrong ones so far are forgotten. Of plastic it is printed on, the code
    /// stays: only what has none gets another (spec "Calls").
    pub fn reset_code(&mut self, generation: i64, today: Date) -> Result<(), CardRefusal> {
        self.may_get_secrets(today)?;
        self.need_no_plastic()?;
        self.cvc_generation = generation;
        self.tries.codes.clear();
        Ok(())
    }

    /// Lets the card live on under its number, with another last day and another code: from some
    /// weeks before its last day on, and after it (spec "States").
    pub fn renew(&mut self, expiry: Date, today: Date) -> Result<(), CardRefusal> {
        self.may_be_renewed(expiry, today)?;
        self.need_no_plastic()?;
        self.live_until(expiry);
        Ok(())
    }

    /// Whether it may live on until then. A card on plastic must have been activated once: else
    /// nobody has shown that it has arrived.
    pub fn may_be_renewed(&self, expiry: Date, today: Date) -> Result<(), CardRefusal> {
        match self.status {
            CardStatus::Removed { .. } => return Err(CardRefusal::Removed),
            CardStatus::Locked { reason, .. } if !reason.is_reversible() => {
                return Err(CardRefusal::LockIrreversible);
            }
            CardStatus::Usable(was) | CardStatus::Locked { was, .. } if was != Usable::Active => {
                return Err(CardRefusal::NotActive);
            }
            CardStatus::Usable(_) | CardStatus::Locked { .. } => {}
        }
        let first = self.expiry.checked_sub(RENEWAL_DAYS.days()).unwrap_or(self.expiry);
        if today < first || expiry <= self.expiry {
            return Err(CardRefusal::RenewalTooEarly);
        }
        Ok(())
    }

    /// Gives it another last day and with it another code.
    pub(super) fn live_until(&mut self, expiry: Date) {
        self.expiry = expiry;
        // What was compared with the code of the old expiry is compared again.
        self.cvc_generation = self.next_code();
        self.tries.codes.clear();
    }

    /// The generation of its code once it was renewed.
    #[must_use]
    pub fn next_code(&self) -> i64 {
        self.cvc_generation.saturating_add(1)
    }

    /// Gives the card's place to another one: it is locked for good, whatever it was locked for.
    pub fn replace(&mut self, by: Locker, now: Timestamp) -> Result<(), CardRefusal> {
        let was = match self.status {
            CardStatus::Usable(usable) => usable,
            CardStatus::Locked { reason: LockReason::CardReplaced, .. } => {
                return Err(CardRefusal::LockIrreversible);
            }
            CardStatus::Locked { was, .. } => was,
            CardStatus::Removed { .. } => return Err(CardRefusal::Removed),
        };
        let reason = LockReason::CardReplaced;
        self.status = CardStatus::Locked { reason, since: now, was, by: Some(by) };
        Ok(())
    }

    fn need_no_plastic(&self) -> Result<(), CardRefusal> {
        match self.card_type {
            CardType::Virtual => Ok(()),
            CardType::Physical => Err(CardRefusal::OnPlastic),
        }
    }

    /// Whether a new code or PIN would ever be of use.
    fn may_get_secrets(&self, today: Date) -> Result<(), CardRefusal> {
        match self.status {
            CardStatus::Removed { .. } => Err(CardRefusal::Removed),
            CardStatus::Locked { reason, .. } if !reason.is_reversible() => {
                Err(CardRefusal::LockIrreversible)
            }
            CardStatus::Usable(_) | CardStatus::Locked { .. } if self.is_expired_on(today) => {
                Err(CardRefusal::Expired)
            }
            CardStatus::Usable(_) | CardStatus::Locked { .. } => Ok(()),
        }
    }

    /// Takes the card out of use for ever, from any state. A removed card stays as it is.
    pub fn remove(&mut self, now: Timestamp) -> Result<Outcome, CardRefusal> {
        match self.status {
            CardStatus::Usable(_) | CardStatus::Locked { .. } => {
                self.status = CardStatus::Removed { at: now };
                Ok(Outcome::Applied)
            }
            CardStatus::Removed { .. } => Ok(Outcome::AlreadyApplied),
        }
    }

    /// Whether it can be paid with on a day: it is active, and that isn't after its last.
    #[must_use]
    pub fn is_active_on(&self, today: Date) -> bool {
        match self.status {
            CardStatus::Usable(Usable::Active) => !self.is_expired_on(today),
            CardStatus::Usable(Usable::Ordered | Usable::Inactive)
            | CardStatus::Locked { .. }
            | CardStatus::Removed { .. } => false,
        }
    }

    /// Whether a day is past the last one on which the card works.
    #[must_use]
    pub fn is_expired_on(&self, today: Date) -> bool {
        today > self.expiry
    }

    /// The word for its state on the wire. A removed card stays removed, a locked one locked;
    /// else the expiry date decides.
    #[must_use]
    pub fn state_on(&self, today: Date) -> &'static str {
        match self.status {
            CardStatus::Removed { .. } => "REMOVED",
            CardStatus::Locked { .. } => "LOCKED",
            CardStatus::Usable(_) if self.is_expired_on(today) => "EXPIRED",
            CardStatus::Usable(usable) => usable.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
