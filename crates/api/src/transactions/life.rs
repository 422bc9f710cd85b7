//! `GET /admin/transactions/{transactionId}`: why it was decided so, and what became of it.

use super::{Standing, TAG, TransactionJson, Treatment};
use crate::Api;
use crate::answer::{Code, Done, Named};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::moment;
use app::outbox::Told;
use app::transactions::{Heard, Life, Moved, check_sentence, outcome_sentence, reason_sentence};
use domain::authorization::{CheckName, CheckOutcome};
use domain::ledger::Account;
use domain::notification::{Event, Standing as Delivery};
use domain::response_codes::response_codes;
use domain::transaction::{Description, Status};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

type Reason = Named<Description>;
type Check = Named<CheckName>;
type Came = Named<CheckOutcome>;
type Kind = Named<Event>;
type Delivered = Named<Delivery>;

/// The life of a transaction. Amounts are in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TransactionLife)]
struct LifeJson {
    /// The transaction as it stands now.
    transaction: TransactionJson,
    /// Why it stands so, in words.
    explanation: &'static str,
    /// When what happened.
    timings: TimingsJson,
    /// What was heard of it, in order, and what was decided.
    messages: Vec<MessageJson>,
    /// The money that moved, in order.
    movements: Vec<MovementJson>,
    /// What the partner was told of it and is to be told, in order: notifications, and calls about
    /// its users' money. What it took is forgotten after 30 days.
    told: Vec<ToldJson>,
}

/// When what happened to a transaction.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TransactionTimings)]
struct TimingsJson {
    /// When it came to us.
    #[schema(format = DateTime)]
    received_at: String,
    /// When it was decided; null of what an earlier release wrote.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
    /// When money of it moved last, if any has.
    #[schema(format = DateTime)]
    cleared_at: Option<String>,
    /// When its hold ends by itself, if it holds.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it changed last.
    #[schema(format = DateTime)]
    changed_at: String,
}

/// A message about a transaction, and its outcome.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TransactionMessage)]
struct MessageJson {
    /// Its id.
    message_id: Uuid,
    /// What it is: an `authorization`, a `reversal`, a `clearing`, an `expiry`, ….
    kind: String,
    /// When it was decided.
    #[schema(format = DateTime)]
    decided_at: String,
    /// The amount that it named.
    amount: i64,
    /// The currency that it named.
    currency: Code,
    /// What was done with it.
    processing_status: Treatment,
    /// Why.
    reason: Reason,
    /// Why, in words.
    explanation: &'static str,
    /// What the network was answered.
    action_code: String,
    /// The same, as Mastercard writes it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    mastercard_code: Option<&'static str>,
    /// The same, as Visa writes it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    visa_code: Option<&'static str>,
    /// Where the transaction stood after it.
    status: Standing,
    /// How much it was approved for.
    approved_amount: i64,
    /// What the merchant keeps of an approval.
    authorization_code: Option<String>,
    /// The request that it came with, to be found in our logs.
    request_id: String,
    /// The checks in their order; none of what isn't asked but told, and while a partner is asked.
    checks: Vec<CheckJson>,
}

/// A check of an authorization, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuthorizationCheck)]
struct CheckJson {
    /// Which.
    check: Check,
    /// What it asks, in words.
    meaning: &'static str,
    /// What came of it.
    outcome: Came,
    /// The same, in words.
    explanation: &'static str,
}

/// A movement of money.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TransactionMovement)]
struct MovementJson {
    /// Which part of the transaction: parts move one after the other.
    part: i64,
    /// Its place in the part.
    leg: i64,
    /// Where the money came from: a `balance`, the card network (`scheme`), a bank (`outside`), the
    /// partner's own `books`.
    from: &'static str,
    /// The balance that it came from, if it is one.
    from_balance_id: Option<Uuid>,
    /// Where it went.
    to: &'static str,
    /// The balance that it went to, if it is one.
    to_balance_id: Option<Uuid>,
    /// How much.
    amount: i64,
    /// Of which currency.
    currency: Code,
    /// When.
    #[schema(format = DateTime)]
    posted_at: String,
}

