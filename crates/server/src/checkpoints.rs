//! Copies what SQLite's log has into the database, beside those who read and write.

use app::{App, Error};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use store::StoreError;
use store::db::Db;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// The least that lies between two copies of SQLite's write-ahead log into the database. Little is
/// copied and flushed at once then, so that a commit waits for the disk a short time only.
pub(crate) const EVERY: Duration = Duration::from_millis(20);
/// The most that is rested beyond that: where nothing is written, and under much load, where a page
/// that is changed often should be copied once. Between the two it rests as long as it has copied:
/// with a longer rest there is more to copy, and the next rest is longer still.
const REST: Duration = Duration::from_millis(180);
/// The niceness of a thread that others needn't wait for: a third of their weight.
const LESS_URGENT: i32 = 5;

/// The thread that copies: one that stays, and that is less urgent than those that answer where all
/// processors are at work. It ends when nobody can ask it any more.
#[derive(Clone)]
pub(crate) struct Copier(Sender<Wanted>);

type Wanted = (Db, oneshot::Sender<Result<bool, StoreError>>);

impl Copier {
    /// Starts it. Where no thread can be had, each copy fails.
    pub(crate) fn start() -> Self {
        let (ask, asked) = channel::<Wanted>();
        let work = move || {
            // Of this thread alone. Where it isn't allowed, it is as urgent as the others.
            let _ = rustix::process::setpriority_process(None, LESS_URGENT);
            for (db, done) in asked {
                // Whoever asked may be gone: the process ends.
                let _ = done.send(db.checkpoint());
            }
        };
        if let Err(error) = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work) {
            tracing::error!(%error, "a thread can't be started");
        }
        Self(ask)
    }

    /// Copies once, begins the log anew if it is large, and rests.
    pub(crate) async fn copy(&self, app: &App) -> Result<(), Error> {
        let gone = || Error::broken("the thread that copies the log is gone");
        let (done, copied) = oneshot::channel();
        let begun = Instant::now();
        self.0.send((app.db.clone(), done)).map_err(|_| gone())?;
        let new = copied.await.map_err(|_| gone())??;
        app.db.restart_wal_if_large().await?;
        sleep(if new { begun.elapsed().min(REST) } else { REST }).await;
        Ok(())
    }
}
