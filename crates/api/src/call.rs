//! A request as the endpoints see it: who, which key, what path, what body.

use crate::identity::Caller;
use crate::layers::{Received, request_id};
use crate::masking::mask;
use crate::problem::Problem;
use crate::wire::Fields;
use crate::{Api, Peer};
use app::audit::Origin;
use app::{Once, Refusal};
use axum::body::to_bytes;
use axum::extract::{
    FromRequest, FromRequestParts, MatchedPath, Multipart, RawPathParams, Request,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use domain::ids::{BalanceId, CardId, OperationId, ProcessorId, TransactionId, UserId};
use domain::scope::Scope;
use serde_json::Value;
use std::time::Instant;
use uuid::Uuid;

/// How deep a JSON body may be nested.
const DEPTH_MAX: usize = 32;
/// Page sizes: the default and the largest.
const PAGE: (i64, i64) = (50, 200);

/// What a request carries beside its body.
#[derive(Debug)]
pub(crate) struct Head {
    caller: Caller,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    endpoint: String,
    key: Option<String>,
    origin: Origin,
    /// The name of the request.
    pub(crate) request_id: String,
    /// When it came in.
    pub(crate) received: Instant,
    /// The keyed digest of all of it.
    pub(crate) fingerprint: [u8; 32],
}

/// A request with a JSON body, or none.
#[derive(Debug)]
pub(crate) struct Call {
    head: Head,
    body: Option<Value>,
}

/// A request with a form.
#[derive(Debug)]
pub(crate) struct FormCall {
    head: Head,
    /// The form's parts, in order.
    pub(crate) parts: Vec<Part>,
}

/// One part of a form.
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({}, {} bytes)", self.name, self.bytes.len())
    }
}

impl std::ops::Deref for Call {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl std::ops::Deref for FormCall {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl Head {
    /// The partner whose data the caller may touch.
    pub(crate) fn scope(&self) -> Result<Scope, Problem> {
        match self.caller {
            Caller::Partner(scope) => Ok(scope),
            Caller::Processor(_) => Err(Problem::internal()),
        }
    }

    /// The processor that calls.
    pub(crate) fn processor(&self) -> Result<ProcessorId, Problem> {
        match self.caller {
            Caller::Processor(processor) => Ok(processor),
            Caller::Partner(_) => Err(Problem::internal()),
        }
    }

    /// What makes the command be done once.
    pub(crate) fn once<T>(&self, render: fn(&T) -> Value) -> Once<T> {
        Once {
            endpoint: self.endpoint.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint,
            origin: self.origin.clone(),
            render,
        }
    }

    /// Where the command comes from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The idempotency key, if it was sent.
    pub(crate) fn key(&self) -> Option<String> {
        self.key.clone()
    }

    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The user that the path names.
    pub(crate) fn user(&self) -> Result<UserId, Problem> {
        self.user_if_named()?.ok_or_else(|| refused(Refusal::CustomerNotFound))
    }

    /// The user that the path names, where it may name none.
    pub(crate) fn user_if_named(&self) -> Result<Option<UserId>, Problem> {
        match self.param("customerId") {
            None => Ok(None),
            Some(text) => number(text)
                .map(|id| Some(UserId(id)))
                .ok_or_else(|| refused(Refusal::CustomerNotFound)),
        }
    }

