//! Rows of `screening_list`, `screening_entry` and `screening_hit`: lists that names are looked for
//! on, and whom they were found on.

use crate::db::{Row, Sql, Table, Tx, Type, Value};
use crate::read::{corrupt, date, word};
use crate::{StoreError, values};
use domain::ids::{CorporationId, HitId, OwnerId, PartnerId, UserId};
use domain::scope::Scope;
use domain::screening::cases::{Case, CaseState};
use domain::screening::{BirthMatch, List};
use domain::{Date, Timestamp};
use std::ops::RangeInclusive;

const LISTS: Table = Table {
    name: "screening_list",
    key: &["name"],
    columns: &[
        ("name", Type::Text),
        ("list", Type::Text),
        ("version", Type::Int),
        ("entries", Type::Int),
        ("file", Type::Text),
        ("loaded_at", Type::Time),
    ],
};

const ENTRIES: Table = Table {
    name: "screening_entry",
    key: &["list_name", "version", "id"],
    columns: &[
        ("list_name", Type::Text),
        ("version", Type::Int),
        ("id", Type::Text),
        ("entry", Type::Json),
    ],
};

const HITS: Table = Table {
    name: "screening_hit",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("owner_id", Type::Int),
        ("part", Type::Text),
        ("list", Type::Text),
        ("entry_id", Type::Text),
        ("name", Type::Text),
        ("score", Type::Int),
        ("birth", Type::Text),
        ("facts", Type::Text),
        ("state", Type::Text),
        ("found_at", Type::Time),
        ("decided_at", Type::Time),
        ("decided_by", Type::Text),
        ("comment", Type::Text),
        ("locked", Type::Bool),
    ],
};

