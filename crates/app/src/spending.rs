//! What a card or a user may spend, and has: shown and set (spec "Limits and controls"). It is
//! counted where payments are decided, in the engine.

use crate::audit::{Done, Entry};
use crate::cards::of_holder;
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::Date;
use domain::card::Card;
use domain::ids::{CardId, UserId};
use domain::limits::{Budget, Controls, Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::scope::Scope;
use domain::spending::{Spending, Subject, Sum};
use serde_json::Value;
use store::db::Tx;
use store::{balances, spending};

/// Limits as they are asked for. Those of a card needn't tell its currency.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// At most one of a type, time and currency.
    pub limits: Vec<DraftLimit>,
    /// Where, how and for what.
    pub controls: Controls,
    /// What there is in all, for a time.
    pub budget: Option<DraftBudget>,
}

/// A limit as it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct DraftLimit {
    /// Which payments count.
    pub kind: LimitType,
    /// Over which time.
    pub unit: TimeUnit,
    /// In which currency.
    pub currency: Option<Currency>,
    /// How much at most.
    pub amount: Amount,
    /// How many payments at most.
    pub count: Option<i64>,
}

/// A budget as it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct DraftBudget {
    /// In which currency.
    pub currency: Option<Currency>,
    /// How much in all.
    pub amount: Amount,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl Draft {
    /// The rules, in one currency if there is just one that they can be in.
    pub fn rules(self, only: Option<Currency>) -> Result<Rules, Refusal> {
        let currency = |told: Option<Currency>| match (told, only) {
            (Some(told), Some(only)) if told != only => Err(Refusal::CurrencyMismatch),
            (told, only) => told.or(only).ok_or(Refusal::CurrencyMismatch),
        };
        let limit = |DraftLimit { kind, unit, currency: told, amount, count }| {
            Ok(Limit { kind, unit, currency: currency(told)?, amount, count })
        };
        let budget = |DraftBudget { currency: told, amount, from, to }| {
            Ok(Budget { currency: currency(told)?, amount, from, to })
        };
        Ok(Rules {
            limits: self.limits.into_iter().map(limit).collect::<Result<_, Refusal>>()?,
            controls: self.controls,
            budget: self.budget.map(budget).transpose()?,
        })
    }
}

/// Who sets what may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setter {
    /// The partner.
    Partner,
    /// The user who holds the card.
    User,
}

/// What may be spent, and was.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Rules and counters.
    pub spending: Spending,
    /// What the card's program allows at most; nothing for a user.
    pub program: Rules,
    /// The partner's day.
    pub today: Date,
}

impl App {
    /// What a holder's card may spend, and has.
    pub async fn card_limits(
        &self,
        scope: Scope,
        holder: UserId,
        card: CardId,
    ) -> Result<Allowance, Error> {
        let mut tx = self.db.read().await?;
        let found = self.card_limits_in(&mut tx, scope, holder, card).await;
        tx.end(found).await
    }

