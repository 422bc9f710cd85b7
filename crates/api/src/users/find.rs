//! `GET /lifecycle/v1/users/{id}` and `GET /lifecycle/v1/users?email=&phone=&externalId=`.

use super::{TAG, UserJson};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{email, phone, text};
use app::users::Key;

/// Finds the user of an id.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(TAG, "Show a user", "By our id.")
}

/// Finds users by one other name.
pub(crate) fn find_by() -> Endpoint {
    Endpoint::of(key, found_by).about(
        TAG,
        "Find users",
        "By exactly one of `email`, `phone` and `externalId`. Nobody found is an empty list.",
    )
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<UserJson>, Problem> {
    let user = api.app.user(head.scope()?, head.user()?).await?;
    Ok(Done::with(&UserJson::from(&user)))
}

async fn found_by(api: Api, head: Head, key: Key) -> Result<Done<List<UserJson>>, Problem> {
    let users = api.app.users_by(head.scope()?, &key).await?;
    Ok(Done::with(&List::all(&users, |user| UserJson::from(user))))
}

fn key(call: &Call) -> Result<Key, Problem> {
    let mut query = call.query();
    let one = "or phone or externalId: exactly one is needed";
    query.demand_one(&["email", "phone", "externalId"], one);
    let keys = [
        query.optional("email", email()).map(Key::Email),
        query.optional("phone", phone()).map(Key::Phone),
        query.optional("externalId", text(255)).map(Key::ExternalId),
    ];
    let key = keys.into_iter().flatten().next();
    match key {
        Some(key) => query.finish().map(|()| key),
        None => Err(query.problem()),
    }
}
