//! The queue, the batches and the failures: steps 0, 2, 7 and 8 of the protocol.

mod late;
mod measures;
mod queue;

use super::command::{Command, Event, Outcome};
use super::decide::{decide, give_up, is_unwritable};
use super::facts::{Facts, WriteError};
use super::{Step, reached};
use crate::Clock;
use crate::error::Error;
use crate::outbox::Bell;
use crate::settings::Settings;
use domain::ids::MessageId;
use late::{is_late_approval, log_decision, nothing, release, wait};
use queue::Queue;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use store::StoreError;
use store::db::{Db, EngineConnection};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Commands of one batch: beyond, a batch takes longer but each command doesn't get cheaper.
const BATCH: usize = 512;
/// The least that must be left of a command's time when it is taken.
const RESERVE_MIN: Duration = Duration::from_millis(50);
/// The most: one commit that stalled must not have every later command refused, for then no
/// commit would ever teach otherwise.
const RESERVE_MAX: Duration = Duration::from_millis(500);
/// How many commits the reserve is learnt from.
const COMMITS: usize = 128;
/// How long the database's trouble is waited out where an outcome isn't known.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first and the longest pause after the database's trouble.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

/// How the engines are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many engines there are; a partner's commands all go to one. 1 on SQLite.
    pub engines: usize,
    /// Rung when there is something to tell a partner.
    pub bell: Bell,
}

/// The engines of this node.
pub struct Engines {
    /// The ways into them.
    queues: Vec<Arc<Queue<Arc<Waiting>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closing: CancellationToken,
}

/// A command in the queue, and who waits for its outcome. The waiter itself holds the state alone,
/// so that it notices when an engine is gone.
struct Waiting {
    command: Command,
    deadline: Instant,
    /// All the time that it was given.
    budget: Duration,
    state: Arc<State>,
    reply: Mutex<Option<oneshot::Sender<Reply>>>,
}

type Reply = Result<Outcome, Error>;

/// Where a command is: whoever moves it from `WAITING` owns it.
struct State(AtomicU8);

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const ABANDONED: u8 = 2;

impl State {
    fn claim(&self, state: u8) -> bool {
        let (order, otherwise) = (Ordering::AcqRel, Ordering::Acquire);
        self.0.compare_exchange(WAITING, state, order, otherwise).is_ok()
    }
}

impl Waiting {
    fn answer(&self, reply: Reply) {
        let sender = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Nobody waits any more where the process is ending: the outcome is kept all the same.
            let _ = sender.send(reply);
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long it has been here.
    fn waited(&self, until: Instant) -> Duration {
        self.budget.saturating_sub(self.deadline.saturating_duration_since(until))
    }
}

impl Engines {
    /// Starts the engines, each on a thread of its own with a connection of its own.
    ///
    /// # Panics
    ///
    /// Outside a runtime: answers are given where the callers run.
    pub fn start(
        db: &Db,
        settings: &Arc<Settings>,
        clock: &Clock,
        options: &Options,
    ) -> Result<Self, StoreError> {
        let closing = CancellationToken::new();
        let batches = Arc::<AtomicU64>::default();
        let mut queues = Vec::new();
        let mut threads = Vec::new();
        for number in 0..options.engines.max(1) {
            let queue = Arc::new(Queue::new());
            let runner = Runner {
                connection: db.engine(number)?,
                settings: settings.clone(),
                clock: clock.clone(),
                bell: options.bell.clone(),
                queue: queue.clone(),
                closing: closing.clone(),
                late: Vec::new(),
                commits: VecDeque::new(),
                batches: batches.clone(),
                batch: 0,
                home: Handle::current(),
            };
            let thread = std::thread::Builder::new()
                .name(format!("engine-{number}"))
                .spawn(move || runner.run())
                .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            queues.push(queue);
            threads.push(thread);
        }
        Ok(Self { queues, threads: Mutex::new(threads), closing })
    }

    /// Has a command decided before its deadline. Without an answer in time, a second after it at
    /// the latest, it either hasn't happened, or its outcome is kept under its key.
    pub async fn submit(&self, command: Command, deadline: Instant) -> Reply {
        let partner = command.scope.partner();
        let number = partner.0.unsigned_abs() % self.queues.len() as u64;
        let queue = usize::try_from(number).ok().and_then(|number| self.queues.get(number));
        let queue = queue.ok_or(Error::broken("there is no engine"))?;
        let (reply, outcome) = oneshot::channel();
        let state = Arc::new(State(AtomicU8::new(WAITING)));
        let waiting = Waiting {
            command,
            deadline,
            budget: deadline.saturating_duration_since(Instant::now()),
            state: state.clone(),
            reply: Mutex::new(Some(reply)),
        };
        queue.put(partner, Arc::new(waiting))?;
        wait(&state, deadline, outcome).await
    }

    /// Commands that wait in the queues.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiting()).sum()
    }

