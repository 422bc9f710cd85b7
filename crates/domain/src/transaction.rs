//! Transactions: one financial event with a life, and the words that tell of it.

mod description;
mod record;

pub use description::{APPROVED_IN_PART, Description, action_code};
pub use record::{DecidedBy, Resource, ResourceKind};

use crate::balance::{Owner, PartnerBalanceKind};
use crate::ids::{BalanceId, CardId, MessageId, ProcessorId, TransactionId};
use crate::ledger::rules::Backing;
use crate::money::{Amount, Currency};
use crate::program::PreAuthorization;
use crate::spending::Counted;
use crate::user::Country;
use crate::words::words;
use jiff::Timestamp;

words! {
    /// Where a transaction stands.
    pub enum Status {
        /// Its money is held.
        Authorized = "AUTHORIZED",
        /// Its money has moved.
        Cleared = "CLEARED",
        /// Its money was let go.
        Reversed = "REVERSED",
    }
}

words! {
    /// What was done with a request.
    pub enum Processing {
        /// It was done.
        Success = "SUCCESS",
        /// A check said no.
        Declined = "DECLINED",
        /// It can't be processed.
        Invalid = "INVALID",
        /// The partner is being asked: nobody is told of it yet.
        Asking = "ASKING",
    }
}

words! {
    /// Which way the owner's money goes.
    pub enum Category {
        /// From the owner.
        Debit = "DEBIT",
        /// To the owner.
        Credit = "CREDIT",
    }
}

words! {
    /// What kind of event it is.
    pub enum TransactionType {
        /// A purchase, in a shop or on the Internet.
        Pos = "pos",
        /// Cash from a machine.
        Atm = "atm",
        /// A purchase with cash paid out.
        CashbackAtPos = "cashback_at_pos",
        /// Account funding transaction: money pulled from the card to fund something.
        Aft = "aft",
        /// The network asks what can be spent.
        BalanceInquiry = "balance_inquiry",
        /// A correction by the network.
        Adjustment = "adjustment",
        /// Money loaded onto a balance from outside.
        TopUp = "topUp",
        /// Money given to a user from within, mostly what another's `funding` took.
        Payment = "payment",
        /// Money given to a user by a credit agreement.
        Loan = "loan",
        /// Money given to a user by a loyalty program.
        Cashback = "cashback",
        /// Money taken from a user that stays within, mostly for another's `payment`.
        Funding = "funding",
        /// A bank transfer that came for a user.
        CreditIbanTransfer = "creditIbanTransfer",
        /// Money that a user takes out.
        Withdrawal = "withdrawal",
        /// What a partner charges a user as its commission.
        Commission = "commission",
        /// What a partner charges a user as interest.
        Interest = "interest",
        /// What a user is charged for the partner's `COMPANY`.
        Fee = "fee",
        /// What the scheme pays the partner for its cards' purchases.
        InterchangeCredit = "interchangeCredit",
        /// Money put on a `CREDIT` or `DEPOSIT` balance.
        CollateralCredit = "collateralCredit",
        /// Money taken from a `CREDIT` or `DEPOSIT` balance.
        CollateralDebit = "collateralDebit",
        /// Money put on a `COMPANY` balance.
        CompanyCredit = "companyCredit",
        /// Money taken from a `COMPANY` balance.
        CompanyDebit = "companyDebit",
        /// A transfer parked.
        IbanTechnicalCredit = "ibanTechnicalCredit",
        /// A parked transfer taken out.
        IbanTechnicalDebit = "ibanTechnicalDebit",
    }
}

words! {
    /// How a card is read (`captureMode` of the seeds).
    pub enum CaptureMode {
        /// By its magnetic stripe.
        Magstripe = "MAGSTRIPE",
        /// Typed in.
        Manual = "MANUAL",
        /// By its chip.
        Emv = "EMV",
        /// Somebody answered on behalf of the issuer.
        Ob = "OB",
        /// Without contact.
        Nfc = "NFC",
        /// On the Internet.
        Ecom = "ECOM",
        /// Not at all: an adjustment.
        Adj = "ADJ",
    }
}

/// The keys of `transactionData`, each a text as it is kept (seeds, "TransactionData data object").
pub const DATA_KEYS: &[&str] = &[
    "mcc",
    "merchantIdentifier",
    "merchantName",
    "captureMode",
    "lastFourDigits",
    "acquirerCountry",
    "mdesDigitizedWalletId",
    "cashbackPosCurrencyCode",
    "cashbackPosAmount",
    "lastFourDpan",
    "adjustmentReasonDescription",
    "retrievalReferenceNumber",
];

