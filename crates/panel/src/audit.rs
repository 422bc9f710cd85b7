//! Who did what.

use crate::Panel;
use crate::answer::{Answer, show as shown};
use crate::filters;
use crate::frame::Frame;
use crate::query;
use crate::session::Staff;
use app::audit::{Asked, Shown};
use app::partners::platform;
use askama::Template;
use axum::extract::{Query, State};
use domain::scope::Scope;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Records on a page.
const LINES: i64 = 50;
/// What a list can be asked for, as its form asks for it.
const ASKED: &[&str] = &["object", "actor", "action", "from", "to"];

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    here: String,
    zone: TimeZone,
    asked: query::Asked,
    records: Vec<Shown>,
    next: Option<String>,
}

impl Page {
    /// What changed, a line each: the field, what it was and what it is.
    fn changes(&self, shown: &Shown) -> Vec<String> {
        let detail = shown.record.detail.as_object().into_iter().flatten();
        detail
            .filter(|(_, value)| !value.is_null() && **value != serde_json::json!({}))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }
}

/// `GET …/audit`, newest first: of a partner; without one, what was done to the platform.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let after = asked.after(|text| Uuid::try_parse(text).ok())?;
    let zone = staff.zone();
    let field = |name: &str| asked.typed(name).map(str::to_owned);
    let wanted = Asked {
        object: field("object"),
        actor: field("actor"),
        action: field("action"),
        from: asked.begin_of("from", &zone)?,
        to: asked.end_of("to", &zone)?,
    };
    let partner = staff.partner_if_any();
    let scope = partner.map_or_else(platform, |partner| Scope::of_caller(partner.id));
    let seen = (scope, staff.session.role);
    let page = panel.app.audit_page(seen, &wanted, after, LINES).await?;
    let here = if partner.is_some() { staff.to("/audit") } else { "/panel/audit".to_owned() };
    let next = asked.next(&here, page.next)?;
    shown(&Page { frame: staff.frame(), here, zone, asked, records: page.items, next })
}
