//! Transactional locks: while one stands, no money leaves the user's balances.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::UserId;
use domain::scope::Scope;
use domain::user::TransactionalLock;
use serde_json::{Value, json};
use store::db::Tx;
use store::users;

/// What is to be done with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockChange {
    /// It stands from now on.
    Set,
    /// It doesn't stand any more.
    TakeOff,
}

impl App {
    /// A user's transactional locks.
    pub async fn transactional_locks(
        &self,
        scope: Scope,
        user: UserId,
    ) -> Result<Vec<TransactionalLock>, Error> {
        let mut tx = self.db.read().await?;
        let found = locks_in(&mut tx, scope, user).await;
        tx.end(found).await
    }

    /// Sets a transactional lock or takes it off; done already, it succeeds and changes nothing.
    /// A word that names no lock is refused.
    pub async fn change_transactional_lock(
        &self,
        scope: Scope,
        user: UserId,
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
        let result = change_in(&mut tx, scope, user, (lock, change)).await;
        self.finish(scope, &once, tx, result).await
    }
}

async fn locks_in(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Vec<TransactionalLock>, Error> {
    users::find(tx, scope, user).await?.ok_or(Refusal::CustomerNotFound)?;
    Ok(users::transactional_locks(tx, scope, user).await?)
}

async fn change_in(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    (lock, change): (TransactionalLock, LockChange),
) -> Result<Done<()>, Error> {
    users::find_locked(tx, scope, user).await?.ok_or(Refusal::CustomerNotFound)?;
    let before = users::transactional_locks(tx, scope, user).await?;
    let mut after: Vec<_> = before.iter().copied().filter(|it| *it != lock).collect();
    if change == LockChange::Set {
        after.push(lock);
        after.sort_unstable();
    }
    if after == before {
        return Ok(Done::unchanged(()));
    }
    users::set_transactional_locks(tx, scope, user, &after).await?;
    let told = |locks: &[TransactionalLock]| {
        let words: Vec<&str> = locks.iter().map(|lock| lock.as_str()).collect();
        json!({ "transactionalLocks": words })
    };
    let entry = Entry::changed("user.lock", user.0, &told(&before), &told(&after));
    Ok(Done::changed((), entry))
}
