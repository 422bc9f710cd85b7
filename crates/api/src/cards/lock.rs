//! `POST /secure/customers/{customerId}/cards/{cardId}/lock` `{"reason": 7}`.

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::integer;
use axum::extract::State;
use serde_json::Value;

/// Locks a card → 204.
pub(crate) async fn lock(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let (user, card) = (call.user()?, call.card()?);
    let mut fields = call.fields()?;
    let Some(code) = fields.required("reason", integer) else { return Err(fields.problem()) };
    let once = call.once(|()| Value::Null);
    api.app.lock_card_by_code(call.scope()?, user, card, code, once).await?;
    Ok(Answer::NoContent)
}
