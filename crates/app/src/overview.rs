//! How things stand with a partner, at one look (spec "The administration panel").
//!
//! Three kinds of numbers, none of which is read from many rows while somebody waits: what is small
//! is read; authorizations are counted by a worker (`overview/hours.rs`); users, cards and the sums
//! of all balances are counted at most once a minute, while somebody looks (`overview/counted.rs`).

mod counted;
mod hours;

pub use counted::{Counted, Overviews, Users};
/// Authorizations of an hour.
pub use store::authorizations::Hour;
/// How many cards there are.
pub use store::cards::of_partner::Count as Cards;

use crate::balances::PartnerBalance;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::BalanceId;
use domain::money::Amount;
use domain::notification::Event;
use domain::program::{Port, ProgramState};
use domain::scope::Scope;
use jiff::ToSpan as _;
use std::collections::HashMap;
use std::sync::Arc;
use store::db::Tx;
use store::{StoreError, authorizations, card_orders, endpoints, outbox};

/// How many hours are told.
const HOURS: i64 = 24;

/// How things stand with a partner.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Users, cards, sums.
    pub counted: Arc<Counted>,
    /// The authorizations of each of the last 24 hours, the running one last.
    pub hours: Vec<Hour>,
    /// The partner's own balances, each with the amount below which it is low, if there is one.
    pub own: Vec<(PartnerBalance, Option<Amount>)>,
    /// What a person should look at.
    pub alerts: Vec<Alert>,
}

/// What a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// So many calls about money that the partner couldn't be told by.
    ParkedCalls(i64),
    /// A path of the partner's at which every try fails since then, or to which nothing is sent any
    /// more.
    Endpoint {
        /// What it is told there.
        event: Event,
        /// Since when, in real time.
        since: Timestamp,
        /// Whether nothing is sent to it any more.
        is_paused: bool,
    },
    /// A balance of the partner's own that is low.
    LowBalance(BalanceId),
    /// So many orders of plastic of which nothing was heard for three days.
    OverdueOrders(i64),
    /// A program that has less than a fifth of its card numbers left.
    NumbersRunOut(String),
}

impl Overview {
    /// How many authorizations of the told hours were approved, in hundredths of a percent; none
    /// where there were none.
    #[must_use]
    pub fn approval_rate(&self) -> Option<i64> {
        let sum = |of: fn(&Hour) -> i64| self.hours.iter().map(of).sum::<i64>();
        let (approved, declined) = (sum(|hour| hour.approved), sum(|hour| hour.declined));
        approved.saturating_mul(10_000).checked_div(approved + declined)
    }
}

impl App {
    /// How things stand with a partner.
    pub async fn overview(&self, scope: Scope) -> Result<Overview, Error> {
        let counted = self.counted(scope).await?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let read = read(&mut tx, scope, (first_hour(now), self.heard_until())).await;
        let Read { hours, parked, overdue, failing } = tx.end(read).await?;
        let own = self.own_balances(scope).await?;
        let mut alerts = Vec::new();
        alerts.extend((parked > 0).then_some(Alert::ParkedCalls(parked)));
        alerts.extend(failing);
        alerts.extend((overdue > 0).then_some(Alert::OverdueOrders(overdue)));
        let is_low = |(own, threshold): &&(PartnerBalance, Option<Amount>)| {
            threshold.is_some_and(|threshold| own.balance.available() < threshold.minor())
        };
        alerts.extend(own.iter().filter(is_low).map(|it| Alert::LowBalance(it.0.balance.id)));
        alerts.extend(self.running_out(scope).await?.into_iter().map(Alert::NumbersRunOut));
        Ok(Overview { counted, hours: each_hour(&hours, now), own, alerts })
    }

    /// A partner's own balances by kind and currency, each with the amount below which it is low,
    /// if there is one.
    pub async fn own_balances(
        &self,
        scope: Scope,
    ) -> Result<Vec<(PartnerBalance, Option<Amount>)>, Error> {
        let alerts = self.alerts(scope).await?;
        let thresholds: HashMap<BalanceId, Amount> =
            alerts.iter().map(|it| (it.balance, it.rule.threshold())).collect();
        let own = self.partner_balances(scope).await?.into_iter();
        Ok(own
            .map(|own| (thresholds.get(&own.balance.id).copied(), own))
            .map(|(at, it)| (it, at))
            .collect())
    }

    /// The open programs of a partner that have less than a fifth of their numbers left.
    async fn running_out(&self, scope: Scope) -> Result<Vec<String>, Error> {
        let settings = self.settings.get();
        let mut found = Vec::new();
        for program in settings.programs_of(scope.partner()) {
            let is_open = program.state == ProgramState::Live && program.port == Port::Builtin;
            if is_open && self.is_running_out(program).await? {
                found.push(program.config_id.clone());
            }
        }
        Ok(found)
    }
}

/// What is small.
struct Read {
    hours: Vec<Hour>,
    parked: i64,
    overdue: i64,
    failing: Vec<Alert>,
}

async fn read(
    tx: &mut Tx,
    scope: Scope,
    (since, heard_until): (Timestamp, Timestamp),
) -> Result<Read, StoreError> {
    let failing = endpoints::list(tx, scope.partner()).await?.into_iter().filter_map(|it| {
        let since = it.paused_at.or(it.failing_since)?;
        Some(Alert::Endpoint { event: it.event, since, is_paused: it.paused_at.is_some() })
    });
    Ok(Read {
        hours: authorizations::list_since(tx, scope, since).await?,
        parked: outbox::log::count_parked(tx, scope).await?,
        overdue: card_orders::count_overdue(tx, scope.partner(), heard_until).await?,
        failing: failing.collect(),
    })
}

/// When the first of the told hours begins.
fn first_hour(now: Timestamp) -> Timestamp {
    let running = hours::begin_of(now);
    running.checked_sub((HOURS - 1).hours()).unwrap_or(running)
}

/// The told hours, also those in which nothing was asked for.
fn each_hour(known: &[Hour], now: Timestamp) -> Vec<Hour> {
    let first = first_hour(now);
    let hour = |place: i64| {
        let begins = first.checked_add(place.hours()).unwrap_or(first);
        let known = known.iter().find(|hour| hour.begins == begins).copied();
        known.unwrap_or(Hour { begins, approved: 0, declined: 0 })
    };
    (0..HOURS).map(hour).collect()
}