    /// The balance that the path names.
    pub(crate) fn balance(&self) -> Result<BalanceId, Problem> {
        let id = self.param("balanceId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(BalanceId).ok_or_else(|| refused(Refusal::BalanceNotFound))
    }

    /// The card that the path names.
    pub(crate) fn card(&self) -> Result<CardId, Problem> {
        let id = self.param("cardId").and_then(number);
        id.map(CardId).ok_or_else(|| refused(Refusal::CardNotFound))
    }

    /// The operation that the path names.
    pub(crate) fn operation(&self) -> Result<OperationId, Problem> {
        let id = self.param("operationId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(OperationId).ok_or_else(|| refused(Refusal::OperationNotFound))
    }

    /// The transaction that the path names.
    pub(crate) fn transaction(&self) -> Result<TransactionId, Problem> {
        let id = self.param("transactionId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(TransactionId).ok_or_else(|| refused(Refusal::TransactionNotFound))
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// How many items a page has: `limit`, 1 to 200.
    pub(crate) fn limit(&self) -> Result<i64, Problem> {
        let Some(text) = self.query("limit") else { return Ok(PAGE.0) };
        let limit = number(text).filter(|limit| (1..=PAGE.1).contains(limit));
        limit.ok_or_else(|| Problem::invalid_field("limit", "must be 1 to 200"))
    }

    /// Where the page begins: `after`, as `next` of the page before told it.
    pub(crate) fn after(&self) -> Result<Option<i64>, Problem> {
        let wrong = || Problem::invalid_field("after", "must be the next of another page");
        self.query("after").map(|text| number(text).ok_or_else(wrong)).transpose()
    }
}

impl Call {
    /// The fields of the body, which must be there.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, Problem> {
        match &self.body {
            Some(Value::Object(object)) => Ok(Fields::of(object)),
            Some(_) => Err(Problem::unreadable("The body must be a JSON object.")),
            None => Err(Problem::unreadable("The body is missing.")),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A refusal as a problem.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    app::Error::from(refusal).into()
}

impl FromRequest<Api> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let broken = |_| Problem::unreadable("The body broke off.");
        let bytes = to_bytes(body, usize::MAX).await.map_err(broken)?;
        let body = json_body(&parts.headers, &bytes)?;
        let canonical = body.as_ref().map(Value::to_string).unwrap_or_default();
        let head = head(&mut parts, api, &[canonical.as_bytes()]).await?;
        Ok(Self { head, body })
    }
}

impl FromRequest<Api> for FormCall {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let form = Request::from_parts(parts.clone(), body);
        let wrong = |_| Problem::media_type("The body must be multipart/form-data.");
        let mut form = Multipart::from_request(form, api).await.map_err(wrong)?;
        let broken = |_| Problem::unreadable("The form can't be read.");
        let mut read = Vec::new();
        while let Some(part) = form.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await.map_err(broken)?.to_vec();
            read.push(Part { name, bytes });
        }
        let mut digested: Vec<&[u8]> = Vec::new();
        for part in &read {
            digested.extend([part.name.as_bytes(), part.bytes.as_slice()]);
        }
        let head = head(&mut parts, api, &digested).await?;
        Ok(Self { head, parts: read })
    }
}

async fn head(parts: &mut Parts, api: &Api, body: &[&[u8]]) -> Result<Head, Problem> {
    let caller = parts.extensions.get::<Caller>().copied().ok_or_else(Problem::internal)?;
    let not_there = |_| Problem::not_found("NOT_FOUND", "There is no such route.");
    let params = RawPathParams::from_request_parts(parts, api).await.map_err(not_there)?;
    let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = &parts.method;
    let mut digested: Vec<&[u8]> = vec![method.as_str().as_bytes(), parts.uri.path().as_bytes()];
    digested.extend(body);
    let received = parts.extensions.get::<Received>().map_or_else(Instant::now, |at| at.0);
    Ok(Head {
        caller,
        params,
        query: query(parts.uri.query().unwrap_or_default())?,
        endpoint: format!("{method} {route}"),
        key: idempotency_key(method, &parts.headers)?,
        origin: origin(parts, caller, api),
        request_id: request_id(),
        received,
        fingerprint: api.app.keyring.fingerprint(&digested),
    })
}

/// Who sent a request, and from where.
fn origin(parts: &Parts, caller: Caller, api: &Api) -> Origin {
    let peer = parts.extensions.get::<Peer>();
    let actor = match caller {
        Caller::Partner(_) => certificate_name(peer, api),
        Caller::Processor(id) => format!("processor:{}", id.0),
    };
    Origin { actor, address: peer.and_then(|peer| peer.address), request_id: request_id() }
}

/// Common name and serial number of a caller's certificate.
fn certificate_name(peer: Option<&Peer>, api: &Api) -> String {
    let der = peer.and_then(|peer| peer.certificate.as_deref()).unwrap_or_default();
    let settings = api.app.settings.get();
    let held = settings.certificate(&crypto::certificates::fingerprint(der));
    // It was registered when it was checked, a moment ago.
    let (name, serial) =
        held.map_or(("", "unknown"), |held| (held.common_name.as_str(), held.serial.as_str()));
    format!("certificate:{}/{serial}", mask(name))
}

/// The pairs of a query, decoded.
fn query(text: &str) -> Result<Vec<(String, String)>, Problem> {
    serde_urlencoded::from_str(text).map_err(|_| Problem::unreadable("The query can't be read."))
}

/// 1 to 255 printable characters, on whatever changes something.
fn idempotency_key(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    if !matches!(*method, Method::POST | Method::PUT | Method::DELETE) {
        return Ok(None);
    }
    let Some(value) = headers.get("x-idempotency-key") else { return Ok(None) };
    let printable = |text: &&str| {
        (1..=255).contains(&text.chars().count()) && text.chars().all(|c| !c.is_control())
    };
    let text = std::str::from_utf8(value.as_bytes()).ok().filter(printable);
    let wrong =
        || Problem::invalid_field("X-Idempotency-Key", "must be 1 to 255 printable characters");
    text.map(|text| Some(text.to_owned())).ok_or_else(wrong)
}

/// Reads a JSON body; an empty one is none.
fn json_body(headers: &HeaderMap, bytes: &[u8]) -> Result<Option<Value>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::media_type("The body must be application/json."));
    }
    let wrong = |_| Problem::unreadable("The body isn't JSON.");
    let value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
    if depth(&value) > DEPTH_MAX {
        return Err(Problem::unreadable("The body is nested too deep."));
    }
    Ok(Some(value))
}

