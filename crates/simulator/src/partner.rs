//! A partner's server in miniature: it checks the signature of what it is sent, keeps it, and does
//! and answers what the contract says (`docs/partner-api.md`). It is one server for all partners of
//! a sandbox, and an example of how such calls are received: what is booked stands in [`Books`],
//! which tests use for doubles of partners too.

mod answers;
mod balances;
mod books;
mod public_key;
mod recent;
mod signature;
mod transactions;
mod triggers;

pub use books::{Books, By, Effect, Mode, Reply, Request, Transaction};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use signature::is_signed;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// What follows the address: a partner's code comes next, and then its own paths.
const PREFIX: &str = "/demonstration-partner";
/// Requests that are kept of each partner.
const KEPT_MAX: usize = 1_000;
/// Bytes of a body; our own calls have a few kilobytes.
const BODY_MAX: usize = 64 * 1024;

/// Tells the secrets that the calls to the partner of a code are signed with, any of them; none
/// where there is no such partner.
pub type Secrets = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Known> + Send>> + Send + Sync>;
/// The secrets of a partner.
pub type Known = Vec<Zeroizing<Vec<u8>>>;
/// Reads the real time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Tells how the partner of a code is played; asked anew at each call.
pub type Manners = Arc<dyn Fn(&str) -> Manner + Send + Sync>;

/// How a partner is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How its books are kept, from its first call on.
    pub mode: Mode,
    /// When it answers.
    pub pace: Pace,
}

/// When a partner answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// What it is asked after so long, all else at once.
    After(Duration),
    /// Never, whatever it is sent.
    Never,
}

impl Manner {
    /// As the sandbox's demonstration partner of a code: at once.
    #[must_use]
    pub fn of_sandbox(code: &str) -> Self {
        Self { mode: Mode::of_sandbox(code), pace: Pace::After(Duration::ZERO) }
    }
}

/// What a partner was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// All requests.
    pub all: i64,
    /// Those of them that asked something.
    pub asked: i64,
}

/// What the demonstration partner was sent.
pub struct Partner {
    secrets: Secrets,
    clock: Clock,
    manners: Manners,
    kept: Mutex<HashMap<String, Kept>>,
    /// By the partner's code.
    books: Mutex<HashMap<String, Books>>,
}

/// What was sent for one partner.
#[derive(Default)]
struct Kept {
    /// How many there were; the last one's number is that of all.
    count: Count,
    /// The latest requests with their numbers, newest last.
    requests: VecDeque<(i64, Value)>,
}

impl Partner {
    /// A partner that has been sent nothing yet.
    #[must_use]
    pub fn new(secrets: Secrets, clock: Clock, manners: Manners) -> Arc<Self> {
        let (kept, books) = (Mutex::default(), Mutex::default());
        Arc::new(Self { secrets, clock, manners, kept, books })
    }

    /// Where the paths of the partner of a code begin, on a server of this base URL.
    #[must_use]
    pub fn base_url(server: &str, code: &str) -> String {
        format!("{server}{PREFIX}/{code}")
    }

    /// Whether a URL was made by [`Partner::base_url`] for this code, also by an earlier server at
    /// another port.
    #[must_use]
    pub fn is_base_url(url: &str, code: &str) -> bool {
        url.starts_with("https://localhost:") && url.ends_with(&format!("{PREFIX}/{code}"))
    }

    /// What was sent for the partner of a code after the request of a number, oldest first, at most
    /// so many: each request as JSON, and its number.
    #[must_use]
    pub fn received(&self, code: &str, after: i64, limit: usize) -> Vec<(i64, Value)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = kept.get(code).into_iter().flat_map(|kept| &kept.requests);
        requests.filter(|(number, _)| *number > after).take(limit).cloned().collect()
    }

    /// How many requests were sent for the partner of a code, those that are no longer kept
    /// included.
    #[must_use]
    pub fn count(&self, code: &str) -> Count {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(code).map_or_else(Count::default, |kept| kept.count)
    }

    /// One call after the other, each as a whole.
    fn answer(&self, code: &str, mode: Mode, request: &Request<'_>, now: Timestamp) -> Reply {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Books::new(mode);
        books.entry(code.to_owned()).or_insert_with(new).answer(request, now)
    }

    fn keep(&self, code: String, request: Value, is_question: bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.entry(code).or_default();
        kept.count.all += 1;
        kept.count.asked += i64::from(is_question);
        kept.requests.push_back((kept.count.all, request));
        if kept.requests.len() > KEPT_MAX {
            kept.requests.pop_front();
        }
    }
}

