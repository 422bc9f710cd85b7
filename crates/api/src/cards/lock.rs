//! `POST /secure/customers/{customerId}/cards/{cardId}/lock` `{"reason": 7}`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::{Call, Head, NamedCard};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::integer;
use app::Refusal;
use serde_json::{Value, json};

/// Locks a card → 204.
pub(crate) fn lock() -> Endpoint {
    Endpoint::of(read, locked)
        .about(
            TAG,
            "Lock a card",
            "Every authorization is declined from then on. `reason` is 1 lost, 2 stolen, 3 a \
             question is open, 4 consolidation, 5 inactive, 6 too many wrong PINs, 7 suspected \
             fraud, 8 replaced, 11 too many wrong PINs offline. To lock it again for the same \
             reason changes nothing.",
        )
        .example(json!({ "reason": 7 }))
        .refuses(&[Refusal::InvalidLockReason, Refusal::CardAlreadyLocked])
}

fn read(call: &Call) -> Result<(NamedCard, i64), Problem> {
    let card = call.named_card()?;
    let mut fields = call.fields()?;
    let code = fields.required("reason", integer());
    code.map(|code| (card, code)).ok_or_else(|| fields.problem())
}

async fn locked(
    api: Api,
    head: Head,
    (card, code): (NamedCard, i64),
) -> Result<NoContent, Problem> {
    let (scope, once) = (head.scope()?, head.once(|()| Value::Null));
    let lock = (code, head.caller().locker());
    api.app.lock_card_by_code(scope, card.held(&api, scope).await?, lock, once).await?;
    Ok(NoContent)
}
