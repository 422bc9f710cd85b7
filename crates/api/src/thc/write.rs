//! `PUT /thc/transactions/{recordId}`, `POST /thc/transactions`: what partners add.

use super::TAG;
use super::record::{ContrahentJson, RecordJson};
use crate::Api;
use crate::answer::{Created, Done, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{
    Fields, Reader, checked, currency, integer, minor_units, parsed, reader, schema, text,
    timestamp, uuid, word,
};
use app::Refusal;
use app::thc::{Notes, Own};
use domain::ids::{BalanceId, CardId, UserId};
use domain::masking::mask;
use domain::thc::{Channel, RecordStatus, RecordType};
use serde_json::{Value, json};
use utoipa::openapi::schema::Array;
use uuid::Uuid;

/// How many labels a record may have, and how long each may be.
const LABELS: (usize, usize) = (20, 50);
/// How long a comment may be.
const COMMENT_MAX: usize = 500;
/// How long the names of others may be: of users, cards, devices, merchants, transactions.
const NAME_MAX: usize = 100;

/// Writes beside a record → 200 the record.
pub(crate) fn note() -> Endpoint {
    Endpoint::of(read_notes, noted)
        .about(
            TAG,
            "Write beside a record",
            "Comment, labels and the partner's own names, in the place of those that were written \
             before: what isn't sent is gone. All else of the body is ignored, so a record can be \
             sent back as it was read. Card numbers are masked.",
        )
        .example(json!({ "comment": "Lunch with Ada", "labels": ["food", "business"] }))
        .refuses(&[Refusal::CustomerNotFound, Refusal::CorporationNotFound])
}

/// Adds a record of the partner's own → 201 the record.
pub(crate) fn add() -> Endpoint {
    Endpoint::of(read_own, added)
        .about(
            TAG,
            "Add a record of one's own",
            "Something that happened elsewhere, to be shown among the user's transactions; it \
             moves no money here. Unique by `clientTransactionId` and `type`. The amounts of \
             `REFUND` and `PAYMENT` are negative.",
        )
        .example(json!({
            "clientTransactionId": "order-7",
            "type": "PURCHASE",
            "status": "CLEARED",
            "amountMinor": 1_250,
            "currency": "EUR",
            "timestamp": "2026-11-21T10:00:00Z",
            "userId": 1,
            "description": "Book store",
        }))
        .refuses(&[
            Refusal::CustomerNotFound,
            Refusal::CardNotFound,
            Refusal::BalanceNotFound,
            Refusal::HistoryRecordAlreadyExists,
        ])
}

async fn noted(api: Api, head: Head, notes: Notes) -> Result<Done<RecordJson>, Problem> {
    let once = head.once(kept::<_, RecordJson>);
    let number = head.record()?;
    Ok(Done::kept(api.app.note_in_history(head.scope()?, number, notes, once).await?))
}

async fn added(api: Api, head: Head, new: (Own, Notes)) -> Result<Created<RecordJson>, Problem> {
    let once = head.once(kept::<_, RecordJson>);
    Ok(Created::kept(api.app.add_to_history(head.scope()?, new, once).await?))
}

fn read_notes(call: &Call) -> Result<Notes, Problem> {
    call.record()?;
    let mut fields = call.fields()?;
    let notes = notes(&mut fields);
    fields.finish()?;
    Ok(notes)
}

fn notes(fields: &mut Fields<'_>) -> Notes {
    Notes {
        comment: fields.optional("comment", masked(COMMENT_MAX)),
        labels: fields.optional("labels", labels()).unwrap_or_default(),
        user: fields.optional("userExternalId", name()),
        card: fields.optional("externalCardId", name()),
        device: fields.optional("externalDeviceId", name()),
    }
}

fn read_own(call: &Call) -> Result<(Own, Notes), Problem> {
    let mut fields = call.fields()?;
    let client_id = fields.required("clientTransactionId", text(NAME_MAX));
    let kind = fields.required("type", word(RecordType::ALL, "must be a type of records"));
    let status = fields.required("status", word(RecordStatus::ALL, "must be a status"));
    let amount = fields.required("amountMinor", minor_units());
    let currency = fields.required("currency", currency());
    let at = fields.required("timestamp", timestamp());
    let id = || checked(integer(), |id| *id > 0, "must be an id");
    let user = fields.required("userId", id());
    let card = fields.optional("cardId", id());
    let balance = fields.optional("balanceId", uuid());
    let rest = rest(&mut fields);
    let notes = notes(&mut fields);
    for (name, amount) in [("amountMinor", amount), ("originalAmountMinor", rest.original_amount)] {
        if let Some((kind, amount)) = kind.zip(amount)
            && amount != 0
            && (amount < 0) != kind.is_negative()
        {
            fields.wrong(name, "must be below zero for REFUND and PAYMENT, and for no other type");
        }
    }
    let (Some(client_id), Some(kind), Some(status), Some(amount)) =
        (client_id, kind, status, amount)
    else {
        return Err(fields.problem());
    };
    let (Some(currency), Some(at), Some(user)) = (currency, at, user) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let own = Own {
        client_id,
        kind,
        user: UserId(user),
        card: card.map(CardId),
        balance: balance.map(BalanceId),
        status,
        amount,
        currency,
        at,
        description: rest.description,
        merchant_name: rest.merchant_name,
        merchant_postal_code: rest.merchant_postal_code,
        merchant_transaction_id: rest.merchant_transaction_id,
        country: rest.country,
        channel: rest.channel,
        mcc: rest.mcc,
        original_amount: rest.original_amount,
        original_currency: rest.original_currency,
        exchange_rate: rest.exchange_rate,
        commission: rest.commission,
        cleared_at: rest.cleared_at,
        iban: rest.contrahent.iban,
        bic: rest.contrahent.bic,
        contrahent: rest.contrahent.name,
    };
    Ok((own, notes))
}

/// What a record may say beside what it must.
struct Rest {
    description: Option<String>,
    merchant_name: Option<String>,
    merchant_postal_code: Option<String>,
    merchant_transaction_id: Option<String>,
    country: Option<String>,
    channel: Option<Channel>,
    mcc: Option<String>,
    original_amount: Option<i64>,
    original_currency: Option<domain::money::Currency>,
    exchange_rate: Option<String>,
    commission: Option<i64>,
    cleared_at: Option<domain::Timestamp>,
    contrahent: ContrahentJson,
}

fn rest(fields: &mut Fields<'_>) -> Rest {
    Rest {
        description: fields.optional("description", masked(255)),
        merchant_name: fields.optional("merchantName", masked(NAME_MAX)),
        merchant_postal_code: fields.optional("merchantPostalCode", masked(16)),
        merchant_transaction_id: fields.optional("merchantTransactionId", text(NAME_MAX)),
        country: fields.optional("transactionCountryCode", letters(3)),
        channel: fields
            .optional("transactionChannel", word(Channel::ALL, "must be a channel of records")),
        mcc: fields.optional("mcc", mcc()),
        original_amount: fields.optional("originalAmountMinor", minor_units()),
        original_currency: fields.optional("originalCurrency", currency()),
        exchange_rate: fields.optional("exchangeRate", rate()),
        commission: fields.optional("commissionMinorValue", minor_units()),
        cleared_at: fields.optional("clearingTimestamp", timestamp()),
        contrahent: fields.nested("contrahent").map_or_else(
            ContrahentJson::default,
            |mut inner| {
                let contrahent = ContrahentJson {
                    iban: inner.optional("iban", masked(34)),
                    bic: inner.optional("bic", masked(11)),
                    name: inner.optional("name", masked(NAME_MAX)),
                };
                fields.absorb(inner);
                contrahent
            },
        ),
    }
}

/// A text in which card numbers are masked.
fn masked(max: usize) -> impl Reader<String> {
    let inner = text(max);
    reader(move |value| inner.read(value).map(|text| mask(&text)), move || schema::text(max))
}

/// A partner's own name for something. One UUID in three hundred looks as if it held a card number:
/// it is left alone.
fn name() -> impl Reader<String> {
    let inner = text(NAME_MAX);
    let read = move |value: &Value| {
        let name = inner.read(value)?;
        Ok(if Uuid::try_parse(&name).is_ok() { name } else { mask(&name) })
    };
    reader(read, || schema::text(NAME_MAX))
}

/// A list of labels, each once.
fn labels() -> impl Reader<Vec<String>> {
    let (most, length) = LABELS;
    let item = masked(length);
    let read = move |value: &Value| {
        let values = value.as_array().filter(|values| values.len() <= most);
        let values = values.ok_or("must be a list of 20 texts at most")?;
        let mut labels = Vec::new();
        for value in values {
            let label = item.read(value)?;
            if labels.contains(&label) {
                return Err("must name each once");
            }
            labels.push(label);
        }
        Ok(labels)
    };
    let schema = move || {
        Array::builder().items(schema::text(length)).max_items(Some(most)).unique_items(true)
    };
    reader(read, schema)
}

/// So many upper-case letters.
fn letters(count: usize) -> impl Reader<String> {
    let parse = move |text: &str| {
        let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_uppercase());
        fits.then(|| text.to_owned())
    };
    parsed(parse, || schema::pattern("^[A-Z]{3}$"), "must be three upper-case letters")
}

/// A merchant category code.
fn mcc() -> impl Reader<String> {
    let parse = |text: &str| {
        let fits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.to_owned())
    };
    parsed(parse, || schema::pattern("^[0-9]{4}$"), "must be four digits")
}

/// A rate, a number above zero; kept as a decimal text.
fn rate() -> impl Reader<String> {
    let read = |value: &Value| {
        let text = value.as_number().map(ToString::to_string);
        let text = text.ok_or("must be a number")?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let fits = text.len() <= 25 && plain(&text) && text.bytes().any(|it| it > b'0');
        if fits { Ok(text) } else { Err("must be a number above zero") }
    };
    reader(read, || schema::number().exclusive_minimum(Some(0)))
}
