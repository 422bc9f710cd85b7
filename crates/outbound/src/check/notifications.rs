//! `/notifications/…`: each is taken, and once more for its key. An OTP isn't played: it comes
//! once, and would go on to somebody's phone.

use super::balances::same;
use super::player::{Checked, Player, warning, wrong};
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
    ("told: a transaction", LEGACY),
    ("told: a record of the history", "/transaction-event"),
];
/// The legacy notifier: 200 and 204 alone count.
const LEGACY: &str = "/notifications/transaction";

pub(super) async fn check(player: &mut Player<'_>) {
    for (name, path) in PATHS {
        let checked = told(player, path).await;
        player.note(name, checked);
    }
}

async fn told(player: &mut Player<'_>, path: &str) -> Checked {
    let (key, body) = (player.id(), body(player, path));
    let first = player.post_as(path, &body, key).await?;
    if [404, 405].contains(&first.status) {
        let expected = "204, unless you don't want to be told of this";
        return Err(warning(&first.sent, expected, &first.shown()));
    }
    if path == LEGACY && ![200, 204].contains(&first.status) {
        return Err(wrong(&first.sent, "204, or 200", &first.shown()));
    }
    first.done(&mut player.manners)?;
    let second = player.post_as(path, &body, key).await?;
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
        "transaction" => transaction(player, &date),
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

fn transaction(player: &Player<'_>, date: &str) -> Value {
    json!({
        "status": "PROCESSED",
        "date": date,
        "description": "APPROVED",
        "transaction": {
            "id": player.id(),
            "balanceId": player.id(),
            "resourceId": "6876783",
            "resource": "card",
            "cardId": "6876783",
            "externalTransactionId": player.id(),
            "referenceExternalTransactionId": null,
            "type": "POS",
            "category": "DEBIT",
            "amount": 100,
            "currency": player.plan.currency,
            "originalAmount": 100,
            "originalCurrency": player.plan.currency,
            "status": "AUTHORIZED",
            "description": "A check of the partner's side",
            "date": date,
            "referenceExternalTransactionDate": null,
            "transactionData": { "mcc": "5942", "merchantName": "Book store" },
        },
    })
}
