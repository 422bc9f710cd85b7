//! `POST /processor/v1/reversals`.

use super::{accepted_json, card, details, envelope, key, own, reference};
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use app::processor::Reverse;
use axum::extract::State;

/// Takes an authorization back → 200 `{"id", "accepted", "description", "status"}`.
pub(crate) async fn reverse(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let command = read(&call)?;
    Ok(Answer::ok(accepted_json(&api.app.reverse(command).await?)))
}

fn read(call: &Call) -> Result<Reverse, Problem> {
    let mut fields = call.fields()?;
    key(&mut fields, call);
    let card = card(&mut fields);
    let details = details(&mut fields, call, own(card.as_ref()));
    if !fields.has("referenceTransactionId") {
        fields.wrong("referenceTransactionId", "is required");
    }
    let (Some(card), Some(details)) = (card, details) else { return Err(fields.problem()) };
    fields.finish()?;
    let envelope = envelope(call, card)?;
    let reference = reference(envelope.processor, &details).ok_or_else(Problem::internal)?;
    Ok(Reverse { envelope, details, reference })
}
