//! `GET /secure/customers/{customerId}/cards`, `GET /admin/corporations/{dcCorporationId}/cards`:
//! by ascending id, without numbers.

use super::{CardJson, TAG};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head, Page};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use domain::Date;
use domain::card::Card;
use domain::ids::CardId;
use serde::Serialize;
use utoipa::ToSchema;

/// Lists a user's cards.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(Call::page, listed).about(
        TAG,
        "List a user's cards",
        "By ascending id, without their numbers.",
    )
}

async fn listed(api: Api, head: Head, asked: Page) -> Result<Done<List<CardJson>>, Problem> {
    let after = CardId(asked.after.unwrap_or_default());
    let page = api.app.cards(head.scope()?, head.user()?, after, asked.limit).await?;
    Ok(Done::with(&List::page(&page, |card| CardJson::on(card, head.today))))
}

/// A card that pays from a corporation's balance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CorporationCard)]
struct HeldJson {
    #[serde(flatten)]
    card: CardJson,
    /// The user who holds it.
    customer_id: i64,
}

impl HeldJson {
    fn on(card: &Card, today: Date) -> Self {
        Self { card: CardJson::on(card, today), customer_id: card.holder.0 }
    }
}

/// Lists a corporation's cards.
pub(crate) fn list_of_corporation() -> Endpoint {
    Endpoint::of(Call::page, listed_of_corporation).about(
        TAG,
        "List a corporation's cards",
        "Those that pay from its balances, whoever holds them, by ascending id, without their \
         numbers. Its balances: `GET /admin/balances?search=` with its id.",
    )
}

async fn listed_of_corporation(
    api: Api,
    head: Head,
    asked: Page,
) -> Result<Done<List<HeldJson>>, Problem> {
    let after = CardId(asked.after.unwrap_or_default());
    let (scope, name) = (head.scope()?, head.corporation()?);
    let page = api.app.cards_of_corporation(scope, name, after, asked.limit).await?;
    Ok(Done::with(&List::page(&page, |card| HeldJson::on(card, head.today))))
}
