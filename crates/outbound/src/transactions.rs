//! What a partner is asked and told of its users' transactions: `POST /transactions/debit` and its
//! siblings (seeds "Your APIs for us - External Balance",
//! "Shared authorization"). Where table and example of the seeds differ, the example's spelling and
//! JSON type are taken (spec "Dialects").

use crate::client::{Answer, CallError};
use crate::time;
use domain::authorization::Says;
use domain::ids::{CardId, TransactionId};
use domain::money::Currency;
use domain::transaction::{
    Category, DATA_KEYS, Description, Order, Resource, Status, TransactionType,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// A transaction as a partner is asked or told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject<'a> {
    /// Our id: the partner's books know it by this.
    pub id: TransactionId,
    /// What was asked for, or has happened. Its amount is what this call is about.
    pub order: &'a Order,
    /// What it is paid by.
    pub resource: Resource,
    /// Where it stands then.
    pub status: Status,
}

/// The object that debits, credits, forced ones and reversals of them carry.
#[must_use]
pub fn object(subject: &Subject<'_>) -> Value {
    let order = subject.order;
    json!({
        "id": subject.id.0,
        "balanceId": order.balance.map(|balance| balance.0),
        "resourceId": subject.resource.id,
        "resource": subject.resource.kind.as_str(),
        "transactionId": order.network_id,
        "referenceTransactionId": order.reference_id,
        "type": kind(order),
        "amount": order.amount,
        "currency": order.currency.code(),
        "originalAmount": order.original_amount,
        "originalCurrency": order.original_currency.as_ref().map(Currency::code),
        "status": subject.status.as_str(),
        "description": order.text,
        "date": time(order.network_date),
        "transactionData": data(order.data.as_deref(), order.card),
    })
}

/// Where a partner is told that a transaction is final: the path bears the network's id of it.
#[must_use]
pub fn path_of(network_id: &str) -> String {
    format!("/transactions/{}", utf8_percent_encode(network_id, RESERVED))
}

/// What isn't written as it is in a segment of a path: all but what RFC 3986 doesn't reserve.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The word for a type: as in the seeds' list of allowed values, all lower case but one. Whatever
/// the network gives is an adjustment.
fn kind(order: &Order) -> &'static str {
    match order.kind {
        TransactionType::Pos
        | TransactionType::Atm
        | TransactionType::CashbackAtPos
        | TransactionType::Aft
            if order.category == Category::Credit =>
        {
            TransactionType::Adjustment.as_str()
        }
        TransactionType::TopUp => "topup",
        TransactionType::Pos
        | TransactionType::Atm
        | TransactionType::CashbackAtPos
        | TransactionType::Aft
        | TransactionType::BalanceInquiry
        | TransactionType::Adjustment
        | TransactionType::Payment
        | TransactionType::Loan
        | TransactionType::Cashback
        | TransactionType::Funding
        | TransactionType::CreditIbanTransfer
        | TransactionType::Withdrawal
        | TransactionType::Commission
        | TransactionType::Interest
        | TransactionType::Fee
        | TransactionType::InterchangeCredit
        | TransactionType::CollateralCredit
        | TransactionType::CollateralDebit
        | TransactionType::CompanyCredit
        | TransactionType::CompanyDebit
        | TransactionType::IbanTechnicalCredit
        | TransactionType::IbanTechnicalDebit => order.kind.as_str(),
    }
}

/// An integer here, and a text where it is kept (spec "Dialects").
const CASHBACK_AMOUNT: &str = "cashbackPosAmount";

/// `transactionData`: each key is there, null if it is unknown.
fn data(kept: Option<&str>, card: Option<CardId>) -> Value {
    let kept: Map<String, Value> =
        kept.and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or_default();
    let value = |key: &str| {
        let text = kept.get(key).and_then(Value::as_str);
        match text {
            Some(text) if key == CASHBACK_AMOUNT => text.parse::<i64>().ok().into(),
            Some(text) => text.into(),
            None => Value::Null,
        }
    };
    let mut data: Map<String, Value> =
        DATA_KEYS.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    data.insert("cardId".to_owned(), card.map(|card| card.0.to_string()).into());
    Value::Object(data)
}

/// Whether a partner says that it doesn't know the transaction which it was told of.
#[must_use]
pub fn is_unknown(answer: &Answer) -> bool {
    answer.status == 404 && title(answer) == "TRANSACTION_NOT_FOUND"
}

/// Whether a partner refuses what it was asked, as far as its answer is in the contract.
#[must_use]
pub fn refuses(answer: &Answer) -> bool {
    matches!(understood(answer), Says::Refuses(_))
}

fn title(answer: &Answer) -> String {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    problem["title"].as_str().unwrap_or_default().to_owned()
}

/// What an answer to `debit` or `credit` means: 204 alone agrees, as the seeds have no other; their
/// titles refuse. A 200 may be a page of somebody between us, before or after the partner booked.
#[must_use]
pub fn says(answer: &Result<Answer, CallError>) -> Says {
    let answer = match answer {
        Ok(answer) => answer,
        Err(CallError::Forbidden | CallError::Connect) => return Says::NotAsked,
        Err(CallError::Tls | CallError::Timeout | CallError::Broken | CallError::TooLarge) => {
            return Says::Unclear;
        }
    };
    understood(answer)
}

fn understood(answer: &Answer) -> Says {
    match (answer.status, title(answer).as_str()) {
        (204, _) => Says::Agrees,
        (422, "INSUFFICIENT_FUNDS") => Says::Refuses(Description::InsufficientFunds),
        (422, "LIMITS_EXCEEDED") => Says::Refuses(Description::LimitsExceeded),
        (422, "FRAUDS_DETECTED") => Says::Refuses(Description::FraudsDetected),
        (404, "BALANCE_NOT_FOUND") => Says::Refuses(Description::BalanceNotFound),
        (409, "CLIENT_ERROR") => Says::Refuses(Description::ClientError),
        _ => Says::Unclear,
    }
}

#[cfg(test)]
mod tests;
