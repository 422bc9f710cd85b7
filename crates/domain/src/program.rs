//! Programs: the card products of a partner, `configId` on the wire.

use crate::gift::GiftProgram;
use crate::ids::{PartnerId, ProcessorId};
use crate::limits::Rules;
use crate::money::Currency;
use crate::words::words;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::borrow::Cow;

words! {
    /// What a card is made of.
    pub enum CardType {
        /// Numbers alone.
        Virtual = "VIRTUAL",
        /// Plastic.
        Physical = "PHYSICAL",
    }
}

words! {
    /// The card network.
    pub enum Scheme {
        /// Mastercard.
        Mastercard = "MASTERCARD",
        /// Visa.
        Visa = "VISA",
    }
}

words! {
    /// Where the money behind a card comes from.
    pub enum Product {
        /// Loaded before.
        Prepaid = "PREPAID",
        /// A current account.
        Debit = "DEBIT",
        /// A credit line.
        Credit = "CREDIT",
    }
}

words! {
    /// Who a program is for.
    pub enum Audience {
        /// Natural persons.
        Consumer = "CONSUMER",
        /// Companies.
        Business = "BUSINESS",
    }
}

words! {
    /// Whether a program's cards work and new ones may be made.
    pub enum ProgramState {
        /// They do.
        Live = "LIVE",
        /// They don't.
        Closed = "CLOSED",
    }
}

words! {
    /// Who bears a difference between the exchange rates of an authorization and its clearing.
    pub enum FxDifferenceTo {
        /// The partner's `COMPANY` balance.
        Company = "COMPANY",
        /// The cardholder.
        Cardholder = "CARDHOLDER",
    }
}

words! {
    /// Who makes and personalises a program's cards (spec "the processor port").
    pub enum Port {
        /// We do: the numbers and the keys are ours.
        Builtin = "BUILTIN",
        /// The issuing processor does. We know the numbers of its cards because they were
        /// imported, and nothing else of what is secret of them.
        None = "NONE",
    }
}

/// A configured card product of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Whose it is.
    pub partner: PartnerId,
    /// Ten digits.
    pub config_id: String,
    /// What its cards are made of.
    pub card_type: CardType,
    /// Whether its cards start as numbers and may be printed later.
    pub digital_first: bool,
    /// The currency of its cards' balances.
    pub currency: Currency,
    /// The network.
    pub scheme: Scheme,
    /// Where the money comes from.
    pub product: Product,
    /// Who it is for.
    pub audience: Audience,
    /// The processor whose messages its cards obey.
    pub processor: ProcessorId,
    /// The first 6 or 8 digits of its cards' numbers; each further BIN is used when those before
    /// are full.
    pub bins: Vec<String>,
    /// How long a card lives, in months, counted to the end of its last month.
    pub lifetime_months: i32,
    /// How many unremoved cards an owner may have of it.
    pub card_cap: i64,
    /// How many days a hold lasts (spec "expiry").
    pub hold_days: i32,
    /// Who bears differences of exchange rates.
    pub fx_difference_to: FxDifferenceTo,
    /// Whether it works.
    pub state: ProgramState,
    /// Who makes and personalises its cards.
    pub port: Port,
    /// What each of its cards may spend at most, whatever its own limits are.
    pub rules: Rules,
    /// Who makes its cards' plastic, if anybody does.
    pub plastic: Option<Plastic>,
    /// What makes it one for anonymous gifts, if it is one.
    pub gift: Option<GiftProgram>,
}

/// How a program's cards are made of plastic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plastic {
    /// The name of the bureau that makes them.
    pub bureau: String,
    /// The bureau's name for what it puts on the chip.
    pub chip_profile: String,
}

/// Days that a hold lasts where rental, lodging or a pre-authorization asks for more
/// (spec "From the network", expiry).
const HOLD_DAYS_LONG: i32 = 30;

impl Program {
    /// The last day on which a card made today works: the last day of its month.
    #[must_use]
    pub fn expiry_of_card_made_on(&self, today: Date) -> Date {
        today.saturating_add(jiff::Span::new().months(self.lifetime_months)).last_of_month()
    }

    /// What each of its cards may spend at most: what the operator has set, and what gifts may at
    /// all.
    #[must_use]
    pub fn ceilings(&self) -> Cow<'_, Rules> {
        let Some(gift) = &self.gift else { return Cow::Borrowed(&self.rules) };
        let mut rules = self.rules.clone();
        for limit in gift.limits() {
            match rules.limits.iter_mut().find(|own| own.is_like(&limit)) {
                Some(own) => own.amount = own.amount.min(limit.amount),
                None => rules.limits.push(limit),
            }
        }
        Cow::Owned(rules)
    }

    /// When a hold that is taken now ends by itself.
    #[must_use]
    pub fn hold_end(
        &self,
        mcc: Option<&str>,
        pre_authorization: PreAuthorization,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let days = self.hold_days(mcc, pre_authorization);
        now.checked_add((i64::from(days) * 24).hours()).ok()
    }

    /// How many days the hold of an authorization lasts, by the merchant's category.
    #[must_use]
    pub fn hold_days(&self, mcc: Option<&str>, pre_authorization: PreAuthorization) -> i32 {
        let long = pre_authorization == PreAuthorization::Yes
            || mcc.and_then(|code| code.parse::<u16>().ok()).is_some_and(is_long_hold_mcc);
        if long { self.hold_days.max(HOLD_DAYS_LONG) } else { self.hold_days }
    }
}

/// Whether the merchant said that the amount is an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreAuthorization {
    /// It did.
    Yes,
    /// It didn't.
    No,
}

/// Rental, lodging and cruise: merchants who hold money for weeks.
fn is_long_hold_mcc(mcc: u16) -> bool {
    matches!(mcc, 3351..=3441 | 3501..=3999 | 4411 | 7011 | 7512 | 7513)
}

/// Whether a text may be a `configId`.
#[must_use]
pub fn is_config_id(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text may be a BIN: 6 or 8 digits (ISO/IEC 7812-1).
#[must_use]
pub fn is_bin(text: &str) -> bool {
    matches!(text.len(), 6 | 8) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::program;

    #[test]
    fn a_card_works_to_the_end_of_its_last_month() {
        for (made, last) in [("2026-11-21", "2029-11-30"), ("2025-02-28", "2028-02-29")] {
            let made: Date = made.parse().expect("a date");
            assert_eq!(program().expiry_of_card_made_on(made).to_string(), last);
        }
    }

    #[test]
    fn holds_of_rental_lodging_and_cruises_last_30_days() {
        use PreAuthorization::{No, Yes};
        for (mcc, flagged, days) in [
            (Some("5942"), No, 7),
            (Some("5942"), Yes, 30),
            (None, No, 7),
            (Some("3350"), No, 7),
            (Some("3351"), No, 30),
            (Some("3441"), No, 30),
            (Some("3442"), No, 7),
            (Some("3501"), No, 30),
            (Some("3999"), No, 30),
            (Some("4411"), No, 30),
            (Some("7011"), No, 30),
            (Some("7512"), No, 30),
            (Some("7513"), No, 30),
            (Some("x"), No, 7),
        ] {
            assert_eq!(program().hold_days(mcc, flagged), days, "{mcc:?} {flagged:?}");
        }
    }
}
