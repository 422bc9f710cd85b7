//! `GET /admin/audit`, `GET /admin/platform/audit`: who did what (spec "Channels").

use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{moment, place, text, timestamp};
use app::audit::{Asked, Shown};
use app::partners::platform;
use domain::admin::Role;
use domain::scope::Scope;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Audit";
/// The longest text that is looked for: names of certificates are among them.
const TEXT_MAX: usize = 300;

/// Lists what was done.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read, listed).about(
        TAG,
        "List audit records",
        "Who did what to the partner's data, newest first; what is named must all be true, and \
         `object`, `actor` and `action` are compared whole. `from` (then or later) and `to` \
         (before) are compared with `at`. Where few of many fit, a page may hold less than \
         `limit` of them, even none: only a null `next` tells that it is the last.",
    )
}

/// Lists what was done to the platform.
pub(crate) fn list_of_platform() -> Endpoint {
    Endpoint::of(read, listed_of_platform).about(
        TAG,
        "List audit records of the platform",
        "Who did what to that which belongs to no partner: the operator's accounts and sessions, \
         processors and their certificates, screening lists, keys. As `GET /admin/audit`.",
    )
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditRecord)]
struct RecordJson {
    /// The record's id.
    record_id: Uuid,
    /// When, of business time.
    #[schema(format = DateTime)]
    at: String,
    /// Who: `certificate:COMMON-NAME/SERIAL`, `admin:ID` of a panel account, `user:ID` of a user's
    /// app, `os:USER` of the operator's command line, `processor:ID`, `worker:NAME`.
    actor: String,
    /// The e-mail address of the panel account, if it is one of the partner's; an OPERATOR sees
    /// those of the operator's people too.
    email: Option<String>,
    /// What: noun and verb, such as `card.lock`.
    action: String,
    /// To what: an id or a name.
    object: String,
    /// What else there is to tell: `before` and `after` have the fields that differ, personal ones
    /// as keyed digests (`hmac:…`).
    #[schema(value_type = Object)]
    detail: Value,
    /// The IP address that it came from; null for what the operator's machine did.
    address: Option<String>,
    /// The `X-Request-Id`, if it was a request.
    request_id: Option<String>,
    /// Whether it is sealed: if it was altered now, that would be found.
    sealed: bool,
}

impl RecordJson {
    fn of(shown: &Shown) -> Self {
        let Shown { record, email, is_sealed } = shown;
        Self {
            record_id: record.id,
            at: moment(record.at),
            actor: record.actor.clone(),
            email: email.clone(),
            action: record.action.clone(),
            object: record.object.clone(),
            detail: record.detail.clone(),
            address: record.address.clone(),
            request_id: record.request_id.clone(),
            sealed: *is_sealed,
        }
    }
}

/// Which page of what.
type Page = (Asked, Option<Uuid>, i64);

fn read(call: &Call) -> Result<Page, Problem> {
    let mut query = call.query();
    let asked = Asked {
        object: query.optional("object", text(TEXT_MAX)),
        actor: query.optional("actor", text(TEXT_MAX)),
        action: query.optional("action", text(TEXT_MAX)),
        from: query.optional("from", timestamp()),
        to: query.optional("to", timestamp()),
    };
    if asked.from.zip(asked.to).is_some_and(|(from, to)| from > to) {
        query.wrong("to", "must not be before from");
    }
    let (limit, after) = Call::read_page(&mut query, place());
    query.only(&["object", "actor", "action", "from", "to", "limit", "after"]);
    query.finish()?;
    Ok((asked, after, limit))
}

async fn listed(api: Api, head: Head, page: Page) -> Result<Done<List<RecordJson>>, Problem> {
    let seen = (head.scope()?, head.role()?);
    seen_by(api, seen, page).await
}

async fn listed_of_platform(
    api: Api,
    head: Head,
    page: Page,
) -> Result<Done<List<RecordJson>>, Problem> {
    seen_by(api, (platform(), head.role()?), page).await
}

async fn seen_by(
    api: Api,
    seen: (Scope, Role),
    (asked, after, limit): Page,
) -> Result<Done<List<RecordJson>>, Problem> {
    let page = api.app.audit_page(seen, &asked, after, limit).await?;
    Ok(Done::with(&List::page(&page, RecordJson::of)))
}
