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

/// The card's transactions in the seeds' table of "Transaction processing status": it has one id
/// for all, and one time.
fn of_table(network_id: &str, kind: TransactionType) -> Order {
    let date = at("2023-01-01T06:01:39Z");
    Order {
        balance: Some(BalanceId(uuid(TABLE_ID))),
        card: Some(CardId(100)),
        network_id: network_id.to_owned(),
        network_date: date,
        kind,
        currency: Currency::EUR,
        original_amount: None,
        original_currency: None,
        text: "Description".to_owned(),
        data: None,
        ..order()
    }
}

/// The seeds' text lacks the first digit.
const TABLE_ID: &str = "079c353a-1421-46ca-8d74-c5dca67942fe";

/// What is told of one of them.
fn told_of_table(
    order: &Order,
    (processing, description, status): (Processing, Description, Status),
) -> Value {
    transaction(&TransactionNotice {
        processing,
        processed_at: at("2023-01-01T06:01:39Z"),
        description,
        transaction: TransactionId(uuid(TABLE_ID)),
        resource: Resource::card(uuid(TABLE_ID)),
        status,
        ..notice(order)
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The seeds' `POL` in place of a currency is a country, and their `Description` in place of a code
/// says that any may stand there.
#[test]
fn a_success_is_that_of_the_seeds_table() {
    let order = Order {
        amount: 300,
        original_amount: Some(1000),
        original_currency: Some(Currency::PLN),
        data: Some(
            r#"{"mcc": "5816", "merchantIdentifier": "7498274892", "captureMode": "ECOM",
                "lastFourDigits": "1000", "acquirerCountry": "POL"}"#
                .to_owned(),
        ),
        ..of_table("478927492", TransactionType::Pos)
    };
    let expected = r#"{"status":"SUCCESS","date":"2023-01-01T06:01:39+00:00",
        "description":"APPROVED","transaction":{"id":"079c353a-1421-46ca-8d74-c5dca67942fe",
        "balanceId":"079c353a-1421-46ca-8d74-c5dca67942fe",
        "resourceId":"079c353a-1421-46ca-8d74-c5dca67942fe","resource":"card","cardId":"100",
        "externalTransactionId":"478927492","referenceExternalTransactionId":null,"type":"POS",
        "category":"DEBIT","amount":300,"currency":"EUR","originalAmount":1000,
        "originalCurrency":"PLN","status":"AUTHORIZED","description":"Description",
        "date":"2023-01-01T06:01:39+00:00","referenceExternalTransactionDate":null,
        "transactionData":{"mcc":"5816","merchantIdentifier":"7498274892","captureMode":"ECOM",
        "lastFourDigits":"1000","acquirerCountry":"POL"}}}"#;
    let came = (Processing::Success, Description::Approved, Status::Authorized);
    assert_eq!(told_of_table(&order, came), parsed(expected));
}

/// The merchant's identifier ends with the blank that the network sends.
#[test]
fn a_decline_is_that_of_the_seeds_table() {
    let order = Order {
        amount: 70_000,
        original_amount: Some(70_000),
        original_currency: Some(Currency::EUR),
        data: Some(
            r#"{"mcc": "2312", "merchantIdentifier": "000000136 ", "captureMode": "ECOM",
                "lastFourDigits": "1000", "acquirerCountry": "POL"}"#
                .to_owned(),
        ),
        ..of_table("74892729", TransactionType::Pos)
    };
    let expected = r#"{"status":"DECLINED","date":"2023-01-01T06:01:39+00:00",
        "description":"INSUFFICIENT_FUNDS","transaction":{
        "id":"079c353a-1421-46ca-8d74-c5dca67942fe",
        "balanceId":"079c353a-1421-46ca-8d74-c5dca67942fe",
        "resourceId":"079c353a-1421-46ca-8d74-c5dca67942fe","resource":"card","cardId":"100",
        "externalTransactionId":"74892729","referenceExternalTransactionId":null,"type":"POS",
        "category":"DEBIT","amount":70000,"currency":"EUR","originalAmount":70000,
        "originalCurrency":"EUR","status":"AUTHORIZED","description":"Description",
        "date":"2023-01-01T06:01:39+00:00","referenceExternalTransactionDate":null,
        "transactionData":{"mcc":"2312","merchantIdentifier":"000000136 ","captureMode":"ECOM",
        "lastFourDigits":"1000","acquirerCountry":"POL"}}}"#;
    let came = (Processing::Declined, Description::InsufficientFunds, Status::Authorized);
    assert_eq!(told_of_table(&order, came), parsed(expected));
}

