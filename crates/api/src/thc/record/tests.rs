//! The seeds' two full examples, from the transactions that give them.

use super::*;
use app::thc::{Contact, Known, Notes};
use domain::Date;
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, Usable};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, PartnerId, ProcessorId, TransactionId, UserId};
use domain::limits::Rules;
use domain::money::{Amount, Currency};
use domain::partner::DescriptionCodes;
use domain::program::{Audience, CardType, FxDifferenceTo, Port, Program, ProgramState, Scheme};
use domain::transaction::{
    Category, Description, Order, Place, Processing, Status, Transaction, TransactionType,
};
use serde_json::{Value, json};

const AUTHORIZED: &str = include_str!("authorized.json");
const REVERSED: &str = include_str!("reversed.json");

fn uuid(text: &str) -> Uuid {
    text.parse().expect("a UUID")
}

fn card() -> Card {
    Card {
        id: CardId(222),
        resource: uuid("59664b2b-8403-4205-a400-92283fa95ffe"),
        balance: BalanceId(uuid("16b53ddb-877c-4d6c-80c7-2d3750f24b65")),
        holder: UserId(111),
        corporation: None,
        config_id: "0019167984".to_owned(),
        card_type: CardType::Virtual,
        status: CardStatus::Usable(Usable::Active),
        last_four: "1234".to_owned(),
        expiry: Date::constant(2029, 11, 30),
        cvc_generation: 0,
        pin_version: 0,
        tries: Tries::default(),
        label: None,
        version: 0,
    }
}

fn program() -> Program {
    Program {
        partner: PartnerId(1),
        config_id: "0019167984".to_owned(),
        card_type: CardType::Virtual,
        digital_first: false,
        currency: Currency::EUR,
        scheme: Scheme::Mastercard,
        product: Product::Prepaid,
        audience: Audience::Consumer,
        processor: ProcessorId(1),
        bins: vec!["55577012".to_owned()],
        lifetime_months: 36,
        card_cap: 10,
        hold_days: 7,
        fx_difference_to: FxDifferenceTo::Company,
        state: ProgramState::Live,
        port: Port::Builtin,
        rules: Rules::default(),
        plastic: None,
        gift: None,
    }
}

/// The purchase of the seeds, as the ledger keeps it.
fn purchase() -> Transaction {
    let order = Order {
        balance: Some(BalanceId(uuid("16b53ddb-877c-4d6c-80c7-2d3750f24b65"))),
        card: Some(CardId(222)),
        processor: Some(ProcessorId(1)),
        network_id: "177482".to_owned(),
        network_date: "2023-01-01T10:10:54Z".parse().expect("a time"),
        reference_id: None,
        reference_date: None,
        kind: TransactionType::Pos,
        category: Category::Debit,
        amount: 2233,
        currency: Currency::EUR,
        original_amount: Some(76_000),
        original_currency: Some(Currency::parse("THB").expect("a currency")),
        conversion_rate: Some("34.053252272342".to_owned()),
        text: "Description".to_owned(),
        data: Some(
            json!({
                "mcc": "4121",
                "merchantIdentifier": "12345678",
                "captureMode": "ECOM",
                "lastFourDigits": "1234",
                "acquirerCountry": "THA",
            })
            .to_string(),
        ),
        mcc: Some("4121".to_owned()),
        retrieval_reference: Some("443322110088".to_owned()),
        place: Place::default(),
    };
    let id = TransactionId(uuid("24cbc777-de3f-42e2-b772-7d5427dc616e"));
    let now = "2023-01-01T10:10:57Z".parse().expect("a time");
    let (status, done) = (Status::Authorized, Processing::Success);
    Transaction {
        number: 81_111_111,
        held: Amount::from_minor(2233).expect("an amount"),
        balance_before: Some(22_233),
        balance_after: Some(20_000),
        ..Transaction::turned_away(id, order, status, done, Description::Approved, now)
    }
}

fn contact() -> Contact {
    Contact {
        email: "example@example.com".to_owned(),
        first_name: "Ada".to_owned(),
        last_name: "Nowak".to_owned(),
        phone: "+48111222333".to_owned(),
        external_id: None,
    }
}

fn record(transaction: &Transaction, reversal: Option<&str>) -> HistoryRecord {
    let (card, program, contact) = (card(), program(), contact());
    let known = Known {
        card: Some(&card),
        program: Some(&program),
        user: Some(UserId(111)),
        contact: Some(&contact),
        reversal,
        ..Known::default()
    };
    HistoryRecord::of(transaction, &known)
}

/// What a purchase cost beside its amount isn't the ledger's to know: the seeds' 22 are put in.
fn shown(record: &HistoryRecord) -> String {
    let record = HistoryRecord { commission: Some(22), ..record.clone() };
    serde_json::to_string(&RecordJson::from(&record)).expect("can be written")
}

#[test]
fn a_purchase_is_told_as_in_the_seeds() {
    assert_eq!(shown(&record(&purchase(), None)), AUTHORIZED.trim_end());
}

