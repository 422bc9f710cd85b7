//! `POST /processor/v1/clearings`: one clearing.

use super::{accepted_json, card, details, envelope, key, own, reference};
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{boolean, integer, parsed};
use app::processor::Clear;
use axum::extract::State;
use domain::ledger::clearing::Finality;
use domain::transaction::Category;

/// Moves the money of a clearing → 200 `{"id", "accepted", "description", "status"}`.
pub(crate) async fn clear(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let command = read(&call)?;
    Ok(Answer::ok(accepted_json(&api.app.clear(command).await?)))
}

fn read(call: &Call) -> Result<Clear, Problem> {
    let mut fields = call.fields()?;
    key(&mut fields, call);
    let card = card(&mut fields);
    let details = details(&mut fields, call, own(card.as_ref()));
    let category = fields.optional("category", parsed(Category::parse, "must be DEBIT or CREDIT"));
    let last = fields.optional("final", boolean);
    let sequence = fields.optional("sequence", |value| {
        integer(value).and_then(|n| if n >= 1 { Ok(n) } else { Err("must be 1 or more") })
    });
    let gained = fields.optional("fxDifference", integer);
    if gained.is_some_and(|difference| difference != 0) {
        fields.wrong("fxDifference", "isn't supported yet");
    }
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
    })
}
