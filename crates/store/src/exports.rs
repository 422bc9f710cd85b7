//! Rows of `export` and `export_chunk`: transactions that somebody has asked for as a file, and the
//! parts of it that are written.

use crate::db::{Each, Row, Sql, Table, ToValue, Tx, Type};
use crate::operations::Lease;
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::export::ExportState;
use domain::ids::{AdminId, PartnerId};
use domain::scope::Scope;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "export",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("account_id", Type::Uuid),
        ("asked", Type::Json),
        ("state", Type::Text),
        ("row_count", Type::Int),
        ("byte_count", Type::Int),
        ("chunk_count", Type::Int),
        ("is_cut", Type::Bool),
        ("attempts", Type::Int),
        ("created_at", Type::Time),
        ("touched_at", Type::Time),
    ],
};
const CHUNKS: Table = Table {
    name: "export_chunk",
    key: &["partner_id", "export_id", "number"],
    columns: &[
        ("partner_id", Type::Int),
        ("export_id", Type::Uuid),
        ("number", Type::Int),
        ("content", Type::Bytes),
    ],
};

/// The columns of an export that people see.
macro_rules! select {
    ($rest:literal) => {
        Sql(concat!(
            "select id, account_id, asked, state, row_count, byte_count, chunk_count, is_cut,
                reason, created_at, finished_at, expires_at
            from export
            where partner_id = $1 and removed_at is null
                and (expires_at is null or expires_at > $2) and ",
            $rest
        ))
    };
}

