//! `GET /secure/customers/{customerId}/cards/operations/{operationId}`: what came of an order.

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use axum::extract::State;
use domain::ids::OperationId;
use domain::operation::Progress;
use serde_json::{Value, json};

/// Tells how far an operation is → 200 `{"operationId", "status", "cardId"?, "reason"?}`.
pub(crate) async fn operation(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let id = call.operation()?;
    let progress = api.app.operation(call.scope()?, call.user()?, id).await?;
    Ok(Answer::ok(progress_json(id, &progress)))
}

fn progress_json(id: OperationId, progress: &Progress) -> Value {
    let (id, status) = (id.0, progress.as_str());
    match progress {
        Progress::Pending => json!({ "operationId": id, "status": status }),
        Progress::Done { card } => {
            json!({ "operationId": id, "status": status, "cardId": card.0 })
        }
        Progress::Failed { reason } => {
            json!({ "operationId": id, "status": status, "reason": reason })
        }
    }
}
