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
        ("paused_at", Type::Time),
        ("reason", Type::Text),
    ],
};

const LIST: Sql = Sql("
    select event, failing_since, paused_at, reason
    from endpoint
    where partner_id = $1
    order by event");
const WORKS: Each = Each {
    sql: "update endpoint
        set failing_since = null
        where partner_id = $1 and event = $2 and failing_since is not null",
    keys: &[Type::Int, Type::Text],
};
const FAILS: Each = Each {
    sql: "update endpoint
        set failing_since = $3
        where partner_id = $1 and event = $2 and failing_since is null",
    keys: &[Type::Int, Type::Text, Type::Time],
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
    set outcome = null, closed_at = null, attempts = 0, next_at = $3
    where partner_id = $1
        and number in (
            select o.number
            from outbox o
            where o.partner_id = $1 and o.outcome = 'PAUSED'
            order by o.number
            limit $2)");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, RESUME, REOPEN];
/// Those that run for each of a set.
pub const ENGINE: &[Each] = &[WORKS, FAILS, PAUSE_GONE, PAUSE_FAILING];

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

/// Notes that these addresses failed; pauses those that have failed since before `since`. Answers
/// how many that were.
pub async fn fail(
    tx: &mut Tx,
    keys: &BTreeSet<Key>,
    now: Timestamp,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let none: Option<Timestamp> = None;
    let reason: Option<String> = None;
    let new: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now, none, reason]).collect();
    tx.insert_new(&TABLE, &new).await?;
    let rows: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now]).collect();
    tx.run_each(&FAILS, &rows).await?;
    let rows: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now, since]).collect();
    tx.run_each(&PAUSE_FAILING, &rows).await
}

/// Pauses addresses that have failed and say that they are gone.
pub async fn pause_gone(
    tx: &mut Tx,
    keys: &BTreeSet<Key>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> =
        keys.iter().map(|key| values![key.0, key.1.as_str(), now]).collect();
    tx.run_each(&PAUSE_GONE, &rows).await
}

/// Lets a partner's addresses be tried again.
pub async fn resume(tx: &mut Tx, partner: PartnerId) -> Result<(), StoreError> {
    tx.run(&RESUME, &[&partner]).await.map(|_| ())
}

/// Opens at most `limit` of the oldest entries that weren't sent because of a pause; how many.
pub async fn reopen(tx: &mut Tx, partner: PartnerId, limit: i64) -> Result<u64, StoreError> {
    tx.run(&REOPEN, &[&partner, &limit, &crate::outbox::AT_ONCE]).await
}

fn read(row: &Row) -> Result<Endpoint, StoreError> {
    Ok(Endpoint {
        event: word(row, "event", Event::parse)?,
        failing_since: row.get("failing_since")?,
        paused_at: row.get("paused_at")?,
        reason: row.get("reason")?,
    })
}
