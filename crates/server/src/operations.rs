//! The listener of the operator's monitoring, on the loopback interface by default: whether the
//! process lives, whether it can serve, and its metrics. It answers nothing else, and only reads.

use crate::measures::Measures;
use crate::workers::Pulse;
use app::App;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the database may take to answer.
const PING: Duration = Duration::from_secs(2);
/// How old the last success of a worker may be without which a server must not serve: settings that
/// aren't read again keep revoked certificates in force, and a write-ahead log that can't be copied
/// away tells of a disk that is full or gone.
const STALE: Duration = Duration::from_secs(30);
const NEEDED: &[(&str, &str)] =
    &[("settings", "settings are stale"), ("checkpoint", "database file can't be written")];

/// What the answers are made from.
#[derive(Clone)]
pub(crate) struct Watched {
    /// The use cases.
    pub(crate) app: App,
    /// The metrics.
    pub(crate) measures: Measures,
    /// How the workers do.
    pub(crate) pulse: Pulse,
}

/// What the listener answers.
pub(crate) fn router(watched: Watched) -> Router {
    Router::new()
        .route("/health/live", get(async || Json(json!({ "status": "live" }))))
        .route("/health/ready", get(ready))
        .route("/metrics", get(measured))
        .with_state(watched)
}

async fn measured(State(watched): State<Watched>) -> Response {
    let text = watched.measures.told(&watched.app, &watched.pulse);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

async fn ready(State(watched): State<Watched>) -> (StatusCode, Json<Value>) {
    let status = unready(&watched).await;
    let code = if status.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(json!({ "status": status.unwrap_or("ready") })))
}

/// Why the server can't serve.
async fn unready(Watched { app, pulse, .. }: &Watched) -> Option<&'static str> {
    if app.tasks.is_stopping() {
        return Some("stopping");
    }
    if !app.engines.are_running() {
        return Some("ledger engine ended");
    }
    match tokio::time::timeout(PING, app.db.ping()).await {
        Ok(Ok(())) => stale(&pulse.ages()),
        Ok(Err(_)) | Err(_) => Some("database unavailable"),
    }
}

/// What a worker hasn't done for too long.
fn stale(ages: &[(&'static str, Duration)]) -> Option<&'static str> {
    let old = |worker: &str| ages.iter().any(|(name, age)| *name == worker && *age > STALE);
    NEEDED.iter().find(|(worker, _)| old(worker)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    async fn ready_of(app: &App) -> StatusCode {
        let request = Request::get("/health/ready").body(Body::empty()).expect("a request");
        let (measures, pulse) = (Measures::begin(), Pulse::default());
        let watched = Watched { app: app.clone(), measures, pulse };
        router(watched).oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_without_its_engine_is_not_ready() {
        let node = testkit::TestApp::on(testkit::Database::Sqlite).await;
        assert_eq!(ready_of(&node.app).await, StatusCode::OK);
        node.app.engines.close();
        assert_eq!(ready_of(&node.app).await, StatusCode::SERVICE_UNAVAILABLE);
        assert!(node.app.db.ping().await.is_ok());
    }

    #[test]
    fn only_what_serving_needs_makes_a_server_not_ready() {
        let (young, old) = (Duration::from_secs(29), Duration::from_secs(31));
        for (worker, age, told) in [
            ("settings", young, None),
            ("settings", old, Some("settings are stale")),
            ("checkpoint", old, Some("database file can't be written")),
            ("expiry", old, None),
        ] {
            assert_eq!(stale(&[(worker, age)]), told, "{worker}");
        }
    }
}
