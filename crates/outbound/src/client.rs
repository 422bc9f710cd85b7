//! One call to one partner, and its answer.

use crate::SharedSecret;
use crate::guard::{NotPublic, PublicOnly};
use crate::signature::{Signature, sign};
use crate::target::{Reach, Target, TargetError, base_url};
use hyper_util::client::legacy::connect::HttpInfo;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::multipart::Form;
use reqwest::{RequestBuilder, Response, redirect};
use std::error::Error as StdError;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;
use uuid::Uuid;

/// How long finding, connecting and the TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection is kept that nothing is sent over.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections that are kept so at most, of a partner that doesn't talk HTTP/2: as many as there
/// are calls at once, 64 questions and 64 runs of notifications. What is more is closed after its
/// call, and the next call has to connect and to shake hands again.
const IDLE_MAX: usize = 128;
/// Bytes of an answer at most.
pub const ANSWER_MAX: usize = 64 * 1024;
/// Bytes of an answer that is a list at most.
pub const LIST_MAX: usize = 1024 * 1024;
/// Bytes of an answer's headers at most, of HTTP/2; HTTP/1.1 has a limit of its own.
const HEADERS_MAX: u32 = 16 * 1024;
const USER_AGENT: &str = concat!("Antaca/", env!("CARGO_PKG_VERSION"));

/// A partner that can be called, with connections that are kept.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
}

/// What a call does at the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Asks or tells.
    Post,
    /// Changes.
    Put,
    /// Removes.
    Delete,
}

/// A call to a partner. It has no `Debug`: a body may hold what must not be logged.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What it does.
    pub method: Method,
    /// What follows the base URL: begins with a slash, its segments are percent-encoded.
    pub path: &'a str,
    /// The same at every retry: `X-Idempotency-Key` and `webhook-id`.
    pub key: Uuid,
    /// `X-Request-Id`: what our logs call the request that this call comes from.
    pub request_id: &'a str,
    /// JSON; empty where there is none.
    pub body: &'a [u8],
    /// How long everything may take, from finding the address to the last byte of the answer.
    pub timeout: Duration,
    /// What it is signed by: the partner's secret, and for a while the one before.
    pub secrets: &'a [SharedSecret],
    /// Real time, which is signed.
    pub now: Timestamp,
    /// Bytes of the answer's body at most: [`ANSWER_MAX`], or [`LIST_MAX`].
    pub answer_max: usize,
}

/// A question to an eKYC provider: a form that is sent, or after what became of it. It has no
/// `Debug`, as [`Call`] has none.
pub(crate) struct Question<'a> {
    /// What follows the base URL, as [`Call::path`].
    pub(crate) path: &'a str,
    /// The same at every retry.
    pub(crate) key: Uuid,
    /// What our logs call it.
    pub(crate) request_id: &'a str,
    /// What is sent; without it, nothing is, and it is a `GET`.
    pub(crate) form: Option<Form>,
    /// `Authorization`, if the provider wants one.
    pub(crate) authorization: Option<&'a HeaderValue>,
    /// As [`Call::timeout`].
    pub(crate) timeout: Duration,
    /// Real time.
    pub(crate) now: Timestamp,
}

/// What a partner answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP; a redirect is one too, and isn't followed.
    pub status: u16,
    /// At most as many bytes as the call allows.
    pub body: Vec<u8>,
    /// Whether the body says that it is `application/problem+json`.
    pub is_problem_json: bool,
    /// How long the partner asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// An answer, and what a check of the partner's server looks at besides.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The answer.
    pub(crate) answer: Answer,
    /// What it says that its body is, in lower case, without parameters.
    pub(crate) media_type: String,
    /// Our end of the connection that it came over.
    pub(crate) from: Option<SocketAddr>,
}

/// Why there is no answer. Nothing in it comes from the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The name leads to an address that isn't public. Nothing was sent.
    #[error("the partner's name leads to an address that isn't public")]
    Forbidden,
    /// No address, or no connection in time. Nothing was sent.
    #[error("the partner can't be connected to")]
    Connect,
    /// One side didn't accept the other's certificate, or TLS failed. A server of TLS 1.3 that
    /// refuses our certificate does so after its own handshake is done, so it can look as
    /// [`Self::Broken`] too.
    #[error("the connection to the partner can't be secured")]
    Tls,
    /// No whole answer in time. The partner may have done what it was asked.
    #[error("the partner didn't answer in time")]
    Timeout,
    /// The connection ended before the answer did, or the answer isn't HTTP. The partner may have
    /// done what it was asked.
    #[error("the partner's answer broke off or wasn't understood")]
    Broken,
    /// More than the call allows. The partner may have done what it was asked.
    #[error("the partner's answer is too large")]
    TooLarge,
}

