//! `GET …/cards/orders/{orderId}`: how far plastic is; and, for people, all that was ordered for a
//! user.

use super::TAG;
use crate::Api;
use crate::answer::{Done, List, Named};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{moment, schema};
use app::Refusal;
use app::page::Page;
use domain::Timestamp;
use domain::card::order::{CardOrder, Delivery, OrderFailure, OrderKind, OrderStatus};
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

/// Lists a user's orders → 200 `{"items": […], "next": null}`.
pub(crate) fn orders() -> Endpoint {
    Endpoint::of(nothing, listed)
        .about(
            TAG,
            "List a user's orders of plastic",
            "The latest 100, the newest first, with those whose card isn't seen yet and those that \
             came to nothing. `cardId` is there once the card is seen.",
        )
        .refuses(&[Refusal::CustomerNotFound])
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<ListedOrderJson>>, Problem> {
    let items = api.app.card_orders(head.scope()?, head.user()?).await?;
    let page = Page::<_, i64> { items, next: None };
    Ok(Done::with(&List::page(&page, ListedOrderJson::of)))
}

type KindOfOrder = Named<OrderKind>;
type WayOfDelivery = Named<Delivery>;

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ListedCardOrder)]
struct ListedOrderJson {
    /// Its id.
    order_id: Uuid,
    /// The card.
    card_id: Option<i64>,
    /// What it is for.
    kind: KindOfOrder,
    /// Where it stands.
    #[schema(schema_with = status)]
    status: &'static str,
    /// Why it came to nothing.
    #[schema(schema_with = reason)]
    reason: Option<&'static str>,
    /// How it is sent.
    delivery: WayOfDelivery,
    /// The carrier's name for the parcel.
    tracking_number: Option<String>,
    /// When it was ordered.
    #[schema(format = DateTime)]
    ordered_at: String,
}

impl ListedOrderJson {
    fn of((order, at): &(CardOrder, Timestamp)) -> Self {
        Self {
            order_id: order.id.0,
            card_id: order.shows_card().then_some(order.card.0),
            kind: Named(order.kind),
            status: order.status.as_str(),
            reason: order.failure.map(OrderFailure::as_str),
            delivery: Named(order.delivery),
            tracking_number: order.tracking.clone(),
            ordered_at: moment(*at),
        }
    }
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
