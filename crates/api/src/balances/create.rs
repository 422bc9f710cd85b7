//! `POST /secure/customers/{customerId}/balances` `{currency}`, `POST /secure/balances`
//! `{currency, dcUserId}`.

use super::{BalanceJson, TAG};
use crate::Api;
use crate::answer::{Created, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{currency, integer};
use app::Refusal;
use domain::ids::UserId;
use domain::money::Currency;
use serde_json::json;

/// What creating may be refused for.
const REFUSALS: &[Refusal] = &[
    Refusal::CustomerNotFound,
    Refusal::CurrencyNotSupported,
    Refusal::KycNotVerified,
    Refusal::ModeNotSupported,
];

/// Creates an empty balance → 201 the balance.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read, created)
        .about(TAG, "Create a balance", "It is empty, and its currency never changes.")
        .example(json!({ "currency": "EUR" }))
        .refuses(REFUSALS)
}

/// Creates an empty balance of the user whom the body names → 201 the balance.
pub(crate) fn create_for() -> Endpoint {
    Endpoint::of(read_for, created)
        .about(
            TAG,
            "Create a balance of an owner",
            "`dcUserId` is the user whose it will be; `dcCorporationId` isn't supported yet. It is \
             empty, and its currency never changes.",
        )
        .example(json!({ "currency": "EUR", "dcUserId": 1 }))
        .refuses(REFUSALS)
}

fn read(call: &Call) -> Result<(UserId, Currency), Problem> {
    let owner = call.user()?;
    let mut fields = call.fields()?;
    let currency = fields.required("currency", currency());
    currency.map(|currency| (owner, currency)).ok_or_else(|| fields.problem())
}

fn read_for(call: &Call) -> Result<(UserId, Currency), Problem> {
    let mut fields = call.fields()?;
    let currency = fields.required("currency", currency());
    fields.unsupported("dcCorporationId");
    let owner = if fields.has("dcCorporationId") {
        // Whose it is was said; that it can't be a corporation's is all that is wrong.
        fields.optional("dcUserId", integer())
    } else {
        fields.required("dcUserId", integer())
    };
    let (Some(currency), Some(owner)) = (currency, owner) else { return Err(fields.problem()) };
    fields.finish()?;
    Ok((UserId(owner), currency))
}

async fn created(
    api: Api,
    head: Head,
    (owner, currency): (UserId, Currency),
) -> Result<Created<BalanceJson>, Problem> {
    let once = head.once(kept::<_, BalanceJson>);
    Ok(Created::kept(api.app.create_balance(head.scope()?, owner, currency, once).await?))
}
