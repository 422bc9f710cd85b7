//! Messages of issuing processors: authorize, reverse, clear (spec "The JSON processor channel").
//!
//! A decline is a 200: the message was understood. A 4xx is for messages that weren't.

mod authorize;
mod clear;
mod reverse;

pub(crate) use authorize::authorize;
pub(crate) use clear::clear;
pub(crate) use reverse::reverse;

use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{Fields, Read, currency, integer, minor_units, parsed, text, timestamp};
use app::processor::Message;
use app::processor::{CardName, Details, Envelope};
use domain::ids::{CardId, ProcessorId};
use domain::ledger::matching::Reference;
use domain::secret::Pan;
use serde_json::{Value, json};

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

/// On this channel every message has a key.
fn key(fields: &mut Fields<'_>, call: &Call) {
    if call.key().is_none() {
        fields.wrong("X-Idempotency-Key", "is required here");
    }
}

/// `{"pan"}` or `{"cardId"}`.
fn card(fields: &mut Fields<'_>) -> Option<CardName> {
    if !fields.has("card") {
        fields.wrong("card", "is required");
    }
    let mut inner = fields.nested("card")?;
    let pan = inner.optional("pan", parsed(|text| Pan::parse(text).ok(), "must be a card number"));
    let id = inner.optional("cardId", integer);
    if inner.has("pan") == inner.has("cardId") {
        inner.wrong("pan", "or cardId: exactly one is needed");
    }
    fields.absorb(inner);
    pan.map(CardName::Pan).or(id.map(|id| CardName::Id(CardId(id))))
}

/// What every kind of message says.
fn details(fields: &mut Fields<'_>) -> Option<Details> {
    let amount = fields.required("amount", minor_units);
    let billed = fields.required("currency", currency);
    let network_id = fields.required("transactionId", text(64));
    let network_date = fields.required("transactionDate", timestamp);
    let reference_id = fields.optional("referenceTransactionId", text(64));
    let reference_date = fields.optional("referenceTransactionDate", timestamp);
    let original_amount = fields.optional("originalAmount", minor_units);
    let original_currency = fields.optional("originalCurrency", currency);
    let conversion_rate = fields.optional("conversionRate", rate);
    let line = fields.optional("description", text(255)).unwrap_or_default();
    let (data, mcc, retrieval_reference) = transaction_data(fields);
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
        text: line,
        data,
        mcc,
        retrieval_reference,
    })
}

/// A decimal text such as `0.2314`, kept as sent.
fn rate(value: &Value) -> Read<String> {
    let text = value.as_str().unwrap_or_default();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| {
        (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if digits(whole) && digits(part) {
        Ok(text.to_owned())
    } else {
        Err("must be a decimal text such as 0.2314")
    }
}

/// The keys of the seeds' table, each a text; a full card number has no place among them.
const DATA_KEYS: &[&str] = &[
    "mcc",
    "merchantIdentifier",
    "merchantName",
    "captureMode",
    "lastFourDigits",
    "acquirerCountry",
    "mdesDigitizedWalletId",
    "cashbackPosCurrencyCode",
    "cashbackPosAmount",
    "lastFourDpan",
    "adjustmentReasonDescription",
    "retrievalReferenceNumber",
];

/// The data as it is kept, its merchant category code and its retrieval reference number.
fn transaction_data(fields: &mut Fields<'_>) -> (Option<String>, Option<String>, Option<String>) {
    let Some(mut inner) = fields.nested("transactionData") else { return (None, None, None) };
    let mut kept = serde_json::Map::new();
    for key in DATA_KEYS {
        let read = match *key {
            "mcc" => inner.optional(key, parsed(mcc, "must be four digits")),
            _ => inner.optional(key, plain),
        };
        if let Some(value) = read {
            kept.insert((*key).to_owned(), value.into());
        }
    }
    fields.absorb(inner);
    let text = |key: &str| kept.get(key).and_then(Value::as_str).map(str::to_owned);
    let (mcc, retrieval_reference) = (text("mcc"), text("retrievalReferenceNumber"));
    (Some(Value::Object(kept).to_string()), mcc, retrieval_reference)
}

fn mcc(text: &str) -> Option<String> {
    let plausible = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then(|| text.to_owned())
}

/// A text or a whole number, kept as text; never one that could be a card number.
fn plain(value: &Value) -> Read<String> {
    let value = value.as_i64().map_or_else(|| value.clone(), |n| Value::String(n.to_string()));
    let read = text(100)(&value)?;
    if Pan::parse(&read).is_ok() { Err("must not be a card number") } else { Ok(read) }
}

/// What a message refers to, if it names it.
fn reference(processor: ProcessorId, details: &Details) -> Option<Reference> {
    Some(Reference {
        processor,
        id: details.reference_id.clone()?,
        date: details.reference_date,
        amount: details.amount,
        retrieval_reference: details.retrieval_reference.clone(),
    })
}

/// The answer to a reversal or a clearing. A reversal that was understood is always accepted: what
/// came of it is told by `description`.
fn accepted_json(message: &Message) -> Value {
    let done = message.processing == domain::transaction::Processing::Success;
    json!({
        "id": message.transaction.0,
        "accepted": done || message.kind == "reversal",
        "description": message.description.as_str(),
        "status": message.status.as_str(),
    })
}
