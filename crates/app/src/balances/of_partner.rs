//! The partners' own balances: create, find, list (spec "Partner balances").

use crate::admins::Manager;
use crate::audit::{Done, Entry, Operator};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::balance::{Balance, BalanceState, Owner, PartnerBalanceKind};
use domain::ids::{BalanceId, PartnerId};
use domain::money::{Amount, Currency};
use domain::partner::BalanceMode;
use domain::scope::Scope;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use store::db::Tx;
use store::{balances, instance};

/// A balance of a partner's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerBalance {
    /// What it is for.
    pub kind: PartnerBalanceKind,
    /// What it has.
    pub balance: Balance,
}

impl PartnerBalance {
    fn of(balance: Balance) -> Option<Self> {
        Some(Self { kind: balance.owner.kind()?, balance })
    }
}

/// As the command line shows it.
#[must_use]
pub fn partner_balance_json(found: &PartnerBalance) -> Value {
    let PartnerBalance { kind, balance } = found;
    json!({
        "id": balance.id.0.to_string(),
        "kind": kind.as_str(),
        "currency": balance.currency.code(),
        "amount": balance.available(),
        "blockedAmount": balance.held.minor(),
        "state": balance.state.as_str(),
    })
}

impl App {
    /// Creates a partner's own balance, or finds the one of this kind and currency.
    pub async fn create_partner_balance(
        &self,
        operator: &Operator,
        partner: PartnerId,
        kind: PartnerBalanceKind,
        currency: Currency,
    ) -> Result<PartnerBalance, Error> {
        let mut tx = self.db.begin().await?;
        let made = self.create_partner_balance_in(&mut tx, operator, (partner, kind, currency));
        let made = made.await;
        tx.end(made).await?;
        self.refresh_settings().await?;
        let settings = self.settings.get();
        let id = settings.partner_balance(partner, kind, currency);
        let id = id.ok_or(Error::broken("a partner balance that was made isn't there"))?;
        self.partner_balance(Scope::platform(partner, "was just made"), id).await
    }

    /// Creates a balance of the calling partner's own, or finds the one of this kind and currency.
    pub async fn create_own_balance(
        &self,
        scope: Scope,
        kind: PartnerBalanceKind,
        currency: Currency,
        once: Once<PartnerBalance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let made = self.create_own_balance_in(&mut tx, scope, kind, currency).await;
        let made = self.finish(scope, &once, tx, made).await?;
        self.refresh_settings().await?;
        Ok(made)
    }

    /// Creates a partner's own balance of any kind, or finds the one of this kind and currency, by
    /// somebody of the operator's with a panel account.
    pub async fn create_partner_balance_once(
        &self,
        manager: Manager,
        scope: Scope,
        (kind, currency): (PartnerBalanceKind, Currency),
        once: Once<PartnerBalance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let made = async {
            if let Some(found) = own(&mut tx, scope, kind, currency).await? {
                return Ok(Done::unchanged(found));
            }
            // First, since it locks: whoever changes settings takes this lock before any other.
            instance::raise_settings_version(&mut tx).await?;
            self.need_manager(&mut tx, manager).await?;
            self.insert_own_in(&mut tx, scope, kind, currency).await
        };
        let made = made.await;
        let made = self.finish(scope, &once, tx, made).await?;
        self.refresh_settings().await?;
        Ok(made)
    }