    async fn card_limits_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        holder: UserId,
        id: CardId,
    ) -> Result<Allowance, Error> {
        let card = of_holder(tx, scope, holder, id).await?;
        let kept = spending::find(tx, scope, Subject::Card(card.owner(), id)).await?;
        Ok(self.allowance(scope, kept.spending, self.program_rules(scope, &card.config_id)))
    }

    /// What a user or a corporation may spend with all balances, and has.
    pub async fn owner_limits(&self, scope: Scope, owner: OwnerName) -> Result<Allowance, Error> {
        let mut tx = self.db.read().await?;
        let found = owner_spending(&mut tx, scope, owner).await;
        Ok(self.allowance(scope, tx.end(found).await?, Rules::default()))
    }

    /// Sets what a holder's card may spend, in place of what it might until now. A user may only
    /// tighten that.
    pub async fn set_card_limits(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        (draft, by): (Draft, Setter),
        once: Once<Allowance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.set_card_limits_in(&mut tx, scope, card, (draft, by)).await;
        self.finish(scope, &once, tx, result).await
    }

    /// Changes what a holder's card may spend, in the partner's name: what isn't touched stays,
    /// whoever else changes it meanwhile, and though the program may allow less by then. The
    /// change is told what is there, and may refuse.
    pub async fn change_card_limits(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
        once: Once<Allowance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.change_card_limits_in(&mut tx, scope, card, change).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn set_card_limits_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: (UserId, CardId),
        (draft, by): (Draft, Setter),
    ) -> Result<Done<Allowance>, Error> {
        let card = guarded(tx, scope, card).await?;
        let balance = balances::find(tx, scope, card.balance).await?;
        let rules = draft.rules(balance.map(|balance| balance.currency))?;
        self.set_card_rules_in(tx, scope, &card, (rules, by), &[]).await
    }

    async fn change_card_limits_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: (UserId, CardId),
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
    ) -> Result<Done<Allowance>, Error> {
        let card = guarded(tx, scope, card).await?;
        let subject = Subject::Card(card.owner(), card.id);
        let before = spending::find(tx, scope, subject).await?.spending.rules;
        let mut rules = before.clone();
        change(&mut rules)?;
        self.set_card_rules_in(tx, scope, &card, (rules, Setter::Partner), &before.limits).await
    }

    /// Sets rules under the guard of the card. No limit may be above the program's, but those that
    /// are kept as they were.
    async fn set_card_rules_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        card: &Card,
        (rules, by): (Rules, Setter),
        kept: &[Limit],
    ) -> Result<Done<Allowance>, Error> {
        let program = self.program_rules(scope, &card.config_id);
        if rules.above(&program).any(|limit| !kept.contains(limit)) {
            return Err(Refusal::LimitAboveProgram.into());
        }
        let subject = Subject::Card(card.owner(), card.id);
        may_set(tx, scope, subject, (&rules, by)).await?;
        let named = ("card.limits", card.id.0.to_string());
        self.set_limits_in(tx, scope, (subject, named), (rules, program)).await
    }

    /// Sets what a user or a corporation may spend with all balances, in place of what it might
    /// until now. A user may only tighten that.
    pub async fn set_owner_limits(
        &self,
        scope: Scope,
        owner: OwnerName,
        (draft, by): (Draft, Setter),
        once: Once<Allowance>,
    ) -> Result<Value, Error> {
        let replace = |rules: &mut Rules| {
            *rules = draft.rules(None)?;
            Ok(())
        };
        self.limit_owner(scope, (owner, by), replace, once).await
    }

    /// Changes what a user or a corporation may spend with all balances, in the partner's name:
    /// what isn't touched stays, whoever else changes it meanwhile. The change is told what is
    /// there, and may refuse.
    pub async fn change_owner_limits(
        &self,
        scope: Scope,
        owner: OwnerName,
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
        once: Once<Allowance>,
    ) -> Result<Value, Error> {
        self.limit_owner(scope, (owner, Setter::Partner), change, once).await
    }

    async fn limit_owner(
        &self,
        scope: Scope,
        by: (OwnerName, Setter),
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
        once: Once<Allowance>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.limit_owner_in(&mut tx, scope, by, change).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn limit_owner_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, by): (OwnerName, Setter),
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
    ) -> Result<Done<Allowance>, Error> {
        let found = owners::find_locked(tx, scope, owner).await?;
        let subject = Subject::Owner(found.id);
        let mut rules = spending::find(tx, scope, subject).await?.spending.rules;
        change(&mut rules)?;
        may_set(tx, scope, subject, (&rules, by)).await?;
        let named = (found.word("user.limits", "corporation.limits"), found.object());
        self.set_limits_in(tx, scope, (subject, named), (rules, Rules::default())).await
    }

    /// Sets rules under the guard of whom they are for. A new budget counts what was spent in its
    /// days already.
    async fn set_limits_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (subject, (action, object)): (Subject, (&'static str, String)),
        (rules, program): (Rules, Rules),
    ) -> Result<Done<Allowance>, Error> {
        let mut kept = spending::find(tx, scope, subject).await?;
        if kept.spending.rules == rules {
            return Ok(Done::unchanged(self.allowance(scope, kept.spending, program)));
        }
        let before = spending::to_json(&kept.spending.rules);
        let spent = match &rules.budget {
            None => Sum::default(),
            same if *same == kept.spending.rules.budget => kept.spending.used_of_budget(),
            Some(budget) => spending::spent(tx, scope, subject, budget).await?,
        };
        let today = self.settings.get().today(scope.partner(), self.now());
        kept.spending.set_budget(rules.budget, spent, today);
        kept.spending.rules = rules;
        spending::set(tx, scope, subject, &kept).await?;
        let after = spending::to_json(&kept.spending.rules);
        let entry = Entry::changed(action, object, &before, &after);
        Ok(Done::changed(self.allowance(scope, kept.spending, program), entry))
    }

    fn allowance(&self, scope: Scope, spending: Spending, program: Rules) -> Allowance {
        let today = self.settings.get().today(scope.partner(), self.now());
        Allowance { spending, program, today }
    }

    fn program_rules(&self, scope: Scope, config_id: &str) -> Rules {
        let settings = self.settings.get();
        let program = settings.program(scope.partner(), config_id);
        program.map(|program| program.ceilings().into_owned()).unwrap_or_default()
    }
}

/// A holder's card, under the lock of its balance.
async fn guarded(tx: &mut Tx, scope: Scope, (holder, id): (UserId, CardId)) -> Result<Card, Error> {
    // A card never changes its balance, so it may be read before the lock; its state may not.
    let guard = of_holder(tx, scope, holder, id).await?.balance;
    balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
    of_holder(tx, scope, holder, id).await
}

async fn owner_spending(tx: &mut Tx, scope: Scope, owner: OwnerName) -> Result<Spending, Error> {
    let found = owners::find(tx, scope, owner).await?;
    Ok(spending::find(tx, scope, Subject::Owner(found.id)).await?.spending)
}

/// A user may only tighten what is set.
async fn may_set(
    tx: &mut Tx,
    scope: Scope,
    subject: Subject,
    (rules, by): (&Rules, Setter),
) -> Result<(), Error> {
    if by == Setter::User {
        let before = spending::find(tx, scope, subject).await?.spending.rules;
        if !rules.tighten(&before) {
            return Err(Refusal::LimitLoosened.into());
        }
    }
    Ok(())
}
