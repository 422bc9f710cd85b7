//! Each body against the seeds' examples ("Transactions Flow", the column "External Balance").

use super::*;
use crate::client::Method;
use domain::Timestamp;
use domain::ids::BalanceId;
use domain::notification::Event;
use domain::transaction::Place;
use std::time::Duration;
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn uuid(text: &str) -> Uuid {
    text.parse().expect(text)
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

/// The purchase of the seeds' example.
fn purchase() -> Order {
    Order {
        balance: Some(BalanceId(uuid("16b53ddb-877c-4d6c-80c7-2d3750f24b65"))),
        card: Some(CardId(222)),
        processor: None,
        network_id: "177482".to_owned(),
        network_date: at("2023-01-01T10:10:54Z"),
        reference_id: None,
        reference_date: None,
        kind: TransactionType::Pos,
        category: Category::Debit,
        amount: 2233,
        currency: currency("EUR"),
        original_amount: Some(76_000),
        original_currency: Some(currency("THB")),
        conversion_rate: None,
        text: "Description".to_owned(),
        data: Some(
            r#"{"mcc": "4121", "merchantIdentifier": "12345678", "captureMode": "ECOM",
                "lastFourDigits": "1234", "acquirerCountry": "THA", "cashbackPosAmount": "0",
                "retrievalReferenceNumber": "443322110088"}"#
                .to_owned(),
        ),
        mcc: Some("4121".to_owned()),
        retrieval_reference: Some("443322110088".to_owned()),
        place: Place::default(),
    }
}

fn subject(order: &Order, status: Status) -> Subject<'_> {
    Subject {
        id: TransactionId(uuid("24cbc777-de3f-42e2-b772-7d5427dc616e")),
        order,
        resource: Resource::card(uuid("59664b2b-8403-4205-a400-92283fa95ffe")),
        status,
    }
}

/// `cashbackPosAmount` is a text in this example and an integer in the object's own one and in its
/// table: the spec takes the integer.
#[test]
fn a_debit_is_that_of_the_seeds() {
    let expected: Value = serde_json::from_str(
        r#"{
                "id": "24cbc777-de3f-42e2-b772-7d5427dc616e",
                "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65",
                "resourceId": "59664b2b-8403-4205-a400-92283fa95ffe",
                "resource": "card",
                "transactionId": "177482",
                "referenceTransactionId": null,
                "type": "pos",
                "amount": 2233,
                "currency": "EUR",
                "originalAmount": 76000,
                "originalCurrency": "THB",
                "status": "AUTHORIZED",
                "description": "Description",
                "date": "2023-01-01T10:10:54+00:00",
                "transactionData": {
                    "mcc": "4121",
                    "merchantIdentifier": "12345678",
                    "merchantName": null,
                    "captureMode": "ECOM",
                    "cardId": "222",
                    "lastFourDigits": "1234",
                    "acquirerCountry": "THA",
                    "mdesDigitizedWalletId": null,
                    "cashbackPosCurrencyCode": null,
                    "cashbackPosAmount": 0,
                    "lastFourDpan": null,
                    "adjustmentReasonDescription": null,
                    "retrievalReferenceNumber": "443322110088"
                }
            }"#,
    )
    .expect("JSON");
    assert_eq!(object(&subject(&purchase(), Status::Authorized)), expected);
}

/// A transaction's object as the seeds' own example of it has each key, with what is another in
/// this one.
fn example(changed: &[(&str, Value)]) -> Value {
    let text = r#"{
        "id": "24cbc777-de3f-42e2-b772-7d5427dc616e",
        "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65",
        "resourceId": "59664b2b-8403-4205-a400-92283fa95ffe",
        "resource": "card",
        "transactionId": "2678823",
        "referenceTransactionId": null,
        "type": "adjustment",
        "amount": 2233,
        "currency": "EUR",
        "originalAmount": 76000,
        "originalCurrency": "THB",
        "status": "AUTHORIZED",
        "description": "Description",
        "date": "2023-01-01T13:43:30+00:00",
        "transactionData": {
            "mcc": "4121",
            "merchantIdentifier": "12345678",
            "merchantName": null,
            "captureMode": "ECOM",
            "cardId": "222",
            "lastFourDigits": "1234",
            "acquirerCountry": "THA",
            "mdesDigitizedWalletId": null,
            "cashbackPosCurrencyCode": null,
            "cashbackPosAmount": 0,
            "lastFourDpan": null,
            "adjustmentReasonDescription": null,
            "retrievalReferenceNumber": "443322110088"
        }
    }"#;
    let mut expected: Value = serde_json::from_str(text).expect("JSON");
    for (key, value) in changed {
        let found = match key.split_once('.') {
            Some((outer, key)) => &mut expected[outer][key],
            None => &mut expected[*key],
        };
        *found = value.clone();
    }
    expected
}

