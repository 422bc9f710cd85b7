//! `POST /secure/customers/{customerId}/cards/virtual/async`: the card is made afterwards.

use super::TAG;
use super::issue_virtual::{example, read};
use crate::Api;
use crate::answer::{Accepted, kept};
use crate::call::Head;
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use app::Refusal;
use app::cards::IssueVirtual;
use domain::ids::{OperationId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Orders a virtual card → 202 `{"operationId"}`. It shows no card data, so it needs no encryption.
pub(crate) fn issue_later() -> Endpoint {
    Endpoint::of(read, ordered)
        .about(
            TAG,
            "Order a virtual card",
            "The card is made afterwards; the operation tells when it is. It shows no card data, \
             so it needs no encryption.",
        )
        .example(example())
        .refuses(super::issue_virtual::REFUSALS)
}

async fn ordered(
    api: Api,
    head: Head,
    (_, command): (UserId, Option<IssueVirtual>),
) -> Result<Accepted<OrderJson>, Problem> {
    let scope = head.scope()?;
    let once = head.once(kept::<_, OrderJson>);
    Ok(Accepted::kept(match command {
        Some(command) => api.app.issue_virtual_card_later(scope, command, once).await?,
        None => api.app.refuse(scope, &once, Refusal::CustomerMismatch).await?,
    }))
}

/// An order of a card.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
struct OrderJson {
    /// The operation that tells what comes of it.
    operation_id: Uuid,
}

impl From<&OperationId> for OrderJson {
    fn from(id: &OperationId) -> Self {
        Self { operation_id: id.0 }
    }
}
