//! What was spent, and whether that leaves room for more (spec "Limits and controls", rules
//! "Counting against limits").
//!
//! A payment counts on the day of its authorization, in the time zone that its partner has then.
//! What follows (increment, reversal, expiry, clearing for less or more, adjustment) changes the
//! counters of that same day's periods; of a period that is over nobody asks any more, so it isn't
//! kept.

use crate::ids::{CardId, OwnerId};
use crate::limits::{Budget, Kinds, Limit, LimitType, Rules, TimeUnit};
use crate::money::{Amount, Currency};
use crate::transaction::{Category, Order, Processing, Transaction, TransactionType};
use jiff::civil::Date;

/// Whose spending it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A card's, which pays from a balance of this owner's.
    Card(OwnerId, CardId),
    /// An owner's, with all balances and the cards that pay from them.
    Owner(OwnerId),
}

/// How a transaction counts: fixed when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The partner's day of it.
    pub on: Date,
    /// The limits that count it.
    pub kinds: Kinds,
}

impl Counted {
    /// How a new transaction counts: payments that the network brings do, all that gives money
    /// doesn't, nor does what the partner or the operator moves.
    ///
    /// It may follow another one. An adjustment counts on the day and as the payment that it
    /// corrects, and gives back what it lowers; not at all, if that is a refund. What is cleared
    /// of a hold that is over counts today, and as what the hold was as well: a clearing doesn't
    /// tell how the card was read.
    #[must_use]
    pub fn of(order: &Order, today: Date, follows: Option<&Transaction>) -> Option<Self> {
        let is_debit = order.category == Category::Debit;
        let corrects = order.kind == TransactionType::Adjustment;
        if let Some(corrected) = follows.filter(|_| corrects) {
            return corrected.counted.filter(|_| is_debit || !corrected.cleared.is_zero());
        }
        let counts = is_debit && (corrects || order.kind.is_of_the_network());
        let (own, hold) = (Kinds::of(order), follows.and_then(|it| it.counted));
        let kinds = hold.map_or(own, |hold| own.and(hold.kinds));
        counts.then_some(Self { on: today, kinds })
    }
}

/// So much, and so many payments. Sums of any number of amounts fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// In minor units.
    pub amount: i128,
    /// How many payments.
    pub count: i64,
}

impl Sum {
    /// What a transaction stands for now: what it holds and what it has moved.
    fn of(transaction: Option<&Transaction>) -> Self {
        let counts =
            |it: &&Transaction| matches!(it.processing, Processing::Success | Processing::Asking);
        let Some(transaction) = transaction.filter(counts) else { return Self::default() };
        let Transaction { order, held, cleared, .. } = transaction;
        Self::spent((order.kind, order.category), (*held, *cleared))
    }

    /// The same of one that was done: what gives back counts below zero, and a correction is no
    /// payment of its own.
    #[must_use]
    pub fn spent(
        (kind, category): (TransactionType, Category),
        (held, cleared): (Amount, Amount),
    ) -> Self {
        let amount = i128::from(held.minor()) + i128::from(cleared.minor());
        let is_payment = amount != 0 && kind != TransactionType::Adjustment;
        let amount = if category == Category::Debit { amount } else { -amount };
        Self { amount, count: i64::from(is_payment) }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { amount: self.amount + other.amount, count: self.count + other.count }
    }

    fn minus(self, other: Self) -> Self {
        Self { amount: self.amount - other.amount, count: self.count - other.count }
    }
}

/// What an event adds to the counters, or takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    /// How it counts.
    pub counted: Counted,
    /// In which currency.
    pub currency: Currency,
    /// How much, below zero when something is given back.
    pub sum: Sum,
}

impl Delta {
    /// What lies between a transaction as it was, if it was, and as it is; nothing for none.
    #[must_use]
    pub fn between(before: Option<&Transaction>, after: &Transaction) -> Option<Self> {
        let sum = Sum::of(Some(after)).minus(Sum::of(before));
        let (counted, currency) = (after.counted?, after.order.currency);
        (sum != Sum::default()).then_some(Self { counted, currency, sum })
    }
}

const UNITS: usize = TimeUnit::ALL.len();
const TYPES: usize = LimitType::ALL.len();

