//! Rows of `outbox` and `attempt`: what partners are still to be told, and each try to do it.
//!
//! A row is *open* until it was delivered or given up. An open row is *due* from `next_at` on; a
//! claim moves that to the end of its lease, so what a dead node had claimed becomes due again by
//! itself, and at the next start where there is one node only. Behind an earlier open row of its
//! stream a row waits with `next_at` null, and is woken when the earlier one is closed. Both are
//! done under the lock of the stream's first open row, so a row can't be put to wait behind one
//! that is just being closed.

pub mod again;
pub mod log;

use crate::db::{Each, Row, Table, Tx, Type, Value};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{CardId, MessageId, PartnerId};
use domain::notification::{Event, Outcome};
use std::collections::BTreeSet;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "outbox",
    key: &["partner_id", "number"],
    columns: &[
        ("partner_id", Type::Int),
        ("number", Type::Int),
        ("id", Type::Uuid),
        ("stream", Type::Text),
        ("event", Type::Text),
        ("card_id", Type::Int),
        ("message_id", Type::Uuid),
        ("detail", Type::Json),
        ("request_id", Type::Text),
        ("created_at", Type::Time),
        ("next_at", Type::Time),
        ("attempts", Type::Int),
        ("attempts_before", Type::Int),
    ],
};

const ATTEMPTS: Table = Table {
    name: "attempt",
    key: &["partner_id", "outbox_number", "attempt"],
    columns: &[
        ("partner_id", Type::Int),
        ("outbox_number", Type::Int),
        ("attempt", Type::Int),
        ("at", Type::Time),
        ("duration_ms", Type::Int),
        ("status", Type::Int),
        ("error", Type::Text),
        ("answer_bytes", Type::Int),
        ("answer", Type::Text),
    ],
};

const HAS_DUE: Each = Each {
    sql: "select partner_id
        from outbox
        where partner_id = $1 and next_at <= $2
        order by next_at
        limit 1",
    keys: &[Type::Int, Type::Time],
};
// As an `Each` of one: so it is planned and tested like the engine's.
const DUE: Each = Each {
    sql: "select number, id, stream, event, card_id, message_id, detail, request_id, created_at,
            attempts, attempts_before
        from outbox
        where partner_id = $1 and next_at <= $2
        order by next_at, number
        limit 500
        for no key update skip locked",
    keys: &[Type::Int, Type::Time],
};
const OPEN: Each = Each {
    sql: "select stream, number
        from outbox
        where partner_id = $1 and stream = $2 and closed_at is null
        order by number
        limit 32",
    keys: &[Type::Int, Type::Text],
};
const GUARD: Each = Each {
    sql: "select number
        from outbox
        where partner_id = $1 and number = $2 and closed_at is null
        for no key update skip locked",
    keys: &[Type::Int, Type::Int],
};
const CLAIM: Each = Each {
    sql: "update outbox
        set next_at = $4, claimed_by = $3, claimed_until = $4
        where partner_id = $1 and number = $2",
    keys: &[Type::Int, Type::Int, Type::Uuid, Type::Time],
};
const FREE: Each = Each {
    sql: "update outbox
        set next_at = $2, claimed_by = null, claimed_until = null
        where partner_id = $1 and next_at > $2 and next_at <= $3 and claimed_by is not null",
    keys: &[Type::Int, Type::Time, Type::Time],
};
const WAIT: Each = Each {
    sql: "update outbox
        set next_at = null, claimed_by = null, claimed_until = null
        where partner_id = $1 and number = $2",
    keys: &[Type::Int, Type::Int],
};
const RETRY: Each = Each {
    sql: "update outbox
        set next_at = $4, attempts = $5, claimed_by = null, claimed_until = null
        where partner_id = $1 and number = $2 and claimed_by = $3",
    keys: &[Type::Int, Type::Int, Type::Uuid, Type::Time, Type::Int],
};
const INSTEAD: Each = Each {
    sql: "update outbox
        set next_at = $4, attempts = $5, attempts_before = $5, event = $6, id = $7,
            claimed_by = null, claimed_until = null
        where partner_id = $1 and number = $2 and claimed_by = $3",
    keys: &[Type::Int, Type::Int, Type::Uuid, Type::Time, Type::Int, Type::Text, Type::Uuid],
};
const CLOSE: Each = Each {
    sql: "update outbox
        set next_at = null, attempts = $4, outcome = $5, closed_at = $6, claimed_by = null,
            claimed_until = null
        where partner_id = $1 and number = $2 and claimed_by = $3",
    keys: &[Type::Int, Type::Int, Type::Uuid, Type::Int, Type::Text, Type::Time],
};
const WAKE: Each = Each {
    sql: "update outbox
        set next_at = $3
        where partner_id = $1
            and number in (
                select o.number
                from outbox o
                where o.partner_id = $1 and o.stream = $2 and o.closed_at is null
                order by o.number
                limit 32)
            and next_at is null",
    keys: &[Type::Int, Type::Text, Type::Time],
};
const PARKED: Each = Each {
    sql: "select stream, number, detail
        from outbox
        where partner_id = $1 and stream = $2 and outcome = 'FAILED' and event <> 'clearing'
        order by number
        limit 1000",
    keys: &[Type::Int, Type::Text],
};
/// Those that run for each of a set: none may read the whole table, which grows.
pub const ENGINE: &[Each] =
    &[HAS_DUE, DUE, OPEN, GUARD, CLAIM, FREE, WAIT, RETRY, INSTEAD, CLOSE, WAKE, PARKED];

