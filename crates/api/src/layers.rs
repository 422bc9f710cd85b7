//! What surrounds every endpoint: a name for the request, a body that is read whole, a task.

use crate::limits::{Held, Quiet, refused};
use crate::measures::Served;
use crate::problem::Problem;
use crate::{Api, Peer};
use app::audit::Origin;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::masking::mask;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// Tells the request's name in answer and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// The name of the request that this task works for.
    static CURRENT: String;
}

/// The name of the request that is worked for.
pub(crate) fn request_id() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// When a request came in: time budgets run from here.
#[derive(Clone, Copy)]
pub(crate) struct Received(pub(crate) Instant);

/// Names the request, logs that it was answered, and tells the caller the name.
pub(crate) async fn named(mut request: Request, next: Next) -> Response {
    let received = Instant::now();
    request.extensions_mut().insert(Received(received));
    let sent = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = match sent {
        Some(id) if is_request_id(id) => id.to_owned(),
        Some(_) | None => new_request_id(),
    };
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let served = Served::begin(request.method(), route);
    let span = tracing::info_span!("request", request_id = id);
    let answering = CURRENT.scope(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = answering.await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took = received.elapsed();
    let quiet = response.extensions().get::<Quiet>();
    span.in_scope(|| log_answered(&served, response.status(), took, quiet));
    served.answered(response.status(), took);
    response
}

fn log_answered(served: &Served, status: StatusCode, took: Duration, quiet: Option<&Quiet>) {
    let (method, route, status) = (served.method(), served.route(), status.as_u16());
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if quiet.is_some() {
        tracing::debug!(method, route, status, microseconds, "answered");
    } else {
        tracing::info!(method, route, status, microseconds, "answered");
    }
}

/// A UUID: its hyphens keep its digits from ever looking like a card number.
fn new_request_id() -> String {
    uuid::Builder::from_random_bytes(crypto::random::bytes()).into_uuid().to_string()
}

/// A name that may go into logs as it is: it holds no card number. One UUID in three hundred has
/// digits and hyphens that could be one; with its hyphens a UUID passes.
fn is_request_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_uuid = || text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    let harmless = || is_uuid() || mask(text) == text;
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && harmless()
}

/// When the time of a request is over.
fn deadline(api: &Api, request: &Request) -> tokio::time::Instant {
    let received = request.extensions().get::<Received>().map_or_else(Instant::now, |at| at.0);
    (received + api.guard.request_time).into()
}

/// Reads the body whole, up to a limit and in time. One that tells that it is too large isn't read.
pub(crate) async fn buffered(api: Api, request: Request, next: Next, limit: usize) -> Response {
    let deadline = deadline(&api, &request);
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > limit as u64 {
        return Problem::too_large().into_response();
    }
    match tokio::time::timeout_at(deadline, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(error)) if is_length_limit(&error) => Problem::too_large().into_response(),
        Ok(Err(_)) => Problem::unreadable("The body broke off.").into_response(),
        Err(_) => Problem::too_slow().into_response(),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Tells a page where its request comes from.
pub(crate) async fn traced(mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
    let origin = Origin { actor: String::new(), address, request_id: request_id() };
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// Runs work of the request as a task that nobody waits for.
pub(crate) fn detached(api: &Api, work: impl Future<Output = ()> + Send + 'static) {
    drop(api.app.tasks.run(CURRENT.scope(request_id(), work).in_current_span()));
}

/// Runs the endpoint as a task: hanging up drops the waiting, never the work.
pub(crate) async fn as_task(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let (id, deadline) = (request_id(), deadline(&api, &request));
    let places = request.extensions_mut().remove::<Held>();
    let work = async move {
        let response = next.run(request).await;
        drop(places);
        response
    };
    let work = CURRENT.scope(id, work).in_current_span();
    match tokio::time::timeout_at(deadline, api.app.tasks.run(work)).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("an endpoint panicked");
            Problem::internal().into_response()
        }
        Err(_) => {
            refused("request time");
            Problem::unavailable().into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requests_name_can_not_be_a_card_number() {
        for good in ["a", "A-1_b.c", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "4111111111111112"] {
            assert!(is_request_id(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            "a b",
            "ż",
            "a/b",
            "4111111111111111",
            "order-4111-1111-1111-1111",
            "x.4222222222222.y",
            "4111111111111111aaaaaaaaaaaaaaaa",
            &long,
        ] {
            assert!(!is_request_id(bad), "{bad}");
        }
        for _ in 0..1_000 {
            assert!(is_request_id(&new_request_id()));
        }
    }
}
