//! `GET /secure/customers/{customerId}/balances[/{balanceId}]`, `GET /secure/balances/{balanceId}`.

use super::{BalanceJson, BalanceWithCardsJson, TAG};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::Head;
use crate::cards::CardJson;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::balances::WithCards;
use domain::Date;

/// Finds a balance, whoever's it is or the user's whom the path names.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(TAG, "Show a balance", "With the cards that pay from it.")
}

/// Lists a user's balances, oldest first.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List a user's balances",
        "Oldest first, each with its cards; the list has one page.",
    )
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<BalanceWithCardsJson>, Problem> {
    let owner = head.user_if_named()?;
    let found = api.app.balance(head.scope()?, owner, head.balance()?).await?;
    Ok(Done::with(&with_cards(&found, head.today)))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<BalanceWithCardsJson>>, Problem> {
    let found = api.app.balances(head.scope()?, head.user()?).await?;
    Ok(Done::with(&List::all(&found, |balance| with_cards(balance, head.today))))
}

fn with_cards(found: &WithCards, today: Date) -> BalanceWithCardsJson {
    BalanceWithCardsJson {
        balance: BalanceJson::from(&found.balance),
        cards: found.cards.iter().map(|card| CardJson::on(card, today)).collect(),
    }
}
