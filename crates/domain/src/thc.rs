//! The transaction history core: how a record of the history tells of a transaction (spec
//! "Transaction history core", "Dialects").

use crate::transaction::Category::{Credit, Debit};
use crate::transaction::{
    CaptureMode, Category, Order, Processing, Status, Transaction, TransactionType,
};
use crate::words::words;

words! {
    /// What a record of the history is about. The amounts of a refund and of a payment are
    /// negative: they are money for the owner.
    pub enum RecordType {
        /// A purchase.
        Purchase = "PURCHASE",
        /// Cash, or money taken out otherwise.
        Withdrawal = "WITHDRAWAL",
        /// A merchant gives money back.
        Refund = "REFUND",
        /// Money comes in.
        Payment = "PAYMENT",
        /// Money leaves for somebody else within the platform.
        Funding = "FUNDING",
        /// The partner's commission.
        Commission = "COMMISSION",
        /// Interest.
        Interest = "INTEREST",
        /// A fee.
        Fee = "FEE",
        /// The network charges what it has corrected.
        Adjustment = "ADJUSTMENT",
        /// The network asked what can be spent.
        BalanceInquiry = "BALANCE_INQUIRY",
    }
}

words! {
    /// How the card was used.
    pub enum Channel {
        /// In a shop.
        Pos = "POS",
        /// In a shop, without contact.
        Contactless = "CONTACTLESS",
        /// On the Internet.
        Ecommerce = "ECOMMERCE",
        /// At a machine for cash.
        Atm = "ATM",
    }
}

words! {
    /// Where a record stands.
    pub enum RecordStatus {
        /// Money is held.
        Authorized = "AUTHORIZED",
        /// Money has moved.
        Cleared = "CLEARED",
        /// Money was let go.
        Reversed = "REVERSED",
        /// It was refused, or couldn't be processed.
        Declined = "DECLINED",
    }
}

impl RecordType {
    /// What a transaction is in the history. `reason` is the network's own word for a credit,
    /// `adjustmentReasonDescription`: whatever isn't a refund by that is a payment (`MONEY_SEND`).
    #[must_use]
    pub fn of(kind: TransactionType, category: Category, reason: Option<&str>) -> Self {
        use TransactionType as T;
        match (kind, category) {
            (T::Aft, Credit) => Self::Payment,
            (T::Pos | T::Atm | T::CashbackAtPos | T::Adjustment, Credit) => {
                let is_refund = |reason: &str| reason.to_ascii_uppercase().contains("REFUND");
                if reason.is_none_or(is_refund) { Self::Refund } else { Self::Payment }
            }
            (T::Pos | T::CashbackAtPos | T::Aft, Debit) => Self::Purchase,
            (T::Adjustment, Debit) => Self::Adjustment,
            (T::BalanceInquiry, Debit | Credit) => Self::BalanceInquiry,
            (T::Atm, Debit)
            | (
                T::Withdrawal | T::CollateralDebit | T::CompanyDebit | T::IbanTechnicalDebit,
                Debit | Credit,
            ) => Self::Withdrawal,
            (T::Funding, Debit | Credit) => Self::Funding,
            (T::Commission, Debit | Credit) => Self::Commission,
            (T::Interest, Debit | Credit) => Self::Interest,
            (T::Fee, Debit | Credit) => Self::Fee,
            (
                T::TopUp
                | T::Payment
                | T::Loan
                | T::Cashback
                | T::CreditIbanTransfer
                | T::InterchangeCredit
                | T::CollateralCredit
                | T::CompanyCredit
                | T::IbanTechnicalCredit,
                Debit | Credit,
            ) => Self::Payment,
        }
    }

    /// Whether its amounts are negative.
    #[must_use]
    pub fn is_negative(self) -> bool {
        matches!(self, Self::Refund | Self::Payment)
    }

    /// An amount as a record of this type shows it.
    #[must_use]
    pub fn signed(self, amount: i64) -> i64 {
        if self.is_negative() { amount.saturating_neg() } else { amount }
    }
}