/// What the server answers.
pub fn router(partner: Arc<Partner>) -> Router {
    Router::new()
        .route(&format!("{PREFIX}/{{code}}/{{*path}}"), axum::routing::any(receive))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(partner)
}

/// 401 for what isn't signed; all else as the books say.
async fn receive(
    State(partner): State<Arc<Partner>>,
    Path((code, _)): Path<(String, String)>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    body: Bytes,
) -> Response<Body> {
    let now = (partner.clock)();
    let secrets = (partner.secrets)(code.clone()).await;
    if !is_signed(&headers, &body, &secrets, now) {
        let detail = "The signature is of another secret, too old, or missing.";
        return response(&Reply::refused(401, "UNAUTHORIZED", detail));
    }
    let path = uri.path().strip_prefix(&format!("{PREFIX}/{code}")).unwrap_or_default();
    let key = headers.get("x-idempotency-key").and_then(|key| key.to_str().ok());
    let request = Request { method: method.as_str(), path, key, body: &body };
    let (manner, is_question) = ((partner.manners)(&code), request.is_question());
    let reply = partner.answer(&code, manner.mode, &request, now);
    let request = json!({
        "method": method.as_str(),
        "path": path,
        "headers": headers_json(&headers),
        "body": body_json(&body),
        "at": now.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
    });
    partner.keep(code, request, is_question);
    match manner.pace {
        Pace::After(pause) if is_question => tokio::time::sleep(reply.after.max(pause)).await,
        Pace::After(_) => tokio::time::sleep(reply.after).await,
        // It ends with the connection, or when whoever waits gives the call up.
        Pace::Never => std::future::pending().await,
    }
    response(&reply)
}

fn response(reply: &Reply) -> Response<Body> {
    let (body, media_type) = match &reply.body {
        None => (Body::empty(), None),
        Some(body) => (Body::from(body.to_string()), Some(reply.media_type())),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or_default();
    if let Some(media_type) = media_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

fn headers_json(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned().into();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

/// JSON as it is, other text as text, nothing as null.
fn body_json(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner() -> Arc<Partner> {
        let secrets: Secrets = Arc::new(|_| Box::pin(async { Vec::new() }));
        let clock = || Timestamp::constant(1_700_000_000, 0);
        Partner::new(secrets, Arc::new(clock), Arc::new(Manner::of_sandbox))
    }

    #[test]
    fn the_latest_requests_of_each_partner_are_kept() {
        let partner = partner();
        for number in 1..=KEPT_MAX + 5 {
            partner.keep("one".to_owned(), number.into(), number > KEPT_MAX);
        }
        partner.keep("two".to_owned(), "other".into(), false);
        let all = partner.received("one", 0, 2 * KEPT_MAX);
        assert_eq!(all.len(), KEPT_MAX);
        assert_eq!(partner.count("one"), Count { all: KEPT_MAX as i64 + 5, asked: 5 });
        assert_eq!(partner.count("three"), Count::default());
        assert_eq!(all.first(), Some(&(6, 6.into())));
        assert_eq!(partner.received("one", 6, 2), [(7, 7.into()), (8, 8.into())]);
        assert_eq!(partner.received("two", 0, 50), [(1, "other".into())]);
        assert!(partner.received("two", 1, 50).is_empty());
        assert!(partner.received("three", 0, 50).is_empty());
    }

    #[test]
    fn a_base_url_of_ours_is_recognised_at_any_port() {
        let url = Partner::base_url("https://localhost:4711", "sandbox");
        assert_eq!(url, "https://localhost:4711/demonstration-partner/sandbox");
        assert!(Partner::is_base_url(&url, "sandbox"));
        assert!(!Partner::is_base_url(&url, "shared"));
        assert!(!Partner::is_base_url("https://localhost:4711", "sandbox"));
    }

    #[test]
    fn a_body_is_shown_as_it_was_sent() {
        assert_eq!(body_json(b""), Value::Null);
        assert_eq!(body_json(br#"{"a": 1}"#), json!({ "a": 1 }));
        assert_eq!(body_json(b"{"), json!("{"));
    }
}
