//! KYC forms: those to be decided and those that were, and one with its data beside its pictures,
//! accepted, rejected or taken as a file.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown};
use crate::filters;
use crate::form::Posted;
use crate::frame::Frame;
use crate::query;
use crate::session::Staff;
use app::owners::OwnerName;
use app::screening::Hit;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use domain::ids::VerificationId;
use domain::user::User;
use domain::verification::{Decision, Form, Pesel, Reason, Verification, VerificationStatus};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The pictures of a form, in the order in which they are looked at.
const PICTURES: [&str; 3] = ["imageFace", "imageFront", "imageBack"];
/// Forms on a page of a list.
const FORMS: i64 = 50;
/// What a list can be asked for, as its form asks for it.
const ASKED: &[&str] = &["status"];

#[derive(Template)]
#[template(path = "verifications.html")]
struct Queue {
    frame: Frame,
    at: String,
    zone: TimeZone,
    status: VerificationStatus,
    forms: Vec<(Verification, String)>,
    next: Option<String>,
}

impl Queue {
    fn statuses(&self) -> &'static [VerificationStatus] {
        VerificationStatus::ALL
    }

    fn is_open(&self) -> bool {
        self.status == VerificationStatus::InProgress
    }
}

/// `GET …/verifications`: what is to be decided, the oldest first; `?status=…`: what was, the last
/// decided first.
pub(crate) async fn queue(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let status = asked.parsed("status", VerificationStatus::parse)?;
    let status = status.unwrap_or(VerificationStatus::InProgress);
    let after = asked.after(|text| Uuid::try_parse(text).ok().map(VerificationId))?;
    let scope = staff.scope()?;
    let page = panel.app.verifications_by_status(scope, status, after, FORMS).await?;
    let mut forms = Vec::new();
    for form in page.items {
        let name = match panel.app.user(scope, form.user).await {
            Ok(user) => name_of(&user),
            Err(app::Error::Refused(_)) => String::new(),
            Err(error) => return Err(error.into()),
        };
        forms.push((form, name));
    }
    let (frame, at, zone) = (staff.frame(), staff.to(""), staff.zone());
    let next = asked.next(&format!("{at}/verifications"), page.next)?;
    shown(&Queue { frame, at, zone, status, forms, next })
}

fn name_of(user: &User) -> String {
    format!("{} {}", user.profile.first_name, user.profile.last_name)
}

#[derive(Template)]
#[template(path = "verification.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    verification: Verification,
    form: Form,
    user: Option<User>,
    pictures: Vec<String>,
    hits: Vec<Hit>,
}

impl Page {
    fn is_open(&self) -> bool {
        self.verification.status == VerificationStatus::InProgress
    }

    fn reasons(&self) -> &'static [Reason] {
        Reason::ALL
    }

    fn pesel(&self) -> Option<String> {
        self.form.pesel.as_ref().map(Pesel::digits)
    }

    /// What the form says beside what the partner has told of the user.
    fn compared(&self) -> [Compared; 3] {
        let user = self.user.as_ref().map(|user| &user.profile);
        let compare = |field, sent: String, known: Option<String>| {
            let differs = known.as_ref().is_some_and(|known| *known != sent);
            Compared { field, sent, known: known.unwrap_or_default(), differs }
        };
        let form = &self.form;
        [
            compare("first-name", form.first_name.clone(), user.map(|it| it.first_name.clone())),
            compare("last-name", form.last_name.clone(), user.map(|it| it.last_name.clone())),
            compare(
                "birth-date",
                form.birth_date.to_string(),
                user.map(|it| it.birth_date.to_string()),
            ),
        ]
    }
}

/// What a form says of somebody, beside what is known.
struct Compared {
    field: &'static str,
    sent: String,
    known: String,
    differs: bool,
}

fn form_id(text: &str) -> Result<VerificationId, Failed> {
    Uuid::try_parse(text).map(VerificationId).map_err(|_| Failed::NotFound)
}

/// `GET …/verifications/{form}`. That it was shown is recorded.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, form)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, form_id(&form)?);
    let found = panel.app.verification(scope, id, &staff.origin).await?;
    let user = match panel.app.user(scope, found.verification.user).await {
        Ok(user) => Some(user),
        Err(app::Error::Refused(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let owner = OwnerName::User(found.verification.user);
    shown(&Page {
        frame: staff.frame(),
        at: staff.to(""),
        zone: staff.zone(),
        verification: found.verification,
        form: found.form,
        pictures: in_order(found.pictures),
        user,
        hits: panel.app.screening_hits_of(scope, owner).await?,
    })
}

/// The face first, then the document's front, then its back.
fn in_order(mut pictures: Vec<String>) -> Vec<String> {
    pictures.sort_by_key(|picture| PICTURES.iter().position(|it| it == picture));
    pictures
}

/// `GET …/verifications/{form}/pictures/{picture}`. That it was shown is recorded.
pub(crate) async fn picture(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, form, picture)): Path<(String, String, String)>,
) -> Answer {
    let id = form_id(&form)?;
    let kind = PICTURES.iter().find(|kind| **kind == picture).ok_or(Failed::NotFound)?;
    let asked = (id, *kind);
    let found = panel.app.verification_picture(staff.scope()?, asked, &staff.origin).await?;
    let media = HeaderValue::from_static(found.media_type.as_str());
    Ok(([(header::CONTENT_TYPE, media)], found.bytes).into_response())
}

/// `GET …/verifications/{form}/export`: all that is kept of it. That it was taken is recorded.
pub(crate) async fn export(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, form)): Path<(String, String)>,
) -> Answer {
    let seen = (staff.scope()?, staff.session.role);
    let file = panel.app.export_verification(seen, form_id(&form)?, &staff.origin).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)),
    ];
    Ok((headers, file.content).into_response())
}

/// `POST …/verifications/{form}/accept`.
pub(crate) async fn accept(
    panel: State<Panel>,
    staff: Staff,
    form: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    decide(panel, staff, form, posted, (Decision::Accept, Done("done.form-accepted"))).await
}

/// `POST …/verifications/{form}/reject`.
pub(crate) async fn reject(
    panel: State<Panel>,
    staff: Staff,
    form: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let reason = Reason::parse(posted.field("reason")).ok_or(Failed::Unreadable)?;
    let decision = (Decision::Reject(reason), Done("done.form-rejected"));
    decide(panel, staff, form, posted, decision).await
}

async fn decide(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, form)): Path<(String, String)>,
    posted: Posted,
    (decision, done): (Decision, Done),
) -> Answer {
    let (scope, id) = (staff.scope()?, form_id(&form)?);
    let result = panel.app.decide_verification(scope, id, decision, posted.once()).await;
    back(&staff, &staff.to(&format!("/verifications/{}", id.0)), done, result)
}
