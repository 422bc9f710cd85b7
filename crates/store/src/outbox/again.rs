//! Entries that are sent again because somebody asks for it.

use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::notification::Event;
use domain::scope::Scope;

const FAILED: Sql = Sql("
    select number, stream, event, closed_at
    from outbox
    where partner_id = $1 and number > $2 and outcome = 'FAILED'
    order by number
    limit $3");
const REOPEN: Each = Each {
    sql: "update outbox
        set outcome = null, closed_at = null, next_at = $3, attempts_before = attempts
        where partner_id = $1 and number = $2 and closed_at is not null",
    keys: &[Type::Int, Type::Int, Type::Time],
};
const REOPEN_BEHIND: Each = Each {
    sql: "update outbox
        set outcome = null, closed_at = null, next_at = $4, attempts_before = attempts
        where partner_id = $1 and stream = $2 and number > $3 and outcome = 'FAILED'",
    keys: &[Type::Int, Type::Text, Type::Int, Type::Time],
};
/// One that is in flight is left alone, and so is one that waits behind another of its stream.
const HURRY: Each = Each {
    sql: "update outbox
        set next_at = $3
        where partner_id = $1 and number = $2 and claimed_by is null and next_at > $3",
    keys: &[Type::Int, Type::Int, Type::Time],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FAILED];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[REOPEN, REOPEN_BEHIND, HURRY];

/// An entry that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its place.
    pub number: i64,
    /// Its stream.
    pub stream: String,
    /// What it reports.
    pub event: Event,
    /// When it was given up, in real time.
    pub closed_at: Timestamp,
}

/// A partner's entries that were given up by ascending number, from the one after `after`.
pub async fn list_failed(
    tx: &mut Tx,
    scope: Scope,
    after: i64,
    limit: i64,
) -> Result<Vec<Failed>, StoreError> {
    let read = |row: &Row| {
        Ok(Failed {
            number: row.get("number")?,
            stream: row.get("stream")?,
            event: word(row, "event", Event::parse)?,
            closed_at: row.get("closed_at")?,
        })
    };
    tx.rows(&FAILED, &[&scope.partner(), &after, &limit]).await?.iter().map(read).collect()
}

/// Opens those of these entries again that are over, due from this moment on in real time; their
/// plan of tries begins anew. How many.
pub async fn reopen(
    tx: &mut Tx,
    scope: Scope,
    numbers: &[i64],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let keys: Vec<Vec<Value>> =
        numbers.iter().map(|number| values![scope.partner(), *number, now]).collect();
    tx.run_each(&REOPEN, &keys).await
}

/// Opens what was given up after an entry of its stream, as [`reopen`] does. How many.
pub async fn reopen_behind(
    tx: &mut Tx,
    scope: Scope,
    (stream, number): (&str, i64),
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.run_each(&REOPEN_BEHIND, &[values![scope.partner(), stream, number, now]]).await
}

/// Has an open entry that waits for its next try tried now; whether it does.
pub async fn hurry(
    tx: &mut Tx,
    scope: Scope,
    number: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let key = values![scope.partner(), number, now];
    Ok(tx.run_each(&HURRY, &[key]).await? > 0)
}
