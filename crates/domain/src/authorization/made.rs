//! Which checks of an authorization were made, and which of them failed: told afterwards, by the
//! reason of the decision, from the very list that decides.

use super::Decline;
use super::checks::{CHECKS_BEYOND, CHECKS_OF_CARD};
use super::secrets::CODE_AND_PIN;
use crate::transaction::{DecidedBy, Description};
use crate::words::words;

words! {
    /// A check of an authorization.
    pub enum CheckName {
        /// Its own reversal wasn't there before it.
        EarlyReversal = "EARLY_REVERSAL",
        /// The amount can be one.
        Amount = "AMOUNT",
        /// The card is there, is the processor's, and is active.
        Card = "CARD",
        /// The card isn't past its last day, and the message names that.
        Expiry = "EXPIRY",
        /// Chip, code and PIN are the card's.
        CodeAndPin = "CODE_AND_PIN",
        /// The balance is there, isn't locked, and has the currency.
        Balance = "BALANCE",
        /// Whose it is may act.
        Owner = "OWNER",
        /// They are under no transactional lock.
        TransactionalLocks = "TRANSACTIONAL_LOCKS",
        /// The card's program allows it.
        Program = "PROGRAM",
        /// What it raises is there.
        Reference = "REFERENCE",
        /// The limits and controls of the program.
        ProgramLimits = "PROGRAM_LIMITS",
        /// The limits and controls of the card.
        CardLimits = "CARD_LIMITS",
        /// The limits and controls of the owner.
        OwnerLimits = "OWNER_LIMITS",
        /// The budgets of card and owner.
        Budget = "BUDGET",
        /// The partner's deposit suffices.
        Deposit = "DEPOSIT",
        /// The balance suffices.
        Funds = "FUNDS",
        /// The partner, which is asked, agrees.
        Partner = "PARTNER",
    }
}

words! {
    /// What came of a check.
    pub enum CheckOutcome {
        /// It let the request pass.
        Passed = "PASSED",
        /// It names the decline.
        Failed = "FAILED",
        /// It is one of several that decline for the reason that was noted.
        MayHaveFailed = "MAY_HAVE_FAILED",
        /// It stands between such checks, or isn't known of.
        Unknown = "UNKNOWN",
        /// One before it declined.
        NotReached = "NOT_REACHED",
    }
}

/// A check as it is told of: its name, and for what reasons it declines.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: CheckName,
    pub(super) reasons: &'static [Description],
}

impl Told {
    /// Whether this is a decline of its own.
    pub(super) fn declines(&self, made: Result<(), Decline>) -> bool {
        made.is_err_and(|decline| self.reasons.contains(&decline.description))
    }
}

/// The partner's own decision, behind ours.
const PARTNER: Told = Told {
    name: CheckName::Partner,
    reasons: &[
        Description::InsufficientFunds,
        Description::LimitsExceeded,
        Description::FraudsDetected,
        Description::BalanceNotFound,
        Description::ClientError,
        Description::PartnerTimeout,
    ],
};

/// What was said about an authorization in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Why it was decided so.
    pub description: Description,
    /// Who decided.
    pub by: DecidedBy,
    /// Whether the partner is asked about such payments.
    pub is_shared: bool,
    /// Whether it was approved first, and declined since nobody could be told of that any more.
    pub was_late: bool,
}

/// The checks of an authorization in their order, each with what came of it; none where the network
/// has decided in our place.
#[must_use]
pub fn checks_made(said: &Said) -> Vec<(CheckName, CheckOutcome)> {
    if said.by == DecidedBy::Network {
        return Vec::new();
    }
    let ours = CHECKS_OF_CARD.iter().map(|check| &check.told).chain([&CODE_AND_PIN]);
    let ours = ours.chain(CHECKS_BEYOND.iter().map(|check| &check.told));
    let unanswered = said.description == Description::PartnerTimeout;
    let asked = said.is_shared || said.by != DecidedBy::Platform || unanswered;
    let checks: Vec<&Told> = ours.chain(asked.then_some(&PARTNER)).collect();
    let (first, last) = match failed(said, &checks) {
        Failed::None => (checks.len(), checks.len()),
        Failed::Between(first, last) => (first, last),
        Failed::Unknown => {
            return checks.iter().map(|check| (check.name, CheckOutcome::Unknown)).collect();
        }
    };
    let outcome = |(place, check): (usize, &&Told)| {
        let outcome = match place {
            // It gave no answer, and we decided in its place.
            _ if said.by == DecidedBy::StandIn && check.name == CheckName::Partner => {
                CheckOutcome::Unknown
            }
            place if place < first => CheckOutcome::Passed,
            // Of a payment that a partner was asked about some checks are made once more after it
            // has agreed: which of the two said no isn't kept.
            place if place > last && said.is_shared => CheckOutcome::Unknown,
            place if place > last => CheckOutcome::NotReached,
            _ if first == last => CheckOutcome::Failed,
            _ if check.reasons.contains(&said.description) => CheckOutcome::MayHaveFailed,
            _ => CheckOutcome::Unknown,
        };
        (check.name, outcome)
    };
    checks.iter().enumerate().map(outcome).collect()
}

/// Which checks may have failed, by their places.
enum Failed {
    None,
    /// One from the first to the last of these.
    Between(usize, usize),
    Unknown,
}

