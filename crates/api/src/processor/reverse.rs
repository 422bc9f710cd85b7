//! `POST /processor/v1/reversals`.

use super::{AcceptedJson, TAG, card, details, envelope, example, own, reference};
use crate::Api;
use crate::answer::Done;
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use app::processor::Reverse;
use serde_json::json;

/// Takes an authorization back → 200 `{"id", "accepted", "description", "status"}`.
pub(crate) fn reverse() -> Endpoint {
    let mut example = example();
    example["referenceTransactionId"] = json!("1234567890");
    Endpoint::of(read, reversed)
        .about(
            TAG,
            "Reverse an authorization",
            "Takes back what is still held, at most `amount`. One that comes before its \
             authorization waits 24 hours for it.",
        )
        .example(example)
}

async fn reversed(api: Api, _: Head, command: Reverse) -> Result<Done<AcceptedJson>, Problem> {
    Ok(Done::with(&AcceptedJson::from(&api.app.reverse(command).await?)))
}

fn read(call: &Call) -> Result<Reverse, Problem> {
    let mut fields = call.fields()?;
    call.demand_key(&mut fields);
    let card = card(&mut fields);
    let details = details(&mut fields, call, own(card.as_ref()));
    fields.demand("referenceTransactionId");
    let (Some(card), Some(details)) = (card, details) else { return Err(fields.problem()) };
    fields.finish()?;
    let envelope = envelope(call, card)?;
    let reference = reference(envelope.processor, &details).ok_or_else(Problem::internal)?;
    Ok(Reverse { envelope, details, reference })
}
