//! Successes.

use app::page::Page;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer that is a success.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 200.
    Ok(Value),
    /// 201.
    Created(Value),
    /// 202.
    Accepted(Value),
    /// 204.
    NoContent,
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self::Ok(body)
    }

    /// 200 with one page of a list.
    pub(crate) fn page<T>(page: &Page<T>, item: impl Fn(&T) -> Value) -> Self {
        let items: Vec<Value> = page.items.iter().map(item).collect();
        Self::Ok(json!({ "items": items, "next": page.next.map(|next| next.to_string()) }))
    }

    /// 200 with a list that is never long.
    pub(crate) fn all<T>(items: &[T], item: impl Fn(&T) -> Value) -> Self {
        let items: Vec<Value> = items.iter().map(item).collect();
        Self::Ok(json!({ "items": items, "next": null }))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Ok(body) => (StatusCode::OK, Json(body)).into_response(),
            Self::Created(body) => (StatusCode::CREATED, Json(body)).into_response(),
            Self::Accepted(body) => (StatusCode::ACCEPTED, Json(body)).into_response(),
            Self::NoContent => StatusCode::NO_CONTENT.into_response(),
        }
    }
}
