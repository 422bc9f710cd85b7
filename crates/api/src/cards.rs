//! Cards: issue, now or later, list, show, lock, unlock, remove (spec "Cards").

mod activate;
mod first_use;
mod full_data;
mod issue_later;
mod issue_virtual;
mod limits;
mod list;
mod lock;
mod operation;
mod order;
mod order_physical;
mod pin;
mod print;
mod remove;
mod renew;
mod replace;
mod reset_cvv;
mod show;
mod unlock;

pub(crate) use activate::{activate, month};
pub(crate) use first_use::first_use;
pub(crate) use full_data::full_data;
pub(crate) use issue_later::issue_later;
pub(crate) use issue_virtual::{issue_virtual, issue_virtual_unseen};
pub(crate) use limits::{limits, set_limits};
pub(crate) use list::{list, list_of_corporation};
pub(crate) use lock::lock;
pub(crate) use operation::operation;
pub(crate) use order::{order, orders};
pub(crate) use order_physical::{order_physical, order_physical_with_pin};
pub(crate) use pin::set_pin;
pub(crate) use print::print;
pub(crate) use remove::remove;
pub(crate) use renew::{renew, renew_unseen};
pub(crate) use replace::{replace, replace_unseen};
pub(crate) use reset_cvv::{reset_cvv, reset_cvv_unseen};
pub(crate) use show::show_unseen;
pub(crate) use unlock::unlock;

use crate::answer::Named;
use app::cards::{FullCard, Renewed, Replaced};
use domain::Date;
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, LockReason};
use domain::program::CardType;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Cards";

type Material = Named<CardType>;

/// A card without its number.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Card)]
pub(crate) struct CardJson {
    /// Its id.
    id: i64,
    /// Its UUID.
    resource_id: Uuid,
    /// What it is made of.
    r#type: Material,
    /// The last four digits of its number.
    #[schema(pattern = "^[0-9]{4}$")]
    last_four_digits: String,
    /// The last day on which it works.
    #[schema(format = Date)]
    exp: String,
    /// Where it stands.
    #[schema(schema_with = state)]
    state: &'static str,
    /// The code of why it is locked.
    lock_reason: Option<i64>,
    /// The balance that it pays from.
    balance_id: Uuid,
    /// The program that it is of.
    config_id: String,
    /// The owner's name for it.
    label: Option<String>,
}

/// A card with its number and code.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FullCard)]
pub(crate) struct FullCardJson<'a> {
    /// Its id.
    id: i64,
    /// What it is made of.
    r#type: Material,
    /// Its CVC2: three digits.
    #[schema(pattern = "^[0-9]{3}$")]
    cvv: &'a str,
    /// Its number: 13 to 19 digits.
    #[schema(pattern = "^[0-9]{13,19}$")]
    card_no: &'a str,
    /// The last day on which it works.
    #[schema(format = Date)]
    exp: String,
}

/// What is kept with a key of an answer that shows a card's number or code, and told to who may
/// not see them: which card it is.
#[derive(Serialize, ToSchema)]
#[schema(as = CardName)]
struct Kept {
    /// The card's id.
    id: i64,
}

/// A card with its number and code, and the order of its next plastic.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FullCardAndOrder)]
struct OrderedJson<'a> {
    /// The card.
    #[serde(flatten)]
    card: FullCardJson<'a>,
    /// The order of its plastic, where some was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    order_id: Option<Uuid>,
}

impl OrderedJson<'_> {
    /// A card as it is now, and the order that was kept with a key.
    fn of(full: &FullCard, kept: &Value) -> Value {
        let order_id = kept.get("orderId").and_then(Value::as_str).and_then(|id| id.parse().ok());
        crate::answer::json(&OrderedJson { card: FullCardJson::of(full), order_id })
    }
}

/// Which card it is, and the order of its plastic: kept with a key of an answer that shows number
/// and code, and told to who may not see them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardNameAndOrder)]
struct KeptOrder {
    /// The card's id.
    id: i64,
    /// The order of its plastic; null where none was ordered.
    order_id: Option<Uuid>,
}

impl From<&Replaced> for KeptOrder {
    fn from(replaced: &Replaced) -> Self {
        Self { id: replaced.card.0, order_id: replaced.order.map(|order| order.0) }
    }
}

impl From<&Renewed> for KeptOrder {
    fn from(renewed: &Renewed) -> Self {
        Self { id: renewed.card.0, order_id: renewed.order.map(|order| order.0) }
    }
}

impl From<&Card> for Kept {
    fn from(card: &Card) -> Self {
        Self { id: card.id.0 }
    }
}

impl CardJson {
    /// A card as it stands on a day.
    pub(crate) fn on(card: &Card, today: Date) -> Self {
        Self {
            id: card.id.0,
            resource_id: card.resource,
            r#type: Named(card.card_type),
            last_four_digits: card.last_four.clone(),
            exp: card.expiry.to_string(),
            state: card.state_on(today),
            lock_reason: lock_reason(card).map(LockReason::code),
            balance_id: card.balance.0,
            config_id: card.config_id.clone(),
            label: card.label.clone(),
        }
    }
}

impl<'a> FullCardJson<'a> {
    /// For answers that will be encrypted, and nothing else.
    #[expect(clippy::disallowed_methods, reason = "the endpoints that demand encryption show it")]
    fn of(full: &'a FullCard) -> Self {
        Self {
            id: full.card.id.0,
            r#type: Named(full.card.card_type),
            cvv: full.cvv.expose(),
            card_no: full.pan.expose(),
            exp: full.card.expiry.to_string(),
        }
    }
}

/// The words of [`Card::state_on`].
fn state() -> utoipa::openapi::schema::Object {
    let words = ["INACTIVE", "ACTIVE", "LOCKED", "EXPIRED", "REMOVED"];
    crate::wire::schema::words(words).build()
}

fn lock_reason(card: &Card) -> Option<LockReason> {
    match card.status {
        CardStatus::Locked { reason, .. } => Some(reason),
        CardStatus::Usable(_) | CardStatus::Removed { .. } => None,
    }
}
