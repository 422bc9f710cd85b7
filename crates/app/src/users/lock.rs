//! Lock a user, unlock them: while locked they begin no session and pay nothing.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::UserId;
use domain::scope::Scope;
use domain::user::{User, UserState};
use serde_json::{Value, json};
use store::db::Tx;
use store::{sessions, users};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserLock {
    /// They are locked from now on.
    Lock,
    /// They stand where they stood before.
    Unlock,
}

impl App {
    /// Locks or unlocks a user; done already, it succeeds and changes nothing.
    pub async fn lock_user(
        &self,
        scope: Scope,
        id: UserId,
        change: UserLock,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = lock_in(&mut tx, scope, id, change).await;
        self.finish(scope, &once, tx, result).await
    }
}

/// Ends the sessions of a user who is locked now: none of them goes on when that is over.
pub(super) async fn end_sessions(tx: &mut Tx, scope: Scope, user: &User) -> Result<(), Error> {
    if user.state == UserState::Locked {
        sessions::end_all(tx, scope, user.id).await?;
    }
    Ok(())
}

async fn lock_in(
    tx: &mut Tx,
    scope: Scope,
    id: UserId,
    change: UserLock,
) -> Result<Done<()>, Error> {
    let before = users::find_locked(tx, scope, id).await?.ok_or(Refusal::CustomerNotFound)?;
    let mut after = before.clone();
    match change {
        UserLock::Lock => after.lock(),
        UserLock::Unlock => after.unlock(),
    }
    if after == before {
        return Ok(Done::unchanged(()));
    }
    users::update(tx, scope, &after).await?;
    end_sessions(tx, scope, &after).await?;
    let state = |user: &User| json!({ "state": user.state.as_str() });
    let entry = Entry::changed("user.change", id.0, &state(&before), &state(&after));
    Ok(Done::changed((), entry))
}
