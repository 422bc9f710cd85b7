//! A partner's server in miniature: it checks the signature of what it is sent, keeps it, and says
//! that it was understood. It is one server for all partners of a sandbox, and an example of how
//! such calls are received.

mod signature;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use signature::is_signed;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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

/// What the demonstration partner was sent.
pub struct Partner {
    secrets: Secrets,
    clock: Clock,
    kept: Mutex<HashMap<String, Kept>>,
}

/// What was sent for one partner.
#[derive(Default)]
struct Kept {
    /// The number of the last request.
    last: i64,
    /// The latest requests with their numbers, newest last.
    requests: VecDeque<(i64, Value)>,
}

impl Partner {
    /// A partner that has been sent nothing yet.
    #[must_use]
    pub fn new(secrets: Secrets, clock: Clock) -> Arc<Self> {
        Arc::new(Self { secrets, clock, kept: Mutex::default() })
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
    pub fn count(&self, code: &str) -> i64 {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(code).map_or(0, |kept| kept.last)
    }

    fn keep(&self, code: String, request: Value) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.entry(code).or_default();
        kept.last += 1;
        kept.requests.push_back((kept.last, request));
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

/// Notifications → 204, all else 404; 401 for what isn't signed.
async fn receive(
    State(partner): State<Arc<Partner>>,
    Path((code, _)): Path<(String, String)>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    body: Bytes,
) -> StatusCode {
    let now = (partner.clock)();
    let secrets = (partner.secrets)(code.clone()).await;
    if !is_signed(&headers, &body, &secrets, now) {
        return StatusCode::UNAUTHORIZED;
    }
    let path = uri.path().strip_prefix(&format!("{PREFIX}/{code}")).unwrap_or_default();
    let understood = method == Method::POST && path.starts_with("/notifications/");
    let request = json!({
        "method": method.as_str(),
        "path": path,
        "headers": headers_json(&headers),
        "body": body_json(&body),
        "at": now.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
    });
    partner.keep(code, request);
    if understood { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
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
        Partner::new(secrets, Arc::new(|| Timestamp::constant(1_700_000_000, 0)))
    }

    #[test]
    fn the_latest_requests_of_each_partner_are_kept() {
        let partner = partner();
        for number in 1..=KEPT_MAX + 5 {
            partner.keep("one".to_owned(), number.into());
        }
        partner.keep("two".to_owned(), "other".into());
        let all = partner.received("one", 0, 2 * KEPT_MAX);
        assert_eq!(all.len(), KEPT_MAX);
        assert_eq!((partner.count("one"), partner.count("three")), (KEPT_MAX as i64 + 5, 0));
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
