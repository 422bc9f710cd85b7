//! `POST /processor/v1/authorizations`.

use super::{card, details, envelope, key, own};
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{Fields, boolean, parsed};
use app::processor::Authorize;
use app::processor::Message;
use axum::extract::State;
use domain::authorization::Expiry;
use domain::program::PreAuthorization;
use domain::secret::Cvv;
use domain::transaction::{Processing, TransactionType};
use serde_json::{Value, json};

/// Decides an authorization → 200 `{"id", "approved", "description", "actionCode", …}`.
pub(crate) async fn authorize(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let command = read(&call)?;
    Ok(Answer::ok(decision_json(&api.app.authorize(command).await?)))
}

fn read(call: &Call) -> Result<Authorize, Problem> {
    let mut fields = call.fields()?;
    key(&mut fields, call);
    let card = card(&mut fields);
    let said = details(&mut fields, call, own(card.as_ref()));
    not_yet(&mut fields);
    let only = "must be authorization: other kinds aren't supported yet";
    fields.required("kind", parsed(|text| (text == "authorization").then_some(()), only));
    let kinds = "must be pos, atm, cashback_at_pos or aft";
    let kind = fields.required("type", parsed(network_type, kinds));
    let cvv = fields.optional("cvv", parsed(|text| Cvv::parse(text).ok(), "must be three digits"));
    let expiry = fields.optional("expiry", parsed(expiry, "must be YYYY-MM"));
    let estimated = fields.optional("preAuthorization", boolean);
    let (Some(card), Some(details), Some(kind)) = (card, said, kind) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let pre_authorization =
        if estimated == Some(true) { PreAuthorization::Yes } else { PreAuthorization::No };
    let envelope = envelope(call, card)?;
    Ok(Authorize { envelope, details, kind, cvv, expiry, pre_authorization })
}

/// What would change the decision and can't be obeyed is refused, not ignored. Partial approval
/// is an offer that may be left alone.
fn not_yet(fields: &mut Fields<'_>) {
    for name in ["pinBlock", "verifications"] {
        if fields.has(name) {
            fields.wrong(name, "isn't supported yet");
        }
    }
    let _ = fields.optional("partialApproval", boolean);
}

fn network_type(text: &str) -> Option<TransactionType> {
    TransactionType::parse(text).filter(|kind| kind.is_of_the_network())
}

/// `2029-11`.
fn expiry(text: &str) -> Option<Expiry> {
    let (year, month) = text.split_once('-')?;
    let plausible = year.len() == 4 && month.len() == 2;
    let (year, month) = (year.parse().ok()?, month.parse().ok()?);
    (plausible && (1..=12).contains(&month)).then_some(Expiry { year, month })
}

fn decision_json(message: &Message) -> Value {
    json!({
        "id": message.transaction.0,
        "approved": message.processing == Processing::Success,
        "description": message.description.as_str(),
        "actionCode": message.action_code,
        "approvedAmount": message.approved_amount.minor(),
        "authorizationCode": message.authorization_code,
    })
}
