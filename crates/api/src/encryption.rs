//! JWE on any route: `Encrypted-Request` both ways, `Encrypt-Response` for the answer alone
//! (spec "JWE").

mod decryption;
mod public_keys;

pub(crate) use decryption::Decryption;
use decryption::unopened;
pub(crate) use public_keys::PublicKeys;

use crate::identity::Caller;
use crate::measures;
use crate::problem::Problem;
use crate::{Api, Peer, call};
use app::Refusal;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use crypto::jwe::{PublicKey, Token};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Answers are made by us and small; a list of 200 items stays far below. A file that is larger is
/// refused.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// That the answer will be encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// And the request was too.
    Both,
    /// The answer alone.
    Answer,
}

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

/// Demands that the request was encrypted: for endpoints that are sent a PIN.
pub(crate) struct Sealed;

impl<S: Sync> FromRequestParts<S> for Sealed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.extensions.get::<Asked>() == Some(&Asked::Both) {
            return Ok(Self);
        }
        let detail = "A PIN is sent encrypted only: send Encrypted-Request: true and Public-Key.";
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
    let key = match public_key(&api, request.headers()) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(if both { Asked::Both } else { Asked::Answer });
    if both {
        request = match decrypted(&api, request).await {
            Ok(request) => {
                measures::jwe("decrypted");
                request
            }
            Err(problem) => return problem.into_response(),
        };
    }
    encrypted(&key, next.run(request).await).await
}

/// Whether a request, or the answer to it, is to be encrypted.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    ["encrypted-request", "encrypt-response"].iter().any(|name| is_true(headers, name))
}

/// A header is true only if it is the word `true`.
fn is_true(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes() == b"true")
}

/// The one `Public-Key` of a request; of two nobody knows which is meant.
fn public_key(api: &Api, headers: &HeaderMap) -> Result<Arc<PublicKey>, Problem> {
    let mut sent = headers.get_all("public-key").into_iter();
    let only = sent.next().filter(|_| sent.next().is_none());
    let text = only.and_then(|value| value.to_str().ok());
    text.and_then(|text| api.public_keys.read(text).ok()).ok_or_else(|| {
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
    let keys = api.app.jwe_keys.get().for_token(token.kid(), (api.real_time)());
    let holder = match parts.extensions.get::<Caller>() {
        Some(Caller::User(session)) => session.digest,
        Some(Caller::Admin(_, session)) => session.digest,
        // All strangers have one budget.
        Some(Caller::Visitor) => [0; 32],
        // And so have apps without a session.
        Some(Caller::App) => [1; 32],
        // Without a certificate nobody else comes this far.
        Some(Caller::Partner(_) | Caller::Operator(..) | Caller::Processor(_)) | None => {
            certificate(&parts).ok_or_else(Problem::internal)?
        }
    };
    let opened = api.decryption.decrypt(holder, keys, token).await?;
    if serde_json::from_slice::<Map<String, Value>>(&opened).is_err() {
        return Err(invalid_payload());
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(opened)))
}

/// What a line of a body holds that is encrypted by itself: `payload` is what stands for it. The
/// outer error is none of the line's.
pub(crate) async fn opened(
    api: &Api,
    parts: &Parts,
    payload: &Value,
) -> Result<Result<Value, Problem>, Problem> {
    let Some(token) = payload.as_str().and_then(|text| Token::parse(text).ok()) else {
        return Ok(Err(invalid_payload()));
    };
    let holder = certificate(parts).ok_or_else(Problem::internal)?;
    let keys = api.app.jwe_keys.get().for_token(token.kid(), (api.real_time)());
    let opened = match api.decryption.decrypt_in_turn(holder, keys, token).await? {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(unopened(error))),
    };
    measures::jwe("decrypted");
    let read = call::json(&opened).ok().filter(Value::is_object);
    Ok(read.ok_or_else(invalid_payload))
}

/// What is told of a line whose card isn't encrypted.
pub(crate) fn card_in_clear() -> Problem {
    let detail = "A card is sent encrypted only: its line must be {\"payload\": \"…\"}.";
    Problem::bad_request("ENCRYPTION_REQUIRED", detail)
}

