//! Create a balance for a user or a corporation.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::balance::{Balance, BalanceState, Owner};
use domain::gift::Gift;
use domain::ids::{BalanceId, UserId};
use domain::money::{Amount, Currency};
use domain::program::ProgramState;
use domain::scope::Scope;
use serde_json::{Value, json};
use store::balances;
use store::db::Tx;

/// A balance to be.
#[derive(Clone, Debug)]
pub struct NewBalance {
    /// Whose.
    pub owner: OwnerName,
    /// In which currency.
    pub currency: Currency,
    /// The gift program that it is for, if it is a gift: its owner needn't be verified.
    pub config_id: Option<String>,
}

impl App {
    /// Creates an empty balance.
    pub async fn create_balance(
        &self,
        scope: Scope,
        new: NewBalance,
        once: Once<Balance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.create_balance_in(&mut tx, scope, new).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn create_balance_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        NewBalance { owner, currency, config_id }: NewBalance,
    ) -> Result<Done<Balance>, Error> {
        let found = owners::find_locked(tx, scope, owner).await?;
        let owner = found.owner;
        self.need_supported_mode(scope)?;
        let settings = self.settings.get();
        if !settings.programs_of(scope.partner()).iter().any(|p| p.currency == currency) {
            return Err(Refusal::CurrencyNotSupported.into());
        }
        let gift = config_id.as_deref().map(|id| self.gift_of(scope, id, currency)).transpose()?;
        match (&gift, owner, found.unverified) {
            (Some(_), Owner::User(_), _) | (None, _, None) => {}
            // A gift is a person's.
            (Some(_), _, _) => return Err(Refusal::ProgramMismatch.into()),
            (None, _, Some(refusal)) => return Err(refusal.into()),
        }
        let balance = Balance {
            id: ids::new_balance_id(),
            owner,
            currency,
            state: BalanceState::Active,
            posted: 0,
            held: Amount::ZERO,
            version: 0,
            gift,
        };
        balances::insert(tx, scope, &balance, self.now()).await?;
        let after = json!({
            found.word("userId", "corporationId"): found.object_json(),
            "currency": currency.code(), "state": balance.state.as_str(),
            "configId": config_id,
        });
        let entry = Entry::made("balance.create", balance.id.0, after);
        Ok(Done::changed(balance, entry))
    }

    /// Makes an empty balance for a verified user whom the transaction holds; what audit records
    /// tell of it.
    pub(crate) async fn make_balance(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (user, currency): (UserId, Currency),
    ) -> Result<(BalanceId, Vec<Entry>), Error> {
        let new = NewBalance { owner: user.into(), currency, config_id: None };
        let Done { result, entries } = self.create_balance_in(tx, scope, new).await?;
        Ok((result.id, entries))
    }

    /// Makes the balance that a partner's users get as soon as they are verified, unless the user
    /// has one; what audit records tell of it. Where it can't be made, the user is verified all the
    /// same.
    pub(crate) async fn make_automatic_balance(
        &self,
        tx: &mut Tx,
        scope: Scope,
        user: UserId,
    ) -> Result<Vec<Entry>, Error> {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        let Some(currency) = partner.and_then(|it| it.settings.automatic_balance) else {
            return Ok(Vec::new());
        };
        let held = balances::list(tx, scope, user.into()).await?;
        let has = |it: &Balance| it.state != BalanceState::Removed && it.gift.is_none();
        if held.iter().any(|it| it.currency == currency && has(it)) {
            return Ok(Vec::new());
        }
        let new = NewBalance { owner: user.into(), currency, config_id: None };
        match self.create_balance_in(tx, scope, new).await {
            Ok(done) => Ok(done.entries),
            Err(Error::Refused(refusal)) => {
                let (partner, reason) = (scope.partner().0, refusal.title());
                tracing::warn!(partner, reason, "an automatic balance can't be made");
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// A gift of a program, if that makes gifts in this currency.
    fn gift_of(&self, scope: Scope, config_id: &str, currency: Currency) -> Result<Gift, Refusal> {
        let settings = self.settings.get();
        let program = settings.program(scope.partner(), config_id);
        let program = program.filter(|it| it.state == ProgramState::Live && it.gift.is_some());
        match program.ok_or(Refusal::ProgramNotFound)?.currency == currency {
            true => Ok(Gift::of(config_id)),
            false => Err(Refusal::CurrencyMismatch),
        }
    }
}
