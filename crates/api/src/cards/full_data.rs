//! `GET /secure/customers/{customerId}/cards/{cardId}`: number, code and expiry, encrypted.

use super::full_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::encryption::Required;
use crate::problem::Problem;
use axum::extract::State;

/// Shows a card's full data.
pub(crate) async fn full_data(
    State(api): State<Api>,
    _encrypted: Required,
    call: Call,
) -> Result<Answer, Problem> {
    let full = api.app.full_card(call.scope()?, call.user()?, call.card()?, call.origin()).await?;
    Ok(Answer::ok(full_json(&full)))
}
