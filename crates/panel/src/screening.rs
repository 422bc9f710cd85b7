//! Who was found on a list: what waits for a decision, all that was found of one user, and what a
//! person says of it.

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
use domain::ids::{HitId, OwnerId};
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

/// `GET …/screening/hits`: what nobody has decided, the oldest first; `?user=…`: all of a user's.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &["user"])?;
    let user = asked.parsed("user", |text| users::named(text).ok())?;
    let after = asked.after(|text| Uuid::try_parse(text).ok().map(HitId))?;
    let (scope, at) = (staff.scope()?, staff.to(""));
    let (found, next) = match user {
        Some(user) => {
            let kept = panel.app.screening_hits_of(scope, OwnerId::from(user)).await?.into_iter();
            let owner = Some(OwnerName::User(user));
            (kept.map(|kept| Hit { kept, owner }).collect(), None)
        }
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

/// `POST …/screening/hits/{hit}/decision`.
pub(crate) async fn decide(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, hit)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let hit = Uuid::try_parse(&hit).map(HitId).map_err(|_| Failed::NotFound)?;
    let state = HitDecision::parse(posted.field("state")).ok_or(Failed::Unreadable)?;
    let user = posted.typed("user").map(users::named).transpose()?;
    let page = match user {
        Some(user) => staff.to(&format!("/screening/hits?user={}", user.0)),
        None => staff.to("/screening/hits"),
    };
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
