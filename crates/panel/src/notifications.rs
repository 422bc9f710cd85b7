//! What a partner was told and is to be told: notifications, and calls about its users' money;
//! each with its tries, to be sent again.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown};
use crate::cards::card_id;
use crate::filters;
use crate::form::Posted;
use crate::frame::Frame;
use crate::query;
use crate::session::Staff;
use crate::texts::text;
use app::outbox::{Asked, Of, ResendFailed, Told};
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::notification::{Event, Standing};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Entries on a page.
const LINES: i64 = 50;
/// What a list can be asked for, as its form asks for it.
const ASKED: &[&str] = &["standing", "event", "card", "from", "to"];
/// How far back everything that failed is sent again, in days: so long is it kept.
const BACK_DAYS: i64 = 30;

/// What is looked at, and where.
#[derive(Clone, Copy)]
struct What {
    of: Of,
    path: &'static str,
}

const NOTIFICATIONS: What = What { of: Of::Notifications, path: "/notifications" };
const CALLS: What = What { of: Of::Calls, path: "/partner-calls" };

impl What {
    fn title(self) -> String {
        match self.of {
            Of::Notifications => text("notifications.title"),
            Of::Calls => text("calls.title"),
        }
    }
}

#[derive(Template)]
#[template(path = "notifications.html")]
struct List {
    frame: Frame,
    at: String,
    here: String,
    of: Of,
    title: String,
    zone: TimeZone,
    asked: query::Asked,
    /// The events of which nothing is sent until their paths are resumed.
    paused: Vec<Event>,
    found: Vec<Told>,
    next: Option<String>,
}

impl List {
    fn standings(&self) -> &'static [Standing] {
        Standing::ALL
    }

    fn events(&self) -> &'static [Event] {
        match self.of {
            Of::Notifications => Event::NOTIFICATIONS,
            Of::Calls => Event::CALLS,
        }
    }
}

/// `GET …/notifications`: newest first.
pub(crate) async fn list(
    panel: State<Panel>,
    staff: Staff,
    query: Query<BTreeMap<String, String>>,
) -> Answer {
    listed(panel, staff, query, NOTIFICATIONS).await
}

/// `GET …/partner-calls`: newest first.
pub(crate) async fn calls(
    panel: State<Panel>,
    staff: Staff,
    query: Query<BTreeMap<String, String>>,
) -> Answer {
    listed(panel, staff, query, CALLS).await
}

async fn listed(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
    what: What,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let (frame, zone) = (staff.frame(), staff.zone());
    let wanted = Asked {
        of: what.of,
        event: asked.parsed("event", Event::parse)?,
        standing: asked.parsed("standing", Standing::parse)?,
        card: asked.parsed("card", |text| card_id(text).ok())?,
        from: asked.begin_of("from", &zone)?,
        to: asked.end_of("to", &zone)?,
    };
    let after = asked.after(|text| text.parse::<i64>().ok())?;
    let scope = staff.scope()?;
    let page = panel.app.notifications_page(scope, wanted, after, LINES).await?;
    let paused = match what.of {
        Of::Notifications => panel.app.paused_addresses(scope).await?,
        Of::Calls => Vec::new(),
    };
    let here = staff.to(what.path);
    let next = asked.next(&here, page.next)?;
    let (of, title, at) = (what.of, what.title(), staff.to(""));
    shown(&List { frame, at, here, of, title, zone, asked, paused, found: page.items, next })
}

#[derive(Template)]
#[template(path = "notification.html")]
struct Page {
    frame: Frame,
    here: String,
    title: String,
    zone: TimeZone,
    told: Told,
    body: Option<String>,
}

fn id(text: &str) -> Result<Uuid, Failed> {
    Uuid::try_parse(text).map_err(|_| Failed::NotFound)
}

/// `GET …/notifications/{notification}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    let told = panel.app.notification(staff.scope()?, id(&name)?).await?;
    page(&staff, NOTIFICATIONS, told, None)
}

/// `GET …/partner-calls/{call}`.
pub(crate) async fn show_call(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    let (told, body) = panel.app.partner_call(staff.scope()?, id(&name)?).await?;
    page(&staff, CALLS, told, Some(format!("{body:#}")))
}

fn page(staff: &Staff, what: What, told: Told, body: Option<String>) -> Answer {
    let (frame, zone) = (staff.frame(), staff.zone());
    shown(&Page { frame, here: staff.to(what.path), title: what.title(), zone, told, body })
}

/// `POST …/notifications/{notification}/resend`.
pub(crate) async fn resend(
    panel: State<Panel>,
    staff: Staff,
    name: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    resent(panel, staff, name, posted, NOTIFICATIONS).await
}

/// `POST …/partner-calls/{call}/resend`.
pub(crate) async fn resend_call(
    panel: State<Panel>,
    staff: Staff,
    name: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    resent(panel, staff, name, posted, CALLS).await
}

async fn resent(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, name)): Path<(String, String)>,
    posted: Posted,
    what: What,
) -> Answer {
    let (scope, id) = (staff.scope()?, id(&name)?);
    let result = panel.app.resend_notification(scope, (what.of, id), posted.once()).await;
    back(&staff, &staff.to(&format!("{}/{id}", what.path)), Done("done.resent"), result)
}

/// `POST …/notifications/resend`: all that was given up.
pub(crate) async fn resend_failed(panel: State<Panel>, staff: Staff, posted: Posted) -> Answer {
    resent_failed(panel, staff, posted, NOTIFICATIONS).await
}

/// `POST …/partner-calls/resend`: all that is parked.
pub(crate) async fn resend_parked(panel: State<Panel>, staff: Staff, posted: Posted) -> Answer {
    resent_failed(panel, staff, posted, CALLS).await
}

async fn resent_failed(
    State(panel): State<Panel>,
    staff: Staff,
    posted: Posted,
    what: What,
) -> Answer {
    let since = (panel.real_time)().checked_sub((BACK_DAYS * 24).hours());
    let since = since.map_err(|_| Failed::Broken)?;
    let failed = ResendFailed { of: Some(what.of), since, event: None };
    let result = panel.app.resend_failed(staff.scope()?, failed, posted.once()).await;
    back(&staff, &staff.to(what.path), Done("done.resent-all"), result)
}

/// `POST …/notifications/resume`: the paths that were paused, with what was kept for them.
pub(crate) async fn resume(State(panel): State<Panel>, staff: Staff, posted: Posted) -> Answer {
    let result = panel.app.resume(staff.scope()?, posted.once()).await;
    back(&staff, &staff.to(NOTIFICATIONS.path), Done("done.resumed"), result)
}
