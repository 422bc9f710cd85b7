//! How soon cards are used: on which day each was issued, and on which it was first paid with.
//!
//! Days are the partner's. A card is used within a day if that is the day on which it was issued or
//! the one after. Whether it is can't be told before that day is over, so until then it is counted
//! neither among those that were nor among those that could have been.

use crate::transaction::{Processing, TransactionType};
use jiff::ToSpan as _;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Within how many days it is told.
pub const WITHIN_DAYS: [i64; 5] = [1, 2, 5, 15, 30];

/// Whether a transaction of a card is a use of it: a payment of more than nothing that was
/// approved, or that is taken as it is. What is given back later was a use all the same.
#[must_use]
pub fn is_use(kind: TransactionType, processing: Processing, minor: i64) -> bool {
    kind.is_of_the_network() && processing == Processing::Success && minor > 0
}

/// Within which of [`WITHIN_DAYS`] a card was used, 1 for each that is true.
#[must_use]
pub fn within(issued_on: Date, used_on: Date) -> [i64; WITHIN_DAYS.len()] {
    WITHIN_DAYS.map(|days| i64::from(last_day(issued_on, days).is_some_and(|last| used_on <= last)))
}

/// The last day that is within so many of a day.
fn last_day(issued_on: Date, days: i64) -> Option<Date> {
    issued_on.checked_add(days.days()).ok()
}

/// Cards of a program that were issued on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// The program.
    pub config_id: String,
    /// The day.
    pub issued_on: Date,
    /// How many cards.
    pub issued: i64,
    /// How many of them were used within each of [`WITHIN_DAYS`].
    pub used: [i64; WITHIN_DAYS.len()],
}

/// How many of some cards were used soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// How many were issued.
    pub issued: i64,
    /// For each of [`WITHIN_DAYS`].
    pub within: [Share; WITHIN_DAYS.len()],
}

/// How many were used within some days, of so many for which these are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many it can be told of.
    pub of: i64,
    /// How many of these were used.
    pub used: i64,
}

impl Share {
    /// In hundredths of a percent; none where it can be told of no card.
    #[must_use]
    pub fn rate(self) -> Option<i64> {
        self.used.saturating_mul(10_000).checked_div(self.of)
    }
}

impl Use {
    /// Adds cards of which is known what happened before `today`; today isn't over.
    fn add(&mut self, cohort: &Cohort, today: Date) {
        self.issued += cohort.issued;
        let each = self.within.iter_mut().zip(WITHIN_DAYS).zip(cohort.used);
        for ((share, days), used) in each {
            if last_day(cohort.issued_on, days).is_some_and(|last| last < today) {
                share.of += cohort.issued;
                share.used += used;
            }
        }
    }
}

/// What cohorts come to: in all, and by program.
#[must_use]
pub fn sums(cohorts: &[Cohort], today: Date) -> (Use, BTreeMap<String, Use>) {
    let (mut all, mut programs) = (Use::default(), BTreeMap::<String, Use>::new());
    for cohort in cohorts {
        all.add(cohort, today);
        programs.entry(cohort.config_id.clone()).or_default().add(cohort, today);
    }
    (all, programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    #[test]
    fn a_card_is_used_within_the_days_that_follow_its_issue() {
        let issued = day("2026-10-31");
        for (used, counted) in [
            ("2026-10-30", [1, 1, 1, 1, 1]),
            ("2026-10-31", [1, 1, 1, 1, 1]),
            ("2026-11-01", [1, 1, 1, 1, 1]),
            ("2026-11-02", [0, 1, 1, 1, 1]),
            ("2026-11-03", [0, 0, 1, 1, 1]),
            ("2026-11-05", [0, 0, 1, 1, 1]),
            ("2026-11-06", [0, 0, 0, 1, 1]),
            ("2026-11-15", [0, 0, 0, 1, 1]),
            ("2026-11-16", [0, 0, 0, 0, 1]),
            ("2026-11-30", [0, 0, 0, 0, 1]),
            ("2026-12-01", [0, 0, 0, 0, 0]),
        ] {
            assert_eq!(within(issued, day(used)), counted, "{used}");
        }
    }

    #[test]
    fn what_is_not_over_is_counted_on_neither_side() {
        let cohort = |config_id: &str, issued_on, issued, used| Cohort {
            config_id: config_id.to_owned(),
            issued_on: day(issued_on),
            issued,
            used,
        };
        let cohorts = [
            cohort("a", "2026-11-01", 10, [1, 2, 3, 4, 5]),
            cohort("a", "2026-11-02", 1, [1, 1, 1, 1, 1]),
            cohort("b", "2026-11-02", 4, [0, 1, 2, 2, 2]),
        ];
        let (all, programs) = sums(&cohorts, day("2026-11-04"));
        let share = |of, used| Share { of, used };
        let none = share(0, 0);
        assert_eq!(all.issued, 15);
        assert_eq!(all.within, [share(15, 2), share(10, 2), none, none, none]);
        assert_eq!(all.within.map(Share::rate), [Some(1_333), Some(2_000), None, None, None]);
        assert_eq!(programs["b"].within, [share(4, 0), none, none, none, none]);
        let (later, _) = sums(&cohorts, day("2026-12-03"));
        assert_eq!(later.within[4], share(15, 8));
        assert_eq!(sums(&[], day("2026-11-04")), (Use::default(), BTreeMap::new()));
    }

    #[test]
    fn only_a_payment_that_was_approved_is_a_use() {
        let used = |kind| is_use(kind, Processing::Success, 1);
        assert!(used(TransactionType::Pos) && used(TransactionType::Atm));
        assert!(!used(TransactionType::BalanceInquiry) && !used(TransactionType::TopUp));
        assert!(
            !is_use(TransactionType::Pos, Processing::Success, 0),
            "the card was only verified"
        );
        for processing in [Processing::Declined, Processing::Invalid, Processing::Asking] {
            assert!(!is_use(TransactionType::Pos, processing, 1));
        }
    }
}