#[test]
fn what_is_invalid_is_that_of_the_seeds_table() {
    let order = Order {
        reference_id: Some("783197893".to_owned()),
        reference_date: Some(at("2023-01-01T06:01:39Z")),
        category: Category::Credit,
        amount: 800,
        ..of_table("78391719", TransactionType::Adjustment)
    };
    let expected = r#"{"status":"INVALID","date":"2023-01-01T06:01:39+00:00",
        "description":"REFERENCED_TRANSACTION_NOT_FOUND","transaction":{
        "id":"079c353a-1421-46ca-8d74-c5dca67942fe",
        "balanceId":"079c353a-1421-46ca-8d74-c5dca67942fe",
        "resourceId":"079c353a-1421-46ca-8d74-c5dca67942fe","resource":"card","cardId":"100",
        "externalTransactionId":"78391719","referenceExternalTransactionId":"783197893",
        "type":"Adjustment","category":"CREDIT","amount":800,"currency":"EUR",
        "originalAmount":null,"originalCurrency":null,"status":"REVERSED",
        "description":"Description","date":"2023-01-01T06:01:39+00:00",
        "referenceExternalTransactionDate":"2023-01-01T06:01:39+00:00","transactionData":[]}}"#;
    let why = Description::ReferencedTransactionNotFound;
    let came = (Processing::Invalid, why, Status::Reversed);
    assert_eq!(told_of_table(&order, came), parsed(expected));
}

/// The seeds' "Adjustments": a data object without the acquirer's country.
#[test]
fn an_adjustment_is_that_of_the_seeds() {
    let id = "e79c353a-1421-46ca-8d74-c5dca67942fe";
    let order = Order {
        balance: Some(BalanceId(uuid(id))),
        card: Some(CardId(22)),
        reference_id: Some("7489279234".to_owned()),
        reference_date: Some(at("2023-01-01T06:01:39Z")),
        category: Category::Credit,
        amount: 100,
        original_amount: Some(25_000),
        original_currency: Some(Currency::PLN),
        text: "*".repeat(57),
        data: Some(
            r#"{"mcc": "9311", "merchantIdentifier": "7489274", "captureMode": "ADJ",
                "lastFourDigits": "1000"}"#
                .to_owned(),
        ),
        ..of_table("928562957345", TransactionType::Adjustment)
    };
    let expected = r#"{"status":"SUCCESS","date":"2023-01-01T06:01:39+00:00",
        "description":"APPROVED","transaction":{"id":"e79c353a-1421-46ca-8d74-c5dca67942fe",
        "balanceId":"e79c353a-1421-46ca-8d74-c5dca67942fe",
        "resourceId":"e79c353a-1421-46ca-8d74-c5dca67942fe","resource":"card","cardId":"22",
        "externalTransactionId":"928562957345","referenceExternalTransactionId":"7489279234",
        "type":"Adjustment","category":"CREDIT","amount":100,"currency":"EUR",
        "originalAmount":25000,"originalCurrency":"PLN","status":"AUTHORIZED",
        "description":"*********************************************************",
        "date":"2023-01-01T06:01:39+00:00",
        "referenceExternalTransactionDate":"2023-01-01T06:01:39+00:00",
        "transactionData":{"mcc":"9311","merchantIdentifier":"7489274","captureMode":"ADJ",
        "lastFourDigits":"1000"}}}"#;
    let told = transaction(&TransactionNotice {
        processed_at: at("2023-01-01T06:01:39Z"),
        transaction: TransactionId(uuid(id)),
        resource: Resource::card(uuid(id)),
        ..notice(&order)
    });
    assert_eq!(told, parsed(expected));
}

