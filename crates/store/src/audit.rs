//! Audit records: who did what, written in the transaction that they report.

pub mod chain;

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::scope::Scope;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "audit",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("actor", Type::Text),
        ("action", Type::Text),
        ("object", Type::Text),
        ("detail", Type::Json),
        ("at", Type::Time),
        ("address", Type::Text),
        ("request_id", Type::Text),
    ],
};

macro_rules! walk {
    ($where:literal, $limit:literal) => {
        concat!(
            "select partner_id, id, actor, action, object, detail, at, address, request_id, place
            from audit
            where partner_id = $1 and id < $2 and id >= $3",
            $where,
            " order by id desc limit ",
            $limit
        )
    };
}

/// Ids are ordered by time, to the millisecond.
const WALK: Sql = Sql(walk!("", "$4"));
const WALK_OBJECT: Sql = Sql(walk!(" and object = $5", "$4"));
const WALK_ACTOR: Sql = Sql(walk!(" and actor = $5", "$4"));
/// The same for the tests of plans.
const WALK_EACH: Each = Each { sql: walk!("", "1000"), keys: &[Type::Int, Type::Uuid, Type::Uuid] };
const WALK_OBJECT_EACH: Each = Each {
    sql: walk!(" and object = $4", "1000"),
    keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Text],
};
const WALK_ACTOR_EACH: Each = Each {
    sql: walk!(" and actor = $4", "1000"),
    keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Text],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[WALK, WALK_OBJECT, WALK_ACTOR];
/// Those of them that go along an index.
pub const WALKS: &[Each] = &[WALK_EACH, WALK_OBJECT_EACH, WALK_ACTOR_EACH];

/// One act.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Ordered by time.
    pub id: Uuid,
    /// Whose data was touched; the platform for what belongs to nobody.
    pub partner: PartnerId,
    /// Who: `certificate:NAME/SERIAL` of a caller, or `os:NAME` at the control socket or the
    /// command line.
    pub actor: String,
    /// What: noun and verb, such as `partner.create`.
    pub action: String,
    /// To what.
    pub object: String,
    /// What was there before and after; never a secret, and of a person only digests.
    pub detail: serde_json::Value,
    /// When.
    pub at: Timestamp,
    /// The IP address that it came from; none for this machine.
    pub address: Option<String>,
    /// The name of its request; none at the control socket or the command line.
    pub request_id: Option<String>,
}

/// Writes records.
pub async fn insert(tx: &mut Tx, records: &[Record]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = records.iter().map(row).collect();
    tx.insert_all(&TABLE, &rows).await.map(|_| ())
}

fn row(record: &Record) -> Vec<Value> {
    values![
        record.partner,
        record.id,
        record.actor,
        record.action,
        record.object,
        record.detail,
        record.at,
        record.address,
        record.request_id,
    ]
}

/// Which records are walked through.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// All.
    All,
    /// Those about an object.
    Object(&'a str),
    /// Those of an actor.
    Actor(&'a str),
}

/// Records from the newest on, with ids below one and not below another, each with whether it is
/// sealed; at most so many.
pub async fn walk(
    tx: &mut Tx,
    scope: Scope,
    way: Way<'_>,
    (below, least): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(Record, bool)>, StoreError> {
    let partner = scope.partner();
    let rows = match way {
        Way::All => tx.rows(&WALK, &[&partner, &below, &least, &limit]).await?,
        Way::Object(of) => tx.rows(&WALK_OBJECT, &[&partner, &below, &least, &limit, &of]).await?,
        Way::Actor(of) => tx.rows(&WALK_ACTOR, &[&partner, &below, &least, &limit, &of]).await?,
    };
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(Record, bool), StoreError> {
    let record = Record {
        id: row.get("id")?,
        partner: row.get("partner_id")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        object: row.get("object")?,
        detail: row.get("detail")?,
        at: row.get("at")?,
        address: row.get("address")?,
        request_id: row.get("request_id")?,
    };
    Ok((record, row.get::<Option<i64>>("place")?.is_some()))
}
