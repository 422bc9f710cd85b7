//! Balances of users and corporations: listed, one with what holds its money and who pays from it,
//! its statement, locked.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, see, show as shown};
use crate::filters::{self, amount};
use crate::form::Posted;
use crate::frame::Frame;
use crate::query;
use crate::session::{Allows, Staff};
use app::balances::{Asked, Listed, Meant, Shown, WithCards};
use app::overview::Counted;
use app::owners::OwnerName;
use app::statements::{Line, Period, Statement};
use app::transactions::{History, Record};
use app::{Error, Refusal};
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::balance::{Balance, BalanceState};
use domain::ids::BalanceId;
use domain::money::Currency;
use domain::transaction::{Category, Status};
use domain::{Date, calendar};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Balances, and lines of a statement, on a page.
const LINES: i64 = 50;
/// What a list can be asked for, as its form asks for it.
const ASKED: &[&str] = &["search", "currency", "state"];

#[derive(Template)]
#[template(path = "balances.html")]
struct List {
    frame: Frame,
    at: String,
    zone: TimeZone,
    asked: query::Asked,
    currencies: BTreeSet<String>,
    counted: Arc<Counted>,
    found: Vec<Listed>,
    next: Option<String>,
    may_decide: bool,
}

impl List {
    fn available(&self, balance: &Balance) -> Option<String> {
        balance.known_available().map(|it| amount(it, balance.currency))
    }
}

/// `GET …/balances?search=…`: in the order of their ids, or those that are meant.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let there = |text: &str| BalanceState::parse(text).filter(|state| state.is_there());
    let wanted = Asked {
        meant: asked.typed("search").map(Meant::by),
        currency: asked.parsed("currency", |text| Currency::parse(text).ok())?,
        state: asked.parsed("state", there)?,
    };
    let after = asked.after(|text| Uuid::try_parse(text).ok().map(BalanceId))?;
    let (scope, app) = (staff.scope()?, &panel.app);
    let page = app.look_for_balances(scope, wanted, after, LINES).await?;
    let counted = app.counted(scope).await?;
    let settings = app.settings.get();
    let programs = settings.programs_of(scope.partner()).into_iter();
    let at = staff.to("");
    shown(&List {
        currencies: programs.map(|it| it.currency.code().to_owned()).collect(),
        next: asked.next(&format!("{at}/balances"), page.next)?,
        frame: staff.frame(),
        zone: staff.zone(),
        may_decide: staff.may(Allows::DECIDERS),
        at,
        asked,
        counted,
        found: page.items,
    })
}

#[derive(Template)]
#[template(path = "balance.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    today: Date,
    found: WithCards,
    available: Option<String>,
    owner: Option<(OwnerName, String)>,
    holds: Vec<Record>,
    more_holds: bool,
    may_decide: bool,
}

impl Page {
    fn is_locked(&self) -> bool {
        self.found.balance.state == BalanceState::Locked
    }

    /// The days that a statement is offered of: this month's until today.
    fn first_day(&self) -> Date {
        self.today.first_of_month()
    }
}

pub(crate) fn named(text: &str) -> Result<BalanceId, Failed> {
    Uuid::try_parse(text).map(BalanceId).map_err(|_| Failed::NotFound)
}

/// `GET …/balances/{balance}`. One of the partner's own has a page of its own.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, balance)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, named(&balance)?);
    let app = &panel.app;
    let (found, available) = match app.show_balance(scope, None, id, &staff.origin.request_id).await
    {
        Ok(Shown { found, amount }) => (found, Some(amount)),
        // Its page tells that too.
        Err(Error::Refused(Refusal::PartnerUnavailable)) => {
            (app.balance(scope, None, id).await?, None)
        }
        Err(Error::Refused(Refusal::BalanceNotFound)) => {
            app.partner_balance(scope, id).await?;
            return Ok(see(&staff.to(&format!("/partner-balances/{}", id.0))));
        }
        Err(error) => return Err(error.into()),
    };
    let holds =
        History { balance: Some(id), status: Some(Status::Authorized), ..History::default() };
    let holds = app.history(scope, holds, None, LINES).await?;
    shown(&Page {
        frame: staff.frame(),
        at: staff.to(""),
        zone: staff.zone(),
        today: app.settings.get().today(scope.partner(), app.now()),
        owner: app.owner_of_balance(scope, found.balance.owner).await?,
        available: available.map(|minor| amount(minor, found.balance.currency)),
        found,
        more_holds: holds.next.is_some(),
        holds: holds.items,
        may_decide: staff.may(Allows::DECIDERS),
    })
}

fn page_of(staff: &Staff, id: BalanceId) -> String {
    staff.to(&format!("/balances/{}", id.0))
}

/// `POST …/balances/{balance}/lock`.
pub(crate) async fn lock(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, balance)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let id = named(&balance)?;
    let result = panel.app.lock_balance(staff.scope()?, id, posted.once()).await;
    back(&staff, &page_of(&staff, id), Done("done.balance-locked"), result)
}

/// `POST …/balances/{balance}/unlock`.
pub(crate) async fn unlock(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, balance)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let id = named(&balance)?;
    let result = panel.app.unlock_balance(staff.scope()?, id, posted.once()).await;
    back(&staff, &page_of(&staff, id), Done("done.balance-unlocked"), result)
}

#[derive(Template)]
#[template(path = "statement.html")]
struct OfPeriod {
    frame: Frame,
    at: String,
    zone: TimeZone,
    asked: query::Asked,
    statement: Statement,
    first: usize,
    next: Option<String>,
}

impl OfPeriod {
    fn sum(&self, minor: i64) -> String {
        amount(minor, self.statement.balance.currency)
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        let most = usize::try_from(LINES).unwrap_or(0);
        self.statement.lines.iter().skip(self.first).take(most)
    }

    /// What moved, with its sign.
    fn signed(&self, line: &Line) -> String {
        let sign = match line.way {
            Category::Debit => "−",
            Category::Credit => "+",
        };
        format!("{sign}{}", self.sum(line.amount.minor()))
    }
}

/// `GET …/balances/{balance}/statement?from=…&to=…`: of a user's, a corporation's or the partner's
/// own, removed or not.
pub(crate) async fn statement(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, balance)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let (scope, id) = (staff.scope()?, named(&balance)?);
    let asked = query::Asked::of(query, &["from", "to"])?;
    let day = |name| asked.parsed(name, calendar::day);
    let (from, to) = (day("from")?.ok_or(Failed::Unreadable)?, day("to")?);
    let to = to.filter(|to| *to >= from).ok_or(Failed::Unreadable)?;
    let first = asked.after(|text| text.parse::<u32>().ok())?.unwrap_or(0);
    let statement = panel.app.statement(scope, None, id, Period { from, to }).await?;
    let end = i64::from(first) + LINES;
    let is_last = i64::try_from(statement.lines.len()).is_ok_and(|count| count <= end);
    let next = Some(end).filter(|_| !is_last);
    let at = staff.to("");
    shown(&OfPeriod {
        frame: staff.frame(),
        zone: statement.zone.clone(),
        next: asked.next(&format!("{at}/balances/{}/statement", id.0), next)?,
        at,
        asked,
        first: usize::try_from(first).map_err(|_| Failed::NotFound)?,
        statement,
    })
}
