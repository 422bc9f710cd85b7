//! `GET|PUT /secure/customers/{customerId}/cards/{cardId}/limits`, `GET|PUT
//! /admin/cards/{cardId}/limits`.

use super::TAG;
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head, NamedCard};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::spending::{Currencies, LimitsJson, draft, example};
use app::Refusal;
use app::spending::Draft;

/// Shows what a card may spend, and has.
pub(crate) fn limits() -> Endpoint {
    Endpoint::of(named, shown).about(
        TAG,
        "Show a card's limits and controls",
        "With what was spent of each in the running period, and with the ceilings of the card's \
         program. A payment counts on the day of its authorization in the partner's time zone; \
         what is reversed, has expired or is cleared for less is given back to that day.",
    )
}

/// Sets what a card may spend.
pub(crate) fn set_limits() -> Endpoint {
    Endpoint::of(read, set)
        .about(
            TAG,
            "Set a card's limits and controls",
            "What is sent takes the place of what was there; what isn't sent isn't limited. A new \
             limit counts the whole running period. `currency` may be left out: it is the card's. \
             A user may only tighten what is set.",
        )
        .example(example(Currencies::Known))
        .refuses(&[Refusal::LimitAboveProgram, Refusal::LimitLoosened, Refusal::CurrencyMismatch])
}

fn named(call: &Call) -> Result<NamedCard, Problem> {
    call.named_card()
}

fn read(call: &Call) -> Result<(NamedCard, Draft), Problem> {
    let card = named(call)?;
    let mut fields = call.fields()?;
    let draft = draft(&mut fields, Currencies::Known);
    fields.finish()?;
    Ok((card, draft.unwrap_or_default()))
}

async fn shown(api: Api, head: Head, card: NamedCard) -> Result<Done<LimitsJson>, Problem> {
    let scope = head.scope()?;
    let (user, card) = card.held(&api, scope).await?;
    let found = api.app.card_limits(scope, user, card).await?;
    Ok(Done::with(&LimitsJson::from(&found)))
}

async fn set(
    api: Api,
    head: Head,
    (card, draft): (NamedCard, Draft),
) -> Result<Done<LimitsJson>, Problem> {
    let (scope, once) = (head.scope()?, head.once(kept::<_, LimitsJson>));
    let card = card.held(&api, scope).await?;
    let limits = (draft, head.caller().setter());
    Ok(Done::kept(api.app.set_card_limits(scope, card, limits, once).await?))
}
