//! `POST /secure/customers/{customerId}/cards/{cardId}/replace` `{"reason": "CARD_LOST"}`; the same
//! under `/admin`.

use super::order_physical::carrier_if_told;
use super::{KeptOrder, OrderedJson, TAG};
use crate::Api;
use crate::answer::{Created, kept};
use crate::call::{Call, Head, NamedCard};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::word;
use app::Refusal;
use app::cards::{Carrier, Replace};
use domain::card::lifecycle::ReplacementReason;
use domain::ids::CardId;
use serde_json::{Value, json};

/// Replaces a card → 201 the full data of what takes its place, encrypted.
pub(crate) fn replace() -> Endpoint {
    Endpoint::encrypted(read, replaced)
        .about(
            TAG,
            "Replace a card",
            "For one that is lost, stolen or in wrong hands: a new card with another number takes \
             its place, and has its balance, limits, controls, what was spent of them, and label; \
             a PIN is set anew. The old one is locked for good (reason 8), which is told as every \
             lock is; what was authorized with it is still settled. Of a card on plastic the new \
             one is ordered, so it needs an address; it is seen once it was made, and has to be \
             activated. If the plastic is damaged (`CARD_DAMAGED`), other plastic of the same card \
             is ordered: it goes on as it is.",
        )
        .example(json!({ "reason": "CARD_LOST" }))
        .refuses(REFUSALS)
}

/// The same for who may not see it → 201 `{"id", "orderId"}`, encrypted.
pub(crate) fn replace_unseen() -> Endpoint {
    Endpoint::encrypted(read, replaced_unseen)
        .about(
            TAG,
            "Replace a card",
            "For one that is lost, stolen or in wrong hands: a new card with another number takes \
             its place, and has its balance, limits, controls, what was spent of them, and label. \
             The cardholder sees its number and code, and no panel account does. The old one is \
             locked for good (reason 8). Of a card on plastic the new one is ordered, so it needs \
             an address. If the plastic is damaged (`CARD_DAMAGED`), other plastic of the same \
             card is ordered: `id` is the card's own.",
        )
        .example(json!({ "reason": "CARD_LOST" }))
        .refuses(REFUSALS)
}

const REFUSALS: &[Refusal] = &[
    Refusal::CardLockIrreversible,
    Refusal::CardMadeElsewhere,
    Refusal::CardExpired,
    Refusal::DeliveryRequired,
    Refusal::PlasticNotSupported,
    Refusal::PlasticAlreadyOrdered,
    Refusal::NameNotEmbossable,
    Refusal::ProgramNotFound,
    Refusal::BalanceNotFound,
    Refusal::CurrencyMismatch,
    Refusal::ProgramMismatch,
    Refusal::KycNotVerified,
    Refusal::KybNotAccepted,
    Refusal::BinRangeExhausted,
];

type Asked = (NamedCard, ReplacementReason, Option<Carrier>);

fn read(call: &Call) -> Result<Asked, Problem> {
    let card = call.named_card()?;
    let mut fields = call.fields()?;
    let reasons = "must be CARD_LOST, CARD_STOLEN, SUSPECTED_FRAUD or CARD_DAMAGED";
    let reason = fields.required("reason", word(ReplacementReason::ALL, reasons));
    let carrier = carrier_if_told(&mut fields);
    let Some(reason) = reason else { return Err(fields.problem()) };
    fields.finish()?;
    Ok((card, reason, carrier))
}

async fn replaced(
    api: Api,
    head: Head,
    (card, reason, carrier): Asked,
) -> Result<Created<OrderedJson<'static>>, Problem> {
    let (scope, by) = (head.scope()?, head.caller().locker());
    let once = head.once(kept::<_, KeptOrder>);
    let card = card.held(&api, scope).await?;
    let command = Replace { card, reason, by, carrier };
    let made = api.app.replace_card(scope, command, once).await?;
    // What is kept with the key are ids alone; number and code are read again.
    let id = made.get("id").and_then(Value::as_i64).ok_or_else(Problem::internal)?;
    let full = api.app.full_card_in_place(scope, card.0, CardId(id), head.origin()).await?;
    Ok(Created::kept(OrderedJson::of(&full, &made)))
}

async fn replaced_unseen(
    api: Api,
    head: Head,
    (card, reason, carrier): Asked,
) -> Result<Created<KeptOrder>, Problem> {
    let (scope, by) = (head.scope()?, head.caller().locker());
    let once = head.once(kept::<_, KeptOrder>);
    let card = card.held(&api, scope).await?;
    let command = Replace { card, reason, by, carrier };
    Ok(Created::kept(api.app.replace_card(scope, command, once).await?))
}
