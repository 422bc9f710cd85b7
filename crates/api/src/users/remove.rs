//! `DELETE /lifecycle/v1/users/{id}`

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use serde_json::Value;

/// Removes a user for ever → 204.
pub(crate) fn remove() -> Endpoint {
    Endpoint::of(nothing, removed)
        .about(
            TAG,
            "Remove a user",
            "For ever, if each of their balances is at zero with nothing held. Their balances, \
             cards, devices and sessions end with them; from then on they are 404, and e-mail and \
             phone are free. What is known of them is erased once the law lets it be (five years, \
             unless the operator has it otherwise); what they paid stays in the ledger.",
        )
        .refuses(&[Refusal::BalanceNotEmpty, Refusal::PartnerUnavailable])
}

async fn removed(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.remove_user(head.scope()?, head.user()?, once).await?;
    Ok(NoContent)
}
