//! `DELETE /lifecycle/v1/corporations/{dcCorporationId}`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use serde_json::Value;

/// Removes a corporation for ever → 204.
pub(crate) fn remove() -> Endpoint {
    Endpoint::of(nothing, removed)
        .about(
            TAG,
            "Remove a corporation",
            "For ever, if each of its balances is at zero with nothing held. Its balances and its \
             people's cards end with it; from then on it is 404, and its place in the register is \
             free. What is known of it and its people is erased once the law lets it be (five \
             years, unless the operator has it otherwise); what was paid stays in the ledger.",
        )
        .refuses(&[Refusal::BalanceNotEmpty, Refusal::PartnerUnavailable])
}

async fn removed(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.remove_corporation(head.scope()?, head.corporation()?, once).await?;
    Ok(NoContent)
}
