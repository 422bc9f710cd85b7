//! Deletes what has served its time, a little at a time, so that nobody waits for it.
//!
//! Time here is business time: for how long a key is remembered is a promise to callers, who live
//! by that clock. Deliveries are told in real time, as their worker does, and so are tokens, which
//! others make.

use crate::erasure::erase_removed;
use crate::{App, Error, audit};
use domain::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use std::collections::BTreeSet;
use std::time::Duration;
use store::StoreError;
use store::db::Tx;
use store::erasure::{self, Kind};
use store::janitor::{
    self, ADMIN_SESSION, CHALLENGE, EARLY_REVERSAL, Expired, IDEMPOTENCY, IDENTITY_TOKEN, IMPORT,
    IMPORT_LINE, OPERATION, PAIRING, SESSION,
};

/// Rows of one commit: some milliseconds of SQLite's only writer.
const ROWS: i64 = 1_000;
/// Between two commits others have the database for themselves.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);
/// Commits of one kind of row in one round, so that a stop isn't kept waiting by a backlog and no
/// kind waits for another's.
const COMMITS: u64 = 100;
/// How long an idempotency key is remembered.
const KEY_DAYS: i64 = 30;
/// How long an operation can be asked for (spec "Calls").
pub(crate) const OPERATION_DAYS: i64 = 7;
/// How long what was delivered to a partner is shown with its tries.
const DELIVERED_DAYS: i64 = 30;
/// What messages are called whose keys are cleared.
const MESSAGE: &str = "message";
/// What notifications are called, with their tries.
const OUTBOX: &str = "outbox";
/// What audit records are called.
const AUDIT: &str = "audit";
/// What users are called who are erased.
const USER: &str = "user";
/// The same of corporations.
const CORPORATION: &str = "corporation";

/// The least time that audit records are kept, in months, and how long they are unless it is
/// configured.
pub const AUDIT_MONTHS: i64 = 12;

/// How long what is known of removed users is kept unless it is configured, in months: five years
/// after the end of the business relationship (directive (EU) 2015/849, article 40).
pub const USER_MONTHS: i64 = 60;

/// The most that can be configured.
pub const MONTHS_MAX: i64 = 1_200;

/// How long things are kept where that is the operator's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Audit records, in months; 12 at least.
    pub audit_months: i64,
    /// What is known of users who were removed, in months from then on.
    pub user_months: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { audit_months: AUDIT_MONTHS, user_months: USER_MONTHS }
    }
}

/// Which rows of a kind may go.
#[derive(Clone, Copy)]
enum Work {
    /// They are deleted.
    Delete(Expired),
    /// Messages: they stay for ever and lose their idempotency key.
    ClearKeys,
    /// Notifications that were delivered, of one partner after the other.
    Delivered,
    /// Audit records, from the beginning of one chain after the other.
    Audit,
    /// Users or corporations that were removed: they are erased.
    Erase(Kind),
}

/// One kind of row, and from before when it goes.
struct Step {
    work: Work,
    before: Timestamp,
}

impl Step {
    fn name(&self) -> &'static str {
        match &self.work {
            Work::Delete(expired) => expired.name,
            Work::ClearKeys => MESSAGE,
            Work::Delivered => OUTBOX,
            Work::Audit => AUDIT,
            Work::Erase(Kind::Users) => USER,
            Work::Erase(Kind::Corporations) => CORPORATION,
        }
    }
}

/// All that the janitor looks after.
fn steps(now: Timestamp, real: Timestamp, retention: &Retention) -> [Step; 15] {
    let kept_users = retention.user_months.clamp(0, MONTHS_MAX).months();
    let kept_records = retention.audit_months.clamp(AUDIT_MONTHS, MONTHS_MAX).months();
    let delete = |expired, kept: Span| Step { work: Work::Delete(expired), before: ago(now, kept) };
    [
        delete(EARLY_REVERSAL, Span::new()),
        delete(IDEMPOTENCY, KEY_DAYS.days()),
        delete(IMPORT, KEY_DAYS.days()),
        delete(IMPORT_LINE, KEY_DAYS.days()),
        Step { work: Work::Audit, before: ago(now, kept_records) },
        delete(OPERATION, OPERATION_DAYS.days()),
        delete(SESSION, Span::new()),
        delete(ADMIN_SESSION, Span::new()),
        delete(CHALLENGE, Span::new()),
        delete(PAIRING, Span::new()),
        Step { work: Work::Delete(IDENTITY_TOKEN), before: real },
        Step { work: Work::ClearKeys, before: ago(now, KEY_DAYS.days()) },
        Step { work: Work::Delivered, before: ago(real, DELIVERED_DAYS.days()) },
        Step { work: Work::Erase(Kind::Users), before: ago(now, kept_users) },
        Step { work: Work::Erase(Kind::Corporations), before: ago(now, kept_users) },
    ]
}

/// So long before now, by the calendar of UTC.
fn ago(now: Timestamp, span: Span) -> Timestamp {
    let then = now.to_zoned(TimeZone::UTC).checked_sub(span);
    // Where that is no moment, nothing is older.
    then.map_or(Timestamp::MIN, |then| then.timestamp())
}

/// What one round did to one kind of row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The kind: its table.
    pub name: &'static str,
    /// How many rows went, or lost their key.
    pub rows: u64,
    /// In how many commits.
    pub commits: u64,
}

