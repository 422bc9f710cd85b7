//! `/secure/notifications…`: what the partner was told, each try of it, and sending again (spec
//! "Notifications").

use crate::Api;
use crate::answer::{Done, List, Named, NoContent, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{moment, number, timestamp, word};
use app::Refusal;
use app::outbox::{Asked, Attempt, Of, ResendFailed, Resent, Resumed, Told, Tried};
use domain::ids::CardId;
use domain::notification::{Event, Standing};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Notifications";

type Kind = Named<Event>;
type Stand = Named<Standing>;

/// Lists what the partner was told and is to be told.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read, listed).about(
        TAG,
        "List notifications",
        "What you were told, and are to be told, newest first, without the tries; what is named \
         must all be true. `from` (then or later) and `to` (before) are compared with `createdAt`. \
         Where few of many fit, a page may hold less than `limit` of them, even none: only a null \
         `next` tells that it is the last. What was delivered is shown for 30 days.",
    )
}

/// Shows one with its tries.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(
        TAG,
        "Show a notification",
        "By the `X-Idempotency-Key` that it is sent with, with its last 32 tries. The body isn't \
         kept, it is made for each try.",
    )
}

/// Sends one again → 204.
pub(crate) fn resend() -> Endpoint {
    Endpoint::of(nothing, resent)
        .about(
            TAG,
            "Send a notification again",
            "At once, with the same key and body, also one that was delivered; its plan of tries \
             begins anew. One that waits for its next try is tried now; one that is being sent, or \
             waits behind an earlier one of its card or user, is left as it is.",
        )
        .refuses(&[Refusal::NotificationsPaused])
}

/// Sends all again that were given up since a time.
pub(crate) fn resend_failed() -> Endpoint {
    Endpoint::of(read_failed, resent_failed)
        .about(
            TAG,
            "Send all again that failed",
            "All that were given up (`FAILED`) since a time, of real time, as `closedAt` tells it; \
             of one event, or of all. At most 100,000 a call; `more` tells that there are others: \
             ask again, with another key. To a path that is paused they are sent once it is \
             resumed.",
        )
        .example(json!({ "since": "2026-11-21T06:00:00+00:00", "event": "cardLocked" }))
}

/// Has paused paths tried again.
pub(crate) fn resume() -> Endpoint {
    Endpoint::of(nothing, resumed).about(
        TAG,
        "Resume paused paths",
        "Ends the pauses that an answer 410 or five days of failure began, and sends what was kept \
         (`PAUSED`), in order. Where nothing is paused, nothing changes.",
    )
}

/// Sends an example, now.
pub(crate) fn example() -> Endpoint {
    Endpoint::of(read_example, tried)
        .about(
            TAG,
            "Send an example",
            "Sends an example of a notification to your server, once and at once, whether you are \
             told of the event or not, and tells what came of it. Its ids are 0 or the nil UUID, \
             its texts `EXAMPLE`, its `X-Request-Id` begins with `example-`; it is in no list.",
        )
        .example(json!({ "event": "cardLocked" }))
        .refuses(&[Refusal::NotificationsNotSetUp])
}

/// A notification.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notification)]
struct NotificationJson {
    /// Its id: the `X-Idempotency-Key` that it is sent with.
    notification_id: Uuid,
    /// Its place among all of the partner's, ascending.
    number: i64,
    /// What it reports; the last segment of its path.
    event: Kind,
    /// The card that it is about, if it is about one.
    card_id: Option<i64>,
    /// Where it stands.
    status: Stand,
    /// When it came to be, of business time.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next, of real time; null while it waits behind an earlier one, and once it
    /// is over.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// When it was delivered or given up, of real time.
    #[schema(format = DateTime)]
    closed_at: Option<String>,
    /// How often it was tried.
    attempt_count: i64,
    /// Its last 32 tries, where one notification is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attempts: Option<Vec<AttemptJson>>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationAttempt)]
pub(crate) struct AttemptJson {
    /// When it began, of real time.
    #[schema(format = DateTime)]
    at: String,
    /// How long it took.
    duration_ms: i64,
    /// The status of your answer, if there was one.
    status: Option<i64>,
    /// What went wrong, if there was none: `FORBIDDEN_TARGET`, `CONNECT_FAILED`, `TLS_FAILED`,
    /// `TIMEOUT`, `BROKEN_ANSWER`, `ANSWER_TOO_LARGE`.
    error: Option<String>,
    /// How many bytes your answer had.
    answer_bytes: Option<i64>,
    /// Its first KiB, if it was `application/problem+json`.
    answer: Option<String>,
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResentNotifications)]
struct ResentJson {
    /// How many notifications.
    notifications: u64,
    /// Whether there are more.
    more: bool,
}

/// What was resumed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResumedNotifications)]
struct ResumedJson {
    /// The events whose paths were paused.
    events: Vec<Kind>,
    /// How many notifications were kept back.
    notifications: u64,
}

/// What came of an example.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationExample)]
struct TriedJson {
    /// Whether a notification would count as delivered by this.
    delivered: bool,
    /// What your server did.
    attempt: AttemptJson,
}

