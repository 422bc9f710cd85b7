//! `GET /admin/transactions`: people look for payments.

use super::{Asked, TAG, TransactionJson, read_filters};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{currency, number, parsed, schema, uuid, word};
use app::Refusal;
use app::transactions::History;
use domain::ids::{BalanceId, CardId, UserId};
use domain::search::LastFour;
use domain::transaction::{Description, Processing};

/// What a list can be asked for.
const KNOWN: &[&str] = &[
    "balanceId",
    "customerId",
    "cardId",
    "lastFourDigits",
    "status",
    "processingStatus",
    "reason",
    "type",
    "amountFrom",
    "amountTo",
    "currency",
    "from",
    "to",
    "limit",
    "after",
];

/// In which a transaction can be seen.
const DONE: &[Processing] = &[Processing::Success, Processing::Declined, Processing::Invalid];

/// Looks for transactions, newest first.
pub(crate) fn look() -> Endpoint {
    Endpoint::of(read, listed)
        .about(
            TAG,
            "Look for transactions",
            "Of the whole partner, or of a balance (a user's or the partner's own), of a card \
             (removed or not), of all balances of a user; of cards with these last four digits. \
             Newest first; what is named must all be true. `from` (then or later) and `to` \
             (before) are compared with `receivedAt`; `amountFrom` and `amountTo` are minor units, \
             both included, of whichever currency where `currency` names none; `reason` is what \
             `descriptionCode` tells. Where few transactions of a long history fit, a page may \
             hold less than `limit` of them, even none: only a null `next` tells that it is the \
             last.",
        )
        .refuses(&[
            Refusal::BalanceNotFound,
            Refusal::CardNotFound,
            Refusal::CustomerNotFound,
            Refusal::TooManyBalances,
        ])
}

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let id = || number(1, i64::MAX, "must be an id");
    let amount = || number(0, i64::MAX, "must be an amount in minor units");
    let digits = parsed(
        LastFour::parse,
        || schema::pattern("^[0-9]{4}$"),
        "must be the last four digits of a card",
    );
    let of = History {
        balance: query.optional("balanceId", uuid()).map(BalanceId),
        user: query.optional("customerId", id()).map(UserId),
        card: query.optional("cardId", id()).map(CardId),
        last_four: query.optional("lastFourDigits", digits),
        processing: query.optional("processingStatus", word(DONE, "must be what was done")),
        reason: query.optional("reason", word(Description::ALL, "must be a reason")),
        amount_from: query.optional("amountFrom", amount()),
        amount_to: query.optional("amountTo", amount()),
        currency: query.optional("currency", currency()),
        ..History::default()
    };
    if of.amount_from.zip(of.amount_to).is_some_and(|(from, to)| from > to) {
        query.wrong("amountTo", "must not be less than amountFrom");
    }
    let is_of_balances = ["balanceId", "customerId", "cardId"].iter().any(|name| query.has(name));
    query.only(KNOWN);
    read_filters(query, of, is_of_balances)
}

async fn listed(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Done<List<TransactionJson>>, Problem> {
    let Asked { history, after, limit } = asked;
    let page = api.app.history(head.scope()?, history, after, limit).await?;
    Ok(Done::with(&List::page(&page, TransactionJson::in_full)))
}
