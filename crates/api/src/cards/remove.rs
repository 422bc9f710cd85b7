//! `DELETE /lifecycle/v1/users/{customerId}/cards/{cardId}`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use serde_json::Value;

/// Removes a card for ever → 204, also where it was removed before.
pub(crate) fn remove() -> Endpoint {
    Endpoint::of(nothing, removed).about(
        TAG,
        "Remove a card",
        "For ever: every authorization is declined from then on. To remove it again changes \
         nothing.",
    )
}

async fn removed(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let (scope, once) = (head.scope()?, head.once(|()| Value::Null));
    let (holder, card) = head.named_card()?.held(&api, scope).await?;
    api.app.remove_card(scope, holder, card, once).await?;
    Ok(NoContent)
}
