//! Anonymous gift programs: cards of people who weren't verified (spec "Limits and controls").
//!
//! The law allows them within narrow bounds (Directive (EU) 2015/849, Article 12, as amended in
//! 2018): not reloadable, at most 150 EUR stored and 150 EUR paid in a calendar month, no cash, at
//! most 50 EUR for a payment at a distance. Each gift is a balance of its own, which takes one load
//! and has one card.

use crate::limits::{Limit, LimitType, TimeUnit};
use crate::money::{Amount, Currency};
use crate::transaction::{Description, TransactionType};

/// The only currency of such programs: the bounds are in it.
pub const CURRENCY: Currency = Currency::EUR;
/// What may be stored, and paid in a calendar month, in minor units.
const MINOR_MAX: i64 = 15_000;
/// What an e-commerce payment may have unless the operator says otherwise, in minor units.
pub const ECOMMERCE_MINOR: i64 = 5_000;
/// Characters of an approval at most.
const APPROVAL_LEN_MAX: usize = 100;

/// What makes a program one for anonymous gifts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiftProgram {
    /// The scheme's approval, as its letter is found again.
    pub approval: String,
    /// What an e-commerce payment may have.
    pub ecommerce_max: Amount,
}

/// What makes a balance a gift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    /// The program whose card pays from it.
    pub config_id: String,
    /// What it was loaded with, once.
    pub loaded: Amount,
    /// What the partner has charged of it.
    pub charged: Amount,
}

impl GiftProgram {
    /// Whether it is on record as it must be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let told = !self.approval.trim().is_empty() && !self.approval.contains(char::is_control);
        told && self.approval.chars().count() <= APPROVAL_LEN_MAX
            && self.ecommerce_max.minor() <= MINOR_MAX
    }

    /// What its cards may pay, whatever else limits them.
    #[must_use]
    pub fn limits(&self) -> [Limit; 2] {
        let limit =
            |kind, unit, amount| Limit { kind, unit, currency: CURRENCY, amount, count: None };
        [
            limit(LimitType::General, TimeUnit::Monthly, maximum()),
            limit(LimitType::Ecommerce, TimeUnit::Transaction, self.ecommerce_max),
        ]
    }
}

/// Whether a gift's card may be used so: for purchases, and what is given back of them.
#[must_use]
pub fn permits(kind: TransactionType) -> bool {
    kind == TransactionType::Pos
}

impl Gift {
    /// A gift that nothing was loaded onto.
    #[must_use]
    pub fn of(config_id: &str) -> Self {
        Self { config_id: config_id.to_owned(), loaded: Amount::ZERO, charged: Amount::ZERO }
    }

    /// Whether what was posted leaves room for a refund: its purchases can't give back more than
    /// they took.
    #[must_use]
    pub fn takes_back(&self, posted: i64, amount: Amount) -> bool {
        let own = self.loaded.checked_sub(self.charged).unwrap_or(Amount::ZERO);
        posted.checked_add(amount.minor()).is_some_and(|after| after <= own.minor())
    }

    /// Writes down what the partner moves, if it may.
    pub fn take(&mut self, kind: TransactionType, amount: Amount) -> Result<(), Description> {
        match kind {
            TransactionType::TopUp | TransactionType::Payment if !self.loaded.is_zero() => {
                Err(Description::TransactionNotPermitted)
            }
            TransactionType::TopUp | TransactionType::Payment if amount > maximum() => {
                Err(Description::LimitExceed)
            }
            TransactionType::TopUp | TransactionType::Payment => {
                self.loaded = amount;
                Ok(())
            }
            TransactionType::Fee | TransactionType::Commission => {
                let charged = self.charged.checked_add(amount);
                self.charged = charged.map_err(|_| Description::InvalidAmount)?;
                Ok(())
            }
            TransactionType::Pos
            | TransactionType::Atm
            | TransactionType::CashbackAtPos
            | TransactionType::Aft
            | TransactionType::BalanceInquiry
            | TransactionType::Adjustment
            | TransactionType::Loan
            | TransactionType::Cashback
            | TransactionType::Funding
            | TransactionType::CreditIbanTransfer
            | TransactionType::Withdrawal
            | TransactionType::Interest
            | TransactionType::InterchangeCredit
            | TransactionType::CollateralCredit
            | TransactionType::CollateralDebit
            | TransactionType::CompanyCredit
            | TransactionType::CompanyDebit
            | TransactionType::IbanTechnicalCredit
            | TransactionType::IbanTechnicalDebit => Err(Description::TransactionNotPermitted),
        }
    }
}

fn maximum() -> Amount {
    Amount::from_minor(MINOR_MAX).unwrap_or(Amount::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::amount;

    #[test]
    fn a_gift_is_loaded_once_and_pays_no_cash() {
        use TransactionType as T;
        let no = Err(Description::TransactionNotPermitted);
        for (loaded, kind, minor, after) in [
            (0, T::TopUp, 15_000, Ok((15_000, 0))),
            (0, T::Payment, 1, Ok((1, 0))),
            (0, T::TopUp, 15_001, Err(Description::LimitExceed)),
            (1, T::TopUp, 1, no),
            (1, T::Payment, 1, no),
            (0, T::Loan, 1, no),
            (0, T::Cashback, 1, no),
            (0, T::CreditIbanTransfer, 1, no),
            (100, T::Fee, 5, Ok((100, 5))),
            (100, T::Commission, 5, Ok((100, 5))),
            (100, T::Interest, 5, no),
            (100, T::Funding, 5, no),
            (100, T::Withdrawal, 5, no),
        ] {
            let mut gift = Gift { loaded: amount(loaded), ..Gift::of("0000000001") };
            let told = gift.take(kind, amount(minor));
            let told = told.map(|()| (gift.loaded.minor(), gift.charged.minor()));
            assert_eq!(told, after, "{kind} {minor} after {loaded}");
        }
        let mut gift = Gift { loaded: amount(100), ..Gift::of("0000000001") };
        assert!(gift.takes_back(60, amount(40)) && !gift.takes_back(60, amount(41)));
        assert!(!gift.takes_back(i64::MAX, amount(1)));
        gift.take(T::Fee, amount(10)).expect("takes a fee");
        assert!(gift.takes_back(50, amount(40)) && !gift.takes_back(50, amount(41)));
        gift.take(T::Fee, amount(90)).expect("takes all of it");
        assert_eq!(gift.take(T::TopUp, amount(1)), Err(Description::TransactionNotPermitted));
    }

    #[test]
    fn a_program_names_its_approval() {
        for (approval, minor, sound) in [
            ("MC-2026-117", ECOMMERCE_MINOR, true),
            ("MC-2026-117", 15_000, true),
            ("MC-2026-117", 15_001, false),
            ("", 0, false),
            (" ", 0, false),
            ("a\nb", 0, false),
        ] {
            let gift = GiftProgram { approval: approval.to_owned(), ecommerce_max: amount(minor) };
            assert_eq!(gift.is_sound(), sound, "{approval:?} {minor}");
        }
    }
}
