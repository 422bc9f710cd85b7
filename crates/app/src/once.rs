//! A command is done once for each idempotency key: outside the engine, which has its own way.
//!
//! The key's row is the last that a command writes, in the command's own transaction, so it exists
//! exactly when its answer does. A twin in this process waits in memory for the first; a twin on
//! another node waits at the row's unique key, finds it taken, undoes its own work and gives the
//! first one's answer.

use crate::audit::{Done, Origin};
use crate::keyring::EPOCH;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::keys::Purpose;
use crypto::seal::Place;
use domain::scope::Scope;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use store::db::Tx;
use store::idempotency::{self, Kept};
use tokio::sync::OwnedMutexGuard;

/// What makes a command be done once, and how its result is kept: `render` makes the answer, which
/// must hold no card number, code or PIN (they are read again for a retry).
#[derive(Clone, Debug)]
pub struct Once<T> {
    /// Method and route: what a key is unique in, beside the partner.
    pub endpoint: String,
    /// The caller's key, if it sent one.
    pub key: Option<String>,
    /// The keyed digest of the request.
    pub fingerprint: [u8; 32],
    /// Where the command comes from.
    pub origin: Origin,
    /// Makes the answer.
    pub render: fn(&T) -> Value,
}

impl<T> Once<T> {
    /// A command without a key, as the command line gives it.
    #[must_use]
    pub fn unkept(origin: Origin, render: fn(&T) -> Value) -> Self {
        Self { endpoint: String::new(), key: None, fingerprint: [0; 32], origin, render }
    }
}

/// Keys that are being worked on in this process.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

/// When to sweep forgotten keys out of the map.
const TURNS_MAX: usize = 4096;

impl Turns {
    async fn wait(&self, name: String) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() > TURNS_MAX {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            let turn = turns.get(&name).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert(name, Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }
}

/// A command's right to be done: from the look at its key until its answer is kept.
pub(crate) enum Turn {
    /// It was done before; this is its answer.
    Done(Value),
    /// It is ours to do.
    Ours(Option<OwnedMutexGuard<()>>),
}

impl App {
    /// Looks whether a command was done before.
    pub(crate) async fn turn<T>(&self, scope: Scope, once: &Once<T>) -> Result<Turn, Error> {
        let Some(key) = &once.key else { return Ok(Turn::Ours(None)) };
        // Before any transaction: reading it needs a connection of its own.
        self.partner_key(scope.partner()).await?;
        let name = format!("{} {} {key}", scope.partner(), once.endpoint);
        let turn = self.turns.wait(name).await;
        let mut tx = self.db.read().await?;
        let kept = idempotency::find(&mut tx, scope, &once.endpoint, key).await;
        match tx.end(kept).await? {
            None => Ok(Turn::Ours(Some(turn))),
            Some(kept) => self.answer_again(scope, once, &kept).await.map(Turn::Done),
        }
    }

    /// Refuses a command for what it says, whatever the state of things, and keeps that with its
    /// key.
    pub async fn refuse<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
        refusal: Refusal,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        self.keep_refusal(scope, once, refusal).await
    }

