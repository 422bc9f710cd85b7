//! `POST /lifecycle/v1/users/{id}/lock` and `/unlock`, `PUT /lifecycle/v1/users/{id}/address`.

use super::{TAG, UserJson};
use crate::Api;
use crate::answer::{Done, NoContent, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::address_fields;
use app::users::{Changes, UserLock};
use serde_json::{Value, json};

/// Locks a user → 204.
pub(crate) fn lock() -> Endpoint {
    Endpoint::of(nothing, locked).about(
        TAG,
        "Lock a user",
        "A locked user begins no session, has none any more, and pays nothing (`CUSTOMER_LOCKED`); \
         what has happened still posts. One who is locked stays so.",
    )
}

/// Unlocks a user → 204.
pub(crate) fn unlock() -> Endpoint {
    Endpoint::of(nothing, unlocked).about(
        TAG,
        "Unlock a user",
        "They stand where they stood before. One who isn't locked stays as they are.",
    )
}

/// Replaces a user's address → 200 the user.
pub(crate) fn set_address() -> Endpoint {
    Endpoint::of(read, addressed)
        .about(TAG, "Set a user's address", "It is replaced as a whole.")
        .example(json!({
            "street": "Main Street",
            "number": "1",
            "city": "Warsaw",
            "postCode": "00-001",
            "country": "PL",
        }))
}

async fn locked(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    done(&api, &head, UserLock::Lock).await
}

async fn unlocked(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    done(&api, &head, UserLock::Unlock).await
}

async fn done(api: &Api, head: &Head, change: UserLock) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.lock_user(head.scope()?, head.user()?, change, once).await?;
    Ok(NoContent)
}

fn read(call: &Call) -> Result<Changes, Problem> {
    let mut fields = call.fields()?;
    let address = address_fields(&mut fields);
    let Some(address) = address else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(Changes { address: Some(address), ..Changes::default() })
}

async fn addressed(api: Api, head: Head, changes: Changes) -> Result<Done<UserJson>, Problem> {
    let once = head.once(kept::<_, UserJson>);
    Ok(Done::kept(api.app.change_user(head.scope()?, head.user()?, changes, once).await?))
}