/// A later message about the purchase's card.
fn later() -> Order {
    Order {
        network_id: "2678823".to_owned(),
        network_date: at("2023-01-01T13:43:30Z"),
        ..purchase()
    }
}

fn address_of(event: Event, body: &Value) -> (Method, String) {
    crate::notifications::address(event, body.to_string().as_bytes())
}

/// "Credit transaction": the network gives, and says why.
#[test]
fn a_credit_is_an_adjustment_that_tells_its_reason() {
    for (kind, reason) in [
        (TransactionType::Pos, "REFUND"),
        (TransactionType::Adjustment, "MONEY_SEND"),
        (TransactionType::Adjustment, "CHARGEBACK"),
    ] {
        let data = later().data.expect("there is some");
        let mut data: Value = serde_json::from_str(&data).expect("JSON");
        data["adjustmentReasonDescription"] = json!(reason);
        let order =
            Order { kind, category: Category::Credit, data: Some(data.to_string()), ..later() };
        let told = object(&subject(&order, Status::Authorized));
        let reason = ("transactionData.adjustmentReasonDescription", json!(reason));
        assert_eq!(told, example(&[reason]));
    }
}

/// "Force debit transaction": it has happened, on its own or about an earlier one.
#[test]
fn a_force_debit_has_its_own_id_and_a_reference_where_one_is_known() {
    let alone = object(&subject(&later(), Status::Cleared));
    let changed = [("type", json!("pos")), ("status", json!("CLEARED"))];
    assert_eq!(alone, example(&changed));
    let path = "/transactions/force-debit".to_owned();
    assert_eq!(address_of(Event::ForceDebit, &alone), (Method::Post, path));
    // A clearing for more than is held: the difference alone.
    let more = Order {
        kind: TransactionType::Adjustment,
        amount: 267,
        reference_id: Some("177482".to_owned()),
        ..later()
    };
    let told = object(&subject(&more, Status::Cleared));
    let reference = ("referenceTransactionId", json!("177482"));
    assert_eq!(told, example(&[("status", json!("CLEARED")), ("amount", json!(267)), reference]));
}

/// "Force credit" of a part that the network gives back before it is cleared.
#[test]
fn a_part_taken_back_has_its_own_id_and_the_part_alone() {
    let part = Order {
        kind: TransactionType::Adjustment,
        category: Category::Credit,
        amount: 1_000,
        reference_id: Some("177482".to_owned()),
        original_amount: None,
        original_currency: None,
        ..later()
    };
    let told = object(&subject(&part, Status::Authorized));
    let path = "/transactions/force-credit".to_owned();
    assert_eq!(address_of(Event::ForceCredit, &told), (Method::Post, path));
    assert_eq!(
        told,
        example(&[
            ("amount", json!(1_000)),
            ("referenceTransactionId", json!("177482")),
            ("originalAmount", Value::Null),
            ("originalCurrency", Value::Null),
        ])
    );
}

/// An increment is a debit of the increase, which names the one that it raises.
#[test]
fn an_increment_is_a_debit_with_a_reference() {
    let more = Order { amount: 500, reference_id: Some("177482".to_owned()), ..later() };
    let told = object(&subject(&more, Status::Authorized));
    let path = "/transactions/debit".to_owned();
    assert_eq!(address_of(Event::Debit, &told), (Method::Post, path));
    assert_eq!(
        told,
        example(&[
            ("type", json!("pos")),
            ("amount", json!(500)),
            ("referenceTransactionId", json!("177482")),
        ])
    );
}

