//! `POST /secure/balances/{balanceId}/transactions`, `POST
//! /secure/partner-balances/{balanceId}/transactions`: the internal transactions of spec
//! "Transactions".

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
use domain::masking::mask;
use domain::transaction::TransactionType;
use serde_json::json;

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
        .example(json!({
            "type": "collateralCredit",
            "amount": 1_000_000,
            "currency": "EUR",
            "description": "Deposit of November",
            "externalTransactionId": "2026-11-21",
        }))
        .refuses(&[
            Refusal::UnknownTransactionType,
            Refusal::InvalidAmount,
            Refusal::CurrencyMismatch,
            Refusal::InsufficientFunds,
            Refusal::TransactionRefused,
        ])
}

async fn transferred(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Created<TransactionJson>, Problem> {
    let scope = head.scope()?;
    let moved = match asked.transfer {
        Some(transfer) if !head.may(transfer.right) => return Err(not_allowed()),
        Some(transfer) => api.app.transfer(scope, transfer).await?,
        None => {
            let endpoint = asked.owner.endpoint(head.is_operators());
            let (fingerprint, origin) = (head.fingerprint, head.origin().clone());
            let refused =
                api.app.refuse_transfer_type(scope, endpoint, head.key(), fingerprint, origin);
            refused.await?
        }
    };
    let settings = api.app.settings.get();
    Ok(Created::with(&TransactionJson::of(&moved, settings.partner(scope.partner()))))
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
        fingerprint: call.fingerprint,
        origin: call.origin().clone(),
        right,
    });
    Ok(Asked { transfer, owner })
}