impl NotificationJson {
    fn of(told: &Told) -> Self {
        Self {
            notification_id: told.id,
            number: told.number,
            event: Named(told.event),
            card_id: told.card.map(|card| card.0),
            status: Named(told.standing()),
            created_at: moment(told.created_at),
            next_at: told.next_at.map(moment),
            closed_at: told.closed_at.map(moment),
            attempt_count: told.tried,
            attempts: None,
        }
    }
}

impl From<&Attempt> for AttemptJson {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: moment(attempt.at),
            duration_ms: attempt.duration_ms,
            status: attempt.status,
            error: attempt.error.clone(),
            answer_bytes: attempt.answer_bytes,
            answer: attempt.answer.clone(),
        }
    }
}

impl From<&Resent> for ResentJson {
    fn from(resent: &Resent) -> Self {
        Self { notifications: resent.count, more: resent.more }
    }
}

impl From<&Resumed> for ResumedJson {
    fn from(resumed: &Resumed) -> Self {
        let events = resumed.events.iter().copied().map(Named).collect();
        Self { events, notifications: resumed.count }
    }
}

impl From<&Tried> for TriedJson {
    fn from(tried: &Tried) -> Self {
        Self { delivered: tried.delivered, attempt: AttemptJson::from(&tried.attempt) }
    }
}

/// Which page of what.
pub(crate) type Page = (Asked, Option<i64>, i64);

fn read(call: &Call) -> Result<Page, Problem> {
    read_page(call, Of::Notifications, NAMED)
}

/// What names an event here, those that there are, and what is said of any other.
const NAMED: Events = ("event", Event::NOTIFICATIONS, "must be an event");
/// The name of a field, what it may hold, and what is said of anything else.
pub(crate) type Events = (&'static str, &'static [Event], &'static str);

/// Reads which page of what of the outbox is asked for.
pub(crate) fn read_page(
    call: &Call,
    of: Of,
    (name, events, wrong): Events,
) -> Result<Page, Problem> {
    let mut query = call.query();
    let asked = Asked {
        of,
        event: query.optional(name, word(events, wrong)),
        standing: query.optional("status", word(Standing::ALL, "must be a status")),
        card: query.optional("cardId", number(1, i64::MAX, "must be an id")).map(CardId),
        from: query.optional("from", timestamp()),
        to: query.optional("to", timestamp()),
    };
    if asked.from.zip(asked.to).is_some_and(|(from, to)| from > to) {
        query.wrong("to", "must not be before from");
    }
    let after = number(0, i64::MAX, "must be the next of another page");
    let (limit, after) = Call::read_page(&mut query, after);
    query.only(&[name, "status", "cardId", "from", "to", "limit", "after"]);
    query.finish()?;
    Ok((asked, after, limit))
}

/// Reads what of the outbox that was given up is to be sent again.
pub(crate) fn read_resend(
    call: &Call,
    of: Of,
    (name, events, wrong): Events,
) -> Result<ResendFailed, Problem> {
    let mut fields = call.fields()?;
    let since = fields.required("since", timestamp());
    let event = fields.optional(name, word(events, wrong));
    let Some(since) = since else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(ResendFailed { of: Some(of), since, event })
}

async fn listed(
    api: Api,
    head: Head,
    (asked, after, limit): Page,
) -> Result<Done<List<NotificationJson>>, Problem> {
    let page = api.app.notifications_page(head.scope()?, asked, after, limit).await?;
    Ok(Done::with(&List::page(&page, NotificationJson::of)))
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<NotificationJson>, Problem> {
    let told = api.app.notification(head.scope()?, head.notification()?).await?;
    let attempts = told.attempts.iter().map(AttemptJson::from).collect();
    Ok(Done::with(&NotificationJson { attempts: Some(attempts), ..NotificationJson::of(&told) }))
}

async fn resent(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    let id = (Of::Notifications, head.notification()?);
    api.app.resend_notification(head.scope()?, id, once).await?;
    Ok(NoContent)
}

fn read_failed(call: &Call) -> Result<ResendFailed, Problem> {
    read_resend(call, Of::Notifications, NAMED)
}

async fn resent_failed(
    api: Api,
    head: Head,
    command: ResendFailed,
) -> Result<Done<ResentJson>, Problem> {
    let once = head.once(kept::<_, ResentJson>);
    Ok(Done::kept(api.app.resend_failed(head.scope()?, command, once).await?))
}

async fn resumed(api: Api, head: Head, (): ()) -> Result<Done<ResumedJson>, Problem> {
    let once = head.once(kept::<_, ResumedJson>);
    Ok(Done::kept(api.app.resume(head.scope()?, once).await?))
}

fn read_example(call: &Call) -> Result<Event, Problem> {
    let mut fields = call.fields()?;
    let known = "must be an event that you can be told of";
    let event = fields.required("event", word(Event::NOTIFICATIONS, known));
    let Some(event) = event else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(event)
}

async fn tried(api: Api, head: Head, event: Event) -> Result<Done<TriedJson>, Problem> {
    let once = head.once(kept::<_, TriedJson>);
    Ok(Done::kept(api.app.send_example(head.scope()?, event, once).await?))
}
