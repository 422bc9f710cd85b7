//! `GET|POST /secure/{customers|corporations}/{id}/transactional-locks` and `DELETE …/{reason}`.

use super::TAG;
use crate::Api;
use crate::answer::{Done, List, Named, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{reader, schema};
use app::Refusal;
use app::owners::OwnerName;
use app::users::LockChange;
use domain::user::TransactionalLock;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

type Reason = Named<TransactionalLock>;

/// Why no money may leave the owner's balances.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransactionalLockOfUser)]
struct LockJson {
    /// The reason.
    reason: Reason,
}

/// Lists the locks of a user or a corporation.
pub(crate) fn transactional_locks() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List an owner's transactional locks",
        "While one stands, each authorization is declined (`AML_EXCEPTION`) and no money leaves \
         the balances of the user or the corporation; what the network settles, reverses or \
         credits still posts. One page.",
    )
}

/// Sets a lock → 204.
pub(crate) fn set_transactional_lock() -> Endpoint {
    Endpoint::of(read, changed)
        .about(TAG, "Set a transactional lock", "One that stands already stays as it is.")
        .example(json!({ "reason": "FRAUD_SUSPECTED" }))
        .refuses(&[Refusal::InvalidLockReason])
}

/// Takes a lock off → 204.
pub(crate) fn take_off_transactional_lock() -> Endpoint {
    Endpoint::of(named, changed)
        .about(TAG, "Take a transactional lock off", "One that doesn't stand changes nothing.")
        .refuses(&[Refusal::InvalidLockReason])
}

/// Whose lock, which, and what is to be done.
type Asked = (OwnerName, String, LockChange);

fn read(call: &Call) -> Result<Asked, Problem> {
    let owner = call.owner()?;
    let mut fields = call.fields()?;
    // What is a text but no reason is refused by name, not as a field that can't be read.
    let word = |value: &Value| value.as_str().map(str::to_owned).ok_or("must be a text");
    let reason = fields.required("reason", reader(word, schema::words_of::<TransactionalLock>));
    match reason {
        Some(reason) => Ok((owner, reason, LockChange::Set)),
        None => Err(fields.problem()),
    }
}

fn named(call: &Call) -> Result<Asked, Problem> {
    Ok((call.owner()?, call.reason(), LockChange::TakeOff))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<LockJson>>, Problem> {
    let locks = api.app.transactional_locks(head.scope()?, head.owner()?).await?;
    Ok(Done::with(&List::all(&locks, |lock| LockJson { reason: Named(*lock) })))
}

async fn changed(
    api: Api,
    head: Head,
    (owner, reason, change): Asked,
) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.change_transactional_lock(head.scope()?, owner, &reason, change, once).await?;
    Ok(NoContent)
}