impl Channel {
    /// How the card of a transaction was used; none where no card was.
    #[must_use]
    pub fn of(kind: TransactionType, mode: Option<CaptureMode>) -> Option<Self> {
        use TransactionType as T;
        match kind {
            T::Atm => Some(Self::Atm),
            T::Pos | T::CashbackAtPos | T::Aft => Some(match mode {
                Some(CaptureMode::Ecom) => Self::Ecommerce,
                Some(CaptureMode::Nfc) => Self::Contactless,
                Some(
                    CaptureMode::Magstripe
                    | CaptureMode::Manual
                    | CaptureMode::Emv
                    | CaptureMode::Ob
                    | CaptureMode::Adj,
                )
                | None => Self::Pos,
            }),
            T::BalanceInquiry
            | T::Adjustment
            | T::TopUp
            | T::Payment
            | T::Loan
            | T::Cashback
            | T::Funding
            | T::CreditIbanTransfer
            | T::Withdrawal
            | T::Commission
            | T::Interest
            | T::Fee
            | T::InterchangeCredit
            | T::CollateralCredit
            | T::CollateralDebit
            | T::CompanyCredit
            | T::CompanyDebit
            | T::IbanTechnicalCredit
            | T::IbanTechnicalDebit => None,
        }
    }
}

impl RecordStatus {
    /// Where a transaction stands in the history.
    #[must_use]
    pub fn of(transaction: &Transaction) -> Self {
        match (transaction.processing, transaction.status) {
            // What the partner is still asked about isn't in the history, and approved by nobody.
            (Processing::Declined | Processing::Invalid | Processing::Asking, _) => Self::Declined,
            (Processing::Success, Status::Authorized) => Self::Authorized,
            (Processing::Success, Status::Cleared) => Self::Cleared,
            (Processing::Success, Status::Reversed) => Self::Reversed,
        }
    }
}

/// The amount of a transaction as the history shows it, in minor units: what was asked for of what
/// was refused, what is held or has moved of the rest; so nothing of what was reversed.
#[must_use]
pub fn amount(transaction: &Transaction, kind: RecordType) -> i64 {
    kind.signed(match RecordStatus::of(transaction) {
        RecordStatus::Declined => transaction.order.amount,
        RecordStatus::Authorized | RecordStatus::Cleared | RecordStatus::Reversed => {
            transaction.held.minor().saturating_add(transaction.cleared.minor())
        }
    })
}

/// How many decimals a rate has that is ours.
const RATE_DECIMALS: u32 = 12;

/// How much of the merchant's currency one unit of the billing currency was: the network's rate as
/// it was sent; if it sent none, the merchant's amount over the billed one as authorized, in major
/// units; nothing without conversion. A decimal text that is a JSON number too.
///
/// Whatever changes the amount of a transaction afterwards takes away the merchant's, so what is
/// divided is as it was authorized.
#[must_use]
pub fn exchange_rate(order: &Order) -> Option<String> {
    let merchants = order.original_currency.filter(|currency| *currency != order.currency)?;
    if let Some(rate) = &order.conversion_rate {
        return Some(plain(rate));
    }
    let ten = |digits: u32| 10i128.checked_pow(digits);
    let original = i128::from(order.original_amount.filter(|amount| *amount > 0)?);
    let billed = i128::from(Some(order.amount).filter(|amount| *amount > 0)?);
    let scale = ten(RATE_DECIMALS + u32::from(order.currency.exponent()))?;
    let above = original.checked_mul(scale)?;
    let below = billed.checked_mul(ten(u32::from(merchants.exponent()))?)?;
    // Half up.
    let rate = above.checked_mul(2)?.checked_add(below)? / below.checked_mul(2)?;
    let one = ten(RATE_DECIMALS)?;
    let digits = format!("{:0>width$}", rate % one, width = RATE_DECIMALS as usize);
    (rate > 0).then(|| plain(&format!("{}.{digits}", rate / one)))
}

/// A decimal text without zeros that say nothing.
fn plain(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

#[cfg(test)]
mod tests;
