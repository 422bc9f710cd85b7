//! Watch the documents that accepted forms have shown: behind one's last day no money leaves its
//! user's balances, until a form with another document is accepted (spec "Transactional locks").

use crate::audit::Origin;
use crate::error::Chain;
use crate::owners::{self, OwnerName};
use crate::users::LockChange;
use crate::{App, Error, Refusal};
use domain::ids::UserId;
use domain::scope::Scope;
use domain::user::TransactionalLock;
use store::db::Tx;
use store::verifications;

/// Users that are found at once.
const USERS: i64 = 200;

impl App {
    /// Locks the users whose document has ended; how many.
    pub async fn lock_for_ended_documents(&self) -> Result<u64, Error> {
        let (today, mut locked) = (self.today(), 0);
        for partner in self.settings.get().partners() {
            let scope = Scope::platform(partner.id, "documents are watched");
            loop {
                let mut tx = self.db.read().await?;
                let ended = verifications::list_ended(&mut tx, scope, today, USERS).await;
                let ended = tx.end(ended).await?;
                if ended.is_empty() || self.tasks.is_stopping() {
                    break;
                }
                let mut broken = false;
                for user in ended {
                    let mut tx = self.db.begin().await?;
                    let done = self.lock_for_document(&mut tx, scope, user).await;
                    match tx.end(done).await {
                        Ok(done) => locked += u64::from(done),
                        Err(error @ Error::Internal(..)) => {
                            let (user, error) = (user.0, Chain(&error));
                            tracing::error!(user, %error, "a document's end can't be noted");
                            broken = true;
                        }
                        Err(error) => return Err(error),
                    }
                }
                // They would be found again at once.
                if broken {
                    break;
                }
            }
        }
        if locked > 0 {
            self.outbox.bell().ring();
        }
        Ok(locked)
    }

    async fn lock_for_document(
        &self,
        tx: &mut Tx,
        scope: Scope,
        user: UserId,
    ) -> Result<bool, Error> {
        let found = match owners::find_locked(tx, scope, OwnerName::User(user)).await {
            Err(Error::Refused(Refusal::CustomerNotFound)) => None,
            found => Some(found?),
        };
        // Another one may have been accepted since this one was found.
        let has_ended = verifications::unwatch_ended(tx, scope, user, self.today()).await?;
        let Some(found) = found.filter(|_| has_ended) else { return Ok(false) };
        let origin = Origin::here("worker:documents");
        let change = (TransactionalLock::DocumentExpired, LockChange::Set);
        let entry = self.change_lock_of(tx, scope, &found, change, &origin.request_id).await?;
        let locked = entry.is_some();
        if let Some(entry) = entry {
            self.record(tx, scope.partner(), &origin, entry).await?;
        }
        Ok(locked)
    }
}