/// Something that the partner was told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ToldOfTransaction)]
struct ToldJson {
    /// The `X-Idempotency-Key` that it is sent with.
    id: Uuid,
    /// Its place among all that the partner is told, ascending.
    number: i64,
    /// What it reports.
    event: Kind,
    /// Where it stands.
    status: Delivered,
    /// When it came to be, of business time.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next, of real time.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// When it was taken or given up, of real time.
    #[schema(format = DateTime)]
    closed_at: Option<String>,
    /// How often it was tried.
    attempt_count: i64,
}

impl From<&Heard> for MessageJson {
    fn from(Heard { message, checks }: &Heard) -> Self {
        let codes = response_codes(&message.action_code);
        let check = |(check, outcome): &(CheckName, CheckOutcome)| CheckJson {
            check: Named(*check),
            meaning: check_sentence(*check),
            outcome: Named(*outcome),
            explanation: outcome_sentence(*outcome),
        };
        Self {
            message_id: message.id.0,
            kind: message.kind.clone(),
            decided_at: moment(message.created_at),
            amount: message.amount,
            currency: Code(message.currency),
            processing_status: Named(message.processing),
            reason: Named(message.description),
            explanation: reason_sentence(message.description),
            action_code: message.action_code.clone(),
            mastercard_code: codes.map(|codes| codes.mastercard),
            visa_code: codes.map(|codes| codes.visa),
            status: Named(message.status),
            approved_amount: message.approved_amount.minor(),
            authorization_code: message.authorization_code.clone(),
            request_id: message.request_id.clone(),
            checks: checks.iter().map(check).collect(),
        }
    }
}

impl From<&Moved> for MovementJson {
    fn from(moved: &Moved) -> Self {
        let ((from, from_id), (to, to_id)) = (account(moved.from), account(moved.to));
        Self {
            part: moved.part,
            leg: moved.leg,
            from,
            from_balance_id: from_id,
            to,
            to_balance_id: to_id,
            amount: moved.amount,
            currency: Code(moved.currency),
            posted_at: moment(moved.posted_at),
        }
    }
}

fn account(account: Account) -> (&'static str, Option<Uuid>) {
    match account {
        Account::Balance(id) => ("balance", Some(id.0)),
        Account::Scheme => ("scheme", None),
        Account::Outside => ("outside", None),
        Account::Books => ("books", None),
    }
}

impl From<&Told> for ToldJson {
    fn from(told: &Told) -> Self {
        Self {
            id: told.id,
            number: told.number,
            event: Named(told.event),
            status: Named(told.standing()),
            created_at: moment(told.created_at),
            next_at: told.next_at.map(moment),
            closed_at: told.closed_at.map(moment),
            attempt_count: told.tried,
        }
    }
}

impl From<&Life> for LifeJson {
    fn from(life: &Life) -> Self {
        let Life { record, heard, moved, told } = life;
        let holds = record.status == Status::Authorized;
        Self {
            transaction: TransactionJson::in_full(record),
            explanation: reason_sentence(record.description),
            timings: TimingsJson {
                received_at: moment(record.received_at),
                decided_at: record.decided_at.map(moment),
                cleared_at: moved.last().map(|moved| moment(moved.posted_at)),
                expires_at: record.expires_at.filter(|_| holds).map(moment),
                changed_at: moment(record.changed_at),
            },
            messages: heard.iter().map(MessageJson::from).collect(),
            movements: moved.iter().map(MovementJson::from).collect(),
            told: told.iter().map(ToldJson::from).collect(),
        }
    }
}

/// Shows the life of a transaction.
pub(crate) fn life() -> Endpoint {
    Endpoint::of(nothing, lived).about(
        TAG,
        "Show the life of a transaction",
        "By our id: the transaction, each message about it with its outcome, and of an \
         authorization the checks in their order with the one that failed, in words; the money \
         that moved, what the partner was told. Several checks can decline for one reason, which \
         alone is kept: those that may have failed say so.",
    )
}

async fn lived(api: Api, head: Head, (): ()) -> Result<Done<LifeJson>, Problem> {
    let life = api.app.life(head.scope()?, head.transaction()?).await?;
    Ok(Done::with(&LifeJson::from(&life)))
}
