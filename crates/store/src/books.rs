//! The books as `ledger verify` reads them: row by row in slices, so that no statement takes long
//! however large a ledger is. Nothing is summed here: a sum of 64 bits can overflow.

use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::{corrupt, currency, word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, MessageId, TransactionId};
use domain::ledger::Account;
use domain::money::Currency;
use domain::scope::Scope;
use domain::transaction::{Category, Flag, Processing, Status};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

const BALANCES: Sql = Sql("
    select id, owner_id is null as is_partners, mode = 'EXTERNAL' as is_external, currency, posted,
        held
    from balance
    where partner_id = $1 and id >= $2
    order by id
    limit $3");
const CARDS: Sql = Sql("
    select id, balance_id
    from card
    where partner_id = $1 and id >= $2
    order by id
    limit $3");
const ENTRIES: Sql = Sql("
    select id, balance_id, category, currency, status, processing, held, cleared,
        collateral_id, collateral_held, collateral_moved, expires_at is not null as expires
    from \"transaction\"
    where partner_id = $1 and id >= $2
    order by id
    limit $3");
const MOVEMENTS: Sql = Sql("
    select transaction_id, part, leg, from_account, from_balance_id, to_account, to_balance_id,
        amount, currency, posted_at
    from movement
    where partner_id = $1 and (transaction_id, part, leg) >= ($2, $3, $4) and transaction_id <= $5
    order by transaction_id, part, leg
    limit $6");
// The index of what expires holds nothing else, so this reads as much as is held.
const HOLDS: Sql = Sql("
    select id, balance_id, category, currency, status, processing, held, cleared,
        collateral_id, collateral_held, collateral_moved, expires_at is not null as expires,
        expires_at
    from \"transaction\"
    where partner_id = $1 and expires_at is not null and (expires_at, id) > ($2, $3)
    order by expires_at, id
    limit $4");
const ENTRY: Each = Each {
    sql: "select id, balance_id, category, currency, status, processing, held, cleared,
            collateral_id, collateral_held, collateral_moved, expires_at is not null as expires
        from \"transaction\"
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Uuid],
};
// More than a transaction can have, so that the planner can't join plainly.
const MOVEMENT: Each = Each {
    sql: "select transaction_id, part, leg, from_account, from_balance_id, to_account,
            to_balance_id, amount, currency, posted_at
        from movement
        where partner_id = $1 and transaction_id = $2
        limit 1000000",
    keys: &[Type::Int, Type::Uuid],
};
const MESSAGES: Sql = Sql("
    select id, kind, transaction_id, processing
    from message
    where partner_id = $1 and id >= $2
    order by id
    limit $3");
const PROCESSING: Each = Each {
    sql: "select id, processing, flag,
            status = 'REVERSED' and authorization_code is null as never_approved
        from \"transaction\"
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Uuid],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[BALANCES, CARDS, ENTRIES, HOLDS, MOVEMENTS, MESSAGES];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[ENTRY, MOVEMENT, PROCESSING];

/// A balance as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The balance.
    pub id: BalanceId,
    /// Whether it is the partner's own.
    pub is_partners: bool,
    /// Whether the partner holds its money, so that nothing of it is held or moves here.
    pub is_external: bool,
    /// Its currency.
    pub currency: Currency,
    /// Posted, in minor units.
    pub posted: i64,
    /// Held, in minor units.
    pub held: i64,
}

/// A transaction as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The transaction.
    pub id: TransactionId,
    /// Its balance.
    pub balance: Option<BalanceId>,
    /// Which way its money goes.
    pub category: Category,
    /// Its currency.
    pub currency: Currency,
    /// Where it stands.
    pub status: Status,
    /// What was done with it.
    pub processing: Processing,
    /// What it holds, in minor units.
    pub held: i64,
    /// What it has moved, in minor units.
    pub cleared: i64,
    /// The partner's balance that backs it.
    pub collateral: Option<BalanceId>,
    /// What it holds of that, in minor units.
    pub collateral_held: i64,
    /// What it has moved of that, in minor units.
    pub collateral_moved: i64,
    /// Whether its hold ends by itself.
    pub expires: bool,
}

/// A movement as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose it is.
    pub transaction: TransactionId,
    /// Which part of the transaction.
    pub part: i64,
    /// Which leg of the part.
    pub leg: i64,
    /// Where the money was.
    pub from: Account,
    /// Where it is.
    pub to: Account,
    /// How much, in minor units.
    pub amount: i64,
    /// In which currency.
    pub currency: Currency,
    /// When it was posted.
    pub posted_at: Timestamp,
}

/// The place of a movement in the order of its table.
pub type MovementKey = (TransactionId, i64, i64);

/// A message as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The message.
    pub id: MessageId,
    /// `authorization`, `reversal`, `clearing`, `internal` or `expiry`.
    pub kind: String,
    /// The transaction that it made or changed.
    pub transaction: TransactionId,
    /// What was done with it.
    pub processing: Processing,
}

/// What was done with a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// What was done with the request.
    pub processing: Processing,
    /// What a person should look at.
    pub flag: Option<Flag>,
    /// Whether it was reversed without ever having been approved: while the partner was asked.
    pub never_approved: bool,
}

/// Balances in the order of their ids, from the first that isn't below `from`.
pub async fn list_balances(
    tx: &mut Tx,
    scope: Scope,
    from: BalanceId,
    limit: i64,
) -> Result<Vec<Told>, StoreError> {
    let rows = tx.rows(&BALANCES, &[&scope.partner(), &from, &limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Told {
                id: BalanceId(row.get("id")?),
                is_partners: row.get("is_partners")?,
                is_external: row.get("is_external")?,
                currency: currency(row, "currency")?,
                posted: row.get("posted")?,
                held: row.get("held")?,
            })
        })
        .collect()
}

