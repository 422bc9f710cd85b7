//! `POST /secure/balances/{balanceId}/transactions`, `POST
//! /secure/partner-balances/{balanceId}/transactions` and the same of the latter under `/admin`:
//! the internal transactions of spec "Transactions".

use super::TAG;
use crate::Api;
use crate::answer::Created;
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::identity::not_allowed;
use crate::problem::Problem;
use crate::transactions::TransactionJson;
use crate::wire::{currency, minor_units, text};
use app::Refusal;
use app::balances::{Owned, Right, Transfer};
use app::transactions::Record;
use domain::masking::mask;
use domain::transaction::TransactionType;
use serde_json::{Value, json};

/// What is asked.
struct Asked {
    /// `None` if all is right but the type, which names none that there is for such a balance.
    transfer: Option<Transfer>,
    /// Whose balance it is said to be.
    owner: Owned,
}

/// Moves a user's money → 201 the transaction.
pub(crate) fn transfer() -> Endpoint {
    Endpoint::of(|call| read(call, Owned::User), transferred)
        .about(
            TAG,
            "Move a balance's money",
            "`type` is `topUp`, `payment`, `loan` or `cashback` (to the balance), `funding`, \
             `withdrawal`, `commission`, `interest` or `fee` (from it). `creditIbanTransfer` needs \
             a certificate of the operator's own with the scope `iban`, which moves nothing else. \
             The same `type` and `externalTransactionId` moves money once, whatever the key.",
        )
        .example(json!({
            "type": "topUp",
            "amount": 10_000,
            "currency": "EUR",
            "description": "Welcome",
            "externalTransactionId": "top-up-1",
        }))
        .refuses(&[
            Refusal::UnknownTransactionType,
            Refusal::InvalidAmount,
            Refusal::CurrencyMismatch,
            Refusal::CustomerNotFound,
            Refusal::InsufficientFunds,
            Refusal::InsufficientFundsOnCollateralBalance,
            Refusal::CollateralBalanceNotFound,
            Refusal::BalanceLocked,
            Refusal::AmlException,
            Refusal::LimitExceed,
            Refusal::TransactionNotPermitted,
            Refusal::TransactionRefused,
            Refusal::PartnerTimeout,
            Refusal::RequestInProgress,
        ])
}

/// Moves money of a partner's own → 201 the transaction.
pub(crate) fn transfer_of_partner(tag: &'static str) -> Endpoint {
    Endpoint::of(|call| read(call, Owned::Partner), transferred)
        .about(
            tag,
            "Load a partner's own balance, or draw from it",
            "For certificates of the operator's own. `type` is, with the scope `collateral`, \
             `collateralCredit` or `collateralDebit` (`CREDIT`, `DEPOSIT`), `companyCredit`, \
             `companyDebit` or `interchangeCredit` (`COMPANY`); with the scope `iban` \
             `ibanTechnicalCredit` or `ibanTechnicalDebit` (`IBAN_TECHNICAL`). The same `type` and \
             `externalTransactionId` moves money once, whatever the key.",
        )
        .example(load_example())
        .refuses(REFUSALS_OF_PARTNER)
}

/// The same for people of the operator's → 201 the transaction.
pub(crate) fn transfer_of_partner_by_person(tag: &'static str) -> Endpoint {
    Endpoint::of(|call| read(call, Owned::Partner), transferred_by_person)
        .about(
            tag,
            "Load a partner's own balance, or draw from it",
            "`type` is `collateralCredit` or `collateralDebit` (`CREDIT`, `DEPOSIT`), \
             `companyCredit`, `companyDebit` or `interchangeCredit` (`COMPANY`), \
             `ibanTechnicalCredit` or `ibanTechnicalDebit` (`IBAN_TECHNICAL`). The same `type` and \
             `externalTransactionId` moves money once, whatever the key, and whether a person or a \
             system of the operator's sends it.",
        )
        .example(load_example())
        .refuses(REFUSALS_OF_PARTNER)
}

/// Why a partner's own money isn't moved.
const REFUSALS_OF_PARTNER: &[Refusal] = &[
    Refusal::UnknownTransactionType,
    Refusal::InvalidAmount,
    Refusal::CurrencyMismatch,
    Refusal::InsufficientFunds,
    Refusal::TransactionRefused,
];

fn load_example() -> Value {
    json!({
        "type": "collateralCredit",
        "amount": 1_000_000,
        "currency": "EUR",
        "description": "Deposit of November",
        "externalTransactionId": "2026-11-21",
    })
}

async fn transferred(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Created<TransactionJson>, Problem> {
    let scope = head.scope()?;
    let moved = moved(&api, &head, asked).await?;
    let settings = api.app.settings.get();
    Ok(Created::with(&TransactionJson::of(&moved, settings.partner(scope.partner()))))
}

async fn transferred_by_person(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Created<TransactionJson>, Problem> {
    let moved = moved(&api, &head, asked).await?;
    Ok(Created::with(&TransactionJson::in_full(&moved)))
}

async fn moved(api: &Api, head: &Head, asked: Asked) -> Result<Record, Problem> {
    let scope = head.scope()?;
    match asked.transfer {
        Some(transfer) if !head.may(transfer.right) => Err(not_allowed()),
        Some(transfer) => Ok(api.app.transfer(scope, transfer).await?),
        None => {
            let of_systems = asked.owner.endpoint(head.is_operators());
            let endpoint = head.endpoint_of_person().unwrap_or(of_systems);
            let (fingerprint, origin) = (head.fingerprint, head.origin().clone());
            let refused =
                api.app.refuse_transfer_type(scope, endpoint, head.key(), fingerprint, origin);
            Ok(refused.await?)
        }
    }
}

fn read(call: &Call, owner: Owned) -> Result<Asked, Problem> {
    let balance = call.balance()?;
    let mut fields = call.fields()?;
    let kind = fields.required("type", text(40));
    let amount = fields.required("amount", minor_units());
    let currency = fields.required("currency", currency());
    let description = fields.required("description", text(255));
    let external_id = fields.required("externalTransactionId", text(100));
    let reference_id = fields.optional("referenceTransactionId", text(100));
    let (Some(kind), Some(amount), Some(currency), Some(text), Some(external_id)) =
        (kind, amount, currency, description, external_id)
    else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let kind = TransactionType::parse(&kind).filter(|kind| owner.has(*kind));
    let right = |kind| Right::needed_for(kind).map(|right| (kind, right));
    let transfer = kind.and_then(right).map(|(kind, right)| Transfer {
        balance,
        kind,
        amount,
        currency,
        text: mask(&text),
        external_id,
        reference_id,
        key: call.key(),
        endpoint: call.endpoint_of_person().map(str::to_owned),
        fingerprint: call.fingerprint,
        origin: call.origin().clone(),
        right,
    });
    Ok(Asked { transfer, owner })
}
