//! The states that a card on plastic has before it works (spec "States").

use super::Card;
use super::lifecycle::{CardRefusal, CardStatus, LockReason, Locker, Usable};
use crate::outcome::Outcome;
use crate::program::CardType;
use jiff::{Timestamp, civil::Date};

/// Wrong tries to activate a card in a row that lock it (spec "Calls").
pub const ACTIVATION_TRIES: i64 = 5;

/// Whether what somebody told to activate a card was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was.
    Right,
    /// It wasn't.
    Wrong,
}

impl Card {
    /// Whether only the bureau and the network know of it: its holder doesn't see it yet.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        match self.status {
            CardStatus::Usable(usable) => usable == Usable::Ordered,
            CardStatus::Locked { was, .. } => was == Usable::Ordered,
            CardStatus::Removed { .. } => false,
        }
    }

    /// The bureau has made it: its holder sees it, and may activate it.
    pub fn link(&mut self) -> Outcome {
        match &mut self.status {
            CardStatus::Usable(was) | CardStatus::Locked { was, .. } if *was == Usable::Ordered => {
                *was = Usable::Inactive;
                Outcome::Applied
            }
            CardStatus::Usable(_) | CardStatus::Locked { .. } | CardStatus::Removed { .. } => {
                Outcome::AlreadyApplied
            }
        }
    }

    /// Whether plastic may be made of it, digital first: it works, or is locked for a while.
    pub fn may_be_printed(&self, today: Date) -> Result<(), CardRefusal> {
        match self.status {
            CardStatus::Removed { .. } => Err(CardRefusal::Removed),
            CardStatus::Locked { reason, .. } if !reason.is_reversible() => {
                Err(CardRefusal::LockIrreversible)
            }
            CardStatus::Usable(Usable::Ordered | Usable::Inactive) => Err(CardRefusal::NotActive),
            CardStatus::Usable(Usable::Active) | CardStatus::Locked { .. }
                if self.is_expired_on(today) =>
            {
                Err(CardRefusal::Expired)
            }
            CardStatus::Usable(Usable::Active) | CardStatus::Locked { .. } => Ok(()),
        }
    }

    /// Whether its plastic may be made once more, since it is damaged: it is on plastic, and not
    /// locked for good.
    pub fn may_be_reissued(&self, today: Date) -> Result<(), CardRefusal> {
        match self.status {
            CardStatus::Removed { .. } => return Err(CardRefusal::Removed),
            CardStatus::Locked { reason, .. } if !reason.is_reversible() => {
                return Err(CardRefusal::LockIrreversible);
            }
            CardStatus::Usable(_) | CardStatus::Locked { .. } => {}
        }
        match self.card_type {
            CardType::Virtual => Err(CardRefusal::OnPlastic),
            CardType::Physical if self.is_expired_on(today) => Err(CardRefusal::Expired),
            CardType::Physical => Ok(()),
        }
    }

    /// Makes it work, if its holder has told what only who holds it can know. A wrong try is
    /// counted; the fifth in a row locks the card until its partner has looked at it. What came
    /// of it is for the caller to keep, whatever it is.
    pub fn activate(
        &mut self,
        told: Told,
        (now, today): (Timestamp, Date),
    ) -> Result<Outcome, CardRefusal> {
        match self.status {
            CardStatus::Removed { .. } => return Err(CardRefusal::Removed),
            CardStatus::Usable(Usable::Active) => return Ok(Outcome::AlreadyApplied),
            CardStatus::Locked { .. } => return Err(CardRefusal::Locked),
            CardStatus::Usable(Usable::Ordered) => return Err(CardRefusal::Removed),
            CardStatus::Usable(Usable::Inactive) => {}
        }
        if self.is_expired_on(today) {
            return Err(CardRefusal::Expired);
        }
        match told {
            Told::Right => {
                self.status = CardStatus::Usable(Usable::Active);
                self.tries.activations = 0;
                Ok(Outcome::Applied)
            }
            Told::Wrong => self.count_wrong_activation(now),
        }
    }

    /// Makes plastic work that was made for its renewal, in the place of the plastic before, which
    /// works until then and not a moment longer. Tries are counted as at the first activation.
    pub fn activate_renewal(
        &mut self,
        told: Told,
        expiry: Date,
        (now, today): (Timestamp, Date),
    ) -> Result<Outcome, CardRefusal> {
        match self.status {
            CardStatus::Usable(Usable::Active) => {}
            CardStatus::Locked { .. } => return Err(CardRefusal::Locked),
            CardStatus::Removed { .. } | CardStatus::Usable(Usable::Ordered) => {
                return Err(CardRefusal::Removed);
            }
            CardStatus::Usable(Usable::Inactive) => return Err(CardRefusal::NotActive),
        }
        if today > expiry {
            return Err(CardRefusal::Expired);
        }
        match told {
            Told::Right => {
                self.live_until(expiry);
                self.tries.activations = 0;
                Ok(Outcome::Applied)
            }
            Told::Wrong => self.count_wrong_activation(now),
        }
    }

    fn count_wrong_activation(&mut self, now: Timestamp) -> Result<Outcome, CardRefusal> {
        self.tries.activations = self.tries.activations.saturating_add(1);
        if self.tries.activations >= ACTIVATION_TRIES {
            self.tries.activations = 0;
            self.lock(LockReason::SuspectedFraud, Locker::Platform, now)?;
        }
        Err(CardRefusal::ActivationDataWrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const TODAY: Date = Date::constant(2026, 11, 30);

    fn inactive() -> Card {
        Card { status: CardStatus::Usable(Usable::Inactive), ..fixtures::card() }
    }

    #[test]
    fn a_card_works_once_it_is_activated() {
        let mut card = inactive();
        assert_eq!(card.activate(Told::Right, (NOW, TODAY)), Ok(Outcome::Applied));
        assert_eq!(card.status, CardStatus::Usable(Usable::Active));
        for told in [Told::Right, Told::Wrong] {
            assert_eq!(card.activate(told, (NOW, TODAY)), Ok(Outcome::AlreadyApplied));
        }
        assert_eq!(card.tries, fixtures::card().tries);
    }

    #[test]
    fn the_fifth_wrong_try_locks_it_until_somebody_has_looked() {
        let mut card = inactive();
        for _ in 1..ACTIVATION_TRIES {
            let wrong = card.activate(Told::Wrong, (NOW, TODAY));
            assert_eq!(wrong, Err(CardRefusal::ActivationDataWrong));
            assert_eq!(card.status, CardStatus::Usable(Usable::Inactive));
        }
        let wrong = card.activate(Told::Wrong, (NOW, TODAY));
        assert_eq!(wrong, Err(CardRefusal::ActivationDataWrong));
        let by = Some(Locker::Platform);
        let (reason, was) = (LockReason::SuspectedFraud, Usable::Inactive);
        assert_eq!(card.status, CardStatus::Locked { reason, since: NOW, was, by });
        assert_eq!(card.activate(Told::Right, (NOW, TODAY)), Err(CardRefusal::Locked));
        card.unlock(super::super::lifecycle::Unlocks::All).expect("is reversible");
        let wrong = card.activate(Told::Wrong, (NOW, TODAY));
        assert_eq!(wrong, Err(CardRefusal::ActivationDataWrong), "it has five tries again");
        assert_eq!(card.activate(Told::Right, (NOW, TODAY)), Ok(Outcome::Applied));
    }

    #[test]
    fn what_cannot_be_activated_counts_no_try() {
        let ordered = CardStatus::Usable(Usable::Ordered);
        for (status, refusal) in [
            (ordered, CardRefusal::Removed),
            (CardStatus::Removed { at: NOW }, CardRefusal::Removed),
        ] {
            let before = Card { status, ..fixtures::card() };
            let mut card = before.clone();
            assert_eq!(card.activate(Told::Wrong, (NOW, TODAY)), Err(refusal));
            assert_eq!(card, before);
        }
        let mut card = Card { expiry: Date::constant(2026, 10, 31), ..inactive() };
        assert_eq!(card.activate(Told::Right, (NOW, TODAY)), Err(CardRefusal::Expired));
    }

    #[test]
    fn a_renewal_works_once_it_is_activated() {
        let next = Date::constant(2030, 1, 31);
        let physical = Card { card_type: CardType::Physical, ..fixtures::card() };
        let mut card = physical.clone();
        let expected = Card { expiry: next, cvc_generation: card.next_code(), ..physical.clone() };
        assert_eq!(card.activate_renewal(Told::Right, next, (NOW, TODAY)), Ok(Outcome::Applied));
        assert_eq!(card, expected);

        // The plastic before may have expired, and five tries are all there are.
        let after = physical.expiry.tomorrow().expect("a day");
        let mut card = physical.clone();
        for _ in 0..ACTIVATION_TRIES {
            let wrong = card.activate_renewal(Told::Wrong, next, (NOW, after));
            assert_eq!(wrong, Err(CardRefusal::ActivationDataWrong));
            assert_eq!(card.expiry, physical.expiry);
        }
        let right = |card: &mut Card, today| card.activate_renewal(Told::Right, next, (NOW, today));
        assert_eq!(right(&mut card, after), Err(CardRefusal::Locked));
        card.unlock(super::super::lifecycle::Unlocks::All).expect("is reversible");
        let late = next.tomorrow().expect("a day");
        assert_eq!(right(&mut card, late), Err(CardRefusal::Expired));
        assert_eq!(right(&mut card, after), Ok(Outcome::Applied));
        let mut inactive = Card { card_type: CardType::Physical, ..inactive() };
        assert_eq!(right(&mut inactive, TODAY), Err(CardRefusal::NotActive));
    }

    #[test]
    fn damaged_plastic_is_made_once_more() {
        let good = Card { card_type: CardType::Physical, ..fixtures::card() };
        let locked = |reason| {
            let mut card = good.clone();
            card.lock(reason, Locker::User, NOW).expect("locks");
            card
        };
        let physical = |status| Card { status, ..good.clone() };
        for (card, expected) in [
            (good.clone(), Ok(())),
            (physical(CardStatus::Usable(Usable::Inactive)), Ok(())),
            (locked(LockReason::SuspectedFraud), Ok(())),
            (locked(LockReason::CardLost), Err(CardRefusal::LockIrreversible)),
            (physical(CardStatus::Removed { at: NOW }), Err(CardRefusal::Removed)),
            (
                Card { expiry: Date::constant(2026, 10, 31), ..good.clone() },
                Err(CardRefusal::Expired),
            ),
            (fixtures::card(), Err(CardRefusal::OnPlastic)),
        ] {
            assert_eq!(card.may_be_reissued(TODAY), expected, "{card:?}");
        }
    }

    #[test]
    fn linking_shows_a_card_that_may_be_locked_meanwhile() {
        let mut card = Card { status: CardStatus::Usable(Usable::Ordered), ..fixtures::card() };
        card.lock(LockReason::CardStolen, Locker::Network, NOW).expect("locks");
        assert!(card.is_ordered());
        assert_eq!(card.link(), Outcome::Applied);
        assert!(!card.is_ordered());
        assert_eq!(card.link(), Outcome::AlreadyApplied);
        assert_eq!(card.state_on(TODAY), "LOCKED");
        let mut card = fixtures::card();
        assert_eq!(card.link(), Outcome::AlreadyApplied);
        assert_eq!(card, fixtures::card());
    }
}
