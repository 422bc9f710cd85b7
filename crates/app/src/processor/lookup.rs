//! What is looked for before the engine's queue: cards by number, and, of a database that is larger
//! than what is kept of it in memory, the pages that the engine is going to read.

use crate::ledger::command::Command;
use crate::ledger::read_ahead;
use crate::readers::Readers;
use crate::{App, Error};
use std::collections::HashMap;
use std::time::Instant;
use store::StoreError;
use store::cards::{self, Number, Route};
use store::db::Db;
use tokio::sync::oneshot;

/// How many read ahead at once: a disk answers several in the time of one.
const AHEAD: usize = 4;

/// Look-ups that wait.
pub struct LookUps {
    cards: Readers<Card>,
    pages: Readers<Pages>,
}

/// A card that is looked for.
struct Card {
    number: Number,
    answer: oneshot::Sender<Result<Option<Route>, Error>>,
}

/// A command whose pages are read. It comes back whatever came of that: the engine reads again.
struct Pages {
    command: Command,
    back: oneshot::Sender<Command>,
}

impl LookUps {
    /// Starts those who look.
    pub fn start(db: &Db) -> Result<Self, StoreError> {
        Ok(Self {
            cards: Readers::start(db, "cards", 1, |db, asked| Box::pin(find(db, asked)))?,
            pages: Readers::start(db, "ahead", AHEAD, |db, asked| Box::pin(read(db, asked)))?,
        })
    }
}

impl App {
    /// The card that a number leads to.
    pub(super) async fn route(&self, number: Number) -> Result<Option<Route>, Error> {
        let (answer, answered) = oneshot::channel();
        self.look_ups.cards.ask(Card { number, answer });
        answered.await.unwrap_or(Err(Error::broken("a look-up ended")))
    }

    /// Reads what the engine will read for a command, so that it needn't wait for the disk: it
    /// reads for one after the other, here some are read for at once.
    pub(crate) async fn read_ahead(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Command, Error> {
        if !self.db.is_large() {
            return Ok(command);
        }
        let (back, read) = oneshot::channel();
        self.look_ups.pages.ask(Pages { command, back });
        match tokio::time::timeout_at(deadline.into(), read).await {
            Ok(read) => read.map_err(|_| Error::broken("a look-up ended")),
            Err(_) => Err(Error::overloaded()),
        }
    }
}

async fn find(db: Db, asked: Vec<Card>) {
    // Whoever asked may have given up.
    match look_up(&db, &asked).await {
        Ok(found) => {
            for Card { number, answer } in asked {
                let _ = answer.send(Ok(found.get(&number).cloned()));
            }
        }
        Err(error) => {
            let trouble = error.is_trouble();
            let mut cause = Some(error);
            for Card { answer, .. } in asked {
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

async fn look_up(db: &Db, asked: &[Card]) -> Result<HashMap<Number, Route>, StoreError> {
    let mut tx = db.read().await?;
    let found = cards::routes(&mut tx, asked.iter().map(|asked| &asked.number)).await;
    Ok(tx.end(found).await?.into_iter().collect())
}

async fn read(db: Db, asked: Vec<Pages>) {
    let commands: Vec<&Command> = asked.iter().map(|asked| &asked.command).collect();
    if let Err(error) = read_ahead(&db, &commands).await {
        tracing::debug!(%error, "nothing is read ahead");
    }
    for Pages { command, back } in asked {
        let _ = back.send(command);
    }
}