/// Cards and the balances that they pay from, in the order of their ids.
pub async fn list_cards(
    tx: &mut Tx,
    scope: Scope,
    from: CardId,
    limit: i64,
) -> Result<Vec<(CardId, BalanceId)>, StoreError> {
    let rows = tx.rows(&CARDS, &[&scope.partner(), &from, &limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("balance_id")?))).collect()
}

/// Transactions in the order of their ids.
pub async fn list_entries(
    tx: &mut Tx,
    scope: Scope,
    from: TransactionId,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = tx.rows(&ENTRIES, &[&scope.partner(), &from, &limit]).await?;
    rows.iter().map(entry).collect()
}

/// Transactions by their ids; those without a row are left out.
pub async fn load_entries(
    tx: &mut Tx,
    scope: Scope,
    ids: &[TransactionId],
) -> Result<Vec<Entry>, StoreError> {
    let keys: Vec<_> = ids.iter().map(|id| values![scope.partner(), id]).collect();
    tx.rows_each(&ENTRY, &keys).await?.iter().map(entry).collect()
}

/// Movements of these transactions.
pub async fn load_movements(
    tx: &mut Tx,
    scope: Scope,
    ids: &[TransactionId],
) -> Result<Vec<Movement>, StoreError> {
    let keys: Vec<_> = ids.iter().map(|id| values![scope.partner(), id]).collect();
    tx.rows_each(&MOVEMENT, &keys).await?.iter().map(movement).collect()
}

/// The place of a hold in the order in which they end.
pub type HoldKey = (Timestamp, TransactionId);

/// Transactions whose holds end by themselves, in the order in which they do, after this one.
pub async fn list_holds(
    tx: &mut Tx,
    scope: Scope,
    after: HoldKey,
    limit: i64,
) -> Result<Vec<(HoldKey, Entry)>, StoreError> {
    let rows = tx.rows(&HOLDS, &[&scope.partner(), &after.0, &after.1, &limit]).await?;
    let held = |row| {
        let entry = entry(row)?;
        Ok(((row.get("expires_at")?, entry.id), entry))
    };
    rows.iter().map(held).collect()
}

/// Movements of the transactions up to `last`, in the order of their keys.
pub async fn list_movements(
    tx: &mut Tx,
    scope: Scope,
    from: MovementKey,
    last: TransactionId,
    limit: i64,
) -> Result<Vec<Movement>, StoreError> {
    let (transaction, part, leg) = from;
    let rows =
        tx.rows(&MOVEMENTS, &[&scope.partner(), &transaction, &part, &leg, &last, &limit]).await?;
    rows.iter().map(movement).collect()
}

/// Messages in the order of their ids.
pub async fn list_messages(
    tx: &mut Tx,
    scope: Scope,
    from: MessageId,
    limit: i64,
) -> Result<Vec<Heard>, StoreError> {
    let rows = tx.rows(&MESSAGES, &[&scope.partner(), &from, &limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Heard {
                id: MessageId(row.get("id")?),
                kind: row.get("kind")?,
                transaction: TransactionId(row.get("transaction_id")?),
                processing: word(row, "processing", Processing::parse)?,
            })
        })
        .collect()
}

/// What was done with each of these transactions; those without a row are left out.
pub async fn done_with(
    tx: &mut Tx,
    scope: Scope,
    ids: &BTreeSet<TransactionId>,
) -> Result<HashMap<TransactionId, Done>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.iter().map(|id| values![scope.partner(), id]).collect();
    let rows = tx.rows_each(&PROCESSING, &keys).await?;
    rows.iter()
        .map(|row| {
            let processing = word(row, "processing", Processing::parse)?;
            let flag = word_or_none(row, "flag", Flag::parse)?;
            let never_approved = row.get("never_approved")?;
            Ok((TransactionId(row.get("id")?), Done { processing, flag, never_approved }))
        })
        .collect()
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: TransactionId(row.get("id")?),
        balance: row.get::<Option<Uuid>>("balance_id")?.map(BalanceId),
        category: word(row, "category", Category::parse)?,
        currency: currency(row, "currency")?,
        status: word(row, "status", Status::parse)?,
        processing: word(row, "processing", Processing::parse)?,
        held: row.get("held")?,
        cleared: row.get("cleared")?,
        collateral: row.get::<Option<Uuid>>("collateral_id")?.map(BalanceId),
        collateral_held: row.get("collateral_held")?,
        collateral_moved: row.get("collateral_moved")?,
        expires: row.get("expires")?,
    })
}

fn movement(row: &Row) -> Result<Movement, StoreError> {
    Ok(Movement {
        transaction: TransactionId(row.get("transaction_id")?),
        part: row.get("part")?,
        leg: row.get("leg")?,
        from: account(row, "from_account", "from_balance_id")?,
        to: account(row, "to_account", "to_balance_id")?,
        amount: row.get("amount")?,
        currency: currency(row, "currency")?,
        posted_at: row.get("posted_at")?,
    })
}

fn account(row: &Row, account: &str, balance: &str) -> Result<Account, StoreError> {
    match (row.get::<String>(account)?.as_str(), row.get::<Option<Uuid>>(balance)?) {
        ("balance", Some(id)) => Ok(Account::Balance(BalanceId(id))),
        ("scheme", None) => Ok(Account::Scheme),
        ("outside", None) => Ok(Account::Outside),
        ("books", None) => Ok(Account::Books),
        _ => Err(corrupt(account)),
    }
}