/// By how many days a counter may be ahead of the day of now without anybody's clock being wrong:
/// time zones are up to 26 hours apart, and a partner may move from the first to the last.
const DAYS_AHEAD: i32 = 2;

/// What was spent in the periods that a day is in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sums {
    as_of: Date,
    of: [[Sum; UNITS]; TYPES],
}

impl Sums {
    fn get(&self, (kind, unit): (LimitType, TimeUnit), day: Date) -> Option<Sum> {
        unit.same_period(self.as_of, day).then(|| self.of[kind as usize][unit as usize])
    }

    /// Adds to all periods that the day of what is counted is in too.
    fn add(&mut self, delta: &Delta) {
        for (sums, kind) in self.of.iter_mut().zip(LimitType::ALL) {
            for (sum, unit) in sums.iter_mut().zip(TimeUnit::ALL) {
                if delta.counted.kinds.has(*kind) && unit.same_period(delta.counted.on, self.as_of)
                {
                    *sum = sum.plus(delta.sum);
                }
            }
        }
    }
}

/// The sums of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Periods {
    currency: Currency,
    now: Sums,
    /// Those before the last great step of time: if a clock was wrong, they are asked for again.
    aside: Option<Sums>,
    budget: Sum,
}

impl Periods {
    fn begun(currency: Currency, as_of: Date) -> Self {
        let now = Sums { as_of, of: [[Sum::default(); UNITS]; TYPES] };
        Self { currency, now, aside: None, budget: Sum::default() }
    }

    /// The day on which something counts that happens today.
    fn day(&self, today: Date) -> Date {
        if (0..=DAYS_AHEAD).contains(&days(today, self.now.as_of)) { self.now.as_of } else { today }
    }

    /// What was spent in the period that a day is in; none if it isn't kept any more.
    fn kept(&self, which: (LimitType, TimeUnit), day: Date) -> Option<Sum> {
        let aside = || self.aside.as_ref().and_then(|aside| aside.get(which, day));
        let new = || (day > self.now.as_of).then(Sum::default);
        self.now.get(which, day).or_else(aside).or_else(new)
    }

    /// Begins anew what has begun anew by a day. What was kept of its periods goes on.
    fn step(&mut self, day: Date) {
        let gap = days(self.now.as_of, day);
        if self.day(day) == self.now.as_of {
            return;
        }
        let mut next = Sums { as_of: day, ..self.now.clone() };
        for (sums, kind) in next.of.iter_mut().zip(LimitType::ALL) {
            for (sum, unit) in sums.iter_mut().zip(TimeUnit::ALL) {
                *sum = self.kept((*kind, *unit), day).unwrap_or_default();
            }
        }
        let before = std::mem::replace(&mut self.now, next);
        if gap.abs() > DAYS_AHEAD {
            self.aside = Some(before);
        }
    }
}

/// How many days the second is after the first.
fn days(first: Date, second: Date) -> i32 {
    first.until(second).map_or(0, |span| span.get_days())
}

/// What a card or an owner may spend, and what it has spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// What it may.
    pub rules: Rules,
    periods: Vec<Periods>,
}

/// A payment that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// How it would count.
    pub counted: Counted,
    /// In which currency.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// What it raises, if it raises something: that counts already.
    pub raises: Option<&'a Transaction>,
}

impl<'a> Asked<'a> {
    /// What a message asks for, on a day. What raises a payment counts as that payment does.
    #[must_use]
    pub fn of(order: &Order, amount: Amount, today: Date, raises: Option<&'a Transaction>) -> Self {
        let new = Counted { on: today, kinds: Kinds::of(order) };
        let counted = raises.and_then(|raised| raised.counted).unwrap_or(new);
        Self { counted, currency: order.currency, amount, raises }
    }
}

impl Spending {
    /// Rules and what was counted, as kept in bytes.
    pub fn of(rules: Rules, counters: &[u8]) -> Option<Self> {
        Some(Self { rules, periods: packed::read(counters)? })
    }

    /// What was counted, in few bytes.
    #[must_use]
    pub fn counters(&self) -> Vec<u8> {
        packed::write(&self.periods)
    }

