//! `POST /secure/customers/{customerId}/balances` `{currency}`, `POST /secure/balances`
//! `{currency, dcUserId}`, `POST /admin/corporations/{dcCorporationId}/balances` `{currency}`.

use super::{BalanceJson, TAG};
use crate::Api;
use crate::answer::{Created, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{currency, integer, text, uuid};
use app::Refusal;
use app::balances::NewBalance;
use app::owners::OwnerName;
use domain::ids::UserId;
use serde_json::json;

/// What creating for a user or a corporation may be refused for.
const REFUSALS_FOR: &[Refusal] = &[
    Refusal::CorporationNotFound,
    Refusal::KybNotAccepted,
    Refusal::CustomerNotFound,
    Refusal::CurrencyNotSupported,
    Refusal::ProgramNotFound,
    Refusal::CurrencyMismatch,
    Refusal::KycNotVerified,
    Refusal::ModeNotSupported,
    Refusal::UserNotFound,
    Refusal::PartnerUnavailable,
];
/// What creating for a user may be refused for: all but the first two, which are of corporations.
const REFUSALS: &[Refusal] = REFUSALS_FOR.split_at(2).1;

const ONE_OWNER: &str = "or dcCorporationId: exactly one is needed";

/// Creates an empty balance → 201 the balance.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read, created)
        .about(
            TAG,
            "Create a balance",
            "It is empty, and its currency never changes. With the `configId` of a program for \
             anonymous gifts it is a gift: its owner needn't be verified, it takes one load, and \
             has one card, of that program. Where the partner holds the money (balance mode \
             `EXTERNAL`), its server is asked first to link the balance: `USER_NOT_FOUND` is its \
             word, and nothing was created; nor was it after `PARTNER_UNAVAILABLE`, and a link \
             that it may have made is undone. The same request may be sent again then.",
        )
        .example(json!({ "currency": "EUR" }))
        .refuses(REFUSALS)
}

/// Creates an empty balance of the user whom the body names → 201 the balance.
pub(crate) fn create_for() -> Endpoint {
    Endpoint::of(read_for, created)
        .about(
            TAG,
            "Create a balance of an owner",
            "`dcUserId` is the user whose it will be, or `dcCorporationId` the corporation, whose \
             KYB is accepted. It is empty, and its currency never changes. `configId` makes it a \
             user's gift, as above.",
        )
        .example(json!({ "currency": "EUR", "dcUserId": 1 }))
        .refuses(REFUSALS_FOR)
}

/// Creates an empty balance of a corporation → 201 the balance.
pub(crate) fn create_of_corporation() -> Endpoint {
    Endpoint::of(read_of_corporation, created)
        .about(
            TAG,
            "Create a balance of a corporation",
            "Of one whose KYB is accepted. It is empty, and its currency never changes. Where the \
             partner holds the money, its server is asked first, as for a user's.",
        )
        .example(json!({ "currency": "EUR" }))
        .refuses(&[
            Refusal::KybNotAccepted,
            Refusal::CurrencyNotSupported,
            Refusal::UserNotFound,
            Refusal::PartnerUnavailable,
        ])
}

fn read_of_corporation(call: &Call) -> Result<NewBalance, Problem> {
    let owner = OwnerName::Corporation(call.corporation()?);
    let mut fields = call.fields()?;
    let currency = fields.required("currency", currency());
    let Some(currency) = currency else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(NewBalance { owner, currency, config_id: None })
}

fn read(call: &Call) -> Result<NewBalance, Problem> {
    let owner = OwnerName::User(call.user()?);
    let mut fields = call.fields()?;
    let currency = fields.required("currency", currency());
    let config_id = fields.optional("configId", text(10));
    let Some(currency) = currency else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(NewBalance { owner, currency, config_id })
}

fn read_for(call: &Call) -> Result<NewBalance, Problem> {
    let mut fields = call.fields()?;
    let currency = fields.required("currency", currency());
    let config_id = fields.optional("configId", text(10));
    fields.demand_one(&["dcUserId", "dcCorporationId"], ONE_OWNER);
    let user = fields.optional("dcUserId", integer()).map(|id| OwnerName::User(UserId(id)));
    let corporation = fields.optional("dcCorporationId", uuid()).map(OwnerName::Corporation);
    if corporation.is_some() {
        fields.foreign("configId", "is for a user's balance: a gift is a person's");
    }
    let owner = user.or(corporation);
    let (Some(currency), Some(owner)) = (currency, owner) else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(NewBalance { owner, currency, config_id })
}

async fn created(api: Api, head: Head, new: NewBalance) -> Result<Created<BalanceJson>, Problem> {
    let once = head.once(kept::<_, BalanceJson>);
    Ok(Created::kept(api.app.create_balance(head.scope()?, new, once).await?))
}
