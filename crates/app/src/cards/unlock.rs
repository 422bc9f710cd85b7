//! Unlock a card.

use crate::{App, Error, Once};
use domain::card::lifecycle::{Locker, Unlocks};
use domain::ids::{CardId, UserId};
use domain::partner::UserMayUnlock;
use domain::scope::Scope;
use serde_json::Value;

impl App {
    /// Takes a reversible lock off a holder's card; a user one of another only where the partner
    /// lets them. A card that isn't locked stays as it is.
    pub async fn unlock_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        by: Locker,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let locks = self.may_unlock(scope, by);
        self.change_card(scope, card, once, "card.unlock", |card| card.unlock(locks)).await
    }

    fn may_unlock(&self, scope: Scope, by: Locker) -> Unlocks {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        let may = partner.map_or(UserMayUnlock::OwnLocks, |it| it.settings.user_may_unlock);
        match (by, may) {
            (Locker::User, UserMayUnlock::OwnLocks) => Unlocks::OfUserAlone,
            (Locker::User, UserMayUnlock::AllReversible)
            | (Locker::Partner | Locker::Network | Locker::Platform, _) => Unlocks::All,
        }
    }
}
