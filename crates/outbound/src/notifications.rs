//! What partners are told: the bodies of the seeds' notifications, field by field.

use crate::client::Method;
use crate::{time, transactions};
use domain::Timestamp;
use domain::card::lifecycle::LockReason;
use domain::ids::{BalanceId, CardId, TransactionId, UserId};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::DescriptionCodes;
use domain::secret::Otp;
use domain::transaction::{
    Description, Order, Processing, Resource, ResourceKind, Status, TransactionType,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Where a notification, or a call of a partner's mode, goes, and how. Where it names the
/// transaction, that is the network's id, which the body tells too.
#[must_use]
pub fn address(event: Event, body: &[u8]) -> (Method, String) {
    if event != Event::Clearing {
        return (Method::Post, path(event));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    (Method::Put, transactions::path_of(body["transactionId"].as_str().unwrap_or_default()))
}

/// Where a notification, or a call of a partner's mode, goes; within braces what each has of its
/// own.
#[must_use]
pub fn path(event: Event) -> String {
    match event {
        Event::Clearing => "/transactions/{transactionId}".to_owned(),
        Event::Debit | Event::ForceDebit | Event::ForceCredit | Event::Reversal => {
            format!("/transactions/{event}")
        }
        Event::TransactionEvent => "/transaction-event".to_owned(),
        Event::Otp
        | Event::CardLocked
        | Event::CardUnlocked
        | Event::CardExpiring
        | Event::VerificationInProgress
        | Event::VerificationAccepted
        | Event::VerificationRejected
        | Event::TransactionalLockReasonAdded
        | Event::TransactionalLockReasonRemoved
        | Event::Transaction => format!("/notifications/{event}"),
    }
}

/// A record of the transaction history was made or changed at this time.
#[must_use]
pub fn transaction_event(record: i64, at: Timestamp) -> Value {
    json!({ "id": record, "timestamp": at.as_second().to_string() })
}

/// What is told of a one-time password.
#[derive(Clone, Copy, Debug)]
pub struct OtpNotice<'a> {
    /// Who holds the card.
    pub user: UserId,
    /// The card.
    pub card: CardId,
    /// The balance that it pays from.
    pub balance: BalanceId,
    /// What is to be paid, in minor units of `currency`.
    pub amount: i64,
    /// Its currency.
    pub currency: Currency,
    /// Who is to be paid.
    pub merchant_name: &'a str,
    /// The password.
    pub otp: &'a Otp,
}

/// A one-time password is to reach the cardholder: the JSON, which is a secret itself.
#[must_use]
pub fn otp(notice: &OtpNotice<'_>) -> Zeroizing<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "the partner sends it to the cardholder")]
    let otp = notice.otp.expose();
    let body = OtpBody {
        storage_customer_id: &notice.user.0.to_string(),
        storage_card_id: &notice.card.0.to_string(),
        balance_id: notice.balance.0,
        amount: &notice.amount.to_string(),
        currency: notice.currency.code(),
        merchant_name: notice.merchant_name,
        otp,
    };
    Zeroizing::new(serde_json::to_vec(&body).expect("a body has names of text and can't fail"))
}

/// The seeds' body: all of it texts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtpBody<'a> {
    storage_customer_id: &'a str,
    storage_card_id: &'a str,
    balance_id: Uuid,
    amount: &'a str,
    currency: &'a str,
    merchant_name: &'a str,
    otp: &'a str,
}

/// A card was locked at this time.
#[must_use]
pub fn card_locked(
    card: CardId,
    reason: LockReason,
    at: Timestamp,
    codes: DescriptionCodes,
) -> Value {
    json!({
        "dcCardId": card.0.to_string(),
        "date": time(at),
        "reason": reason_told(reason, codes).as_str(),
    })
}

/// A card was unlocked at this time.
#[must_use]
pub fn card_unlocked(card: CardId, at: Timestamp) -> Value {
    json!({ "dcCardId": card.0.to_string(), "date": time(at) })
}

/// A card's last day comes near.
#[must_use]
pub fn card_expiring(card: CardId, expiry: &str) -> Value {
    json!({ "dcCardId": card.0.to_string(), "exp": expiry })
}

