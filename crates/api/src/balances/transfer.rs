//! `POST /secure/balances/{balanceId}/transactions`: the internal transactions of spec
//! "Transactions"; so far `topUp`.

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::masking::mask;
use crate::problem::Problem;
use crate::transactions::transaction_json;
use crate::wire::{currency, minor_units, text};
use app::balances::Transfer;
use axum::extract::State;
use domain::ids::BalanceId;
use domain::transaction::TransactionType;

/// Moves the money → 201 the transaction.
pub(crate) async fn transfer(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let scope = call.scope()?;
    let moved = match read(&call, call.balance()?)? {
        Some(asked) => api.app.transfer(scope, asked).await?,
        None => {
            let (fingerprint, origin) = (call.fingerprint, call.origin().clone());
            api.app.refuse_transfer_type(scope, call.key(), fingerprint, origin).await?
        }
    };
    let settings = api.app.settings.get();
    Ok(Answer::Created(transaction_json(&moved, settings.partner(scope.partner()))))
}

/// What is asked; `None` if it is right in all but its type, which names none.
fn read(call: &Call, balance: BalanceId) -> Result<Option<Transfer>, Problem> {
    let mut fields = call.fields()?;
    let kind = fields.required("type", text(40));
    let amount = fields.required("amount", minor_units);
    let currency = fields.required("currency", currency);
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
    }))
}
