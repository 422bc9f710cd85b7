//! Transactions as the history core reads them: whole, by number.

use super::{TransactionId, read};
use crate::db::{Each, Sql, Tx, Type, Value};
use crate::{StoreError, values};
use domain::ids::{BalanceId, PartnerId};
use domain::scope::Scope;
use domain::transaction::Transaction;
use std::collections::HashMap;

const BY_NUMBER: Sql = Sql(select!("number = $2"));
const BEFORE: Sql = Sql(select!("number < $2 order by number desc limit $3"));
const OF_BALANCE_BEFORE: Sql =
    Sql(select!("balance_id = $2 and number < $3 order by number desc limit $4"));
// A message that is known by another's name has none of its own.
const REVERSAL: Each = Each {
    sql: "select transaction_id, network_id
        from message
        where partner_id = $1 and transaction_id = $2 and kind <> 'authorization'
            and kind = 'reversal' and processing = 'SUCCESS' and status = 'REVERSED'
            and network_id <> ''
        order by created_at desc, id desc
        limit 1",
    keys: &[Type::Int, Type::Uuid],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[BY_NUMBER, BEFORE, OF_BALANCE_BEFORE];
/// Those that run for each of a set, and must be answered from an index.
pub const EACH: &[Each] = &[
    REVERSAL,
    Each { sql: BEFORE.0, keys: &[Type::Int, Type::Int, Type::Int] },
    Each { sql: OF_BALANCE_BEFORE.0, keys: &[Type::Int, Type::Uuid, Type::Int, Type::Int] },
];

/// The transaction of a number.
pub async fn find_numbered(
    tx: &mut Tx,
    scope: Scope,
    number: i64,
) -> Result<Option<Transaction>, StoreError> {
    tx.find(&BY_NUMBER, &[&scope.partner(), &number]).await?.as_ref().map(read).transpose()
}

/// A partner's transactions before a number, newest first; of one balance, if one is named.
pub async fn list_before(
    tx: &mut Tx,
    scope: Scope,
    balance: Option<BalanceId>,
    before: i64,
    limit: i64,
) -> Result<Vec<Transaction>, StoreError> {
    let partner = scope.partner();
    let rows = match balance {
        None => tx.rows(&BEFORE, &[&partner, &before, &limit]).await?,
        Some(balance) => {
            tx.rows(&OF_BALANCE_BEFORE, &[&partner, &balance, &before, &limit]).await?
        }
    };
    rows.iter().map(read).collect()
}

/// The network's ids of the messages that reversed these transactions; none where nothing of the
/// network did.
pub async fn reversals(
    tx: &mut Tx,
    partner: PartnerId,
    of: impl Iterator<Item = TransactionId>,
) -> Result<HashMap<TransactionId, String>, StoreError> {
    let keys: Vec<Vec<Value>> = of.map(|id| values![partner, id]).collect();
    let rows = tx.rows_each(&REVERSAL, &keys).await?;
    rows.iter()
        .map(|row| Ok((TransactionId(row.get("transaction_id")?), row.get("network_id")?)))
        .collect()
}
