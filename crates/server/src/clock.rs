//! The only place that reads the time. Everything else takes it from its caller.

use crate::config;
use crate::failure::Failure;
use app::Clock;
use domain::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// Real time, as of now.
#[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// So long ago, as files tell their times.
#[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
pub(crate) fn file_time_before(long: Duration) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(long).unwrap_or(now)
}

/// The two times of an instance.
#[derive(Clone)]
pub(crate) struct Clocks {
    /// What the business goes by; a sandbox can move it.
    pub(crate) business: Clock,
    /// What certificates, pauses and leases go by.
    pub(crate) real: Clock,
}

/// Real time: for certificates, and for the business of every instance but a sandbox.
pub(crate) fn real() -> Clock {
    Arc::new(now)
}

/// Business time: real time and an offset in microseconds, which whoever shares it may move.
pub(crate) fn business(offset: Arc<AtomicI64>) -> Clock {
    Arc::new(move || {
        let microseconds = now().as_microsecond().saturating_add(offset.load(Ordering::Relaxed));
        Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX)
    })
}

/// Moves business time so many seconds ahead of real time; it never goes back, and where it was
/// never moved it stays.
pub(crate) fn move_ahead(offset: &AtomicI64, seconds: i64) {
    if seconds > 0 {
        offset.fetch_max(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
    }
}

/// The offset that a sandbox's business clock begins with: none, unless a test has it begin at
/// another moment, so that what was made long ago isn't over.
pub(crate) fn begin() -> Result<Arc<AtomicI64>, Failure> {
    let Some(text) = config::clock() else { return Ok(Arc::default()) };
    let moment = app::moment_of_test(&text).ok_or_else(|| {
        Failure::new(
            "ANTACA_CLOCK is set, but this build isn't for tests or the text isn't a moment.",
        )
    })?;
    Ok(Arc::new(AtomicI64::new(moment.as_microsecond() - now().as_microsecond())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn business_time_is_moved_by_its_offset() {
        let offset = Arc::new(AtomicI64::new(0));
        let (real, business) = (real(), business(offset.clone()));
        assert!(business().duration_since(real()) < SignedDuration::from_secs(60));
        move_ahead(&offset, SignedDuration::from_hours(24).as_secs());
        assert!(business().duration_since(real()) > SignedDuration::from_hours(23));
        move_ahead(&offset, 60);
        assert!(business().duration_since(real()) > SignedDuration::from_hours(23));
        offset.store(i64::MAX, Ordering::Relaxed);
        assert_eq!(business(), Timestamp::MAX);
    }
}
