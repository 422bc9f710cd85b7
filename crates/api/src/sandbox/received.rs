//! `GET /sandbox/v1/received`: what the demonstration partner was sent.

use crate::Api;
use crate::answer::Answer;
use crate::call::{Call, refused};
use crate::problem::Problem;
use app::Refusal;
use axum::extract::State;
use serde_json::Value;

/// Lists what was sent for this partner → 200 a page, newest last.
pub(crate) async fn received(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let settings = api.app.settings.get();
    let partner = settings.partner(call.scope()?.partner());
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?;
    let page = api.sandbox()?.received(&partner.code, call.after()?, call.limit()?);
    Ok(Answer::page(&page, Value::clone))
}
