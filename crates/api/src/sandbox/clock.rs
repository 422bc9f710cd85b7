//! `POST /sandbox/v1/clock`: moves the business time.

use super::TAG;
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Reader, integer, moment, reader, schema};
use app::Refusal;
use app::sandbox::CLOCK_MAX;
use domain::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Moves the time of all partners ahead → 200 the time that it is then.
pub(crate) fn advance() -> Endpoint {
    Endpoint::of(read, advanced)
        .about(
            TAG,
            "Move the clock ahead",
            "Of all partners; it never goes back, and certificates keep real time.",
        )
        .example(json!({ "advanceSeconds": 86_400 }))
        .refuses(&[Refusal::ClockLimitReached])
}

fn read(call: &Call) -> Result<u32, Problem> {
    let mut fields = call.fields()?;
    let seconds = fields.required("advanceSeconds", seconds());
    fields.only(&["advanceSeconds"]);
    match seconds {
        Some(seconds) => fields.finish().map(|()| seconds),
        None => Err(fields.problem()),
    }
}

async fn advanced(api: Api, head: Head, seconds: u32) -> Result<Done<NowJson>, Problem> {
    let (sandbox, real) = (api.sandbox()?, (api.real_time)());
    let once = head.once(kept::<_, NowJson>);
    let answer = api.app.advance_clock(head.scope()?, seconds, real, once).await?;
    // Also for a retry: the first try may have ended before this.
    sandbox.set_clock_ahead(api.app.clock_ahead().await?);
    Ok(Done::kept(answer))
}

/// The time that it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Now)]
struct NowJson {
    /// The business time.
    #[schema(format = DateTime)]
    now: String,
}

impl From<&Timestamp> for NowJson {
    fn from(now: &Timestamp) -> Self {
        Self { now: moment(*now) }
    }
}

fn seconds() -> impl Reader<u32> {
    let wrong = "must be 0 to 315619200, ten years: the clock doesn't go back";
    let read = move |value: &serde_json::Value| {
        let seconds = integer().read(value)?;
        let seconds = u32::try_from(seconds).ok();
        seconds.filter(|seconds| i64::from(*seconds) <= CLOCK_MAX).ok_or(wrong)
    };
    reader(read, || schema::integer().minimum(Some(0)).maximum(Some(CLOCK_MAX)))
}
