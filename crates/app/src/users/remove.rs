//! Remove a user: balances, cards, devices and sessions end with them. What they were is erased
//! when the law lets it be (`crates/app/src/erasure.rs`).

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use domain::user::UserState;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use store::db::Tx;
use store::{balances, cards, installations, pairings, screening, sessions, users, verifications};

impl App {
    /// Takes a user out of use for ever, if each of their balances is at zero and nothing of it is
    /// held; e-mail and phone are free again. What the partner holds is unlinked afterwards.
    pub async fn remove_user(
        &self,
        scope: Scope,
        id: UserId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let empty = self.empty_at_partner(scope, id.into(), &once.origin.request_id).await;
        let mut tx = self.db.begin().await?;
        let result = match empty {
            Ok(empty) => self.remove_in(&mut tx, scope, id, &empty).await,
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    async fn remove_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        id: UserId,
        empty: &HashSet<BalanceId>,
    ) -> Result<Done<()>, Error> {
        // Whoever gives them a balance or a card locks them too: what is listed below is all.
        let before = users::find_locked(tx, scope, id).await?.ok_or(Refusal::CustomerNotFound)?;
        let guards = guards(tx, scope, id).await?;
        balances::lock(tx, &guards).await?;
        let cards = cards::list_held(tx, scope, id).await?;
        let cards = owners::end_cards(tx, scope, cards, self.now()).await?;
        let balances = owners::end_balances(tx, scope, id.into(), (empty, self.real_now())).await?;
        sessions::end_all(tx, scope, id).await?;
        pairings::end_all(tx, scope, id).await?;
        installations::end_all(tx, scope, id, self.now()).await?;
        verifications::unwatch(tx, scope, id).await?;
        verifications::refer_all(tx, scope, id, self.now()).await?;
        screening::remove_open(tx, scope, id.into()).await?;
        users::remove(tx, scope, &before, self.now()).await?;
        let state = |state: UserState| json!({ "state": state.as_str() });
        let (was, is) = (state(before.state), state(UserState::Deleted));
        let entry = Entry::changed("user.remove", id.0, &was, &is);
        Ok(Done::changed((), entry.with("balances", balances).with("cards", cards)))
    }
}

/// What guards their balances and their cards, of which some may pay from a corporation's.
async fn guards(tx: &mut Tx, scope: Scope, id: UserId) -> Result<BTreeSet<balances::Key>, Error> {
    let own = balances::list(tx, scope, id.into()).await?.into_iter().map(|it| it.id);
    let paid_from = cards::list_held(tx, scope, id).await?.into_iter().map(|it| it.balance);
    Ok(own.chain(paid_from).map(|balance| (scope.partner(), balance)).collect())
}
