//! What became of one transaction: its messages, and the movements of its money.

use super::{Message, messages_by_network_id, read_message};
use crate::db::{Each, Row, Tx, Type};
use crate::read::{corrupt, currency};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, TransactionId, ordered_v4};
use domain::ledger::Account;
use domain::money::Currency;
use domain::scope::Scope;
use domain::transaction::Transaction;
use uuid::Uuid;

/// How far apart the ids of a message and of the transaction that it makes may be, in milliseconds:
/// they are made one after the other.
const BESIDE_MS: u64 = 50;

const LATER: Each = Each {
    sql: select_message!("transaction_id = $2 and kind <> 'authorization' limit 256"),
    keys: &[Type::Int, Type::Uuid],
};
const BESIDE: Each = Each {
    sql: select_message!("id >= $2 and id <= $3 and transaction_id = $4 limit 1"),
    keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Uuid],
};
const MOVED: Each = Each {
    sql: "select part, leg, from_account, from_balance_id, to_account, to_balance_id, amount,
            currency, posted_at
        from movement
        where partner_id = $1 and transaction_id = $2
        order by part, leg
        limit 1000",
    keys: &[Type::Int, Type::Uuid],
};

/// Those that run for each of a set.
pub const EACH: &[Each] = &[LATER, BESIDE, MOVED];

/// A movement of money that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which part of its transaction it belongs to: parts are posted one after the other.
    pub part: i64,
    /// Its place in the part.
    pub leg: i64,
    /// Where the money came from.
    pub from: Account,
    /// Where it went.
    pub to: Account,
    /// How much, in minor units.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
    /// When.
    pub posted_at: Timestamp,
}

/// The messages that made or changed a transaction, in order; of very many the first it found.
pub async fn messages(
    tx: &mut Tx,
    scope: Scope,
    of: &Transaction,
) -> Result<Vec<Message>, StoreError> {
    let (partner, order) = (scope.partner(), &of.order);
    let rows = tx.rows_each(&LATER, &[values![partner, of.id]]).await?;
    let mut found: Vec<Message> = rows.iter().map(read_message).collect::<Result<_, _>>()?;
    if let Some(card) = order.card {
        let named = std::iter::once((partner, card, order.network_id.as_str()));
        let named = messages_by_network_id(tx, named).await?.into_iter();
        found.extend(named.filter(|message| message.transaction == of.id));
    }
    // The one of a card that isn't there has no name.
    if order.processor.is_some() && order.card.is_none() {
        let id = |milliseconds: u64, rest| ordered_v4(milliseconds, rest);
        let made = milliseconds(of.id.0);
        let from = id(made.saturating_sub(BESIDE_MS), 0);
        let to = id(made.saturating_add(BESIDE_MS), u128::MAX);
        let rows = tx.rows_each(&BESIDE, &[values![partner, from, to, of.id]]).await?;
        found.extend(rows.iter().map(read_message).collect::<Result<Vec<_>, _>>()?);
    }
    found.sort_by_key(|message| (message.created_at, message.id.0));
    found.dedup_by_key(|message| message.id);
    Ok(found)
}

/// The movements of a transaction's money, in order; the first thousand.
pub async fn movements(
    tx: &mut Tx,
    scope: Scope,
    id: TransactionId,
) -> Result<Vec<Moved>, StoreError> {
    let rows = tx.rows_each(&MOVED, &[values![scope.partner(), id]]).await?;
    rows.iter().map(read_moved).collect()
}

/// When an ordered id was made.
fn milliseconds(id: Uuid) -> u64 {
    u64::try_from(id.as_u128() >> 80).unwrap_or_default()
}

fn read_moved(row: &Row) -> Result<Moved, StoreError> {
    Ok(Moved {
        part: row.get("part")?,
        leg: row.get("leg")?,
        from: account(row, ("from_account", "from_balance_id"))?,
        to: account(row, ("to_account", "to_balance_id"))?,
        amount: row.get("amount")?,
        currency: currency(row, "currency")?,
        posted_at: row.get("posted_at")?,
    })
}

fn account(row: &Row, (column, of): (&str, &str)) -> Result<Account, StoreError> {
    let balance = row.get::<Option<Uuid>>(of)?;
    match (row.get::<String>(column)?.as_str(), balance) {
        ("balance", Some(id)) => Ok(Account::Balance(BalanceId(id))),
        ("scheme", None) => Ok(Account::Scheme),
        ("outside", None) => Ok(Account::Outside),
        ("books", None) => Ok(Account::Books),
        _ => Err(corrupt(column)),
    }
}
