//! The overview: how things stand with a partner, and what waits for somebody.

use crate::Panel;
use crate::answer::{Answer, show as shown};
use crate::filters::{self, amount, moment_in};
use crate::frame::Frame;
use crate::session::{Allows, Staff};
use crate::texts::{known, text};
use app::balances::PartnerBalance;
use app::overview::{Alert, Hour, Overview};
use askama::Template;
use axum::extract::State;
use domain::ids::BalanceId;
use domain::money::Amount;
use domain::verification::VerificationStatus;
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    overview: Overview,
    waiting: Option<Waiting>,
}

/// What waits for who decides: how many, and whether there are more than were counted.
struct Waiting {
    forms: (usize, bool),
    hits: (i64, bool),
}

/// The chart's size, in units of its own.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 160;

/// A bar of the chart, of an hour: approved ones below, declined ones upon them.
struct Bar {
    x: i64,
    width: i64,
    approved: (i64, i64),
    declined: (i64, i64),
    label: String,
}

impl Page {
    /// The approval rate as it is read: `98.25 %`.
    fn rate(&self) -> String {
        let shown = |rate: i64| format!("{}.{:02} %", rate / 100, rate % 100);
        self.overview.approval_rate().map_or_else(|| text("overview.no-rate"), shown)
    }

    fn most(&self) -> i64 {
        let all = self.overview.hours.iter().map(|hour| hour.approved + hour.declined);
        all.max().unwrap_or(0)
    }

    fn bars(&self) -> Vec<Bar> {
        let count = i64::try_from(self.overview.hours.len()).unwrap_or(1).max(1);
        let (step, most) = (WIDTH / count, self.most().max(1));
        let high = |number: i64| number.saturating_mul(HEIGHT) / most;
        let bar = |(place, hour): (i64, &Hour)| {
            let (approved, declined) = (high(hour.approved), high(hour.declined));
            Bar {
                x: place * step,
                width: step - 4,
                approved: (HEIGHT - approved, approved),
                declined: (HEIGHT - approved - declined, declined),
                label: self.label(hour),
            }
        };
        (0..).zip(&self.overview.hours).map(bar).collect()
    }

    fn hour(&self, hour: &Hour) -> String {
        moment_in(hour.begins, &self.zone)[..16].to_owned()
    }

    fn label(&self, hour: &Hour) -> String {
        let (approved, declined) = (text("overview.approved"), text("overview.declined"));
        let (of, no) = (hour.approved, hour.declined);
        format!("{}: {of} {approved}, {no} {declined}", self.hour(hour))
    }

    fn threshold(&self, own: &PartnerBalance, threshold: &Option<Amount>) -> String {
        threshold.map_or_else(String::new, |it| amount(it.minor(), own.balance.currency))
    }

    /// Where a person looks at that, if a page of the panel tells more.
    fn place(&self, alert: &Alert) -> Option<String> {
        let rest = match alert {
            Alert::ParkedCalls(_) => "/partner-calls?standing=FAILED".to_owned(),
            Alert::Endpoint { event, .. } => format!("/notifications?event={event}"),
            Alert::LowBalance(id) => format!("/partner-balances/{}", id.0),
            Alert::OverdueOrders(_) | Alert::NumbersRunOut(_) => return None,
        };
        Some(format!("{}{rest}", self.at))
    }

    /// Which of the partner's own balances it is.
    fn own(&self, id: BalanceId) -> String {
        let found = self.overview.own.iter().find(|(own, _)| own.balance.id == id);
        let named = |(own, _): &(PartnerBalance, Option<Amount>)| {
            let kind = format!("balance.kind.{}", own.kind);
            format!("{} {}", known(&kind).unwrap_or_default(), own.balance.currency)
        };
        found.map(named).unwrap_or_default()
    }

    /// What a person should look at, in words.
    fn alert(&self, alert: &Alert) -> String {
        match alert {
            Alert::ParkedCalls(count) => format!("{count} {}", text("alert.parked")),
            Alert::Endpoint { event, since, is_paused } => {
                let what = text(if *is_paused { "alert.paused" } else { "alert.failing" });
                format!("{event}: {what} {}", moment_in(*since, &self.zone))
            }
            Alert::OverdueOrders(count) => format!("{count} {}", text("alert.overdue")),
            Alert::LowBalance(id) => format!("{} {}", text("alert.low"), self.own(*id)),
            Alert::NumbersRunOut(program) => format!("{program}: {}", text("alert.numbers")),
        }
    }
}

/// How many forms and hits that wait are counted.
const WAITING: i64 = 100;

/// `GET /panel/of/{partner}`.
pub(crate) async fn show(State(panel): State<Panel>, staff: Staff) -> Answer {
    let scope = staff.scope()?;
    let waiting = if staff.may(Allows::DECIDERS) {
        let open = VerificationStatus::InProgress;
        let open = panel.app.verifications_by_status(scope, open, None, WAITING).await?;
        let hits = panel.app.count_open_hits(scope, WAITING + 1).await?;
        Some(Waiting {
            forms: (open.items.len(), open.next.is_some()),
            hits: (hits.min(WAITING), hits > WAITING),
        })
    } else {
        None
    };
    let overview = panel.app.overview(scope).await?;
    let (frame, at, zone) = (staff.frame(), staff.to(""), staff.zone());
    shown(&Page { frame, at, zone, overview, waiting })
}
