//! Birth dates as lists give them, and what they say about a subject's.

use crate::words::words;
use jiff::civil::Date;

/// How many years before and after "about" a year still agree with it. Lists that say so mean a
/// person whose papers differ; two years hold most of those differences.
const CIRCA_YEARS: i16 = 2;
/// How many days a birth date may be off without speaking against its owner: lists mistake days,
/// months and years of calendars.
const NEAR_DAYS: i64 = 366;

/// One birth date of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// A day.
    Day(Date),
    /// A year, or years of which it is one.
    Years {
        /// The first.
        from: i16,
        /// The last, which may be the same.
        to: i16,
        /// Whether the list says that it is about then.
        circa: bool,
    },
}

words! {
    /// What a subject's birth date says about a hit.
    pub enum BirthMatch {
        /// It is one that the list gives.
        Agrees = "AGREES",
        /// The subject's or the entry's isn't known, or they are too near to tell.
        Unknown = "UNKNOWN",
        /// It is none that the list gives.
        Contradicts = "CONTRADICTS",
    }
}

impl Birth {
    /// A single year.
    #[must_use]
    pub const fn year(year: i16) -> Self {
        Self::Years { from: year, to: year, circa: false }
    }

    /// Years between two, in whichever order they are given.
    #[must_use]
    pub const fn years(one: i16, two: i16) -> Self {
        let (from, to) = if one <= two { (one, two) } else { (two, one) };
        Self::Years { from, to, circa: false }
    }

    /// The same, about then. A day becomes its year, since "about" a day says no more.
    #[must_use]
    pub fn circa(self) -> Self {
        match self {
            Self::Day(day) => Self::Years { from: day.year(), to: day.year(), circa: true },
            Self::Years { from, to, .. } => Self::Years { from, to, circa: true },
        }
    }

    /// What this one says about somebody who was born on a day.
    #[must_use]
    pub fn compare(self, born: Date) -> BirthMatch {
        match self {
            Self::Day(day) if day == born || is_swapped(day, born) => BirthMatch::Agrees,
            Self::Day(day) => {
                let days_apart = day.duration_since(born).as_hours().abs() / 24;
                if days_apart <= NEAR_DAYS { BirthMatch::Unknown } else { BirthMatch::Contradicts }
            }
            Self::Years { from, to, circa } => {
                let about = if circa { CIRCA_YEARS } else { 0 };
                let within = |years: i16| {
                    (from.saturating_sub(years)..=to.saturating_add(years)).contains(&born.year())
                };
                if within(about) {
                    BirthMatch::Agrees
                } else if within(about + 1) {
                    BirthMatch::Unknown
                } else {
                    BirthMatch::Contradicts
                }
            }
        }
    }
}

/// What all birth dates of an entry say: one that agrees is enough, and only if none is near does
/// the subject's speak against it.
pub(super) fn compare(births: &[Birth], born: Option<Date>) -> BirthMatch {
    let Some(born) = born else { return BirthMatch::Unknown };
    let each = births.iter().map(|birth| birth.compare(born));
    each.min().unwrap_or(BirthMatch::Unknown)
}

/// Whether two days differ in the order of day and month alone, which Americans write otherwise.
fn is_swapped(one: Date, two: Date) -> bool {
    one.year() == two.year() && one.day() == two.month() && one.month() == two.day()
}
