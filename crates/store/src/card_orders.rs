//! Rows of `card_order`: plastic that was ordered, and how far it is.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::read::{corrupt, date_or_none, word, word_or_none};
use crate::users::{address_json, read_address};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::card::embossing::CardholderLine;
use domain::card::order::{CardOrder, Delivery, OrderFailure, OrderKind, OrderStatus};
use domain::ids::{CardId, OrderId, PartnerId, UserId};
use domain::scope::Scope;

const TABLE: Table = Table {
    name: "card_order",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("user_id", Type::Int),
        ("card_id", Type::Int),
        ("config_id", Type::Text),
        ("kind", Type::Text),
        ("status", Type::Text),
        ("delivery", Type::Text),
        ("address", Type::Json),
        ("line", Type::Text),
        ("pin", Type::Bytes),
        ("created_at", Type::Time),
        ("changed_at", Type::Time),
        ("version", Type::Int),
        ("expiry", Type::Text),
    ],
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, user_id, card_id, config_id, kind, status, failure, delivery, address, line,
                pin, bureau, batch, tracking_number, created_at, sent_at, version, expiry
            from card_order
            where partner_id = $1 and ",
            $rest
        )
    };
}

const BY_ID: Sql = Sql(select!("id = $2"));
const OF_CARD: Sql = Sql(select!("card_id = $2 order by created_at limit 100"));
const OF_USER: Sql = Sql(select!("user_id = $2 order by created_at desc limit $3"));
/// What waits for a batch, or is in one that isn't known to be laid yet.
const WAITING: Sql = Sql(select!(
    "status = 'ORDERED' and config_id = $2 and created_at < $3 order by created_at limit $4"
));
const OF_BATCH: Sql =
    Sql(select!("status = 'ORDERED' and config_id = $2 and batch = $3 order by created_at"));
const OVERDUE: Sql =
    Sql(select!("status = 'SENT_TO_BUREAU' and sent_at < $2 order by sent_at limit $3"));
