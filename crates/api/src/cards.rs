//! Cards: issue, now or later, list, show, lock, unlock, remove (spec "Cards").

mod full_data;
mod issue_later;
mod issue_virtual;
mod list;
mod lock;
mod operation;
mod remove;
mod unlock;

pub(crate) use full_data::full_data;
pub(crate) use issue_later::issue_later;
pub(crate) use issue_virtual::issue_virtual;
pub(crate) use list::list;
pub(crate) use lock::lock;
pub(crate) use operation::operation;
pub(crate) use remove::remove;
pub(crate) use unlock::unlock;

use app::cards::FullCard;
use domain::Date;
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, LockReason};
use serde_json::{Value, json};

/// A card without its number.
pub(crate) fn masked_json(card: &Card, today: Date) -> Value {
    json!({
        "id": card.id.0,
        "resourceId": card.resource,
        "type": card.card_type.as_str(),
        "lastFourDigits": card.last_four,
        "exp": card.expiry.to_string(),
        "state": card.state_on(today),
        "lockReason": lock_reason(card).map(LockReason::code),
        "balanceId": card.balance.0,
        "configId": card.config_id,
        "label": card.label,
    })
}

/// A card with its number and code: for answers that will be encrypted, and nothing else.
#[expect(clippy::disallowed_methods, reason = "the endpoints that demand encryption show it")]
fn full_json(full: &FullCard) -> Value {
    json!({
        "id": full.card.id.0,
        "type": full.card.card_type.as_str(),
        "cvv": full.cvv.expose(),
        "cardNo": full.pan.expose(),
        "exp": full.card.expiry.to_string(),
    })
}

fn lock_reason(card: &Card) -> Option<LockReason> {
    match card.status {
        CardStatus::Locked { reason, .. } => Some(reason),
        CardStatus::Usable(_) | CardStatus::Removed { .. } => None,
    }
}
