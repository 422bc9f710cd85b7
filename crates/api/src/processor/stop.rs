//! `POST /processor/v1/cards/stop` `{"card", "reason": 7}`.

use super::{TAG, card, envelope, names, own};
use crate::Api;
use crate::answer::{Done, Named};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::integer;
use app::Refusal;
use app::processor::{Stop, Stopped};
use domain::card::stop::StopOutcome;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Stops a card → 200 `{"cardId", "accepted", "description"}`.
pub(crate) fn stop() -> Endpoint {
    Endpoint::of(read, stopped)
        .about(
            TAG,
            "Stop a card",
            "The network or an acquirer asks: the card is locked for the reason of this code, \
             those of `POST …/cards/{cardId}/lock`, and its partner is told. Locked for the same \
             reason it stays as it is; for another only a lock for good takes the place of one \
             that can be taken off.",
        )
        .example(json!({ "card": { "cardId": 1 }, "reason": 7 }))
        .refuses(&[Refusal::InvalidLockReason])
}

fn read(call: &Call) -> Result<Stop, Problem> {
    let mut fields = call.fields()?;
    call.demand_key(&mut fields);
    let card = card(&mut fields);
    names(&mut fields, call, own(card.as_ref()));
    let code = fields.required("reason", integer());
    let (Some(card), Some(code)) = (card, code) else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(Stop { envelope: envelope(call, card)?, code })
}

async fn stopped(api: Api, head: Head, command: Stop) -> Result<Done<StoppedJson>, Problem> {
    let once = head.once(|()| Value::Null);
    Ok(Done::with(&StoppedJson::from(&api.app.stop_card(command, once).await?)))
}

/// What came of an order to stop a card.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stopped)]
struct StoppedJson {
    /// The card's id, if there is one.
    card_id: Option<i64>,
    /// Whether it is stopped for this reason now.
    accepted: bool,
    /// What came of it.
    description: Came,
}

type Came = Named<StopOutcome>;

impl From<&Stopped> for StoppedJson {
    fn from(stopped: &Stopped) -> Self {
        Self {
            card_id: stopped.card.map(|card| card.0),
            accepted: stopped.outcome == StopOutcome::Stopped,
            description: Named(stopped.outcome),
        }
    }
}
