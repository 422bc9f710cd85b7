//! `/secure/partner-calls…`: what the partner was told of its users' money, each try of it, and
//! sending again (spec "External balance", "Shared authorization").

use crate::Api;
use crate::answer::{Done, List, Named, NoContent, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::notifications::{AttemptJson, Events, Page, read_page, read_resend};
use crate::problem::Problem;
use crate::wire::moment;
use app::Refusal;
use app::outbox::{Of, ResendFailed, Resent, Told};
use domain::notification::{Event, Standing};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Calls to the partner";

type Kind = Named<Event>;
type Stand = Named<Standing>;

/// Lists what the partner was told of money and is to be told.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read, listed).about(
        TAG,
        "List calls to the partner",
        "What you were told of your users' money without a question, and are to be told, newest \
         first, without the tries: `force-debit`, `force-credit`, `reversal`, and `clearing` (the \
         `PUT`). What is named must all be true; `from` (then or later) and `to` (before) are \
         compared with `createdAt`. A page may hold less than `limit`, even none: only a null \
         `next` tells that it is the last. `FAILED` are those that are parked: three days weren't \
         enough, or they refer to one that is. Your books differ from ours by what they tell, \
         until they are sent again. What was taken is shown for 30 days.",
    )
}

/// Shows one with its tries and what it says.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(
        TAG,
        "Show a call to the partner",
        "By the `X-Idempotency-Key` that it is sent with, with its last 32 tries and its body.",
    )
}

/// Sends one again → 204.
pub(crate) fn resend() -> Endpoint {
    Endpoint::of(nothing, resent)
        .about(
            TAG,
            "Send a call again",
            "At once, with the same key and body; its plan of tries begins anew, and with it goes \
             what was parked after it about the same balance, in order. One that waits for its \
             next try is tried now. One that is being sent, that you have taken, or that wasn't \
             tried yet, is left as it is.",
        )
        .refuses(&[Refusal::NotificationsPaused])
}

/// Sends all again that were parked since a time.
pub(crate) fn resend_failed() -> Endpoint {
    Endpoint::of(read_failed, resent_failed)
        .about(
            TAG,
            "Send all parked calls again",
            "All that were parked (`FAILED`) since a time, of real time, as `closedAt` tells it, \
             in order; of one kind, or of all. At most 100,000 a call; `more` tells that there are \
             others: ask again, with another key.",
        )
        .example(json!({ "since": "2026-11-21T06:00:00+00:00" }))
}

/// A call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartnerCall)]
struct CallJson {
    /// Its id: the `X-Idempotency-Key` that it is sent with.
    call_id: Uuid,
    /// Its place among all that you are told, ascending.
    number: i64,
    /// Which call; the last segment of its path, or `clearing` for the `PUT`.
    call: Kind,
    /// The card that it is about, if it is about one.
    card_id: Option<i64>,
    /// Where it stands.
    status: Stand,
    /// When it came to be, of business time.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next, of real time; null while it waits behind an earlier one of its
    /// balance, and once it is over.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// When it was taken or parked, of real time.
    #[schema(format = DateTime)]
    closed_at: Option<String>,
    /// How often it was tried.
    attempt_count: i64,
    /// Its last 32 tries, where one call is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attempts: Option<Vec<AttemptJson>>,
    /// What it says, where one call is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    body: Option<Value>,
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResentPartnerCalls)]
struct ResentJson {
    /// How many calls.
    calls: u64,
    /// Whether there are more.
    more: bool,
}

impl CallJson {
    fn of(told: &Told) -> Self {
        Self {
            call_id: told.id,
            number: told.number,
            call: Named(told.event),
            card_id: told.card.map(|card| card.0),
            status: Named(told.standing()),
            created_at: moment(told.created_at),
            next_at: told.next_at.map(moment),
            closed_at: told.closed_at.map(moment),
            attempt_count: told.tried,
            attempts: None,
            body: None,
        }
    }
}

impl From<&Resent> for ResentJson {
    fn from(resent: &Resent) -> Self {
        Self { calls: resent.count, more: resent.more }
    }
}

/// What names a call here, those that there are, and what is said of any other.
const NAMED: Events = ("call", Event::CALLS, "must be a call");

fn read(call: &Call) -> Result<Page, Problem> {
    read_page(call, Of::Calls, NAMED)
}

async fn listed(
    api: Api,
    head: Head,
    (asked, after, limit): Page,
) -> Result<Done<List<CallJson>>, Problem> {
    let page = api.app.notifications_page(head.scope()?, asked, after, limit).await?;
    Ok(Done::with(&List::page(&page, CallJson::of)))
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<CallJson>, Problem> {
    let (told, body) = api.app.partner_call(head.scope()?, head.partner_call()?).await?;
    let attempts = Some(told.attempts.iter().map(AttemptJson::from).collect());
    Ok(Done::with(&CallJson { attempts, body: Some(body), ..CallJson::of(&told) }))
}

async fn resent(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    let id = (Of::Calls, head.partner_call()?);
    api.app.resend_notification(head.scope()?, id, once).await?;
    Ok(NoContent)
}

fn read_failed(call: &Call) -> Result<ResendFailed, Problem> {
    read_resend(call, Of::Calls, NAMED)
}

async fn resent_failed(
    api: Api,
    head: Head,
    command: ResendFailed,
) -> Result<Done<ResentJson>, Problem> {
    let once = head.once(kept::<_, ResentJson>);
    Ok(Done::kept(api.app.resend_failed(head.scope()?, command, once).await?))
}
