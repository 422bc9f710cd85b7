//! Decisions in words, for the people who are asked why a payment was declined.

use domain::authorization::{CheckName, CheckOutcome};
use domain::transaction::Description;

/// Why a request was decided so.
#[must_use]
pub fn reason_sentence(reason: Description) -> &'static str {
    match reason {
        Description::Approved => "It was approved.",
        Description::InsufficientFunds => "The balance has too little to spend.",
        Description::CardNotFound => {
            "There is no such card, or it is of a program that another processor serves."
        }
        Description::BalanceNotFound => "The balance isn't there, or not any more.",
        Description::InvalidAmount => "The amount is none that this can be asked for.",
        Description::AmbiguousReferencedTransaction => {
            "Several transactions fit what it refers to."
        }
        Description::ReferencedTransactionNotFound => {
            "What it refers to isn't there, or isn't open any more."
        }
        Description::CurrencyMismatch => "The balance has another currency.",
        Description::CustomerNotFound => "Whoever answers for the card isn't there any more.",
        Description::InsufficientFundsOnDepositBalance => {
            "The partner's deposit has too little to spend."
        }
        Description::DepositBalanceNotFound => "The partner has no deposit in this currency.",
        Description::InsufficientFundsOnCollateralBalance => {
            "The partner's credit balance has too little to spend."
        }
        Description::CollateralBalanceNotFound => {
            "The partner has no credit balance in this currency."
        }
        Description::AmlException => {
            "A transactional lock of the user, the corporation or the holder stands."
        }
        Description::ExceedsAmountLimit => "It is more than the card may spend in this time.",
        Description::LimitExceed => {
            "It is more than the program's cards, or the owner, may spend in this time."
        }
        Description::BudgetExceeded => "It is more than the budget has left.",
        Description::UnknownTransactionType => "Transactions of this type aren't taken.",
        Description::UnknownError => {
            "Its reversal was there before it, or it couldn't be answered in time."
        }
        Description::CardLocked => "The card is locked.",
        Description::CardNotActive => "The card isn't active yet, or was removed.",
        Description::CardExpired => {
            "The card is past its last day, or the message named another last day."
        }
        Description::IncorrectCvv => {
            "The verification code is wrong, or was wrong too often for a while."
        }
        Description::IncorrectPin => "The PIN is wrong, or couldn't be read.",
        Description::PinTriesExceeded => "The PIN was wrong once too often: the card is locked.",
        Description::FraudsDetected => {
            "The chip isn't the card's, or the partner suspects a fraud."
        }
        Description::LimitsExceeded => "The partner lets its user spend no more.",
        Description::ClientError => "The partner refused it for a reason of its own.",
        Description::PartnerTimeout => "The partner gave no answer in time that is understood.",
        Description::TransactionNotPermitted => {
            "The program, or the controls of program, card or owner, don't allow it: the kind of \
             payment, the merchant, its category or its country."
        }
        Description::Expired => "The hold came to its end and was let go.",
        Description::BalanceLocked => "The balance is locked.",
        Description::CustomerLocked => "The user, or the card's holder, is locked.",
    }
}

/// What a check asks.
#[must_use]
pub fn check_sentence(check: CheckName) -> &'static str {
    match check {
        CheckName::EarlyReversal => "It wasn't taken back before it came.",
        CheckName::Amount => "The amount can be asked for.",
        CheckName::Card => "The card is there and active, and isn't locked.",
        CheckName::Expiry => "The card isn't past its last day, and that was named rightly.",
        CheckName::CodeAndPin => "Chip, verification code and PIN are right, as far as sent.",
        CheckName::Balance => "The balance is there, isn't locked, and has the currency.",
        CheckName::Owner => "Whoever answers for the card may act.",
        CheckName::TransactionalLocks => "No transactional lock of theirs stands.",
        CheckName::Program => "The card's program is open and allows it.",
        CheckName::Reference => "What it raises is there and open.",
        CheckName::ProgramLimits => "The limits and controls of the program allow it.",
        CheckName::CardLimits => "The limits and controls of the card allow it.",
        CheckName::OwnerLimits => "The limits and controls of the owner allow it.",
        CheckName::Budget => "The budgets have as much left.",
        CheckName::Deposit => "The partner's deposit has as much to spend, where it must.",
        CheckName::Funds => "The balance has as much to spend.",
        CheckName::Partner => "The partner, which is asked, agrees.",
    }
}

/// What came of a check.
#[must_use]
pub fn outcome_sentence(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed: this is why it was declined",
        CheckOutcome::MayHaveFailed => "may have failed: several checks decline for this reason",
        CheckOutcome::Unknown => "not known",
        CheckOutcome::NotReached => "not made, since one before it failed",
    }
}
