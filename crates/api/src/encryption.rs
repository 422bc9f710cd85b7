//! JWE on any route: `Encrypted-Request` both ways, `Encrypt-Response` for the answer alone
//! (spec "JWE").

use crate::Api;
use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use crypto::jwe::{JweError, PrivateKey, PublicKey};
use serde_json::{Value, json};
use std::num::NonZero;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Answers are made by us and small; a list of 200 items stays far below.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// Requests that may wait for a private operation: the last of them waits a tenth of a second.
const WAITING_MAX: usize = 64;

/// The key that requests are encrypted for. Using it takes a millisecond of processor, so that is
/// done on other threads than those that serve, and one processor is always left for these.
pub(crate) struct Decryption {
    key: Arc<PrivateKey>,
    /// Those that decrypt.
    working: Arc<Semaphore>,
    /// Those that decrypt or wait for it.
    places: Arc<Semaphore>,
}

impl Decryption {
    /// Uses a key on as many processors at a time as there are, less one, and on one at least.
    pub(crate) fn with(key: Arc<PrivateKey>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::limited(key, (processors - 1).max(1), WAITING_MAX)
    }

    fn limited(key: Arc<PrivateKey>, working: usize, waiting: usize) -> Self {
        let places = Arc::new(Semaphore::new(working + waiting));
        Self { key, working: Arc::new(Semaphore::new(working)), places }
    }

    /// The key itself.
    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Decrypts in turn; 503 if too many wait already. What has begun is counted until it ends,
    /// whether or not its caller still waits.
    async fn decrypt(&self, token: String) -> Result<Vec<u8>, Problem> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| Problem::unavailable())?;
        let turn = self.working.clone().acquire_owned().await;
        let turn = turn.map_err(|_| Problem::internal())?;
        let key = self.key.clone();
        let decrypt = move || {
            let opened = key.decrypt(&token).map(|plain| plain.to_vec());
            drop((turn, place));
            opened
        };
        let opened = tokio::task::spawn_blocking(decrypt).await;
        opened.map_err(|_| Problem::internal())?.map_err(|error| match error {
            JweError::InvalidPayload => invalid_payload(),
            JweError::CantDecrypt => {
                let detail = "The payload can't be decrypted with our key.";
                Problem::bad_request("CANT_DECRYPT_PAYLOAD", detail)
            }
        })
    }
}

/// That the answer will be encrypted.
#[derive(Clone, Copy)]
struct Asked;

/// Demands that the answer be encrypted: for endpoints that show card data.
pub(crate) struct Required;

impl<S: Sync> FromRequestParts<S> for Required {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.extensions.get::<Asked>().is_some() {
            return Ok(Self);
        }
        let detail =
            "Card data is sent encrypted only: send Encrypt-Response: true and Public-Key.";
        Err(Problem::bad_request("ENCRYPTION_REQUIRED", detail))
    }
}

/// Decrypts the request and encrypts the answer, as the headers ask.
pub(crate) async fn both_ways(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    let both = is_true(request.headers(), "encrypted-request");
    if !both && !is_true(request.headers(), "encrypt-response") {
        return next.run(request).await;
    }
    let key = match public_key(request.headers()) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(Asked);
    if both {
        request = match decrypted(&api, request).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
    }
    encrypted(&key, next.run(request).await).await
}

/// A header is true only if it is the word `true`.
fn is_true(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes() == b"true")
}

fn public_key(headers: &HeaderMap) -> Result<PublicKey, Problem> {
    let sent = headers.get("public-key").and_then(|value| value.to_str().ok());
    sent.and_then(|text| PublicKey::parse(text).ok()).ok_or_else(|| {
        let detail = "Public-Key must be base64 of an RSA public key, PEM or DER, of 2048 to 4096 \
                      bits with exponent 65537.";
        Problem::bad_request("INVALID_PUBLIC_KEY", detail)
    })
}

async fn decrypted(api: &Api, request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let broken = |_| Problem::unreadable("The body broke off.");
    let body = to_bytes(body, usize::MAX).await.map_err(broken)?;
    if body.is_empty() {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    let token = payload(&body).ok_or_else(invalid_payload)?;
    let opened = api.jwe_key.decrypt(token).await?;
    if serde_json::from_slice::<serde::de::IgnoredAny>(&opened).is_err() {
        return Err(invalid_payload());
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(opened)))
}

/// The token of a body that is exactly `{"payload": "…"}`.
fn payload(body: &[u8]) -> Option<String> {
    let sent: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
    if sent.len() != 1 {
        return None;
    }
    sent.get("payload")?.as_str().map(str::to_owned)
}

fn invalid_payload() -> Problem {
    let detail = "The body must be {\"payload\": \"…\"} with a compact JWE of JSON, alg \
                  RSA-OAEP-256 or RSA-OAEP, enc A256GCM.";
    Problem::bad_request("INVALID_PAYLOAD", detail)
}

/// Only successes are encrypted, and never one without content.
async fn encrypted(key: &PublicKey, response: Response) -> Response {
    let status = response.status();
    if !status.is_success() || status == StatusCode::NO_CONTENT {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, ANSWER_MAX).await else {
        return Problem::internal().into_response();
    };
    let sealed = json!({ "payload": key.encrypt(None, &plain) }).to_string();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(answer: Result<Vec<u8>, Problem>) -> Result<Vec<u8>, StatusCode> {
        answer.map_err(|problem| problem.into_response().status())
    }

    #[tokio::test]
    async fn only_so_many_requests_wait_to_be_decrypted() {
        let key = Arc::new(PrivateKey::generate());
        let public = PublicKey::parse(&key.public_header()).expect("our own key");
        let token = public.encrypt(None, b"{}");
        let decryption = Decryption::limited(key, 1, 2);

        let busy = decryption.places.clone().try_acquire_many_owned(3).expect("all are free");
        let refused = decryption.decrypt(token.clone()).await;
        assert_eq!(status(refused), Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(busy);
        let decrypt = || async { status(decryption.decrypt(token.clone()).await) };
        let answers = tokio::join!(decrypt(), decrypt(), decrypt());
        for answer in [answers.0, answers.1, answers.2] {
            assert_eq!(answer, Ok(b"{}".to_vec()));
        }
        assert_eq!(decryption.places.available_permits(), 3);
        assert_eq!(decryption.working.available_permits(), 1);
    }
}
