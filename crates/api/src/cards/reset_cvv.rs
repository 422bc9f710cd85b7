//! `POST /customers/me/cards/{cardId}/cvv`: another code, encrypted.

use super::{Kept, TAG};
use crate::Api;
use crate::answer::Done;
use crate::answer::kept;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

/// Resets a card's code → 200 `{"id", "cvv"}`, encrypted.
pub(crate) fn reset_cvv() -> Endpoint {
    Endpoint::encrypted(nothing, reset)
        .about(
            TAG,
            "Reset a card's CVV",
            "The card has another CVC2 from now on, and the one before is wrong; number and \
             expiry stay. For cards without plastic. A retry shows the code as it is then.",
        )
        .refuses(REFUSALS)
}

/// The same for who may not see it → 200 `{"id"}`, encrypted.
pub(crate) fn reset_cvv_unseen() -> Endpoint {
    Endpoint::encrypted(nothing, reset_unseen)
        .about(
            TAG,
            "Reset a card's CVV",
            "The card has another CVC2 from now on, and the one before is wrong; the cardholder \
             sees it, and no panel account does. For cards without plastic.",
        )
        .refuses(REFUSALS)
}

const REFUSALS: &[Refusal] = &[
    Refusal::PlasticNotSupported,
    Refusal::CardExpired,
    Refusal::CardLockIrreversible,
    Refusal::CardMadeElsewhere,
];

async fn reset_unseen(api: Api, head: Head, (): ()) -> Result<Done<Kept>, Problem> {
    let (scope, once) = (head.scope()?, head.once(kept::<_, Kept>));
    let card = head.named_card()?.held(&api, scope).await?;
    Ok(Done::kept(api.app.reset_cvv(scope, card, once).await?))
}

async fn reset(api: Api, head: Head, (): ()) -> Result<Done<CodeJson<'static>>, Problem> {
    let (scope, card) = (head.scope()?, (head.user()?, head.card()?));
    api.app.reset_cvv(scope, card, head.once(kept::<_, Kept>)).await?;
    // What is kept with the key is that it was done; the code is read again.
    let code = api.app.card_code(scope, card, head.origin()).await?;
    #[expect(clippy::disallowed_methods, reason = "the endpoint demands encryption")]
    let shown = CodeJson { id: card.1.0, cvv: code.expose() };
    Ok(Done::kept(crate::answer::json(&shown)))
}

/// A card's new code.
#[derive(Serialize, ToSchema)]
#[schema(as = CardCode)]
struct CodeJson<'a> {
    /// The card's id.
    id: i64,
    /// Its CVC2: three digits.
    #[schema(pattern = "^[0-9]{3}$")]
    cvv: &'a str,
}
