//! What is to be done about balances' links to the books of a partner that holds their money:
//! columns of their rows. Whoever changes one holds the balance's lock.

use super::{TABLE, row_of};
use crate::StoreError;
use crate::db::{Each, Sql, Tx, Type};
use domain::Timestamp;
use domain::balance::Balance;
use domain::ids::BalanceId;
use domain::scope::Scope;
use uuid::Uuid;

const FIND: Sql = Sql("
    select link_at, link_until, link_since
    from balance
    where partner_id = $1 and id = $2 and link_at is not null");
const SET: Sql = Sql("
    update balance
    set state = $3, link_at = $4, link_until = $5, link_since = $6, version = version + 1
    where partner_id = $1 and id = $2 and version = $7");
const DUE: Sql = Sql("
    select id
    from balance
    where partner_id = $1 and link_at <= $2
    order by link_at
    limit $3");
// Whatever was paid from the balance is passed: it is asked for once in a balance's life.
const HELD: Sql = Sql("
    select id
    from \"transaction\"
    where partner_id = $1 and balance_id = $2 and (held > 0 or processing = 'ASKING')
    limit 1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, SET, DUE, HELD];
/// Those that read one row after the other, with the types of their parameters.
pub const WALKS: &[Each] = &[
    Each { sql: DUE.0, keys: &[Type::Int, Type::Time, Type::Int] },
    Each { sql: HELD.0, keys: &[Type::Int, Type::Uuid] },
];

/// What is to be done about a link, in real time. The balance's state says what: `LINKING` or
/// `UNLINKING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// When a worker looks at it next.
    pub at: Timestamp,
    /// By when whoever calls the partner now must have been answered; none where nobody does.
    pub until: Option<Timestamp>,
    /// Since when it is to be made or undone whoever does it; none while it is made for somebody
    /// who waits.
    pub since: Option<Timestamp>,
}

/// Adds a balance whose link is to be made.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    (balance, link): (&Balance, &Link),
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = row_of(scope.partner(), balance, Some(link), now);
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// What is to be done about a balance's link, if anything is.
pub async fn find(tx: &mut Tx, scope: Scope, id: BalanceId) -> Result<Option<Link>, StoreError> {
    let Some(row) = tx.find(&FIND, &[&scope.partner(), &id]).await? else { return Ok(None) };
    Ok(Some(Link {
        at: row.get("link_at")?,
        until: row.get("link_until")?,
        since: row.get("link_since")?,
    }))
}

/// Writes a balance's state, and what is to be done about its link.
pub async fn set(
    tx: &mut Tx,
    scope: Scope,
    balance: &Balance,
    link: Option<Link>,
) -> Result<(), StoreError> {
    let at = link.map(|link| link.at);
    let until = link.and_then(|link| link.until);
    let since = link.and_then(|link| link.since);
    let (id, state, version) = (&balance.id, balance.state.as_str(), &balance.version);
    let changed =
        tx.run(&SET, &[&scope.partner(), id, &state, &at, &until, &since, version]).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Balances of a partner about whose links something is to be done by now, the longest due first.
pub async fn list_due(
    tx: &mut Tx,
    scope: Scope,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<BalanceId>, StoreError> {
    let rows = tx.rows(&DUE, &[&scope.partner(), &now, &limit]).await?;
    rows.iter().map(|row| Ok(BalanceId(row.get::<Uuid>("id")?))).collect()
}

/// Whether a transaction of a balance still holds something, or the partner is being asked about
/// one.
pub async fn holds(tx: &mut Tx, scope: Scope, id: BalanceId) -> Result<bool, StoreError> {
    Ok(tx.find(&HELD, &[&scope.partner(), &id]).await?.is_some())
}
