//! Messages of issuing processors: authorize, reverse, clear (spec "The JSON processor channel").
//!
//! A decline is a 200: the message was understood. A 4xx is for messages that weren't.

mod authorize;
mod clear;
mod otp;
mod reverse;
mod secrets;
mod stop;

pub(crate) use authorize::authorize;
pub(crate) use clear::clear;
pub(crate) use otp::otp;
pub(crate) use reverse::reverse;
pub(crate) use stop::stop;

use crate::answer::Named;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{
    Fields, Reader, currency, integer, minor_units, parsed, reader, schema, text, timestamp,
};
use app::processor::Message;
use app::processor::{CardName, Details, Envelope};
use domain::ids::{CardId, ProcessorId};
use domain::ledger::matching::Reference;
use domain::masking::{Own, mask};
use domain::secret::Pan;
use domain::transaction::{CaptureMode, DATA_KEYS, Description, Place, Processing, Status};
use domain::user::Country;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{SchemaType, Type};
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Messages";

/// What the examples of all messages say.
fn example() -> Value {
    json!({
        "card": { "cardId": 1 },
        "amount": 1250,
        "currency": "EUR",
        "transactionId": "1234567890",
        "transactionDate": "2026-11-21T10:00:00+00:00",
        "description": "Book store",
        "transactionData": { "mcc": "5942", "merchantName": "Book store" },
    })
}

/// Who sends a message, about which card.
fn envelope(call: &Call, card: CardName) -> Result<Envelope, Problem> {
    Ok(Envelope {
        processor: call.processor()?,
        card,
        key: call.key().unwrap_or_default(),
        fingerprint: call.fingerprint,
        request_id: call.request_id.clone(),
        received: call.received,
    })
}

/// What names a message is kept and compared as it is, so it can't be masked.
const NAMES: [&str; 2] = ["transactionId", "referenceTransactionId"];

/// No name of a message may hold the number of the card that it is about.
fn names(fields: &mut Fields<'_>, call: &Call, own: Own<'_>) {
    let message = "must not hold the card number";
    for name in NAMES {
        let unnamed = |value: &Value| match value.as_str() {
            Some(text) if own.is_in(text) => Err(message),
            // A partner is told of it in a path, where these mean something else however written.
            Some("." | "..") => Err("must be more than dots"),
            Some(_) | None => Ok(()),
        };
        fields.check(name, unnamed);
    }
    if call.key().is_some_and(|key| own.is_in(&key)) {
        fields.wrong("X-Idempotency-Key", message);
    }
}

/// The number of the card that a message is about, if it told it.
fn own(card: Option<&CardName>) -> Own<'_> {
    match card {
        Some(CardName::Pan(pan)) => Own(Some(pan)),
        Some(CardName::Id(_)) | None => Own(None),
    }
}

/// `{"pan"}` or `{"cardId"}`.
fn card(fields: &mut Fields<'_>) -> Option<CardName> {
    let inner = fields.nested("card");
    fields.demand("card");
    let mut inner = inner?;
    let pan = inner.optional("pan", pan());
    let id = inner.optional("cardId", integer());
    inner.demand_one(&["pan", "cardId"], "or cardId: exactly one is needed");
    fields.absorb(inner);
    pan.map(CardName::Pan).or(id.map(|id| CardName::Id(CardId(id))))
}

/// A card number.
fn pan() -> impl Reader<Pan> {
    let parse = |text: &str| Pan::parse(text).ok();
    parsed(parse, || schema::pattern("^[0-9]{13,19}$"), "must be a card number")
}

/// What every kind of message says. Whatever is free text in it is masked.
fn details(fields: &mut Fields<'_>, call: &Call, own: Own<'_>) -> Option<Details> {
    names(fields, call, own);
    let amount = fields.required("amount", minor_units());
    let billed = fields.required("currency", currency());
    let network_id = fields.required("transactionId", text(64));
    let network_date = fields.required("transactionDate", timestamp());
    let reference_id = fields.optional("referenceTransactionId", text(64));
    let reference_date = fields.optional("referenceTransactionDate", timestamp());
    let original_amount = fields.optional("originalAmount", minor_units());
    let original_currency = fields.optional("originalCurrency", currency());
    let conversion_rate = fields.optional("conversionRate", rate());
    let line = fields.optional("description", text(255)).unwrap_or_default();
    let data = transaction_data(fields, own);
    Some(Details {
        amount: amount?,
        currency: billed?,
        network_id: network_id?,
        network_date: network_date?,
        reference_id,
        reference_date,
        original_amount,
        original_currency,
        conversion_rate,
        text: mask(&own.mask(&line)),
        data: data.text,
        mcc: data.mcc,
        retrieval_reference: data.retrieval_reference,
        place: data.place,
    })
}

