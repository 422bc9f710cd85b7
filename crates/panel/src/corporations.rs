//! Corporations: listed, one with all that KYB looks at, what comes of it, and what it has.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown};
use crate::filters;
use crate::form::Posted;
use crate::frame::Frame;
use crate::offered::Offered;
use crate::session::{Allows, Staff};
use crate::users::Held;
use crate::{cards, query, users};
use app::cards::IssueVirtual;
use app::corporations::{DecideKyb, Shown};
use app::owners::OwnerName;
use app::{Error, Refusal};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use domain::Date;
use domain::admin::Role;
use domain::card::Card;
use domain::corporation::document::DocumentMedia;
use domain::corporation::{Corporation, Kyb, KybDecision, Person};
use domain::ids::CardId;
use domain::partner::KybBy;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Corporations on a page.
const LINES: i64 = 50;

#[derive(Template)]
#[template(path = "corporations.html")]
struct List {
    frame: Frame,
    at: String,
    kyb: Option<Kyb>,
    found: Vec<Corporation>,
    next: Option<String>,
}

impl List {
    fn states(&self) -> &'static [Kyb] {
        Kyb::ALL
    }

    fn is_asked(&self, kyb: &Kyb) -> bool {
        self.kyb == Some(*kyb)
    }
}

/// `GET …/corporations?kyb=…`: in the order in which they were registered.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &["kyb"])?;
    let kyb = asked.parsed("kyb", Kyb::parse)?;
    let after = asked.after(|text| text.parse::<i64>().ok())?.unwrap_or(0);
    let page = panel.app.corporations(staff.scope()?, (kyb, after), LINES).await?;
    let (frame, at) = (staff.frame(), staff.to(""));
    let next = asked.next(&format!("{at}/corporations"), page.next)?;
    shown(&List { frame, at, kyb, found: page.items, next })
}

#[derive(Template)]
#[template(path = "corporation.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    today: Date,
    review: Shown,
    balances: Vec<Held>,
    cards: Vec<Card>,
    next: Option<String>,
    offered: Offered,
    may_make: bool,
    may_decide: bool,
}

impl Page {
    /// Where it is.
    fn page(&self) -> String {
        format!("{}/corporations/{}", self.at, self.review.corporation.resource)
    }

    /// Everybody of it: the key of what they are, who, and how much is theirs.
    fn persons(&self) -> Vec<(&'static str, &Person, String)> {
        let persons = &self.review.persons;
        let mut all = vec![("representative", &persons.representative, String::new())];
        all.extend(persons.board.iter().map(|person| ("board", person, String::new())));
        let owners = persons.beneficiaries.iter();
        all.extend(owners.map(|it| {
            ("beneficiary", &it.person, format!("{}.{:02} %", it.share / 100, it.share % 100))
        }));
        all
    }

    /// What is still needed, in words of ours.
    fn missing(&self) -> Vec<String> {
        self.review.missing.iter().map(ToString::to_string).collect()
    }

    fn decisions(&self) -> &'static [KybDecision] {
        KybDecision::ALL
    }
}

fn named(text: &str) -> Result<Uuid, Failed> {
    Uuid::try_parse(text).map_err(|_| Failed::NotFound)
}

fn page_of(staff: &Staff, name: Uuid) -> String {
    staff.to(&format!("/corporations/{name}"))
}

/// `GET …/corporations/{corporation}?after=…`, which says behind which card its cards begin. That
/// it was shown is recorded.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, corporation)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let (scope, name, app) = (staff.scope()?, named(&corporation)?, &panel.app);
    let asked = query::Asked::of(query, &[])?;
    let after = CardId(asked.after(|text| text.parse::<i64>().ok())?.unwrap_or(0));
    let review = app.reviewed_corporation(scope, name, &staff.origin).await?;
    let balances = app.balances_of_corporation(scope, name).await?;
    let cards = app.cards_of_corporation(scope, name, after, LINES).await?;
    let partner = staff.partner()?;
    let own = partner.settings.kyb_by == KybBy::Partner;
    let role = staff.session.role;
    shown(&Page {
        may_decide: role == Role::Operator || own && role == Role::Admin,
        frame: staff.frame(),
        at: staff.to(""),
        zone: staff.zone(),
        today: app.settings.get().today(scope.partner(), app.now()),
        review,
        balances: balances.into_iter().map(Held::from).collect(),
        next: asked.next(&page_of(&staff, name), cards.next)?,
        cards: cards.items,
        offered: Offered::by(app, scope),
        may_make: staff.may(Allows::MAKERS),
    })
}

/// `POST …/corporations/{corporation}/balances`.
pub(crate) async fn create_balance(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, corporation)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let name = named(&corporation)?;
    let to = (OwnerName::Corporation(name), &*page_of(&staff, name));
    users::give_balance((&panel, &staff), &posted, to).await
}

/// `POST …/corporations/{corporation}/cards`: a virtual card for one of its people.
pub(crate) async fn issue(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, corporation)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, name) = (staff.scope()?, named(&corporation)?);
    let holder = users::named(posted.field("holder")).map_err(|_| Failed::Unreadable)?;
    let card = cards::new_card(&posted, holder)?;
    let command = IssueVirtual { corporation: Some(name), ..card };
    let once = posted.once_kept(|_| Value::Null);
    let result = panel.app.issue_virtual_card(scope, command, once).await;
    back(&staff, &page_of(&staff, name), Done("done.card-issued"), result)
}

/// `GET …/corporations/{corporation}/documents/{document}`. That it was shown is recorded.
pub(crate) async fn document(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, corporation, document)): Path<(String, String, String)>,
) -> Answer {
    let place = (named(&corporation)?, named(&document)?);
    let found = panel.app.corporation_document(staff.scope()?, place, &staff.origin).await?;
    let media = HeaderValue::from_static(found.0.as_str());
    // A PDF may hold a script: it is taken to the reader's own program, not shown by ours.
    let ending = match found.0 {
        DocumentMedia::Pdf => "pdf",
        DocumentMedia::Jpeg => "jpg",
        DocumentMedia::Png => "png",
    };
    let kept = format!("attachment; filename=\"{}.{ending}\"", place.1);
    let kept = HeaderValue::try_from(kept).map_err(|_| Failed::Broken)?;
    Ok(([(header::CONTENT_TYPE, media), (header::CONTENT_DISPOSITION, kept)], found.1)
        .into_response())
}

/// Characters of a reference at most.
const REFERENCE_MAX: usize = 200;

/// `POST …/corporations/{corporation}/kyb`.
pub(crate) async fn decide(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, corporation)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, name) = (staff.scope()?, named(&corporation)?);
    let page = page_of(&staff, name);
    let decision = KybDecision::parse(posted.field("kyb")).ok_or(Failed::Unreadable)?;
    let version = posted.field("version").parse::<i64>().map_err(|_| Failed::Unreadable)?;
    let reference = posted.field("reference");
    let plain = !reference.chars().any(char::is_control);
    if !plain || !(1..=REFERENCE_MAX).contains(&reference.chars().count()) {
        return back(
            &staff,
            &page,
            Done("done.kyb"),
            Err::<(), _>(Error::from(Refusal::KybInvalid)),
        );
    }
    let command = DecideKyb {
        corporation: name,
        decision,
        reference: reference.to_owned(),
        version: Some(version),
    };
    let acted = (staff.session.role, command);
    let result = panel.app.decide_kyb(scope, acted, posted.once()).await;
    back(&staff, &page, Done("done.kyb"), result)
}
