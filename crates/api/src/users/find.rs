//! `GET /lifecycle/v1/users/{id}` and `GET /lifecycle/v1/users?email=&phone=&externalId=`.

use super::user_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::plain;
use app::users::Key;
use axum::extract::State;
use domain::user::{Email, Phone};

/// Finds the user of an id.
pub(crate) async fn find(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let user = api.app.user(call.scope()?, call.user()?).await?;
    Ok(Answer::ok(user_json(&user)))
}

/// Finds users by one other name.
pub(crate) async fn find_by(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let users = api.app.users_by(call.scope()?, &key(&call)?).await?;
    Ok(Answer::all(&users, user_json))
}

fn key(call: &Call) -> Result<Key, Problem> {
    match (call.query("email"), call.query("phone"), call.query("externalId")) {
        (Some(text), None, None) => Email::parse(text)
            .map(Key::Email)
            .ok_or_else(|| Problem::invalid_field("email", "must be an e-mail address")),
        (None, Some(text), None) => Phone::parse(text)
            .map(Key::Phone)
            .ok_or_else(|| Problem::invalid_field("phone", "must be 7 to 15 digits")),
        (None, None, Some(text)) => plain(text, 255)
            .map(|()| Key::ExternalId(text.to_owned()))
            .map_err(|message| Problem::invalid_field("externalId", message)),
        _ => Err(Problem::invalid_field("email", "or phone or externalId: exactly one is needed")),
    }
}
