//! Why a request was decided as it was, and what the network is told of it.

use crate::card::lifecycle::LockReason;
use crate::words::words;

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
        /// The partner's deposit has too little.
        InsufficientFundsOnDepositBalance = "INSUFFICIENT_FUNDS_ON_DEPOSIT_BALANCE",
        /// The partner has no deposit in this currency.
        DepositBalanceNotFound = "DEPOSIT_BALANCE_NOT_FOUND",
        /// The partner's credit balance has too little.
        InsufficientFundsOnCollateralBalance = "INSUFFICIENT_FUNDS_ON_COLLATERAL_BALANCE",
        /// The partner has no credit balance in this currency.
        CollateralBalanceNotFound = "COLLATERAL_BALANCE_NOT_FOUND",
        /// The owner is under a transactional lock.
        AmlException = "AML_EXCEPTION",
        /// More than the card may spend.
        ExceedsAmountLimit = "EXCEEDS_AMOUNT_LIMIT",
        /// More than the owner or the program may spend.
        LimitExceed = "LIMIT_EXCEED",
        /// More than the budget has left.
        BudgetExceeded = "BUDGET_EXCEEDED",
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
        /// The PIN is wrong, or none can be read.
        IncorrectPin = "INCORRECT_PIN",
        /// The PIN is wrong once too often: the card is locked now.
        PinTriesExceeded = "PIN_TRIES_EXCEEDED",
        /// The chip is another than ours, or the partner suspects a fraud.
        FraudsDetected = "FRAUDS_DETECTED",
        /// More than the partner lets its user spend.
        LimitsExceeded = "LIMITS_EXCEEDED",
        /// The partner refuses for a reason of its own.
        ClientError = "CLIENT_ERROR",
        /// The partner didn't answer in time, or not in a way that is understood.
        PartnerTimeout = "PARTNER_TIMEOUT",
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
            | Self::IncorrectPin
            | Self::PinTriesExceeded
            | Self::BalanceLocked
            | Self::CustomerLocked
            | Self::ClientError
            | Self::PartnerTimeout => Self::UnknownError.as_str(),
            Self::FraudsDetected => Self::AmlException.as_str(),
            Self::TransactionNotPermitted | Self::LimitsExceeded => Self::LimitExceed.as_str(),
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
            | Self::InsufficientFundsOnDepositBalance
            | Self::DepositBalanceNotFound
            | Self::InsufficientFundsOnCollateralBalance
            | Self::CollateralBalanceNotFound
            | Self::AmlException
            | Self::ExceedsAmountLimit
            | Self::LimitExceed
            | Self::BudgetExceeded
            | Self::UnknownTransactionType
            | Self::UnknownError => self.as_str(),
        }
    }
}

/// The action code of an approval of less than was asked for.
pub const APPROVED_IN_PART: &str = "0002";

/// The four-digit action code that the network is answered with (spec "Transactions", ISO
/// 8583:1993 style). A locked card answers with its reason's code.
#[must_use]
pub fn action_code(description: Description, lock: Option<LockReason>) -> &'static str {
    match description {
        Description::Approved => "0000",
        Description::CardLocked => lock.map_or("1000", LockReason::action_code),
        Description::CardExpired => "1001",
        Description::AmlException | Description::FraudsDetected => "1002",
        Description::CardNotActive | Description::BalanceLocked | Description::CustomerLocked => {
            "1004"
        }
        Description::PinTriesExceeded => "1006",
        Description::InvalidAmount => "1010",
        Description::CardNotFound => "1011",
        Description::UnknownTransactionType => "1015",
        Description::InsufficientFunds => "1016",
        Description::IncorrectPin => "1017",
        Description::TransactionNotPermitted => "1019",
        Description::ExceedsAmountLimit
        | Description::LimitExceed
        | Description::LimitsExceeded
        | Description::BudgetExceeded => "1021",
        Description::IncorrectCvv => "1022",
        Description::PartnerTimeout => "9111",
        Description::BalanceNotFound
        | Description::AmbiguousReferencedTransaction
        | Description::ReferencedTransactionNotFound
        | Description::CurrencyMismatch
        | Description::CustomerNotFound
        | Description::InsufficientFundsOnDepositBalance
        | Description::DepositBalanceNotFound
        | Description::InsufficientFundsOnCollateralBalance
        | Description::CollateralBalanceNotFound
        | Description::UnknownError
        | Description::ClientError
        | Description::Expired => "1000",
    }
}
