//! Rows of `import` and `import_line`: users that a partner sends in one body, and what became of
//! each line of it.

use crate::db::{Each, Row, Sql, Table, ToValue, Tx, Type, Value};
use crate::operations::Lease;
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, UserId};
use domain::import::ImportState;
use domain::scope::Scope;
use std::ops::RangeInclusive;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "import",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("key", Type::Text),
        ("state", Type::Text),
        ("lines", Type::Int),
        ("created", Type::Int),
        ("refused", Type::Int),
        ("started_at", Type::Time),
        ("updated_at", Type::Time),
    ],
};
const LINE: Table = Table {
    name: "import_line",
    key: &["partner_id", "import_id", "line"],
    columns: &[
        ("partner_id", Type::Int),
        ("import_id", Type::Uuid),
        ("line", Type::Int),
        ("fingerprint", Type::Bytes),
        ("user_id", Type::Int),
        ("refusal", Type::Text),
        ("created_at", Type::Time),
        ("card_id", Type::Int),
        ("balance_id", Type::Uuid),
    ],
};

const FIND: Sql = Sql("
    select id, state, lines, created, refused, started_at, updated_at, claimed_until
    from import
    where partner_id = $1 and key = $2");
/// A lease that ends far later than one that is given now is of a clock that was set back since,
/// and is as good as ended.
const CLAIM: Sql = Sql("
    update import
    set state = 'RUNNING', claimed_by = $3, claimed_until = $4, updated_at = $5
    where partner_id = $1 and key = $2
        and (claimed_by is null or claimed_until <= $6 or claimed_until > $7)
    returning id");
const ADVANCE: Sql = Sql("
    update import
    set lines = lines + $4, created = created + $5, refused = refused + $6, claimed_until = $7,
        updated_at = $8
    where partner_id = $1 and id = $2 and claimed_by = $3");
const END: Sql = Sql("
    update import
    set state = $4, claimed_by = null, claimed_until = null, updated_at = $5
    where partner_id = $1 and id = $2 and claimed_by = $3");
const LINES: Sql = Sql("
    select line, fingerprint, user_id, refusal, card_id, balance_id
    from import_line
    where partner_id = $1 and import_id = $2 and line between $3 and $4");
const FORGET: Each = Each {
    sql: "delete from import_line where partner_id = $1 and import_id = $2 and line = $3",
    keys: &[Type::Int, Type::Uuid, Type::Int],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, CLAIM, ADVANCE, END, LINES];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[FORGET];

/// How many lines of an import have become what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were answered.
    pub lines: i64,
    /// Of them, those that registered a user.
    pub created: i64,
    /// Of them, those that were refused.
    pub refused: i64,
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: Uuid,
    /// Where it stands, as whoever does it has written last.
    pub state: ImportState,
    /// How far it is.
    pub counts: Counts,
    /// When its key was sent first.
    pub started_at: Timestamp,
    /// When something of it was written last.
    pub updated_at: Timestamp,
    /// Until when whoever does it has to be heard of again; none if nobody does it.
    pub claimed_until: Option<Timestamp>,
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it begins in the body, from 1.
    pub line: i64,
    /// The keyed digest of what it said; none if it may be sent otherwise.
    pub fingerprint: Option<Vec<u8>>,
    /// The user that it registered; none if it was refused.
    pub user: Option<UserId>,
    /// The card that it had, and the balance that this pays from; none if it had none.
    pub card: Option<(CardId, BalanceId)>,
    /// The title of its refusal; none if it wasn't.
    pub refusal: Option<String>,
}

/// The import of a key, if there is one.
pub async fn find(tx: &mut Tx, scope: Scope, key: &str) -> Result<Option<Import>, StoreError> {
    tx.find(&FIND, &[&scope.partner(), &key]).await?.as_ref().map(read).transpose()
}

/// Adds an import that nobody does yet, unless its key is there.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    (id, key): (Uuid, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = ImportState::Broken.as_str();
    let row = values![scope.partner(), id, key, state, 0i64, 0i64, 0i64, now, now];
    tx.insert_new(&TABLE, &[row]).await.map(|_| ())
}

/// Claims the import of a key that nobody does: its id; nothing if somebody does it.
pub async fn claim(
    tx: &mut Tx,
    scope: Scope,
    key: &str,
    lease: Lease,
    now: Timestamp,
) -> Result<Option<Uuid>, StoreError> {
    let Lease { holder, from, until } = lease;
    // Clocks of two nodes differ by less than a lease.
    let far = until.checked_add(until.duration_since(from)).unwrap_or(until);
    let parameters: [&dyn ToValue; 7] =
        [&scope.partner(), &key, &holder, &until, &now, &from, &far];
    tx.find(&CLAIM, &parameters).await?.map(|row| row.get("id")).transpose()
}

/// Adds to the counts and extends the lease; `false` if somebody else has claimed the import.
pub async fn advance(
    tx: &mut Tx,
    scope: Scope,
    id: Uuid,
    lease: Lease,
    (by, now): (Counts, Timestamp),
) -> Result<bool, StoreError> {
    let Counts { lines, created, refused } = by;
    let (partner, Lease { holder, until, .. }) = (scope.partner(), lease);
    let parameters: [&dyn ToValue; 8] =
        [&partner, &id, &holder, &lines, &created, &refused, &until, &now];
    Ok(tx.run(&ADVANCE, &parameters).await? == 1)
}

/// Gives a claim back and says where the import stands; nothing if somebody else has claimed it.
pub async fn end(
    tx: &mut Tx,
    scope: Scope,
    (id, holder): (Uuid, Uuid),
    state: ImportState,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&END, &[&scope.partner(), &id, &holder, &state.as_str(), &now]).await.map(|_| ())
}

/// What became of the lines between two places, both included.
pub async fn lines(
    tx: &mut Tx,
    scope: Scope,
    id: Uuid,
    places: RangeInclusive<i64>,
) -> Result<Vec<Line>, StoreError> {
    let rows = tx.rows(&LINES, &[&scope.partner(), &id, places.start(), places.end()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Line {
                line: row.get("line")?,
                fingerprint: row.get("fingerprint")?,
                user: row.get::<Option<i64>>("user_id")?.map(UserId),
                card: read_card(row)?,
                refusal: row.get("refusal")?,
            })
        })
        .collect()
}

/// Keeps what became of lines. `again` are the places of those that had become something else.
pub async fn keep(
    tx: &mut Tx,
    scope: Scope,
    id: Uuid,
    (lines, again): (&[Line], &[i64]),
    now: Timestamp,
) -> Result<(), StoreError> {
    let partner = scope.partner();
    let keys: Vec<Vec<Value>> = again.iter().map(|line| values![partner, id, line]).collect();
    tx.run_each(&FORGET, &keys).await?;
    let rows = lines.iter().map(|it| {
        let (user, (card, balance)) = (it.user.map(|user| user.0), it.card.unzip());
        let (card, balance) = (card.map(|card| card.0), balance.map(|balance| balance.0));
        values![partner, id, it.line, it.fingerprint, user, it.refusal, now, card, balance]
    });
    let rows: Vec<Vec<Value>> = rows.collect();
    tx.insert_all(&LINE, &rows).await.map(|_| ())
}

fn read_card(row: &Row) -> Result<Option<(CardId, BalanceId)>, StoreError> {
    let card: Option<i64> = row.get("card_id")?;
    let balance: Option<Uuid> = row.get("balance_id")?;
    Ok(card.map(CardId).zip(balance.map(BalanceId)))
}

fn read(row: &Row) -> Result<Import, StoreError> {
    Ok(Import {
        id: row.get("id")?,
        state: word(row, "state", ImportState::parse)?,
        counts: Counts {
            lines: row.get("lines")?,
            created: row.get("created")?,
            refused: row.get("refused")?,
        },
        started_at: row.get("started_at")?,
        updated_at: row.get("updated_at")?,
        claimed_until: row.get("claimed_until")?,
    })
}
