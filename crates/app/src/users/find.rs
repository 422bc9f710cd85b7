//! Find users.

use crate::refusals::Refusal;
use crate::{App, Error};
use domain::ids::UserId;
use domain::scope::Scope;
use domain::user::User;
use store::users::{self, Key};

impl App {
    /// The user of an id.
    pub async fn user(&self, scope: Scope, id: UserId) -> Result<User, Error> {
        let mut tx = self.db.read().await?;
        let found = users::find(&mut tx, scope, id).await;
        Ok(tx.end(found).await?.ok_or(Refusal::CustomerNotFound)?)
    }

    /// The users that a key names.
    pub async fn users_by(&self, scope: Scope, key: &Key) -> Result<Vec<User>, Error> {
        let mut tx = self.db.read().await?;
        let found = users::list_by(&mut tx, scope, key).await;
        Ok(tx.end(found).await?)
    }
}
