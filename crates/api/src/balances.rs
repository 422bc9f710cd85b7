//! Balances: create, find, list, top up (spec "Balances").

mod create;
mod find;
mod transfer;

pub(crate) use create::create;
pub(crate) use find::{find, list};
pub(crate) use transfer::transfer;

use domain::balance::Balance;
use serde_json::{Value, json};

/// A balance on the wire. `amount` is what can be spent now; both amounts in minor units.
fn balance_json(balance: &Balance) -> Value {
    json!({
        "balanceId": balance.id.0,
        "currency": balance.currency.code(),
        "amount": balance.available(),
        "blockedAmount": balance.held.minor(),
        "state": balance.state.as_str(),
        "iban": null,
    })
}
