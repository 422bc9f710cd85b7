//! The partner's own balances: find, list (spec "Partner balances").

use crate::Api;
use crate::answer::{Code, Done, List, Named};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::balances::PartnerBalance;
use domain::balance::{BalanceState, PartnerBalanceKind};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Partner balances";

type Purpose = Named<PartnerBalanceKind>;
type State = Named<BalanceState>;

/// A balance of the partner's own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartnerBalance)]
struct PartnerBalanceJson {
    /// Its id.
    id: Uuid,
    /// What it is for; there is one of each kind and currency at most.
    kind: Purpose,
    /// Its currency.
    currency: Code,
    /// What can be spent now, in minor units; below zero by force.
    amount: i64,
    /// What authorizations hold, in minor units.
    blocked_amount: i64,
    /// Whether it can be used.
    state: State,
}

/// `GET /secure/partner-balances/{balanceId}`.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(TAG, "Show a balance of the partner's own", "By its id.")
}

/// `GET /secure/partner-balances`.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List the partner's own balances",
        "`COMPANY` is made with the first program of a currency; the operator makes the others. \
         The list has one page.",
    )
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<PartnerBalanceJson>, Problem> {
    let found = api.app.partner_balance(head.scope()?, head.balance()?).await?;
    Ok(Done::with(&PartnerBalanceJson::from(&found)))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<PartnerBalanceJson>>, Problem> {
    let found = api.app.partner_balances(head.scope()?).await?;
    Ok(Done::with(&List::all(&found, |found| PartnerBalanceJson::from(found))))
}

impl From<&PartnerBalance> for PartnerBalanceJson {
    fn from(found: &PartnerBalance) -> Self {
        let PartnerBalance { kind, balance } = found;
        Self {
            id: balance.id.0,
            kind: Named(*kind),
            currency: Code(balance.currency),
            amount: balance.available(),
            blocked_amount: balance.held.minor(),
            state: Named(balance.state),
        }
    }
}
