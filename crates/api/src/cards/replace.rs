//! `POST /secure/customers/{customerId}/cards/{cardId}/replace` `{"reason": "CARD_LOST"}`.

use super::{FullCardJson, Kept, TAG};
use crate::Api;
use crate::answer::{self, Created, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::word;
use app::Refusal;
use domain::card::lifecycle::ReplacementReason;
use domain::ids::{CardId, UserId};
use serde_json::{Value, json};

/// Replaces a card → 201 the new one's full data, encrypted.
pub(crate) fn replace() -> Endpoint {
    Endpoint::encrypted(read, replaced)
        .about(
            TAG,
            "Replace a card",
            "For one that is lost, stolen or in wrong hands: a new card with another number takes \
             its place, and has its balance, limits, controls, what was spent of them, and label; \
             a PIN is set anew. The old one is locked for good (reason 8), which is told as every \
             lock is; what was authorized with it is still settled.",
        )
        .example(json!({ "reason": "CARD_LOST" }))
        .refuses(&[
            Refusal::CardLockIrreversible,
            Refusal::PlasticNotSupported,
            Refusal::ProgramNotFound,
            Refusal::BalanceNotFound,
            Refusal::CurrencyMismatch,
            Refusal::KycNotVerified,
            Refusal::BinRangeExhausted,
        ])
}

fn read(call: &Call) -> Result<((UserId, CardId), ReplacementReason), Problem> {
    let card = (call.user()?, call.card()?);
    let mut fields = call.fields()?;
    let reasons = "must be CARD_LOST, CARD_STOLEN or SUSPECTED_FRAUD";
    let reason = fields.required("reason", word(ReplacementReason::ALL, reasons));
    reason.map(|reason| (card, reason)).ok_or_else(|| fields.problem())
}

async fn replaced(
    api: Api,
    head: Head,
    (card, reason): ((UserId, CardId), ReplacementReason),
) -> Result<Created<FullCardJson<'static>>, Problem> {
    let (scope, by) = (head.scope()?, head.caller().locker());
    let once = head.once(kept::<_, Kept>);
    let made = api.app.replace_card(scope, card, (reason, by), once).await?;
    // What is kept with the key is the new card's id alone; number and code are read again.
    let id = made.get("id").and_then(Value::as_i64).ok_or_else(Problem::internal)?;
    let full = api.app.full_card(scope, card.0, CardId(id), head.origin()).await?;
    Ok(Created::kept(answer::json(&FullCardJson::of(&full))))
}
