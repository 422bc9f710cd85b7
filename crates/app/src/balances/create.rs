//! Create a balance for a user or a corporation.

use super::links::{asked_until, due_now};
use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::balance::{Balance, BalanceState, Owner};
use domain::gift::Gift;
use domain::ids::{BalanceId, UserId};
use domain::money::{Amount, Currency};
use domain::partner::BalanceMode;
use domain::program::ProgramState;
use domain::scope::Scope;
use serde_json::{Value, json};
use store::balances::links::Link;
use store::balances::{self, links};
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

/// A balance that was written.
pub(super) struct Made {
    pub(super) balance: Balance,
    /// What an audit record tells of it beside its state.
    pub(super) facts: Value,
}

impl Made {
    /// As it is now.
    pub(super) fn done(self) -> Done<Balance> {
        let Self { balance, mut facts } = self;
        facts["state"] = balance.state.as_str().into();
        let entry = Entry::made("balance.create", balance.id.0, facts);
        Done::changed(balance, entry)
    }
}

impl App {
    /// Creates an empty balance. One that the partner holds is linked to its books first.
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
        let patience = self.patience_with(scope);
        let mut tx = self.db.begin().await?;
        let made = self.create_balance_in(&mut tx, scope, new, asked_until(patience.until)).await;
        match made {
            // It isn't there yet: nothing is kept with the key, and no record is left.
            Ok(made) if made.balance.is_external() => {
                tx.commit().await?;
                self.link_new(scope, made, (patience, &once)).await
            }
            made => self.finish(scope, &once, tx, made.map(Made::done)).await,
        }
    }

    /// One that the partner holds is still to be linked.
    async fn create_balance_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        NewBalance { owner, currency, config_id }: NewBalance,
        link: Link,
    ) -> Result<Made, Error> {
        let found = owners::find_locked(tx, scope, owner).await?;
        let owner = found.owner;
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner()).ok_or(Refusal::PartnerNotFound)?;
        if !settings.programs_of(scope.partner()).iter().any(|p| p.currency == currency) {
            return Err(Refusal::CurrencyNotSupported.into());
        }
        let gift = config_id.as_deref().map(|id| self.gift_of(scope, id, currency)).transpose()?;
        let mode = partner.settings.balance_mode;
        if gift.is_some() && mode == BalanceMode::External {
            return Err(Refusal::ModeNotSupported.into());
        }
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
            mode,
            state: match mode {
                BalanceMode::Internal => BalanceState::Active,
                BalanceMode::External => BalanceState::Linking,
            },
            posted: 0,
            held: Amount::ZERO,
            version: 0,
            gift,
        };
        match mode {
            BalanceMode::Internal => balances::insert(tx, scope, &balance, self.now()).await?,
            BalanceMode::External => {
                links::insert(tx, scope, (&balance, &link), self.now()).await?;
            }
        }
        let facts = json!({
            found.word("userId", "corporationId"): found.object_json(),
            "currency": currency.code(), "configId": config_id,
        });
        Ok(Made { balance, facts })
    }

    /// Makes an empty balance for a verified user whom the transaction holds, to be used in this
    /// transaction; what audit records tell of it. One that the partner holds can't be made so.
    pub(crate) async fn make_balance(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (user, currency): (UserId, Currency),
    ) -> Result<(BalanceId, Vec<Entry>), Error> {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner()).ok_or(Refusal::PartnerNotFound)?;
        if partner.settings.balance_mode == BalanceMode::External {
            return Err(Refusal::ModeNotSupported.into());
        }
        let new = NewBalance { owner: user.into(), currency, config_id: None };
        let link = due_now(self.real_now());
        let made = self.create_balance_in(tx, scope, new, link).await?.done();
        Ok((made.result.id, made.entries))
    }

    /// Makes the balance that a partner's users get as soon as they are verified, unless the user
    /// has one; what audit records tell of it. One that the partner holds is there when a worker
    /// has had it linked. Where it can't be made, the user is verified all the same.
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
        let has = |it: &Balance| {
            let will_be = it.state.is_there() || it.state == BalanceState::Linking;
            will_be && it.gift.is_none()
        };
        if held.iter().any(|it| it.currency == currency && has(it)) {
            return Ok(Vec::new());
        }
        let new = NewBalance { owner: user.into(), currency, config_id: None };
        let link = due_now(self.real_now());
        match self.create_balance_in(tx, scope, new, link).await {
            Ok(made) => Ok(made.done().entries),
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
