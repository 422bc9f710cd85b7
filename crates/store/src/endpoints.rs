//! Rows of `endpoint`: where a partner's notifications fail, and where nothing is sent any more.

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::notification::Event;
use std::collections::BTreeSet;

const TABLE: Table = Table {
    name: "endpoint",
    key: &["partner_id", "event"],
    columns: &[
        ("partner_id", Type::Int),
        ("event", Type::Text),
        ("failing_since", Type::Time),
        ("failed_at", Type::Time),
        ("paused_at", Type::Time),
        ("reason", Type::Text),
    ],
};

const LIST: Sql = Sql("
    select event, failing_since, paused_at, reason
    from endpoint
    where partner_id = $1
    order by event");
const LOCK: Each = Each {
    sql: "select partner_id, event
        from endpoint
        where partner_id = $1 and event = $2 and paused_at is not null
        limit 1
        for no key update",
    keys: &[Type::Int, Type::Text],
};
const WORKS: Each = Each {
    sql: "update endpoint
        set failing_since = null
        where partner_id = $1 and event = $2 and failing_since is not null",
    keys: &[Type::Int, Type::Text],
};
const FAILS: Each = Each {
    sql: "update endpoint
        set failing_since =
                case
                    when failing_since is null or failed_at < $4 then $3
                    else failing_since
                end,
            failed_at = $3
        where partner_id = $1 and event = $2",
    keys: &[Type::Int, Type::Text, Type::Time, Type::Time],
};
const PAUSE_GONE: Each = Each {
    sql: "update endpoint
        set paused_at = $3, reason = 'GONE'
        where partner_id = $1 and event = $2 and paused_at is null",
    keys: &[Type::Int, Type::Text, Type::Time],
};
const PAUSE_FAILING: Each = Each {
    sql: "update endpoint
        set paused_at = $3, reason = 'FAILING'
        where partner_id = $1 and event = $2 and paused_at is null and failing_since <= $4",
    keys: &[Type::Int, Type::Text, Type::Time, Type::Time],
};
const RESUME: Sql = Sql("
    update endpoint
    set paused_at = null, failing_since = null, reason = null
    where partner_id = $1");
const REOPEN: Sql = Sql("
    update outbox
    set outcome = null, closed_at = null, attempts_before = attempts
    where partner_id = $1
        and number in (
            select o.number
            from outbox o
            where o.partner_id = $1 and o.outcome = 'PAUSED'
            order by o.number
            limit $2)");
const WAITING: Sql = Sql("
    select stream
    from outbox
    where partner_id = $1 and stream > $2 and closed_at is null and next_at is null
    group by stream
    order by stream
    limit $3");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, RESUME, REOPEN, WAITING];
/// Those that run for each of a set.
pub const ENGINE: &[Each] = &[LOCK, WORKS, FAILS, PAUSE_GONE, PAUSE_FAILING];

/// An address of a partner: its notifications of one event.
pub type Key = (PartnerId, Event);

/// How an address does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub event: Event,
    /// Since when every try fails, in real time.
    pub failing_since: Option<Timestamp>,
    /// Since when nothing is sent to it, in real time.
    pub paused_at: Option<Timestamp>,
    /// Why: `GONE` (it answered 410) or `FAILING` (for days).
    pub reason: Option<String>,
}

/// The addresses of a partner that have ever failed.
pub async fn list(tx: &mut Tx, partner: PartnerId) -> Result<Vec<Endpoint>, StoreError> {
    tx.rows(&LIST, &[&partner]).await?.iter().map(read).collect()
}

/// Notes that these addresses took something.
pub async fn work(tx: &mut Tx, keys: &BTreeSet<Key>) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = keys.iter().map(|key| values![key.0, key.1.as_str()]).collect();
    tx.run_each(&WORKS, &rows).await.map(|_| ())
}

/// Which of these addresses are paused; nobody resumes those before the transaction ends.
pub async fn lock_paused(tx: &mut Tx, keys: &BTreeSet<Key>) -> Result<BTreeSet<Key>, StoreError> {
    let rows: Vec<Vec<Value>> = keys.iter().map(|key| values![key.0, key.1.as_str()]).collect();
    let rows = tx.rows_each(&LOCK, &rows).await?;
    let key = |row: &Row| Ok((row.get("partner_id")?, word(row, "event", Event::parse)?));
    rows.iter().map(key).collect()
}

/// Notes that these addresses failed; one that hasn't failed since before `quiet` fails from now
/// on. Pauses those that have failed since before `since`.
pub async fn fail(
    tx: &mut Tx,
    keys: &BTreeSet<Key>,
    now: Timestamp,
    (quiet, since): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let none: Option<Timestamp> = None;
    let reason: Option<String> = None;
    let new: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now, now, none, reason]).collect();
    tx.insert_new(&TABLE, &new).await?;
    let rows: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now, quiet]).collect();
    tx.run_each(&FAILS, &rows).await?;
    let rows: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now, since]).collect();
    tx.run_each(&PAUSE_FAILING, &rows).await.map(|_| ())
}

/// Pauses addresses that have failed and say that they are gone.
pub async fn pause_gone(
    tx: &mut Tx,
    keys: &BTreeSet<Key>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now]).collect();
    tx.run_each(&PAUSE_GONE, &rows).await.map(|_| ())
}

/// Lets a partner's addresses be tried again.
pub async fn resume(tx: &mut Tx, partner: PartnerId) -> Result<(), StoreError> {
    tx.run(&RESUME, &[&partner]).await.map(|_| ())
}

/// Opens at most `limit` of the oldest entries that weren't sent because of a pause; how many. They
/// wait until their streams are woken, and all that is behind them waits too.
pub async fn reopen(tx: &mut Tx, partner: PartnerId, limit: i64) -> Result<u64, StoreError> {
    tx.run(&REOPEN, &[&partner, &limit]).await
}

/// The streams of a partner in which something waits, by name, from the one after `after`.
pub async fn list_waiting(
    tx: &mut Tx,
    partner: PartnerId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = tx.rows(&WAITING, &[&partner, &after, &limit]).await?;
    rows.iter().map(|row| row.get("stream")).collect()
}

fn read(row: &Row) -> Result<Endpoint, StoreError> {
    Ok(Endpoint {
        event: word(row, "event", Event::parse)?,
        failing_since: row.get("failing_since")?,
        paused_at: row.get("paused_at")?,
        reason: row.get("reason")?,
    })
}
