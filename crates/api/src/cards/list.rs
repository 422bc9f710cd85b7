//! `GET /secure/customers/{customerId}/cards`: by ascending id, without numbers.

use super::{CardJson, TAG};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head, Page};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use domain::ids::CardId;

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
