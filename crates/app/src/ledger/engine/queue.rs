//! The queue of one engine: a line for each partner, taken from in turns.

use crate::error::Error;
use domain::ids::PartnerId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Commands that may wait for one engine: at 10,000 a second less than half a time budget.
const QUEUE: usize = 4096;
/// What one partner may fill of it.
const QUEUE_PARTNER: usize = QUEUE / 4;
/// What one partner may fill of a batch while others are served too, unless another has more
/// waiting: a batch takes as long as it is large, and whoever comes meanwhile waits for its end.
const SHARE: usize = 16;
/// How long a partner counts as being served after its last command.
const SERVED: Duration = Duration::from_secs(1);

/// What waits for one engine.
pub(super) struct Queue<T> {
    lines: Mutex<Lines<T>>,
    /// Told when something comes to an empty queue, and when it is closed.
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
    /// Whether the last batch was without whose line is long: every other one is, so that who comes
    /// while one with it is in hand needn't wait for a second like it.
    spared: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let (of, turns, served) = (HashMap::new(), VecDeque::new(), HashMap::new());
        let lines = Lines { of, turns, waiting: 0, closed: false, served, spared: false };
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
        if *waiting == 1 {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Takes at most `most`, one of each partner in turn; nothing if nothing waits.
    pub(super) fn take(&self, most: usize, now: Instant) -> Vec<T> {
        self.lines().take(most, now)
    }

    /// The same, once something waits; nothing if the queue is closed and empty.
    pub(super) async fn wait_and_take(&self, most: usize) -> Vec<T> {
        loop {
            let changed = self.changed.notified();
            {
                let mut lines = self.lines();
                if lines.waiting > 0 || lines.closed {
                    return lines.take(most, Instant::now());
                }
            }
            changed.await;
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
        let left_out = if self.spared { None } else { self.long_line(share) };
        self.spared = left_out.is_some();
        let mut left: HashMap<PartnerId, usize> = left_out.map(|it| (it, 0)).into_iter().collect();
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
            }
        }
        self.turns.append(&mut rest);
        self.waiting -= taken.len();
        taken
    }

    /// Whose line is long while others wait too and have little: one partner at most.
    fn long_line(&self, share: usize) -> Option<PartnerId> {
        let has_more = |line: &VecDeque<T>| line.len() > 2 * SHARE;
        let long = self.of.iter().find(|(_, line)| has_more(line)).map(|(partner, _)| *partner);
        long.filter(|_| share == SHARE && self.of.len() > 1)
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
        let (queue, now) = (Queue::new(), Instant::now());
        put(&queue, A, 1000);
        put(&queue, B, 3);
        let taken = queue.take(512, now);
        assert_eq!(of(&taken, B), [0, 1, 2]);
        assert!(of(&taken, A).is_empty(), "a batch without whose line is long");
        put(&queue, B, 1);
        let taken = queue.take(512, now);
        assert_eq!((of(&taken, A), of(&taken, B)), ((0..SHARE).collect(), vec![0]));
        assert_eq!(queue.waiting(), 1000 - SHARE);
        put(&queue, B, 1);
        assert!(of(&queue.take(512, now), A).is_empty(), "and so on in turns");
        // As long as the other may come back, batches stay short.
        assert_eq!(queue.take(512, now + SERVED / 2).len(), SHARE);
        assert_eq!(queue.take(512, now + SERVED).len(), 512);
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
