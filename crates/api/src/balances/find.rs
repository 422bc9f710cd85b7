//! `GET /secure/customers/{customerId}/balances[/{balanceId}]`, `GET /secure/balances/{balanceId}`.

use super::{BalanceJson, BalanceWithCardsJson, TAG};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::Head;
use crate::cards::CardJson;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use app::balances::Shown;
use domain::Date;

/// Finds a balance, whoever's it is or the user's whom the path names.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found)
        .about(
            TAG,
            "Show a balance",
            "With the cards that pay from it. Where the partner holds the money (balance mode \
             `EXTERNAL`), `amount` is read from its server, and `blockedAmount` is 0.",
        )
        .refuses(&[Refusal::PartnerUnavailable])
}

/// Lists a user's balances, oldest first.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed)
        .about(
            TAG,
            "List a user's balances",
            "Oldest first, each with its cards; the list has one page. Where the partner holds the \
             money, it is read from its server, by one call for all of them.",
        )
        .refuses(&[Refusal::PartnerUnavailable])
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<BalanceWithCardsJson>, Problem> {
    let owner = head.user_if_named()?;
    let (scope, balance) = (head.scope()?, head.balance()?);
    let shown = api.app.show_balance(scope, owner, balance, &head.request_id).await?;
    Ok(Done::with(&with_cards(&shown, head.today)))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<BalanceWithCardsJson>>, Problem> {
    let shown = api.app.show_balances(head.scope()?, head.user()?, &head.request_id).await?;
    Ok(Done::with(&List::all(&shown, |balance| with_cards(balance, head.today))))
}

fn with_cards(Shown { found, amount }: &Shown, today: Date) -> BalanceWithCardsJson {
    BalanceWithCardsJson {
        balance: BalanceJson { amount: *amount, ..BalanceJson::from(&found.balance) },
        cards: found.cards.iter().map(|card| CardJson::on(card, today)).collect(),
    }
}
