//! `POST /processor/v1/clearings`: one clearing, or many as NDJSON.

use super::{AcceptedJson, TAG, card, details, envelope, example, own, reference};
use crate::Api;
use crate::answer::Done;
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Reader, boolean, integer, reader, schema, word};
use app::processor::Clear;
use domain::ledger::clearing::Finality;
use domain::transaction::Category;
use serde_json::json;

/// Moves the money of a clearing → 200 `{"id", "accepted", "description", "status"}`.
pub(crate) fn clear() -> Endpoint {
    let mut example = example();
    example["referenceTransactionId"] = json!("1234567890");
    Endpoint::lines(read, cleared)
        .about(
            TAG,
            "Clear a transaction",
            "Moves the money: `amount` is what the scheme settles, above the hold by force. \
             `sequence` counts the parts of one authorization's clearing, from 1; unless `final` \
             is false, what is still held is let go of. `fxDifference` is what the partner's \
             `COMPANY` gains of it (below zero: pays); without it, a converted purchase that is \
             cleared for what it was authorized for at the merchant costs the cardholder what was \
             authorized. As `application/x-ndjson` up to 2,000 of them, one a line, are answered \
             with one a line in the same order: what one alone would be answered, or the problem.",
        )
        .example(example)
}

async fn cleared(api: Api, _: Head, command: Clear) -> Result<Done<AcceptedJson>, Problem> {
    Ok(Done::with(&AcceptedJson::from(&api.app.clear(command).await?)))
}

fn read(call: &Call) -> Result<Clear, Problem> {
    let mut fields = call.fields()?;
    call.demand_key(&mut fields);
    let card = card(&mut fields);
    let details = details(&mut fields, call, own(card.as_ref()));
    let category = fields.optional("category", word(Category::ALL, "must be DEBIT or CREDIT"));
    let last = fields.optional("final", boolean());
    let sequence = fields.optional("sequence", sequence());
    let fx_difference = fields.optional("fxDifference", integer());
    let (Some(card), Some(details)) = (card, details) else { return Err(fields.problem()) };
    fields.finish()?;
    let envelope = envelope(call, card)?;
    let reference = reference(envelope.processor, &details);
    Ok(Clear {
        envelope,
        details,
        reference,
        category: category.unwrap_or(Category::Debit),
        finality: if last == Some(false) { Finality::Partial } else { Finality::Final },
        sequence: sequence.unwrap_or(1),
        fx_difference,
    })
}

/// The number of a part.
fn sequence() -> impl Reader<i64> {
    let read = |value: &serde_json::Value| {
        let number = value.as_i64().ok_or("must be a whole number")?;
        if number >= 1 { Ok(number) } else { Err("must be 1 or more") }
    };
    reader(read, || schema::integer().minimum(Some(1)))
}
