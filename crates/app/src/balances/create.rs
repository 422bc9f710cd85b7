//! Create a balance for a user.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::balance::{Balance, BalanceState, Owner};
use domain::ids::UserId;
use domain::money::{Amount, Currency};
use domain::scope::Scope;
use domain::user::Kyc;
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, users};

impl App {
    /// Creates an empty balance.
    pub async fn create_balance(
        &self,
        scope: Scope,
        owner: UserId,
        currency: Currency,
        once: Once<Balance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.create_balance_in(&mut tx, scope, owner, currency).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn create_balance_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        owner: UserId,
        currency: Currency,
    ) -> Result<Done<Balance>, Error> {
        let user = users::find_locked(tx, scope, owner).await?;
        let user = user.ok_or(Refusal::CustomerNotFound)?;
        self.need_supported_mode(scope)?;
        let settings = self.settings.get();
        if !settings.programs_of(scope.partner()).iter().any(|p| p.currency == currency) {
            return Err(Refusal::CurrencyNotSupported.into());
        }
        if user.kyc != Kyc::Success {
            return Err(Refusal::KycNotVerified.into());
        }
        let balance = Balance {
            id: ids::new_balance_id(),
            owner: Owner::User(owner),
            currency,
            state: BalanceState::Active,
            posted: 0,
            held: Amount::ZERO,
            version: 0,
        };
        balances::insert(tx, scope, &balance, self.now()).await?;
        let after = json!({
            "userId": owner.0, "currency": currency.code(), "state": balance.state.as_str(),
        });
        let entry = Entry::made("balance.create", balance.id.0, after);
        Ok(Done::changed(balance, entry))
    }
}
