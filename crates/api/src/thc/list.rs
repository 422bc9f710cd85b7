//! `GET /thc/transactions`, `GET /customers/me/transaction-history`: newest first.

use super::TAG;
use super::record::RecordJson;
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{number, text, timestamp, uuid, word};
use app::Refusal;
use app::thc::Asked;
use domain::ids::{BalanceId, CardId, UserId};
use domain::thc::{RecordStatus, RecordType};

/// How long a text may be that is looked for.
const TEXT_MAX: usize = 100;

/// What is told of all filters.
macro_rules! filtered {
    ($what:literal) => {
        concat!(
            $what,
            " Newest first; what is named must all be true. `from` (then or later) and `to` \
             (before) are compared with `timestamp`. `text` is looked for, whatever its case, in \
             description, merchant's name, comment and labels. Where few of many records fit, a \
             page may hold less than `limit` of them, even none: each page passes 10,000 at most, \
             and only a null `next` tells that it is the last."
        )
    };
}

/// Which page of which records is asked for.
struct Page {
    asked: Asked,
    page: (Option<i64>, i64),
}

/// Of the whole partner.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read, listed)
        .about(
            TAG,
            "List records of the history",
            filtered!(
                "Of the whole partner, or of a user (the user's own balances, and what the partner \
                 has added for the user), of a card, of a balance."
            ),
        )
        .refuses(&[
            Refusal::BalanceNotFound,
            Refusal::CardNotFound,
            Refusal::CustomerNotFound,
            Refusal::TooManyBalances,
        ])
}

/// Of the user who calls.
pub(crate) fn list_own() -> Endpoint {
    Endpoint::of(read_own, listed)
        .about(TAG, "List records of the history", filtered!("Of one's own."))
        .refuses(&[Refusal::BalanceNotFound, Refusal::CardNotFound, Refusal::TooManyBalances])
}

fn read(call: &Call) -> Result<Page, Problem> {
    read_filters(call, true)
}

fn read_own(call: &Call) -> Result<Page, Problem> {
    read_filters(call, false)
}

fn read_filters(call: &Call, of_all: bool) -> Result<Page, Problem> {
    const NAMES: &[&str] = &[
        "userId",
        "cardId",
        "balanceId",
        "status",
        "type",
        "from",
        "to",
        "text",
        "limit",
        "after",
    ];
    let mut query = call.query();
    let id = || number(1, i64::MAX, "must be an id");
    let user = if of_all { query.optional("userId", id()) } else { None }.map(UserId);
    let card = query.optional("cardId", id()).map(CardId);
    let balance = query.optional("balanceId", uuid()).map(BalanceId);
    let status = query.optional("status", word(RecordStatus::ALL, "must be a status"));
    let kind = query.optional("type", word(RecordType::ALL, "must be a type of records"));
    let from = query.optional("from", timestamp());
    let to = query.optional("to", timestamp());
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        query.wrong("to", "must not be before from");
    }
    let text = query.optional("text", text(TEXT_MAX));
    let place = number(0, i64::MAX, "must be the next of another page");
    let (limit, after) = Call::read_page(&mut query, place);
    query.only(if of_all { NAMES } else { &NAMES[1..] });
    query.finish()?;
    let asked = Asked { user, card, balance, status, kind, from, to, text };
    Ok(Page { asked, page: (after, limit) })
}

async fn listed(api: Api, head: Head, page: Page) -> Result<Done<List<RecordJson>>, Problem> {
    let Page { asked, page } = page;
    let scope = head.scope()?;
    let found = match head.user_if_named()? {
        Some(user) => api.app.history_records_of_user(scope, user, asked, page).await?,
        None => api.app.history_records(scope, &asked, page).await?,
    };
    Ok(Done::with(&List::page(&found, |record| RecordJson::from(record))))
}