/// Where and how a payment is made, as far as its message says so in a way that is understood.
/// It is read when a message is decided and not kept: `transactionData` is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How the card was read.
    pub capture_mode: Option<CaptureMode>,
    /// The acquirer's country.
    pub country: Option<Country>,
    /// The acquirer's identifier of the merchant.
    pub merchant: Option<String>,
}

impl TransactionType {
    /// Whether a card network may send it as an authorization that moves money.
    #[must_use]
    pub fn is_of_the_network(self) -> bool {
        matches!(self, Self::Pos | Self::Atm | Self::CashbackAtPos | Self::Aft)
    }

    /// Whether it is what an authorization may ask for.
    #[must_use]
    pub fn is_asked_for(self) -> bool {
        self.is_of_the_network() || self == Self::BalanceInquiry
    }

    /// Which way an internal transaction moves the money of its balance; none for the network's
    /// types.
    #[must_use]
    pub fn internal_way(self) -> Option<Category> {
        Some(match self {
            Self::TopUp
            | Self::Payment
            | Self::Loan
            | Self::Cashback
            | Self::CreditIbanTransfer
            | Self::InterchangeCredit
            | Self::CollateralCredit
            | Self::CompanyCredit
            | Self::IbanTechnicalCredit => Category::Credit,
            Self::Funding
            | Self::Withdrawal
            | Self::Commission
            | Self::Interest
            | Self::Fee
            | Self::CollateralDebit
            | Self::CompanyDebit
            | Self::IbanTechnicalDebit => Category::Debit,
            Self::Pos
            | Self::Atm
            | Self::CashbackAtPos
            | Self::Aft
            | Self::BalanceInquiry
            | Self::Adjustment => return None,
        })
    }

    /// Which of the partner's own balances it may happen to; none if it is for its users'.
    #[must_use]
    pub fn partner_kinds(self) -> &'static [PartnerBalanceKind] {
        use PartnerBalanceKind as Kind;
        match self {
            Self::CollateralCredit | Self::CollateralDebit => &[Kind::Credit, Kind::Deposit],
            Self::CompanyCredit | Self::CompanyDebit | Self::InterchangeCredit => &[Kind::Company],
            Self::IbanTechnicalCredit | Self::IbanTechnicalDebit => &[Kind::IbanTechnical],
            Self::Pos
            | Self::Atm
            | Self::CashbackAtPos
            | Self::Aft
            | Self::BalanceInquiry
            | Self::Adjustment
            | Self::TopUp
            | Self::Payment
            | Self::Loan
            | Self::Cashback
            | Self::Funding
            | Self::CreditIbanTransfer
            | Self::Withdrawal
            | Self::Commission
            | Self::Interest
            | Self::Fee => &[],
        }
    }

    /// Whether it may happen to a balance of this owner.
    #[must_use]
    pub fn is_for(self, owner: Owner) -> bool {
        let kinds = self.partner_kinds();
        owner.kind().map_or(kinds.is_empty(), |kind| kinds.contains(&kind))
    }
}

words! {
    /// What a person should look at.
    pub enum Flag {
        /// A clearing that had no open authorization and was posted by force; an increment whose
        /// authorization was declined because it was late.
        WithoutAuthorization = "WITHOUT_AUTHORIZATION",
        /// A reversal of what was cleared: nothing moved, though money may have to be given back.
        ForReview = "FOR_REVIEW",
    }
}

