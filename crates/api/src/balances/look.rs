//! `GET /admin/balances`: people look for balances.

use super::{State, TAG};
use crate::Api;
use crate::answer::{Code, Done, List, Named};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{currency, text, uuid, word};
use app::balances::{Asked, Listed, Meant};
use app::owners::OwnerName;
use domain::balance::BalanceState;
use domain::ids::BalanceId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Those in which a balance can be found.
const STATES: &[BalanceState] = &[BalanceState::Active, BalanceState::Locked];

/// A balance, and whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ListedBalance)]
struct ListedJson {
    /// Its id.
    balance_id: Uuid,
    /// The user, if it is one's.
    customer_id: Option<i64>,
    /// The corporation, if it is one's.
    dc_corporation_id: Option<Uuid>,
    /// Its currency.
    currency: Code,
    /// What can be spent now, in minor units; null where the partner holds the money.
    amount: Option<i64>,
    /// What authorizations hold, in minor units.
    blocked_amount: i64,
    /// Whether it can be used.
    state: State,
    /// Of a gift alone: the program whose card pays from it.
    config_id: Option<String>,
}

impl From<&Listed> for ListedJson {
    fn from(Listed { balance, owner }: &Listed) -> Self {
        let (customer_id, dc_corporation_id) = owner.map(OwnerName::ids).unwrap_or_default();
        Self {
            balance_id: balance.id.0,
            customer_id,
            dc_corporation_id,
            currency: Code(balance.currency),
            amount: balance.known_available(),
            blocked_amount: balance.held.minor(),
            state: Named(balance.state),
            config_id: balance.gift.as_ref().map(|gift| gift.config_id.clone()),
        }
    }
}

/// Looks for balances of users and corporations, in the order of their ids.
pub(crate) fn look() -> Endpoint {
    Endpoint::of(read, listed).about(
        TAG,
        "Look for balances",
        "Of users and corporations, by ascending id; removed ones and the partner's own aren't \
         among them. With `search` those that it means: the balance of this id, or those of the \
         user or the corporation of this id. `currency` and `state` must be so too. No partner's \
         server is asked: where it holds the money, `amount` is null. Where few of many fit, a \
         page may hold less than `limit` of them, even none: only a null `next` tells that it is \
         the last.",
    )
}

type Page = (Asked, Option<BalanceId>, i64);

fn read(call: &Call) -> Result<Page, Problem> {
    let mut query = call.query();
    let asked = Asked {
        meant: query.optional("search", text(255)).map(|text| Meant::by(text.trim())),
        currency: query.optional("currency", currency()),
        state: query.optional("state", word(STATES, "must be ACTIVE or LOCKED")),
    };
    let (limit, after) = Call::read_page(&mut query, uuid());
    query.only(&["search", "currency", "state", "limit", "after"]);
    query.finish()?;
    Ok((asked, after.map(BalanceId), limit))
}

async fn listed(
    api: Api,
    head: Head,
    (asked, after, limit): Page,
) -> Result<Done<List<ListedJson>>, Problem> {
    let page = api.app.look_for_balances(head.scope()?, asked, after, limit).await?;
    Ok(Done::with(&List::page(&page, |found| ListedJson::from(found))))
}
