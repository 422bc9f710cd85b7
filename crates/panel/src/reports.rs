//! Reports: what isn't seen by looking at one user or card.

use crate::Panel;
use crate::answer::{Answer, show as shown};
use crate::frame::Frame;
use crate::session::Staff;
use crate::{filters, query, users};
use app::users::{IDLE_DAYS, IDLE_DAYS_MAX, Inactive};
use askama::Template;
use axum::extract::{Query, State};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Users on a page.
const LINES: i64 = 50;

#[derive(Template)]
#[template(path = "inactive.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    days: i64,
    found: Vec<Inactive>,
    next: Option<String>,
}

/// `GET …/reports/inactive?days=…`: newest first.
pub(crate) async fn inactive(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &["days"])?;
    let number = |text: &str| text.parse().ok().filter(|days| (1..=IDLE_DAYS_MAX).contains(days));
    let days = asked.parsed("days", number)?.unwrap_or(IDLE_DAYS);
    let after = asked.after(|text| users::named(text).ok())?;
    let app = &panel.app;
    let page = app.inactive_users(staff.scope()?, days, after, LINES).await?;
    let at = staff.to("");
    shown(&Page {
        frame: staff.frame(),
        zone: staff.zone(),
        next: asked.next(&format!("{at}/reports/inactive"), page.next)?,
        at,
        days,
        found: page.items,
    })
}
