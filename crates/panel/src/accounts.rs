//! The panel's own accounts: made, changed, reset. A partner's ADMIN manages those of its partner;
//! the operator's are on a page of their own, beside all others.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, again, back, show as shown};
use crate::filters;
use crate::form::{Posted, confirmation};
use crate::frame::Frame;
use crate::qr::{self, Drawn};
use crate::query;
use crate::session::Staff;
use app::Error;
use app::admins::{ChangeAdmin, Enrolled, Manager, NewAdmin, Secrets, ShownAdmin};
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::admin::{AccountState, Role};
use domain::ids::AdminId;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Accounts on a page.
const LINES: i64 = 50;
/// What those who work for a partner may be.
const OF_PARTNER: &[Role] = &[Role::Admin, Role::Manager, Role::Employee];
/// What those of the operator are.
const OF_OPERATOR: &[Role] = &[Role::Operator];

/// Which roles are given on a page.
fn roles(staff: &Staff) -> &'static [Role] {
    if staff.partner_if_any().is_some() { OF_PARTNER } else { OF_OPERATOR }
}

/// Whose accounts they manage on a page: a partner's page is about that partner's alone.
fn manager(staff: &Staff) -> Manager {
    let manager = Manager::of(&staff.session);
    staff.partner_if_any().map_or(manager, |partner| manager.within(partner.id))
}

/// Where the list is.
fn here(staff: &Staff) -> String {
    staff.partner_if_any().map_or_else(|| "/panel/accounts".into(), |_| staff.to("/accounts"))
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct List {
    frame: Frame,
    here: String,
    zone: TimeZone,
    roles: &'static [Role],
    found: Vec<ShownAdmin>,
    next: Option<String>,
}

impl List {
    /// Whether those that are made here are the operator's.
    fn are_operators(&self) -> bool {
        self.roles == OF_OPERATOR
    }
}

/// `GET …/accounts`: by address.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &[])?;
    let after = asked.after(|text| Uuid::try_parse(text).ok())?;
    let page = panel.app.admins_page(manager(&staff), after.map(AdminId), LINES).await?;
    let (here, roles) = (here(&staff), roles(&staff));
    let next = asked.next(&here, page.next)?;
    let (frame, zone) = (staff.frame(), staff.zone());
    shown(&List { frame, here, zone, roles, found: page.items, next })
}

#[derive(Template)]
#[template(path = "managed.html")]
struct Page {
    frame: Frame,
    here: String,
    zone: TimeZone,
    it: ShownAdmin,
    is_own: bool,
}

impl Page {
    /// What they may be made instead.
    fn roles(&self) -> impl Iterator<Item = Role> {
        let is = self.it.account.role;
        let of_partner = self.it.account.partner.is_some();
        OF_PARTNER.iter().copied().filter(move |role| of_partner && *role != is)
    }

    fn may_change(&self) -> bool {
        self.roles().next().is_some()
    }

    fn is_operators(&self) -> bool {
        self.it.account.role == Role::Operator
    }

    fn is_open(&self) -> bool {
        self.it.state == AccountState::Active
    }
}

/// What the path names beside a partner, if it names one.
type Named = Path<BTreeMap<String, String>>;

fn account(names: &Named) -> Result<AdminId, Failed> {
    let id = names.get("account").and_then(|text| Uuid::try_parse(text).ok());
    id.map(AdminId).ok_or(Failed::NotFound)
}

/// `GET …/accounts/{account}`.
pub(crate) async fn show(State(panel): State<Panel>, staff: Staff, names: Named) -> Answer {
    let (manager, id) = (manager(&staff), account(&names)?);
    let it = panel.app.shown_admin(manager, id).await?;
    let (frame, zone, here) = (staff.frame(), staff.zone(), here(&staff));
    shown(&Page { frame, here, zone, it, is_own: manager.is(id) })
}

#[derive(Template)]
#[template(path = "enrolled.html")]
struct Opened {
    frame: Frame,
    page: String,
    email: String,
    /// What opens the account; none where it was shown before.
    secrets: Option<(Secrets, Drawn)>,
}

fn kept(it: &ShownAdmin) -> Value {
    json!({ "id": it.account.id.0, "email": it.account.email })
}

