//! `GET /secure/customers/{customerId}/cards/operations/{operationId}`: what came of an order.

use super::TAG;
use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use domain::ids::OperationId;
use domain::operation::Progress;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Tells how far an operation is → 200 `{"operationId", "status", "cardId"?, "reason"?}`.
pub(crate) fn operation() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        TAG,
        "Show what came of an order",
        "`cardId` is there when the card is, `reason` when there will be none.",
    )
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<OperationJson>, Problem> {
    let id = head.operation()?;
    let progress = api.app.operation(head.scope()?, head.user()?, id).await?;
    Ok(Done::with(&OperationJson::of(id, &progress)))
}

/// How far an order is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Operation)]
struct OperationJson {
    /// Its id.
    operation_id: Uuid,
    /// Where it stands.
    status: &'static str,
    /// The card that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    card_id: Option<i64>,
    /// The title of why none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

impl OperationJson {
    fn of(id: OperationId, progress: &Progress) -> Self {
        let (card_id, reason) = match progress {
            Progress::Pending => (None, None),
            Progress::Done { card } => (Some(card.0), None),
            Progress::Failed { reason } => (None, Some(reason.clone())),
        };
        Self { operation_id: id.0, status: progress.as_str(), card_id, reason }
    }
}