/// A decimal text such as `0.2314`, kept as sent.
fn rate() -> impl Reader<String> {
    let parse = |text: &str| {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| {
            (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        (digits(whole) && digits(part)).then(|| text.to_owned())
    };
    let schema = || schema::pattern("^[0-9]{1,12}(\\.[0-9]{1,12})?$");
    parsed(parse, schema, "must be a decimal text such as 0.2314")
}

/// What is read of `transactionData`.
#[derive(Default)]
struct Data {
    /// As it is kept.
    text: Option<String>,
    mcc: Option<String>,
    retrieval_reference: Option<String>,
    place: Place,
}

fn transaction_data(fields: &mut Fields<'_>, own: Own<'_>) -> Data {
    let Some(mut inner) = fields.nested("transactionData") else { return Data::default() };
    let mut data = serde_json::Map::new();
    for key in DATA_KEYS {
        let read = match *key {
            "mcc" => inner.optional(key, mcc()),
            _ => inner.optional(key, plain()).and_then(|text| kept(key, &text, own)),
        };
        if let Some(value) = read {
            data.insert((*key).to_owned(), value.into());
        }
    }
    fields.absorb(inner);
    let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
    let (mcc, retrieval_reference) = (text("mcc"), text("retrievalReferenceNumber"));
    let place = Place {
        capture_mode: text("captureMode").and_then(|mode| capture_mode(&mode)),
        country: text("acquirerCountry").and_then(|code| country(&code)),
        merchant: text("merchantIdentifier").map(|id| id.trim().to_owned()),
    };
    Data { text: Some(Value::Object(data).to_string()), mcc, retrieval_reference, place }
}

/// How the card was read; the seeds write the modes in two ways. Another text is kept, but tells
/// nothing.
fn capture_mode(text: &str) -> Option<CaptureMode> {
    match text.trim().to_ascii_uppercase().as_str() {
        "ECOMMERCE" => Some(CaptureMode::Ecom),
        "ON BEHALF (EMV)" => Some(CaptureMode::Ob),
        word => CaptureMode::parse(word),
    }
}

/// The country of an ISO 3166-1 code of three letters, as the seeds send it, of two, or of three
/// digits, as card networks do.
fn country(code: &str) -> Option<Country> {
    let code = code.trim().to_ascii_uppercase();
    let found = match code.len() {
        2 => rust_iso3166::from_alpha2(&code),
        _ => rust_iso3166::from_alpha3(&code).or_else(|| rust_iso3166::from_numeric_str(&code)),
    };
    Country::parse(found?.alpha2)
}

/// A merchant category code.
pub(crate) fn mcc() -> impl Reader<String> {
    let parse = |text: &str| {
        let plausible = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        plausible.then(|| text.to_owned())
    };
    parsed(parse, || schema::pattern("^[0-9]{4}$"), "must be four digits")
}

/// A text or a whole number, as text.
fn plain() -> impl Reader<String> {
    let read = |value: &Value| {
        let value = value.as_i64().map_or_else(|| value.clone(), |n| Value::String(n.to_string()));
        text(100).read(&value)
    };
    let schema = || {
        let types = SchemaType::from_iter([Type::String, Type::Integer]);
        schema::text(100).schema_type(types)
    };
    reader(read, schema)
}

/// What is kept of a datum. No datum refuses a message: one number in ten of an acquirer passes the
/// Luhn check, so its numbers are masked only where they are the card's own.
fn kept(key: &str, text: &str, own: Own<'_>) -> Option<String> {
    match key {
        "merchantIdentifier" | "retrievalReferenceNumber" => Some(own.mask(text)),
        "lastFourDigits" | "lastFourDpan" => last_four(text),
        _ => Some(mask(&own.mask(text))),
    }
}

/// The last four digits, of a whole number too; whatever doesn't end with four digits is left out.
fn last_four(text: &str) -> Option<String> {
    let start = text.len().checked_sub(4)?;
    let last = text.get(start..)?;
    last.bytes().all(|byte| byte.is_ascii_digit()).then(|| last.to_owned())
}

/// What a message refers to, if it names it.
fn reference(processor: ProcessorId, details: &Details) -> Option<Reference> {
    Some(Reference {
        processor,
        id: details.reference_id.clone()?,
        date: details.reference_date,
        amount: Some(details.amount),
        retrieval_reference: details.retrieval_reference.clone(),
    })
}

type Reason = Named<Description>;
type Standing = Named<Status>;

/// The answer to a reversal or a clearing. A reversal that was understood is accepted: what came of
/// it is told by `description`. One that we gave up on is not: it is flagged for review, and is
/// answered the same when it comes again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Accepted)]
struct AcceptedJson {
    /// The transaction's id.
    id: Uuid,
    /// Whether it needn't be sent again.
    accepted: bool,
    /// What came of it.
    description: Reason,
    /// Where the transaction stands.
    status: Standing,
}

impl From<&Message> for AcceptedJson {
    fn from(message: &Message) -> Self {
        let done = message.processing == Processing::Success;
        let understood =
            message.kind == "reversal" && message.description != Description::UnknownError;
        Self {
            id: message.transaction.0,
            accepted: done || understood,
            description: Named(message.description),
            status: Named(message.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{MessageId, PartnerId, TransactionId};
    use domain::money::{Amount, Currency};
    use domain::transaction::Status;
    use uuid::Uuid;

    fn message(kind: &str, processing: Processing, description: Description) -> Message {
        Message {
            partner: PartnerId(1),
            id: MessageId(Uuid::nil()),
            scope: String::new(),
            idempotency_key: None,
            name: None,
            fingerprint: Vec::new(),
            kind: kind.to_owned(),
            transaction: TransactionId(Uuid::nil()),
            amount: 1,
            currency: Currency::EUR,
            processing,
            description,
            action_code: String::new(),
            status: Status::Reversed,
            approved_amount: Amount::ZERO,
            authorization_code: None,
            told: false,
            request_id: String::new(),
            created_at: domain::Timestamp::UNIX_EPOCH,
            available: None,
            reversed_amount: Amount::ZERO,
        }
    }

    #[test]
    fn a_reversal_that_was_understood_is_accepted() {
        let none = Description::ReferencedTransactionNotFound;
        let unknown = Description::UnknownError;
        for (kind, processing, description, accepted) in [
            ("reversal", Processing::Success, Description::Approved, true),
            ("reversal", Processing::Invalid, none, true),
            ("reversal", Processing::Invalid, Description::CardNotFound, true),
            ("reversal", Processing::Invalid, unknown, false),
            ("clearing", Processing::Success, Description::Approved, true),
            ("clearing", Processing::Invalid, Description::CardNotFound, false),
            ("clearing", Processing::Invalid, unknown, false),
        ] {
            let told = json!(AcceptedJson::from(&message(kind, processing, description)));
            assert_eq!(told["accepted"], accepted, "{kind} {description}");
        }
    }

    #[test]
    fn countries_and_capture_modes_are_understood_in_every_spelling() {
        for (code, expected) in [
            ("POL", Some("PL")),
            ("PL", Some("PL")),
            ("pol", Some("PL")),
            ("616", Some("PL")),
            ("THA", Some("TH")),
            ("ZZZ", None),
            ("", None),
        ] {
            assert_eq!(country(code).as_ref().map(Country::as_str), expected, "{code}");
        }
        for (text, expected) in [
            ("ECOM", Some(CaptureMode::Ecom)),
            ("ecommerce", Some(CaptureMode::Ecom)),
            ("on behalf (EMV)", Some(CaptureMode::Ob)),
            ("NFC", Some(CaptureMode::Nfc)),
            ("magstripe", Some(CaptureMode::Magstripe)),
            ("smoke", None),
        ] {
            assert_eq!(capture_mode(text), expected, "{text}");
        }
    }

    #[test]
    fn the_last_four_digits_are_kept_of_any_number() {
        for (text, kept) in [
            ("1234", Some("1234")),
            ("5555555555554444", Some("4444")),
            ("****1234", Some("1234")),
            ("123", None),
            ("12a4", None),
            ("żółw", None),
            ("1ż34", None),
            ("", None),
        ] {
            assert_eq!(last_four(text).as_deref(), kept, "{text}");
        }
    }
}