#[test]
fn its_reversal_is_told_as_in_the_seeds() {
    let reversed =
        Transaction { status: Status::Reversed, held: Amount::ZERO, version: 1, ..purchase() };
    assert_eq!(shown(&record(&reversed, Some("2678823"))), REVERSED.trim_end());
}

#[test]
fn what_isnt_reversed_keeps_its_own_name() {
    let expired =
        Transaction { status: Status::Reversed, held: Amount::ZERO, version: 1, ..purchase() };
    let name = |record: HistoryRecord| record.merchant.transaction_id;
    assert_eq!(name(record(&expired, None)).as_deref(), Some("177482"));
    assert_eq!(name(record(&purchase(), Some("2678823"))).as_deref(), Some("177482"));
}

/// The fields that a transaction sets otherwise than the seeds' examples.
#[test]
fn what_is_known_is_told() {
    let whole = |transaction: &Transaction| -> Value {
        serde_json::to_value(RecordJson::from(&record(transaction, None))).expect("JSON")
    };
    let mut cleared = purchase();
    (cleared.status, cleared.held) = (Status::Cleared, Amount::ZERO);
    cleared.cleared = Amount::from_minor(2500).expect("an amount");
    cleared.changed_at = "2023-01-03T00:00:00.25Z".parse().expect("a time");
    let told = whole(&cleared);
    assert_eq!((&told["status"], &told["amountMinor"]), (&json!("CLEARED"), &json!(2500)));
    assert_eq!(told["clearingTimestamp"], "2023-01-03T00:00:00Z");

    let mut declined = purchase();
    (declined.processing, declined.held) = (Processing::Declined, Amount::ZERO);
    declined.description = Description::InsufficientFunds;
    let told = whole(&declined);
    assert_eq!((&told["status"], &told["amountMinor"]), (&json!("DECLINED"), &json!(2233)));
    assert_eq!(told["issuerResponseInformation"], "INSUFFICIENT_FUNDS");

    let mut refund = purchase();
    refund.order.category = Category::Credit;
    let told = whole(&refund);
    assert_eq!((&told["type"], &told["amountMinor"]), (&json!("REFUND"), &json!(-2233)));
    assert_eq!(told["originalAmountMinor"], -76_000);

    let mut token = purchase();
    token.order.data = Some(
        json!({
            "captureMode": "NFC",
            "merchantName": "Book store",
            "lastFourDpan": "9876",
            "mdesDigitizedWalletId": "103",
        })
        .to_string(),
    );
    let told = whole(&token);
    assert_eq!(told["transactionChannel"], "CONTACTLESS");
    assert_eq!(told["merchantName"], "Book store");
    assert_eq!(told["contrahent"]["name"], "Book store");
    assert_eq!(told["description"], "Description");
    assert_eq!(told["paymentTokenLastFourDigits"], "9876");
    assert_eq!(told["walletReference"], "103");

    let mut inner = purchase();
    (inner.order.kind, inner.order.processor) = (TransactionType::Withdrawal, None);
    (inner.order.data, inner.order.card) = (None, None);
    let told = whole(&inner);
    assert_eq!((&told["type"], &told["transactionChannel"]), (&json!("WITHDRAWAL"), &Value::Null));
    assert_eq!((&told["merchantName"], &told["contrahent"]["name"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_partners_words_and_codes_are_told() {
    let mut declined = purchase();
    declined.processing = Processing::Declined;
    declined.description = Description::CardLocked;
    let notes = Notes {
        comment: Some("Lunch".to_owned()),
        labels: vec!["food".to_owned()],
        user: Some("u-1".to_owned()),
        card: Some("c-1".to_owned()),
        device: Some("d-1".to_owned()),
    };
    for (codes, code) in
        [(DescriptionCodes::Seeds, "UNKNOWN_ERROR"), (DescriptionCodes::Extended, "CARD_LOCKED")]
    {
        let known = Known { notes: Some(&notes), codes: Some(codes), ..Known::default() };
        let told = RecordJson::from(&HistoryRecord::of(&declined, &known));
        let told = serde_json::to_value(told).expect("JSON");
        assert_eq!(told["issuerResponseInformation"], code);
        for (name, value) in [
            ("comment", json!("Lunch")),
            ("labels", json!(["food"])),
            ("userExternalId", json!("u-1")),
            ("externalCardId", json!("c-1")),
            ("externalDeviceId", json!("d-1")),
            ("userPhone", Value::Null),
            ("userEmail", Value::Null),
            ("cardLastFourDigits", Value::Null),
            ("cardBin", Value::Null),
            ("area", Value::Null),
        ] {
            assert_eq!(told[name], value, "{name}");
        }
    }
}

#[test]
fn a_rate_is_a_json_number() {
    for (text, number) in [
        ("34.053252272342", "34.053252272342"),
        ("4", "4"),
        ("0.2314", "0.2314"),
        ("999999999999.99", "999999999999.99"),
        ("0.000000000001", "1e-12"),
    ] {
        let told = json_number(text).map(|number| number.to_string());
        assert_eq!(told.as_deref(), Some(number), "{text}");
    }
}
