//! Rows of `authorization_hour` and `authorization_tally`: authorizations counted by the hour, off
//! their own path.

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::scope::Scope;
use domain::transaction::{DecidedBy, Processing, TransactionType};
use uuid::Uuid;

const HOURS: Table = Table {
    name: "authorization_hour",
    key: &["partner_id", "hour"],
    columns: &[
        ("partner_id", Type::Int),
        ("hour", Type::Time),
        ("approved", Type::Int),
        ("declined", Type::Int),
    ],
};
const TALLIES: Table = Table {
    name: "authorization_tally",
    key: &["partner_id"],
    columns: &[("partner_id", Type::Int), ("counted_to", Type::Uuid)],
};

const NEXT: Sql = Sql("
    select id, kind, processing, decided_by, received_at
    from \"transaction\"
    where partner_id = $1 and id > $2 and id < $3
    order by id
    limit $4");
const COUNTED_TO: Sql = Sql("
    select counted_to from authorization_tally where partner_id = $1");
const ADVANCE: Sql = Sql("
    update authorization_tally
    set counted_to = $3
    where partner_id = $1 and counted_to = $2");
const SINCE: Sql = Sql("
    select hour, approved, declined
    from authorization_hour
    where partner_id = $1 and hour >= $2
    order by hour");
const FORGET: Sql = Sql("delete from authorization_hour where partner_id = $1 and hour < $2");
const ADD: Each = Each {
    sql: "update authorization_hour
        set approved = approved + $3, declined = declined + $4
        where partner_id = $1 and hour = $2",
    keys: &[Type::Int, Type::Time, Type::Int, Type::Int],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[NEXT, COUNTED_TO, ADVANCE, SINCE, FORGET];
/// Those that walk along an index, with the types of their parameters.
pub const WALKS: &[Each] =
    &[Each { sql: NEXT.0, keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Int] }];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[ADD];

/// What tells whether a transaction is an authorization, and what became of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: TransactionType,
    /// What was done with the request.
    pub processing: Processing,
    /// Who decided.
    pub by: DecidedBy,
    /// When it came.
    pub received_at: Timestamp,
}

/// Authorizations of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When it begins.
    pub begins: Timestamp,
    /// How many were approved.
    pub approved: i64,
    /// How many were not.
    pub declined: i64,
}

/// A partner's transactions by ascending id, from the one after `after`, before `before`.
pub async fn list_next(
    tx: &mut Tx,
    scope: Scope,
    (after, before): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Decided>, StoreError> {
    let rows = tx.rows(&NEXT, &[&scope.partner(), &after, &before, &limit]).await?;
    rows.iter().map(read).collect()
}

/// Up to which transaction a partner's authorizations were counted, if any were.
pub async fn counted_to(tx: &mut Tx, scope: Scope) -> Result<Option<Uuid>, StoreError> {
    let row = tx.find(&COUNTED_TO, &[&scope.partner()]).await?;
    row.map(|row| row.get("counted_to")).transpose()
}

/// Notes up to which transaction they are counted; `false` if somebody else has noted so meanwhile.
pub async fn advance(
    tx: &mut Tx,
    scope: Scope,
    (from, to): (Option<Uuid>, Uuid),
) -> Result<bool, StoreError> {
    let changed = match from {
        Some(from) => tx.run(&ADVANCE, &[&scope.partner(), &from, &to]).await?,
        None => tx.insert_new(&TALLIES, &[values![scope.partner(), to]]).await?,
    };
    Ok(changed == 1)
}

/// Adds to the counts of hours.
pub async fn add(tx: &mut Tx, scope: Scope, hours: &[Hour]) -> Result<(), StoreError> {
    let new = |hour: &Hour| values![scope.partner(), hour.begins, 0i64, 0i64];
    let new: Vec<Vec<Value>> = hours.iter().map(new).collect();
    tx.insert_new(&HOURS, &new).await?;
    let more = |it: &Hour| values![scope.partner(), it.begins, it.approved, it.declined];
    let more: Vec<Vec<Value>> = hours.iter().map(more).collect();
    tx.run_each(&ADD, &more).await.map(drop)
}

/// The hours from one on in which there were any, in order.
pub async fn list_since(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
) -> Result<Vec<Hour>, StoreError> {
    let rows = tx.rows(&SINCE, &[&scope.partner(), &since]).await?;
    let hour = |row: &Row| {
        Ok(Hour {
            begins: row.get("hour")?,
            approved: row.get("approved")?,
            declined: row.get("declined")?,
        })
    };
    rows.iter().map(hour).collect()
}

/// Forgets the hours before one.
pub async fn forget_before(tx: &mut Tx, scope: Scope, before: Timestamp) -> Result<(), StoreError> {
    tx.run(&FORGET, &[&scope.partner(), &before]).await.map(drop)
}

fn read(row: &Row) -> Result<Decided, StoreError> {
    Ok(Decided {
        id: row.get("id")?,
        kind: word(row, "kind", TransactionType::parse)?,
        processing: word(row, "processing", Processing::parse)?,
        by: word_or_none(row, "decided_by", DecidedBy::parse)?.unwrap_or(DecidedBy::Platform),
        received_at: row.get("received_at")?,
    })
}
