//! `POST /secure/balances/{balanceId}/unlock`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use serde_json::Value;

/// Takes the lock off → 204.
pub(crate) fn unlock() -> Endpoint {
    Endpoint::of(nothing, unlocked).about(
        TAG,
        "Unlock a balance",
        "To unlock a balance that isn't locked changes nothing.",
    )
}

async fn unlocked(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.unlock_balance(head.scope()?, head.balance()?, once).await?;
    Ok(NoContent)
}