    /// Ends a command: writes its audit record, keeps its answer and commits, or undoes its work
    /// and keeps the refusal, which leaves no record.
    pub(crate) async fn finish<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
        mut tx: Tx,
        result: Result<Done<T>, Error>,
    ) -> Result<Value, Error> {
        match self.recorded(&mut tx, scope, once, result).await {
            Ok(done) => self.commit(scope, once, tx, Ok((once.render)(&done))).await,
            Err(error) => {
                tx.rollback().await;
                match error {
                    Error::Refused(refusal) => self.keep_refusal(scope, once, refusal).await,
                    Error::KeyReused | Error::Unavailable(..) | Error::Internal(..) => Err(error),
                }
            }
        }
    }

    async fn recorded<T>(
        &self,
        tx: &mut Tx,
        scope: Scope,
        once: &Once<T>,
        result: Result<Done<T>, Error>,
    ) -> Result<T, Error> {
        let Done { result, entries } = result?;
        for entry in entries {
            self.record(tx, scope.partner(), &once.origin, entry).await?;
        }
        Ok(result)
    }

    /// Keeps a refusal with the key, if there is one and it is of that kind; answers with it.
    pub(crate) async fn keep_refusal<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
        refusal: Refusal,
    ) -> Result<Value, Error> {
        if once.key.is_none() || !refusal.is_kept() {
            return Err(refusal.into());
        }
        let tx = self.db.begin().await?;
        self.commit(scope, once, tx, Err(refusal)).await
    }

    /// Keeps an answer and commits, unless a twin was faster: then its answer counts.
    async fn commit<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
        mut tx: Tx,
        answer: Result<Value, Refusal>,
    ) -> Result<Value, Error> {
        match self.keep(&mut tx, scope, once, &answer).await {
            Ok(true) => tx.commit().await?,
            Ok(false) => {
                tx.rollback().await;
                return self.answer_of_twin(scope, once).await;
            }
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        }
        answer.map_err(Error::from)
    }

    /// Keeps `mark` with a key, in a commit of its own, before something is done that can't be
    /// done with the commit and must not be done twice: a crash in between loses it. Answers what
    /// is kept already if a twin was faster.
    pub(crate) async fn mark<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
        mark: &Value,
    ) -> Result<Option<Value>, Error> {
        let mut tx = self.db.begin().await?;
        match self.keep(&mut tx, scope, once, &Ok(mark.clone())).await {
            Ok(true) => tx.commit().await?,
            Ok(false) => {
                tx.rollback().await;
                return self.answer_of_twin(scope, once).await.map(Some);
            }
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        }
        Ok(None)
    }

    /// Keeps the answer in the place of the mark.
    pub(crate) async fn amend<T>(
        &self,
        tx: &mut Tx,
        scope: Scope,
        once: &Once<T>,
        answer: &Value,
    ) -> Result<(), Error> {
        let key = once.key.as_deref().unwrap_or_default();
        let told = json!({ "answer": answer });
        let sealing = self.partner_key(scope.partner()).await?.sealing(Purpose::Answer, EPOCH);
        let sealed = sealing.seal(&place(scope, key), told.to_string().as_bytes());
        Ok(idempotency::amend(tx, scope, (&once.endpoint, key), &sealed).await?)
    }

    async fn keep<T>(
        &self,
        tx: &mut Tx,
        scope: Scope,
        once: &Once<T>,
        answer: &Result<Value, Refusal>,
    ) -> Result<bool, Error> {
        let Some(key) = &once.key else { return Ok(true) };
        let told = match answer {
            Ok(value) => json!({ "answer": value }),
            Err(refusal) => json!({ "refused": refusal.title() }),
        };
        let sealing = self.partner_key(scope.partner()).await?.sealing(Purpose::Answer, EPOCH);
        let kept = Kept {
            fingerprint: once.fingerprint.to_vec(),
            answer: sealing.seal(&place(scope, key), told.to_string().as_bytes()),
        };
        let name = (once.endpoint.as_str(), key.as_str());
        Ok(idempotency::insert(tx, scope, name, &kept, self.now()).await?)
    }

    /// What is kept with a key that was found taken.
    pub(crate) async fn answer_of_twin<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
    ) -> Result<Value, Error> {
        let key = once.key.as_deref().unwrap_or_default();
        // Not a reader's snapshot: on SQLite the twin may have written and be still to be
        // committed, and this commit waits for its.
        let mut tx = self.db.begin().await?;
        let kept = idempotency::find(&mut tx, scope, &once.endpoint, key).await;
        let kept = tx.end(kept).await?.ok_or(Error::broken("a taken key has no answer"))?;
        self.answer_again(scope, once, &kept).await
    }

    async fn answer_again<T>(
        &self,
        scope: Scope,
        once: &Once<T>,
        kept: &Kept,
    ) -> Result<Value, Error> {
        if kept.fingerprint != once.fingerprint {
            return Err(Error::KeyReused);
        }
        let key = once.key.as_deref().unwrap_or_default();
        let sealing = self.partner_key(scope.partner()).await?.sealing(Purpose::Answer, EPOCH);
        let opened = sealing.open(&place(scope, key), &kept.answer)?;
        let unreadable = || Error::broken("a kept answer can't be read");
        let mut told: Value = serde_json::from_slice(&opened).map_err(|_| unreadable())?;
        if let Some(title) = told.get("refused").and_then(Value::as_str) {
            return Err(Refusal::of_title(title).map_or_else(unreadable, Error::from));
        }
        told.get_mut("answer").map(Value::take).ok_or_else(unreadable)
    }
}

fn place(scope: Scope, key: &str) -> Place<'_> {
    Place { table: "idempotency", column: "answer", partner: scope.partner(), row: key }
}
