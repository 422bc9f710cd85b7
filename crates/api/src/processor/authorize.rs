//! `POST /processor/v1/authorizations`.

use super::{Reason, TAG, card, details, envelope, example, own};
use crate::Api;
use crate::answer::{Done, Named};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Fields, Reader, boolean, exactly, parsed, schema, word};
use app::processor::Authorize;
use app::processor::Message;
use domain::authorization::Expiry;
use domain::program::PreAuthorization;
use domain::secret::Cvv;
use domain::transaction::{Processing, TransactionType};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Decides an authorization → 200 `{"id", "approved", "description", "actionCode", …}`.
pub(crate) fn authorize() -> Endpoint {
    let mut example = example();
    example["kind"] = json!("authorization");
    example["type"] = json!("pos");
    Endpoint::of(read, authorized)
        .about(
            TAG,
            "Decide an authorization",
            "A decline is a 200: the message was understood. `partialApproval` is an offer that \
             is left alone so far.",
        )
        .example(example)
}

async fn authorized(api: Api, _: Head, command: Authorize) -> Result<Done<DecisionJson>, Problem> {
    Ok(Done::with(&DecisionJson::from(&api.app.authorize(command).await?)))
}

fn read(call: &Call) -> Result<Authorize, Problem> {
    let mut fields = call.fields()?;
    call.demand_key(&mut fields);
    let card = card(&mut fields);
    let said = details(&mut fields, call, own(card.as_ref()));
    not_yet(&mut fields);
    let only = "must be authorization: other kinds aren't supported yet";
    fields.required("kind", exactly("authorization", only));
    let kinds = "must be pos, atm, cashback_at_pos or aft";
    let kind = fields.required("type", word(&OF_THE_NETWORK, kinds));
    let cvv = fields.optional("cvv", cvv());
    let expiry = fields.optional("expiry", expiry());
    let estimated = fields.optional("preAuthorization", boolean());
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
        fields.unsupported(name);
    }
    let _ = fields.optional("partialApproval", boolean());
}

/// What a card network may send as an authorization.
const OF_THE_NETWORK: [TransactionType; 4] = [
    TransactionType::Pos,
    TransactionType::Atm,
    TransactionType::CashbackAtPos,
    TransactionType::Aft,
];

/// The code on the card's back.
fn cvv() -> impl Reader<Cvv> {
    let parse = |text: &str| Cvv::parse(text).ok();
    parsed(parse, || schema::pattern("^[0-9]{3}$"), "must be three digits")
}

/// `2029-11`.
fn expiry() -> impl Reader<Expiry> {
    let parse = |text: &str| {
        let (year, month) = text.split_once('-')?;
        let plausible = year.len() == 4 && month.len() == 2;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (plausible && (1..=12).contains(&month)).then_some(Expiry { year, month })
    };
    parsed(parse, || schema::pattern("^[0-9]{4}-(0[1-9]|1[0-2])$"), "must be YYYY-MM")
}

/// The decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
struct DecisionJson {
    /// The transaction's id.
    id: Uuid,
    /// Whether it was approved.
    approved: bool,
    /// Why.
    description: Reason,
    /// The four digits that the network is answered.
    #[schema(pattern = "^[0-9]{4}$")]
    action_code: String,
    /// What is held, in minor units of `currency`.
    #[schema(minimum = 0)]
    approved_amount: i64,
    /// What the merchant keeps of an approval: six digits.
    authorization_code: Option<String>,
}

impl From<&Message> for DecisionJson {
    fn from(message: &Message) -> Self {
        Self {
            id: message.transaction.0,
            approved: message.processing == Processing::Success,
            description: Named(message.description),
            action_code: message.action_code.clone(),
            approved_amount: message.approved_amount.minor(),
            authorization_code: message.authorization_code.clone(),
        }
    }
}
