//! The partner's own balances: create, find, list, load (spec "Partner balances").

use crate::Api;
use crate::answer::{Code, Created, Done, List, Named, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{currency, word};
use app::Refusal;
use app::admins::Manager;
use app::balances::PartnerBalance;
use domain::balance::{BalanceState, PartnerBalanceKind};
use domain::money::Currency;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Partner balances";

type Purpose = Named<PartnerBalanceKind>;
type State = Named<BalanceState>;

/// A balance of the partner's own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartnerBalance)]
pub(crate) struct PartnerBalanceJson {
    /// Its id.
    id: Uuid,
    /// What it is for; there is one of each kind and currency at most.
    kind: Purpose,
    /// Its currency.
    currency: Code,
    /// What can be spent now, in minor units; below zero by force.
    amount: i64,
    /// What authorizations hold, in minor units.
    blocked_amount: i64,
    /// Whether it can be used.
    state: State,
}

/// `POST /secure/partner-balances` `{kind, currency}` → 201 the balance.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read, created)
        .about(
            TAG,
            "Create a balance of the partner's own",
            "`kind` is `CREDIT` or `DEPOSIT`; there is one of each kind and currency, and one that \
             is there already is answered as it is. The operator loads it. Needs a certificate \
             with the scope `partner-balance-create`.",
        )
        .example(json!({ "kind": "DEPOSIT", "currency": "EUR" }))
        .refuses(&[Refusal::CurrencyNotSupported])
}

/// `POST /admin/partner-balances` `{kind, currency}` → 201 the balance.
pub(crate) fn create_by_person() -> Endpoint {
    Endpoint::of(read_any, created_by_person)
        .about(
            TAG,
            "Create a balance of a partner's own",
            "Of any kind, in any currency; there is one of each kind and currency, and one that is \
             there already is answered as it is.",
        )
        .example(json!({ "kind": "IBAN_TECHNICAL", "currency": "EUR" }))
        .refuses(&[Refusal::AdminChanged])
}

/// `POST /secure/partner-balances/{balanceId}/transactions` → 201 the transaction.
pub(crate) fn transfer() -> Endpoint {
    crate::balances::transfer_of_partner(TAG)
}

/// `POST /admin/partner-balances/{balanceId}/transactions` → 201 the transaction.
pub(crate) fn transfer_by_person() -> Endpoint {
    crate::balances::transfer_of_partner_by_person(TAG)
}

/// `GET /secure/partner-balances/{balanceId}`.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(TAG, "Show a balance of the partner's own", "By its id.")
}

/// `GET /secure/partner-balances`.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List the partner's own balances",
        "`COMPANY` is made with the first program of a currency; the operator makes the others. \
         The list has one page.",
    )
}

fn read(call: &Call) -> Result<(PartnerBalanceKind, Currency), Problem> {
    const KINDS: &[PartnerBalanceKind] = &[PartnerBalanceKind::Credit, PartnerBalanceKind::Deposit];
    let mut fields = call.fields()?;
    let kind = fields.required("kind", word(KINDS, "must be CREDIT or DEPOSIT"));
    let currency = fields.required("currency", currency());
    kind.zip(currency).ok_or_else(|| fields.problem())
}

async fn created(
    api: Api,
    head: Head,
    (kind, currency): (PartnerBalanceKind, Currency),
) -> Result<Created<PartnerBalanceJson>, Problem> {
    let once = head.once(kept::<_, PartnerBalanceJson>);
    let made = api.app.create_own_balance(head.scope()?, kind, currency, once).await?;
    Ok(Created::kept(made))
}

fn read_any(call: &Call) -> Result<(PartnerBalanceKind, Currency), Problem> {
    let wrong = "must be COMPANY, CREDIT, DEPOSIT or IBAN_TECHNICAL";
    let mut fields = call.fields()?;
    let kind = fields.required("kind", word(PartnerBalanceKind::ALL, wrong));
    let currency = fields.required("currency", currency());
    kind.zip(currency).ok_or_else(|| fields.problem())
}

async fn created_by_person(
    api: Api,
    head: Head,
    asked: (PartnerBalanceKind, Currency),
) -> Result<Created<PartnerBalanceJson>, Problem> {
    let manager = Manager::of(head.caller().admin()?);
    let once = head.once(kept::<_, PartnerBalanceJson>);
    let made = api.app.create_partner_balance_once(manager, head.scope()?, asked, once).await?;
    Ok(Created::kept(made))
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<PartnerBalanceJson>, Problem> {
    let found = api.app.partner_balance(head.scope()?, head.balance()?).await?;
    Ok(Done::with(&PartnerBalanceJson::from(&found)))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<PartnerBalanceJson>>, Problem> {
    let found = api.app.partner_balances(head.scope()?).await?;
    Ok(Done::with(&List::all(&found, |found| PartnerBalanceJson::from(found))))
}

impl From<&PartnerBalance> for PartnerBalanceJson {
    fn from(found: &PartnerBalance) -> Self {
        let PartnerBalance { kind, balance } = found;
        Self {
            id: balance.id.0,
            kind: Named(*kind),
            currency: Code(balance.currency),
            amount: balance.available(),
            blocked_amount: balance.held.minor(),
            state: Named(balance.state),
        }
    }
}
