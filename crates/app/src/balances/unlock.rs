//! Unlock a user's balance.

use crate::{App, Error, Once};
use domain::balance::Balance;
use domain::card::Card;
use domain::ids::BalanceId;
use domain::scope::Scope;
use serde_json::Value;

impl App {
    /// Takes the lock off a user's balance. A balance that isn't locked stays as it is.
    pub async fn unlock_balance(
        &self,
        scope: Scope,
        id: BalanceId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let unlock = |balance: &mut Balance, _: &[Card]| Ok(balance.unlock()?);
        self.change_balance(scope, (None, id), once, "balance.unlock", unlock).await
    }
}