    async fn create_own_balance_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        kind: PartnerBalanceKind,
        currency: Currency,
    ) -> Result<Done<PartnerBalance>, Error> {
        let settings = self.settings.get();
        if !settings.programs_of(scope.partner()).iter().any(|p| p.currency == currency) {
            return Err(Refusal::CurrencyNotSupported.into());
        }
        if let Some(found) = own(tx, scope, kind, currency).await? {
            return Ok(Done::unchanged(found));
        }
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        self.insert_own_in(tx, scope, kind, currency).await
    }

    /// The caller has raised the settings' version.
    async fn insert_own_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        kind: PartnerBalanceKind,
        currency: Currency,
    ) -> Result<Done<PartnerBalance>, Error> {
        let new = self.insert_partner_balance(tx, scope.partner(), kind, currency).await?;
        let made = own(tx, scope, kind, currency).await?;
        let made = made.ok_or(Error::broken("a partner balance that was made isn't there"))?;
        Ok(match new {
            None => Done::unchanged(made),
            Some(id) => {
                let after = json!({ "kind": kind.as_str(), "currency": currency.code() });
                Done::changed(made, Entry::made("partner-balance.create", id.0, after))
            }
        })
    }

    async fn create_partner_balance_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        (partner, kind, currency): (PartnerId, PartnerBalanceKind, Currency),
    ) -> Result<(), Error> {
        let scope = Scope::platform(partner, "the operator makes a balance of its own");
        if own(tx, scope, kind, currency).await?.is_some() {
            return Ok(());
        }
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        if let Some(id) = self.insert_partner_balance(tx, partner, kind, currency).await? {
            let detail = json!({ "kind": kind.as_str(), "currency": currency.code() });
            let id = id.0.to_string();
            let act = ("partner-balance.create", id.as_str(), &detail);
            self.record_act(tx, operator, partner, act).await?;
        }
        Ok(())
    }

    /// Adds a partner's own balance, unless it has one of this kind and currency; the caller has
    /// raised the settings' version.
    pub(crate) async fn insert_partner_balance(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        kind: PartnerBalanceKind,
        currency: Currency,
    ) -> Result<Option<BalanceId>, Error> {
        let balance = Balance {
            id: ids::new_balance_id(),
            owner: Owner::Partner(kind),
            currency,
            mode: BalanceMode::Internal,
            state: BalanceState::Active,
            posted: 0,
            held: Amount::ZERO,
            version: 0,
            gift: None,
        };
        let new = balances::insert_partners(tx, partner, &balance, self.now()).await?;
        Ok(new.then_some(balance.id))
    }

    /// Makes the `COMPANY` balances that programs of earlier releases lack: one for each currency
    /// of a partner's programs.
    pub async fn make_company_balances(&self) -> Result<(), Error> {
        let settings = self.settings.get();
        let missing: BTreeSet<(PartnerId, Currency)> = settings
            .partners()
            .iter()
            .flat_map(|partner| settings.programs_of(partner.id))
            .map(|program| (program.partner, program.currency))
            .filter(|(partner, currency)| {
                let kind = PartnerBalanceKind::Company;
                settings.partner_balance(*partner, kind, *currency).is_none()
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let made = self.make_company_balances_in(&mut tx, &missing).await;
        tx.end(made).await?;
        self.refresh_settings().await
    }

    async fn make_company_balances_in(
        &self,
        tx: &mut Tx,
        missing: &BTreeSet<(PartnerId, Currency)>,
    ) -> Result<(), Error> {
        instance::raise_settings_version(tx).await?;
        for (partner, currency) in missing {
            let kind = PartnerBalanceKind::Company;
            self.insert_partner_balance(tx, *partner, kind, *currency).await?;
        }
        Ok(())
    }

    /// A partner's own balance.
    pub async fn partner_balance(
        &self,
        scope: Scope,
        id: BalanceId,
    ) -> Result<PartnerBalance, Error> {
        let mut tx = self.db.read().await?;
        let found = balances::find(&mut tx, scope, id).await;
        let found = tx.end(found).await?.and_then(PartnerBalance::of);
        Ok(found.ok_or(Refusal::BalanceNotFound)?)
    }

    /// All balances of a partner's own, by kind and currency.
    pub async fn partner_balances(&self, scope: Scope) -> Result<Vec<PartnerBalance>, Error> {
        let mut tx = self.db.read().await?;
        let found = balances::list_of_partner(&mut tx, scope).await;
        Ok(tx.end(found).await?.into_iter().filter_map(PartnerBalance::of).collect())
    }
}

/// The partner's own balance of a kind and currency.
async fn own(
    tx: &mut Tx,
    scope: Scope,
    kind: PartnerBalanceKind,
    currency: Currency,
) -> Result<Option<PartnerBalance>, Error> {
    let own = balances::list_of_partner(tx, scope).await?.into_iter();
    let mut own = own.filter(|it| (it.owner.kind(), it.currency) == (Some(kind), currency));
    Ok(own.next().and_then(PartnerBalance::of))
}
