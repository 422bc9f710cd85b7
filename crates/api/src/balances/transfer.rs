//! `POST /secure/balances/{balanceId}/transactions`: the internal transactions of spec
//! "Transactions".

use super::TAG;
use crate::Api;
use crate::answer::Created;
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::masking::mask;
use crate::problem::Problem;
use crate::transactions::TransactionJson;
use crate::wire::{currency, minor_units, text};
use app::Refusal;
use app::balances::{Right, Transfer};
use domain::transaction::TransactionType;
use serde_json::json;

/// Moves the money → 201 the transaction.
pub(crate) fn transfer() -> Endpoint {
    Endpoint::of(read, transferred)
        .about(
            TAG,
            "Move a balance's money",
            "`type` is `topUp`, `payment`, `loan` or `cashback` (to the balance), `funding`, \
             `withdrawal`, `commission`, `interest` or `fee` (from it). The same `type` and \
             `externalTransactionId` moves money once, whatever the key.",
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
            Refusal::TransactionRefused,
            Refusal::ModeNotSupported,
        ])
}

async fn transferred(
    api: Api,
    head: Head,
    asked: Option<Transfer>,
) -> Result<Created<TransactionJson>, Problem> {
    let scope = head.scope()?;
    let moved = match asked {
        Some(asked) => api.app.transfer(scope, asked).await?,
        None => {
            let (fingerprint, origin) = (head.fingerprint, head.origin().clone());
            api.app.refuse_transfer_type(scope, head.key(), fingerprint, origin).await?
        }
    };
    let settings = api.app.settings.get();
    Ok(Created::with(&TransactionJson::of(&moved, settings.partner(scope.partner()))))
}

/// What is asked; `None` if it is right in all but its type, which names none.
fn read(call: &Call) -> Result<Option<Transfer>, Problem> {
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
    Ok(TransactionType::parse(&kind).map(|kind| Transfer {
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
        right: Right::Partner,
    }))
}
