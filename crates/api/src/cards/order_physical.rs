//! `POST /secure/customers/{customerId}/cards/physical` and `…/physical_with_pin`, the same under
//! `/secure/cards` and `/customers/me/cards`.

use super::TAG;
use super::issue_virtual::asked;
use super::pin::pin;
use crate::Api;
use crate::answer::{Accepted, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Fields, Reader, address, parsed, schema, word};
use app::Refusal;
use app::cards::{Carrier, OrderPhysical};
use domain::card::embossing::CardholderLine;
use domain::card::order::Delivery;
use domain::ids::OrderId;
use domain::secret::Pin;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

const DELIVERY: &str = "must be POST or COURIER";
/// More than a name has before it is rendered.
const MANY: usize = 100;

/// Orders a card on plastic → 202 `{"orderId"}`, encrypted.
pub(crate) fn order_physical() -> Endpoint {
    Endpoint::encrypted(read, ordered)
        .about(
            TAG,
            "Order a card on plastic",
            "The card leaves for the bureau with the day's batch, is seen as INACTIVE once it was \
             made, and works once its holder has activated it. `embossedName` stands on it: 26 \
             characters at most, rendered in capital letters without signs; else the holder's \
             names, the given ones shortened where there is no room. Its PIN is set by the holder.",
        )
        .example(example())
        .refuses(REFUSALS)
}

/// Orders a card on plastic with the PIN that its holder has chosen.
pub(crate) fn order_physical_with_pin() -> Endpoint {
    let mut example = example();
    example["pin"] = "8264".into();
    Endpoint::sealed(read_with_pin, ordered)
        .about(
            TAG,
            "Order a card on plastic with a PIN",
            "As above, with the PIN that its holder has chosen: the chip has it from the start.",
        )
        .example(example)
        .refuses(REFUSALS_WITH_PIN)
}

const REFUSALS_WITH_PIN: &[Refusal] = &[
    Refusal::WeakPin,
    Refusal::CustomerNotFound,
    Refusal::CorporationNotFound,
    Refusal::BalanceNotFound,
    Refusal::ProgramNotFound,
    Refusal::PlasticNotSupported,
    Refusal::KycNotVerified,
    Refusal::KybNotAccepted,
    Refusal::CurrencyMismatch,
    Refusal::ProgramMismatch,
    Refusal::CustomerMismatch,
    Refusal::CardLimitReached,
    Refusal::NameNotEmbossable,
    Refusal::BinRangeExhausted,
    Refusal::CardMadeElsewhere,
];
/// All but the first, which is of the PIN.
const REFUSALS: &[Refusal] = REFUSALS_WITH_PIN.split_at(1).1;

fn example() -> Value {
    json!({
        "balanceId": "00000000-0000-4000-8000-000000000000",
        "configId": "0019167985",
        "dcUserId": 1,
        "deliveryAddress": super::print::address_example(),
        "delivery": "POST",
        "embossedName": "Łukasz Żółć",
    })
}

/// Where plastic is sent, and how.
pub(super) fn carrier(fields: &mut Fields<'_>) -> Option<Carrier> {
    let address = address(fields, "deliveryAddress");
    fields.demand("deliveryAddress");
    let delivery = fields.required("delivery", word(Delivery::ALL, DELIVERY));
    Some(Carrier { address: address?, delivery: delivery? })
}

/// The same, where it may be missing as a whole.
pub(super) fn carrier_if_told(fields: &mut Fields<'_>) -> Option<Carrier> {
    let told = fields.has("deliveryAddress") || fields.has("delivery");
    let address = address(fields, "deliveryAddress");
    let delivery = fields.optional("delivery", word(Delivery::ALL, DELIVERY));
    if told && address.is_none() {
        fields.missing("deliveryAddress");
    }
    if told && delivery.is_none() {
        fields.missing("delivery");
    }
    Some(Carrier { address: address?, delivery: delivery? })
}

fn read(call: &Call) -> Result<Option<OrderPhysical>, Problem> {
    let mut fields = call.fields()?;
    fields.foreign("pin", "is for physical_with_pin alone");
    read_order(call, fields, None)
}

fn read_with_pin(call: &Call) -> Result<Option<OrderPhysical>, Problem> {
    let mut fields = call.fields()?;
    let pin = fields.required("pin", pin());
    read_order(call, fields, pin)
}

/// What is ordered; nothing is if path and body name different users.
fn read_order(
    call: &Call,
    mut fields: Fields<'_>,
    pin: Option<Pin>,
) -> Result<Option<OrderPhysical>, Problem> {
    let asked = asked(call, &mut fields)?;
    let carrier = carrier(&mut fields);
    let line = fields.optional("embossedName", line());
    let (Some(asked), Some(carrier)) = (asked, carrier) else { return Err(fields.problem()) };
    fields.finish()?;
    let (_, card) = asked.command()?;
    Ok(card.map(|card| OrderPhysical { card, carrier, line, pin }))
}

/// A name that a card has room for, once rendered.
fn line() -> impl Reader<CardholderLine> {
    let schema = || schema::text(MANY);
    let message = "must have room on a card: 26 characters, letters, digits and . ' - & , of \
                   Latin, Cyrillic or Greek names";
    parsed(|text: &str| CardholderLine::of(text).ok(), schema, message)
}

async fn ordered(
    api: Api,
    head: Head,
    command: Option<OrderPhysical>,
) -> Result<Accepted<CardOrderedJson>, Problem> {
    let scope = head.scope()?;
    let once = head.once(kept::<_, CardOrderedJson>);
    Ok(Accepted::kept(match command {
        Some(command) => api.app.order_physical_card(scope, command, once).await?,
        None => api.app.refuse(scope, &once, Refusal::CustomerMismatch).await?,
    }))
}

/// An order of plastic.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardOrdered)]
pub(super) struct CardOrderedJson {
    /// Its id.
    order_id: Uuid,
}

impl From<&OrderId> for CardOrderedJson {
    fn from(id: &OrderId) -> Self {
        Self { order_id: id.0 }
    }
}
