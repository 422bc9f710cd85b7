//! The key that requests are encrypted for.

use crate::Api;
use crate::answer::Answer;
use axum::extract::State;
use serde_json::json;

/// `GET …/public-key` → `{"publicKey": "<base64 of the PEM>"}`.
pub(crate) async fn show(State(api): State<Api>) -> Answer {
    Answer::ok(json!({ "publicKey": api.jwe_key.key().public_header() }))
}