    /// Counts what an event adds or gives back today, in each period of its day that is still kept.
    pub fn count(&mut self, delta: &Delta, today: Date) {
        let day = delta.counted.on;
        let budget = self
            .rules
            .budget
            .filter(|budget| budget.currency == delta.currency && budget.covers(day));
        let periods = self.periods_of(delta.currency, today);
        periods.step(today);
        periods.now.add(delta);
        if let Some(aside) = &mut periods.aside {
            aside.add(delta);
        }
        if budget.is_some() {
            periods.budget = periods.budget.plus(delta.sum);
        }
    }

    /// Sets a budget; what was spent of it already is counted from now on.
    pub fn set_budget(&mut self, budget: Option<Budget>, spent: Sum, today: Date) {
        self.rules.budget = budget;
        self.periods.iter_mut().for_each(|periods| periods.budget = Sum::default());
        if let Some(budget) = budget {
            self.periods_of(budget.currency, today).budget = spent;
        }
    }

    /// The day on which something that happens today counts: a day that came before doesn't come
    /// again, though clocks of nodes differ and time zones are changed. A day that is far ahead
    /// was told by a clock that was wrong; it holds nobody.
    #[must_use]
    pub fn day(&self, currency: Currency, today: Date) -> Date {
        self.find(currency).map_or(today, |periods| periods.day(today))
    }

    /// What was spent so far in the running period of a limit.
    #[must_use]
    pub fn used(&self, limit: &Limit, today: Date) -> Sum {
        self.used_on(limit, self.day(limit.currency, today)).unwrap_or_default()
    }

    /// What was spent in the period of a limit that has this day; none if it isn't kept any more.
    fn used_on(&self, limit: &Limit, day: Date) -> Option<Sum> {
        let periods = self.find(limit.currency);
        periods.map_or(Some(Sum::default()), |it| it.kept((limit.kind, limit.unit), day))
    }

    /// What was spent of the budget so far.
    #[must_use]
    pub fn used_of_budget(&self) -> Sum {
        let periods = self.rules.budget.and_then(|budget| self.find(budget.currency));
        periods.map_or(Sum::default(), |periods| periods.budget)
    }

    /// Whether a payment stays within limits that count this spending: its own, or its program's.
    #[must_use]
    pub fn is_within(&self, limits: &[Limit], asked: &Asked<'_>) -> bool {
        let counts = |limit: &&Limit| {
            limit.currency == asked.currency && asked.counted.kinds.has(limit.kind)
        };
        limits.iter().filter(counts).all(|limit| self.leaves_room(limit, asked))
    }

    fn leaves_room(&self, limit: &Limit, asked: &Asked<'_>) -> bool {
        let raised = Sum::of(asked.raises);
        let before = match limit.unit {
            TimeUnit::Transaction => Some(raised),
            TimeUnit::Daily
            | TimeUnit::Weekly
            | TimeUnit::Monthly
            | TimeUnit::Yearly
            | TimeUnit::Lifetime => self.used_on(limit, asked.counted.on),
        };
        // Of a period that is over the sums aren't kept: there the payment itself must stay within.
        let before = before.unwrap_or(raised);
        let count = i64::from(raised == Sum::default());
        let new = Sum { amount: asked.amount.minor().into(), count };
        let after = before.plus(new);
        after.amount <= limit.amount.minor().into()
            && limit.count.is_none_or(|top| after.count <= top)
    }

    /// Whether a payment stays within the budget, if there is one.
    #[must_use]
    pub fn is_within_budget(&self, asked: &Asked<'_>) -> bool {
        let budget = self.rules.budget.filter(|budget| budget.currency == asked.currency);
        budget.is_none_or(|budget| {
            let after = self.used_of_budget().amount + i128::from(asked.amount.minor());
            budget.covers(asked.counted.on) && after <= budget.amount.minor().into()
        })
    }

    fn find(&self, currency: Currency) -> Option<&Periods> {
        self.periods.iter().find(|periods| periods.currency == currency)
    }

    fn periods_of(&mut self, currency: Currency, day: Date) -> &mut Periods {
        let found = self.periods.iter().position(|periods| periods.currency == currency);
        let at = found.unwrap_or_else(|| {
            self.periods.push(Periods::begun(currency, day));
            self.periods.len() - 1
        });
        &mut self.periods[at]
    }
}

mod packed;

#[cfg(test)]
mod tests;
