//! `/notifications/…`: each is taken, and once more for its key. An OTP isn't played: it comes
//! once, and would go on to somebody's phone.

use super::balances::same;
use super::player::{Checked, Player, warning, wrong};
use super::transactions::DATA;
use crate::notifications::{self, TransactionNotice};
use domain::ids::{BalanceId, CardId, TransactionId};
use domain::money::Currency;
use domain::partner::DescriptionCodes;
use domain::transaction::{
    Category, Description, Order, Place, Processing, Resource, Status, TransactionType,
};
use serde_json::{Value, json};

/// What each check is called, and where it is sent.
const PATHS: &[(&str, &str)] = &[
    ("told: a card is locked", "/notifications/cardLocked"),
    ("told: a card is unlocked", "/notifications/cardUnlocked"),
    ("told: KYC goes on", "/notifications/verificationInProgress"),
    ("told: KYC is accepted", "/notifications/verificationAccepted"),
    ("told: KYC is rejected", "/notifications/verificationRejected"),
    ("told: money is locked", "/notifications/transactionalLockReasonAdded"),
    ("told: money is unlocked", "/notifications/transactionalLockReasonRemoved"),
    ("told: a record of the history", "/transaction-event"),
];
/// What each check of the legacy notifier is called, and what was done with the message.
const TRANSACTIONS: &[(&str, Processing)] = &[
    ("told: a transaction", Processing::Success),
    ("told: a declined transaction", Processing::Declined),
    ("told: an invalid transaction", Processing::Invalid),
];
/// The legacy notifier: 200 and 204 alone count.
const LEGACY: &str = "/notifications/transaction";

pub(super) async fn check(player: &mut Player<'_>) {
    for (name, path) in PATHS {
        let body = body(player, path);
        let checked = told(player, path, &body).await;
        player.note(name, checked);
    }
    for (name, processing) in TRANSACTIONS {
        let body = transaction(player, *processing);
        let checked = told(player, LEGACY, &body).await;
        player.note(name, checked);
    }
}

async fn told(player: &mut Player<'_>, path: &str, body: &Value) -> Checked {
    let key = player.id();
    let first = player.post_as(path, body, key).await?;
    if [404, 405].contains(&first.status) {
        let expected = "204, unless you don't want to be told of this";
        return Err(warning(&first.sent, expected, &first.shown()));
    }
    if path == LEGACY && ![200, 204].contains(&first.status) {
        return Err(wrong(&first.sent, "204, or 200", &first.shown()));
    }
    first.done(&mut player.manners)?;
    let second = player.post_as(path, body, key).await?;
    same(&first, &second)
}

fn body(player: &Player<'_>, path: &str) -> Value {
    let date = (player.plan.now)().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let verification = |status: &str, reason: Option<&str>| {
        json!({
            "verificationId": player.id(), "userId": player.plan.user,
            "email": "leonbakiewicz@gmail.com", "firstName": "Leon", "lastName": "Bakiewicz",
            "status": status, "reason": reason,
        })
    };
    match path.rsplit('/').next().unwrap_or_default() {
        "cardLocked" => json!({ "dcCardId": "11", "date": date, "reason": "PIN_TRIES_EXCEEDED" }),
        "cardUnlocked" => json!({ "dcCardId": "11", "date": date }),
        "verificationInProgress" => verification("IN_PROGRESS", None),
        "verificationAccepted" => verification("ACCEPTED", None),
        "verificationRejected" => verification("REJECTED", Some("INVALID_CUSTOMER_DATA")),
        "transaction-event" => {
            let seconds = (player.plan.now)().as_second().to_string();
            json!({ "id": 20, "timestamp": seconds })
        }
        _ => json!({
            "resourceType": "user", "resourceId": player.plan.user,
            "lockReason": "FRAUD_SUSPECTED", "timestamp": date,
        }),
    }
}

/// What is told of a message: a purchase, or a reversal that refers to nothing we know.
fn transaction(player: &Player<'_>, processing: Processing) -> Value {
    let (description, kind, category, status) = match processing {
        Processing::Success | Processing::Asking => {
            (Description::Approved, TransactionType::Pos, Category::Debit, Status::Authorized)
        }
        Processing::Declined => (
            Description::InsufficientFunds,
            TransactionType::Pos,
            Category::Debit,
            Status::Authorized,
        ),
        Processing::Invalid => (
            Description::ReferencedTransactionNotFound,
            TransactionType::Adjustment,
            Category::Credit,
            Status::Reversed,
        ),
    };
    let (now, reverses) = ((player.plan.now)(), processing == Processing::Invalid);
    let currency = Currency::parse(player.plan.currency).ok();
    let original = currency.filter(|_| !reverses);
    let order = Order {
        balance: Some(BalanceId(player.id())),
        card: Some(CardId(6_876_783)),
        processor: None,
        network_id: player.id().to_string(),
        network_date: now,
        reference_id: reverses.then(|| player.id().to_string()),
        reference_date: reverses.then_some(now),
        kind,
        category,
        amount: 100,
        currency: currency.unwrap_or(Currency::EUR),
        original_amount: original.map(|_| 100),
        original_currency: original,
        conversion_rate: None,
        text: "A check of the partner's side".to_owned(),
        data: (!reverses).then(|| DATA.to_owned()),
        mcc: None,
        retrieval_reference: None,
        place: Place::default(),
    };
    notifications::transaction(&TransactionNotice {
        processing,
        processed_at: now,
        description,
        codes: DescriptionCodes::Seeds,
        transaction: TransactionId(player.id()),
        order: &order,
        resource: Resource::card(player.id()),
        status,
    })
}
