//! `POST /secure/customers/{customerId}/balances` `{currency}`.

use super::{BalanceJson, TAG};
use crate::Api;
use crate::answer::{Created, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::currency;
use app::Refusal;
use domain::ids::UserId;
use domain::money::Currency;
use serde_json::json;

/// Creates an empty balance → 201 the balance.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read, created)
        .about(TAG, "Create a balance", "It is empty, and its currency never changes.")
        .example(json!({ "currency": "EUR" }))
        .refuses(&[
            Refusal::CurrencyNotSupported,
            Refusal::KycNotVerified,
            Refusal::ModeNotSupported,
        ])
}

fn read(call: &Call) -> Result<(UserId, Currency), Problem> {
    let owner = call.user()?;
    let mut fields = call.fields()?;
    let currency = fields.required("currency", currency());
    currency.map(|currency| (owner, currency)).ok_or_else(|| fields.problem())
}

async fn created(
    api: Api,
    head: Head,
    (owner, currency): (UserId, Currency),
) -> Result<Created<BalanceJson>, Problem> {
    let once = head.once(kept::<_, BalanceJson>);
    Ok(Created::kept(api.app.create_balance(head.scope()?, owner, currency, once).await?))
}
