//! `POST /secure/customers/{customerId}/cards/{cardId}/unlock`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use serde_json::Value;

/// Takes a lock off → 204.
pub(crate) fn unlock() -> Endpoint {
    Endpoint::of(nothing, unlocked)
        .about(
            TAG,
            "Unlock a card",
            "To unlock a card that isn't locked changes nothing; some locks stay for good. A user \
             may take off only own ones where the partner wants that.",
        )
        .refuses(&[Refusal::CardLockIrreversible, Refusal::CardLockNotOwn])
}

async fn unlocked(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let (scope, once) = (head.scope()?, head.once(|()| Value::Null));
    let card = head.named_card()?.held(&api, scope).await?;
    api.app.unlock_card(scope, card, head.caller().locker(), once).await?;
    Ok(NoContent)
}
