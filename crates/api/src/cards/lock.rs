//! `POST /secure/customers/{customerId}/cards/{cardId}/lock` `{"reason": 7}`.

use crate::Api;
use crate::answer::Answer;
use crate::call::{Call, refused};
use crate::problem::Problem;
use crate::wire::integer;
use app::Refusal;
use axum::extract::State;
use domain::card::lifecycle::LockReason;
use serde_json::Value;

/// Locks a card → 204.
pub(crate) async fn lock(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let (user, card) = (call.user()?, call.card()?);
    let mut fields = call.fields()?;
    let Some(code) = fields.required("reason", integer) else { return Err(fields.problem()) };
    let reason = LockReason::from_code(code).ok_or_else(|| refused(Refusal::InvalidLockReason))?;
    let once = call.once(|()| Value::Null);
    api.app.lock_card(call.scope()?, user, card, reason, once).await?;
    Ok(Answer::NoContent)
}
