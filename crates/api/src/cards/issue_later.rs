//! `POST /secure/customers/{customerId}/cards/virtual/async`: the card is made afterwards.

use super::issue_virtual::read;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use app::Refusal;
use axum::extract::State;
use domain::ids::OperationId;
use serde_json::{Value, json};

/// Orders a virtual card → 202 `{"operationId"}`. It shows no card data, so it needs no encryption.
pub(crate) async fn issue_later(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let scope = call.scope()?;
    let (_, command) = read(&call)?;
    let once = call.once(operation_json);
    Ok(Answer::Accepted(match command {
        Some(command) => api.app.issue_virtual_card_later(scope, command, once).await?,
        None => api.app.refuse(scope, &once, Refusal::CustomerMismatch).await?,
    }))
}

fn operation_json(id: &OperationId) -> Value {
    json!({ "operationId": id.0 })
}
