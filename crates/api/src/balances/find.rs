//! `GET /secure/customers/{customerId}/balances[/{balanceId}]`, `GET /secure/balances/{balanceId}`.

use super::balance_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::cards::masked_json;
use crate::problem::Problem;
use app::balances::WithCards;
use axum::extract::State;
use domain::Date;
use serde_json::Value;

/// Finds a balance, whoever's it is or the user's whom the path names.
pub(crate) async fn find(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let owner = call.user_if_named()?;
    let found = api.app.balance(call.scope()?, owner, call.balance()?).await?;
    Ok(Answer::ok(with_cards(&found, api.app.today())))
}

/// Lists a user's balances, oldest first.
pub(crate) async fn list(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let found = api.app.balances(call.scope()?, call.user()?).await?;
    let today = api.app.today();
    Ok(Answer::all(&found, |balance| with_cards(balance, today)))
}

fn with_cards(found: &WithCards, today: Date) -> Value {
    let mut json = balance_json(&found.balance);
    json["cards"] = found.cards.iter().map(|card| masked_json(card, today)).collect();
    json
}
