//! `POST /secure/customers/{customerId}/cards/{cardId}/renew`: the same number, another expiry; the
//! same under `/admin`.

use super::order_physical::carrier_if_told;
use super::print::address_example;
use super::{KeptOrder, OrderedJson, TAG};
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head, NamedCard};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use app::Refusal;
use app::cards::Carrier;
use serde_json::json;

/// Renews a card → 200 its full data, encrypted.
pub(crate) fn renew() -> Endpoint {
    Endpoint::encrypted(read, renewed)
        .about(
            TAG,
            "Renew a card",
            "From 60 days before its last day on, and after it: the card lives as long as a new \
             one of its program would. Number, PIN, balance, limits and label stay; expiry and \
             CVC2 are others, and the ones before are wrong at once. Of a card on plastic other \
             plastic is ordered, so it needs an address; expiry and CVC2 change when its holder \
             activates that, and until then the card and its plastic are as they were.",
        )
        .example(json!({ "deliveryAddress": address_example(), "delivery": "POST" }))
        .refuses(REFUSALS)
}

/// The same for who may not see it → 200 `{"id", "orderId"}`, encrypted.
pub(crate) fn renew_unseen() -> Endpoint {
    Endpoint::encrypted(read, renewed_unseen)
        .about(
            TAG,
            "Renew a card",
            "From 60 days before its last day on, and after it. Number, PIN, balance, limits and \
             label stay; expiry and CVC2 are others, which the cardholder sees, and no panel \
             account does. Of a card on plastic other plastic is ordered, so it needs an address; \
             expiry and CVC2 change when its holder activates that.",
        )
        .example(json!({ "deliveryAddress": address_example(), "delivery": "POST" }))
        .refuses(REFUSALS)
}

const REFUSALS: &[Refusal] = &[
    Refusal::CardRenewalTooEarly,
    Refusal::CardMadeElsewhere,
    Refusal::CardLockIrreversible,
    Refusal::CardNotActive,
    Refusal::DeliveryRequired,
    Refusal::PlasticNotSupported,
    Refusal::PlasticAlreadyOrdered,
    Refusal::NameNotEmbossable,
    Refusal::ProgramNotFound,
];

type Asked = (NamedCard, Option<Carrier>);

fn read(call: &Call) -> Result<Asked, Problem> {
    let card = call.named_card()?;
    let mut fields = call.fields_if_sent()?;
    let carrier = carrier_if_told(&mut fields);
    fields.finish()?;
    Ok((card, carrier))
}

async fn renewed(
    api: Api,
    head: Head,
    (card, carrier): Asked,
) -> Result<Done<OrderedJson<'static>>, Problem> {
    let scope = head.scope()?;
    let card = card.held(&api, scope).await?;
    let done = api.app.renew_card(scope, card, carrier, head.once(kept::<_, KeptOrder>)).await?;
    // What is kept with the key is that it was done; number and code are read again.
    let full = api.app.full_card(scope, card.0, card.1, head.origin()).await?;
    Ok(Done::kept(OrderedJson::of(&full, &done)))
}

async fn renewed_unseen(
    api: Api,
    head: Head,
    (card, carrier): Asked,
) -> Result<Done<KeptOrder>, Problem> {
    let (scope, once) = (head.scope()?, head.once(kept::<_, KeptOrder>));
    let card = card.held(&api, scope).await?;
    Ok(Done::kept(api.app.renew_card(scope, card, carrier, once).await?))
}
