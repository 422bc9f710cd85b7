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

/// One of several parts, each of which has as much to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which of them, from 0 on.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Part {
    /// The only part.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// All of so many.
    pub fn all(of: usize) -> impl ExactSizeIterator<Item = Self> {
        (0..of).map(move |number| Self { number, of })
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

    /// So many turns a second of a stream, of which this is one share. Those of other streams lie
    /// between them. A thread of its own keeps the time: a runtime's timer is too coarse for that.
    #[must_use]
    pub fn paced(span: Span, rate: u64, stream: Part, share: Part) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for number in (share.number..).step_by(share.of.max(1)) {
                let at = span.begins + after(number, rate, stream);
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

/// When a turn of a stream is, after the begin.
fn after(number: usize, rate: u64, stream: Part) -> Duration {
    let number = number as u128 * stream.of as u128 + stream.number as u128;
    let nanoseconds = number * NANOSECONDS / (u128::from(rate.max(1)) * stream.of.max(1) as u128);
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
        let after = |number| after(number, 1_000, Part::WHOLE);
        assert_eq!(after(0), Duration::ZERO);
        assert_eq!(after(1), Duration::from_millis(1));
        assert_eq!(after(600_000), Duration::from_secs(600));
    }

    #[test]
    fn turns_of_streams_lie_between_one_another() {
        let [one, two] = [0, 1].map(|number| Part { number, of: 2 });
        assert_eq!(after(3, 100, one), Duration::from_millis(30));
        assert_eq!(after(3, 100, two), Duration::from_millis(35));
        // Ten times as many are never sent together with the others.
        assert_eq!(after(3, 1_000, two), Duration::from_micros(3_500));
    }

    #[tokio::test]
    async fn shares_make_up_all_turns() {
        let span = Span::from_now(Duration::ZERO, Duration::from_millis(50));
        let mut all = Vec::new();
        for share in Part::all(3) {
            let turns = Turns::paced(span, 1_000, Part::WHOLE, share);
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
