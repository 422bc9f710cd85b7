//! Reports: what a bureau tells of orders, as CSV with the columns `reference`, `outcome` and
//! `trackingNumber` (which may be missing or empty). Outcomes are `PERSONALISED`, `SHIPPED`,
//! `DELIVERED`, `FAILED` (it couldn't be made) and `UNDELIVERED` (it came back). Each line is taken
//! by itself, and taking it again changes nothing.

use super::bureau::Opened;
use super::{facts, origin};
use crate::audit::Entry;
use crate::cards::state_facts;
use crate::error::Chain;
use crate::{App, Error};
use domain::Outcome;
use domain::card::lifecycle::CardStatus;
use domain::card::order::{OrderFailure, OrderKind, Report, ReportFault};
use domain::ids::{OrderId, PartnerId};
use domain::scope::Scope;
use serde_json::json;
use std::io;
use std::time::Duration;
use store::db::Tx;
use store::{balances, card_orders, cards};
use tokio::time::Instant;
use uuid::Uuid;

/// For how long a bureau's reports are taken before others' are.
const TURN: Duration = Duration::from_secs(300);
/// The longest name of a parcel that is kept.
const TRACKING_MAX: usize = 64;

/// What came of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Lines that changed something.
    pub changed: u64,
    /// Lines that told what was known.
    pub known: u64,
    /// Lines that weren't taken.
    pub refused: Vec<Line>,
}

/// A line that wasn't taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Why.
    pub why: &'static str,
}

/// A line's fields.
struct Told<'a> {
    reference: &'a str,
    report: Report,
}

impl App {
    /// Takes the reports that lie in all bureaus' folders; how many lines changed something.
    pub async fn take_reports(&self) -> Result<u64, Error> {
        let mut changed = 0;
        for bureau in self.all_bureaus().await? {
            match self.open_bureau(&bureau) {
                Ok(opened) => changed += self.take_reports_of(&opened).await?,
                Err(error) => {
                    let error = Chain(&error).to_string();
                    tracing::error!(bureau = bureau.name, error, "a bureau can't be used");
                }
            }
        }
        Ok(changed)
    }

