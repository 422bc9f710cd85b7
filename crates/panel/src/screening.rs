//! Who was found on a list: what waits for a decision, all that was found of one user or
//! corporation, and what a person says of it.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown};
use crate::filters;
use crate::form::Posted;
use crate::frame::Frame;
use crate::session::{Allows, Staff};
use crate::{query, users};
use app::owners::OwnerName;
use app::screening::{DecideHit, Hit, is_comment};
use app::{Error, Refusal};
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::ids::HitId;
use domain::screening::cases::{CaseState, HitDecision};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Hits on a page.
const LINES: i64 = 50;

#[derive(Template)]
#[template(path = "hits.html")]
struct List {
    frame: Frame,
    at: String,
    zone: TimeZone,
    asked: query::Asked,
    found: Vec<Hit>,
    next: Option<String>,
    may_decide: bool,
}

impl List {
    fn decisions(&self) -> &'static [HitDecision] {
        HitDecision::ALL
    }
}

/// Whose hits are asked for, where it is one's.
const OWNERS: &[&str] = &["user", "corporation"];

/// `GET …/screening/hits`: what nobody has decided, the oldest first; `?user=…` or
/// `?corporation=…`: all of theirs.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, OWNERS)?;
    let after = asked.after(|text| Uuid::try_parse(text).ok().map(HitId))?;
    let (scope, at) = (staff.scope()?, staff.to(""));
    let (found, next) = match owner(|name| asked.get(name))? {
        Some(owner) => (panel.app.screening_hits_of(scope, owner).await?, None),
        None => {
            let page = panel.app.open_hits(scope, after, LINES).await?;
            (page.items, page.next)
        }
    };
    shown(&List {
        frame: staff.frame(),
        zone: staff.zone(),
        next: asked.next(&format!("{at}/screening/hits"), next)?,
        at,
        asked,
        found,
        may_decide: staff.may(Allows::OPERATORS),
    })
}

/// Whose hits a query or a form names.
fn owner<'a>(field: impl Fn(&str) -> &'a str) -> Result<Option<OwnerName>, Failed> {
    match (field("user"), field("corporation")) {
        ("", "") => Ok(None),
        (user, "") => {
            let user = users::named(user).map_err(|_| Failed::Unreadable)?;
            Ok(Some(OwnerName::User(user)))
        }
        ("", name) => {
            let name = Uuid::try_parse(name).map_err(|_| Failed::Unreadable)?;
            Ok(Some(OwnerName::Corporation(name)))
        }
        _ => Err(Failed::Unreadable),
    }
}

/// `POST …/screening/hits/{hit}/decision`.
pub(crate) async fn decide(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, hit)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let hit = Uuid::try_parse(&hit).map(HitId).map_err(|_| Failed::NotFound)?;
    let state = HitDecision::parse(posted.field("state")).ok_or(Failed::Unreadable)?;
    let query = match owner(|name| posted.field(name))? {
        Some(OwnerName::User(user)) => format!("?user={}", user.0),
        Some(OwnerName::Corporation(name)) => format!("?corporation={name}"),
        None => String::new(),
    };
    let page = staff.to(&format!("/screening/hits{query}"));
    let comment = posted.field("comment").to_owned();
    if !is_comment(&comment) {
        let refused = Err::<(), _>(Error::from(Refusal::CommentInvalid));
        return back(&staff, &page, Done("done.hit"), refused);
    }
    let seen = CaseState::parse(posted.field("seen")).ok_or(Failed::Unreadable)?;
    let command = DecideHit { hit, state, comment, seen: Some(seen) };
    let result = panel.app.decide_hit(staff.scope()?, command, posted.once()).await;
    back(&staff, &page, Done("done.hit"), result)
}
