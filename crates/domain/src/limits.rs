//! What may be spent: limits and controls of a card, of an owner, of a program (spec "Limits and
//! controls"). What was spent is in [`crate::spending`].

use crate::money::{Amount, Currency};
use crate::transaction::{CaptureMode, Order, TransactionType};
use crate::user::Country;
use crate::words::words;
use jiff::civil::{Date, Weekday};

words! {
    /// Which payments a limit counts.
    pub enum LimitType {
        /// All of them.
        General = "general",
        /// Purchases on the Internet: capture mode `ECOM`.
        Ecommerce = "ecommerce",
        /// Cash from machines: type `atm`.
        Atm = "atm",
        /// Capture mode `NFC`.
        Contactless = "contactless",
        /// Whatever was paid in another currency than the balance's.
        ForeignAmount = "foreign_amount",
    }
}

words! {
    /// Over which time a limit counts, in the partner's time zone.
    pub enum TimeUnit {
        /// Each payment by itself.
        Transaction = "transaction",
        /// From midnight to midnight, however many hours that is.
        Daily = "daily",
        /// From Monday to Sunday.
        Weekly = "weekly",
        /// A month of the calendar.
        Monthly = "monthly",
        /// A year of the calendar.
        Yearly = "yearly",
        /// As long as there is anything to count.
        Lifetime = "lifetime",
    }
}

impl TimeUnit {
    /// Whether two days are in the same period. A single payment's is never the same.
    #[must_use]
    pub fn same_period(self, one: Date, other: Date) -> bool {
        let monday = |date: Date| {
            date.checked_sub(jiff::Span::new().days(date.weekday().since(Weekday::Monday))).ok()
        };
        match self {
            Self::Transaction => false,
            Self::Daily => one == other,
            Self::Weekly => monday(one) == monday(other),
            Self::Monthly => (one.year(), one.month()) == (other.year(), other.month()),
            Self::Yearly => one.year() == other.year(),
            Self::Lifetime => true,
        }
    }
}

/// The kinds of limits that count a payment, one bit each in the order of [`LimitType::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(pub u8);

impl Kinds {
    /// Those that count what a message says.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        let foreign = order.original_currency.is_some_and(|original| original != order.currency);
        let counts = |kind: LimitType| match kind {
            LimitType::General => true,
            LimitType::Ecommerce => order.place.capture_mode == Some(CaptureMode::Ecom),
            LimitType::Atm => order.kind == TransactionType::Atm,
            LimitType::Contactless => order.place.capture_mode == Some(CaptureMode::Nfc),
            LimitType::ForeignAmount => foreign,
        };
        let bit = |kind: &LimitType| 1 << *kind as u8;
        Self(LimitType::ALL.iter().filter(|kind| counts(**kind)).map(bit).sum())
    }

    /// Those that are in either.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether limits of this type count it.
    #[must_use]
    pub fn has(self, kind: LimitType) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// How much may be spent in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which payments count.
    pub kind: LimitType,
    /// Over which time.
    pub unit: TimeUnit,
    /// In which currency: what is spent in another isn't touched by it.
    pub currency: Currency,
    /// How much at most; nothing at all forbids such payments.
    pub amount: Amount,
    /// How many payments at most.
    pub count: Option<i64>,
}

impl Limit {
    /// Whether it limits the same, and allows no more.
    fn tightens(&self, before: &Self) -> bool {
        let fewer = |before: i64| self.count.is_some_and(|now| now <= before);
        self.is_like(before) && self.amount <= before.amount && before.count.is_none_or(fewer)
    }

    /// Whether two limits limit the same.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (self.kind, self.unit, self.currency) == (other.kind, other.unit, other.currency)
    }
}

/// A list of what alone is allowed, or of what is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control<T> {
    /// These and no others. What isn't told can't be one of them.
    Allowed(Vec<T>),
    /// All but these.
    Blocked(Vec<T>),
}

