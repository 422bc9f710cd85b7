//! Rows of `"transaction"`: the engine writes them, everybody reads them.

pub mod asked;

use crate::balances::read_owner;
use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{amount, corrupt, currency, date_or_none, word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::balance::Owner;
use domain::ids::{BalanceId, CardId, PartnerId, ProcessorId, TransactionId};
use domain::ledger::rules::Backing;
use domain::limits::Kinds;
use domain::money::Currency;
use domain::partner::CollateralMode;
use domain::program::PreAuthorization;
use domain::scope::Scope;
use domain::spending::Counted;
use domain::transaction::{
    Category, DecidedBy, Description, Flag, Order, Place, Processing, Status, Transaction,
    TransactionType,
};
use uuid::Uuid;

const TABLE: Table = Table {
    name: "\"transaction\"",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("number", Type::Int),
        ("balance_id", Type::Uuid),
        ("card_id", Type::Int),
        ("processor_id", Type::Int),
        ("network_id", Type::Text),
        ("network_date", Type::Time),
        ("reference_id", Type::Text),
        ("reference_date", Type::Time),
        ("kind", Type::Text),
        ("category", Type::Text),
        ("amount", Type::Int),
        ("currency", Type::Text),
        ("original_amount", Type::Int),
        ("original_currency", Type::Text),
        ("conversion_rate", Type::Text),
        ("text", Type::Text),
        ("data", Type::Json),
        ("mcc", Type::Text),
        ("retrieval_reference", Type::Text),
        ("status", Type::Text),
        ("processing", Type::Text),
        ("description", Type::Text),
        ("held", Type::Int),
        ("cleared", Type::Int),
        ("parts", Type::Int),
        ("balance_before", Type::Int),
        ("balance_after", Type::Int),
        ("authorization_code", Type::Text),
        ("flag", Type::Text),
        ("expires_at", Type::Time),
        ("received_at", Type::Time),
        ("changed_at", Type::Time),
        ("version", Type::Int),
        ("settled", Type::Int),
        ("collateral_mode", Type::Text),
        ("collateral_id", Type::Uuid),
        ("collateral_held", Type::Int),
        ("collateral_moved", Type::Int),
        ("counted_on", Type::Text),
        ("counted_as", Type::Int),
        ("decided_at", Type::Time),
        ("decided_by", Type::Text),
        ("pre_authorization", Type::Bool),
        ("asking_message", Type::Uuid),
        ("asking_until", Type::Time),
        ("shared", Type::Bool),
    ],
};

/// The columns of a transaction.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select partner_id, id, number, balance_id, card_id, processor_id, network_id,
                network_date, reference_id, reference_date, kind, category, amount, currency,
                original_amount, original_currency, conversion_rate, text, data, mcc,
                retrieval_reference, status, processing, description, held, cleared, parts,
                balance_before, balance_after, authorization_code, flag, expires_at,
                received_at, changed_at, version, settled, collateral_mode, collateral_id,
                collateral_held, collateral_moved, counted_on, counted_as, decided_at,
                decided_by, pre_authorization, asking_message, asking_until, shared
            from \"transaction\"
            where partner_id = $1 and ",
            $rest
        )
    };
}

/// As the history core reads them.
pub mod history;

