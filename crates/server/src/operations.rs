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
    } else if !app.engines.are_running() {
        (StatusCode::SERVICE_UNAVAILABLE, "ledger engine ended")
    } else {
        match tokio::time::timeout(PING, app.db.ping()).await {
            Ok(Ok(())) => (StatusCode::OK, "ready"),
            Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "database unavailable"),
        }
    };
    (code, Json(json!({ "status": status })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    async fn ready_of(app: &App) -> StatusCode {
        let request = Request::get("/health/ready").body(Body::empty()).expect("a request");
        router(app.clone()).oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_without_its_engine_is_not_ready() {
        let node = testkit::TestApp::on(testkit::Database::Sqlite).await;
        assert_eq!(ready_of(&node.app).await, StatusCode::OK);
        node.app.engines.close();
        assert_eq!(ready_of(&node.app).await, StatusCode::SERVICE_UNAVAILABLE);
        assert!(node.app.db.ping().await.is_ok());
    }
}