impl<T: PartialEq> Control<T> {
    /// Whether it permits what was told, or that nothing was, if `untold` will do.
    fn permits(&self, told: Option<&T>, untold: bool) -> bool {
        match self {
            Self::Allowed(these) => told.map_or(untold, |told| these.contains(told)),
            Self::Blocked(these) => !told.is_some_and(|told| these.contains(told)),
        }
    }
}

impl<T: PartialEq> Control<T> {
    /// Whether whatever this permits was permitted before.
    fn tightens(&self, before: &Self) -> bool {
        let all_in = |these: &[T], those: &[T]| these.iter().all(|it| those.contains(it));
        match (self, before) {
            (Self::Allowed(now), Self::Allowed(then)) => all_in(now, then),
            (Self::Allowed(now), Self::Blocked(then)) => !now.iter().any(|it| then.contains(it)),
            (Self::Blocked(now), Self::Blocked(then)) => all_in(then, now),
            (Self::Blocked(_), Self::Allowed(_)) => false,
        }
    }
}

/// The same of what may not be there.
fn tighten<T: PartialEq>(now: Option<&Control<T>>, before: Option<&Control<T>>) -> bool {
    before.is_none_or(|before| now.is_some_and(|now| now.tightens(before)))
}

/// Where, how and for what may be paid; a control that isn't there permits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// Merchant category codes (ISO 18245): four digits.
    pub mccs: Option<Control<String>>,
    /// The acquirers' countries.
    pub countries: Option<Control<Country>>,
    /// How the card is read.
    pub capture_modes: Option<Control<CaptureMode>>,
    /// Merchants by the acquirers' identifiers.
    pub merchants: Option<Control<String>>,
}

impl Controls {
    /// Whether whatever these permit was permitted before.
    fn tighten(&self, before: &Self) -> bool {
        tighten(self.mccs.as_ref(), before.mccs.as_ref())
            && tighten(self.countries.as_ref(), before.countries.as_ref())
            && tighten(self.capture_modes.as_ref(), before.capture_modes.as_ref())
            && tighten(self.merchants.as_ref(), before.merchants.as_ref())
    }

    /// Whether a payment as a message asks for it is permitted. What raises a payment that was
    /// permitted needn't tell again where it is made.
    #[must_use]
    pub fn permit(&self, order: &Order, raises: bool) -> bool {
        let place = &order.place;
        self.mccs.as_ref().is_none_or(|it| it.permits(order.mcc.as_ref(), raises))
            && self.countries.as_ref().is_none_or(|it| it.permits(place.country.as_ref(), raises))
            && self
                .capture_modes
                .as_ref()
                .is_none_or(|it| it.permits(place.capture_mode.as_ref(), raises))
            && self.merchants.as_ref().is_none_or(|it| it.permits(place.merchant.as_ref(), raises))
    }
}

/// A sum for a time of one's own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// In which currency; what is spent in another isn't touched by it.
    pub currency: Currency,
    /// How much in all.
    pub amount: Amount,
    /// The first day; before it nothing may be spent.
    pub from: Date,
    /// The last day; after it nothing may be spent.
    pub to: Date,
}

impl Budget {
    /// Whether it is part of another.
    fn tightens(&self, before: &Self) -> bool {
        self.currency == before.currency
            && self.amount <= before.amount
            && self.from >= before.from
            && self.to <= before.to
    }

    /// Whether it is for this day.
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// All that limits what a card, an owner or a program's cards may spend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// At most one of a type, time and currency.
    pub limits: Vec<Limit>,
    /// Where, how and for what.
    pub controls: Controls,
    /// What there is in all, for a time. A program has none.
    pub budget: Option<Budget>,
}

impl Rules {
    /// Whether whatever these allow was allowed before: all that a user may do to them (spec
    /// "Calls").
    #[must_use]
    pub fn tighten(&self, before: &Self) -> bool {
        let budget = |before: &Budget| self.budget.is_some_and(|now| now.tightens(before));
        before.limits.iter().all(|limit| self.limits.iter().any(|now| now.tightens(limit)))
            && self.controls.tighten(&before.controls)
            && before.budget.as_ref().is_none_or(budget)
    }