const FIND: Sql = select!("id = $3");
const LIST: Sql = select!("id < $3 order by id desc limit $4");
const COUNT_OPEN: Sql = Sql("
    select count(*) as number
    from export
    where partner_id = $1 and removed_at is null and finished_at is null");
/// What was claimed is free again when its lease has ended. A lease that ends far later than one
/// that is given now is of a clock that was set back since, and is as good as ended. Found in a
/// step of its own: as a subquery it could be run more than once, and claim more than it should.
const CLAIM: Sql = Sql("
    with claimable as materialized (
        select partner_id, id
        from export
        where partner_id = any($1) and finished_at is null and removed_at is null
            and (claimed_until is null or claimed_until <= $3 or claimed_until > $5)
        order by touched_at, id
        limit 1
        for no key update skip locked)
    update export
    set state = 'RUNNING', claimed_by = $2, claimed_until = $4, attempts = attempts + 1,
        touched_at = $3
    where (partner_id, id) in (select partner_id, id from claimable)
    returning partner_id, id, asked, row_count, byte_count, chunk_count, place, attempts");
const ADVANCE: Sql = Sql("
    update export
    set row_count = $4, byte_count = $5, chunk_count = $6, place = $7, claimed_until = $8,
        attempts = 0
    where partner_id = $1 and id = $2 and claimed_by = $3 and removed_at is null
        and finished_at is null");
const RELEASE: Sql = Sql("
    update export
    set claimed_by = null, claimed_until = null, attempts = 0
    where partner_id = $1 and id = $2 and claimed_by = $3");
const FINISH: Sql = Sql("
    update export
    set state = $4, is_cut = $5, reason = $6, finished_at = $7, expires_at = $8,
        claimed_by = null, claimed_until = null
    where partner_id = $1 and id = $2 and claimed_by = $3 and finished_at is null");
const REMOVE: Sql = Sql("
    update export
    set removed_at = $3
    where partner_id = $1 and id = $2 and removed_at is null");
const REMOVE_OLDEST: Sql = Sql("
    update export
    set removed_at = $2
    where partner_id = $1 and id in (
        select id
        from export
        where partner_id = $1 and finished_at is not null and removed_at is null
        order by finished_at desc, id desc
        limit 100 offset $3)");
const ENDED: Sql = Sql("
    select partner_id, id
    from export
    where partner_id = any($1) and (removed_at is not null or expires_at <= $2)
    order by created_at
    limit 1");
const DELETE_CHUNKS: Sql = Sql("
    delete from export_chunk
    where partner_id = $1 and export_id = $2 and number in (
        select number
        from export_chunk
        where partner_id = $1 and export_id = $2
        order by number
        limit $3)");
/// Not while another node's look at its parts, which was of an earlier moment, leaves some.
const DELETE: Sql = Sql("
    delete from export
    where partner_id = $1 and id = $2 and not exists (
        select 1 from export_chunk where partner_id = $1 and export_id = $2)");
const CHUNK: Sql = Sql("
    select content
    from export_chunk
    where partner_id = $1 and export_id = $2 and number = $3");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    FIND,
    LIST,
    COUNT_OPEN,
    CLAIM,
    ADVANCE,
    RELEASE,
    FINISH,
    REMOVE,
    REMOVE_OLDEST,
    ENDED,
    DELETE_CHUNKS,
    DELETE,
    CHUNK,
];
/// Those that walk along an index, with the types of their parameters.
pub const WALKS: &[Each] =
    &[Each { sql: LIST.0, keys: &[Type::Int, Type::Time, Type::Uuid, Type::Int] }];

/// An export, as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Its id.
    pub id: Uuid,
    /// The account that asked for it.
    pub account: AdminId,
    /// What was asked for.
    pub asked: serde_json::Value,
    /// Where it stands.
    pub state: ExportState,
    /// How far it is.
    pub size: Size,
    /// Whether there was more than a file takes.
    pub is_cut: bool,
    /// The title of why it can't be written.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done, or failed.
    pub finished_at: Option<Timestamp>,
    /// When it goes by itself.
    pub expires_at: Option<Timestamp>,
}

/// How much of a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Transactions.
    pub rows: i64,
    /// Bytes.
    pub bytes: i64,
    /// Parts.
    pub chunks: i64,
}

/// An export that is being written.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// Whose transactions they are.
    pub partner: PartnerId,
    /// Its id.
    pub id: Uuid,
    /// What was asked for.
    pub asked: serde_json::Value,
    /// How far it is.
    pub size: Size,
    /// The place that it has reached.
    pub place: Option<String>,
    /// How often it was claimed since it came any further, this time included.
    pub attempts: i64,
}

/// Adds an export that waits.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    (id, account): (Uuid, AdminId),
    asked: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = ExportState::Queued.as_str();
    let (partner, none) = (scope.partner(), 0i64);
    let row =
        values![partner, id, account.0, asked, state, none, none, none, false, none, now, now];
    tx.insert_all(&TABLE, &[row]).await.map(drop)
}

/// The export of an id, if it is there now.
pub async fn find(
    tx: &mut Tx,
    scope: Scope,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Export>, StoreError> {
    tx.find(&FIND, &[&scope.partner(), &now, &id]).await?.as_ref().map(read).transpose()
}

/// A partner's exports that are there now, newest first, from the one before `before`.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    (before, limit): (Uuid, i64),
    now: Timestamp,
) -> Result<Vec<Export>, StoreError> {
    let rows = tx.rows(&LIST, &[&scope.partner(), &now, &before, &limit]).await?;
    rows.iter().map(read).collect()
}

/// How many of a partner's exports wait or are being written.
pub async fn count_open(tx: &mut Tx, scope: Scope) -> Result<i64, StoreError> {
    tx.row(&COUNT_OPEN, &[&scope.partner()]).await?.get("number")
}

/// Claims an export of these partners that nobody is at, the one first that nobody was at for
/// longest.
pub async fn claim(
    tx: &mut Tx,
    partners: &[PartnerId],
    lease: &Lease,
) -> Result<Option<Claimed>, StoreError> {
    let partners: Vec<i64> = partners.iter().map(|partner| partner.0).collect();
    // Clocks of two nodes differ by less than a lease.
    let length = lease.until.duration_since(lease.from);
    let beyond = lease.until.checked_add(length).unwrap_or(lease.until);
    let parameters: [&dyn ToValue; 5] =
        [&partners, &lease.holder, &lease.from, &lease.until, &beyond];
    let read = |row: &Row| {
        Ok(Claimed {
            partner: row.get("partner_id")?,
            id: row.get("id")?,
            asked: row.get("asked")?,
            size: read_size(row)?,
            place: row.get("place")?,
            attempts: row.get("attempts")?,
        })
    };
    tx.rows(&CLAIM, &parameters).await?.first().map(read).transpose()
}

/// Notes how far an export is and extends its lease; `false` if somebody else has claimed it, or it
/// isn't wanted any more, and then nothing is changed.
pub async fn advance(
    tx: &mut Tx,
    scope: Scope,
    (id, lease): (Uuid, &Lease),
    (size, place): (Size, Option<&str>),
) -> Result<bool, StoreError> {
    let Size { rows, bytes, chunks } = size;
    let (partner, holder, until) = (scope.partner(), lease.holder, lease.until);
    let parameters: [&dyn ToValue; 8] =
        [&partner, &id, &holder, &rows, &bytes, &chunks, &place, &until];
    Ok(tx.run(&ADVANCE, &parameters).await? == 1)
}

/// Adds a part of a file, sealed.
pub async fn insert_chunk(
    tx: &mut Tx,
    scope: Scope,
    (id, number): (Uuid, i64),
    content: &[u8],
) -> Result<(), StoreError> {
    tx.insert_all(&CHUNKS, &[values![scope.partner(), id, number, content]]).await.map(drop)
}

/// Gives a claim back; whoever claims it next tries for the first time.
pub async fn release(
    tx: &mut Tx,
    scope: Scope,
    (id, holder): (Uuid, Uuid),
) -> Result<(), StoreError> {
    tx.run(&RELEASE, &[&scope.partner(), &id, &holder]).await.map(drop)
}

/// How an export ends.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// As what.
    pub state: ExportState,
    /// Whether there is more than a file takes.
    pub is_cut: bool,
    /// The title of why it can't be written.
    pub reason: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// When it goes by itself.
    pub expires_at: Timestamp,
}

/// Ends an export; nothing if somebody else has claimed it.
pub async fn finish(
    tx: &mut Tx,
    scope: Scope,
    (id, holder): (Uuid, Uuid),
    end: &End<'_>,
) -> Result<(), StoreError> {
    let End { state, is_cut, reason, at, expires_at } = end;
    let (partner, state) = (scope.partner(), state.as_str());
    let parameters: [&dyn ToValue; 8] =
        [&partner, &id, &holder, &state, is_cut, reason, at, expires_at];
    tx.run(&FINISH, &parameters).await.map(drop)
}

/// Has an export be there no more; `false` if it wasn't.
pub async fn remove(
    tx: &mut Tx,
    scope: Scope,
    id: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.run(&REMOVE, &[&scope.partner(), &id, &now]).await? == 1)
}

/// Has the oldest of a partner's exports that have ended be there no more, beyond the `kept` that
/// ended last.
pub async fn remove_oldest(
    tx: &mut Tx,
    scope: Scope,
    kept: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&REMOVE_OLDEST, &[&scope.partner(), &now, &kept]).await.map(drop)
}

/// One of these partners' exports that were removed, or whose time is up.
pub async fn find_ended(
    tx: &mut Tx,
    partners: &[PartnerId],
    now: Timestamp,
) -> Result<Option<(PartnerId, Uuid)>, StoreError> {
    let partners: Vec<i64> = partners.iter().map(|partner| partner.0).collect();
    let rows = tx.rows(&ENDED, &[&partners, &now]).await?;
    let read = |row: &Row| Ok((row.get("partner_id")?, row.get("id")?));
    rows.first().map(read).transpose()
}

/// Deletes parts of an export, so many at once, and the export with the last of them.
pub async fn delete(tx: &mut Tx, scope: Scope, id: Uuid, most: i64) -> Result<(), StoreError> {
    tx.run(&DELETE_CHUNKS, &[&scope.partner(), &id, &most]).await?;
    tx.run(&DELETE, &[&scope.partner(), &id]).await.map(|_| ())
}

/// A part of a file, sealed, if it is there.
pub async fn chunk(
    tx: &mut Tx,
    scope: Scope,
    (id, number): (Uuid, i64),
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.find(&CHUNK, &[&scope.partner(), &id, &number]).await?;
    row.map(|row| row.get("content")).transpose()
}

fn read_size(row: &Row) -> Result<Size, StoreError> {
    Ok(Size {
        rows: row.get("row_count")?,
        bytes: row.get("byte_count")?,
        chunks: row.get("chunk_count")?,
    })
}

fn read(row: &Row) -> Result<Export, StoreError> {
    Ok(Export {
        id: row.get("id")?,
        account: AdminId(row.get("account_id")?),
        asked: row.get("asked")?,
        state: word(row, "state", ExportState::parse)?,
        size: read_size(row)?,
        is_cut: row.get("is_cut")?,
        reason: row.get("reason")?,
        created_at: row.get("created_at")?,
        finished_at: row.get("finished_at")?,
        expires_at: row.get("expires_at")?,
    })
}
