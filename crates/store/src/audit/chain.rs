//! The chains of audit records: what isn't sealed yet, where each chain begins and ends, and what
//! of it is removed. Nothing is decided here; what authenticates a row comes from outside.

use crate::db::{Each, JsonText, Microseconds, Row, Sql, Table, ToValue, Tx, Type, Value};
use crate::operations::Lease;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::scope::Scope;
use uuid::Uuid;

const CHAINS: Table = Table {
    name: "audit_chain",
    key: &["partner_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("place", Type::Int),
        ("link", Type::Bytes),
        ("seal", Type::Bytes),
        ("removed_place", Type::Int),
        ("removed_link", Type::Bytes),
        ("removed_until", Type::Time),
        ("removed_seal", Type::Bytes),
    ],
};

/// A lease that ends far later than one that is given now is of a clock that was set back since.
const CLAIM: Sql = Sql("
    update audit_sealer
    set claimed_by = $1, claimed_until = $3
    where id = 1 and (claimed_by is null or claimed_by = $1 or claimed_until <= $2
        or claimed_until > $4)");

const SEALER: Sql = Sql("insert into audit_sealer (id) values (1) on conflict do nothing");

macro_rules! kept {
    ($rest:literal) => {
        concat!(
            "select partner_id, id, actor, action, object, detail, at, address, request_id, place,
                mac
            from audit ",
            $rest
        )
    };
}

/// Of all partners from one to another, one after the other: that is the order of the index.
const UNSEALED: Sql = Sql(kept!(
    "where place is null and partner_id > $1 and partner_id <= $2
    order by partner_id, at, id
    limit $3"
));
const UNSEALED_EACH: Each = Each {
    sql: kept!(
        "where place is null and partner_id > $1 and partner_id <= $2
        order by partner_id, at, id
        limit 1000"
    ),
    keys: &[Type::Int, Type::Int],
};
const LIST_EACH: Each = Each {
    sql: kept!("where partner_id = $1 and place > $2 order by place limit 1000"),
    keys: &[Type::Int, Type::Int],
};
const COUNT_UNSEALED: Sql = Sql("
    select count(*) as rows
    from audit
    where place is null and partner_id = $1");
const COUNT_ALL_UNSEALED: Sql = Sql("
    select count(*) as rows
    from (select 1 from audit where place is null and partner_id >= 0 limit 100000) waiting");
const NEXT_PARTNER: Sql = Sql("
    select partner_id
    from audit
    where partner_id > $1
    order by partner_id
    limit 1");
const LIST: Sql = Sql(kept!("where partner_id = $1 and place > $2 order by place limit $3"));
const AT: Sql = Sql(kept!("where partner_id = $1 and place = $2"));
const PLACES: Sql = Sql("
    select place
    from audit
    where partner_id = $1 and place > $2
    order by place
    limit $3");
const FIND: Sql = Sql("
    select partner_id, place, link, seal, removed_place, removed_link, removed_until, removed_seal
    from audit_chain
    where partner_id = $1");
const PARTNERS: Sql = Sql("select partner_id from audit_chain order by partner_id");
/// By its time, which its id begins with.
const COUNT_OLD: Sql = Sql("
    select count(*) as rows
    from (select 1 from audit where partner_id = $1 and id < $2 limit 100000) due");

const FIND_EACH: Each = Each {
    sql: "select partner_id, place, link, seal, removed_place, removed_link, removed_until,
            removed_seal
        from audit_chain
        where partner_id = $1
        limit 1",
    keys: &[Type::Int],
};
const LAST: Each = Each {
    sql: "select partner_id, place, mac
        from audit
        where partner_id = $1 and place > $2
        order by place desc
        limit 1",
    keys: &[Type::Int, Type::Int],
};
const SEAL: Each = Each {
    sql: "update audit
        set place = $3, mac = $4
        where partner_id = $1 and id = $2 and place is null",
    keys: &[Type::Int, Type::Uuid, Type::Int, Type::Bytes],
};
const EXTEND: Each = Each {
    sql: "update audit_chain
        set place = $4, link = $5, seal = $6
        where partner_id = $1 and place = $2 and link = $3",
    keys: &[Type::Int, Type::Int, Type::Bytes, Type::Int, Type::Bytes, Type::Bytes],
};
const REMOVE: Each = Each {
    sql: "delete from audit
        where partner_id = $1 and id = $2 and place = $3",
    keys: &[Type::Int, Type::Uuid, Type::Int],
};
const SHORTEN: Sql = Sql("
    update audit_chain
    set removed_place = $3, removed_link = $4, removed_until = $5, removed_seal = $6
    where partner_id = $1 and removed_place = $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    CLAIM,
    SEALER,
    UNSEALED,
    COUNT_UNSEALED,
    COUNT_ALL_UNSEALED,
    NEXT_PARTNER,
    LIST,
    AT,
    PLACES,
    FIND,
    PARTNERS,
    COUNT_OLD,
    SHORTEN,
];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[FIND_EACH, LAST, SEAL, EXTEND, REMOVE];

/// Those that go along an index.
pub const WALKS: &[Each] = &[UNSEALED_EACH, LIST_EACH, LAST];

/// A record as it stands, with its place if it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whose chain it belongs to.
    pub partner: PartnerId,
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// What was there before and after: JSON, in the database's spelling.
    pub detail: String,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// From where.
    pub address: Option<String>,
    /// The name of its request.
    pub request_id: Option<String>,
    /// Its place in the chain, and what authenticates it there.
    pub sealed: Option<(i64, Vec<u8>)>,
}

/// Where a partner's chain ends, and where what is left of it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whose.
    pub partner: PartnerId,
    /// The last place.
    pub place: i64,
    /// What the next row is linked to.
    pub link: Vec<u8>,
    /// What authenticates the two.
    pub seal: Vec<u8>,
    /// What retention has removed.
    pub removed: Removed,
}

/// The last place that retention has removed; 0 where it has removed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Up to which place.
    pub place: i64,
    /// What the next row is linked to.
    pub link: Vec<u8>,
    /// The time of the newest that was removed.
    pub until: Option<Timestamp>,
    /// What authenticates the three.
    pub seal: Vec<u8>,
}

/// The end of a chain that is moved on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extended {
    /// Where it ended; none where there was no chain.
    pub from: Option<(i64, Vec<u8>)>,
    /// Where it ends now.
    pub to: Chain,
}

/// A row that gets its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Whose.
    pub partner: PartnerId,
    /// Which record.
    pub id: Uuid,
    /// Its place.
    pub place: i64,
    /// What authenticates it there.
    pub mac: Vec<u8>,
}

/// Takes or keeps the right to seal; `false` if somebody else has it.
pub async fn claim(tx: &mut Tx, lease: &Lease) -> Result<bool, StoreError> {
    // Clocks of two nodes differ by less than a lease.
    let length = lease.until.duration_since(lease.from);
    let beyond = lease.until.checked_add(length).unwrap_or(lease.until);
    let claim: &[&dyn ToValue] = &[&lease.holder, &lease.from, &lease.until, &beyond];
    if tx.run(&CLAIM, claim).await? == 1 {
        return Ok(true);
    }
    // Without the row nobody would ever seal again, and nobody would be told.
    Ok(tx.run(&SEALER, &[]).await? == 1 && tx.run(&CLAIM, claim).await? == 1)
}

/// Rows that aren't sealed of the partners after one, up to another, at most so many.
pub async fn unsealed(
    tx: &mut Tx,
    (after, to): (PartnerId, PartnerId),
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    tx.rows(&UNSEALED, &[&after, &to, &limit]).await?.iter().map(read).collect()
}

/// How many rows of a partner aren't sealed.
pub async fn count_unsealed(tx: &mut Tx, scope: Scope) -> Result<i64, StoreError> {
    tx.row(&COUNT_UNSEALED, &[&scope.partner()]).await?.get("rows")
}

/// How many rows aren't sealed, of all partners; 100,000 also where there are more.
pub async fn count_all_unsealed(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.row(&COUNT_ALL_UNSEALED, &[]).await?.get("rows")
}

/// Who has records or a chain.
pub async fn partners(tx: &mut Tx) -> Result<Vec<PartnerId>, StoreError> {
    let mut all = chains(tx).await?;
    let mut after = PartnerId(-1);
    while let Some(row) = tx.find(&NEXT_PARTNER, &[&after]).await? {
        after = row.get("partner_id")?;
        all.push(after);
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Who has a chain.
pub async fn chains(tx: &mut Tx) -> Result<Vec<PartnerId>, StoreError> {
    tx.rows(&PARTNERS, &[]).await?.iter().map(|row| row.get("partner_id")).collect()
}

/// A partner's chain.
pub async fn find(tx: &mut Tx, scope: Scope) -> Result<Option<Chain>, StoreError> {
    tx.find(&FIND, &[&scope.partner()]).await?.as_ref().map(read_chain).transpose()
}

/// The chains of these partners.
pub async fn find_each(tx: &mut Tx, partners: &[PartnerId]) -> Result<Vec<Chain>, StoreError> {
    let keys: Vec<Vec<Value>> = partners.iter().map(|partner| values![*partner]).collect();
    tx.rows_each(&FIND_EACH, &keys).await?.iter().map(read_chain).collect()
}

/// The last sealed row of each of these partners: its place and what authenticates it.
pub async fn last_each(
    tx: &mut Tx,
    partners: &[PartnerId],
) -> Result<Vec<(PartnerId, i64, Vec<u8>)>, StoreError> {
    let keys: Vec<Vec<Value>> = partners.iter().map(|partner| values![*partner, 0i64]).collect();
    let rows = tx.rows_each(&LAST, &keys).await?;
    rows.iter().map(|row| Ok((row.get("partner_id")?, row.get("place")?, mac(row)?))).collect()
}

/// Sealed rows behind a place, in their order. One that holds what could never have been written
/// makes it [`StoreError::Corrupt`]: then [`places`] and [`at`] tell which.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    after: i64,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    tx.rows(&LIST, &[&scope.partner(), &after, &limit]).await?.iter().map(read).collect()
}

/// The places of those rows.
pub async fn places(
    tx: &mut Tx,
    scope: Scope,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows = tx.rows(&PLACES, &[&scope.partner(), &after, &limit]).await?;
    rows.iter().map(|row| row.get("place")).collect()
}

/// The row at a place.
pub async fn at(tx: &mut Tx, scope: Scope, place: i64) -> Result<Option<Kept>, StoreError> {
    tx.find(&AT, &[&scope.partner(), &place]).await?.as_ref().map(read).transpose()
}

/// Gives rows their places and moves the ends of their chains on; `false` where an end isn't where
/// it was, or a row was sealed meanwhile: then nothing of it may be committed.
pub async fn seal(tx: &mut Tx, rows: &[Placed], chains: &[Extended]) -> Result<bool, StoreError> {
    let (mut new, mut moved) = (Vec::new(), Vec::new());
    for Extended { from, to } in chains {
        match from {
            None => new.push(chain_row(to)),
            Some((place, link)) => {
                moved.push(values![to.partner, *place, link, to.place, to.link, to.seal])
            }
        }
    }
    let is_new = tx.insert_new(&CHAINS, &new).await? == new.len() as u64;
    if !is_new || tx.run_each(&EXTEND, &moved).await? != moved.len() as u64 {
        return Ok(false);
    }
    let places: Vec<Vec<Value>> =
        rows.iter().map(|row| values![row.partner, row.id, row.place, row.mac]).collect();
    Ok(tx.run_each(&SEAL, &places).await? == places.len() as u64)
}

/// Removes rows from the beginning of a chain, and says so; `false` where that isn't where it was:
/// then nothing of it may be committed.
pub async fn remove(
    tx: &mut Tx,
    scope: Scope,
    rows: &[(Uuid, i64)],
    (before, removed): (i64, &Removed),
) -> Result<bool, StoreError> {
    let partner = scope.partner();
    let Removed { place, link, until, seal } = removed;
    let moved = tx.run(&SHORTEN, &[&partner, &before, place, link, until, seal]).await?;
    if moved != 1 {
        return Ok(false);
    }
    let keys: Vec<Vec<Value>> =
        rows.iter().map(|(id, place)| values![partner, *id, *place]).collect();
    Ok(tx.run_each(&REMOVE, &keys).await? == keys.len() as u64)
}

/// How many records of a partner have ids below this one; 100,000 also where there are more.
pub async fn count_old(tx: &mut Tx, scope: Scope, below: Uuid) -> Result<i64, StoreError> {
    tx.row(&COUNT_OLD, &[&scope.partner(), &below]).await?.get("rows")
}

fn chain_row(chain: &Chain) -> Vec<Value> {
    let Chain { partner, place, link, seal, removed } = chain;
    let Removed { place: removed_place, link: removed_link, until, seal: removed_seal } = removed;
    values![*partner, *place, link, seal, *removed_place, removed_link, *until, removed_seal]
}

fn read_chain(row: &Row) -> Result<Chain, StoreError> {
    Ok(Chain {
        partner: row.get("partner_id")?,
        place: row.get("place")?,
        link: row.get("link")?,
        seal: row.get("seal")?,
        removed: Removed {
            place: row.get("removed_place")?,
            link: row.get("removed_link")?,
            until: row.get("removed_until")?,
            seal: row.get("removed_seal")?,
        },
    })
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    let JsonText(detail) = row.get("detail")?;
    let Microseconds(at) = row.get("at")?;
    let place: Option<i64> = row.get("place")?;
    Ok(Kept {
        partner: row.get("partner_id")?,
        id: row.get("id")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        object: row.get("object")?,
        detail,
        at,
        address: row.get("address")?,
        request_id: row.get("request_id")?,
        sealed: place.map(|place| Ok::<_, StoreError>((place, mac(row)?))).transpose()?,
    })
}

/// Nothing where somebody took it away.
fn mac(row: &Row) -> Result<Vec<u8>, StoreError> {
    Ok(row.get::<Option<Vec<u8>>>("mac")?.unwrap_or_default())
}
