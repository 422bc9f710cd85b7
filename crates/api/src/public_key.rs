//! The key that requests are encrypted for.

use crate::Api;
use crate::answer::Answer;
use crate::problem::Problem;
use axum::extract::State;
use serde_json::json;

/// `GET …/public-key` → `{"publicKey": "<base64 of the PEM>", "kid": "<its name in tokens>"}`.
pub(crate) async fn show(State(api): State<Api>) -> Result<Answer, Problem> {
    let keys = api.app.jwe_keys.get();
    let key = keys.current()?;
    Ok(Answer::ok(json!({ "publicKey": key.public_header(), "kid": key.kid() })))
}
