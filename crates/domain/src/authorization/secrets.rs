//! What of a card only its holder knows: code and PIN, and what becomes of the card when they are
//! wrong.

use super::made::{CheckName, Told};
use super::{Decline, Facts, Request};
use crate::card::Card;
use crate::card::lifecycle::{LockReason, Locker};
use crate::transaction::Description;
use jiff::Timestamp;

/// What came of comparing a secret. It is done by the key provider before the queue, for every
/// message that carries one, and is a fact by the time of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is the card's, as of this generation of its key or version of its PIN.
    Match {
        /// What it was compared with.
        version: i64,
    },
    /// It isn't.
    NoMatch {
        /// What it was compared with.
        version: i64,
    },
    /// It couldn't be read: it tells nothing of what the holder knows, so it isn't a try.
    Unreadable,
    /// The message carried none.
    NotSent,
}

/// What the processor found of a chip's cryptogram, which it checks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// Nothing is wrong, or there was none.
    NotDoubted,
    /// It wasn't made by the card's chip.
    Counterfeit,
}

impl Verified {
    /// Whether it was compared with something else than is there now.
    #[must_use]
    fn is_of_another(self, version: i64) -> bool {
        match self {
            Self::Match { version: compared } | Self::NoMatch { version: compared } => {
                compared != version
            }
            Self::Unreadable | Self::NotSent => false,
        }
    }
}

impl Request {
    /// Whether code or PIN was compared with one that the card doesn't have any more: then it has
    /// to be compared again.
    #[must_use]
    pub fn is_outdated(&self, card: &Card) -> bool {
        let codes = [self.cvv, self.read_code];
        codes.into_iter().any(|code| code.is_of_another(card.cvc_generation))
            || self.pin.is_of_another(card.pin_version)
    }
}

/// The check of both, as it is told of: its place is between those of the card and the rest.
pub(super) const CODE_AND_PIN: Told = Told {
    name: CheckName::CodeAndPin,
    reasons: &[
        Description::FraudsDetected,
        Description::IncorrectCvv,
        Description::IncorrectPin,
        Description::PinTriesExceeded,
    ],
};

/// Checks code and PIN. The card comes back as it is after that, if it is another.
pub(super) fn prove(request: &Request, facts: &Facts<'_>) -> (Option<Card>, Result<(), Decline>) {
    let Some(card) = facts.card else { return (None, Ok(())) };
    if request.chip == Chip::Counterfeit {
        return (None, Err(Description::FraudsDetected.into()));
    }
    if [request.read_code, request.cvv, request.pin] == [Verified::NotSent; 3] {
        return (None, Ok(()));
    }
    let mut after = card.clone();
    let proved = check_read_code(card, request.read_code)
        .and_then(|()| check_code(&mut after, request.cvv, facts.now))
        .and_then(|()| check_pin(&mut after, request.pin, facts.now));
    ((after != *card).then_some(after), proved)
}

/// Nobody guesses what a terminal reads: a wrong one counts as no try, and no other bars it.
fn check_read_code(card: &Card, sent: Verified) -> Result<(), Decline> {
    match sent {
        Verified::NotSent => Ok(()),
        Verified::Match { version } if version == card.cvc_generation => Ok(()),
        Verified::Match { .. } | Verified::NoMatch { .. } | Verified::Unreadable => {
            Err(Description::IncorrectCvv.into())
        }
    }
}

fn check_code(card: &mut Card, sent: Verified, now: Timestamp) -> Result<(), Decline> {
    if sent == Verified::NotSent {
        return Ok(());
    }
    if card.tries.are_codes_barred(now) {
        return Err(Description::IncorrectCvv.into());
    }
    match sent {
        Verified::Match { version } if version == card.cvc_generation => Ok(()),
        Verified::NoMatch { version } if version == card.cvc_generation => {
            card.tries.wrong_code(now);
            Err(Description::IncorrectCvv.into())
        }
        Verified::Match { .. }
        | Verified::NoMatch { .. }
        | Verified::Unreadable
        | Verified::NotSent => Err(Description::IncorrectCvv.into()),
    }
}

/// The third wrong PIN in a row locks the card (spec "Calls").
fn check_pin(card: &mut Card, sent: Verified, now: Timestamp) -> Result<(), Decline> {
    match sent {
        Verified::NotSent => Ok(()),
        Verified::Match { version } if version == card.pin_version => {
            card.tries.right_pin();
            Ok(())
        }
        Verified::NoMatch { version } if version == card.pin_version => {
            if !card.tries.wrong_pin() {
                return Err(Description::IncorrectPin.into());
            }
            // It is active, else this check isn't reached; so it can be locked.
            card.lock(LockReason::PinTriesExceeded, Locker::Platform, now)
                .map_err(|_| Description::PinTriesExceeded)?;
            Err(Description::PinTriesExceeded.into())
        }
        Verified::Match { .. } | Verified::NoMatch { .. } | Verified::Unreadable => {
            Err(Description::IncorrectPin.into())
        }
    }
}
