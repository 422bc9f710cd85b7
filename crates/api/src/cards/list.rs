//! `GET /secure/customers/{customerId}/cards`: by ascending id, without numbers.

use super::masked_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use axum::extract::State;
use domain::ids::CardId;

/// Lists a user's cards.
pub(crate) async fn list(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let after = CardId(call.after()?.unwrap_or_default());
    let page = api.app.cards(call.scope()?, call.user()?, after, call.limit()?).await?;
    let today = api.app.today();
    Ok(Answer::page(&page, |card| masked_json(card, today)))
}