const BY_ID: Sql = Sql(select!("id = $2"));
// What tells whether a transaction of the history is asked for: the rest is read of those that are.
const WALK: Sql = Sql("
    select id, number, card_id, kind, status, processing, description, amount, currency,
        received_at
    from \"transaction\"
    where partner_id = $1 and id < $2 and id >= $3
    order by id desc
    limit $4");
const WALK_BALANCE: Sql = Sql("
    select id, number, card_id, kind, status, processing, description, amount, currency,
        received_at
    from \"transaction\"
    where partner_id = $1 and balance_id = $2 and number < $3
    order by number desc
    limit $4");
const EXPIRED: Sql = Sql("
    select t.id, t.balance_id, t.card_id, t.currency, b.owner_id, b.kind
    from \"transaction\" t
    join balance b on b.partner_id = t.partner_id and b.id = t.balance_id
    where t.partner_id = $1 and t.expires_at <= $2
    order by t.expires_at
    limit $3");
const LOAD: Each = Each { sql: select!("id = $2 limit 1"), keys: &[Type::Int, Type::Uuid] };
const UPDATE: Each = Each {
    sql: "update \"transaction\"
        set status = $3, processing = $4, description = $5, held = $6, cleared = $7, parts = $8,
            authorization_code = $9, expires_at = $10, changed_at = $11, version = $12,
            amount = $13, settled = $14, collateral_held = $15, collateral_moved = $16,
            original_amount = $17, flag = $18, number = $19, decided_at = $20, decided_by = $21,
            asking_message = $22, asking_until = $23
        where partner_id = $1 and id = $2 and version = $24",
    keys: &[
        Type::Int,
        Type::Uuid,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Time,
        Type::Time,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Int,
        Type::Time,
        Type::Text,
        Type::Uuid,
        Type::Time,
        Type::Int,
    ],
};

const LAST: Each = Each {
    sql: "select number
        from \"transaction\"
        where partner_id = $1 and balance_id = $2
        order by number desc
        limit 1",
    keys: &[Type::Int, Type::Uuid],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[BY_ID, WALK, WALK_BALANCE, EXPIRED, asked::UNANSWERED];
/// Those that walk through the history, with the types of their parameters.
pub const WALKS: &[Each] = &[
    Each { sql: WALK.0, keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Int] },
    Each { sql: WALK_BALANCE.0, keys: &[Type::Int, Type::Uuid, Type::Int, Type::Int] },
];
/// Those that the engine runs for each of a set.
pub const ENGINE: &[Each] = &[LOAD, LAST, UPDATE, asked::REMOVE, asked::STAND_INS];

/// A transaction by its partner and id.
pub type Key = (PartnerId, TransactionId);

/// The transaction of an id.
pub async fn find(
    tx: &mut Tx,
    scope: Scope,
    id: TransactionId,
) -> Result<Option<Transaction>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// A transaction as a walk through the history passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its id.
    pub id: TransactionId,
    /// Its place in the history of its partner, and of its balance.
    pub number: i64,
    /// Its card, if there is one.
    pub card: Option<CardId>,
    /// Its type.
    pub kind: TransactionType,
    /// Where it stands.
    pub status: Status,
    /// What was done with the request; while the partner is asked it is nobody's to see.
    pub processing: Processing,
    /// Why.
    pub description: Description,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// In which currency.
    pub currency: Currency,
    /// When it came.
    pub received_at: Timestamp,
}

/// Walks through a partner's transactions by id, from the one before `before` down to `least`.
pub async fn walk(
    tx: &mut Tx,
    scope: Scope,
    (before, least): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Passed>, StoreError> {
    let rows = tx.rows(&WALK, &[&scope.partner(), &before, &least, &limit]).await?;
    rows.iter().map(read_passed).collect()
}

/// Walks through a balance's transactions by number, from the one before `before` down.
pub async fn walk_balance(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
    before: i64,
    limit: i64,
) -> Result<Vec<Passed>, StoreError> {
    let rows = tx.rows(&WALK_BALANCE, &[&scope.partner(), &balance, &before, &limit]).await?;
    rows.iter().map(read_passed).collect()
}

fn read_passed(row: &Row) -> Result<Passed, StoreError> {
    Ok(Passed {
        id: row.get("id")?,
        number: row.get("number")?,
        card: row.get::<Option<i64>>("card_id")?.map(CardId),
        kind: word(row, "kind", TransactionType::parse)?,
        status: word(row, "status", Status::parse)?,
        processing: word(row, "processing", Processing::parse)?,
        description: word(row, "description", Description::parse)?,
        amount: row.get("amount")?,
        currency: currency(row, "currency")?,
        received_at: row.get("received_at")?,
    })
}

/// A transaction whose hold has come to its end.
#[derive(Clone, Copy, Debug)]
pub struct Expired {
    /// Its id.
    pub id: TransactionId,
    /// The balance that it holds of.
    pub balance: BalanceId,
    /// The card that it is paid with, if there is one.
    pub card: Option<CardId>,
    /// Whose the balance is.
    pub owner: Owner,
    /// Its currency.
    pub currency: Currency,
}

/// Transactions of a partner whose hold has come to its end, oldest first.
pub async fn list_expired(
    tx: &mut Tx,
    scope: Scope,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Expired>, StoreError> {
    let rows = tx.rows(&EXPIRED, &[&scope.partner(), &now, &limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Expired {
                id: row.get("id")?,
                balance: row.get("balance_id")?,
                card: row.get::<Option<i64>>("card_id")?.map(CardId),
                owner: read_owner(row)?,
                currency: currency(row, "currency")?,
            })
        })
        .collect()
}

/// Reads transactions, in no particular order. The engine has locked their balances before.
pub async fn load(
    tx: &mut Tx,
    keys: impl Iterator<Item = Key>,
) -> Result<Vec<(PartnerId, Transaction)>, StoreError> {
    let keys: Vec<Vec<Value>> = keys.map(|(partner, id)| values![partner, id]).collect();
    with_partner(&tx.rows_each(&LOAD, &keys).await?)
}

/// Reads where the transactions of balances end: that is where a new one is going to be written.
pub async fn read_ends(
    tx: &mut Tx,
    balances: impl Iterator<Item = (PartnerId, BalanceId)>,
) -> Result<(), StoreError> {
    let keys: Vec<Vec<Value>> = balances.map(|(partner, id)| values![partner, id]).collect();
    tx.rows_each(&LAST, &keys).await.map(drop)
}

/// Adds transactions.
pub async fn insert<'a>(
    tx: &mut Tx,
    new: impl Iterator<Item = (PartnerId, &'a Transaction)>,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = new.map(|(partner, new)| row_of(partner, new)).collect();
    tx.insert_all(&TABLE, &rows).await.map(|_| ())
}

/// Writes what may change of transactions; answers how many still had the version that was read.
pub async fn update<'a>(
    tx: &mut Tx,
    changed: impl Iterator<Item = (PartnerId, &'a Transaction)>,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = changed
        .map(|(partner, changed)| {
            values![
                partner,
                changed.id,
                changed.status.as_str(),
                changed.processing.as_str(),
                changed.description.as_str(),
                changed.held,
                changed.cleared,
                changed.parts,
                changed.authorization_code,
                changed.expires_at,
                changed.changed_at,
                changed.version + 1,
                changed.order.amount,
                changed.settled,
                changed.backing.held,
                changed.backing.moved,
                changed.order.original_amount,
                changed.flag.map(Flag::as_str),
                changed.number,
                changed.decided_at,
                decided_by(changed.decided_by),
                changed.asking.map(|asking| asking.message),
                changed.asking.map(|asking| asking.until),
                changed.version,
            ]
        })
        .collect();
    tx.run_each(&UPDATE, &rows).await
}

fn row_of(partner: PartnerId, new: &Transaction) -> Vec<Value> {
    let order = &new.order;
    let data = order.data.as_ref().map(|text| Value::Json(text.clone()));
    values![
        partner,
        new.id,
        new.number,
        order.balance,
        order.card,
        order.processor,
        order.network_id,
        order.network_date,
        order.reference_id,
        order.reference_date,
        order.kind.as_str(),
        order.category.as_str(),
        order.amount,
        order.currency,
        order.original_amount,
        order.original_currency,
        order.conversion_rate,
        order.text,
        data,
        order.mcc,
        order.retrieval_reference,
        new.status.as_str(),
        new.processing.as_str(),
        new.description.as_str(),
        new.held,
        new.cleared,
        new.parts,
        new.balance_before,
        new.balance_after,
        new.authorization_code,
        new.flag.map(Flag::as_str),
        new.expires_at,
        new.received_at,
        new.changed_at,
        new.version,
        new.settled,
        new.backing.mode.as_str(),
        new.backing.balance,
        new.backing.held,
        new.backing.moved,
        new.counted.map(|counted| counted.on),
        new.counted.map(|counted| i64::from(counted.kinds.0)),
        new.decided_at,
        decided_by(new.decided_by),
        new.pre_authorization == PreAuthorization::Yes,
        new.asking.map(|asking| asking.message),
        new.asking.map(|asking| asking.until),
        new.is_shared,
    ]
}

/// Nearly everything is decided by us, and then nothing is kept.
fn decided_by(by: DecidedBy) -> Option<&'static str> {
    match by {
        DecidedBy::Platform => None,
        DecidedBy::Network | DecidedBy::Partner | DecidedBy::StandIn => Some(by.as_str()),
    }
}

fn with_partner(rows: &[Row]) -> Result<Vec<(PartnerId, Transaction)>, StoreError> {
    rows.iter().map(|row| Ok((PartnerId(row.get("partner_id")?), read(row)?))).collect()
}

fn read(row: &Row) -> Result<Transaction, StoreError> {
    Ok(Transaction {
        id: TransactionId(row.get::<Uuid>("id")?),
        number: row.get("number")?,
        order: read_order(row)?,
        status: word(row, "status", Status::parse)?,
        processing: word(row, "processing", Processing::parse)?,
        description: word(row, "description", Description::parse)?,
        held: amount(row, "held")?,
        cleared: amount(row, "cleared")?,
        parts: row.get("parts")?,
        balance_before: row.get("balance_before")?,
        balance_after: row.get("balance_after")?,
        authorization_code: row.get("authorization_code")?,
        flag: word_or_none(row, "flag", Flag::parse)?,
        expires_at: row.get("expires_at")?,
        pre_authorization: if row.get("pre_authorization")? {
            PreAuthorization::Yes
        } else {
            PreAuthorization::No
        },
        received_at: row.get("received_at")?,
        changed_at: row.get("changed_at")?,
        asking: asked::read(row)?,
        is_shared: row.get("shared")?,
        version: row.get("version")?,
        settled: amount(row, "settled")?,
        backing: Backing {
            mode: word(row, "collateral_mode", CollateralMode::parse)?,
            balance: row.get::<Option<Uuid>>("collateral_id")?.map(BalanceId),
            held: amount(row, "collateral_held")?,
            moved: amount(row, "collateral_moved")?,
        },
        counted: read_counted(row)?,
        decided_at: row.get("decided_at")?,
        decided_by: word_or_none(row, "decided_by", DecidedBy::parse)?
            .unwrap_or(DecidedBy::Platform),
    })
}

fn read_counted(row: &Row) -> Result<Option<Counted>, StoreError> {
    let Some(on) = date_or_none(row, "counted_on")? else { return Ok(None) };
    let kinds = u8::try_from(row.get::<i64>("counted_as")?);
    Ok(Some(Counted { on, kinds: Kinds(kinds.map_err(|_| corrupt("counted_as"))?) }))
}

fn read_order(row: &Row) -> Result<Order, StoreError> {
    Ok(Order {
        balance: row.get::<Option<Uuid>>("balance_id")?.map(BalanceId),
        card: row.get::<Option<i64>>("card_id")?.map(CardId),
        processor: row.get::<Option<i64>>("processor_id")?.map(ProcessorId),
        network_id: row.get("network_id")?,
        network_date: row.get("network_date")?,
        reference_id: row.get("reference_id")?,
        reference_date: row.get("reference_date")?,
        kind: word(row, "kind", TransactionType::parse)?,
        category: word(row, "category", Category::parse)?,
        amount: row.get("amount")?,
        currency: currency(row, "currency")?,
        original_amount: row.get("original_amount")?,
        original_currency: word_or_none(row, "original_currency", |text| {
            Currency::parse(text).ok()
        })?,
        conversion_rate: row.get("conversion_rate")?,
        text: row.get("text")?,
        data: row.get::<Option<serde_json::Value>>("data")?.map(|data| data.to_string()),
        mcc: row.get("mcc")?,
        retrieval_reference: row.get("retrieval_reference")?,
        place: Place::default(),
    })
}
