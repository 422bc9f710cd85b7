//! Reports: what isn't seen by looking at one user or card.

use crate::Panel;
use crate::answer::{Answer, Failed, show as shown};
use crate::filters::counted;
use crate::frame::Frame;
use crate::session::Staff;
use crate::texts::text;
use crate::{filters, query, users};
use app::cards::{CardUse, USE_DAYS_MAX};
use app::users::{IDLE_DAYS, IDLE_DAYS_MAX, Inactive};
use askama::Template;
use axum::extract::{Query, State};
use domain::calendar;
use domain::card::first_use::{Share, Use, WITHIN_DAYS};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Users on a page.
const LINES: i64 = 50;
/// How many days before today the use of cards is shown of, unless told.
const USE_DAYS: i64 = 30;

#[derive(Template)]
#[template(path = "reports.html")]
struct List {
    frame: Frame,
    at: String,
}

/// `GET …/reports`: which there are.
pub(crate) async fn list(staff: Staff) -> Answer {
    shown(&List { frame: staff.frame(), at: staff.to("") })
}

/// The chart's height, in units of its own: a hundred percent.
const HEIGHT: i64 = 160;
/// How far its bars are apart, and how wide each is.
const STEP: i64 = 144;
const WIDTH: i64 = 100;

#[derive(Template)]
#[template(path = "card_use.html")]
struct CardUsePage {
    frame: Frame,
    at: String,
    zone: TimeZone,
    told: CardUse,
}

/// A bar of the chart.
struct Bar {
    x: i64,
    y: i64,
    high: i64,
    label: String,
}

impl CardUsePage {
    fn within(&self) -> [i64; WITHIN_DAYS.len()] {
        WITHIN_DAYS
    }

    fn width(&self) -> i64 {
        WIDTH
    }

    /// A share as it is read: `45.00 %`, or that there is none yet.
    fn rate(&self, share: &Share) -> String {
        let read = |rate: i64| format!("{}.{:02} %", rate / 100, rate % 100);
        share.rate().map_or_else(|| text("card-use.not-over"), read)
    }

    /// Of how many cards a share is.
    fn of(&self, share: &Share) -> String {
        let (used, of) = (counted(share.used), counted(share.of));
        format!("{used} {} {of}", text("card-use.of"))
    }

    fn rows(&self) -> Vec<(String, &Use)> {
        let programs = self.told.programs.iter().map(|(id, told)| (id.clone(), told));
        std::iter::once((text("card-use.all"), &self.told.all)).chain(programs).collect()
    }

    fn bars(&self) -> Vec<Bar> {
        let bar = |(place, (days, share)): (i64, (i64, &Share))| {
            let high = share.rate().unwrap_or(0) * HEIGHT / 10_000;
            let (rate, within) = (self.rate(share), text("card-use.within"));
            let label = format!("{within} {days}: {rate}, {}", self.of(share));
            Bar { x: place * STEP + (STEP - WIDTH) / 2, y: HEIGHT - high, high, label }
        };
        (0..).zip(WITHIN_DAYS.into_iter().zip(&self.told.all.within)).map(bar).collect()
    }
}

/// `GET …/reports/card-use?from=…&to=…`: how soon cards are used.
pub(crate) async fn card_use(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let (scope, app) = (staff.scope()?, &panel.app);
    let asked = query::Asked::of(query, &["from", "to"])?;
    let today = app.settings.get().today(scope.partner(), app.now());
    let to = asked.parsed("to", calendar::day)?.unwrap_or(today);
    let from = asked.parsed("from", calendar::day)?;
    let from = from.unwrap_or_else(|| to.saturating_sub(USE_DAYS.days()));
    if from > to || i64::from((to - from).get_days()) >= USE_DAYS_MAX {
        return Err(Failed::Unreadable);
    }
    let told = app.card_use(scope, (from, to)).await?;
    shown(&CardUsePage { frame: staff.frame(), at: staff.to(""), zone: staff.zone(), told })
}

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
