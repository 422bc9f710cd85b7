//! Load: authorizations as fast as they are answered, or as many a second as are asked for, of one
//! partner or of several beside one another, and what came of them.
//!
//! | file | what it is for |
//! | --- | --- |
//! | [`mix`] | what is sent |
//! | [`turns`] | when it is sent |
//! | [`tally`] | what came of it |
//! | [`connection`] | HTTP/1.1 over TLS, kept alive |

pub mod connection;
pub mod mix;
pub mod tally;
pub mod turns;

use crate::sandbox::{Caller, SandboxFile};
use crate::target::SimulatorError;
use connection::{Connection, Sent};
use mix::{Draw, Held, Mix};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tally::{Outcome, Tally};
use tokio::task::JoinSet;
use turns::{Part, Span, Turns};
use zeroize::Zeroizing;

/// How long a connection that broke is waited for before it is made again.
const PAUSE: Duration = Duration::from_millis(10);
/// Card numbers that a generator draws from.
pub type Numbers = Arc<Vec<Zeroizing<String>>>;
/// Reads the network's time, which is the real one.
pub type Clock = fn() -> jiff::Timestamp;

/// How it is sent: each stream has connections and threads of its own, so that what one has to wait
/// for keeps no other waiting.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Threads that share a stream's connections.
    pub threads: usize,
    /// For how long messages are sent before they are counted.
    pub warm_up: Duration,
    /// For how long they are counted.
    pub duration: Duration,
}

/// What is to be sent of the cards of one partner.
pub struct Stream {
    /// The numbers of the cards.
    pub cards: Numbers,
    /// Messages a second, of all its connections; as many as are answered, if it isn't given.
    pub rate: Option<u64>,
    /// Connections at once; each waits for an answer before it sends again.
    pub connections: usize,
}

impl Stream {
    /// How many of so many threads have a connection.
    fn threads(&self, load: Load) -> usize {
        load.threads.clamp(1, self.connections.max(1))
    }
}

/// What is seen of a load from outside while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Messages that were answered.
    pub answered: AtomicU64,
    /// Connections that stand.
    pub connected: AtomicU64,
}

/// Sends streams to the sandbox that serves from a folder, as its processor, and tells what came of
/// each. All connections stand before the first message; `begun` is called when counting begins.
pub fn run(
    dir: &Path,
    streams: &[Stream],
    load: Load,
    clock: Clock,
    progress: &Arc<Progress>,
    begun: impl FnOnce(),
) -> Result<Vec<Tally>, SimulatorError> {
    let file = SandboxFile::read(dir)?;
    let caller = Arc::new(Caller::of_processor(dir, &file)?);
    let all: usize = streams.iter().map(|stream| stream.threads(load)).sum();
    let ready = Arc::new(std::sync::Barrier::new(all + 1));
    let start = Arc::new(std::sync::OnceLock::new());
    let start_threads = |(stream, part): (&Stream, Part)| -> Vec<_> {
        let threads = stream.threads(load);
        let one = |share: Part| Thread {
            caller: caller.clone(),
            cards: stream.cards.clone(),
            rate: stream.rate,
            stream: part,
            share,
            connections: stream.connections / threads
                + usize::from(share.number < stream.connections % threads),
            clock,
            progress: progress.clone(),
            ready: ready.clone(),
            start: start.clone(),
        };
        let threads = Part::all(threads).map(one);
        threads.map(|thread| std::thread::spawn(move || thread.run())).collect()
    };
    let running: Vec<_> = streams.iter().zip(Part::all(streams.len())).map(start_threads).collect();
    ready.wait();
    let span = Span::from_now(load.warm_up, load.duration);
    let _ = start.set(span);
    ready.wait();
    std::thread::sleep(load.warm_up);
    begun();
    let ended = running.into_iter().map(|threads| {
        let mut all = Tally::new();
        for thread in threads {
            let told = thread.join().map_err(|_| SimulatorError::UnexpectedAnswer)?;
            all.add(&told?);
        }
        all.end(span.counted_from);
        Ok(all)
    });
    ended.collect()
}

