//! `DELETE /lifecycle/v1/users/{customerId}/cards/{cardId}`.

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use axum::extract::State;
use serde_json::Value;

/// Removes a card for ever → 204, also where it was removed before.
pub(crate) async fn remove(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let once = call.once(|()| Value::Null);
    api.app.remove_card(call.scope()?, call.user()?, call.card()?, once).await?;
    Ok(Answer::NoContent)
}