const ALL_LISTS: Sql = Sql("
    select name, list, version, entries, file, loaded_at
    from screening_list
    order by name");
const REMOVE_LIST: Sql = Sql("delete from screening_list where name = $1");
const ALL_ENTRIES: Sql = Sql("
    select e.entry, l.list
    from screening_list l
    join screening_entry e on e.list_name = l.name and e.version = l.version
    order by e.list_name, e.id");
const REMOVE_ENTRIES: Sql = Sql("
    delete from screening_entry
    where (list_name, version, id) in (
        select e.list_name, e.version, e.id
        from screening_entry e
        where e.list_name = $1 and e.version < $2
        limit $3)");
const OF_OWNER: Sql = Sql("
    select id, owner_id, part, list, entry_id, name, score, birth, facts, state, found_at,
        decided_at, decided_by, comment, locked
    from screening_hit
    where partner_id = $1 and owner_id = $2
    order by part, list, entry_id");
const OPEN: Sql = Sql("
    select id, owner_id, part, list, entry_id, name, score, birth, facts, state, found_at,
        decided_at, decided_by, comment, locked
    from screening_hit
    where partner_id = $1 and state = 'OPEN'
    order by found_at, id
    limit $2");
const COUNT_OPEN: Sql = Sql("
    select count(*) as hits
    from (select id from screening_hit where partner_id = $1 and state = 'OPEN' limit $2) as hit");
const OPEN_AFTER: Sql = Sql("
    select id, owner_id, part, list, entry_id, name, score, birth, facts, state, found_at,
        decided_at, decided_by, comment, locked
    from screening_hit
    where partner_id = $1 and state = 'OPEN'
        and (found_at, id) > (
            select found_at, id from screening_hit where partner_id = $1 and id = $2)
    order by found_at, id
    limit $3");
const BY_ID: Sql = Sql("
    select id, owner_id, part, list, entry_id, name, score, birth, facts, state, found_at,
        decided_at, decided_by, comment, locked
    from screening_hit
    where partner_id = $1 and id = $2");
const OWNERS: Sql = Sql("
    select distinct owner_id
    from screening_hit
    where partner_id = $1 and owner_id between $2 and $3
    order by owner_id");
const REMOVE: Sql = Sql("delete from screening_hit where partner_id = $1 and id = $2");
const REMOVE_OPEN: Sql = Sql("
    delete from screening_hit
    where partner_id = $1 and owner_id = $2 and state = 'OPEN'");
const SET_LOCKED: Sql = Sql("
    update screening_hit
    set locked = $3
    where partner_id = $1 and owner_id = $2");
const USERS: Sql = Sql("
    select id, first_name, last_name, birth_date
    from \"user\"
    where partner_id = $1 and id between $2 and $3 and deleted_at is null
    order by id");
const CORPORATIONS: Sql = Sql("
    select id
    from corporation
    where partner_id = $1 and id between $2 and $3 and deleted_at is null
    order by id");
const NEWEST_USER: Sql = Sql("
    select id from \"user\" where partner_id = $1 and id > 0 order by id desc limit 1");
const NEWEST_CORPORATION: Sql = Sql("
    select id from corporation where partner_id = $1 and id > 0 order by id desc limit 1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    ALL_LISTS,
    REMOVE_LIST,
    ALL_ENTRIES,
    REMOVE_ENTRIES,
    OF_OWNER,
    OPEN,
    COUNT_OPEN,
    BY_ID,
    OWNERS,
    REMOVE,
    REMOVE_OPEN,
    SET_LOCKED,
    USERS,
    CORPORATIONS,
    NEWEST_USER,
    NEWEST_CORPORATION,
];

/// A list as it was last loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What it is called: one of a name is there at a time.
    pub name: String,
    /// Which it is.
    pub list: List,
    /// Which version of it: of the entries that stand on it.
    pub version: i64,
    /// How many stand on it.
    pub entries: i64,
    /// The file that it was read from.
    pub file: String,
    /// When.
    pub loaded_at: Timestamp,
}

/// A hit and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub id: HitId,
    /// A user or a corporation.
    pub owner: OwnerId,
    /// What was found, and decided.
    pub case: Case,
    /// When it was found.
    pub found_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
    /// And why.
    pub comment: Option<String>,
    /// Whether the lock that its owner has was set for the owner's hits, not by somebody else.
    pub locked: bool,
}

/// A user, as they are looked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub id: UserId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Day of birth.
    pub birth_date: Date,
}

/// The lists, by name.
pub async fn lists(tx: &mut Tx) -> Result<Vec<Loaded>, StoreError> {
    let read = |row: &Row| {
        Ok(Loaded {
            name: row.get("name")?,
            list: word(row, "list", List::parse)?,
            version: row.get("version")?,
            entries: row.get("entries")?,
            file: row.get("file")?,
            loaded_at: row.get("loaded_at")?,
        })
    };
    tx.rows(&ALL_LISTS, &[]).await?.iter().map(read).collect()
}

/// Puts a list in force, in the place of the one of its name.
pub async fn put_list(tx: &mut Tx, list: &Loaded) -> Result<(), StoreError> {
    tx.run(&REMOVE_LIST, &[&list.name]).await?;
    let row = values![
        list.name,
        list.list.as_str(),
        list.version,
        list.entries,
        list.file,
        list.loaded_at,
    ];
    tx.insert_all(&LISTS, &[row]).await.map(|_| ())
}

/// Takes a list away.
pub async fn remove_list(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    tx.run(&REMOVE_LIST, &[&name]).await.map(|_| ())
}

/// Adds some of those who stand on a version of a list: by id, as JSON.
pub async fn insert_entries(
    tx: &mut Tx,
    (name, version): (&str, i64),
    entries: &[(String, serde_json::Value)],
) -> Result<(), StoreError> {
    let row = |(id, entry): &(String, serde_json::Value)| values![name, version, id, entry];
    let rows: Vec<Vec<Value>> = entries.iter().map(row).collect();
    tx.insert_all(&ENTRIES, &rows).await.map(|_| ())
}

/// All who stand on the lists that are in force.
pub async fn entries(tx: &mut Tx) -> Result<Vec<(List, serde_json::Value)>, StoreError> {
    let read = |row: &Row| Ok((word(row, "list", List::parse)?, row.get("entry")?));
    tx.rows(&ALL_ENTRIES, &[]).await?.iter().map(read).collect()
}

/// Deletes some of those who stand on versions of a list before this one; how many.
pub async fn delete_entries_before(
    tx: &mut Tx,
    (name, version): (&str, i64),
    limit: i64,
) -> Result<u64, StoreError> {
    tx.run(&REMOVE_ENTRIES, &[&name, &version, &limit]).await
}

/// The hits of a user or a corporation that was locked.
pub async fn of_owner(tx: &mut Tx, scope: Scope, owner: OwnerId) -> Result<Vec<Kept>, StoreError> {
    tx.rows(&OF_OWNER, &[&scope.partner(), &owner]).await?.iter().map(read).collect()
}

/// The hits that nobody has decided, the oldest first: those after one of them, or from the
/// beginning on.
pub async fn open(
    tx: &mut Tx,
    scope: Scope,
    after: Option<HitId>,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    let partner = scope.partner();
    let rows = match after {
        None => tx.rows(&OPEN, &[&partner, &limit]).await?,
        Some(HitId(after)) => tx.rows(&OPEN_AFTER, &[&partner, &after, &limit]).await?,
    };
    rows.iter().map(read).collect()
}

/// How many those are, counted so far.
pub async fn count_open(tx: &mut Tx, scope: Scope, most: i64) -> Result<i64, StoreError> {
    tx.row(&COUNT_OPEN, &[&scope.partner(), &most]).await?.get("hits")
}

/// One hit.
pub async fn find(tx: &mut Tx, scope: Scope, id: HitId) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// Writes a hit of an owner that was locked, in the place of the one of its name.
pub async fn put(tx: &mut Tx, scope: Scope, hit: &Kept) -> Result<(), StoreError> {
    remove(tx, scope, hit.id).await?;
    let case = &hit.case;
    let row = values![
        scope.partner(),
        hit.id,
        hit.owner,
        case.part,
        case.list.as_str(),
        case.entry,
        case.name,
        i64::from(case.score),
        case.birth.as_str(),
        case.facts,
        case.state.as_str(),
        hit.found_at,
        hit.decided_at,
        hit.decided_by,
        hit.comment,
        hit.locked,
    ];
    tx.insert_all(&HITS, &[row]).await.map(|_| ())
}

/// Deletes a hit of an owner that was locked.
pub async fn remove(tx: &mut Tx, scope: Scope, id: HitId) -> Result<(), StoreError> {
    tx.run(&REMOVE, &[&scope.partner(), &id]).await.map(|_| ())
}

/// Deletes the hits of an owner who is removed that nobody has decided.
pub async fn remove_open(tx: &mut Tx, scope: Scope, owner: OwnerId) -> Result<(), StoreError> {
    tx.run(&REMOVE_OPEN, &[&scope.partner(), &owner]).await.map(|_| ())
}

/// Notes of all hits of an owner whether the lock that they have was set for them.
pub async fn set_locked(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerId,
    locked: bool,
) -> Result<(), StoreError> {
    tx.run(&SET_LOCKED, &[&scope.partner(), &owner, &locked]).await.map(|_| ())
}

/// Those of a range of numbers who have hits.
pub async fn owners_with_hits(
    tx: &mut Tx,
    scope: Scope,
    range: &RangeInclusive<i64>,
) -> Result<Vec<i64>, StoreError> {
    let rows = tx.rows(&OWNERS, &[&scope.partner(), range.start(), range.end()]).await?;
    rows.iter().map(|row| row.get("owner_id")).collect()
}

/// The users of a range of numbers.
pub async fn users(
    tx: &mut Tx,
    scope: Scope,
    range: &RangeInclusive<i64>,
) -> Result<Vec<Named>, StoreError> {
    let rows = tx.rows(&USERS, &[&scope.partner(), range.start(), range.end()]).await?;
    let read = |row: &Row| {
        Ok(Named {
            id: UserId(row.get("id")?),
            first_name: row.get("first_name")?,
            last_name: row.get("last_name")?,
            birth_date: date(row, "birth_date")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The corporations of a range of numbers.
pub async fn corporations(
    tx: &mut Tx,
    scope: Scope,
    range: &RangeInclusive<i64>,
) -> Result<Vec<CorporationId>, StoreError> {
    let rows = tx.rows(&CORPORATIONS, &[&scope.partner(), range.start(), range.end()]).await?;
    rows.iter().map(|row| row.get("id").map(CorporationId)).collect()
}

/// The highest number of a partner's users and corporations; 0 if it has none.
pub async fn newest_owner(tx: &mut Tx, partner: PartnerId) -> Result<i64, StoreError> {
    let mut newest = 0;
    for sql in [&NEWEST_USER, &NEWEST_CORPORATION] {
        if let Some(row) = tx.find(sql, &[&partner]).await? {
            newest = newest.max(row.get("id")?);
        }
    }
    Ok(newest)
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    let score = u8::try_from(row.get::<i64>("score")?).map_err(|_| corrupt("score"))?;
    Ok(Kept {
        id: HitId(row.get("id")?),
        owner: OwnerId(row.get("owner_id")?),
        case: Case {
            part: row.get("part")?,
            list: word(row, "list", List::parse)?,
            entry: row.get("entry_id")?,
            name: row.get("name")?,
            score,
            birth: word(row, "birth", BirthMatch::parse)?,
            facts: row.get("facts")?,
            state: word(row, "state", CaseState::parse)?,
        },
        found_at: row.get("found_at")?,
        decided_at: row.get("decided_at")?,
        decided_by: row.get("decided_by")?,
        comment: row.get("comment")?,
        locked: row.get("locked")?,
    })
}
