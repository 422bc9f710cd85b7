//! `POST /secure/balances/{balanceId}/lock`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use serde_json::Value;

/// Locks a balance → 204.
pub(crate) fn lock() -> Endpoint {
    Endpoint::of(nothing, locked).about(
        TAG,
        "Lock a balance",
        "Whatever asks money of it is declined from then on (`BALANCE_LOCKED`): authorizations, \
             withdrawals, fees. What comes in comes in, and what the network settles or reverses \
             still posts. To lock it again changes nothing.",
    )
}

async fn locked(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.lock_balance(head.scope()?, head.balance()?, once).await?;
    Ok(NoContent)
}
