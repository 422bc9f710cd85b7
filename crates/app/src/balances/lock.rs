//! Lock a user's balance.

use super::find::ever_of_user;
use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::{App, Error, Once};
use domain::Outcome;
use domain::balance::Balance;
use domain::card::Card;
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, cards};

impl App {
    /// Locks a user's balance: whatever asks money of it is declined, what comes in comes in, and
    /// what has happened is posted. The same lock again succeeds and changes nothing.
    pub async fn lock_balance(
        &self,
        scope: Scope,
        id: BalanceId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let lock = |balance: &mut Balance, _: &[Card]| Ok(balance.lock()?);
        self.change_balance(scope, (None, id), once, "balance.lock", lock).await
    }

    /// Changes the state of a user's balance, of the user who is named if one is, by a rule that
    /// knows its cards, under its lock: it guards them too. `action` is what the audit record
    /// calls it.
    pub(super) async fn change_balance(
        &self,
        scope: Scope,
        balance: (Option<UserId>, BalanceId),
        once: Once<()>,
        action: &'static str,
        rule: impl FnOnce(&mut Balance, &[Card]) -> Result<Outcome, Error> + Send,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = change_balance_in(&mut tx, scope, balance, action, rule).await;
        self.finish(scope, &once, tx, result).await
    }
}

async fn change_balance_in(
    tx: &mut Tx,
    scope: Scope,
    (owner, id): (Option<UserId>, BalanceId),
    action: &'static str,
    rule: impl FnOnce(&mut Balance, &[Card]) -> Result<Outcome, Error> + Send,
) -> Result<Done<()>, Error> {
    // A balance never changes its owner, so whose it is may be read before the lock.
    ever_of_user(tx, scope, owner, id).await?;
    balances::lock(tx, &[(scope.partner(), id)].into()).await?;
    let mut balance = ever_of_user(tx, scope, owner, id).await?;
    let cards = cards::list_of_balance(tx, scope, id).await?;
    let before = state_facts(&balance);
    match rule(&mut balance, &cards)? {
        Outcome::Applied => {
            balances::update_state(tx, scope, &balance).await?;
            let entry = Entry::changed(action, id.0, &before, &state_facts(&balance));
            Ok(Done::changed((), entry))
        }
        Outcome::AlreadyApplied => Ok(Done::unchanged(())),
    }
}

/// What an audit record tells of a balance's state.
pub(super) fn state_facts(balance: &Balance) -> Value {
    json!({ "state": balance.state.as_str() })
}
