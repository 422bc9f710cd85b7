//! What a statement of a balance is made of: its transactions, oldest first, and what each of them
//! moved.

use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::{amount, word};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, TransactionId};
use domain::money::Amount;
use domain::scope::Scope;
use domain::transaction::{Category, TransactionType};
use uuid::Uuid;

const HISTORY: Sql = Sql("
    select id, number, kind, text, network_id, received_at
    from \"transaction\"
    where partner_id = $1 and balance_id = $2 and number > $3
    order by number
    limit $4");
// More legs than a transaction can have, so that the planner can't join plainly.
const MOVED: Each = Each {
    sql: "select transaction_id, part, leg, to_balance_id, amount, posted_at
        from movement
        where partner_id = $1 and transaction_id = $2 and posted_at < $4
            and (from_balance_id = $3 or to_balance_id = $3)
        limit 1000000",
    keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Time],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[HISTORY];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[MOVED];

/// A transaction as a statement tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: TransactionId,
    /// Its place in the balance's history.
    pub number: i64,
    /// Its type.
    pub kind: TransactionType,
    /// The merchant's line, or the caller's words.
    pub text: String,
    /// The caller's or network's id.
    pub network_id: String,
    /// When it came; it has moved nothing before.
    pub received_at: Timestamp,
}

/// Money that came to a balance or left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The transaction that moved it.
    pub transaction: TransactionId,
    /// Which part of the transaction.
    pub part: i64,
    /// Which leg of the part.
    pub leg: i64,
    /// Whether it came or left.
    pub way: Category,
    /// How much.
    pub amount: Amount,
    /// When.
    pub at: Timestamp,
}

/// The transactions of a balance, oldest first, from the one after `after`.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
    after: i64,
    limit: i64,
) -> Result<Vec<Told>, StoreError> {
    let rows = tx.rows(&HISTORY, &[&scope.partner(), &balance, &after, &limit]).await?;
    let told = |row: &Row| {
        Ok(Told {
            id: row.get("id")?,
            number: row.get("number")?,
            kind: word(row, "kind", TransactionType::parse)?,
            text: row.get("text")?,
            network_id: row.get("network_id")?,
            received_at: row.get("received_at")?,
        })
    };
    rows.iter().map(told).collect()
}

/// What these transactions moved of a balance's money before `end`, in no particular order.
pub async fn moved(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
    of: impl Iterator<Item = TransactionId>,
    end: Timestamp,
) -> Result<Vec<Moved>, StoreError> {
    let keys: Vec<Vec<Value>> = of.map(|id| values![scope.partner(), id, balance, end]).collect();
    let rows = tx.rows_each(&MOVED, &keys).await?;
    let moved = |row: &Row| {
        let to: Option<Uuid> = row.get("to_balance_id")?;
        Ok(Moved {
            transaction: row.get("transaction_id")?,
            part: row.get("part")?,
            leg: row.get("leg")?,
            way: if to == Some(balance.0) { Category::Credit } else { Category::Debit },
            amount: amount(row, "amount")?,
            at: row.get("posted_at")?,
        })
    };
    rows.iter().map(moved).collect()
}
