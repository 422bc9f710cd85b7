//! `GET /secure/customers/{customerId}/cards/{cardId}`: number, code and expiry, encrypted.

use super::{FullCardJson, TAG};
use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;

/// Shows a card's full data.
pub(crate) fn full_data() -> Endpoint {
    Endpoint::encrypted(nothing, shown)
        .about(
            TAG,
            "Show a card's full data",
            "Number, code and expiry, encrypted for the caller alone.",
        )
        .refuses(&[Refusal::CardMadeElsewhere])
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<FullCardJson<'static>>, Problem> {
    let full = api.app.full_card(head.scope()?, head.user()?, head.card()?, head.origin()).await?;
    Ok(Done::kept(crate::answer::json(&FullCardJson::of(&full))))
}
