//! `DELETE /secure/balances/{balanceId}`, `DELETE
//! /secure/customers/{customerId}/balances/{balanceId}`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use serde_json::Value;

/// Removes a balance for ever → 204, also where it was removed before.
pub(crate) fn remove() -> Endpoint {
    Endpoint::of(nothing, removed)
        .about(
            TAG,
            "Remove a balance",
            "For ever, locked or not: at zero, with nothing held, once its cards were removed. To \
             remove it again changes nothing. Its history stays: `GET /secure/transactions` by \
             `balanceId`. Where the partner holds the money (balance mode `EXTERNAL`), its server \
             is asked: first what the balance has, then to unlink it. If it says 403 `FORBIDDEN`, \
             the balance is as it was (`PARTNER_REFUSED`). If nobody knows what it did \
             (`PARTNER_UNAVAILABLE`), the balance isn't there any more, and is unlinked until that \
             is done; the same request may be sent again.",
        )
        .refuses(&[
            Refusal::BalanceNotEmpty,
            Refusal::BalanceHasCards,
            Refusal::PartnerRefused,
            Refusal::PartnerUnavailable,
        ])
}

async fn removed(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    let (owner, balance) = (head.user_if_named()?, head.balance()?);
    api.app.remove_balance(head.scope()?, owner, balance, once).await?;
    Ok(NoContent)
}