const COUNT_OVERDUE: Sql = Sql("
    select count(*) as orders
    from card_order
    where partner_id = $1 and status = 'SENT_TO_BUREAU' and sent_at < $2");
const SET_BATCH: Sql = Sql("
    update card_order
    set bureau = $3, batch = $4, version = version + 1
    where partner_id = $1 and id = $2 and batch is null and status = 'ORDERED'");
/// What has left needs no PIN any more.
const UPDATE: Sql = Sql("
    update card_order
    set status = $3, failure = $4, tracking_number = $5, changed_at = $6, pin = null,
        sent_at = case when status = 'ORDERED' then $6 else sent_at end, version = version + 1
    where partner_id = $1 and id = $2 and version = $7");

/// The statements of this module.
pub const STATEMENTS: &[Sql] =
    &[BY_ID, OF_CARD, OF_USER, WAITING, OF_BATCH, OVERDUE, COUNT_OVERDUE, SET_BATCH, UPDATE];

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Batch {
    /// The bureau that it is for.
    pub bureau: String,
    /// Its name, which is its file's.
    pub name: String,
}

/// An order with what only its way to the bureau needs.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The order.
    pub order: CardOrder,
    /// The program of its card.
    pub config_id: String,
    /// The PIN that was chosen, sealed; until the order has left.
    pub pin: Option<Vec<u8>>,
    /// The bureau and the batch that it leaves with.
    pub batch: Option<Batch>,
    /// When it was ordered.
    pub created_at: Timestamp,
    /// When it left.
    pub sent_at: Option<Timestamp>,
}

/// Adds an order.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    (order, config_id): (&CardOrder, &str),
    pin: Option<&[u8]>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = values![
        scope.partner(),
        order.id,
        order.holder,
        order.card,
        config_id,
        order.kind.as_str(),
        order.status.as_str(),
        order.delivery.as_str(),
        address_json(&order.address),
        order.line.as_str(),
        pin,
        now,
        now,
        order.version,
        order.expiry,
    ];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// The order of an id.
pub async fn find(tx: &mut Tx, scope: Scope, id: OrderId) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// The orders of a card, the oldest first.
pub async fn list_of_card(
    tx: &mut Tx,
    scope: Scope,
    card: CardId,
) -> Result<Vec<Kept>, StoreError> {
    tx.rows(&OF_CARD, &[&scope.partner(), &card]).await?.iter().map(read).collect()
}

/// A user's orders, the newest first.
pub async fn list_of_user(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    let rows = tx.rows(&OF_USER, &[&scope.partner(), &user, &limit]).await?;
    rows.iter().map(read).collect()
}

/// A program's orders that haven't left and were made before a moment, the oldest first.
pub async fn list_waiting(
    tx: &mut Tx,
    (partner, config_id): (PartnerId, &str),
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    let rows = tx.rows(&WAITING, &[&partner, &config_id, &before, &limit]).await?;
    rows.iter().map(read).collect()
}

/// The orders of a program's batch, as long as they aren't known to have left.
pub async fn list_of_batch(
    tx: &mut Tx,
    (partner, config_id): (PartnerId, &str),
    batch: &Batch,
) -> Result<Vec<Kept>, StoreError> {
    let rows = tx.rows(&OF_BATCH, &[&partner, &config_id, &batch.name]).await?;
    rows.iter().map(read).collect()
}

/// A partner's orders that left before a moment and of which the bureau has said nothing.
pub async fn list_overdue(
    tx: &mut Tx,
    partner: PartnerId,
    sent_before: Timestamp,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    tx.rows(&OVERDUE, &[&partner, &sent_before, &limit]).await?.iter().map(read).collect()
}

/// How many of those there are.
pub async fn count_overdue(
    tx: &mut Tx,
    partner: PartnerId,
    sent_before: Timestamp,
) -> Result<i64, StoreError> {
    tx.row(&COUNT_OVERDUE, &[&partner, &sent_before]).await?.get("orders")
}

/// Gives an order to a batch; `false` if it is in one, or has left.
pub async fn set_batch(
    tx: &mut Tx,
    scope: Scope,
    id: OrderId,
    batch: &Batch,
) -> Result<bool, StoreError> {
    let Batch { bureau, name } = batch;
    Ok(tx.run(&SET_BATCH, &[&scope.partner(), &id, bureau, name]).await? == 1)
}

/// Writes how far an order is, and forgets its PIN; `false` if it isn't of the version that was
/// read.
pub async fn update(
    tx: &mut Tx,
    scope: Scope,
    order: &CardOrder,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (partner, id, status) = (scope.partner(), order.id, order.status.as_str());
    let failure = order.failure.map(OrderFailure::as_str);
    let (tracking, version) = (&order.tracking, order.version);
    let parameters: [&dyn crate::db::ToValue; 7] =
        [&partner, &id, &status, &failure, tracking, &now, &version];
    Ok(tx.run(&UPDATE, &parameters).await? == 1)
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    let address = read_address(&row.get::<serde_json::Value>("address")?);
    let order = CardOrder {
        id: OrderId(row.get("id")?),
        holder: UserId(row.get("user_id")?),
        card: CardId(row.get("card_id")?),
        kind: word(row, "kind", OrderKind::parse)?,
        status: word(row, "status", OrderStatus::parse)?,
        failure: word_or_none(row, "failure", OrderFailure::parse)?,
        delivery: word(row, "delivery", Delivery::parse)?,
        address: address.ok_or_else(|| corrupt("address"))?,
        line: CardholderLine::kept(row.get("line")?),
        tracking: row.get("tracking_number")?,
        expiry: date_or_none(row, "expiry")?,
        version: row.get("version")?,
    };
    Ok(Kept {
        order,
        config_id: row.get("config_id")?,
        pin: row.get("pin")?,
        batch: read_batch(row)?,
        created_at: row.get("created_at")?,
        sent_at: row.get("sent_at")?,
    })
}

fn read_batch(row: &Row) -> Result<Option<Batch>, StoreError> {
    let bureau: Option<String> = row.get("bureau")?;
    let name: Option<String> = row.get("batch")?;
    Ok(bureau.zip(name).map(|(bureau, name)| Batch { bureau, name }))
}
