//! `GET /secure/customers/{customerId}/cards/orders/{orderId}`: how far plastic is.

use super::TAG;
use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::schema;
use domain::card::order::{CardOrder, OrderFailure, OrderStatus};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Tells how far an order is → 200 `{"orderId", "status", "cardId"?, …}`.
pub(crate) fn order() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        TAG,
        "Show how far plastic is",
        "`cardId` is there once the card is seen, `trackingNumber` from its shipping on, if the \
         carrier has one, `reason` where the order has failed.",
    )
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<CardOrderJson>, Problem> {
    let order = api.app.card_order(head.scope()?, head.user()?, head.order()?).await?;
    Ok(Done::with(&CardOrderJson::of(&order)))
}

/// How far plastic is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardOrder)]
struct CardOrderJson {
    /// Its id.
    order_id: Uuid,
    /// The card.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    card_id: Option<i64>,
    /// Where it stands.
    #[schema(schema_with = status)]
    status: &'static str,
    /// The carrier's name for the parcel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tracking_number: Option<String>,
    /// Why it came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = reason)]
    reason: Option<&'static str>,
}

fn status() -> utoipa::openapi::schema::Object {
    schema::words_of::<OrderStatus>().build()
}

fn reason() -> utoipa::openapi::schema::Object {
    schema::words_of::<OrderFailure>().build()
}

impl CardOrderJson {
    fn of(order: &CardOrder) -> Self {
        Self {
            order_id: order.id.0,
            card_id: order.shows_card().then_some(order.card.0),
            status: order.status.as_str(),
            tracking_number: order.tracking.clone(),
            reason: order.failure.map(OrderFailure::as_str),
        }
    }
}
