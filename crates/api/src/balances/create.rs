//! `POST /secure/customers/{customerId}/balances` `{currency}`.

use super::balance_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::currency;
use axum::extract::State;

/// Creates an empty balance → 201 the balance.
pub(crate) async fn create(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let owner = call.user()?;
    let mut fields = call.fields()?;
    let Some(currency) = fields.required("currency", currency) else {
        return Err(fields.problem());
    };
    let once = call.once(balance_json);
    Ok(Answer::Created(api.app.create_balance(call.scope()?, owner, currency, once).await?))
}