    /// Whether every engine still works.
    #[must_use]
    pub fn are_running(&self) -> bool {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.len() == self.queues.len() && !threads.iter().any(JoinHandle::is_finished)
    }

    /// Takes no further commands, lets the queues drain and ends the engines. It waits for their
    /// threads, so call it where waiting is allowed.
    pub fn close(&self) {
        self.closing.cancel();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an engine ended with a panic");
            }
        }
    }
}

/// Engines that nobody can ask any more end by themselves.
impl Drop for Engines {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// One engine: takes, decides, commits, replies.
struct Runner {
    connection: EngineConnection,
    settings: Arc<Settings>,
    clock: Clock,
    bell: Bell,
    queue: Arc<Queue<Arc<Waiting>>>,
    closing: CancellationToken,
    /// Approvals that were committed too late: first of the next batch.
    late: Vec<Arc<Waiting>>,
    commits: VecDeque<Duration>,
    /// Batches of all engines of this process, for their numbers.
    batches: Arc<AtomicU64>,
    /// The number of the batch in hand.
    batch: u64,
    /// Where those who wait for answers run.
    home: Handle,
}

/// A batch that couldn't be settled.
enum Trouble {
    /// The database's: retried until the deadlines. `Unknown` if it may have been committed.
    Database(StoreError),
    /// Ours: once more whole, then halved.
    Broken(StoreError),
}

impl Runner {
    fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(async move { while self.batch().await {} }),
            Err(error) => tracing::error!(%error, "an engine can't start"),
        }
    }

    /// Settles one batch; `false` when the queue is closed and empty.
    async fn batch(&mut self) -> bool {
        let mut batch = std::mem::take(&mut self.late);
        let room = BATCH - batch.len().min(BATCH - 1);
        let taken = if batch.is_empty() {
            tokio::select! {
                taken = self.queue.wait_and_take(room) => taken,
                // What waits already is still taken; then the queue is empty and closed.
                () = self.closing.cancelled(), if !self.queue.is_closed() => {
                    self.queue.close();
                    return true;
                }
            }
        } else {
            self.queue.take(room, Instant::now())
        };
        if batch.is_empty() && taken.is_empty() {
            return false;
        }
        let reserve = self.reserve();
        for waiting in taken {
            if !waiting.state.claim(TAKEN) {
                continue;
            }
            if waiting.left() < reserve.min(waiting.budget / 2) {
                waiting.answer(Err(Error::overloaded()));
            } else {
                batch.push(waiting);
            }
        }
        reached(Step::Taken);
        if !batch.is_empty() {
            self.batch = self.batches.fetch_add(1, Ordering::Relaxed) + 1;
            self.settle(batch).await;
        }
        true
    }

    /// The 99th hundredth of recent commits, 50 ms at least and 500 ms at most.
    fn reserve(&self) -> Duration {
        let mut commits: Vec<Duration> = self.commits.iter().copied().collect();
        commits.sort_unstable();
        let at = commits.len() * 99 / 100;
        commits.get(at).copied().unwrap_or_default().clamp(RESERVE_MIN, RESERVE_MAX)
    }

    /// Settles a batch, whatever it takes; halves it where one of its commands can't be.
    async fn settle(&mut self, batch: Vec<Arc<Waiting>>) {
        let mut parts = VecDeque::from([batch]);
        while let Some(part) = parts.pop_front() {
            let Err(part) = self.settle_whole(part).await else { continue };
            if let [one] = part.as_slice() {
                self.record_unsettled(one).await;
            } else {
                let (left, right) = part.split_at(part.len() / 2);
                parts.push_front(right.to_vec());
                parts.push_front(left.to_vec());
            }
        }
    }

    /// Tries until the batch is settled, the database's trouble has outlasted the deadlines, or
    /// it fails twice for another reason.
    async fn settle_whole(
        &mut self,
        mut batch: Vec<Arc<Waiting>>,
    ) -> Result<(), Vec<Arc<Waiting>>> {
        let begun = Instant::now();
        let (mut pause, mut broken, mut unknown) = (PAUSES.0, 0, false);
        loop {
            match self.attempt(&batch, decide).await {
                Ok(outcomes) => {
                    self.reply(batch, outcomes);
                    return Ok(());
                }
                Err(Trouble::Broken(error)) => {
                    let told = crate::error::Chain(&error);
                    tracing::error!(batch = self.batch, error = %told, "a batch can't be written");
                    broken += 1;
                    if broken == 2 {
                        return Err(batch);
                    }
                }
                Err(Trouble::Database(error)) => {
                    let told = crate::error::Chain(&error);
                    tracing::warn!(batch = self.batch, error = %told, "the database is in trouble");
                    metrics::counter!("antaca_database_trouble_total").increment(1);
                    unknown |= matches!(error, StoreError::CommitUnknown(_));
                    // Where an outcome isn't known, the keys will tell it: nobody is refused yet.
                    if !unknown || begun.elapsed() > PATIENCE {
                        let closing = self.closing.is_cancelled();
                        batch.retain(|waiting| !refused_late(waiting, closing));
                        if batch.is_empty() {
                            return Ok(());
                        }
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Steps 3 to 7 once, in one transaction.
    async fn attempt(
        &mut self,
        batch: &[Arc<Waiting>],
        decide: fn(&mut Facts, &Command) -> Outcome,
    ) -> Result<Vec<Outcome>, Trouble> {
        loop {
            match self.transaction(batch, decide).await {
                Ok(outcomes) => return Ok(outcomes),
                // The twin is committed, so the next look finds it by its name: this ends.
                Err(WriteError::Twin) => {}
                Err(WriteError::Store(error)) if error.is_trouble() => {
                    return Err(Trouble::Database(error));
                }
                Err(WriteError::Store(error)) => return Err(Trouble::Broken(error)),
            }
        }
    }

    async fn transaction(
        &mut self,
        batch: &[Arc<Waiting>],
        decide: fn(&mut Facts, &Command) -> Outcome,
    ) -> Result<Vec<Outcome>, WriteError> {
        let commands: Vec<&Command> = batch.iter().map(|waiting| &waiting.command).collect();
        let (now, settings) = ((self.clock)(), self.settings.get());
        let begun = Instant::now();
        let mut tx = self.connection.begin().await?;
        reached(Step::Begun);
        let worked = async {
            let mut facts = Facts::load(&mut tx, settings, &commands, now).await?;
            facts.real_time = self.bell.now();
            reached(Step::Loaded);
            let outcomes: Vec<Outcome> =
                commands.iter().map(|command| decide(&mut facts, command)).collect();
            reached(Step::Decided);
            if commands.iter().zip(&outcomes).any(is_unwritable) {
                return Err(StoreError::Broken("a test wants this".into()).into());
            }
            let notifies = facts.notifies();
            facts.write(&mut tx, (self.clock)(), self.bell.now()).await?;
            reached(Step::Recorded);
            Ok((outcomes, notifies))
        };
        match worked.await {
            Ok((outcomes, notifies)) => {
                let writing = Instant::now();
                tx.commit().await?;
                self.learn(writing.elapsed());
                reached(Step::Committed);
                if notifies {
                    self.bell.ring();
                }
                measures::committed(self.batch, batch, begun, writing);
                Ok(outcomes)
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    fn learn(&mut self, commit: Duration) {
        if self.commits.len() == COMMITS {
            self.commits.pop_front();
        }
        self.commits.push_back(commit);
    }

    /// Answers everybody. An approval that is late is taken back first, and who sent the same
    /// message meanwhile hears what came of that.
    fn reply(&mut self, batch: Vec<Arc<Waiting>>, outcomes: Vec<Outcome>) {
        let mut taken_back: Vec<MessageId> = Vec::new();
        let mut again: Vec<Arc<Waiting>> = Vec::new();
        let mut answers: Vec<(Arc<Waiting>, Reply)> = Vec::with_capacity(batch.len());
        for (waiting, outcome) in batch.into_iter().zip(outcomes) {
            let Outcome::Decided(message) = &outcome else {
                let reply = nothing(&waiting, outcome);
                answers.push((waiting, reply));
                continue;
            };
            log_decision(self.batch, &waiting, message);
            if taken_back.contains(&message.id) {
                again.push(waiting);
            } else if !is_late_approval(&waiting, message) {
                answers.push((waiting, Ok(outcome)));
            } else if message.id != waiting.command.message {
                // It was approved for another delivery, and may have been told there.
                answers.push((waiting, Err(Error::overloaded())));
            } else if let Some(release) = release(&waiting, message) {
                taken_back.push(message.id);
                self.late.push(Arc::new(release));
            }
        }
        self.late.extend(again);
        // To wake somebody on another thread costs this one more than a lookup does: one is woken,
        // and wakes the others there, while the next batch begins.
        self.home.spawn(async move {
            answers.into_iter().for_each(|(waiting, reply)| waiting.answer(reply));
        });
    }

    /// The one command that can't be settled is recorded `INVALID`; if not even that is possible,
    /// nobody is told that it was decided.
    async fn record_unsettled(&mut self, waiting: &Arc<Waiting>) {
        let one = std::slice::from_ref(waiting);
        let reply = match self.attempt(one, give_up).await {
            Ok(mut outcomes) => Ok(outcomes.pop().unwrap_or(Outcome::Nothing)),
            Err(Trouble::Database(error) | Trouble::Broken(error)) => Err(error.into()),
        };
        waiting.answer(reply);
    }
}

/// Refuses a command whose time is up; `true` if it was. What has to be taken back is, however
/// long that takes, as long as the process lives.
fn refused_late(waiting: &Waiting, closing: bool) -> bool {
    let must = !closing && matches!(waiting.command.event, Event::DeclineLate { .. });
    let late = waiting.left().is_zero() && !must;
    if late {
        waiting.answer(Err(Error::overloaded()));
    }
    late
}