fn failed(said: &Said, checks: &[&Told]) -> Failed {
    if said.description == Description::Approved || said.was_late {
        return Failed::None;
    }
    let declines = |check: &&Told| check.reasons.contains(&said.description);
    // Of a partner that has refused all of ours have let it pass; so they have where one that is
    // asked gave no answer.
    let unanswered = said.description == Description::PartnerTimeout;
    if (said.by == DecidedBy::Partner || unanswered) && declines(&&PARTNER) {
        return Failed::Between(checks.len() - 1, checks.len() - 1);
    }
    let ours = checks.iter().enumerate().filter(|(_, it)| it.name != CheckName::Partner);
    let places: Vec<usize> = ours.filter(|(_, it)| declines(it)).map(|(place, _)| place).collect();
    match (places.first(), places.last()) {
        (Some(first), Some(last)) => Failed::Between(*first, *last),
        _ => Failed::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckOutcome::{Failed, MayHaveFailed, NotReached, Passed, Unknown};
    use Description as D;

    fn said(description: D, by: DecidedBy, is_shared: bool) -> Said {
        Said { description, by, is_shared, was_late: false }
    }

    fn of(made: &[(CheckName, CheckOutcome)], outcome: CheckOutcome) -> Vec<&'static str> {
        made.iter().filter(|it| it.1 == outcome).map(|it| it.0.as_str()).collect()
    }

    #[test]
    fn the_reason_tells_the_check_that_failed() {
        for (description, failed) in [
            (D::UnknownError, "EARLY_REVERSAL"),
            (D::InvalidAmount, "AMOUNT"),
            (D::CardNotFound, "CARD"),
            (D::CardNotActive, "CARD"),
            (D::CardLocked, "CARD"),
            (D::CardExpired, "EXPIRY"),
            (D::FraudsDetected, "CODE_AND_PIN"),
            (D::IncorrectPin, "CODE_AND_PIN"),
            (D::BalanceLocked, "BALANCE"),
            (D::CustomerLocked, "OWNER"),
            (D::AmlException, "TRANSACTIONAL_LOCKS"),
            (D::ReferencedTransactionNotFound, "REFERENCE"),
            (D::ExceedsAmountLimit, "CARD_LIMITS"),
            (D::BudgetExceeded, "BUDGET"),
            (D::InsufficientFundsOnDepositBalance, "DEPOSIT"),
            (D::InsufficientFunds, "FUNDS"),
        ] {
            let made = checks_made(&said(description, DecidedBy::Platform, false));
            assert_eq!(made.len(), CheckName::ALL.len() - 1, "{description}");
            assert_eq!(of(&made, Failed), [failed], "{description}");
            let place = made.iter().position(|it| it.1 == Failed).expect("one");
            assert!(made[..place].iter().all(|it| it.1 == Passed), "{description}");
            assert!(made[place + 1..].iter().all(|it| it.1 == NotReached), "{description}");
        }
    }

    #[test]
    fn a_reason_of_several_checks_names_all_of_them() {
        let made = checks_made(&said(D::LimitExceed, DecidedBy::Platform, false));
        assert_eq!(of(&made, MayHaveFailed), ["PROGRAM_LIMITS", "OWNER_LIMITS"]);
        assert_eq!(of(&made, Unknown), ["CARD_LIMITS"]);
        assert_eq!(of(&made, NotReached), ["BUDGET", "DEPOSIT", "FUNDS"]);
    }

    #[test]
    fn whom_we_ask_comes_last() {
        let all = |made: &[(CheckName, CheckOutcome)]| made.iter().all(|it| it.1 == Passed);
        for (description, by, is_shared, failed) in [
            (D::InsufficientFunds, DecidedBy::Partner, true, vec!["PARTNER"]),
            (D::PartnerTimeout, DecidedBy::Platform, true, vec!["PARTNER"]),
            (D::InsufficientFunds, DecidedBy::Platform, true, vec!["FUNDS"]),
            (D::CardLocked, DecidedBy::Platform, true, vec!["CARD"]),
            (D::Approved, DecidedBy::Partner, true, vec![]),
            (D::PartnerTimeout, DecidedBy::Platform, false, vec!["PARTNER"]),
        ] {
            let made = checks_made(&said(description, by, is_shared));
            assert_eq!(of(&made, Failed), failed, "{description} by {by}");
            assert_eq!(made.last().expect("some").0, CheckName::Partner);
            assert_eq!(all(&made), failed.is_empty());
        }
        // Whether the partner had agreed before isn't known.
        let made = checks_made(&said(D::CardLocked, DecidedBy::Platform, true));
        assert_eq!(of(&made, NotReached), Vec::<&str>::new());
        let stood_in = checks_made(&said(D::Approved, DecidedBy::StandIn, true));
        assert_eq!(of(&stood_in, Unknown), ["PARTNER"], "it gave no answer");
        assert!(checks_made(&said(D::Approved, DecidedBy::Network, false)).is_empty());
        let late = Said { was_late: true, ..said(D::UnknownError, DecidedBy::Platform, false) };
        assert!(all(&checks_made(&late)));
        let strange = checks_made(&said(D::Expired, DecidedBy::Platform, false));
        assert!(strange.iter().all(|it| it.1 == Unknown));
    }

    #[test]
    fn every_check_has_its_place() {
        let made = checks_made(&said(D::Approved, DecidedBy::Partner, true));
        let names: Vec<CheckName> = made.iter().map(|it| it.0).collect();
        assert_eq!(names, CheckName::ALL, "the list of names is in the order of the checks");
    }
}
