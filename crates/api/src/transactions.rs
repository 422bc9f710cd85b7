//! Transactions: find, list (spec "The record").

use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::moment;
use axum::extract::State;
use domain::partner::{DescriptionCodes, Partner};
use domain::transaction::{Flag, Transaction};
use serde_json::{Value, json};

/// `GET /secure/transactions/{transactionId}`.
pub(crate) async fn find(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let scope = call.scope()?;
    let found = api.app.transaction(scope, call.transaction()?).await?;
    let settings = api.app.settings.get();
    Ok(Answer::ok(transaction_json(&found, settings.partner(scope.partner()))))
}

/// `GET /secure/balances/{balanceId}/transactions`: newest first.
pub(crate) async fn list(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let scope = call.scope()?;
    let before = call.after()?.unwrap_or(i64::MAX);
    let page = api.app.transactions(scope, call.balance()?, before, call.limit()?).await?;
    let settings = api.app.settings.get();
    let partner = settings.partner(scope.partner());
    Ok(Answer::page(&page, |found| transaction_json(found, partner)))
}

/// A transaction on the wire. Amounts are in minor units; the description code is one that the
/// partner wants to see.
pub(crate) fn transaction_json(found: &Transaction, partner: Option<&Partner>) -> Value {
    let order = &found.order;
    let codes = partner.map(|partner| partner.settings.description_codes);
    let code = match codes {
        Some(DescriptionCodes::Extended) => found.description.as_str(),
        Some(DescriptionCodes::Seeds) | None => found.description.code_in_seeds(),
    };
    let data: Option<Value> = order.data.as_ref().and_then(|text| serde_json::from_str(text).ok());
    json!({
        "id": found.id.0,
        "number": found.number,
        "balanceId": order.balance.map(|id| id.0),
        "cardId": order.card.map(|id| id.0),
        "externalTransactionId": order.network_id,
        "referenceExternalTransactionId": order.reference_id,
        "type": order.kind.as_str(),
        "category": order.category.as_str(),
        "amount": order.amount,
        "currency": order.currency.code(),
        "originalAmount": order.original_amount,
        "originalCurrency": order.original_currency.map(|currency| currency.code().to_owned()),
        "conversionRate": order.conversion_rate,
        "status": found.status.as_str(),
        "processingStatus": found.processing.as_str(),
        "descriptionCode": code,
        "description": order.text,
        "heldAmount": found.held.minor(),
        "clearedAmount": found.cleared.minor(),
        "balanceBefore": found.balance_before,
        "balanceAfter": found.balance_after,
        "authorizationCode": found.authorization_code,
        "flag": found.flag.map(Flag::as_str),
        "date": moment(order.network_date),
        "referenceExternalTransactionDate": order.reference_date.map(moment),
        "transactionData": data,
    })
}

#[cfg(test)]
mod tests {
    use domain::transaction::Description;

    /// The codes of the seeds that are in use so far.
    const SEEDS: &[&str] = &[
        "APPROVED",
        "INSUFFICIENT_FUNDS",
        "CARD_NOT_FOUND",
        "BALANCE_NOT_FOUND",
        "INVALID_AMOUNT",
        "AMBIGUOUS_REFERENCED_TRANSACTION",
        "REFERENCED_TRANSACTION_NOT_FOUND",
        "CURRENCY_MISMATCH",
        "CUSTOMER_NOT_FOUND",
        "LIMIT_EXCEED",
        "UNKNOWN_TRANSACTION_TYPE",
        "UNKNOWN_ERROR",
    ];

    #[test]
    fn every_description_has_a_code_of_the_seeds() {
        for &description in Description::ALL {
            let code = match description.as_str() {
                "TRANSACTION_NOT_PERMITTED" => "LIMIT_EXCEED",
                "EXPIRED" => "APPROVED",
                own if SEEDS.contains(&own) => own,
                _ => "UNKNOWN_ERROR",
            };
            assert_eq!(description.code_in_seeds(), code, "{description}");
            assert!(SEEDS.contains(&code), "{description}");
        }
    }
}
