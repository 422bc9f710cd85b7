//! How many private operations a certificate may ask for: a bucket of tokens each, filled at an
//! even rate. On each node by itself.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More buckets than these are looked through for those that are full again, and as good as none.
/// Every holder is a registered certificate, so they can't be made at will.
const BUCKETS_KEPT: usize = 1024;

/// Whose bucket it is: the fingerprint of a certificate.
pub(crate) type Holder = [u8; 32];

/// The buckets of all holders.
#[derive(Debug)]
pub(crate) struct Budgets {
    /// The time in which one operation is earned.
    each: Duration,
    /// The time in which an empty bucket becomes full.
    full: Duration,
    /// When each bucket will be full again.
    full_at: Mutex<HashMap<Holder, Instant>>,
}

impl Budgets {
    /// So many operations a second, half of them at once, and `burst_min` at once at least.
    pub(crate) fn of(per_second: NonZero<u32>, burst_min: u32) -> Self {
        let each = Duration::from_secs(1) / per_second.get();
        let burst = (per_second.get() / 2).max(burst_min);
        Self { each, full: each * burst, full_at: Mutex::default() }
    }

    /// Takes so many operations at once, or tells how long to wait for them. All or none: what is
    /// refused costs nothing.
    pub(crate) fn take(&self, holder: Holder, count: u32, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_KEPT && !buckets.contains_key(&holder) {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let full_at = buckets.get(&holder).map_or(now, |full_at| (*full_at).max(now));
        let after = full_at + self.each * count;
        let wait = after.saturating_duration_since(now + self.full);
        if wait.is_zero() {
            buckets.insert(holder, after);
            return Ok(());
        }
        Err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(per_second: u32) -> Budgets {
        Budgets::of(NonZero::new(per_second).expect("more than none"), 4)
    }

    #[test]
    fn a_rate_is_kept_to_and_half_a_second_may_be_spent_at_once() {
        let (budgets, begin) = (budgets(50), Instant::now());
        let mut taken = 0;
        for milliseconds in 0..10_000 {
            let now = begin + Duration::from_millis(milliseconds);
            while budgets.take([1; 32], 1, now).is_ok() {
                taken += 1;
            }
            if milliseconds == 0 {
                assert_eq!(taken, 25);
            }
        }
        assert_eq!(taken, 25 + 499);
    }

    #[test]
    fn who_is_refused_is_told_how_long_to_wait() {
        let (budgets, now) = (budgets(1), Instant::now());
        assert_eq!(budgets.take([1; 32], 4, now), Ok(()));
        assert_eq!(budgets.take([1; 32], 2, now), Err(Duration::from_secs(2)));
        assert_eq!(budgets.take([1; 32], 1, now), Err(Duration::from_secs(1)));
        let later = now + Duration::from_secs(1);
        assert_eq!(budgets.take([1; 32], 1, later), Ok(()));
        assert_eq!(budgets.take([2; 32], 4, now), Ok(()), "others have buckets of their own");
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let (budgets, begin) = (budgets(50), Instant::now());
        for number in 0..10_000u32 {
            let mut holder = [0; 32];
            holder[..4].copy_from_slice(&number.to_be_bytes());
            let now = begin + Duration::from_millis(u64::from(number));
            assert_eq!(budgets.take(holder, 1, now), Ok(()));
        }
        assert!(budgets.full_at.lock().expect("whole").len() <= BUCKETS_KEPT);
    }
}
