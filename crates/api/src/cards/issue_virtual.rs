//! `POST /secure/customers/{customerId}/cards/virtual` and `POST /secure/cards/virtual`.

use super::full_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::encryption::Required;
use crate::masking::mask;
use crate::problem::Problem;
use crate::wire::{integer, parsed, text};
use app::Refusal;
use app::cards::IssueVirtual;
use axum::extract::State;
use domain::card::Card;
use domain::ids::{BalanceId, CardId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

/// Issues a virtual card → 201 its full data, encrypted.
pub(crate) async fn issue_virtual(
    State(api): State<Api>,
    _encrypted: Required,
    call: Call,
) -> Result<Answer, Problem> {
    let scope = call.scope()?;
    let (holder, command) = read(&call)?;
    let once = call.once(kept_json);
    let issued = match command {
        Some(command) => api.app.issue_virtual_card(scope, command, once).await?,
        None => api.app.refuse(scope, &once, Refusal::CustomerMismatch).await?,
    };
    // What is kept with the key is the card's id alone; number and code are read again.
    let id = issued.get("id").and_then(Value::as_i64).ok_or_else(Problem::internal)?;
    let full = api.app.full_card(scope, holder, CardId(id), call.origin()).await?;
    Ok(Answer::Created(full_json(&full)))
}

fn kept_json(card: &Card) -> Value {
    json!({ "id": card.id.0 })
}

/// Who will hold it, and what is asked; nothing is if path and body name different users.
pub(super) fn read(call: &Call) -> Result<(UserId, Option<IssueVirtual>), Problem> {
    let in_path = call.user_if_named()?;
    let mut fields = call.fields()?;
    let balance = parsed(|text| Uuid::try_parse(text).ok(), "must be a UUID");
    let balance = fields.required("balanceId", balance).map(BalanceId);
    let config_id = fields.required("configId", text(10));
    let in_body = match in_path {
        Some(_) => fields.optional("dcUserId", integer),
        None => fields.required("dcUserId", integer),
    };
    let label = fields.optional("label", text(100)).map(|label| mask(&label));
    if fields.has("dcCorporationId") {
        fields.wrong("dcCorporationId", "isn't supported yet");
    }
    let (Some(balance), Some(config_id)) = (balance, config_id) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let holder = match (in_path, in_body.map(UserId)) {
        (Some(one), Some(other)) if one != other => return Ok((one, None)),
        (Some(user), _) | (None, Some(user)) => user,
        (None, None) => return Err(Problem::invalid_field("dcUserId", "is required")),
    };
    Ok((holder, Some(IssueVirtual { holder, balance, config_id, label })))
}
