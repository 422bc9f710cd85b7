//! How far a partner's books were found sound, so that the next verification need not begin anew.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::BalanceId;
use domain::scope::Scope;

const CHECKPOINTS: Table = Table {
    name: "checkpoint",
    key: &["partner_id"],
    columns: &[("partner_id", Type::Int), ("posted_until", Type::Time)],
};
const BALANCES: Table = Table {
    name: "checkpoint_balance",
    key: &["partner_id", "posted_until", "balance_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("posted_until", Type::Time),
        ("balance_id", Type::Uuid),
        ("moved", Type::Int),
    ],
};

const FIND: Sql = Sql("
    select posted_until
    from checkpoint
    where partner_id = $1");
const LIST: Sql = Sql("
    select balance_id, moved
    from checkpoint_balance
    where partner_id = $1 and posted_until = $2 and balance_id >= $3
    order by balance_id
    limit $4");
const MOVE: Sql = Sql("
    update checkpoint
    set posted_until = $2
    where partner_id = $1");
const DROP: Sql = Sql("
    delete from checkpoint_balance
    where partner_id = $1 and posted_until < $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, LIST, MOVE, DROP];

/// Until when a partner's movements were found sound; none if they never were.
pub async fn find(tx: &mut Tx, scope: Scope) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.find(&FIND, &[&scope.partner()]).await?;
    row.map(|row| row.get("posted_until")).transpose()
}

/// What had moved of balances by then, in minor units, in the order of their ids from the first
/// that isn't below `from`. Balances of which nothing had moved are left out.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    until: Timestamp,
    from: BalanceId,
    limit: i64,
) -> Result<Vec<(BalanceId, i64)>, StoreError> {
    let rows = tx.rows(&LIST, &[&scope.partner(), &until, &from, &limit]).await?;
    rows.iter().map(|row| Ok((BalanceId(row.get("balance_id")?), row.get("moved")?))).collect()
}

/// Writes what has moved of balances by then. Nobody reads it before [`reach`].
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    until: Timestamp,
    moved: &[(BalanceId, i64)],
) -> Result<(), StoreError> {
    let partner = scope.partner();
    let rows: Vec<_> =
        moved.iter().map(|(id, moved)| values![partner, until, id, *moved]).collect();
    tx.insert_new(&BALANCES, &rows).await.map(|_| ())
}

/// Says that a partner's movements were found sound until then, and forgets what stood there for
/// times before.
pub async fn reach(tx: &mut Tx, scope: Scope, until: Timestamp) -> Result<(), StoreError> {
    let partner = scope.partner();
    if tx.run(&MOVE, &[&partner, &until]).await? == 0 {
        tx.insert_new(&CHECKPOINTS, &[values![partner, until]]).await?;
    }
    tx.run(&DROP, &[&partner, &until]).await.map(|_| ())
}
