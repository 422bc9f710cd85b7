//! Remove a user's balance.

use crate::{App, Error, Once};
use domain::balance::Balance;
use domain::card::Card;
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use serde_json::Value;

impl App {
    /// Takes a user's balance, of the user who is named if one is, out of use for ever: at zero,
    /// with nothing held and no card left. What the network tells afterwards of its removed cards
    /// is still posted. A removed balance stays as it is.
    pub async fn remove_balance(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        id: BalanceId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let remove = |balance: &mut Balance, cards: &[Card]| {
            // Where the partner holds the money it would have to be asked first.
            self.need_supported_mode(scope)?;
            Ok(balance.remove(cards)?)
        };
        self.change_balance(scope, (owner, id), once, "balance.remove", remove).await
    }
}