    async fn take_reports_of(&self, bureau: &Opened) -> Result<u64, Error> {
        let look = async || {
            let folder = bureau.place.open().await?;
            let names = folder.reports().await?;
            Ok::<_, io::Error>((folder, names))
        };
        let (folder, names) = match look().await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(bureau = bureau.name, %error, "reports can't be read");
                return Ok(0);
            }
        };
        let (bureau_name, until) = (&bureau.name, Instant::now() + TURN);
        let mut changed = 0;
        for file in names {
            // One at a time, and not for ever: other bureaus have reports too.
            if Instant::now() > until {
                break;
            }
            let report = match folder.report(&file).await {
                Ok(Some(report)) => report,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(bureau = bureau_name, file, %error, "a report can't be read");
                    continue;
                }
            };
            let taken = self.take_report(bureau_name, &report.text).await?;
            for Line { number, why } in &taken.refused {
                let (bureau, line) = (bureau_name, number);
                tracing::warn!(bureau, file, line, why, "a line of a report isn't taken");
            }
            changed += taken.changed;
            if let Err(error) = folder.finish(&file, &report).await {
                tracing::error!(bureau = bureau_name, %error, "a report can't be moved away");
            }
        }
        Ok(changed)
    }

    /// Takes a bureau's report, line by line. The database's trouble ends it; then it is taken
    /// again from its beginning.
    pub async fn take_report(&self, bureau: &str, text: &str) -> Result<Taken, Error> {
        let mut taken = Taken::default();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(
            // A byte order mark is no part of the first column's name.
            text.trim_start_matches('\u{feff}').as_bytes(),
        );
        let refuse = |number, why| Line { number, why };
        let Ok(header) = reader.headers().cloned() else {
            taken.refused.push(refuse(1, "it isn't CSV"));
            return Ok(taken);
        };
        let column = |name: &str| header.iter().position(|it| it.eq_ignore_ascii_case(name));
        let (Some(reference), Some(outcome)) = (column("reference"), column("outcome")) else {
            taken.refused.push(refuse(1, "the columns reference and outcome are missing"));
            return Ok(taken);
        };
        let tracking = column("trackingNumber");
        for (number, record) in (2..).zip(reader.records()) {
            let Ok(record) = record else {
                taken.refused.push(refuse(number, "it isn't CSV"));
                continue;
            };
            let field = |at: usize| record.get(at).unwrap_or_default();
            let parcel = tracking.map(field).filter(|it| !it.is_empty());
            let result = match report(field(outcome), parcel) {
                Ok(report) => {
                    self.take_line(bureau, Told { reference: field(reference), report }).await?
                }
                Err(why) => Err(why),
            };
            match result {
                Ok(Outcome::Applied) => taken.changed += 1,
                Ok(Outcome::AlreadyApplied) => taken.known += 1,
                Err(why) => taken.refused.push(refuse(number, why)),
            }
        }
        Ok(taken)
    }

    async fn take_line(
        &self,
        bureau: &str,
        told: Told<'_>,
    ) -> Result<Result<Outcome, &'static str>, Error> {
        const UNKNOWN: &str = "there is no such order";
        let Some((scope, id)) = self.referred(told.reference) else { return Ok(Err(UNKNOWN)) };
        let mut tx = self.db.begin().await?;
        let taken = self.take_in(&mut tx, scope, (bureau, id), told.report).await;
        match taken {
            Ok(Ok(outcome)) => {
                tx.commit().await?;
                Ok(Ok(outcome))
            }
            Ok(Err(why)) => {
                tx.rollback().await;
                Ok(Err(why.unwrap_or(UNKNOWN)))
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    /// The inner error is why a line isn't taken; none if there is no such order of this bureau's.
    async fn take_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (bureau, id): (&str, OrderId),
        report: Report,
    ) -> Result<Result<Outcome, Option<&'static str>>, Error> {
        let Some(kept) = card_orders::find(tx, scope, id).await? else { return Ok(Err(None)) };
        // One that isn't in a batch wasn't sent to anybody.
        if kept.batch.is_none_or(|batch| batch.bureau != bureau) {
            return Ok(Err(None));
        }
        let card = cards::find(tx, scope, kept.order.card).await?;
        let card = card.ok_or(Error::broken("an order has no card"))?;
        balances::lock(tx, &[(scope.partner(), card.balance)].into()).await?;
        let before = cards::find(tx, scope, kept.order.card).await?;
        let before = before.ok_or(Error::broken("an order has no card"))?;
        let kept = card_orders::find(tx, scope, id).await?;
        let mut order = kept.ok_or(Error::broken("an order is gone"))?.order;
        let (was, mut card) = (order.clone(), before.clone());
        // That its batch was laid isn't written down yet, but who reports of it has it.
        order.send();
        match order.report(report) {
            Ok(Outcome::Applied) => {}
            Ok(Outcome::AlreadyApplied) => return Ok(Ok(Outcome::AlreadyApplied)),
            Err(ReportFault::NotSent) => return Ok(Err(Some("the order hasn't been sent"))),
            Err(ReportFault::Ended) => return Ok(Err(Some("the order has ended otherwise"))),
        }
        if order.kind == OrderKind::Card && order.is_made() {
            card.link();
        }
        // A card that was never made is nobody's.
        if order.kind == OrderKind::Card && order.failure == Some(OrderFailure::NotPersonalised) {
            card.remove(self.now())?;
        }
        if card != before {
            cards::update(tx, scope, &card).await?;
        }
        if !card_orders::update(tx, scope, &order, self.now()).await? {
            return Err(Error::broken("an order was changed without its guard"));
        }
        let entry = Entry::changed("order.report", id.0, &facts(&was), &facts(&order));
        let entry = match card.status == before.status {
            true => entry,
            false => entry.with("card", json!({ "id": card.id.0, "state": state_facts(&card) })),
        };
        self.record(tx, scope.partner(), &origin(), entry).await?;
        if matches!(card.status, CardStatus::Removed { .. }) && card != before {
            tracing::warn!(order = %id, "a card couldn't be made");
        }
        Ok(Ok(Outcome::Applied))
    }

    /// The order that a reference names.
    fn referred(&self, reference: &str) -> Option<(Scope, OrderId)> {
        let (code, id) = reference.split_once(':')?;
        let settings = self.settings.get();
        let partner = settings.partner_of_code(code)?.id;
        let id = Uuid::try_parse(id).ok()?;
        Some((Scope::platform(partner, "a bureau reports"), OrderId(id)))
    }
}

/// What a bureau calls an order: it is unique among all partners.
pub(super) fn reference(app: &App, partner: PartnerId, id: OrderId) -> Result<String, Error> {
    let settings = app.settings.get();
    let partner = settings.partners().into_iter().find(|it| it.id == partner);
    let partner = partner.ok_or(Error::broken("an order has no partner"))?;
    Ok(format!("{}:{}", partner.code, id.0))
}

fn report(outcome: &str, tracking: Option<&str>) -> Result<Report, &'static str> {
    let plain = |it: &str| it.len() <= TRACKING_MAX && it.bytes().all(|it| it.is_ascii_graphic());
    if !tracking.is_none_or(plain) {
        return Err("the tracking number has more than 64 characters, or others than signs");
    }
    match outcome {
        "PERSONALISED" => Ok(Report::Personalised),
        "SHIPPED" => Ok(Report::Shipped(tracking.map(str::to_owned))),
        "DELIVERED" => Ok(Report::Delivered),
        "FAILED" => Ok(Report::Failed),
        "UNDELIVERED" => Ok(Report::Undelivered),
        _ => Err("the outcome isn't known"),
    }
}
