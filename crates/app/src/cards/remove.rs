//! Remove a card.

use crate::{App, Error, Once};
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use serde_json::Value;

impl App {
    /// Takes a holder's card out of use for ever; its number is never given out again, and what
    /// was authorized with it is still settled. A removed card stays as it is.
    pub async fn remove_card(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let now = self.now();
        self.change_card(scope, (holder, id), once, "card.remove", |card| card.remove(now)).await
    }
}
