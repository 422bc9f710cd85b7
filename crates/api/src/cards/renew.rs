//! `POST /secure/customers/{customerId}/cards/{cardId}/renew`: the same number, another expiry.

use super::{FullCardJson, Kept, TAG};
use crate::Api;
use crate::answer::{self, Done, kept};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;

/// Renews a card → 200 its full data, encrypted.
pub(crate) fn renew() -> Endpoint {
    Endpoint::encrypted(nothing, renewed)
        .about(
            TAG,
            "Renew a card",
            "From 60 days before its last day on, and after it: the card lives as long as a new \
             one of its program would. Number, PIN, balance, limits and label stay; expiry and \
             CVC2 are others, and the ones before are wrong at once.",
        )
        .refuses(&[
            Refusal::CardRenewalTooEarly,
            Refusal::CardLockIrreversible,
            Refusal::PlasticNotSupported,
            Refusal::ProgramNotFound,
        ])
}

async fn renewed(api: Api, head: Head, (): ()) -> Result<Done<FullCardJson<'static>>, Problem> {
    let (scope, card) = (head.scope()?, (head.user()?, head.card()?));
    api.app.renew_card(scope, card, head.once(kept::<_, Kept>)).await?;
    // What is kept with the key is that it was done; number and code are read again.
    let full = api.app.full_card(scope, card.0, card.1, head.origin()).await?;
    Ok(Done::kept(answer::json(&FullCardJson::of(&full))))
}