/// How deep a value is nested. The parser itself stops at 128, so this ends.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(items) => 1 + items.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;

    fn status<T: std::fmt::Debug>(read: Result<T, Problem>) -> StatusCode {
        read.expect_err("refused").into_response().status()
    }

    fn json_headers(media_type: &'static str) -> HeaderMap {
        let value = header::HeaderValue::from_static(media_type);
        [(header::CONTENT_TYPE, value)].into_iter().collect()
    }

    #[test]
    fn a_query_is_pairs_of_decoded_texts() {
        for (text, pairs) in [
            ("", &[] as &[(&str, &str)]),
            ("a=1", &[("a", "1")]),
            ("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]),
            ("a", &[("a", "")]),
            ("a=", &[("a", "")]),
            ("=1", &[("", "1")]),
            ("&&", &[]),
            ("a=%C5%BC+x%26y%3D", &[("a", "ż x&y=")]),
            ("a=%00", &[("a", "\0")]),
            ("a=%", &[("a", "%")]),
            ("a=%zz", &[("a", "%zz")]),
            ("a=%FF", &[("a", "\u{fffd}")]),
        ] {
            let read = query(text).expect("readable");
            let read: Vec<(&str, &str)> =
                read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(read, pairs, "{text}");
        }
    }

    #[test]
    fn a_number_in_a_path_is_digits_alone() {
        for (text, read) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("1 ", None),
            ("1\0", None),
            ("١", None),
        ] {
            assert_eq!(number(text), read, "{text}");
        }
    }

    #[test]
    fn a_body_is_json_of_32_levels() {
        let headers = json_headers("application/json; charset=utf-8");
        let nested = |levels: usize| [&b"[".repeat(levels)[..], &b"]".repeat(levels)].concat();
        let objects =
            |levels: usize| [&b"{\"a\":".repeat(levels)[..], b"1", &b"}".repeat(levels)].concat();
        for good in [nested(1), nested(32), objects(32), b" {} ".to_vec(), b"1".to_vec()] {
            assert!(json_body(&headers, &good).expect("readable").is_some());
        }
        for bad in [nested(33), nested(127), nested(128), nested(100_000), objects(33)] {
            assert_eq!(status(json_body(&headers, &bad)), StatusCode::BAD_REQUEST);
        }
        for bad in [&b"{"[..], b"{} {}", b"{\"a\":\"\xff\"}", b"\"\\ud800\"", b"nul", b" "] {
            assert_eq!(status(json_body(&headers, bad)), StatusCode::BAD_REQUEST);
        }
        assert!(json_body(&HeaderMap::new(), b"").expect("none").is_none());
        for other in ["text/plain", "application/jsonx", "text/json", ""] {
            let read = json_body(&json_headers(other), b"{}");
            assert_eq!(status(read), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{other}");
        }
    }

    #[test]
    fn an_idempotency_key_is_printable() {
        let of = |method: &Method, key: &[u8]| {
            let value = header::HeaderValue::from_bytes(key).ok()?;
            let headers = [(header::HeaderName::from_static("x-idempotency-key"), value)];
            Some(idempotency_key(method, &headers.into_iter().collect()))
        };
        let long = [b'k'; 256];
        for good in [&b"a"[..], b"a b", "klucz-ż".as_bytes(), &long[..255]] {
            let key = of(&Method::POST, good).expect("a header").expect("a key");
            assert_eq!(key.as_deref().map(str::as_bytes), Some(good));
            assert_eq!(of(&Method::GET, good).expect("a header").expect("no key"), None);
        }
        for bad in [&b""[..], &long, b"\xff", b"a\tb", "a\u{85}".as_bytes()] {
            let read = of(&Method::PUT, bad).expect("a header");
            assert_eq!(status(read), StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}");
        }
        for no_header in [&b"\0"[..], b"a\0b", b"a\nb", b"\x7f"] {
            assert!(of(&Method::POST, no_header).is_none(), "{no_header:?}");
        }
    }
}
