//! Unlock a card.

use crate::{App, Error, Once};
use domain::card::Card;
use domain::ids::{CardId, UserId};
use domain::scope::Scope;
use serde_json::Value;

impl App {
    /// Takes a reversible lock off a holder's card. A card that isn't locked stays as it is.
    pub async fn unlock_card(
        &self,
        scope: Scope,
        holder: UserId,
        id: CardId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        self.change_card(scope, (holder, id), once, "card.unlock", Card::unlock).await
    }
}