/// What is told of a KYC form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerificationNotice<'a> {
    /// The form's UUID.
    pub verification: &'a str,
    /// Whose it is.
    pub user: UserId,
    /// E-mail address of the user as it was then; null once they are erased, as their names.
    pub email: Option<&'a str>,
    /// Given name.
    pub first_name: Option<&'a str>,
    /// Family name.
    pub last_name: Option<&'a str>,
    /// `IN_PROGRESS`, `ACCEPTED` or `REJECTED`.
    pub status: &'a str,
    /// Why it was rejected.
    pub reason: Option<&'a str>,
}

/// A KYC form stands here now.
#[must_use]
pub fn verification(notice: &VerificationNotice<'_>) -> Value {
    json!({
        "verificationId": notice.verification,
        "userId": notice.user.0.to_string(),
        "email": notice.email,
        "firstName": notice.first_name,
        "lastName": notice.last_name,
        "status": notice.status,
        "reason": notice.reason,
    })
}

/// A reason why no money may leave the balances of a user or a corporation was added, or is gone.
#[must_use]
pub fn lock_reason((kind, id): (&str, &str), reason: &str, at: Timestamp) -> Value {
    json!({
        "resourceType": kind,
        "resourceId": id,
        "lockReason": reason,
        "timestamp": time(at),
    })
}

/// The list of reasons in the seeds' notification ends before the last one of their table of codes.
fn reason_told(reason: LockReason, codes: DescriptionCodes) -> LockReason {
    match (codes, reason) {
        (DescriptionCodes::Seeds, LockReason::OfflinePinAttemptsExceeded) => {
            LockReason::PinTriesExceeded
        }
        (DescriptionCodes::Seeds | DescriptionCodes::Extended, reason) => reason,
    }
}

/// What the legacy notifier tells of a message about a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionNotice<'a> {
    /// What was done with the message.
    pub processing: Processing,
    /// When that was.
    pub processed_at: Timestamp,
    /// Why.
    pub description: Description,
    /// In which codes the partner is told why.
    pub codes: DescriptionCodes,
    /// The transaction.
    pub transaction: TransactionId,
    /// What the message asked for.
    pub order: &'a Order,
    /// What it was paid by.
    pub resource: Resource,
    /// Where the transaction stands now.
    pub status: Status,
}

/// The body of the legacy notifier.
#[must_use]
pub fn transaction(notice: &TransactionNotice<'_>) -> Value {
    let description = match notice.codes {
        DescriptionCodes::Seeds => notice.description.code_in_seeds(),
        DescriptionCodes::Extended => notice.description.as_str(),
    };
    let (order, resource) = (notice.order, notice.resource);
    let card = order.card.filter(|_| resource.kind == ResourceKind::Card);
    json!({
        "status": notice.processing.as_str(),
        "date": time(notice.processed_at),
        "description": description,
        "transaction": {
            "id": notice.transaction.0,
            "balanceId": order.balance.map(|balance| balance.0),
            "resourceId": resource.id,
            "resource": resource.kind.as_str(),
            "cardId": card.map(|card| card.0.to_string()),
            "externalTransactionId": order.network_id,
            "referenceExternalTransactionId": order.reference_id,
            "type": legacy_type(order.kind),
            "category": order.category.as_str(),
            "amount": order.amount,
            "currency": order.currency.code(),
            "originalAmount": order.original_amount,
            "originalCurrency": order.original_currency.map(|it| it.code().to_owned()),
            "status": notice.status.as_str(),
            "description": order.text,
            "date": time(order.network_date),
            "referenceExternalTransactionDate": order.reference_date.map(time),
            "transactionData": legacy_data(order.data.as_deref()),
        },
    })
}

/// The notifier's own words for the types that have one.
const LEGACY_TYPES: &[(TransactionType, &str)] = &[
    (TransactionType::Pos, "POS"),
    (TransactionType::Atm, "ATM"),
    (TransactionType::CashbackAtPos, "Cashback"),
    (TransactionType::Aft, "AFT"),
    (TransactionType::BalanceInquiry, "Balance Inquiry"),
    (TransactionType::Adjustment, "Adjustment"),
];

/// The notifier's word for a type.
fn legacy_type(kind: TransactionType) -> &'static str {
    let own = LEGACY_TYPES.iter().find(|(of, _)| *of == kind);
    own.map_or(kind.as_str(), |(_, word)| word)
}

