//! Transactions: find, list (spec "The record"); for people under `/admin` the life of one too.

mod life;
mod look;

pub(crate) use life::life;
pub(crate) use look::look;

use crate::Api;
use crate::answer::{Code, Done, List, Named};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{Fields, digits, moment, number, parsed, schema, timestamp, uuid, word};
use app::Refusal;
use app::page::Page;
use app::transactions::{History, Place, Record};
use domain::ids::{BalanceId, CardId, UserId};
use domain::partner::{DescriptionCodes, Partner};
use domain::scope::Scope;
use domain::transaction::{
    Category, DecidedBy, Description, Flag, Processing, ResourceKind, Status, TransactionType,
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Transactions";

/// `GET /secure/transactions/{transactionId}`, `GET /customers/me/transactions/{transactionId}`.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(TAG, "Show a transaction", "By our id.")
}

/// What is told of all filters.
macro_rules! filtered {
    ($what:literal) => {
        concat!(
            $what,
            " Newest first; what is named must all be true. `from` (then or later) and `to` \
             (before) are compared with `receivedAt`. Where few transactions of a long history \
             fit, a page may hold less than `limit` of them, even none: only a null `next` tells \
             that it is the last."
        )
    };
}

/// `GET /secure/balances/{balanceId}/transactions`, and under `/customers/me`: newest first.
pub(crate) fn list_of_balance() -> Endpoint {
    Endpoint::of(read_of_balance, listed_of_balance)
        .about(TAG, "List a balance's transactions", filtered!("The history of a user's balance."))
        .refuses(&[Refusal::CardNotFound])
}

/// `GET /secure/transactions`: newest first.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read, listed)
        .about(
            TAG,
            "List transactions",
            filtered!(
                "Of the whole partner, or of a balance (a user's or the partner's own), of a card \
                 (removed or not), of all balances of a user."
            ),
        )
        .refuses(&[
            Refusal::BalanceNotFound,
            Refusal::CardNotFound,
            Refusal::CustomerNotFound,
            Refusal::TooManyBalances,
        ])
}

/// `GET /customers/me/transactions`: newest first.
pub(crate) fn list_own() -> Endpoint {
    Endpoint::of(read_own, listed_own)
        .about(
            TAG,
            "List transactions",
            filtered!("Of all of one's balances, of one of them, of a card."),
        )
        .refuses(&[Refusal::BalanceNotFound, Refusal::CardNotFound, Refusal::TooManyBalances])
}

/// Which page of which history is asked for.
struct Asked {
    history: History,
    after: Option<Place>,
    limit: i64,
}

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let balance = query.optional("balanceId", uuid());
    let number = || number(1, i64::MAX, "must be an id");
    let user = query.optional("customerId", number());
    let card = query.optional("cardId", number());
    let of = History {
        balance: balance.map(BalanceId),
        card: card.map(CardId),
        user: user.map(UserId),
        ..History::default()
    };
    let is_of_balances = ["balanceId", "customerId", "cardId"].iter().any(|name| query.has(name));
    query.only(&[
        "balanceId",
        "customerId",
        "cardId",
        "status",
        "type",
        "from",
        "to",
        "limit",
        "after",
    ]);
    read_filters(query, of, is_of_balances)
}

fn read_own(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let balance = query.optional("balanceId", uuid());
    let card = query.optional("cardId", number(1, i64::MAX, "must be an id"));
    let of =
        History { balance: balance.map(BalanceId), card: card.map(CardId), ..History::default() };
    query.only(&["balanceId", "cardId", "status", "type", "from", "to", "limit", "after"]);
    read_filters(query, of, true)
}

fn read_of_balance(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let card = query.optional("cardId", number(1, i64::MAX, "must be an id"));
    let of =
        History { balance: Some(call.balance()?), card: card.map(CardId), ..History::default() };
    query.only(&["cardId", "status", "type", "from", "to", "limit", "after"]);
    read_filters(query, of, true)
}

