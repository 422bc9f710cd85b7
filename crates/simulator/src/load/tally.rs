//! What came of a load.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The longest time that is told apart, in microseconds: a minute.
const LONGEST: u64 = 60_000_000;
/// Digits that are kept of a time.
const DIGITS: u8 = 3;

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was approved.
    Approved,
    /// It was declined.
    Declined,
    /// A reversal was accepted.
    Reversed,
    /// It was refused because there was too much to do.
    Refused(String),
    /// It wasn't answered, or not as it should be.
    Error(String),
}

/// What came of many.
#[derive(Debug)]
pub struct Tally {
    times: Histogram<u64>,
    figures: Figures,
    /// Turns that came so late that nothing was sent.
    pub unsent: u64,
    last: Option<Instant>,
}

/// What is told of a load. Times are in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Authorizations approved.
    pub approved: u64,
    /// Authorizations declined.
    pub declined: u64,
    /// Reversals accepted.
    pub reversed: u64,
    /// Messages without an answer that was understood, and those that were never sent.
    pub errors: u64,
    /// Of the errors, messages that were refused because there was too much to do.
    pub refused: u64,
    /// The first error, in words.
    pub first_error: Option<String>,
    /// How long it took, from the first message that counts to the last answer.
    pub elapsed: u64,
    /// Half of the messages took at most this.
    pub p50: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1,000.
    pub p999: u64,
    /// All of them.
    pub longest: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let times = Histogram::new_with_bounds(1, LONGEST, DIGITS);
        let times = times.expect("the bounds are sound");
        Self { times, figures: Figures::default(), unsent: 0, last: None }
    }

    /// Counts a message.
    pub fn record(&mut self, took: Duration, outcome: &Outcome) {
        self.last = Some(Instant::now());
        match outcome {
            Outcome::Approved => self.figures.approved += 1,
            Outcome::Declined => self.figures.declined += 1,
            Outcome::Reversed => self.figures.reversed += 1,
            Outcome::Refused(why) => {
                self.figures.refused += 1;
                return self.error(why);
            }
            Outcome::Error(why) => return self.error(why),
        }
        self.times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts an error.
    pub fn error(&mut self, why: &str) {
        self.figures.errors += 1;
        self.figures.first_error.get_or_insert_with(|| why.to_owned());
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.times.add(&other.times);
        let (all, one) = (&mut self.figures, &other.figures);
        all.approved += one.approved;
        all.declined += one.declined;
        all.reversed += one.reversed;
        all.errors += one.errors;
        all.refused += one.refused;
        all.elapsed = all.elapsed.max(one.elapsed);
        all.first_error = all.first_error.take().or_else(|| one.first_error.clone());
        self.unsent += other.unsent;
        self.last = self.last.max(other.last);
    }

    /// Ends the count of what began at this moment.
    pub fn end(&mut self, counted_from: Instant) {
        let elapsed = self.last.map_or(Duration::ZERO, |last| last - counted_from);
        self.figures.elapsed = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    }

    /// What is told of it.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let at = |quantile| self.times.value_at_quantile(quantile);
        let unsent = (self.unsent > 0).then(|| "the server fell behind the rate".to_owned());
        Figures {
            errors: self.figures.errors + self.unsent,
            first_error: self.figures.first_error.clone().or(unsent),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            longest: self.times.max(),
            ..self.figures.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up_over_threads() {
        let begun = Instant::now();
        let mut all = Tally::new();
        for thread in 0..2 {
            let mut one = Tally::new();
            for millisecond in 1..=1_000 {
                one.record(Duration::from_millis(millisecond), &Outcome::Approved);
            }
            one.record(Duration::from_millis(1), &Outcome::Declined);
            one.record(Duration::from_millis(1), &Outcome::Reversed);
            one.record(Duration::from_secs(9), &Outcome::Error(format!("thread {thread}")));
            one.record(Duration::from_secs(9), &Outcome::Refused("status 503".to_owned()));
            one.unsent = 3;
            all.add(&one);
        }
        all.end(begun);
        let told = all.figures();
        assert_eq!((told.approved, told.declined, told.reversed), (2_000, 2, 2));
        assert_eq!((told.errors, told.refused), (10, 2), "refused, unsent and failed");
        assert_eq!(told.first_error.as_deref(), Some("thread 0"));
        assert!((498_000..=501_000).contains(&told.p50), "{told:?}");
        assert!((987_000..=991_000).contains(&told.p99), "{told:?}");
        assert!((1_000_000..=1_001_000).contains(&told.longest), "errors have no time: {told:?}");
    }
}
