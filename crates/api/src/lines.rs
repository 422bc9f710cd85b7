//! Many requests in one: a body of NDJSON has one object a line, and is answered with one a line,
//! in the same order.
//!
//! A line is a request of its own: what is wrong with one is its own answer and harms no other. Its
//! idempotency key is the request's and its place, so the same lines sent again under the same key
//! act once, each by itself.

use crate::Api;
use crate::answer::{Body, Done, Success};
use crate::call::{self, Call, Head};
use crate::problem::Problem;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;
use utoipa::ToSchema;

/// The media type of both directions.
pub(crate) const MEDIA: &str = "application/x-ndjson";
/// The most lines of a request: as many as usually go into the largest body, and as bounded as it
/// in what they need of memory and time.
const LINES_MAX: usize = 2_000;
/// How many lines of a request are worked on at once: enough to fill the engine's batches, and few
/// beside the places that a partner has in its queue.
const AT_ONCE: usize = 32;
/// Lines that name the same in this field are done one after the other, in their order.
const IN_ORDER: &str = "card";

/// A request of one object, or of many.
pub(crate) enum Sent {
    /// JSON.
    One(Box<Call>),
    /// NDJSON; where a line can't be read, why.
    Many(Vec<Result<Call, Problem>>),
}

impl FromRequest<Api> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        if !call::is_of(request.headers(), MEDIA) {
            return Ok(Self::One(Box::new(Call::from_request(request, api).await?)));
        }
        let (mut parts, body) = request.into_parts();
        let broken = |_| Problem::unreadable("The body broke off.");
        let bytes = to_bytes(body, usize::MAX).await.map_err(broken)?;
        let lines = split(&bytes)?;
        let head = call::head(&mut parts, api, &[]).await?;
        if head.key().is_none() {
            return Err(Problem::invalid_field("X-Idempotency-Key", "is required here"));
        }
        let read = |(line, number): (&[u8], u32)| {
            let body = call::json(line)?;
            let fingerprint = call::fingerprint(&parts, api, &[body.to_string().as_bytes()]);
            Ok(Call::line(head.clone(), number, body, fingerprint))
        };
        Ok(Self::Many(lines.into_iter().zip(1..).map(read).collect()))
    }
}

/// The lines that aren't blank.
fn split(bytes: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).take(LINES_MAX + 1).collect();
    match lines.len() {
        0 => Err(Problem::unreadable("The body is missing.")),
        1..=LINES_MAX => Ok(lines),
        _ => Err(Problem::too_large()),
    }
}

/// Answers each line.
pub(crate) async fn answer<C, W, F>(
    api: &Api,
    calls: Vec<Result<Call, Problem>>,
    read: fn(&Call) -> Result<C, Problem>,
    act: impl Fn(Api, Head, C) -> F + Clone + Send + Sync + 'static,
) -> Vec<Result<Done<W>, Problem>>
where
    C: Send + 'static,
    W: Send + 'static,
    F: Future<Output = Result<Done<W>, Problem>> + Send + 'static,
{
    let mut answers: Vec<Option<Result<Done<W>, Problem>>> = Vec::new();
    let mut readable = Vec::new();
    for (place, call) in calls.into_iter().enumerate() {
        answers.push(call.map(|call| readable.push((place, call))).err().map(Err));
    }
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut working = JoinSet::new();
    for run in in_order(api, readable) {
        let (api, act, places) = (api.clone(), act.clone(), places.clone());
        let work = async move {
            let _place = places.acquire_owned().await;
            let mut told = Vec::with_capacity(run.len());
            for (place, call) in run {
                let call = call.begun();
                let answer = match read(&call) {
                    Ok(command) => act(api.clone(), call.into_head(), command).await,
                    Err(problem) => Err(problem),
                };
                told.push((place, answer));
            }
            told
        };
        working.spawn(work.in_current_span());
    }
    while let Some(run) = working.join_next().await {
        let told = run.unwrap_or_else(|_| {
            tracing::error!("an endpoint panicked");
            Vec::new()
        });
        for (place, answer) in told {
            if let Some(of) = answers.get_mut(place) {
                *of = Some(answer);
            }
        }
    }
    answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(Problem::internal()))).collect()
}

/// The lines that have to wait for one another, together; in the order of their first ones.
fn in_order(api: &Api, calls: Vec<(usize, Call)>) -> Vec<Vec<(usize, Call)>> {
    let mut runs: Vec<Vec<(usize, Call)>> = Vec::new();
    let mut known: HashMap<[u8; 32], usize> = HashMap::new();
    for (place, call) in calls {
        let same = call.field(IN_ORDER).map(Value::to_string);
        let next = runs.len();
        let run = same.map_or(next, |same| {
            *known.entry(api.app.keyring.fingerprint(&[same.as_bytes()])).or_insert(next)
        });
        match runs.get_mut(run) {
            Some(run) => run.push((place, call)),
            None => runs.push(vec![(place, call)]),
        }
    }
    runs
}

/// 200 with a body, or with one for each line.
pub(crate) enum Answers<W> {
    /// JSON.
    One(Done<W>),
    /// NDJSON.
    Many(Vec<Result<Done<W>, Problem>>),
}

impl<W: ToSchema> Success for Answers<W> {
    const STATUS: StatusCode = StatusCode::OK;
    const FILES: &'static [&'static str] = &[MEDIA];

    fn body() -> Option<Body> {
        Done::<W>::body()
    }
}

impl<W> IntoResponse for Answers<W> {
    fn into_response(self) -> Response {
        let answers = match self {
            Self::One(done) => return done.into_response(),
            Self::Many(answers) => answers,
        };
        let mut body = String::new();
        for answer in answers {
            let line = answer.map_or_else(Problem::into_json, Done::into_json);
            body.push_str(&line.to_string());
            body.push('\n');
        }
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA))]);
        (StatusCode::OK, headers, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_a_newline_and_blank_ones_are_none() {
        for (body, lines) in [
            ("{}", &["{}"][..]),
            ("{}\n", &["{}"]),
            ("{}\r\n{\"a\":1}\r\n", &["{}", "{\"a\":1}"]),
            ("\n \n{}\n\t\n1\n\n", &["{}", "1"]),
            ("{\"a\":\n1}", &["{\"a\":", "1}"]),
        ] {
            let read = split(body.as_bytes()).expect("lines");
            assert_eq!(read, lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>());
        }
        assert!(split(b"").is_err() && split(b" \n\r\n").is_err());
        assert_eq!(split(&b"1\n".repeat(LINES_MAX)).expect("lines").len(), LINES_MAX);
        assert!(split(&b"1\n".repeat(LINES_MAX + 1)).is_err());
    }
}
