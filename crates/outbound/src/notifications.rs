//! What partners are told: the bodies of the seeds' notifications, field by field.

use domain::Timestamp;
use domain::card::lifecycle::LockReason;
use domain::ids::{CardId, TransactionId, UserId};
use domain::notification::Event;
use domain::partner::DescriptionCodes;
use domain::transaction::{
    Description, Order, Processing, Resource, ResourceKind, Status, TransactionType,
};
use serde_json::{Map, Value, json};

/// Where a notification goes at the partner.
#[must_use]
pub fn path(event: Event) -> String {
    format!("/notifications/{event}")
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
    /// E-mail address, given and family name of the user; empty once they are erased.
    pub email: &'a str,
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
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

/// To the second, in UTC, as the seeds write it.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests;