/// Shows what opens an account, on the answer itself: it is kept nowhere to be loaded from.
fn opened(staff: &Staff, done: &'static str, enrolled: Result<Enrolled, Error>) -> Answer {
    let enrolled = match enrolled {
        Ok(enrolled) => enrolled,
        Err(error) => return back(staff, &here(staff), Done(done), Err::<(), _>(error)),
    };
    let told = |name: &str| enrolled.shown[name].as_str().unwrap_or_default().to_owned();
    let (page, email) = (format!("{}/{}", here(staff), told("id")), told("email"));
    let secrets = match enrolled.secrets {
        Some(secrets) => {
            let drawn = qr::draw(&secrets.code_url).map_err(|_| Failed::Broken)?;
            Some((secrets, drawn))
        }
        None => None,
    };
    shown(&Opened { frame: staff.frame(), page, email, secrets })
}

/// `POST …/accounts/new`.
pub(crate) async fn create(State(panel): State<Panel>, staff: Staff, posted: Posted) -> Answer {
    let role = Role::parse(posted.field("role")).ok_or(Failed::Unreadable)?;
    let partner = staff.partner_if_any().map(|partner| partner.id);
    let new = NewAdmin { email: posted.field("email").to_owned(), role, partner };
    let (code, once) = (confirmation(&panel, &posted), posted.once_kept(kept));
    match panel.app.create_admin(manager(&staff), new, code, once).await {
        Ok(made) => opened(&staff, "done.account-made", Ok(made)),
        Err(error) => {
            let list = |staff| list(State(panel), staff, Query(BTreeMap::new()));
            again((&staff, &posted), error.into(), list).await
        }
    }
}

/// `POST …/accounts/{account}/reset`.
pub(crate) async fn reset(
    State(panel): State<Panel>,
    staff: Staff,
    names: Named,
    posted: Posted,
) -> Answer {
    let id = account(&names)?;
    let (code, once) = (confirmation(&panel, &posted), posted.once_kept(kept));
    let reset = panel.app.reset_admin(manager(&staff), id, code, once).await;
    opened(&staff, "done.account-made", reset)
}

/// `POST …/accounts/{account}/role`.
pub(crate) async fn set_role(
    panel: State<Panel>,
    staff: Staff,
    names: Named,
    posted: Posted,
) -> Answer {
    let role = Role::parse(posted.field("role")).ok_or(Failed::Unreadable)?;
    let change = ChangeAdmin { role: Some(role), disabled: None };
    changed(panel, staff, (names, posted), (change, Done("done.account-role"))).await
}

/// `POST …/accounts/{account}/disable`.
pub(crate) async fn disable(
    panel: State<Panel>,
    staff: Staff,
    names: Named,
    posted: Posted,
) -> Answer {
    let change = ChangeAdmin { role: None, disabled: Some(true) };
    changed(panel, staff, (names, posted), (change, Done("done.account-shut"))).await
}

/// `POST …/accounts/{account}/enable`.
pub(crate) async fn enable(
    panel: State<Panel>,
    staff: Staff,
    names: Named,
    posted: Posted,
) -> Answer {
    let change = ChangeAdmin { role: None, disabled: Some(false) };
    changed(panel, staff, (names, posted), (change, Done("done.account-open"))).await
}

async fn changed(
    State(panel): State<Panel>,
    staff: Staff,
    (names, posted): (Named, Posted),
    (change, done): (ChangeAdmin, Done),
) -> Answer {
    let id = account(&names)?;
    let once = posted.once_kept(|_: &ShownAdmin| Value::Null);
    let result = panel.app.change_admin(manager(&staff), id, change, once).await;
    back(&staff, &format!("{}/{}", here(&staff), id.0), done, result)
}

/// `POST …/accounts/{account}/sign-out`: all of its sessions end.
pub(crate) async fn sign_out(
    State(panel): State<Panel>,
    staff: Staff,
    names: Named,
    posted: Posted,
) -> Answer {
    let id = account(&names)?;
    let result = panel.app.end_admin_sessions(manager(&staff), id, posted.once()).await;
    back(&staff, &format!("{}/{}", here(&staff), id.0), Done("done.account-out"), result)
}
