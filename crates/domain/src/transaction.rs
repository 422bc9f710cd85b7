//! Transactions: one financial event with a life, and the words that tell of it.

use crate::card::lifecycle::LockReason;
use crate::ids::{BalanceId, CardId, ProcessorId, TransactionId};
use crate::money::{Amount, Currency};
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
        /// A correction by the network.
        Adjustment = "adjustment",
        /// Money loaded onto a balance.
        TopUp = "topUp",
    }
}

impl TransactionType {
    /// Whether a card network may send it as an authorization.
    #[must_use]
    pub fn is_of_the_network(self) -> bool {
        match self {
            Self::Pos | Self::Atm | Self::CashbackAtPos | Self::Aft => true,
            Self::Adjustment | Self::TopUp => false,
        }
    }
}

words! {
    /// What a person should look at.
    pub enum Flag {
        /// A clearing that had no open authorization and was posted by force.
        WithoutAuthorization = "WITHOUT_AUTHORIZATION",
    }
}

words! {
    /// Why a request was approved, declined or invalid (spec "Transactions").
    pub enum Description {
        /// Done.
        Approved = "APPROVED",
        /// The owner has too little.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// There is no such card.
        CardNotFound = "CARD_NOT_FOUND",
        /// There is no such balance.
        BalanceNotFound = "BALANCE_NOT_FOUND",
        /// Nothing, less than nothing, or more than can be counted.
        InvalidAmount = "INVALID_AMOUNT",
        /// Several transactions fit the reference.
        AmbiguousReferencedTransaction = "AMBIGUOUS_REFERENCED_TRANSACTION",
        /// No transaction fits the reference.
        ReferencedTransactionNotFound = "REFERENCED_TRANSACTION_NOT_FOUND",
        /// Another currency than the balance's.
        CurrencyMismatch = "CURRENCY_MISMATCH",
        /// The owner is gone.
        CustomerNotFound = "CUSTOMER_NOT_FOUND",
        /// The type isn't supported.
        UnknownTransactionType = "UNKNOWN_TRANSACTION_TYPE",
        /// None of the others.
        UnknownError = "UNKNOWN_ERROR",
        /// The card is locked.
        CardLocked = "CARD_LOCKED",
        /// The card isn't active, or was removed.
        CardNotActive = "CARD_NOT_ACTIVE",
        /// The card is past its last day, or the message names another.
        CardExpired = "CARD_EXPIRED",
        /// The verification code is wrong.
        IncorrectCvv = "INCORRECT_CVV",
        /// The program doesn't allow it.
        TransactionNotPermitted = "TRANSACTION_NOT_PERMITTED",
        /// The hold came to its end.
        Expired = "EXPIRED",
        /// The balance takes no debits.
        BalanceLocked = "BALANCE_LOCKED",
        /// The owner is locked.
        CustomerLocked = "CUSTOMER_LOCKED",
    }
}

impl Description {
    /// The seeds' own code for it: what a partner with `descriptionCodes` `SEEDS` is sent.
    #[must_use]
    pub fn code_in_seeds(self) -> &'static str {
        match self {
            Self::CardLocked
            | Self::CardNotActive
            | Self::CardExpired
            | Self::IncorrectCvv
            | Self::BalanceLocked
            | Self::CustomerLocked => Self::UnknownError.as_str(),
            // A code of the seeds that no description of ours has.
            Self::TransactionNotPermitted => "LIMIT_EXCEED",
            Self::Expired => Self::Approved.as_str(),
            Self::Approved
            | Self::InsufficientFunds
            | Self::CardNotFound
            | Self::BalanceNotFound
            | Self::InvalidAmount
            | Self::AmbiguousReferencedTransaction
            | Self::ReferencedTransactionNotFound
            | Self::CurrencyMismatch
            | Self::CustomerNotFound
            | Self::UnknownTransactionType
            | Self::UnknownError => self.as_str(),
        }
    }
}

/// The four-digit action code that the network is answered with (spec "Transactions", ISO
/// 8583:1993 style). A locked card answers with its reason's code.
#[must_use]
pub fn action_code(description: Description, lock: Option<LockReason>) -> &'static str {
    match description {
        Description::Approved => "0000",
        Description::CardLocked => lock.map_or("1000", LockReason::action_code),
        Description::CardExpired => "1001",
        Description::CardNotActive | Description::BalanceLocked | Description::CustomerLocked => {
            "1004"
        }
        Description::InvalidAmount => "1010",
        Description::CardNotFound => "1011",
        Description::UnknownTransactionType => "1015",
        Description::InsufficientFunds => "1016",
        Description::TransactionNotPermitted => "1019",
        Description::IncorrectCvv => "1022",
        Description::BalanceNotFound
        | Description::AmbiguousReferencedTransaction
        | Description::ReferencedTransactionNotFound
        | Description::CurrencyMismatch
        | Description::CustomerNotFound
        | Description::UnknownError
        | Description::Expired => "1000",
    }
}

/// One financial event with a life: authorized, then cleared or reversed; or declined or invalid,
/// kept, and moving nothing.
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
    /// What has moved so far.
    pub cleared: Amount,
    /// How many clearings have moved money: the part number of the last.
    pub parts: i64,
    /// What could be spent just before, in minor units.
    pub balance_before: Option<i64>,
    /// What could be spent just after it was first processed, in minor units.
    pub balance_after: Option<i64>,
    /// Six digits that the merchant keeps of an approval.
    pub authorization_code: Option<String>,
    /// What a person should look at.
    pub flag: Option<Flag>,
    /// When its hold ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When its message came in.
    pub received_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Raised by one at each change.
    pub version: i64,
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
}

impl Transaction {
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
            parts: 0,
            balance_before: None,
            balance_after: None,
            authorization_code: None,
            flag: None,
            expires_at: None,
            received_at: now,
            changed_at: now,
            version: 0,
        }
    }
}