/// One financial event: authorized, then cleared or reversed; or declined or invalid, only kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    /// Ours; a UUIDv4 by its looks.
    pub id: TransactionId,
    /// The history's number, ascending in the partner; 0 until it is written.
    pub number: i64,
    /// What it was asked for.
    pub order: Order,
    /// Where it stands.
    pub status: Status,
    /// What was done with the request.
    pub processing: Processing,
    /// Why.
    pub description: Description,
    /// What it still holds of the balance.
    pub held: Amount,
    /// What has moved of the balance so far, the way that its category says.
    pub cleared: Amount,
    /// What the network has settled of it so far: less than `cleared` while a credit that was
    /// posted at once waits for its clearing.
    pub settled: Amount,
    /// How it is backed by a balance of the partner's.
    pub backing: Backing,
    /// How often money was moved: the part number of the last movement.
    pub parts: i64,
    /// What could be spent just before, in minor units.
    pub balance_before: Option<i64>,
    /// What could be spent just after it was first processed, in minor units.
    pub balance_after: Option<i64>,
    /// Six digits that the merchant keeps of an approval.
    pub authorization_code: Option<String>,
    /// What a person should look at.
    pub flag: Option<Flag>,
    /// How it counts against limits, if it does.
    pub counted: Option<Counted>,
    /// When its hold ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether its hold was an estimate, which lasts longer; so it does after an increment.
    pub pre_authorization: PreAuthorization,
    /// When its message came in.
    pub received_at: Timestamp,
    /// When the batch decided that made it; none before it is written, or if an old release did.
    pub decided_at: Option<Timestamp>,
    /// Who decided about the message that made it.
    pub decided_by: DecidedBy,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// While the partner is asked: until when, and by which message.
    pub asking: Option<Asking>,
    /// Whether the partner has it in its books: it was asked about it, or told of it. So it is for
    /// life, whatever the partner's mode becomes.
    pub is_shared: bool,
    /// Raised by one at each change.
    pub version: i64,
}

/// A question to the partner that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The message that asked; its id is the idempotency key of the call.
    pub message: MessageId,
    /// When the partner's time is over, in real time. A second later whoever finds it declines it.
    pub until: Timestamp,
}

/// What a transaction was asked for: what its message said, and whom it concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The balance, if there is one.
    pub balance: Option<BalanceId>,
    /// The card, if there is one.
    pub card: Option<CardId>,
    /// The processor that sent it; none for internal transactions.
    pub processor: Option<ProcessorId>,
    /// The network's id (`transactionId`, `externalTransactionId`); not unique.
    pub network_id: String,
    /// The network's time; part of what recognises a message.
    pub network_date: Timestamp,
    /// The network id of what it refers to.
    pub reference_id: Option<String>,
    /// The network time of what it refers to.
    pub reference_date: Option<Timestamp>,
    /// What kind of event.
    pub kind: TransactionType,
    /// Which way the money goes.
    pub category: Category,
    /// In minor units of `currency`, as sent: checked by the rules, so it may be anything.
    pub amount: i64,
    /// The currency of `amount`.
    pub currency: Currency,
    /// The merchant's amount.
    pub original_amount: Option<i64>,
    /// The merchant's currency.
    pub original_currency: Option<Currency>,
    /// The network's rate, a decimal text, kept as sent.
    pub conversion_rate: Option<String>,
    /// The merchant's line, or the caller's words.
    pub text: String,
    /// `transactionData`: a JSON object as text, checked by the door.
    pub data: Option<String>,
    /// The merchant category code in `transactionData`: four digits.
    pub mcc: Option<String>,
    /// The retrieval reference number in `transactionData`.
    pub retrieval_reference: Option<String>,
    /// Where and how it is paid; nothing of it in what was read from the database.
    pub place: Place,
}

impl Transaction {
    /// A movement that is cleared at once.
    #[must_use]
    pub fn cleared_at_once(
        id: TransactionId,
        order: Order,
        amount: Amount,
        now: Timestamp,
    ) -> Self {
        let (status, done) = (Status::Cleared, Processing::Success);
        let record = Self::turned_away(id, order, status, done, Description::Approved, now);
        Self { cleared: amount, settled: amount, parts: 1, ..record }
    }

    /// A record of a request that was turned away: it holds and moves nothing, and has the status
    /// that it asked for.
    #[must_use]
    pub fn turned_away(
        id: TransactionId,
        order: Order,
        status: Status,
        processing: Processing,
        description: Description,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            number: 0,
            order,
            status,
            processing,
            description,
            held: Amount::ZERO,
            cleared: Amount::ZERO,
            settled: Amount::ZERO,
            backing: Backing::NONE,
            parts: 0,
            balance_before: None,
            balance_after: None,
            authorization_code: None,
            flag: None,
            counted: None,
            expires_at: None,
            pre_authorization: PreAuthorization::No,
            received_at: now,
            decided_at: None,
            decided_by: DecidedBy::Platform,
            changed_at: now,
            asking: None,
            is_shared: false,
            version: 0,
        }
    }
}
