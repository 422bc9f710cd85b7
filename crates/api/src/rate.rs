//! How often: a bucket of tokens for each key, kept as the time at which it is full again.
//!
//! In memory, per node. A token comes back with every fraction of a second that its rate says; a
//! full bucket lasts for two seconds of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A full bucket, in time: what may come at once after a pause.
const BURST: Duration = Duration::from_secs(2);
/// Keys that are remembered at once. A bucket that is full again needs no memory.
const KEYS_MAX: usize = 65_536;

/// How often something may be done for each key.
pub(crate) struct Rate<K> {
    /// The time in which one token comes back.
    each: Duration,
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
        let each = Duration::from_secs(1).checked_div(count)?;
        let buckets = Buckets { full_at: HashMap::new(), swept: None };
        Some(Self { each, buckets: Mutex::new(buckets) })
    }

    /// Takes a token; where none is left, answers the whole seconds until there is one. Where more
    /// keys are in use than are remembered, new ones wait.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.full_at.len() >= KEYS_MAX && !buckets.full_at.contains_key(&key) {
            buckets.sweep(now);
            if buckets.full_at.len() >= KEYS_MAX {
                return Err(1);
            }
        }
        let full_at = buckets.full_at.entry(key).or_insert(now);
        let then = (*full_at).max(now) + self.each;
        let over = then.saturating_duration_since(now + BURST);
        if over.is_zero() {
            *full_at = then;
            return Ok(());
        }
        Err(over.as_secs() + u64::from(over.subsec_nanos() > 0))
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

    #[test]
    fn two_seconds_worth_may_come_at_once_and_then_one_by_one() {
        let (rate, now) = (Rate::per_second(5).expect("a limit"), Instant::now());
        for _ in 0..10 {
            assert_eq!(rate.take("a", now), Ok(()));
        }
        assert_eq!(rate.take("a", now), Err(1));
        assert_eq!(rate.take("b", now), Ok(()), "each key has a bucket of its own");
        let later = now + Duration::from_millis(200);
        assert_eq!(rate.take("a", later), Ok(()));
        assert_eq!(rate.take("a", later), Err(1), "a refusal costs no token, and gives none");
        let much_later = later + Duration::from_secs(60);
        let taken = (0..100).filter(|_| rate.take("a", much_later).is_ok()).count();
        assert_eq!(taken, 10, "a pause fills the bucket and no more");
    }

    #[test]
    fn no_limit_is_told_as_zero() {
        assert!(Rate::<u8>::per_second(0).is_none());
    }

    #[test]
    fn so_many_keys_are_remembered_and_those_at_rest_forgotten() {
        let (rate, now) = (Rate::per_second(1).expect("a limit"), Instant::now());
        for key in 0..KEYS_MAX {
            assert_eq!(rate.take(key, now), Ok(()));
        }
        assert_eq!(rate.take(KEYS_MAX, now), Err(1));
        assert_eq!(rate.take(0, now), Ok(()), "known keys aren't touched by it");
        assert_eq!(rate.take(KEYS_MAX, now + Duration::from_secs(3)), Ok(()));
    }
}
