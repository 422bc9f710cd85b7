//! `POST /secure/customers/{customerId}/cards/{cardId}/print`: plastic of a card that works.

use super::TAG;
use super::order_physical::{CardOrderedJson, carrier};
use crate::Api;
use crate::answer::{Accepted, kept};
use crate::call::{Call, Head, NamedCard};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use app::Refusal;
use app::cards::Carrier;
use serde_json::{Value, json};

/// Orders a card's plastic → 202 `{"orderId"}`, encrypted.
pub(crate) fn print() -> Endpoint {
    Endpoint::encrypted(read, ordered)
        .about(
            TAG,
            "Order the plastic of a virtual card",
            "Of programs that are digital first. It is the same card, with its number, state, \
             limits and PIN; nothing is printed on it, and it needs no activation. One at a time.",
        )
        .example(json!({ "deliveryAddress": address_example(), "delivery": "COURIER" }))
        .refuses(&[
            Refusal::PlasticNotSupported,
            Refusal::CardMadeElsewhere,
            Refusal::PlasticAlreadyOrdered,
            Refusal::CardNotActive,
            Refusal::CardExpired,
            Refusal::CardLockIrreversible,
            Refusal::ProgramNotFound,
            Refusal::NameNotEmbossable,
        ])
}

/// Where plastic might be sent.
pub(super) fn address_example() -> Value {
    json!({
        "street": "Main Street",
        "number": "1",
        "city": "Warsaw",
        "postCode": "00-001",
        "country": "PL",
    })
}

fn read(call: &Call) -> Result<(NamedCard, Carrier), Problem> {
    let card = call.named_card()?;
    let mut fields = call.fields()?;
    let carrier = carrier(&mut fields);
    let Some(carrier) = carrier else { return Err(fields.problem()) };
    fields.finish()?;
    Ok((card, carrier))
}

async fn ordered(
    api: Api,
    head: Head,
    (card, carrier): (NamedCard, Carrier),
) -> Result<Accepted<CardOrderedJson>, Problem> {
    let (scope, once) = (head.scope()?, head.once(kept::<_, CardOrderedJson>));
    let card = card.held(&api, scope).await?;
    Ok(Accepted::kept(api.app.print_card(scope, card, carrier, once).await?))
}
