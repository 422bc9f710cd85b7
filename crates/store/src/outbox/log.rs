//! The outbox as it is looked at, and what of it is forgotten.

use super::Attempt;
use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::{word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{CardId, PartnerId};
use domain::notification::{Event, Outcome};
use uuid::Uuid;

const LIST: Sql = Sql("
    select number, id, event, card_id, attempts, outcome, created_at, next_at, closed_at
    from outbox
    where partner_id = $1 and number > $2
    order by number
    limit $3");
const TRIED: Each = Each {
    sql: "select outbox_number, attempt, at, duration_ms, status, error, answer_bytes, answer
        from attempt
        where partner_id = $1 and outbox_number = $2
        order by attempt
        limit 32",
    keys: &[Type::Int, Type::Int],
};
const DELIVERED: Each = Each {
    sql: "select number
        from outbox
        where partner_id = $1 and outcome = 'DELIVERED' and closed_at < $2
        order by closed_at
        limit 1000",
    keys: &[Type::Int, Type::Time],
};
/// By its key alone: with what is true of it besides, PostgreSQL may look for it in an index of all
/// that is so, a whole history for each row. What was found in the same transaction stays as it is:
/// nothing is delivered twice, and nobody else tells the partners of measurements.
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

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[TRIED, DELIVERED, DELETE, DELETE_ATTEMPTS, OPEN, OPEN_COUNT];

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
    /// Each try.
    pub attempts: Vec<Attempt>,
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
    let keys: Vec<Vec<Value>> = told.iter().map(|it| values![partner, it.number]).collect();
    let mut tried = tx.rows_each(&TRIED, &keys).await?;
    tried.sort_by_key(|row| row.get::<i64>("attempt").unwrap_or_default());
    for row in &tried {
        let number: i64 = row.get("outbox_number")?;
        if let Some(entry) = told.iter_mut().find(|entry| entry.number == number) {
            entry.attempts.push(read_attempt(row)?);
        }
    }
    Ok(told)
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
