//! Cards by number. What is asked while others are being looked for is looked for together: under
//! load a transaction serves many messages, and one thread waits for the database.

use crate::{App, Error};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::StoreError;
use store::cards::{self, Number, Route};
use tokio::sync::oneshot;

/// The most that are looked for at once.
const BATCH: usize = 512;

/// Look-ups that wait.
#[derive(Debug, Default)]
pub struct LookUps(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    asked: Vec<Asked>,
    /// Whether a task looks for them.
    served: bool,
}

#[derive(Debug)]
struct Asked {
    number: Number,
    answer: oneshot::Sender<Result<Option<Route>, Error>>,
}

impl LookUps {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; whether somebody has to begin to serve.
    fn ask(&self, asked: Asked) -> bool {
        let mut waiting = self.lock();
        waiting.asked.push(asked);
        !std::mem::replace(&mut waiting.served, true)
    }

    /// The next ones, oldest first; without any, serving ends.
    fn take(&self) -> Option<Vec<Asked>> {
        let mut waiting = self.lock();
        let count = waiting.asked.len().min(BATCH);
        waiting.served = count > 0;
        (count > 0).then(|| waiting.asked.drain(..count).collect())
    }
}

/// Somebody who serves: should that end by a panic, those who wait are told so.
struct Serving<'a>(&'a LookUps);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        if std::thread::panicking() {
            *waiting = Waiting::default();
        }
    }
}

impl App {
    /// The card that a number leads to.
    pub(super) async fn route(&self, number: Number) -> Result<Option<Route>, Error> {
        let (answer, answered) = oneshot::channel();
        if self.look_ups.ask(Asked { number, answer }) {
            let app = self.clone();
            drop(self.tasks.run(async move { app.serve_look_ups().await }));
        }
        answered.await.unwrap_or(Err(Error::broken("a look-up ended")))
    }

    async fn serve_look_ups(&self) {
        let _serving = Serving(&self.look_ups);
        while let Some(asked) = self.look_ups.take() {
            // Whoever asked may have given up.
            match self.look_up(&asked).await {
                Ok(found) => {
                    for Asked { number, answer } in asked {
                        let _ = answer.send(Ok(found.get(&number).cloned()));
                    }
                }
                Err(error) => {
                    let trouble = error.is_trouble();
                    let mut cause = Some(error);
                    for Asked { answer, .. } in asked {
                        // One of them tells the cause.
                        let _ = answer.send(Err(match cause.take() {
                            Some(cause) => cause.into(),
                            None if trouble => Error::Unavailable("the database", None),
                            None => Error::broken("a look-up failed"),
                        }));
                    }
                }
            }
        }
    }

    async fn look_up(&self, asked: &[Asked]) -> Result<HashMap<Number, Route>, StoreError> {
        let mut tx = self.db.read().await?;
        let found = cards::routes(&mut tx, asked.iter().map(|asked| &asked.number)).await;
        Ok(tx.end(found).await?.into_iter().collect())
    }
}
