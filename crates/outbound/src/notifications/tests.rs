//! Each body against the seeds' example.

use super::*;
use domain::transaction::{Category, Place};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn uuid(text: &str) -> Uuid {
    text.parse().expect(text)
}

/// The order of the seeds' example.
fn order() -> Order {
    Order {
        balance: Some(BalanceId(uuid("60036f20-3b2c-470e-b9de-3c6cfbe8a5ff"))),
        card: Some(CardId(357_970)),
        processor: None,
        network_id: "d275ecb8-138e-4d0e-b5bf-c4158b4ce516".to_owned(),
        network_date: at("2023-11-17T11:32:16Z"),
        reference_id: None,
        reference_date: None,
        kind: TransactionType::Pos,
        category: Category::Debit,
        amount: 10_000,
        currency: Currency::parse("PLN").expect("a currency"),
        original_amount: Some(12_300),
        original_currency: Some(Currency::parse("PLN").expect("a currency")),
        conversion_rate: None,
        text: "FrogShop Lublin POL".to_owned(),
        data: Some(
            r#"{"mcc": "5122", "merchantIdentifier": "12345", "captureMode": "NFC",
                "lastFourDigits": "0911", "acquirerCountry": "POL"}"#
                .to_owned(),
        ),
        mcc: Some("5122".to_owned()),
        retrieval_reference: None,
        place: Place::default(),
    }
}

/// Its notice.
fn notice(order: &Order) -> TransactionNotice<'_> {
    TransactionNotice {
        processing: Processing::Success,
        processed_at: at("2023-11-17T11:32:16.987Z"),
        description: Description::Approved,
        codes: DescriptionCodes::Seeds,
        transaction: TransactionId(uuid("b4f534ef-77c2-4f16-ab4d-496806a76fb6")),
        order,
        resource: Resource::card(uuid("b3de5060-2ae2-4f3c-9b94-9c27a90dc6fe")),
        status: Status::Authorized,
    }
}

#[test]
fn the_legacy_notification_is_that_of_the_seeds() {
    let expected: Value = serde_json::from_str(
        r#"{
        "status": "SUCCESS",
        "date": "2023-11-17T11:32:16+00:00",
        "description": "APPROVED",
        "transaction": {
            "id": "b4f534ef-77c2-4f16-ab4d-496806a76fb6",
            "balanceId": "60036f20-3b2c-470e-b9de-3c6cfbe8a5ff",
            "resourceId": "b3de5060-2ae2-4f3c-9b94-9c27a90dc6fe",
            "resource": "card",
            "cardId": "357970",
            "externalTransactionId": "d275ecb8-138e-4d0e-b5bf-c4158b4ce516",
            "referenceExternalTransactionId": null,
            "type": "POS",
            "category": "DEBIT",
            "amount": 10000,
            "currency": "PLN",
            "originalAmount": 12300,
            "originalCurrency": "PLN",
            "status": "AUTHORIZED",
            "description": "FrogShop Lublin POL",
            "date": "2023-11-17T11:32:16+00:00",
            "referenceExternalTransactionDate": null,
            "transactionData": {
                "mcc": "5122",
                "merchantIdentifier": "12345",
                "captureMode": "NFC",
                "lastFourDigits": "0911",
                "acquirerCountry": "POL"
            }
        }}"#,
    )
    .expect("JSON");
    assert_eq!(transaction(&notice(&order())), expected);
}

#[test]
fn the_notifications_of_verifications_are_those_of_the_seeds() {
    for (event, status, reason) in [
        (Event::VerificationInProgress, "IN_PROGRESS", None),
        (Event::VerificationAccepted, "ACCEPTED", None),
        (Event::VerificationRejected, "REJECTED", Some("INVALID_CUSTOMER_DATA")),
    ] {
        let told = verification(&VerificationNotice {
            verification: "6faaa45a-41f6-4922-95fe-16e316ba7e91",
            user: UserId(1337),
            email: "leonbakiewicz@gmail.com",
            first_name: "Leon",
            last_name: "Bakiewicz",
            status,
            reason,
        });
        assert_eq!(
            told,
            json!({
                "verificationId": "6faaa45a-41f6-4922-95fe-16e316ba7e91",
                "userId": "1337",
                "email": "leonbakiewicz@gmail.com",
                "firstName": "Leon",
                "lastName": "Bakiewicz",
                "status": status,
                "reason": reason,
            }),
        );
        assert!(path(event).starts_with("/notifications/verification"));
    }
}

