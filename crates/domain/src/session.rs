//! How long somebody who was let in stays in.

use crate::words::words;
use jiff::{Timestamp, ToSpan as _};

words! {
    /// What lengthens a session.
    pub enum SessionMode {
        /// Nothing does.
        Fixed = "FIXED",
        /// Each call does.
        Sliding = "SLIDING",
    }
}

/// How long a session lasts at all, in hours, however often it is used.
const HOURS_MAX: i64 = 12;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// What lengthens them.
    pub mode: SessionMode,
    /// For how long, in minutes.
    pub minutes: i64,
}

impl Lifetime {
    /// Of panel accounts (spec "Admin roles").
    pub const PANEL: Self = Self { mode: SessionMode::Sliding, minutes: 15 };
    /// Of users' apps, unless the partner says otherwise (spec "Partner settings").
    pub const APP: Self = Self { mode: SessionMode::Fixed, minutes: 10 };

    /// When a session ends by itself, begun and last used when.
    #[must_use]
    pub fn end(self, began_at: Timestamp, seen_at: Timestamp) -> Timestamp {
        let from = match self.mode {
            SessionMode::Fixed => began_at,
            SessionMode::Sliding => seen_at,
        };
        let end = from.checked_add(self.minutes.minutes()).unwrap_or(from);
        end.min(began_at.checked_add(HOURS_MAX.hours()).unwrap_or(began_at))
    }

    /// When a session that was used now is to end, if that is later than it is known to; a second
    /// more or less is nobody's, and a call needn't be a write.
    #[must_use]
    pub fn prolonged(
        self,
        (began_at, expires_at): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Option<Timestamp> {
        let until = self.end(began_at, now);
        (until.duration_since(expires_at).as_secs() > 0).then_some(until)
    }
}

/// How old a token of a trusted identity may be, in seconds (spec "Devices and sessions").
const TOKEN_SECONDS: i64 = 60;
/// How far its maker's clock may be ahead of ours, in seconds.
const AHEAD_SECONDS: i64 = 5;

/// For how long it is remembered beyond that, in minutes: who began to look at it may wait for the
/// database, and nodes' clocks may differ.
const SLACK_MINUTES: i64 = 5;

/// Until when a token has to be remembered that was made at `iat`, in seconds since 1970; none if
/// it isn't fresh. Both are real time.
#[must_use]
pub fn token_end(iat: i64, now: Timestamp) -> Option<Timestamp> {
    let made = Timestamp::from_second(iat).ok()?;
    let last = made.checked_add(TOKEN_SECONDS.seconds()).ok()?;
    let first = made.checked_sub(AHEAD_SECONDS.seconds()).ok()?;
    if now < first || now > last {
        return None;
    }
    last.checked_add(SLACK_MINUTES.minutes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_its_mode_and_after_twelve_hours_at_the_latest() {
        use SessionMode::{Fixed, Sliding};
        let at = |minute: i64| Timestamp::UNIX_EPOCH.checked_add(minute.minutes()).expect("a time");
        for (mode, minutes, seen, end) in [
            (Fixed, 10, 0, 10),
            (Fixed, 10, 9, 10),
            (Sliding, 10, 0, 10),
            (Sliding, 10, 9, 19),
            (Sliding, 15, 711, 720),
            (Fixed, 1_000, 0, 720),
        ] {
            let lifetime = Lifetime { mode, minutes };
            assert_eq!(lifetime.end(at(0), at(seen)), at(end), "{mode} {minutes} {seen}");
        }
    }

    #[test]
    fn what_is_used_is_prolonged_by_whole_seconds() {
        let began = Timestamp::UNIX_EPOCH;
        let at = |millis: i64| began.checked_add(millis.milliseconds()).expect("a time");
        let ends = Lifetime::PANEL.end(began, began);
        for (now, prolonged) in [(0, false), (999, false), (1_000, true)] {
            let until = Lifetime::PANEL.prolonged((began, ends), at(now));
            assert_eq!(until, prolonged.then(|| Lifetime::PANEL.end(began, at(now))), "{now}");
        }
        assert_eq!(
            Lifetime::APP.prolonged((began, Lifetime::APP.end(began, began)), at(9_000)),
            None
        );
    }

    #[test]
    fn a_token_is_fresh_for_a_minute() {
        let now = Timestamp::from_second(1_000_000).expect("a moment");
        for (iat, fresh) in [
            (1_000_005, true),
            (1_000_006, false),
            (1_000_000, true),
            (999_940, true),
            (999_939, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            let until = token_end(iat, now);
            assert_eq!(until.is_some(), fresh, "{iat}");
            assert!(until.is_none_or(|until| until.as_second() > iat + 60), "{iat}");
        }
    }
}
