//! Transactional locks of users and corporations: while one stands, no money leaves their
//! balances.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::scope::Scope;
use domain::user::TransactionalLock;
use serde_json::{Value, json};
use store::db::Tx;

/// What is to be done with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockChange {
    /// It stands from now on.
    Set,
    /// It doesn't stand any more.
    TakeOff,
}

impl App {
    /// The transactional locks of a user or a corporation.
    pub async fn transactional_locks(
        &self,
        scope: Scope,
        owner: OwnerName,
    ) -> Result<Vec<TransactionalLock>, Error> {
        let mut tx = self.db.read().await?;
        let found = locks_in(&mut tx, scope, owner).await;
        tx.end(found).await
    }

    /// Sets a transactional lock or takes it off; done already, it succeeds and changes nothing.
    /// A word that names no lock is refused.
    pub async fn change_transactional_lock(
        &self,
        scope: Scope,
        owner: OwnerName,
        word: &str,
        change: LockChange,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let Some(lock) = TransactionalLock::parse(word) else {
            return self.refuse(scope, &once, Refusal::InvalidLockReason).await;
        };
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = change_in(&mut tx, scope, owner, (lock, change)).await;
        self.finish(scope, &once, tx, result).await
    }
}

async fn locks_in(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerName,
) -> Result<Vec<TransactionalLock>, Error> {
    let found = owners::find(tx, scope, owner).await?;
    owners::locks(tx, scope, &found).await
}

async fn change_in(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerName,
    (lock, change): (TransactionalLock, LockChange),
) -> Result<Done<()>, Error> {
    let found = owners::find_locked(tx, scope, owner).await?;
    let before = owners::locks(tx, scope, &found).await?;
    let mut after: Vec<_> = before.iter().copied().filter(|it| *it != lock).collect();
    if change == LockChange::Set {
        after.push(lock);
        after.sort_unstable();
    }
    if after == before {
        return Ok(Done::unchanged(()));
    }
    owners::set_locks(tx, scope, &found, &after).await?;
    let told = |locks: &[TransactionalLock]| {
        let words: Vec<&str> = locks.iter().map(|lock| lock.as_str()).collect();
        json!({ "transactionalLocks": words })
    };
    let action = found.word("user.lock", "corporation.lock");
    let entry = Entry::changed(action, found.object(), &told(&before), &told(&after));
    Ok(Done::changed((), entry))
}
