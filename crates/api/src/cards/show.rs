//! `GET /admin/cards/{cardId}`: one card, without its number, and whose it is.

use super::{CardJson, TAG};
use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use domain::card::Card;
use serde::Serialize;
use utoipa::ToSchema;

/// A card without its number, and whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardOfUser)]
struct CardOfUserJson {
    #[serde(flatten)]
    card: CardJson,
    /// The user that it is for.
    customer_id: i64,
}

/// Shows a card.
pub(crate) fn show_unseen() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        TAG,
        "Show a card",
        "By its id, removed or not, without number and code.",
    )
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<CardOfUserJson>, Problem> {
    let card: Card = api.app.card(head.scope()?, head.card()?).await?;
    let shown = CardJson::on(&card, head.today);
    Ok(Done::with(&CardOfUserJson { card: shown, customer_id: card.holder.0 }))
}
