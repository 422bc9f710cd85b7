//! The listener of the operator's monitoring, on the loopback interface by default: whether the
//! process lives, and whether it can serve. It answers nothing else.

use app::App;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the database may take to answer.
const PING: Duration = Duration::from_secs(2);

/// What the listener answers.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/health/live", get(async || Json(json!({ "status": "live" }))))
        .route("/health/ready", get(ready))
        .with_state(app)
}

async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let (code, status) = if app.tasks.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        match tokio::time::timeout(PING, app.db.ping()).await {
            Ok(Ok(())) => (StatusCode::OK, "ready"),
            Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "database unavailable"),
        }
    };
    (code, Json(json!({ "status": status })))
}
