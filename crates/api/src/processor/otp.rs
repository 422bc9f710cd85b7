//! `POST /processor/v1/3ds/otp` `{"card", "amount", "currency", "merchantName", "otp",
//! "validUntil"}`.

use super::{TAG, card, envelope, names, own};
use crate::Api;
use crate::answer::Done;
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Reader, checked, currency, minor_units, parsed, schema, text, timestamp};
use app::Refusal;
use app::processor::DeliverOtp;
use domain::masking::mask;
use domain::secret::Otp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Has the cardholder's partner deliver a one-time password → 200 `{"delivered"}`.
pub(crate) fn otp() -> Endpoint {
    Endpoint::of(read, delivered)
        .about(
            TAG,
            "Deliver a one-time password",
            "The cardholder's partner is asked once to bring a one-time password of 3-D Secure to \
             the cardholder, and answered for within the time budget: `delivered` tells whether it \
             has taken it. It is false too for a card that can't be paid with (unknown, removed, \
             locked, not active, expired, of a locked user), for a partner that takes none, and \
             after `validUntil`; then nothing is sent. A key is tried once: who sends it \
             again is answered the same, and after a crash of ours false. The password is kept \
             nowhere.",
        )
        .example(json!({
            "card": { "cardId": 1 },
            "amount": 1000,
            "currency": "PLN",
            "merchantName": "merchant test",
            "otp": "1111",
            "validUntil": "2026-11-21T10:05:00+00:00",
        }))
        .refuses(&[Refusal::RequestInProgress])
}

fn read(call: &Call) -> Result<DeliverOtp, Problem> {
    let mut fields = call.fields()?;
    call.demand_key(&mut fields);
    let card = card(&mut fields);
    let own = own(card.as_ref());
    names(&mut fields, call, own);
    let amount = checked(minor_units(), |amount| *amount >= 0, "must not be below zero");
    let amount = fields.required("amount", amount);
    let billed = fields.required("currency", currency());
    let merchant = fields.required("merchantName", text(255));
    let merchant_name = merchant.map(|name| mask(&own.mask(&name)));
    let otp = fields.required("otp", one_time_password());
    let valid_until = fields.required("validUntil", timestamp());
    let read = (|| {
        let parts = (amount?, billed?, merchant_name?, otp?, valid_until?);
        Some((card?, parts))
    })();
    let Some((card, (amount, currency, merchant_name, otp, valid_until))) = read else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let envelope = envelope(call, card)?;
    Ok(DeliverOtp { envelope, amount, currency, merchant_name, otp, valid_until })
}

/// A one-time password.
fn one_time_password() -> impl Reader<Otp> {
    let parse = |text: &str| Otp::parse(text).ok();
    let message = "must be 4 to 16 letters and digits";
    parsed(parse, || schema::pattern("^[0-9A-Za-z]{4,16}$"), message)
}

async fn delivered(api: Api, head: Head, command: DeliverOtp) -> Result<Done<OtpJson>, Problem> {
    let once = head.once(|()| Value::Null);
    let delivered = api.app.deliver_otp(command, once).await?;
    Ok(Done::with(&OtpJson { delivered }))
}

/// What came of a one-time password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OtpDelivery)]
struct OtpJson {
    /// Whether the partner has taken it.
    delivered: bool,
}
