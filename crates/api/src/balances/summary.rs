//! `GET /admin/balances/summary`.

use super::TAG;
use crate::Api;
use crate::answer::{Code, Done, List};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::balances::{Summary, Total};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A sum in minor units. JSON's numbers end where 64 bits do; what is beyond is a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum(i128);

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(sum) => serializer.serialize_i64(sum),
            Err(_) => serializer.serialize_str(&self.0.to_string()),
        }
    }
}

impl PartialSchema for Sum {
    fn schema() -> RefOr<Schema> {
        Object::builder()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::String]))
            .description(Some("In minor units; a text where it is beyond 64 bits"))
            .build()
            .into()
    }
}

impl ToSchema for Sum {}

/// What some balances have together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Total)]
pub(crate) struct TotalJson {
    /// What can be spent.
    #[schema(inline)]
    amount: Sum,
    /// What authorizations hold.
    #[schema(inline)]
    blocked_amount: Sum,
}

/// What there is in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BalanceSummary)]
pub(crate) struct SummaryJson {
    /// The currency.
    currency: Code,
    /// All balances of users and corporations.
    users: TotalJson,
    /// Those, and all of the partner's own.
    wallet: TotalJson,
}

impl From<&Total> for TotalJson {
    fn from(total: &Total) -> Self {
        Self { amount: Sum(total.amount), blocked_amount: Sum(total.blocked) }
    }
}

impl From<&Summary> for SummaryJson {
    fn from(found: &Summary) -> Self {
        let Summary { currency, users, wallet } = found;
        Self { currency: Code(*currency), users: users.into(), wallet: wallet.into() }
    }
}

/// Shows what there is, by currency.
pub(crate) fn summary() -> Endpoint {
    Endpoint::of(nothing, summed).about(
        TAG,
        "Show what there is",
        "For each currency the sum of all balances of users and corporations, and of those with \
         the partner's own, as of one moment, with what is held apart. Balances that the partner \
         holds count 0; its deposit counts. The list has one page.",
    )
}

async fn summed(api: Api, head: Head, (): ()) -> Result<Done<List<SummaryJson>>, Problem> {
    let found = api.app.summary_of(head.scope()?).await?;
    Ok(Done::with(&List::all(&found, |found| SummaryJson::from(found))))
}
