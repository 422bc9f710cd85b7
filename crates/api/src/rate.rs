//! How often: a bucket of tokens for each key, kept as the time at which it is full again.
//!
//! In memory, per node. A token comes back with every fraction of a second that its rate says.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered at once. A bucket that is full again needs no memory.
const KEYS_MAX: usize = 65_536;

/// How often something may be done for each key.
pub(crate) struct Rate<K> {
    /// The time in which one token comes back.
    each: Duration,
    /// The time in which an empty bucket becomes full.
    full: Duration,
    buckets: Mutex<Buckets<K>>,
}

struct Buckets<K> {
    full_at: HashMap<K, Instant>,
    /// When the full ones were last forgotten.
    swept: Option<Instant>,
}

impl<K: Eq + Hash> Rate<K> {
    /// So many a second for each key, and twice as many at once after a pause; `None` for 0, which
    /// means without limit.
    pub(crate) fn per_second(count: u32) -> Option<Self> {
        NonZero::new(count).map(|count| Self::new(count, count.get().saturating_mul(2)))
    }

    /// So many a second for each key, and `burst` at once after a pause.
    pub(crate) fn new(per_second: NonZero<u32>, burst: u32) -> Self {
        let each = Duration::from_secs(1) / per_second.get();
        let buckets = Buckets { full_at: HashMap::new(), swept: None };
        Self { each, full: each * burst, buckets: Mutex::new(buckets) }
    }

    /// Takes so many tokens at once, or tells how long to wait for them. All or none: what is
    /// refused costs nothing. Where more keys are in use than are remembered, new ones wait.
    pub(crate) fn take(&self, key: K, count: u32, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.full_at.len() >= KEYS_MAX && !buckets.full_at.contains_key(&key) {
            buckets.sweep(now);
            if buckets.full_at.len() >= KEYS_MAX {
                return Err(Duration::from_secs(1));
            }
        }
        let full_at = buckets.full_at.entry(key).or_insert(now);
        let then = (*full_at).max(now) + self.each * count;
        let wait = then.saturating_duration_since(now + self.full);
        if wait.is_zero() {
            *full_at = then;
            return Ok(());
        }
        Err(wait)
    }
}

impl<K> Buckets<K> {
    /// Forgets the full ones, once a second at most.
    fn sweep(&mut self, now: Instant) {
        if self.swept.is_none_or(|swept| now >= swept + Duration::from_secs(1)) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn two_seconds_worth_may_come_at_once_and_then_one_by_one() {
        let (rate, now) = (Rate::per_second(5).expect("a limit"), Instant::now());
        for _ in 0..10 {
            assert_eq!(rate.take("a", 1, now), Ok(()));
        }
        assert_eq!(rate.take("a", 1, now), Err(SECOND / 5));
        assert_eq!(rate.take("b", 1, now), Ok(()), "each key has a bucket of its own");
        let later = now + SECOND / 5;
        assert_eq!(rate.take("a", 1, later), Ok(()));
        assert!(rate.take("a", 1, later).is_err(), "a refusal costs no token, and gives none");
        let much_later = later + SECOND * 60;
        let taken = (0..100).filter(|_| rate.take("a", 1, much_later).is_ok()).count();
        assert_eq!(taken, 10, "a pause fills the bucket and no more");
    }

    #[test]
    fn who_asks_for_several_gets_all_or_none() {
        let rate = Rate::new(NonZero::new(1).expect("one"), 4);
        let now = Instant::now();
        assert_eq!(rate.take("a", 5, now), Err(SECOND));
        assert_eq!(rate.take("a", 4, now), Ok(()));
        assert_eq!(rate.take("a", 2, now), Err(SECOND * 2));
        assert_eq!(rate.take("a", 1, now), Err(SECOND));
        assert_eq!(rate.take("a", 1, now + SECOND), Ok(()));
    }

    #[test]
    fn no_limit_is_told_as_zero() {
        assert!(Rate::<u8>::per_second(0).is_none());
    }

    #[test]
    fn so_many_keys_are_remembered_and_those_at_rest_forgotten() {
        let (rate, now) = (Rate::per_second(1).expect("a limit"), Instant::now());
        for key in 0..KEYS_MAX {
            assert_eq!(rate.take(key, 1, now), Ok(()));
        }
        assert_eq!(rate.take(KEYS_MAX, 1, now), Err(SECOND));
        assert_eq!(rate.take(0, 1, now), Ok(()), "known keys aren't touched by it");
        assert_eq!(rate.take(KEYS_MAX, 1, now + SECOND * 3), Ok(()));
    }
}
