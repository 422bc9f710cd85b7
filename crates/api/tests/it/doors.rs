//! The router of a [`TestApp`], and certificates that it knows.

use api::{Limits, Options, Pages, Peer};
use app::Clock;
use app::audit::Operator;
use app::certificates::{Holder, Sign};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use crypto::certificates::{Authority, certificate_der, client_key_and_csr, fingerprint};
use domain::Timestamp;
use serde_json::Value;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use testkit::TestApp;

/// Real time, as far as these tests are concerned.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// How long the certificates last.
pub(crate) const DAYS: u32 = 30;

/// Nothing here is about them.
const GENEROUS: Limits = Limits {
    requests_per_second: 0,
    processor_requests_per_second: 0,
    anonymous_requests_per_second: 0,
    requests_at_once: 1024,
    processor_requests_at_once: 1024,
    forms_at_once: 16,
    request_time: Duration::from_secs(10),
};

/// The doors of a node.
pub(crate) struct Doors {
    pub(crate) router: Router,
    pub(crate) partner: Peer,
    pub(crate) processor: Peer,
}

impl Doors {
    pub(crate) async fn of(node: &TestApp) -> Self {
        Self::at(node, Arc::new(|| NOW)).await
    }

    /// With a real time that a test may move.
    pub(crate) async fn at(node: &TestApp, real_time: Clock) -> Self {
        let options = Options {
            private_operations: NonZero::<u32>::MAX,
            real_time,
            authority: None,
            sandbox: None,
            limits: GENEROUS,
            pages: Pages::none(),
        };
        let authority = Authority::create("test authority", NOW);
        let partner = Holder::Partner(node.scope.partner());
        Self {
            router: api::router(node.app.clone(), options),
            partner: signed(node, &authority, "partner", partner, "secure").await,
            processor: signed(
                node,
                &authority,
                "processor",
                Holder::Processor(node.processor),
                "processor",
            )
            .await,
        }
    }
}

async fn signed(
    node: &TestApp,
    authority: &Authority,
    name: &str,
    holder: Holder,
    scope: &str,
) -> Peer {
    let (_, csr) = client_key_and_csr(name);
    let command = Sign { csr, holder, scopes: vec![scope.to_owned()], days: DAYS };
    let operator = Operator("os:test".to_owned());
    let pem = node.app.sign_certificate(&operator, authority, command, NOW).await.expect("signs");
    let certificate = Some(fingerprint(&certificate_der(&pem).expect("a certificate")));
    Peer { certificate, address: None }
}

/// A POST of JSON.
pub(crate) fn post(peer: &Peer, path: &str, key: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .extension(peer.clone())
        .header("content-type", "application/json")
        .header("x-idempotency-key", key)
        .body(Body::from(body.to_string()))
        .expect("a request")
}

/// Status and JSON of an answer.
pub(crate) async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