#[test]
fn the_notifications_of_transactional_locks_are_those_of_the_seeds() {
    let id = "a3f33118-946d-4b9c-b27f-e009d28355fa";
    let date = at("2025-06-17T13:42:54Z");
    assert_eq!(
        lock_reason(("corporation", id), "FRAUD_SUSPECTED", date),
        json!({
            "resourceType": "corporation",
            "resourceId": id,
            "lockReason": "FRAUD_SUSPECTED",
            "timestamp": "2025-06-17T13:42:54+00:00",
        }),
    );
    for (event, name) in [
        (Event::TransactionalLockReasonAdded, "transactionalLockReasonAdded"),
        (Event::TransactionalLockReasonRemoved, "transactionalLockReasonRemoved"),
    ] {
        assert_eq!(path(event), format!("/notifications/{name}"));
    }
}

#[test]
fn the_notifications_of_locks_are_those_of_the_seeds() {
    let (card, date) = (CardId(11), at("2025-06-17T13:42:54Z"));
    assert_eq!(
        card_locked(card, LockReason::PinTriesExceeded, date, DescriptionCodes::Seeds),
        json!({
            "dcCardId": "11",
            "date": "2025-06-17T13:42:54+00:00",
            "reason": "PIN_TRIES_EXCEEDED",
        }),
    );
    assert_eq!(
        card_unlocked(card, date),
        json!({ "dcCardId": "11", "date": "2025-06-17T13:42:54+00:00" }),
    );
    assert_eq!(path(Event::CardLocked), "/notifications/cardLocked");
    assert_eq!(path(Event::CardUnlocked), "/notifications/cardUnlocked");
    assert_eq!(path(Event::Transaction), "/notifications/transaction");
    assert_eq!(path(Event::TransactionEvent), "/transaction-event");
}

#[test]
fn a_reason_that_the_seeds_do_not_list_is_told_by_its_own_name_to_those_who_asked_for_it() {
    let told = |codes| {
        let reason = LockReason::OfflinePinAttemptsExceeded;
        card_locked(CardId(1), reason, at("2025-06-17T13:42:54Z"), codes)["reason"].clone()
    };
    assert_eq!(told(DescriptionCodes::Seeds), "PIN_TRIES_EXCEEDED");
    assert_eq!(told(DescriptionCodes::Extended), "OFFLINE_PIN_ATTEMPTS_EXCEEDED");
}

#[test]
fn a_code_of_ours_is_told_to_those_who_asked_for_it() {
    let order = order();
    let told = |codes| {
        let description = Description::CardLocked;
        transaction(&TransactionNotice { description, codes, ..notice(&order) })["description"]
            .clone()
    };
    assert_eq!(told(DescriptionCodes::Seeds), "UNKNOWN_ERROR");
    assert_eq!(told(DescriptionCodes::Extended), "CARD_LOCKED");
}

#[test]
fn a_transaction_without_card_is_of_its_balance() {
    let balance = BalanceId(uuid("60036f20-3b2c-470e-b9de-3c6cfbe8a5ff"));
    let order = Order {
        kind: TransactionType::TopUp,
        category: Category::Credit,
        original_amount: None,
        original_currency: None,
        data: None,
        ..order()
    };
    let told = transaction(&TransactionNotice {
        resource: Resource::balance(balance, None),
        status: Status::Cleared,
        ..notice(&order)
    });
    let told = &told["transaction"];
    assert_eq!(told["resource"], "balance");
    assert_eq!(told["resourceId"], "60036f20-3b2c-470e-b9de-3c6cfbe8a5ff");
    assert_eq!((&told["cardId"], &told["originalCurrency"]), (&Value::Null, &Value::Null));
    assert_eq!((&told["type"], &told["category"]), (&json!("topUp"), &json!("CREDIT")));
    assert_eq!(told["transactionData"], json!([]));
}

#[test]
fn every_type_has_the_word_of_the_legacy_notifier() {
    let words: Vec<&str> = TransactionType::ALL.iter().map(|kind| legacy_type(*kind)).collect();
    let network = ["POS", "ATM", "Cashback", "AFT", "Balance Inquiry", "Adjustment"];
    assert_eq!(words[..6], network);
    assert!(TransactionType::ALL[6..].iter().all(|kind| legacy_type(*kind) == kind.as_str()));
}