    /// The limits that allow more than a ceiling does: more money, or more payments.
    pub fn above(&self, ceilings: &Self) -> impl Iterator<Item = &Limit> {
        self.limits.iter().filter(move |limit| {
            ceilings.limits.iter().filter(|ceiling| ceiling.is_like(limit)).any(|ceiling| {
                let more = limit.count.zip(ceiling.count).is_some_and(|(one, top)| one > top);
                limit.amount > ceiling.amount || more
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(unit: TimeUnit, minor: i64, count: Option<i64>) -> Limit {
        let amount = crate::fixtures::amount(minor);
        Limit { kind: LimitType::General, unit, currency: Currency::EUR, amount, count }
    }

    fn rules(
        limits: &[Limit],
        mccs: Option<Control<String>>,
        budget: Option<(i64, i8, i8)>,
    ) -> Rules {
        let day = |day| Date::constant(2026, 11, day);
        let budget = budget.map(|(minor, from, to)| Budget {
            currency: Currency::EUR,
            amount: crate::fixtures::amount(minor),
            from: day(from),
            to: day(to),
        });
        Rules {
            limits: limits.to_vec(),
            controls: Controls { mccs, ..Controls::default() },
            budget,
        }
    }

    fn mccs(allowed: bool, these: &[&str]) -> Option<Control<String>> {
        let these = these.iter().map(|it| (*it).to_owned()).collect();
        Some(if allowed { Control::Allowed(these) } else { Control::Blocked(these) })
    }

    #[test]
    fn what_allows_no_more_tightens() {
        use TimeUnit::{Daily, Monthly};
        let daily = |minor, count| [limit(Daily, minor, count)];
        let two = [limit(Daily, 5, None), limit(Monthly, 9, Some(2))];
        for (before, after, tighter) in [
            (rules(&[], None, None), rules(&two, mccs(true, &[]), Some((1, 1, 2))), true),
            (rules(&daily(5, None), None, None), rules(&daily(5, None), None, None), true),
            (rules(&daily(5, None), None, None), rules(&daily(4, Some(9)), None, None), true),
            (rules(&daily(5, None), None, None), rules(&two, None, None), true),
            (rules(&daily(5, None), None, None), rules(&daily(6, None), None, None), false),
            (rules(&daily(5, Some(2)), None, None), rules(&daily(5, Some(3)), None, None), false),
            (rules(&daily(5, Some(2)), None, None), rules(&daily(5, None), None, None), false),
            (rules(&daily(5, None), None, None), rules(&[], None, None), false),
            (rules(&two, None, None), rules(&daily(1, None), None, None), false),
            (rules(&[], mccs(true, &["1", "2"]), None), rules(&[], mccs(true, &["2"]), None), true),
            (
                rules(&[], mccs(true, &["1"]), None),
                rules(&[], mccs(true, &["1", "2"]), None),
                false,
            ),
            (rules(&[], mccs(true, &["1"]), None), rules(&[], mccs(false, &["2"]), None), false),
            (rules(&[], mccs(true, &["1"]), None), rules(&[], None, None), false),
            (
                rules(&[], mccs(false, &["1"]), None),
                rules(&[], mccs(false, &["2", "1"]), None),
                true,
            ),
            (rules(&[], mccs(false, &["1"]), None), rules(&[], mccs(false, &["2"]), None), false),
            (rules(&[], mccs(false, &["1"]), None), rules(&[], mccs(true, &["2"]), None), true),
            (rules(&[], mccs(false, &["1"]), None), rules(&[], mccs(true, &["1"]), None), false),
            (rules(&[], None, Some((9, 1, 9))), rules(&[], None, Some((8, 2, 9))), true),
            (rules(&[], None, Some((9, 1, 9))), rules(&[], None, Some((10, 1, 9))), false),
            (rules(&[], None, Some((9, 2, 9))), rules(&[], None, Some((9, 1, 9))), false),
            (rules(&[], None, Some((9, 1, 8))), rules(&[], None, Some((9, 1, 9))), false),
            (rules(&[], None, Some((9, 1, 9))), rules(&[], None, None), false),
        ] {
            assert_eq!(after.tighten(&before), tighter, "{before:?} → {after:?}");
        }
    }
}
