//! `POST /customers/me/cards/{cardId}/pin` `{"pin": "…"}`: both ways encrypted.

use super::TAG;
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Reader, parsed, schema};
use app::Refusal;
use domain::card::Card;
use domain::card::pin::DIGITS;
use domain::ids::{CardId, UserId};
use domain::program::CardType;
use domain::secret::Pin;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Sets a card's PIN → 200 `{"id", "offlinePin"}`.
pub(crate) fn set_pin() -> Endpoint {
    Endpoint::sealed(read, set)
        .about(
            TAG,
            "Set a card's PIN",
            "Good at once wherever a terminal asks us, a virtual card's at cash machines. A chip \
             learns of it at its next contact transaction, best at a cash machine: until then a \
             terminal that lets the chip check may say that the PIN is wrong. Four digits that \
             aren't easily guessed; wrong PINs so far are forgotten.",
        )
        .example(json!({ "pin": "8264" }))
        .refuses(&[
            Refusal::WeakPin,
            Refusal::CardExpired,
            Refusal::CardLockIrreversible,
            Refusal::CardMadeElsewhere,
        ])
}

fn read(call: &Call) -> Result<(UserId, CardId, Pin), Problem> {
    let (user, card) = (call.user()?, call.card()?);
    let mut fields = call.fields()?;
    let pin = fields.required("pin", pin());
    pin.map(|pin| (user, card, pin)).ok_or_else(|| fields.problem())
}

/// As many digits as a holder's PIN has.
pub(super) fn pin() -> impl Reader<Pin> {
    let parse = |text: &str| (text.len() == DIGITS).then(|| Pin::parse(text).ok())?;
    parsed(parse, || schema::pattern("^[0-9]{4}$"), "must be four digits")
}

async fn set(
    api: Api,
    head: Head,
    (user, card, pin): (UserId, CardId, Pin),
) -> Result<Done<PinSetJson>, Problem> {
    let once = head.once(kept::<_, PinSetJson>);
    Ok(Done::kept(api.app.set_pin(head.scope()?, (user, card), pin, once).await?))
}

/// What became of a PIN.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PinSet)]
struct PinSetJson {
    /// The card's id.
    id: i64,
    /// When the chip has it too: a card without plastic has none.
    #[schema(schema_with = offline_pin)]
    offline_pin: &'static str,
}

const ON_NEXT_CONTACT: &str = "ON_NEXT_CONTACT_TRANSACTION";
const NONE: &str = "NONE";

fn offline_pin() -> utoipa::openapi::schema::Object {
    schema::words([ON_NEXT_CONTACT, NONE]).build()
}

impl From<&Card> for PinSetJson {
    fn from(card: &Card) -> Self {
        let offline_pin = match card.card_type {
            CardType::Physical => ON_NEXT_CONTACT,
            CardType::Virtual => NONE,
        };
        Self { id: card.id.0, offline_pin }
    }
}