/// Something that a partner is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whom.
    pub partner: PartnerId,
    /// Its place in the partner's one series; ascends within a stream.
    pub number: i64,
    /// The idempotency key, the same at every try.
    pub id: Uuid,
    /// What is delivered in order.
    pub stream: String,
    /// What it reports.
    pub event: Event,
    /// The card that it is about.
    pub card: Option<CardId>,
    /// The message that it reports.
    pub message: Option<MessageId>,
    /// What no other row keeps.
    pub detail: Option<serde_json::Value>,
    /// The request that made it so.
    pub request_id: String,
    /// When it came to be, in business time.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// How often of these before it was resumed last: the plan begins anew then.
    pub attempts_before: i64,
    /// Of a new one: not before this moment of real time.
    pub not_before: Option<Timestamp>,
}

/// What came of a try, or of a claim without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is over.
    Closed(Outcome),
    /// Again, not before this moment.
    Again(Timestamp),
    /// Something else is told in its place, under a key of its own, not before this moment.
    Instead {
        /// What it reports then.
        event: Event,
        /// Its key then.
        id: Uuid,
        /// From when on.
        at: Timestamp,
    },
}

/// A claimed row, settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Whose.
    pub partner: PartnerId,
    /// Which row.
    pub number: i64,
    /// Its stream.
    pub stream: String,
    /// What it reports.
    pub event: Event,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// The try, if there was one.
    pub attempt: Option<Attempt>,
    /// What is next.
    pub next: Next,
    /// The claim.
    pub by: Uuid,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began, in real time.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// The HTTP status, if there was an answer.
    pub status: Option<i64>,
    /// What went wrong, if there was none.
    pub error: Option<String>,
    /// How long the answer was.
    pub answer_bytes: Option<i64>,
    /// Its first KiB, if it is problem+json.
    pub answer: Option<String>,
}

/// A claim: which one it is, until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The claim's own name: what comes of one whose time is over is nothing to the next.
    pub by: Uuid,
    /// When others may have it, in real time.
    pub until: Timestamp,
}

/// Adds entries, due from this moment on in real time; their numbers were taken in the same
/// transaction, under their streams' guards.
pub async fn insert<'a>(
    tx: &mut Tx,
    new: impl Iterator<Item = &'a Entry>,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = new
        .map(|new| {
            values![
                new.partner,
                new.number,
                new.id,
                new.stream,
                new.event.as_str(),
                new.card,
                new.message,
                new.detail,
                new.request_id,
                new.created_at,
                new.not_before.map_or(due_at, |at| at.max(due_at)),
                new.attempts,
                new.attempts_before,
            ]
        })
        .collect();
    tx.insert_all(&TABLE, &rows).await.map(|_| ())
}

/// Which of these partners have something that is due.
pub async fn partners_with_due(
    tx: &mut Tx,
    partners: &[PartnerId],
    now: Timestamp,
) -> Result<Vec<PartnerId>, StoreError> {
    let keys: Vec<Vec<Value>> = partners.iter().map(|partner| values![*partner, now]).collect();
    let rows = tx.rows_each(&HAS_DUE, &keys).await?;
    rows.iter().map(|row| row.get("partner_id")).collect()
}

/// Makes due what is claimed of these partners until a moment at most. Only for who knows that all
/// who claimed it are dead.
pub async fn free(
    tx: &mut Tx,
    partners: &[PartnerId],
    now: Timestamp,
    until: Timestamp,
) -> Result<u64, StoreError> {
    let keys: Vec<Vec<Value>> =
        partners.iter().map(|partner| values![*partner, now, until]).collect();
    tx.run_each(&FREE, &keys).await
}

/// At most 500 entries of a partner that are due, locked; those that others have locked are left
/// out.
pub async fn list_due(
    tx: &mut Tx,
    partner: PartnerId,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    let rows = tx.rows_each(&DUE, &[values![partner, now]]).await?;
    rows.iter().map(|row| read(partner, row)).collect()
}

/// The first open numbers of each of these streams, at most 32, ascending.
pub async fn list_open(
    tx: &mut Tx,
    partner: PartnerId,
    streams: &[&str],
) -> Result<Vec<(String, i64)>, StoreError> {
    let keys: Vec<Vec<Value>> = streams.iter().map(|stream| values![partner, *stream]).collect();
    let rows = tx.rows_each(&OPEN, &keys).await?;
    let mut open: Vec<(String, i64)> = rows
        .iter()
        .map(|row| Ok((row.get("stream")?, row.get("number")?)))
        .collect::<Result<_, StoreError>>()?;
    open.sort();
    Ok(open)
}

