//! Transactional locks of users and corporations: while one stands, no money leaves their
//! balances.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::outbox::News;
use crate::owners::{self, Found, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::notification::Event;
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
        let result = self.change_locks_in(&mut tx, scope, owner, (lock, change), &once).await;
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    async fn change_locks_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        owner: OwnerName,
        change: (TransactionalLock, LockChange),
        once: &Once<()>,
    ) -> Result<Done<()>, Error> {
        let found = owners::find_locked(tx, scope, owner).await?;
        let changed = self.change_lock_of(tx, scope, &found, change, &once.origin.request_id);
        Ok(Done::unchanged(()).and(changed.await?))
    }

    /// Sets a lock of one that was found locked, or takes it off, and has the partner told; what
    /// the audit record tells of it, unless it was so already.
    pub(crate) async fn change_lock_of(
        &self,
        tx: &mut Tx,
        scope: Scope,
        found: &Found,
        (lock, change): (TransactionalLock, LockChange),
        request_id: &str,
    ) -> Result<Option<Entry>, Error> {
        let before = owners::locks(tx, scope, found).await?;
        let mut after: Vec<_> = before.iter().copied().filter(|it| *it != lock).collect();
        if change == LockChange::Set {
            after.push(lock);
            after.sort_unstable();
        }
        if after == before {
            return Ok(None);
        }
        owners::set_locks(tx, scope, found, &after).await?;
        self.tell(tx, scope, news(found.name(), lock, change), request_id).await?;
        let told = |locks: &[TransactionalLock]| {
            let words: Vec<&str> = locks.iter().map(|lock| lock.as_str()).collect();
            json!({ "transactionalLocks": words })
        };
        let action = found.word("user.lock", "corporation.lock");
        Ok(Some(Entry::changed(action, found.object(), &told(&before), &told(&after))))
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

/// What a change of a lock is told as.
fn news(owner: OwnerName, lock: TransactionalLock, change: LockChange) -> News {
    let event = match change {
        LockChange::Set => Event::TransactionalLockReasonAdded,
        LockChange::TakeOff => Event::TransactionalLockReasonRemoved,
    };
    let (kind, id) = match owner {
        OwnerName::User(id) => ("user", id.0.to_string()),
        OwnerName::Corporation(name) => ("corporation", name.to_string()),
    };
    let detail = json!({ "resourceType": kind, "resourceId": id, "lockReason": lock.as_str() });
    News::of_owner(owner, event, detail)
}