/// One thread of a generator: a runtime of its own, and its share of a stream's connections.
struct Thread {
    caller: Arc<Caller>,
    cards: Numbers,
    rate: Option<u64>,
    stream: Part,
    share: Part,
    connections: usize,
    clock: Clock,
    progress: Arc<Progress>,
    ready: Arc<std::sync::Barrier>,
    start: Arc<std::sync::OnceLock<Span>>,
}

impl Thread {
    fn run(self) -> Result<Tally, SimulatorError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let connected = match &runtime {
            Ok(runtime) => runtime.block_on(self.connect()),
            Err(_) => Err(SimulatorError::UnexpectedAnswer),
        };
        // All threads come to both barriers, whatever became of them.
        self.ready.wait();
        self.ready.wait();
        let (connections, runtime) =
            (connected?, runtime.map_err(|_| SimulatorError::UnexpectedAnswer)?);
        let span = *self.start.get().ok_or(SimulatorError::UnexpectedAnswer)?;
        Ok(runtime.block_on(self.drive(connections, span)))
    }

    async fn connect(&self) -> Result<Vec<Connection>, SimulatorError> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            connections.push(Connection::open(self.caller.clone()).await?);
            self.progress.connected.fetch_add(1, Ordering::Relaxed);
        }
        Ok(connections)
    }

    async fn drive(self, connections: Vec<Connection>, span: Span) -> Tally {
        let turns = match self.rate {
            None => Turns::at_will(span),
            Some(rate) => Turns::paced(span, rate, self.stream, self.share),
        };
        let mut workers = JoinSet::new();
        for connection in connections {
            let worker = Worker {
                connection,
                cards: self.cards.clone(),
                mix: Mix::new(self.cards.len()),
                turns: turns.clone(),
                span,
                clock: self.clock,
                progress: self.progress.clone(),
                tally: Tally::new(),
            };
            workers.spawn(worker.run());
        }
        let mut all = Tally::new();
        while let Some(done) = workers.join_next().await {
            match done {
                Ok(tally) => all.add(&tally),
                Err(_) => all.error("a connection's task ended"),
            }
        }
        all
    }
}

/// One connection at work.
struct Worker {
    connection: Connection,
    cards: Numbers,
    mix: Mix,
    turns: Turns,
    span: Span,
    clock: Clock,
    progress: Arc<Progress>,
    tally: Tally,
}

impl Worker {
    async fn run(mut self) -> Tally {
        while let Some(intended) = self.turns.next().await {
            if self.span.is_over_for(Instant::now()) {
                self.tally.unsent += 1;
                continue;
            }
            let outcome = self.send().await;
            let is_counted = intended >= self.span.counted_from;
            if is_counted {
                self.tally.record(intended.elapsed(), &outcome);
            }
            self.progress.answered.fetch_add(1, Ordering::Relaxed);
            if let Outcome::Error(_) | Outcome::Refused(_) = outcome {
                self.again().await;
            }
        }
        self.tally
    }

    async fn send(&mut self) -> Outcome {
        let draw = self.mix.draw();
        let card = self.cards.get(draw.card()).map_or("", |card| card.as_str());
        let now = (self.clock)();
        let sent = match &draw {
            Draw::Authorize(it) => {
                self.connection.send("/processor/v1/authorizations", it.body(card, now)).await
            }
            Draw::Reverse(held) => {
                self.connection.send("/processor/v1/reversals", held.body(card, now)).await
            }
        };
        match (sent, draw) {
            (Sent::Approved, Draw::Authorize(it)) => {
                self.mix.keep(Held::of(&it, now));
                Outcome::Approved
            }
            (Sent::Declined, Draw::Authorize(_)) => Outcome::Declined,
            (Sent::Accepted, Draw::Reverse(_)) => Outcome::Reversed,
            (Sent::Refused(why), _) => Outcome::Refused(why),
            (Sent::Failed(why), _) => Outcome::Error(why),
            (Sent::Approved | Sent::Declined | Sent::Accepted, _) => {
                Outcome::Error("an answer to something else".to_owned())
            }
        }
    }

    /// A connection that failed is made anew, until that works or the time is over.
    async fn again(&mut self) {
        while !self.connection.is_usable() && Instant::now() < self.span.ends {
            tokio::time::sleep(PAUSE).await;
            if let Ok(connection) = Connection::open(self.connection.caller()).await {
                self.connection = connection;
            }
        }
    }
}
