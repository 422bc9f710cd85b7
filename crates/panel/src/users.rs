//! Users: found, shown with all that they have, locked.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown};
use crate::filters::{self, amount};
use crate::form::Posted;
use crate::frame::Frame;
use crate::offered::Offered;
use crate::query;
use crate::session::{Allows, Staff};
use app::balances::NewBalance;
use app::owners::OwnerName;
use app::users::{Known, LockChange, Place, Search, UserLock};
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::balance::Balance;
use domain::card::Card;
use domain::card::order::CardOrder;
use domain::ids::UserId;
use domain::money::Currency;
use domain::search::Meant;
use domain::user::{Kyc, TransactionalLock, User, UserState};
use domain::verification::Verification;
use domain::{Date, Timestamp};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeMap;

/// The user that a path names.
pub(crate) fn named(text: &str) -> Result<UserId, Failed> {
    let id = text.parse::<i64>().ok().filter(|id| *id > 0 && !text.starts_with('+'));
    id.map(UserId).ok_or(Failed::NotFound)
}

/// Users on a page.
const LINES: i64 = 50;
/// What a list can be asked for, as its form asks for it.
const ASKED: &[&str] = &["search", "state", "kyc"];

#[derive(Template)]
#[template(path = "users.html")]
struct List {
    frame: Frame,
    at: String,
    zone: TimeZone,
    asked: query::Asked,
    found: Vec<Known>,
    next: Option<String>,
}

/// `GET …/users?search=…`: newest first, or those whom it means.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let search = Search {
        meant: asked.typed("search").map(Meant::by),
        state: asked.parsed("state", UserState::parse)?,
        kyc: asked.parsed("kyc", Kyc::parse)?,
    };
    let after = asked.after(|text| Place::parse(text).filter(|it| search.has(it)))?;
    let page = panel.app.search_users(staff.scope()?, &search, after, LINES).await?;
    let (frame, at, zone) = (staff.frame(), staff.to(""), staff.zone());
    let next = asked.next(&format!("{at}/users"), page.next)?;
    shown(&List { frame, at, zone, asked, found: page.items, next })
}

/// A balance, and what can be spent, if we know.
pub(crate) struct Held {
    pub(crate) balance: Balance,
    pub(crate) available: Option<String>,
}

impl From<Balance> for Held {
    fn from(balance: Balance) -> Self {
        let available = balance.known_available().map(|it| amount(it, balance.currency));
        Self { balance, available }
    }
}

#[derive(Template)]
#[template(path = "user.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    today: Date,
    user: User,
    locks: Vec<TransactionalLock>,
    balances: Vec<Held>,
    cards: Vec<Card>,
    orders: Vec<(CardOrder, Timestamp)>,
    devices: Vec<Device>,
    forms: Vec<Verification>,
    offered: Offered,
    may_make: bool,
    may_decide: bool,
}

struct Device {
    platform: &'static str,
    since: Timestamp,
}

impl Page {
    /// Where it is.
    fn page(&self) -> String {
        format!("{}/users/{}", self.at, self.user.id.0)
    }

    fn is_locked(&self) -> bool {
        self.user.state == UserState::Locked
    }

    /// The reasons that may still be set.
    fn reasons(&self) -> Vec<TransactionalLock> {
        let free = |lock: &&TransactionalLock| !self.locks.contains(lock);
        TransactionalLock::ALL.iter().filter(free).copied().collect()
    }
}

/// Cards of one user that a page shows.
const CARDS: i64 = 200;

/// `GET …/users/{user}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, user)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, named(&user)?);
    let app = &panel.app;
    let user = app.user(scope, id).await?;
    let held = app.balances(scope, id).await?.into_iter().map(|it| Held::from(it.balance));
    let devices = app.devices(scope, id).await?.into_iter();
    shown(&Page {
        frame: staff.frame(),
        at: staff.to(""),
        zone: staff.zone(),
        today: app.settings.get().today(scope.partner(), app.now()),
        locks: app.transactional_locks(scope, OwnerName::User(id)).await?,
        balances: held.collect(),
        cards: app.cards(scope, id, domain::ids::CardId(0), CARDS).await?.items,
        orders: app.card_orders(scope, id).await?,
        devices: devices
            .map(|it| Device { platform: it.platform.as_str(), since: it.created_at })
            .collect(),
        forms: app.verifications_of(scope, id).await?,
        offered: Offered::by(app, scope),
        user,
        may_make: staff.may(Allows::MAKERS),
        may_decide: staff.may(Allows::DECIDERS),
    })
}

pub(crate) fn page_of(staff: &Staff, id: UserId) -> String {
    staff.to(&format!("/users/{}", id.0))
}

/// `POST …/users/{user}/lock`.
pub(crate) async fn lock(
    panel: State<Panel>,
    staff: Staff,
    user: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    change_lock(panel, staff, user, posted, (UserLock::Lock, Done("done.user-locked"))).await
}

/// `POST …/users/{user}/unlock`.
pub(crate) async fn unlock(
    panel: State<Panel>,
    staff: Staff,
    user: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    change_lock(panel, staff, user, posted, (UserLock::Unlock, Done("done.user-unlocked"))).await
}

async fn change_lock(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, user)): Path<(String, String)>,
    posted: Posted,
    (change, done): (UserLock, Done),
) -> Answer {
    let id = named(&user)?;
    let result = panel.app.lock_user(staff.scope()?, id, change, posted.once()).await;
    back(&staff, &page_of(&staff, id), done, result)
}

/// `POST …/users/{user}/transactional-locks`: sets a reason, or takes it off.
pub(crate) async fn set_reason(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, user)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, id) = (staff.scope()?, named(&user)?);
    let (change, done) = match posted.field("change") {
        "set" => (LockChange::Set, Done("done.reason-set")),
        "take-off" => (LockChange::TakeOff, Done("done.reason-taken-off")),
        _ => return Err(Failed::Unreadable),
    };
    let (owner, reason) = (OwnerName::User(id), posted.field("reason"));
    let app = &panel.app;
    let result = app.change_transactional_lock(scope, owner, reason, change, posted.once()).await;
    back(&staff, &page_of(&staff, id), done, result)
}

/// `POST …/users/{user}/balances`.
pub(crate) async fn create_balance(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, user)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let id = named(&user)?;
    give_balance((&panel, &staff), &posted, (OwnerName::User(id), &page_of(&staff, id))).await
}

/// Makes a balance of somebody's whose page leads to its form.
pub(crate) async fn give_balance(
    (panel, staff): (&Panel, &Staff),
    posted: &Posted,
    (owner, page): (OwnerName, &str),
) -> Answer {
    let currency = Currency::parse(posted.field("currency")).map_err(|_| Failed::Unreadable)?;
    let new = NewBalance { owner, currency, config_id: None };
    let once = posted.once_kept(|_| Value::Null);
    let result = panel.app.create_balance(staff.scope()?, new, once).await;
    back(staff, page, Done("done.balance-created"), result)
}