fn certificate(parts: &Parts) -> Option<[u8; 32]> {
    parts.extensions.get::<Peer>()?.certificate
}

/// A body that is exactly `{"payload": "…"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    payload: String,
}

/// The token of an encrypted body.
fn payload(body: &[u8]) -> Option<Token> {
    // A list of the fields' values would be read as well.
    if !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let Envelope { payload } = serde_json::from_slice(body).ok()?;
    Token::parse(&payload).ok()
}

/// What is told of a body, or a line, that isn't exactly a payload.
pub(crate) fn invalid_payload() -> Problem {
    let detail = "The body must be {\"payload\": \"…\"} with a compact JWE of a JSON \
                  object, alg \
                  RSA-OAEP-256 or RSA-OAEP, enc A256GCM.";
    Problem::bad_request("INVALID_PAYLOAD", detail)
}

/// Only successes are encrypted, and never one without content.
async fn encrypted(key: &PublicKey, response: Response) -> Response {
    let status = response.status();
    if !status.is_success() || status == StatusCode::NO_CONTENT {
        return response;
    }
    if is_too_large(response.headers()) {
        return Problem::from(app::Error::from(Refusal::FileTooLarge)).into_response();
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, ANSWER_MAX).await else {
        return Problem::internal().into_response();
    };
    measures::jwe("encrypted");
    let sealed = json!({ "payload": key.encrypt(None, &plain) }).to_string();
    parts.headers.remove(header::CONTENT_LENGTH);
    // A file within is no file any more.
    parts.headers.remove(header::CONTENT_DISPOSITION);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(sealed))
}

/// Whether a body is more than can be encrypted, as its head tells.
fn is_too_large(headers: &HeaderMap) -> bool {
    let told = headers.get(header::CONTENT_LENGTH).and_then(|told| told.to_str().ok());
    told.and_then(|told| told.parse().ok()).is_some_and(|length: usize| length > ANSWER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::jwe::PrivateKey;

    #[test]
    fn an_encrypted_body_is_exactly_a_payload() {
        let key = PrivateKey::generate();
        let public = PublicKey::parse(&key.public_header()).expect("our own key");
        let token = public.encrypt(None, b"{}");
        for good in [
            format!(r#"{{"payload":"{token}"}}"#),
            format!(" \r\n{{ \"payload\" : \"{token}\" }}\n"),
            format!(r#"{{"p\u0061yload":"{token}"}}"#),
        ] {
            assert!(payload(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            token.clone(),
            format!(r#""{token}""#),
            format!(r#"["{token}"]"#),
            format!(r#"[{{"payload":"{token}"}}]"#),
            format!(r#"{{"payload":["{token}"]}}"#),
            format!(r#"{{"payload":{{"payload":"{token}"}}}}"#),
            format!(r#"{{"Payload":"{token}"}}"#),
            format!(r#"{{"payload":"{token}","payload":"{token}"}}"#),
            format!(r#"{{"payload":"{token}","x":null}}"#),
            format!(r#"{{"payload":"{token}"}}{{}}"#),
            format!(r#"{{"payload":" {token}"}}"#),
            format!(r#"{{"payload":"{token}"#),
            r#"{"payload":null}"#.to_owned(),
            r#"{"payload":""}"#.to_owned(),
            "{}".to_owned(),
            "null".to_owned(),
            " ".to_owned(),
            "payload=x".to_owned(),
        ] {
            assert!(payload(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_is_refused_before_it_is_read() {
        let key = PrivateKey::generate();
        let public = PublicKey::parse(&key.public_header()).expect("our own key");
        for (length, status) in [(ANSWER_MAX, StatusCode::OK), (ANSWER_MAX + 1, refused())] {
            let mut file = Response::new(Body::from("id"));
            file.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            assert_eq!(encrypted(&public, file).await.status(), status, "{length}");
        }
    }

    fn refused() -> StatusCode {
        crate::problem::status(Refusal::FileTooLarge)
    }
}
