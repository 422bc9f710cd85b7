//! When messages are sent: as soon as a connection is free, or at moments fixed beforehand.

use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};

/// How long after its end a load still sends what it is late with.
const LATE: Duration = Duration::from_secs(1);
const NANOSECONDS: u128 = 1_000_000_000;

/// When a load is sent and counted.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// When it begins.
    pub begins: Instant,
    /// From when on it is counted.
    pub counted_from: Instant,
    /// When it ends.
    pub ends: Instant,
}

impl Span {
    /// A load that begins now.
    #[must_use]
    pub fn from_now(warm_up: Duration, duration: Duration) -> Self {
        let begins = Instant::now();
        Self { begins, counted_from: begins + warm_up, ends: begins + warm_up + duration }
    }

    /// Whether even what is late isn't sent any more.
    #[must_use]
    pub fn is_over_for(&self, now: Instant) -> bool {
        now > self.ends + LATE
    }
}

/// The turns of some connections: each is taken by the next that is free. A latency is counted from
/// the turn's moment, also when no connection was free then: a server that stalls doesn't get fewer
/// slow answers by that (no coordinated omission).
#[derive(Clone, Debug)]
pub struct Turns(When);

#[derive(Clone, Debug)]
enum When {
    AtWill(Span),
    Paced(Arc<Mutex<mpsc::UnboundedReceiver<Instant>>>),
}

impl Turns {
    /// A turn whenever one is asked for.
    #[must_use]
    pub fn at_will(span: Span) -> Self {
        Self(When::AtWill(span))
    }

    /// So many turns a second, of which this is one share of several. A thread of its own keeps the
    /// time: a runtime's timer is too coarse for that.
    #[must_use]
    pub fn paced(span: Span, rate: u64, share: usize, shares: usize) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for number in (share..).step_by(shares.max(1)) {
                let at = span.begins + after(number, rate);
                if at >= span.ends {
                    break;
                }
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                if sender.send(at).is_err() {
                    break;
                }
            }
        });
        Self(When::Paced(Arc::new(Mutex::new(receiver))))
    }

    /// The next turn, when its moment has come; none at the end.
    pub async fn next(&self) -> Option<Instant> {
        match &self.0 {
            When::AtWill(span) => Some(Instant::now()).filter(|now| *now < span.ends),
            When::Paced(turns) => turns.lock().await.recv().await,
        }
    }
}

/// When a turn is, after the begin.
fn after(number: usize, rate: u64) -> Duration {
    let nanoseconds = number as u128 * NANOSECONDS / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// A moment as messages tell it.
pub(super) fn second(now: Timestamp) -> impl std::fmt::Display {
    now.strftime("%Y-%m-%dT%H:%M:%S+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_evenly_spread() {
        assert_eq!(after(0, 1_000), Duration::ZERO);
        assert_eq!(after(1, 1_000), Duration::from_millis(1));
        assert_eq!(after(600_000, 1_000), Duration::from_secs(600));
    }

    #[tokio::test]
    async fn shares_make_up_all_turns() {
        let span = Span::from_now(Duration::ZERO, Duration::from_millis(50));
        let mut all = Vec::new();
        for share in 0..3 {
            let turns = Turns::paced(span, 1_000, share, 3);
            while let Some(turn) = turns.next().await {
                assert!(turn <= Instant::now(), "too early");
                all.push(turn - span.begins);
            }
        }
        all.sort_unstable();
        let wanted: Vec<Duration> = (0..50).map(Duration::from_millis).collect();
        assert_eq!(all, wanted);
    }

    #[tokio::test]
    async fn at_will_there_is_a_turn_until_the_end() {
        let span = Span::from_now(Duration::ZERO, Duration::from_secs(60));
        assert!(Turns::at_will(span).next().await.is_some());
        let over = Span::from_now(Duration::ZERO, Duration::ZERO);
        assert!(Turns::at_will(over).next().await.is_none());
    }
}
