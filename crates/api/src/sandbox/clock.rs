//! `POST /sandbox/v1/clock`: moves the business time.

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{Read, integer, moment};
use app::sandbox::CLOCK_MAX;
use axum::extract::State;
use domain::Timestamp;
use serde_json::{Value, json};

/// Moves the time of all partners ahead → 200 the time that it is then.
pub(crate) async fn advance(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let mut fields = call.fields()?;
    let seconds = fields.required("advanceSeconds", seconds);
    fields.only(&["advanceSeconds"]);
    let seconds = match seconds {
        Some(seconds) => fields.finish().map(|()| seconds)?,
        None => return Err(fields.problem()),
    };
    let (sandbox, real, once) = (api.sandbox()?, (api.real_time)(), call.once(now_json));
    let answer = api.app.advance_clock(call.scope()?, seconds, real, once).await?;
    // Also for a retry: the first try may have ended before this.
    sandbox.set_clock_ahead(api.app.clock_ahead().await?);
    Ok(Answer::ok(answer))
}

fn now_json(now: &Timestamp) -> Value {
    json!({ "now": moment(*now) })
}

fn seconds(value: &Value) -> Read<u32> {
    let seconds = integer(value)?;
    let seconds = u32::try_from(seconds).ok().filter(|seconds| i64::from(*seconds) <= CLOCK_MAX);
    seconds.ok_or("must be 0 to 315619200, ten years: the clock doesn't go back")
}