#[test]
fn the_data_has_the_notifiers_keys_and_an_amount_that_is_a_number() {
    let kept = r#"{"merchantName": "Frog", "cashbackPosCurrencyCode": "PLN",
        "cashbackPosAmount": "5000", "lastFourDpan": "1234", "retrievalReferenceNumber": "77"}"#;
    assert_eq!(
        legacy_data(Some(kept)),
        json!({
            "merchantName": "Frog",
            "cashbackPosCurrencyCode": "PLN",
            "cashbackPosAmount": 5000,
        }),
    );
    assert_eq!(legacy_data(Some(r#"{"cashbackPosAmount": "much"}"#)), json!([]));
    assert_eq!(legacy_data(Some("{}")), json!([]));
}

#[test]
fn the_historys_event_is_as_in_the_spec() {
    let at = Timestamp::from_second(1_665_557_034).expect("a time");
    let body = transaction_event(20, at).to_string();
    assert_eq!(body, r#"{"id":20,"timestamp":"1665557034"}"#);
}

/// The seeds' example.
fn one_time_password() -> Zeroizing<Vec<u8>> {
    otp(&OtpNotice {
        user: UserId(1337),
        card: CardId(1337),
        balance: BalanceId(uuid("b334b384-328c-11ed-a261-0242ac120002")),
        amount: 1000,
        currency: Currency::parse("PLN").expect("a currency"),
        merchant_name: "merchant test",
        otp: &Otp::parse("1111").expect("a password"),
    })
}

#[test]
fn the_notification_of_a_one_time_password_is_that_of_the_seeds() {
    let told: Value = serde_json::from_slice(&one_time_password()).expect("JSON");
    let expected = json!({
        "storageCustomerId": "1337",
        "storageCardId": "1337",
        "balanceId": "b334b384-328c-11ed-a261-0242ac120002",
        "amount": "1000",
        "currency": "PLN",
        "merchantName": "merchant test",
        "otp": "1111",
    });
    assert_eq!(told, expected);
    assert_eq!(path(Event::Otp), "/notifications/otp");
}

/// The names of a body, those of what lies within too.
fn names(of: &Value) -> Vec<String> {
    let Some(object) = of.as_object() else { return Vec::new() };
    let inner = |(name, value): (&String, &Value)| {
        let inner = names(value).into_iter().map(move |inner| format!("{name}.{inner}"));
        std::iter::once(name.clone()).chain(inner).collect::<Vec<_>>()
    };
    object.iter().flat_map(inner).collect()
}

#[test]
fn an_example_has_the_shape_of_what_is_told() {
    let date = at("2025-06-17T13:42:54Z");
    let codes = DescriptionCodes::Seeds;
    let verification = || {
        verification(&VerificationNotice {
            verification: "6faaa45a-41f6-4922-95fe-16e316ba7e91",
            user: UserId(1337),
            email: "leon@example.com",
            first_name: "Leon",
            last_name: "Bakiewicz",
            status: "ACCEPTED",
            reason: None,
        })
    };
    for &event in Event::ALL {
        let told = match event {
            Event::Otp => serde_json::from_slice(&one_time_password()).expect("JSON"),
            Event::CardLocked => card_locked(CardId(11), LockReason::PinTriesExceeded, date, codes),
            Event::CardUnlocked => card_unlocked(CardId(11), date),
            Event::CardExpiring => card_expiring(CardId(11), "2029-11-30"),
            Event::VerificationInProgress
            | Event::VerificationAccepted
            | Event::VerificationRejected => verification(),
            Event::TransactionalLockReasonAdded | Event::TransactionalLockReasonRemoved => {
                lock_reason(("user", "1337"), "FRAUD_SUSPECTED", date)
            }
            Event::Transaction => transaction(&notice(&order())),
            Event::TransactionEvent => transaction_event(1, date),
            // They book money, and are no notification.
            Event::Debit
            | Event::ForceDebit
            | Event::ForceCredit
            | Event::Reversal
            | Event::Clearing => Value::Null,
        };
        assert_eq!(names(&example(event)), names(&told), "{event}");
    }
}
