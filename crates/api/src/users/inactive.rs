//! `GET /admin/reports/inactive-users`: who could pay and doesn't.

use super::TAG;
use super::search::KnownJson;
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{moment, number};
use app::users::{IDLE_DAYS, IDLE_DAYS_MAX, Inactive};
use domain::ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;

/// A user of whose own balances nothing was asked for some days.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InactiveUser)]
struct InactiveJson {
    #[serde(flatten)]
    known: KnownJson,
    /// When something was last asked of one of their own balances, also in vain; null if never.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl From<&Inactive> for InactiveJson {
    fn from(Inactive { known, last_at }: &Inactive) -> Self {
        Self { known: KnownJson::from(known), last_used_at: last_at.map(moment) }
    }
}

/// Lists users who are inactive, newest first.
pub(crate) fn inactive() -> Endpoint {
    Endpoint::of(read, listed).about(
        TAG,
        "List inactive users",
        "Who can pay, was registered more than `days` days ago (90, unless told), and of whose own \
         balances nothing was asked since, not even in vain; newest first. Where few of many are \
         so, a page may hold less than `limit` of them, even none: only a null `next` tells that \
         it is the last.",
    )
}

type Asked = (i64, Option<UserId>, i64);

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let days = query.optional("days", number(1, IDLE_DAYS_MAX, "must be 1 to 3650"));
    let place = number(0, i64::MAX, "must be the next of another page");
    let (limit, after) = Call::read_page(&mut query, place);
    query.only(&["days", "limit", "after"]);
    query.finish()?;
    Ok((days.unwrap_or(IDLE_DAYS), after.map(UserId), limit))
}

async fn listed(
    api: Api,
    head: Head,
    (days, after, limit): Asked,
) -> Result<Done<List<InactiveJson>>, Problem> {
    let page = api.app.inactive_users(head.scope()?, days, after, limit).await?;
    Ok(Done::with(&List::page(&page, |found| InactiveJson::from(found))))
}
