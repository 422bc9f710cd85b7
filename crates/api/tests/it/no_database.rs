//! A database that has no connection to spare: who isn't known doesn't need one, and who is waits
//! only for so long.

use crate::doors::{Doors, post, read};
use api::Peer;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{TestApp, on_both};
use tower::ServiceExt as _;

/// Connections of the pool of a [`TestApp`].
const CONNECTIONS: usize = 8;

/// Status, title and `Retry-After`.
async fn told(doors: &Doors, request: Request<Body>) -> (StatusCode, Value, Option<String>) {
    let response = doors.router.clone().oneshot(request).await.expect("answers");
    let retry_after = response.headers().get("retry-after").cloned();
    let retry_after = retry_after.map(|value| value.to_str().expect("text").to_owned());
    let (status, body) = read(response).await;
    (status, body["title"].clone(), retry_after)
}

async fn all_connections(node: &TestApp) -> Vec<impl Sized> {
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(node.app.db.read().await.expect("begins"));
    }
    held
}

on_both! {
    /// So that a flood of strangers never reaches the database.
    async fn a_stranger_is_refused_without_the_database(node) {
        let doors = Doors::of(&node).await;
        let held = all_connections(&node).await;
        let stranger = Peer { certificate: Some([1; 32]), address: None };
        let begun = Instant::now();
        for (peer, path, status, title) in [
            (&Peer::default(), "/secure/customers/1/verification", 401, "CERTIFICATE_REQUIRED"),
            (&Peer::default(), "/lifecycle/v1/wallet", 401, "CERTIFICATE_REQUIRED"),
            (&stranger, "/processor/v1/authorizations", 401, "CERTIFICATE_REVOKED"),
            (&stranger, "/nowhere", 404, "NOT_FOUND"),
            (&doors.processor, "/lifecycle/v1/wallet", 403, "FORBIDDEN"),
            (&doors.partner, "/lifecycle/v1/wallet", 403, "ISSUER_CODE_MISMATCH"),
        ] {
            let (told, named, _) = told(&doors, post(peer, path, "k", &json!({}))).await;
            assert_eq!((told.as_u16(), named), (status, json!(title)), "{path}");
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "somebody waited for a connection");
        drop(held);
    }
}

on_both! {
    /// And not for a bug's answer.
    async fn a_caller_waits_only_so_long_for_a_connection(node) {
        let doors = Doors::of(&node).await;
        let funded = node.funded(1_000).await;
        let held = all_connections(&node).await;
        let path = format!("/secure/balances/{}", funded.balance.0);
        let request = || {
            let request = Request::get(&path).extension(doors.partner.clone());
            request.body(Body::empty()).expect("a request")
        };
        let refused = told(&doors, request()).await;
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(refused, (unavailable, json!("UNAVAILABLE"), Some("1".to_owned())));
        drop(held);
        assert_eq!(told(&doors, request()).await.0, StatusCode::OK);
    }
}