/// The seeds' "Reversal": a debit, and the reversal that follows.
#[test]
fn a_debit_and_its_reversal_are_those_of_the_seeds() {
    let debit = Order {
        balance: Some(BalanceId(uuid("16b53ddb-877c-4d6c-80c7-2d3750f24b65"))),
        card: Some(CardId(222)),
        network_id: "177482".to_owned(),
        network_date: at("2023-01-01T10:10:54Z"),
        amount: 2233,
        currency: Currency::EUR,
        original_amount: Some(76_000),
        original_currency: Some(Currency::parse("THB").expect("a currency")),
        text: "Description".to_owned(),
        data: Some(
            r#"{"mcc": "4121", "merchantIdentifier": "12345678", "captureMode": "ECOM",
                "lastFourDigits": "1234", "acquirerCountry": "THA",
                "retrievalReferenceNumber": "443322110088"}"#
                .to_owned(),
        ),
        ..order()
    };
    let reversal = Order {
        network_id: "2678823".to_owned(),
        network_date: at("2023-01-01T13:43:30Z"),
        reference_id: Some("177482".to_owned()),
        reference_date: Some(at("2023-01-01T10:10:54Z")),
        kind: TransactionType::Adjustment,
        category: Category::Credit,
        original_amount: None,
        original_currency: None,
        data: None,
        ..debit.clone()
    };
    let told = |order: &Order, processed_at, status| {
        transaction(&TransactionNotice {
            processed_at: at(processed_at),
            transaction: TransactionId(uuid("24cbc777-de3f-42e2-b772-7d5427dc616e")),
            resource: Resource::card(uuid("59664b2b-8403-4205-a400-92283fa95ffe")),
            status,
            ..notice(order)
        })
    };
    let debited = told(&debit, "2023-01-01T10:10:57Z", Status::Authorized);
    assert_eq!(debited, parsed(SEEDS_DEBIT));
    let reversed = told(&reversal, "2023-01-01T11:50:10Z", Status::Reversed);
    assert_eq!(reversed, parsed(SEEDS_REVERSAL));
}

const SEEDS_DEBIT: &str = r#"{"status":"SUCCESS","date":"2023-01-01T10:10:57+00:00",
    "description":"APPROVED","transaction":{"id":"24cbc777-de3f-42e2-b772-7d5427dc616e",
    "balanceId":"16b53ddb-877c-4d6c-80c7-2d3750f24b65",
    "resourceId":"59664b2b-8403-4205-a400-92283fa95ffe","resource":"card","cardId":"222",
    "externalTransactionId":"177482","referenceExternalTransactionId":null,"type":"POS",
    "category":"DEBIT","amount":2233,"currency":"EUR","originalAmount":76000,
    "originalCurrency":"THB","status":"AUTHORIZED","description":"Description",
    "date":"2023-01-01T10:10:54+00:00","referenceExternalTransactionDate":null,
    "transactionData":{"mcc":"4121","merchantIdentifier":"12345678","captureMode":"ECOM",
    "lastFourDigits":"1234","acquirerCountry":"THA"}}}"#;
const SEEDS_REVERSAL: &str = r#"{"status":"SUCCESS","date":"2023-01-01T11:50:10+00:00",
    "description":"APPROVED","transaction":{"id":"24cbc777-de3f-42e2-b772-7d5427dc616e",
    "balanceId":"16b53ddb-877c-4d6c-80c7-2d3750f24b65",
    "resourceId":"59664b2b-8403-4205-a400-92283fa95ffe","resource":"card","cardId":"222",
    "externalTransactionId":"2678823","referenceExternalTransactionId":"177482",
    "type":"Adjustment","category":"CREDIT","amount":2233,"currency":"EUR",
    "originalAmount":null,"originalCurrency":null,"status":"REVERSED",
    "description":"Description","date":"2023-01-01T13:43:30+00:00",
    "referenceExternalTransactionDate":"2023-01-01T10:10:54+00:00","transactionData":[]}}"#;

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
            email: Some("leonbakiewicz@gmail.com"),
            first_name: Some("Leon"),
            last_name: Some("Bakiewicz"),
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
            email: Some("leon@example.com"),
            first_name: Some("Leon"),
            last_name: Some("Bakiewicz"),
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