/// The keys that the notifier has, `cashbackPosAmount` apart.
const DATA_TEXTS: &[&str] = &[
    "mcc",
    "merchantIdentifier",
    "merchantName",
    "captureMode",
    "lastFourDigits",
    "acquirerCountry",
    "mdesDigitizedWalletId",
    "cashbackPosCurrencyCode",
];
/// A number here, and a text where it is kept.
const CASHBACK_AMOUNT: &str = "cashbackPosAmount";

/// What is known of the notifier's keys; an empty list if nothing is, as the platform of the seeds
/// writes an empty object.
fn legacy_data(kept: Option<&str>) -> Value {
    let kept: Map<String, Value> =
        kept.and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or_default();
    let text = |key: &str| kept.get(key).and_then(Value::as_str);
    let mut data = Map::new();
    for key in DATA_TEXTS {
        if let Some(value) = text(key) {
            data.insert((*key).to_owned(), value.into());
        }
    }
    if let Some(amount) = text(CASHBACK_AMOUNT).and_then(|amount| amount.parse::<i64>().ok()) {
        data.insert(CASHBACK_AMOUNT.to_owned(), amount.into());
    }
    if data.is_empty() { json!([]) } else { data.into() }
}

/// An example of each, of the seeds' shape: its ids are those of nothing, its texts say what it is.
#[must_use]
pub fn example(event: Event) -> Value {
    const DATE: &str = "2025-06-17T13:42:54+00:00";
    let card = CardId(0).0.to_string();
    let verification = |status, reason| {
        verification(&VerificationNotice {
            verification: &Uuid::nil().to_string(),
            user: UserId(0),
            email: Some("example@example.com"),
            first_name: Some(EXAMPLE),
            last_name: Some(EXAMPLE),
            status,
            reason,
        })
    };
    let lock = json!({
        "resourceType": "corporation",
        "resourceId": Uuid::nil(),
        "lockReason": "FRAUD_SUSPECTED",
        "timestamp": DATE,
    });
    match event {
        Event::Otp => json!({
            "storageCustomerId": card,
            "storageCardId": card,
            "balanceId": Uuid::nil(),
            "amount": "1000",
            "currency": "PLN",
            "merchantName": EXAMPLE,
            "otp": "0000",
        }),
        Event::CardLocked => {
            json!({ "dcCardId": card, "date": DATE, "reason": "PIN_TRIES_EXCEEDED" })
        }
        Event::CardUnlocked => json!({ "dcCardId": card, "date": DATE }),
        Event::CardExpiring => json!({ "dcCardId": card, "exp": "2029-11-30" }),
        Event::VerificationInProgress => verification("IN_PROGRESS", None),
        Event::VerificationAccepted => verification("ACCEPTED", None),
        Event::VerificationRejected => verification("REJECTED", Some("INVALID_CUSTOMER_DATA")),
        Event::TransactionalLockReasonAdded | Event::TransactionalLockReasonRemoved => lock,
        Event::TransactionEvent => json!({ "id": 0, "timestamp": "1665557034" }),
        // What a partner's mode calls with books money: `partner check` plays it.
        Event::Debit
        | Event::ForceDebit
        | Event::ForceCredit
        | Event::Reversal
        | Event::Clearing => Value::Null,
        Event::Transaction => example_transaction(&card),
    }
}

fn example_transaction(card: &str) -> Value {
    json!({
        "status": "SUCCESS",
        "date": "2023-11-17T11:32:16+00:00",
        "description": "APPROVED",
        "transaction": {
            "id": Uuid::nil(),
            "balanceId": Uuid::nil(),
            "resourceId": Uuid::nil(),
            "resource": "card",
            "cardId": card,
            "externalTransactionId": EXAMPLE,
            "referenceExternalTransactionId": null,
            "type": "POS",
            "category": "DEBIT",
            "amount": 10_000,
            "currency": "PLN",
            "originalAmount": 12_300,
            "originalCurrency": "PLN",
            "status": "AUTHORIZED",
            "description": EXAMPLE,
            "date": "2023-11-17T11:32:16+00:00",
            "referenceExternalTransactionDate": null,
            "transactionData": {
                "mcc": "5122",
                "merchantIdentifier": EXAMPLE,
                "captureMode": "NFC",
                "lastFourDigits": "0000",
                "acquirerCountry": "POL",
            },
        },
    })
}

/// What stands in an example where a text may be any.
const EXAMPLE: &str = "EXAMPLE";

#[cfg(test)]
mod tests;