#[test]
fn a_reversal_by_the_network_is_that_of_the_seeds() {
    let expected: Value = serde_json::from_str(
        r#"{
                "id": "24cbc777-de3f-42e2-b772-7d5427dc616e",
                "balanceId": "16b53ddb-877c-4d6c-80c7-2d3750f24b65",
                "resourceId": "59664b2b-8403-4205-a400-92283fa95ffe",
                "resource": "card",
                "transactionId": "2678823",
                "referenceTransactionId": "177482",
                "type": "adjustment",
                "amount": 2233,
                "currency": "EUR",
                "originalAmount": null,
                "originalCurrency": null,
                "status": "REVERSED",
                "description": "Description",
                "date": "2023-01-01T13:43:30+00:00",
                "transactionData": {
                    "mcc": null,
                    "merchantIdentifier": null,
                    "merchantName": null,
                    "captureMode": null,
                    "cardId": "222",
                    "lastFourDigits": null,
                    "acquirerCountry": null,
                    "mdesDigitizedWalletId": null,
                    "cashbackPosCurrencyCode": null,
                    "cashbackPosAmount": null,
                    "lastFourDpan": null,
                    "adjustmentReasonDescription": null,
                    "retrievalReferenceNumber": null
                }
            }"#,
    )
    .expect("JSON");
    let order = Order {
        network_id: "2678823".to_owned(),
        network_date: at("2023-01-01T13:43:30Z"),
        reference_id: Some("177482".to_owned()),
        kind: TransactionType::Adjustment,
        category: Category::Credit,
        original_amount: None,
        original_currency: None,
        data: None,
        ..purchase()
    };
    assert_eq!(object(&subject(&order, Status::Reversed)), expected);
}

/// The seeds' page "External Balance", "Update transaction status": the network's id in the path,
/// the object that was asked about with status and amount as they are in the end.
#[test]
fn the_last_clearing_is_put_under_the_networks_id() {
    let order = Order { amount: 2_300, ..purchase() };
    let cleared = object(&subject(&order, Status::Cleared));
    let mut expected = object(&subject(&purchase(), Status::Authorized));
    expected["amount"] = json!(2_300);
    expected["status"] = json!("CLEARED");
    assert_eq!(cleared, expected);
    let body = cleared.to_string();
    let address = crate::notifications::address(Event::Clearing, body.as_bytes());
    assert_eq!(address, (Method::Put, "/transactions/177482".to_owned()));
    for (id, segment) in [
        ("b759931c-3291-11ed", "b759931c-3291-11ed"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("../debit", "..%2Fdebit"),
        ("Łódź", "%C5%81%C3%B3d%C5%BA"),
        ("a.b_c~d", "a.b_c~d"),
    ] {
        assert_eq!(path_of(id), format!("/transactions/{segment}"));
        let url = reqwest::Url::parse(&format!("https://a.test/base{}", path_of(id)));
        assert_eq!(url.expect("a URL").path(), format!("/base/transactions/{segment}"));
    }
}

/// An internal transaction: paid by the balance itself, under the caller's id, and no card's data.
#[test]
fn an_internal_transaction_is_the_balances_own() {
    let balance = BalanceId(uuid("16b53ddb-877c-4d6c-80c7-2d3750f24b65"));
    let order = Order {
        card: None,
        kind: TransactionType::TopUp,
        category: Category::Credit,
        original_amount: None,
        original_currency: None,
        network_id: "top-up-1".to_owned(),
        data: None,
        ..purchase()
    };
    let resource = Resource::balance(balance, None);
    let asked = object(&Subject { resource, ..subject(&order, Status::Authorized) });
    assert_eq!(asked["resource"], "balance");
    assert_eq!(asked["resourceId"], json!(balance.0));
    assert_eq!((&asked["type"], &asked["transactionId"]), (&json!("topup"), &json!("top-up-1")));
    let data = asked["transactionData"].as_object().expect("an object");
    assert_eq!(data.len(), DATA_KEYS.len() + 1);
    assert!(data.values().all(Value::is_null), "{data:?}");
}

#[test]
fn only_the_contracts_own_title_says_that_a_transaction_is_unknown() {
    let answer = |status, title: &str| Answer {
        status,
        body: json!({ "title": title }).to_string().into_bytes(),
        is_problem_json: true,
        retry_after: None,
    };
    for (status, title, expected) in [
        (404, "TRANSACTION_NOT_FOUND", true),
        (404, "NOT_FOUND", false),
        (404, "", false),
        (422, "TRANSACTION_NOT_FOUND", false),
        (204, "TRANSACTION_NOT_FOUND", false),
    ] {
        assert_eq!(is_unknown(&answer(status, title)), expected, "{status} {title}");
    }
}

/// The object's own example of both pages, as far as a transaction is in it.
#[test]
fn every_key_of_the_data_is_told() {
    let data = data(
        Some(
            r#"{"mcc": "5942", "merchantIdentifier": "003060300000005",
                "merchantName": "Book store",
                "captureMode": "NFC", "lastFourDigits": "4560", "acquirerCountry": "POL",
                "mdesDigitizedWalletId": "Google Pay", "cashbackPosCurrencyCode": "PLN",
                "cashbackPosAmount": "10000", "lastFourDpan": "7890",
                "adjustmentReasonDescription": "REFUND",
                "retrievalReferenceNumber": "749248185012", "other": "not told"}"#,
        ),
        Some(CardId(6_876_783)),
    );
    let expected = json!({
        "mcc": "5942",
        "merchantIdentifier": "003060300000005",
        "merchantName": "Book store",
        "captureMode": "NFC",
        "lastFourDigits": "4560",
        "acquirerCountry": "POL",
        "mdesDigitizedWalletId": "Google Pay",
        "cashbackPosCurrencyCode": "PLN",
        "cashbackPosAmount": 10000,
        "lastFourDpan": "7890",
        "adjustmentReasonDescription": "REFUND",
        "retrievalReferenceNumber": "749248185012",
        "cardId": "6876783",
    });
    assert_eq!(data, expected);
}

