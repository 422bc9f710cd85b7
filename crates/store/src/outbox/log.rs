//! The outbox as it is looked at, and what of it is forgotten.

use super::Attempt;
use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::{word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{CardId, PartnerId};
use domain::notification::{Event, Outcome, Standing};
use domain::scope::Scope;
use uuid::Uuid;

const LIST: Sql = Sql("
    select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
    from outbox
    where partner_id = $1 and number > $2
    order by number
    limit $3");
const BY_ID: Sql = Sql("
    select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
    from outbox
    where partner_id = $1 and id = $2");
const WALK: Sql = Sql("
    select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
    from outbox
    where partner_id = $1 and number < $2
    order by number desc
    limit $3");
const WALK_FAILED: Sql = Sql("
    select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
    from outbox
    where partner_id = $1 and number < $2 and outcome = 'FAILED'
    order by number desc
    limit $3");
const WALK_PAUSED: Sql = Sql("
    select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
    from outbox
    where partner_id = $1 and number < $2 and outcome = 'PAUSED'
    order by number desc
    limit $3");
const BY_KEY: Each = Each {
    sql: "select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
        from outbox
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Uuid],
};
const TRIED: Each = Each {
    sql: "select outbox_number, attempt, at, duration_ms, status, error, answer_bytes, answer
        from attempt
        where partner_id = $1 and outbox_number = $2
        order by attempt desc
        limit 32",
    keys: &[Type::Int, Type::Int],
};
const DELIVERED: Each = Each {
    sql: "select number
        from outbox
        where partner_id = $1 and outcome = 'DELIVERED' and closed_at < $2
        order by closed_at
        limit 1000
        for no key update skip locked",
    keys: &[Type::Int, Type::Time],
};
/// By its key alone: with what is true of it besides, PostgreSQL may look for it in an index of all
/// that is so, a whole history for each row. What was found in the same transaction stays as it is:
/// what was delivered is locked, so nobody opens it again, and nobody else tells the partners of
/// measurements.
const DELETE: Each = Each {
    sql: "delete from outbox
        where partner_id = $1 and number = $2",
    keys: &[Type::Int, Type::Int],
};
const DELETE_ATTEMPTS: Each = Each {
    sql: "delete from attempt
        where partner_id = $1 and outbox_number = $2",
    keys: &[Type::Int, Type::Int],
};
const OPEN: Each = Each {
    sql: "select number
        from outbox
        where partner_id = $1 and closed_at is null
        limit 10000",
    keys: &[Type::Int],
};
const OPEN_COUNT: Each = Each {
    sql: "select count(*) as entries
        from outbox
        where partner_id = $1 and closed_at is null",
    keys: &[Type::Int],
};

const SAID: Sql = Sql("
    select stream, detail from outbox where partner_id = $1 and number = $2");
const PARKED: Sql = Sql("
    select count(*) as entries
    from outbox
    where partner_id = $1 and outcome = 'FAILED' and stream >= 'calls/' and stream < 'calls0'");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, SAID, PARKED, BY_ID, WALK, WALK_FAILED, WALK_PAUSED];
/// Those that walk through what a partner was told, with the types of their parameters.
pub const WALKS: &[Each] = &[
    Each { sql: WALK.0, keys: &[Type::Int, Type::Int, Type::Int] },
    Each { sql: WALK_FAILED.0, keys: &[Type::Int, Type::Int, Type::Int] },
    Each { sql: WALK_PAUSED.0, keys: &[Type::Int, Type::Int, Type::Int] },
];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[BY_KEY, TRIED, DELIVERED, DELETE, DELETE_ATTEMPTS, OPEN, OPEN_COUNT];

/// Deletes at most 1,000 entries of a partner that were delivered before this moment, with their
/// tries; how many.
pub async fn delete_delivered(
    tx: &mut Tx,
    partner: PartnerId,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let rows = tx.rows_each(&DELIVERED, &[values![partner, before]]).await?;
    delete(tx, partner, &rows).await
}

/// Deletes at most 10,000 entries of a partner that are still open, with their tries; how many.
/// Only for a partner that doesn't exist outside of measurements.
pub async fn delete_open(tx: &mut Tx, partner: PartnerId) -> Result<u64, StoreError> {
    let rows = tx.rows_each(&OPEN, &[values![partner]]).await?;
    delete(tx, partner, &rows).await
}

async fn delete(tx: &mut Tx, partner: PartnerId, rows: &[Row]) -> Result<u64, StoreError> {
    let of = |row: &Row| Ok(values![partner, row.get::<i64>("number")?]);
    let keys: Vec<Vec<Value>> = rows.iter().map(of).collect::<Result<_, StoreError>>()?;
    tx.run_each(&DELETE_ATTEMPTS, &keys).await?;
    tx.run_each(&DELETE, &keys).await
}

/// How many entries of these partners are open.
pub async fn count_open(tx: &mut Tx, partners: &[PartnerId]) -> Result<i64, StoreError> {
    let keys: Vec<Vec<Value>> = partners.iter().map(|partner| values![*partner]).collect();
    let rows = tx.rows_each(&OPEN_COUNT, &keys).await?;
    rows.iter().map(|row| row.get::<i64>("entries")).sum()
}

/// An entry as its log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its place.
    pub number: i64,
    /// The idempotency key.
    pub id: Uuid,
    /// What it reports.
    pub event: Event,
    /// The card that it is about.
    pub card: Option<CardId>,
    /// How it ended; `None` while it is open.
    pub outcome: Option<Outcome>,
    /// When it came to be, in business time.
    pub created_at: Timestamp,
    /// When it is tried next, in real time; `None` while it waits for an earlier one of its card,
    /// and when it is over.
    pub next_at: Option<Timestamp>,
    /// When it ended, in real time.
    pub closed_at: Option<Timestamp>,
    /// How often it was tried.
    pub tried: i64,
    /// The last 32 tries, the first of them first; none where they weren't asked for.
    pub attempts: Vec<Attempt>,
}

impl Told {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(self.outcome)
    }
}

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Past everything.
    All,
    /// Past what was given up.
    Failed,
    /// Past what is kept because its address is paused.
    Paused,
}

/// A partner's entries by descending number, from the one before `before`, without their tries.
pub async fn walk(
    tx: &mut Tx,
    scope: Scope,
    (way, before): (Way, i64),
    limit: i64,
) -> Result<Vec<Told>, StoreError> {
    let sql = match way {
        Way::All => &WALK,
        Way::Failed => &WALK_FAILED,
        Way::Paused => &WALK_PAUSED,
    };
    tx.rows(sql, &[&scope.partner(), &before, &limit]).await?.iter().map(read_told).collect()
}

/// The entry of an id, with its tries.
pub async fn find(tx: &mut Tx, scope: Scope, id: Uuid) -> Result<Option<Told>, StoreError> {
    let found = tx.find(&BY_ID, &[&scope.partner(), &id]).await?;
    let mut found: Vec<Told> = found.iter().map(read_told).collect::<Result<_, _>>()?;
    add_attempts(tx, scope.partner(), &mut found).await?;
    Ok(found.pop())
}

/// The entries of these ids, by ascending number, without their tries.
pub async fn list_of(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<Vec<Told>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.iter().map(|id| values![scope.partner(), *id]).collect();
    let rows = tx.rows_each(&BY_KEY, &keys).await?;
    let mut told: Vec<Told> = rows.iter().map(read_told).collect::<Result<_, _>>()?;
    told.sort_by_key(|it| it.number);
    Ok(told)
}

/// The stream of an entry, and what no other row keeps of what it says.
pub async fn said(
    tx: &mut Tx,
    scope: Scope,
    number: i64,
) -> Result<(String, Option<serde_json::Value>), StoreError> {
    let row = tx.find(&SAID, &[&scope.partner(), &number]).await?.ok_or(StoreError::NotFound)?;
    Ok((row.get("stream")?, row.get("detail")?))
}

/// How many calls about money were given up.
pub async fn count_parked(tx: &mut Tx, scope: Scope) -> Result<i64, StoreError> {
    tx.row(&PARKED, &[&scope.partner()]).await?.get("entries")
}

/// A partner's entries by ascending number, from the one after `after`, with their tries.
pub async fn list(
    tx: &mut Tx,
    partner: PartnerId,
    after: i64,
    limit: i64,
) -> Result<Vec<Told>, StoreError> {
    let rows = tx.rows(&LIST, &[&partner, &after, &limit]).await?;
    let mut told: Vec<Told> = rows.iter().map(read_told).collect::<Result<_, _>>()?;
    add_attempts(tx, partner, &mut told).await?;
    Ok(told)
}

async fn add_attempts(
    tx: &mut Tx,
    partner: PartnerId,
    told: &mut [Told],
) -> Result<(), StoreError> {
    let keys: Vec<Vec<Value>> = told.iter().map(|it| values![partner, it.number]).collect();
    let mut tried = tx.rows_each(&TRIED, &keys).await?;
    tried.sort_by_key(|row| row.get::<i64>("attempt").unwrap_or_default());
    for row in &tried {
        let number: i64 = row.get("outbox_number")?;
        if let Some(entry) = told.iter_mut().find(|entry| entry.number == number) {
            entry.attempts.push(read_attempt(row)?);
        }
    }
    Ok(())
}

fn read_told(row: &Row) -> Result<Told, StoreError> {
    Ok(Told {
        number: row.get("number")?,
        id: row.get("id")?,
        event: word(row, "event", Event::parse)?,
        card: row.get::<Option<i64>>("card_id")?.map(CardId),
        outcome: word_or_none(row, "outcome", Outcome::parse)?,
        created_at: row.get("created_at")?,
        next_at: row.get("next_at")?,
        closed_at: row.get("closed_at")?,
        tried: row.get("attempts")?,
        attempts: Vec::new(),
    })
}

fn read_attempt(row: &Row) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        at: row.get("at")?,
        duration_ms: row.get("duration_ms")?,
        status: row.get("status")?,
        error: row.get("error")?,
        answer_bytes: row.get("answer_bytes")?,
        answer: row.get("answer")?,
    })
}
