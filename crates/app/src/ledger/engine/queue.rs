//! The queue of one engine: a line for each partner, taken from in turns.

use crate::error::Error;
use domain::ids::PartnerId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout_at;

/// Commands that may wait for one engine: at 10,000 a second less than half a time budget.
const QUEUE: usize = 4096;
/// What one partner may fill of it.
const QUEUE_PARTNER: usize = QUEUE / 4;
/// What one partner may fill of a batch while others are served too, unless another has more
/// waiting: a batch takes as long as it is large, and whoever comes meanwhile waits for its end.
const SHARE: usize = 16;
/// The longest rest of a long line: one batch that stalled must not stop its partner for as long.
const REST_MAX: Duration = Duration::from_millis(50);
/// How long a partner counts as being served after its last command.
const SERVED: Duration = Duration::from_secs(1);

/// What waits for one engine.
pub(super) struct Queue<T> {
    lines: Mutex<Lines<T>>,
    /// Told when something comes to an empty line, and when it is closed.
    changed: Notify,
}

struct Lines<T> {
    of: HashMap<PartnerId, VecDeque<T>>,
    /// Whose line isn't empty, who is next first.
    turns: VecDeque<PartnerId>,
    waiting: usize,
    closed: bool,
    /// When the partners of the last [`SERVED`] were last taken from.
    served: HashMap<PartnerId, Instant>,
    /// Whose line the last batch left long, beside those of others, and when it was taken.
    left: Option<(PartnerId, Instant)>,
    /// Whose line isn't taken from, and until when.
    resting: Option<(PartnerId, Instant)>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let (of, turns, served) = (HashMap::new(), VecDeque::new(), HashMap::new());
        let lines =
            Lines { of, turns, waiting: 0, closed: false, served, left: None, resting: None };
        Self { lines: Mutex::new(lines), changed: Notify::new() }
    }

    fn lines(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something at the end of a partner's line; refused where that or the queue is full, or
    /// closed.
    pub(super) fn put(&self, partner: PartnerId, it: T) -> Result<(), Error> {
        let mut lines = self.lines();
        let Lines { of, turns, waiting, closed, .. } = &mut *lines;
        let line = of.entry(partner).or_default();
        if *closed || *waiting >= QUEUE || line.len() >= QUEUE_PARTNER {
            return Err(Error::overloaded());
        }
        if line.is_empty() {
            turns.push_back(partner);
        }
        line.push_back(it);
        *waiting += 1;
        if line.len() == 1 {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Takes at most `most`, one of each partner in turn; nothing if nothing waits.
    pub(super) fn take(&self, most: usize, now: Instant) -> Vec<T> {
        self.lines().take(most, now)
    }

    /// The same, once something waits and doesn't rest; nothing if the queue is closed and empty.
    pub(super) async fn wait_and_take(&self, most: usize) -> Vec<T> {
        loop {
            let changed = self.changed.notified();
            let resting = {
                let (mut lines, now) = (self.lines(), Instant::now());
                let taken = lines.take(most, now);
                if !taken.is_empty() || lines.closed {
                    return taken;
                }
                lines.resting
            };
            match resting {
                Some((_, until)) => drop(timeout_at(until.into(), changed).await),
                None => changed.await,
            }
        }
    }

    /// Takes nothing any more; what waits is still taken from it.
    pub(super) fn close(&self) {
        self.lines().closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lines().closed
    }

    pub(super) fn waiting(&self) -> usize {
        self.lines().waiting
    }
}

impl<T> Lines<T> {
    fn take(&mut self, most: usize, now: Instant) -> Vec<T> {
        self.served.retain(|_, last| now.saturating_duration_since(*last) < SERVED);
        self.served.extend(self.turns.iter().map(|partner| (*partner, now)));
        let share = if self.served.len() > 1 { self.second_line().max(SHARE) } else { most };
        let resting = self.resting(share, now);
        let mut left: HashMap<PartnerId, usize> = resting.map(|it| (it, 0)).into_iter().collect();
        let (mut taken, mut rest) = (Vec::new(), VecDeque::new());
        while taken.len() < most
            && let Some(partner) = self.turns.pop_front()
        {
            let left = left.entry(partner).or_insert(share);
            let line = self.of.get_mut(&partner);
            if *left == 0 {
                rest.push_back(partner);
                continue;
            }
            let Some(line) = line else { continue };
            taken.extend(line.pop_front());
            *left -= 1;
            if line.is_empty() {
                self.of.remove(&partner);
            } else {
                self.turns.push_back(partner);
                if *left == 0 && share == SHARE {
                    self.left = Some((partner, now));
                }
            }
        }
        self.turns.append(&mut rest);
        self.waiting -= taken.len();
        taken
    }

    /// Whose line rests: the one that the last batch left long, for as long as that batch took.
    fn resting(&mut self, share: usize, now: Instant) -> Option<PartnerId> {
        if let Some((partner, taken)) = self.left.take() {
            let took = now.saturating_duration_since(taken);
            self.resting = Some((partner, now + took.min(REST_MAX)));
        }
        let is_over = self.closed || share != SHARE;
        self.resting.take_if(|(_, until)| is_over || *until <= now);
        self.resting.map(|(partner, _)| partner)
    }

    /// How long the longest line but one is.
    fn second_line(&self) -> usize {
        let (_, second) = self.of.values().fold((0, 0), |(first, second), line| {
            let length = line.len();
            (first.max(length), second.max(length.min(first)))
        });
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PartnerId = PartnerId(1);
    const B: PartnerId = PartnerId(2);

    fn put(queue: &Queue<(PartnerId, usize)>, partner: PartnerId, count: usize) {
        for number in 0..count {
            assert!(queue.put(partner, (partner, number)).is_ok(), "there is room");
        }
    }

    fn of(taken: &[(PartnerId, usize)], partner: PartnerId) -> Vec<usize> {
        taken.iter().filter(|it| it.0 == partner).map(|it| it.1).collect()
    }

    #[test]
    fn one_partner_alone_has_the_whole_batch_in_its_order() {
        let (queue, now) = (Queue::new(), Instant::now());
        put(&queue, A, 600);
        assert_eq!(of(&queue.take(512, now), A), (0..512).collect::<Vec<_>>());
        assert_eq!(of(&queue.take(512, now), A), (512..600).collect::<Vec<_>>());
        assert!(queue.take(512, now).is_empty());
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn who_sends_much_keeps_nobody_waiting() {
        let (queue, begin) = (Queue::new(), Instant::now());
        let take = |ms| queue.take(512, begin + Duration::from_millis(ms));
        put(&queue, A, 1000);
        put(&queue, B, 3);
        let taken = take(0);
        assert_eq!((of(&taken, A), of(&taken, B)), ((0..SHARE).collect(), vec![0, 1, 2]));
        // That batch took 6 ms, so the long line rests for as long.
        assert!(take(6).is_empty());
        put(&queue, B, 1);
        let taken = take(9);
        assert_eq!((of(&taken, A), of(&taken, B)), (vec![], vec![0]), "others are served at once");
        assert_eq!(take(12).len(), SHARE);
        assert_eq!(queue.waiting(), 1000 - 2 * SHARE);
        // However long a batch took, and only as long as others are served.
        assert!(take(500).is_empty());
        assert_eq!(take(500 + 50).len(), SHARE);
        assert_eq!(take(12 + 1_000).len(), 512);
    }

    #[tokio::test]
    async fn a_long_line_that_rests_is_served_when_its_rest_is_over() {
        let queue = Queue::new();
        put(&queue, A, 100);
        put(&queue, B, 1);
        let begun = Instant::now();
        let before = begun.checked_sub(Duration::from_millis(20)).expect("the machine is up");
        assert_eq!(queue.take(512, before).len(), SHARE + 1);
        assert_eq!(of(&queue.wait_and_take(512).await, A).len(), SHARE);
        assert!(begun.elapsed() >= Duration::from_millis(20), "as long as the batch took");
        queue.close();
        assert_eq!(queue.wait_and_take(512).await.len(), SHARE, "no rest at the end");
    }

    #[test]
    fn where_all_send_much_batches_are_large() {
        let (queue, now) = (Queue::new(), Instant::now());
        put(&queue, A, 1000);
        put(&queue, B, 200);
        let taken = queue.take(512, now);
        assert_eq!((of(&taken, A).len(), of(&taken, B).len()), (200, 200));
    }

    #[test]
    fn a_small_room_is_shared_in_turns() {
        let (queue, now) = (Queue::new(), Instant::now());
        put(&queue, A, 10);
        put(&queue, B, 10);
        let taken = queue.take(5, now);
        assert_eq!((of(&taken, A), of(&taken, B)), (vec![0, 1, 2], vec![0, 1]));
        let taken = queue.take(5, now);
        assert_eq!((of(&taken, A), of(&taken, B)), (vec![3, 4], vec![2, 3, 4]), "B was next");
    }

    #[test]
    fn a_partner_fills_a_quarter_of_it_and_a_closed_one_takes_nothing() {
        let queue = Queue::new();
        put(&queue, A, QUEUE_PARTNER);
        assert!(queue.put(A, (A, 0)).is_err());
        for other in 2..5 {
            put(&queue, PartnerId(other), QUEUE_PARTNER);
        }
        assert!(queue.put(PartnerId(9), (A, 0)).is_err(), "the queue is full");
        assert!(!queue.take(1, Instant::now()).is_empty());
        queue.close();
        assert!(queue.put(A, (A, 0)).is_err());
        assert_eq!(queue.waiting(), QUEUE - 1, "what waits is still taken");
    }

    #[tokio::test]
    async fn who_waits_for_something_gets_it_or_hears_the_end() {
        let queue = Queue::new();
        let taken = async { queue.wait_and_take(512).await };
        let (taken, ()) = tokio::join!(taken, async { put(&queue, A, 1) });
        assert_eq!(of(&taken, A), [0]);
        let (taken, ()) = tokio::join!(queue.wait_and_take(512), async { queue.close() });
        assert!(taken.is_empty());
        assert!(queue.wait_and_take(512).await.is_empty());
    }
}