#[test]
fn types_are_the_words_of_the_seeds() {
    let words = "pos atm cashback_at_pos aft adjustment topup payment loan cashback fee commission \
                 funding interest withdrawal creditIbanTransfer";
    let told = |of: TransactionType, category| kind(&Order { kind: of, category, ..purchase() });
    for word in words.split_whitespace() {
        let kinds = TransactionType::ALL.iter().filter(|it| told(**it, Category::Debit) == word);
        assert_eq!(kinds.count(), 1, "{word}");
    }
    for given in [TransactionType::Pos, TransactionType::Atm, TransactionType::Adjustment] {
        assert_eq!(told(given, Category::Credit), "adjustment");
    }
    assert_eq!(told(TransactionType::TopUp, Category::Credit), "topup");
}

#[test]
fn an_answer_agrees_refuses_or_says_nothing() {
    use Description as D;
    let answer = |status, body: &str| {
        Ok(Answer {
            status,
            body: body.as_bytes().to_vec(),
            is_problem_json: false,
            retry_after: Some(Duration::ZERO),
        })
    };
    let titled = |status, title: &str| answer(status, &json!({ "title": title }).to_string());
    for (given, means) in [
        (answer(204, ""), Says::Agrees),
        // 204 alone is in the contract: a success of another kind is somebody else's page.
        (answer(200, "{}"), Says::Unclear),
        (answer(200, ""), Says::Unclear),
        (answer(200, "rubbish"), Says::Unclear),
        (answer(201, ""), Says::Unclear),
        (answer(202, ""), Says::Unclear),
        (titled(422, "INSUFFICIENT_FUNDS"), Says::Refuses(D::InsufficientFunds)),
        (titled(422, "LIMITS_EXCEEDED"), Says::Refuses(D::LimitsExceeded)),
        (titled(422, "FRAUDS_DETECTED"), Says::Refuses(D::FraudsDetected)),
        (titled(404, "BALANCE_NOT_FOUND"), Says::Refuses(D::BalanceNotFound)),
        (titled(409, "CLIENT_ERROR"), Says::Refuses(D::ClientError)),
        // What isn't in the contract may come from anybody between us, after the partner booked.
        (titled(404, "NOT_FOUND"), Says::Unclear),
        (titled(200, "INSUFFICIENT_FUNDS"), Says::Unclear),
        (answer(422, "rubbish"), Says::Unclear),
        (answer(404, ""), Says::Unclear),
        (answer(301, ""), Says::Unclear),
        (answer(500, ""), Says::Unclear),
        (Err(CallError::Timeout), Says::Unclear),
        (Err(CallError::Broken), Says::Unclear),
        (Err(CallError::TooLarge), Says::Unclear),
        (Err(CallError::Tls), Says::Unclear),
        (Err(CallError::Connect), Says::NotAsked),
        (Err(CallError::Forbidden), Says::NotAsked),
    ] {
        assert_eq!(says(&given), means, "{given:?}");
    }
}
