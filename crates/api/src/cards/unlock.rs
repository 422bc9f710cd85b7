//! `POST /secure/customers/{customerId}/cards/{cardId}/unlock`.

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use axum::extract::State;
use serde_json::Value;

/// Takes a lock off → 204.
pub(crate) async fn unlock(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let once = call.once(|()| Value::Null);
    api.app.unlock_card(call.scope()?, call.user()?, call.card()?, once).await?;
    Ok(Answer::NoContent)
}
