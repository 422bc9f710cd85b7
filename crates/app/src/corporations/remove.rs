//! Remove a corporation: balances and cards end with it. What it was is erased when the law lets it
//! be (`crates/app/src/erasure.rs`).

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::BalanceId;
use domain::scope::Scope;
use serde_json::{Value, json};
use std::collections::HashSet;
use store::db::Tx;
use store::{balances, cards, corporations, screening};
use uuid::Uuid;

impl App {
    /// Takes a corporation out of use for ever, if each of its balances is at zero and nothing of
    /// it is held; its place in the register is free again. What the partner holds is unlinked
    /// afterwards.
    pub async fn remove_corporation(
        &self,
        scope: Scope,
        name: Uuid,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let owner = OwnerName::Corporation(name);
        let empty = self.empty_at_partner(scope, owner, &once.origin.request_id).await;
        let mut tx = self.db.begin().await?;
        let result = match empty {
            Ok(empty) => self.remove_corporation_in(&mut tx, scope, name, &empty).await,
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    async fn remove_corporation_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        name: Uuid,
        empty: &HashSet<BalanceId>,
    ) -> Result<Done<()>, Error> {
        // Whoever gives it a balance or a card locks it too: what is listed below is all.
        let found = corporations::find_locked(tx, scope, name).await?;
        let before = found.ok_or(Refusal::CorporationNotFound)?.corporation;
        let own = balances::list(tx, scope, before.id.into()).await?;
        let guards = own.iter().map(|balance| (scope.partner(), balance.id)).collect();
        balances::lock(tx, &guards).await?;
        let cards = cards::list_of_corporation(tx, scope, before.id).await?;
        let cards = owners::end_cards(tx, scope, cards, self.now()).await?;
        let facts = (empty, self.real_now());
        let balances = owners::end_balances(tx, scope, before.id.into(), facts).await?;
        screening::remove_open(tx, scope, before.id.into()).await?;
        corporations::remove(tx, scope, &before, self.now()).await?;
        let detail = json!({ "kyb": before.kyb.as_str(), "balances": balances, "cards": cards });
        Ok(Done::changed((), Entry::made("corporation.remove", name, detail)))
    }
}
