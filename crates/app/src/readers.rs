//! Threads that read what is asked for: what comes while they are at work is read together.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::StoreError;
use store::db::{Db, Kind};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The most that one reads at once.
const BATCH: usize = 512;

/// Reads what is asked for, and answers it.
type Read<T> = fn(Db, Vec<T>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A few readers, and what waits for them. With SQLite each is a thread of its own, since a short
/// transaction would have a worker of the runtime handed over to another thread; with PostgreSQL,
/// for which no thread waits, a task of the runtime.
pub(crate) struct Readers<T> {
    shared: Arc<Shared<T>>,
    threads: Vec<Handle>,
    /// The threads end with it.
    _ended: DropGuard,
}

struct Shared<T> {
    db: Db,
    read: Read<T>,
    count: usize,
    waiting: Mutex<Waiting<T>>,
}

struct Waiting<T> {
    asked: Vec<T>,
    /// Which of the readers have nothing to do.
    idle: Vec<usize>,
}

impl<T: Send + 'static> Readers<T> {
    /// Starts so many. What one is given, `read` answers: whoever isn't answered hears of it by the
    /// end of the channel.
    ///
    /// # Panics
    ///
    /// With PostgreSQL outside a runtime.
    pub(crate) fn start(
        db: &Db,
        name: &str,
        count: usize,
        read: Read<T>,
    ) -> Result<Self, StoreError> {
        let ended = CancellationToken::new();
        let thread = |number: usize| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (handle, ended) = (runtime.handle().clone(), ended.clone());
            let work = move || runtime.block_on(ended.cancelled());
            std::thread::Builder::new().name(format!("{name}-{number}")).spawn(work)?;
            Ok(handle)
        };
        let threads: std::io::Result<Vec<Handle>> = match db.kind() {
            Kind::Sqlite => (0..count).map(thread).collect(),
            Kind::Postgres => Ok(vec![Handle::current(); count]),
        };
        let threads = threads.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let waiting = Waiting { asked: Vec::new(), idle: (0..count).rev().collect() };
        let shared = Shared { db: db.clone(), read, count, waiting: Mutex::new(waiting) };
        Ok(Self { shared: Arc::new(shared), threads, _ended: ended.drop_guard() })
    }

    /// Has something read, together with what else waits then.
    pub(crate) fn ask(&self, asked: T) {
        let idle = {
            let mut waiting = self.shared.lock();
            waiting.asked.push(asked);
            waiting.idle.pop()
        };
        if let Some(number) = idle {
            let (thread, shared) = (self.threads[number].clone(), self.shared.clone());
            Reader { number, thread, shared }.start();
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reader at work.
struct Reader<T: Send + 'static> {
    number: usize,
    thread: Handle,
    shared: Arc<Shared<T>>,
}

impl<T: Send + 'static> Reader<T> {
    fn start(self) {
        drop(self.thread.clone().spawn(self.run()));
    }

    async fn run(self) {
        while let Some(asked) = self.take() {
            (self.shared.read)(self.shared.db.clone(), asked).await;
        }
    }

    /// What it reads next, oldest first, in equal parts for all readers; without any it is idle.
    fn take(&self) -> Option<Vec<T>> {
        let mut waiting = self.shared.lock();
        let count = waiting.asked.len().div_ceil(self.shared.count).min(BATCH);
        if count == 0 {
            waiting.idle.push(self.number);
            return None;
        }
        Some(waiting.asked.drain(..count).collect())
    }
}

/// Should it end by a panic, those whose questions it had hear of it; another one goes on with the
/// rest, among which may be some that were asked since.
impl<T: Send + 'static> Drop for Reader<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (number, thread, shared) = (self.number, self.thread.clone(), self.shared.clone());
            Self { number, thread, shared }.start();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::db::Options;
    use tokio::sync::oneshot;

    /// A number, and who hears with how many others it was read.
    type Asked = (u32, oneshot::Sender<usize>);

    /// Answers all; 13 is more than it can bear.
    async fn count(_: Db, asked: Vec<Asked>) {
        let all = asked.len();
        for (number, answer) in asked {
            assert_ne!(number, 13, "a test wants this");
            let _ = answer.send(all);
        }
    }

    fn readers(count_of: usize) -> (Readers<Asked>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::sqlite(folder.path().join("a.db"), Options::default()).expect("opens");
        let read: Read<Asked> = |db, asked| Box::pin(count(db, asked));
        (Readers::start(&db, "test", count_of, read).expect("starts"), folder)
    }

    fn ask(readers: &Readers<Asked>, number: u32) -> oneshot::Receiver<usize> {
        let (answer, answered) = oneshot::channel();
        readers.ask((number, answer));
        answered
    }

    #[tokio::test]
    async fn everything_that_is_asked_is_read() {
        let (readers, _folder) = readers(3);
        let answers: Vec<_> = (100..2_000).map(|number| ask(&readers, number)).collect();
        for answer in answers {
            assert!((1..=BATCH).contains(&answer.await.expect("is answered")));
        }
    }

    #[tokio::test]
    async fn a_reader_that_failed_reads_again() {
        let (readers, _folder) = readers(1);
        // The next is often asked while the reader is failing.
        for number in [1, 13, 2].into_iter().cycle().take(300) {
            assert_eq!(ask(&readers, number).await.is_ok(), number != 13, "{number}");
        }
    }
}