impl CallError {
    /// The word for it in logs and in the log of attempts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "FORBIDDEN_TARGET",
            Self::Connect => "CONNECT_FAILED",
            Self::Tls => "TLS_FAILED",
            Self::Timeout => "TIMEOUT",
            Self::Broken => "BROKEN_ANSWER",
            Self::TooLarge => "ANSWER_TOO_LARGE",
        }
    }
}

impl Client {
    /// A client for this partner alone. Nothing is connected to yet.
    pub fn new(target: &Target) -> Result<Self, TargetError> {
        let base_url = base_url(&target.base_url, target.reach)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(target.tls()?)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX)
            .http2_max_header_list_size(HEADERS_MAX);
        let http = match target.reach {
            Reach::Public => http.dns_resolver(PublicOnly),
            Reach::Anywhere => http,
        };
        // Everything that can be wrong with TLS was checked; nothing else is taken from outside.
        let http = http.build().map_err(|_| TargetError::Identity)?;
        Ok(Self { http, base_url })
    }

    /// Makes one call, without a retry. Any status is an answer.
    ///
    /// # Panics
    ///
    /// If the path doesn't begin with a slash: it could name another host then.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        self.look(call).await.map(|seen| seen.answer)
    }

    /// As [`Client::call`], and tells how the answer came.
    pub(crate) async fn look(&self, call: &Call<'_>) -> Result<Seen, CallError> {
        assert!(call.path.starts_with('/'), "a path begins with a slash");
        send(self.request(call), call.timeout, (call.now, call.answer_max)).await
    }

    /// Asks once, as [`Client::call`] calls.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Answer, CallError> {
        assert!(question.path.starts_with('/'), "a path begins with a slash");
        let url = format!("{}{}", self.base_url, question.path);
        let request = match question.form {
            Some(form) => self.http.post(url).multipart(form),
            None => self.http.get(url),
        };
        let mut request = request
            .header(ACCEPT, "application/json")
            .header("X-Idempotency-Key", question.key.to_string())
            .header("X-Request-Id", question.request_id);
        if let Some(authorization) = question.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let reading = (question.now, ANSWER_MAX);
        send(request, question.timeout, reading).await.map(|seen| seen.answer)
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let url = format!("{}{}", self.base_url, call.path);
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let Signature { timestamp, signatures } = sign(call.key, call.now, call.body, call.secrets);
        let request = self
            .http
            .request(method, url)
            .header(ACCEPT, "application/json")
            .header("X-Idempotency-Key", call.key.to_string())
            .header("X-Request-Id", call.request_id)
            .header("webhook-id", call.key.to_string())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures);
        if call.body.is_empty() {
            return request;
        }
        request.header(CONTENT_TYPE, "application/json").body(call.body.to_vec())
    }
}

async fn send(
    request: RequestBuilder,
    timeout: Duration,
    reading: (Timestamp, usize),
) -> Result<Seen, CallError> {
    let answered = async {
        let response = request.send().await.map_err(|error| failure(&error))?;
        answer(response, reading).await
    };
    tokio::time::timeout(timeout, answered).await.unwrap_or(Err(CallError::Timeout))
}

async fn answer(mut response: Response, (now, max): (Timestamp, usize)) -> Result<Seen, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > max {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let media_type = media_type(response.headers());
    let answer = Answer {
        status: response.status().as_u16(),
        body,
        is_problem_json: media_type == "application/problem+json",
        retry_after: retry_after(response.headers(), now),
    };
    let from = response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr);
    Ok(Seen { answer, media_type, from })
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (media_type, _) = value.split_once(';').unwrap_or((value, ""));
    media_type.trim().to_ascii_lowercase()
}

/// Seconds or a date (RFC 9110, section 10.2.3); anything else says nothing.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// What an error of the library means to us.
fn failure(error: &reqwest::Error) -> CallError {
    let cause = causes(error);
    if cause.not_public {
        CallError::Forbidden
    } else if cause.tls {
        CallError::Tls
    } else if error.is_connect() {
        CallError::Connect
    } else if error.is_timeout() {
        CallError::Timeout
    } else {
        CallError::Broken
    }
}

/// How rustls tells of an alert, which is how a server refuses our certificate. HTTP/2 keeps of an
/// error no more than its text.
const ALERT: &str = "received fatal alert";

/// What lies beneath an error.
#[derive(Default)]
struct Causes {
    not_public: bool,
    tls: bool,
}

fn causes(error: &reqwest::Error) -> Causes {
    let mut found = Causes::default();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        found.not_public |= error.is::<NotPublic>();
        found.tls |= error.is::<rustls::Error>() || error.to_string().contains(ALERT);
        // An I/O error hides the error that it was made of from `source`.
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found
}
