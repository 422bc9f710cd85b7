//! Wrong secrets of a card, counted so that nobody can try them out.

use jiff::{SignedDuration, Timestamp};

/// Wrong PINs in a row that lock a card (spec "Calls").
pub const PINS: i64 = 3;
/// Wrong codes within [`WINDOW`] after which none is taken.
pub const CODES: usize = 5;
/// Within how long they count, and for how long none is taken then.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// The wrong secrets of a card so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Wrong PINs since the last right or new one.
    pub pins: i64,
    /// When the last wrong codes were sent, the newest last; [`CODES`] at most.
    pub codes: Vec<Timestamp>,
    /// Wrong tries to activate it in a row.
    pub activations: i64,
}

impl Tries {
    /// Counts a wrong PIN; whether it was one too many.
    pub fn wrong_pin(&mut self) -> bool {
        self.pins = self.pins.saturating_add(1);
        self.pins >= PINS
    }

    /// Begins anew: a PIN was right, or there is a new one.
    pub fn right_pin(&mut self) {
        self.pins = 0;
    }

    /// Counts a wrong code.
    pub fn wrong_code(&mut self, now: Timestamp) {
        self.codes.retain(|at| now.duration_since(*at) < WINDOW);
        if self.codes.len() == CODES {
            self.codes.remove(0);
        }
        self.codes.push(now);
    }

    /// Whether no code is taken now, not even the right one: else a thief could go on trying and
    /// would learn which it is.
    #[must_use]
    pub fn are_codes_barred(&self, now: Timestamp) -> bool {
        let [first, .., last] = self.codes.as_slice() else { return false };
        self.codes.len() == CODES
            && last.duration_since(*first) < WINDOW
            && now.duration_since(*last) < WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(hours: i64) -> Timestamp {
        NOW + SignedDuration::from_hours(hours)
    }

    #[test]
    fn the_third_wrong_pin_in_a_row_is_too_many() {
        let mut tries = Tries::default();
        assert!(!tries.wrong_pin() && !tries.wrong_pin());
        tries.right_pin();
        assert!(!tries.wrong_pin() && !tries.wrong_pin());
        assert!(tries.wrong_pin() && tries.wrong_pin());
    }

    #[test]
    fn five_wrong_codes_within_a_day_bar_them_for_a_day() {
        let mut tries = Tries::default();
        for hour in [0, 1, 2, 3] {
            tries.wrong_code(at(hour));
            assert!(!tries.are_codes_barred(at(hour)));
        }
        tries.wrong_code(at(23));
        assert!(tries.are_codes_barred(at(23)) && tries.are_codes_barred(at(46)));
        assert!(!tries.are_codes_barred(at(47)));
        // The next one counts with those of its own day alone.
        tries.wrong_code(at(47));
        assert_eq!(tries.codes, [at(47)]);
    }

    #[test]
    fn slower_tries_never_bar() {
        let mut tries = Tries::default();
        for n in 0..100 {
            tries.wrong_code(at(n * 6));
            assert!(!tries.are_codes_barred(at(n * 6)), "{n}");
        }
    }
}