/// Reads what both lists can be asked for.
fn read_filters(
    mut query: Fields<'_>,
    of: History,
    is_of_balances: bool,
) -> Result<Asked, Problem> {
    let status = query.optional("status", word(Status::ALL, "must be a status"));
    let kind = word(TransactionType::ALL, "must be a type of transactions");
    let kind = query.optional("type", kind);
    let from = query.optional("from", timestamp());
    let to = query.optional("to", timestamp());
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        query.wrong("to", "must not be before from");
    }
    let (limit, after) = Call::read_page(
        &mut query,
        parsed(
            |text| match is_of_balances {
                true => digits(text).map(Place::Number),
                false => Uuid::try_parse(text).ok().map(Place::Id),
            },
            || schema::text(36),
            "must be the next of another page",
        ),
    );
    query.finish()?;
    let history = History { status, kind, from, to, ..of };
    Ok(Asked { history, after, limit })
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<TransactionJson>, Problem> {
    let scope = head.scope()?;
    let owner = head.user_if_named()?;
    let found = api.app.transaction(scope, owner, head.transaction()?).await?;
    let settings = api.app.settings.get();
    Ok(Done::with(&TransactionJson::of(&found, settings.partner(scope.partner()))))
}

async fn listed(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Done<List<TransactionJson>>, Problem> {
    let scope = head.scope()?;
    let page = api.app.history(scope, asked.history, asked.after, asked.limit).await?;
    Ok(shown(&api, scope, &page))
}

async fn listed_own(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Done<List<TransactionJson>>, Problem> {
    let (scope, page) = (head.scope()?, (asked.after, asked.limit));
    let page = api.app.history_of_user(scope, head.user()?, asked.history, page).await?;
    Ok(shown(&api, scope, &page))
}

async fn listed_of_balance(
    api: Api,
    head: Head,
    asked: Asked,
) -> Result<Done<List<TransactionJson>>, Problem> {
    let (scope, owner, page) = (head.scope()?, head.user_if_named()?, (asked.after, asked.limit));
    let page = api.app.history_of_balance(scope, owner, asked.history, page).await?;
    Ok(shown(&api, scope, &page))
}

/// A page as the partner sees it.
fn shown(api: &Api, scope: Scope, page: &Page<Record, Place>) -> Done<List<TransactionJson>> {
    let settings = api.app.settings.get();
    let partner = settings.partner(scope.partner());
    Done::with(&List::page(page, |found| TransactionJson::of(found, partner)))
}

type Kind = Named<TransactionType>;
type Way = Named<Category>;
type Standing = Named<Status>;
type Treatment = Named<Processing>;
type Mark = Named<Flag>;
type PaidBy = Named<ResourceKind>;
type Decider = Named<DecidedBy>;

/// A transaction. Amounts are in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transaction)]
pub(crate) struct TransactionJson {
    /// Its id.
    id: Uuid,
    /// Its place in the partner's history, ascending.
    number: i64,
    /// The balance, if there is one.
    balance_id: Option<Uuid>,
    /// The card, if there is one.
    card_id: Option<i64>,
    /// What it was paid by.
    resource: PaidBy,
    /// The card's `resourceId`, or the balance's id; null where the message named no card of ours.
    resource_id: Option<Uuid>,
    /// The caller's or network's id.
    external_transaction_id: String,
    /// The caller's or network's id of what it refers to.
    reference_external_transaction_id: Option<String>,
    /// What kind of event it is.
    r#type: Kind,
    /// Which way the money goes, as the owner sees it.
    category: Way,
    /// What was asked for.
    amount: i64,
    /// The currency of all amounts but the original one.
    currency: Code,
    /// The merchant's amount.
    original_amount: Option<i64>,
    /// The merchant's currency.
    original_currency: Option<Code>,
    /// The network's rate, as it was sent.
    conversion_rate: Option<String>,
    /// Where it stands.
    status: Standing,
    /// What was done with the request.
    processing_status: Treatment,
    /// Why, by a code that the partner wants to see.
    #[schema(schema_with = description_codes)]
    description_code: &'static str,
    /// The merchant's line, or the caller's words.
    description: String,
    /// What it still holds of the balance.
    held_amount: i64,
    /// What has moved so far.
    cleared_amount: i64,
    /// What could be spent just before.
    balance_before: Option<i64>,
    /// What could be spent just after it was first processed.
    balance_after: Option<i64>,
    /// What the merchant keeps of an approval.
    authorization_code: Option<String>,
    /// What a person should look at.
    flag: Option<Mark>,
    /// The network's time, or ours for what isn't of the network.
    #[schema(format = DateTime)]
    date: String,
    /// When it came to us.
    #[schema(format = DateTime)]
    received_at: String,
    /// When it was decided; null of what an earlier release wrote.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
    /// Who decided: our checks; the network, which told of what had happened; you, who were asked;
    /// or we in your place, where you gave no answer.
    decided_by: Decider,
    /// The network's time of what it refers to.
    #[schema(format = DateTime)]
    reference_external_transaction_date: Option<String>,
    /// What the network told of the purchase.
    transaction_data: Option<BTreeMap<String, String>>,
}

impl TransactionJson {
    /// A transaction; its description code is one that the partner wants to see.
    pub(crate) fn of(found: &Record, partner: Option<&Partner>) -> Self {
        let codes = partner.map(|partner| partner.settings.description_codes);
        Self::with(found, codes.unwrap_or(DescriptionCodes::Seeds))
    }

    /// A transaction as the people under `/admin` see it: by our own codes, which tell more.
    pub(crate) fn in_full(found: &Record) -> Self {
        Self::with(found, DescriptionCodes::Extended)
    }

    fn with(found: &Record, codes: DescriptionCodes) -> Self {
        let order = &found.order;
        let code = match codes {
            DescriptionCodes::Extended => found.description.as_str(),
            DescriptionCodes::Seeds => found.description.code_in_seeds(),
        };
        Self {
            id: found.id.0,
            number: found.number,
            balance_id: order.balance.map(|id| id.0),
            card_id: order.card.map(|id| id.0),
            resource: Named(found.resource.kind),
            resource_id: found.resource.id,
            external_transaction_id: order.network_id.clone(),
            reference_external_transaction_id: order.reference_id.clone(),
            r#type: Named(order.kind),
            category: Named(order.category),
            amount: order.amount,
            currency: Code(order.currency),
            original_amount: order.original_amount,
            original_currency: order.original_currency.map(Code),
            conversion_rate: order.conversion_rate.clone(),
            status: Named(found.status),
            processing_status: Named(found.processing),
            description_code: code,
            description: order.text.clone(),
            held_amount: found.held.minor(),
            cleared_amount: found.cleared.minor(),
            balance_before: found.balance_before,
            balance_after: found.balance_after,
            authorization_code: found.authorization_code.clone(),
            flag: found.flag.map(Named),
            date: moment(order.network_date),
            received_at: moment(found.received_at),
            decided_at: found.decided_at.map(moment),
            decided_by: Named(found.decided_by),
            reference_external_transaction_date: order.reference_date.map(moment),
            transaction_data: order.data.as_ref().and_then(|text| serde_json::from_str(text).ok()),
        }
    }
}

/// Our own codes, and those of the first documents.
fn description_codes() -> utoipa::openapi::schema::Object {
    let mut codes: Vec<&str> = Description::ALL.iter().map(|code| code.as_str()).collect();
    for description in Description::ALL {
        if !codes.contains(&description.code_in_seeds()) {
            codes.push(description.code_in_seeds());
        }
    }
    crate::wire::schema::words(codes).build()
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
        "EXCEEDS_AMOUNT_LIMIT",
        "BUDGET_EXCEEDED",
        "AML_EXCEPTION",
        "DEPOSIT_BALANCE_NOT_FOUND",
        "INSUFFICIENT_FUNDS_ON_DEPOSIT_BALANCE",
        "COLLATERAL_BALANCE_NOT_FOUND",
        "INSUFFICIENT_FUNDS_ON_COLLATERAL_BALANCE",
        "UNKNOWN_TRANSACTION_TYPE",
        "UNKNOWN_ERROR",
    ];

    #[test]
    fn every_description_has_a_code_of_the_seeds() {
        for &description in Description::ALL {
            let code = match description.as_str() {
                "TRANSACTION_NOT_PERMITTED" | "LIMITS_EXCEEDED" => "LIMIT_EXCEED",
                "FRAUDS_DETECTED" => "AML_EXCEPTION",
                "EXPIRED" => "APPROVED",
                own if SEEDS.contains(&own) => own,
                _ => "UNKNOWN_ERROR",
            };
            assert_eq!(description.code_in_seeds(), code, "{description}");
            assert!(SEEDS.contains(&code), "{description}");
        }
    }
}