/// What of each of these streams was given up, by its number and what it said; at most 1,000 of
/// each. A clearing moves no money, so nothing waits for it.
pub async fn list_parked(
    tx: &mut Tx,
    partner: PartnerId,
    streams: &[&str],
) -> Result<Vec<(String, i64, serde_json::Value)>, StoreError> {
    let keys: Vec<Vec<Value>> = streams.iter().map(|stream| values![partner, *stream]).collect();
    let rows = tx.rows_each(&PARKED, &keys).await?;
    let read = |row: &Row| {
        let detail: Option<serde_json::Value> = row.get("detail")?;
        Ok((row.get("stream")?, row.get("number")?, detail.unwrap_or_default()))
    };
    rows.iter().map(read).collect()
}

/// Whether something of a stream of calls is still to be told, or was given up.
pub async fn is_untold(tx: &mut Tx, partner: PartnerId, stream: &str) -> Result<bool, StoreError> {
    let open = list_open(tx, partner, &[stream]).await?;
    Ok(!open.is_empty() || !list_parked(tx, partner, &[stream]).await?.is_empty())
}

/// Locks those of these rows that are open still and that nobody else has locked; which they are.
pub async fn lock_open(
    tx: &mut Tx,
    partner: PartnerId,
    numbers: &[i64],
) -> Result<Vec<i64>, StoreError> {
    let keys: Vec<Vec<Value>> = numbers.iter().map(|number| values![partner, *number]).collect();
    let rows = tx.rows_each(&GUARD, &keys).await?;
    rows.iter().map(|row| row.get("number")).collect()
}

/// Claims rows that [`list_due`] has locked.
pub async fn claim(
    tx: &mut Tx,
    partner: PartnerId,
    numbers: &[i64],
    lease: Lease,
) -> Result<(), StoreError> {
    let of = |number: &i64| values![partner, *number, lease.by, lease.until];
    let keys: Vec<Vec<Value>> = numbers.iter().map(of).collect();
    tx.run_each(&CLAIM, &keys).await.map(|_| ())
}

/// Lets rows that [`list_due`] has locked wait behind an earlier one of their stream, which
/// [`lock_open`] has locked.
pub async fn wait_behind(
    tx: &mut Tx,
    partner: PartnerId,
    numbers: &[i64],
) -> Result<(), StoreError> {
    let keys: Vec<Vec<Value>> = numbers.iter().map(|number| values![partner, *number]).collect();
    tx.run_each(&WAIT, &keys).await.map(|_| ())
}

/// Writes what came of claimed rows, and wakes what waits behind those that are over. A row that
/// was claimed again since is left to that claim.
pub async fn settle(tx: &mut Tx, settled: &[Settled], now: Timestamp) -> Result<(), StoreError> {
    let (mut again, mut closed, mut streams) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut instead = Vec::new();
    for one in settled {
        match one.next {
            Next::Again(at) => {
                again.push(values![one.partner, one.number, one.by, at, one.attempts]);
            }
            Next::Instead { event, id, at } => {
                let event = event.as_str();
                instead.push(values![one.partner, one.number, one.by, at, one.attempts, event, id]);
            }
            Next::Closed(outcome) => {
                let outcome = outcome.as_str();
                closed.push(values![one.partner, one.number, one.by, one.attempts, outcome, now]);
                streams.insert((one.partner, one.stream.as_str()));
            }
        }
    }
    tx.run_each(&RETRY, &again).await?;
    tx.run_each(&INSTEAD, &instead).await?;
    tx.run_each(&CLOSE, &closed).await?;
    wake(tx, streams.into_iter(), now).await?;
    let attempts: Vec<Vec<Value>> = settled
        .iter()
        .filter_map(|one| one.attempt.as_ref().map(|attempt| (one, attempt)))
        .map(|(one, attempt)| {
            values![
                one.partner,
                one.number,
                one.attempts,
                attempt.at,
                attempt.duration_ms,
                attempt.status,
                attempt.error,
                attempt.answer_bytes,
                attempt.answer,
            ]
        })
        .collect();
    tx.insert_new(&ATTEMPTS, &attempts).await.map(|_| ())
}

/// Makes the first open entries of streams due that wait behind an earlier one, 32 of each.
pub async fn wake<'a>(
    tx: &mut Tx,
    streams: impl Iterator<Item = (PartnerId, &'a str)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let woken: Vec<Vec<Value>> =
        streams.map(|(partner, stream)| values![partner, stream, now]).collect();
    tx.run_each(&WAKE, &woken).await.map(|_| ())
}

fn read(partner: PartnerId, row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        partner,
        number: row.get("number")?,
        id: row.get("id")?,
        stream: row.get("stream")?,
        event: word(row, "event", Event::parse)?,
        card: row.get::<Option<i64>>("card_id")?.map(CardId),
        message: row.get::<Option<Uuid>>("message_id")?.map(MessageId),
        detail: row.get("detail")?,
        request_id: row.get("request_id")?,
        created_at: row.get("created_at")?,
        attempts: row.get("attempts")?,
        attempts_before: row.get("attempts_before")?,
        not_before: None,
    })
}
