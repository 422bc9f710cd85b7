//! `GET /admin/overview`: how things stand with a partner.

use crate::Api;
use crate::answer::{Done, Named};
use crate::balances::SummaryJson;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::partner_balances::PartnerBalanceJson;
use crate::problem::Problem;
use crate::wire::moment;
use app::overview::{Alert, Hour, Overview};
use domain::notification::Event;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

type Kind = Named<Event>;

/// How things stand with a partner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Overview)]
struct OverviewJson {
    /// When users, cards and balances were counted: at most a minute before somebody last looked,
    /// of business time.
    #[schema(format = DateTime)]
    counted_at: String,
    /// Its users.
    users: UsersJson,
    /// Their cards.
    cards: CardsJson,
    /// What there was then, by currency; `GET /admin/balances/summary` tells what there is now.
    balances: Vec<SummaryJson>,
    /// What merchants asked for in the last 24 hours.
    authorizations: AuthorizationsJson,
    /// The partner's own balances.
    partner_balances: Vec<OwnJson>,
    /// What a person should look at.
    alerts: Vec<AlertJson>,
}

/// How many users there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserCounts)]
struct UsersJson {
    /// That are registered and weren't removed.
    registered: i64,
    /// Of those, who are known to be who they say (`VERIFIED`) and aren't locked: who can pay.
    active: i64,
    /// Of those, who are locked.
    locked: i64,
}

/// How many cards there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CardCounts)]
struct CardsJson {
    /// That were made and not removed.
    issued: i64,
    /// Of those, that are locked.
    locked: i64,
}

/// What merchants asked for, and weren't decided in our place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuthorizationCounts)]
struct AuthorizationsJson {
    /// How many of the told hours were approved, in hundredths of a percent: 9,950 are 99.5 %. Null
    /// where nothing was asked for.
    approval_rate: Option<i64>,
    /// The last 24 hours, the running one last. An authorization is counted two minutes after it
    /// came, in the hour in which it came.
    hours: Vec<HourJson>,
}

/// Authorizations of an hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthorizationHour)]
struct HourJson {
    /// When it began.
    #[schema(format = DateTime)]
    begins: String,
    /// How many were approved.
    approved: i64,
    /// How many were declined, or couldn't be processed.
    declined: i64,
}

/// A balance of the partner's own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WatchedPartnerBalance)]
struct OwnJson {
    #[serde(flatten)]
    balance: PartnerBalanceJson,
    /// Below which amount it is low, in minor units, if somebody is to be told of that.
    low_below: Option<i64>,
}

/// What a person should look at.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
struct AlertJson {
    /// What it is: calls about money that the partner couldn't be told by (`PARKED_CALLS`); a path
    /// of the partner's at which every try fails (`PATH_FAILING`), or to which nothing is sent any
    /// more (`PATH_PAUSED`); orders of plastic of which nothing was heard for three days
    /// (`ORDERS_OVERDUE`); a balance of the partner's own below its threshold (`LOW_BALANCE`); a
    /// program with less than a fifth of its card numbers left (`NUMBERS_RUN_OUT`).
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// How many calls, or orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    count: Option<i64>,
    /// What the partner is told at the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event: Option<Kind>,
    /// Since when, of real time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    since: Option<String>,
    /// Which balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    balance_id: Option<Uuid>,
    /// Which program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    config_id: Option<String>,
}

const KINDS: [&str; 6] = [
    "PARKED_CALLS",
    "PATH_FAILING",
    "PATH_PAUSED",
    "LOW_BALANCE",
    "NUMBERS_RUN_OUT",
    "ORDERS_OVERDUE",
];

fn kinds() -> utoipa::openapi::schema::Object {
    crate::wire::schema::words(KINDS).build()
}

impl From<&Alert> for AlertJson {
    fn from(alert: &Alert) -> Self {
        let [parked, failing, paused, low, out, overdue] = KINDS;
        let none = Self::default();
        match alert {
            Alert::ParkedCalls(count) => Self { kind: parked, count: Some(*count), ..none },
            Alert::Endpoint { event, since, is_paused } => Self {
                kind: if *is_paused { paused } else { failing },
                event: Some(Named(*event)),
                since: Some(moment(*since)),
                ..none
            },
            Alert::OverdueOrders(count) => Self { kind: overdue, count: Some(*count), ..none },
            Alert::LowBalance(id) => Self { kind: low, balance_id: Some(id.0), ..none },
            Alert::NumbersRunOut(id) => Self { kind: out, config_id: Some(id.clone()), ..none },
        }
    }
}

impl From<&Hour> for HourJson {
    fn from(hour: &Hour) -> Self {
        let Hour { begins, approved, declined } = *hour;
        Self { begins: moment(begins), approved, declined }
    }
}

impl From<&Overview> for OverviewJson {
    fn from(overview: &Overview) -> Self {
        let Overview { counted, hours, own, alerts } = overview;
        let (users, cards) = (counted.users, counted.cards);
        Self {
            counted_at: moment(counted.at),
            users: UsersJson {
                registered: users.registered,
                active: users.active,
                locked: users.locked,
            },
            cards: CardsJson { issued: cards.issued, locked: cards.locked },
            balances: counted.balances.iter().map(SummaryJson::from).collect(),
            authorizations: AuthorizationsJson {
                approval_rate: overview.approval_rate(),
                hours: hours.iter().map(HourJson::from).collect(),
            },
            partner_balances: own
                .iter()
                .map(|(own, below)| OwnJson {
                    balance: PartnerBalanceJson::from(own),
                    low_below: below.map(|below| below.minor()),
                })
                .collect(),
            alerts: alerts.iter().map(AlertJson::from).collect(),
        }
    }
}

/// Shows how things stand.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        "Overview",
        "Show how things stand",
        "Users, cards and balances, the authorizations of the last 24 hours, the partner's own \
         balances with the amounts below which they are low, and what a person should look at.",
    )
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<OverviewJson>, Problem> {
    let overview = api.app.overview(head.scope()?).await?;
    Ok(Done::with(&OverviewJson::from(&overview)))
}