/// One round over all kinds of rows, until none is left, it has been much of one kind, or the
/// process is ending. On several nodes at once each row goes once.
pub async fn sweep(app: &App, retention: &Retention) -> Result<Vec<Swept>, Error> {
    let mut done = Vec::new();
    for step in steps(app.now(), app.outbox.now(), retention) {
        let swept = sweep_kind(app, &step).await?;
        if swept.rows > 0 {
            let Swept { name, rows, commits } = swept;
            tracing::debug!(kind = name, rows, commits, "swept");
            metrics::counter!("antaca_janitor_rows_total", "kind" => name).increment(rows);
        }
        done.push(swept);
    }
    for (kind, rows) in backlog(app, retention).await? {
        #[expect(clippy::cast_precision_loss, reason = "100,000 at most")]
        metrics::gauge!("antaca_janitor_backlog_rows", "kind" => kind).set(rows as f64);
    }
    Ok(done)
}

async fn sweep_kind(app: &App, step: &Step) -> Result<Swept, Error> {
    let mut swept = Swept { name: step.name(), rows: 0, commits: 0 };
    while swept.commits < COMMITS && !app.tasks.is_stopping() {
        let (found, gone) = match &step.work {
            Work::Delete(expired) => delete(app, expired, step.before).await?,
            Work::ClearKeys => clear_keys(app, step.before).await?,
            Work::Delivered => delete_delivered(app, step.before).await?,
            Work::Audit => delete_records(app, step.before).await?,
            Work::Erase(kind) => erase_removed(app, *kind, step.before, ROWS).await?,
        };
        if found == 0 {
            break;
        }
        swept.rows += gone;
        swept.commits += 1;
        if found < ROWS.unsigned_abs() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(swept)
}

/// One commit: how many rows were found, and how many of them went.
async fn delete(app: &App, expired: &Expired, before: Timestamp) -> Result<(u64, u64), Error> {
    let mut tx = app.db.begin().await?;
    let gone = janitor::delete(&mut tx, expired, before, ROWS).await;
    let gone = tx.end(gone).await?;
    Ok((gone, gone))
}

/// One commit. The balance guards its messages, so it is locked first, as by everybody. Without
/// that, the engine could find a message by its key and miss it when it writes to it. The key of a
/// message without a balance (its card was unknown) is guarded by nothing: there the engine finds
/// that a row has moved, and does its batch again.
async fn clear_keys(app: &App, before: Timestamp) -> Result<(u64, u64), Error> {
    let mut tx = app.db.read().await?;
    let due = janitor::list_named_messages(&mut tx, before, ROWS).await;
    let due = tx.end(due).await?;
    if due.is_empty() {
        return Ok((0, 0));
    }
    let guards: BTreeSet<_> =
        due.iter().filter_map(|message| Some((message.partner, message.balance?))).collect();
    let mut tx = app.db.begin().await?;
    let cleared = async {
        store::balances::lock(&mut tx, &guards).await?;
        janitor::clear_keys(&mut tx, &due).await
    };
    let cleared = cleared.await;
    let cleared = tx.end(cleared).await?;
    Ok((due.len() as u64, cleared))
}

/// One commit of the first partner that has something.
async fn delete_delivered(app: &App, before: Timestamp) -> Result<(u64, u64), Error> {
    for partner in app.settings.get().partners() {
        let mut tx = app.db.begin().await?;
        let gone = store::outbox::log::delete_delivered(&mut tx, partner.id, before).await;
        let gone = tx.end(gone).await?;
        if gone > 0 {
            // There may be more, of this partner or the next: a round ends when none has any.
            return Ok((ROWS.unsigned_abs(), gone));
        }
    }
    Ok((0, 0))
}

/// One commit of the first chain that has something.
async fn delete_records(app: &App, before: Timestamp) -> Result<(u64, u64), Error> {
    let gone = app.remove_old_records(before, ROWS).await?;
    // There may be more, of this chain or the next.
    Ok((if gone > 0 { ROWS.unsigned_abs() } else { 0 }, gone))
}

async fn count_delivered(tx: &mut Tx, app: &App, before: Timestamp) -> Result<i64, StoreError> {
    let mut count = 0;
    for partner in app.settings.get().partners() {
        count += janitor::count_delivered(tx, partner.id, before).await?;
    }
    Ok(count)
}

/// How many rows of each kind wait for the janitor, by the kind's name; 100,000 also where there
/// are more.
pub async fn backlog(app: &App, retention: &Retention) -> Result<Vec<(&'static str, i64)>, Error> {
    let mut waiting = Vec::new();
    for step in steps(app.now(), app.outbox.now(), retention) {
        let mut tx = app.db.read().await?;
        let count = match &step.work {
            Work::Delete(expired) => janitor::count(&mut tx, expired, step.before).await,
            Work::ClearKeys => janitor::count_named_messages(&mut tx, step.before).await,
            Work::Delivered => count_delivered(&mut tx, app, step.before).await,
            Work::Audit => audit::count_old(&mut tx, step.before).await,
            Work::Erase(kind) => erasure::count_due(&mut tx, *kind, step.before).await,
        };
        waiting.push((step.name(), tx.end(count).await?));
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_of_the_calendar_and_never_fewer_than_twelve() {
        let now: Timestamp = "2028-02-29T12:00:00Z".parse().expect("a moment");
        let before = |audit_months| {
            let steps = steps(now, now, &Retention { audit_months, ..Retention::default() });
            let audit = steps.iter().find(|step| step.name() == "audit").expect("a step");
            audit.before.to_string()
        };
        assert_eq!(before(12), "2027-02-28T12:00:00Z");
        assert_eq!(before(24), "2026-02-28T12:00:00Z");
        assert_eq!(before(1), "2027-02-28T12:00:00Z");
        assert_eq!(before(i64::MAX), "1928-02-29T12:00:00Z");
    }
}
