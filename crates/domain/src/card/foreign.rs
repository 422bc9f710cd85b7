//! Cards that their processor has made, and that are taken over as they are.

use super::lifecycle::{CardStatus, LockReason, Locker, Usable};
use crate::program::{Port, Program, ProgramState};
use crate::secret::Pan;
use crate::words::words;
use jiff::{Timestamp, civil::Date};
use thiserror::Error;

/// The digits that a number has, of either scheme.
const NUMBER_DIGITS: usize = 16;

words! {
    /// The words for how a card stands at its processor.
    pub enum State {
        /// It pays.
        Active = "ACTIVE",
        /// Its holder has still to activate it.
        Inactive = "INACTIVE",
        /// It is locked; for what is told beside.
        Locked = "LOCKED",
    }
}

/// How a card stands at its processor when it is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It pays.
    Active,
    /// Its holder has still to activate it.
    Inactive,
    /// It is locked.
    Locked(LockReason),
}

/// What is wrong with what was told of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Its number has more or fewer digits than a card of its scheme.
    #[error("must be a card number of 16 digits")]
    NumberLength,
    /// Its number isn't one of its program.
    #[error("must begin with a BIN of the program")]
    NumberOfOtherBin,
    /// Its last day is over.
    #[error("must not be in the past")]
    Expired,
}

impl Standing {
    /// The state that it begins with here. A lock is the partner's, who tells of it; what it goes
    /// back to is that it pays.
    #[must_use]
    pub fn status(self, now: Timestamp) -> CardStatus {
        match self {
            Self::Active => CardStatus::Usable(Usable::Active),
            Self::Inactive => CardStatus::Usable(Usable::Inactive),
            Self::Locked(reason) => CardStatus::Locked {
                reason,
                since: now,
                was: Usable::Active,
                by: Some(Locker::Partner),
            },
        }
    }
}

/// Whether cards of a program are taken over: it is live, and somebody else makes them.
#[must_use]
pub fn takes_over(program: &Program) -> bool {
    program.state == ProgramState::Live && program.port == Port::None
}

/// Whether a card can be one of its program and still works.
pub fn check(program: &Program, number: &Pan, expiry: Date, today: Date) -> Result<(), Unfit> {
    #[expect(clippy::disallowed_methods, reason = "looked at, and told nobody")]
    let digits = number.expose();
    if digits.len() != NUMBER_DIGITS {
        return Err(Unfit::NumberLength);
    }
    if !program.bins.iter().any(|bin| digits.starts_with(bin.as_str())) {
        return Err(Unfit::NumberOfOtherBin);
    }
    if today > expiry { Err(Unfit::Expired) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, program};

    #[test]
    fn a_card_is_taken_over_by_a_live_program_whose_processor_makes_them() {
        for (state, port, expected) in [
            (ProgramState::Live, Port::None, true),
            (ProgramState::Live, Port::Builtin, false),
            (ProgramState::Closed, Port::None, false),
            (ProgramState::Closed, Port::Builtin, false),
        ] {
            assert_eq!(takes_over(&Program { state, port, ..program() }), expected);
        }
    }

    #[test]
    fn a_number_is_of_a_bin_of_its_program_and_its_last_day_is_not_over() {
        let of = |digits| Pan::with_check_digit(digits).expect("digits");
        let bins = ["53208701", "402400"].map(str::to_owned).to_vec();
        let program = Program { bins, ..program() };
        for (digits, expiry, expected) in [
            ("532087010000000", "2026-11-30", Ok(())),
            ("402400123456789", "2026-11-30", Ok(())),
            ("532087010000000", "2026-12-31", Ok(())),
            ("532087010000000", "2026-10-31", Err(Unfit::Expired)),
            ("532087020000000", "2026-11-30", Err(Unfit::NumberOfOtherBin)),
            ("402401123456789", "2026-10-31", Err(Unfit::NumberOfOtherBin)),
            ("53208701000000", "2026-11-30", Err(Unfit::NumberLength)),
            ("5320870100000000", "2026-11-30", Err(Unfit::NumberLength)),
            ("532087010000", "2026-11-30", Err(Unfit::NumberLength)),
        ] {
            let (expiry, today) =
                (expiry.parse().expect("a date"), "2026-11-30".parse().expect("a date"));
            assert_eq!(check(&program, &of(digits), expiry, today), expected, "{digits} {expiry}");
        }
    }

    #[test]
    fn a_card_begins_as_it_stands() {
        for (standing, state, was) in [
            (Standing::Active, "ACTIVE", None),
            (Standing::Inactive, "INACTIVE", None),
            (Standing::Locked(LockReason::CardLost), "LOCKED", Some(Usable::Active)),
        ] {
            let card =
                super::super::Card { status: standing.status(NOW), ..crate::fixtures::card() };
            assert_eq!(card.state_on(card.expiry), state);
            if let CardStatus::Locked { was: before, by, .. } = card.status {
                assert_eq!((Some(before), by), (was, Some(Locker::Partner)));
            }
        }
    }
}
