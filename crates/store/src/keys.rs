//! Wrapped and sealed keys.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;

const DATA_KEYS: Table = Table {
    name: "data_key",
    key: &["partner_id"],
    columns: &[("partner_id", Type::Int), ("wrapped", Type::Bytes), ("created_at", Type::Time)],
};

const CARD_KEYS: Table = Table {
    name: "card_key",
    key: &["partner_id", "bin", "purpose", "generation"],
    columns: &[
        ("partner_id", Type::Int),
        ("bin", Type::Text),
        ("purpose", Type::Text),
        ("generation", Type::Int),
        ("sealed", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

const DATA_KEY: Sql = Sql("select wrapped from data_key where partner_id = $1");
const CARD_KEY: Sql = Sql("
    select sealed
    from card_key
    where partner_id = $1 and bin = $2 and purpose = $3 and generation = $4");

const DATA_KEYS_ALL: Sql = Sql("select partner_id, wrapped from data_key order by partner_id");
const REWRAP: Sql = Sql("update data_key set wrapped = $2 where partner_id = $1");
/// Every start leaves a row of the first; the others are written by commands without a server.
const IS_UNUSED: Sql = Sql("
    select not (exists (select 1 from jwe_key) or exists (select 1 from data_key)
        or exists (select 1 from pin_key) or exists (select 1 from bureau)
        or exists (select 1 from admin_account)) as is_unused");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[DATA_KEY, CARD_KEY, DATA_KEYS_ALL, REWRAP, IS_UNUSED];

/// A wrapped key, and whose it is.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    /// The partner; the platform's own is [`PartnerId::PLATFORM`].
    pub partner: PartnerId,
    /// The key, wrapped by the master key.
    pub wrapped: Vec<u8>,
}

/// Whether nothing of a database is sealed or digested yet.
pub async fn is_unused(tx: &mut Tx) -> Result<bool, StoreError> {
    tx.row(&IS_UNUSED, &[]).await?.get("is_unused")
}

/// Every wrapped key, the platform's first.
pub async fn data_keys(tx: &mut Tx) -> Result<Vec<WrappedKey>, StoreError> {
    let rows = tx.rows(&DATA_KEYS_ALL, &[]).await?;
    let read = |row: &crate::db::Row| {
        Ok(WrappedKey { partner: row.get("partner_id")?, wrapped: row.get("wrapped")? })
    };
    rows.iter().map(read).collect()
}

/// Replaces a wrapped key by itself, wrapped by another master key; `false` if it isn't there.
pub async fn rewrap(tx: &mut Tx, key: &WrappedKey) -> Result<bool, StoreError> {
    Ok(tx.run(&REWRAP, &[&key.partner, &key.wrapped]).await? == 1)
}

/// Keeps the platform's wrapped key, unless there is one.
pub async fn insert_platform_key(
    tx: &mut Tx,
    wrapped: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.insert_new(&DATA_KEYS, &[values![PartnerId::PLATFORM, wrapped, now]]).await.map(|_| ())
}

/// A partner's key, wrapped by the master key.
pub async fn find_data_key(tx: &mut Tx, partner: PartnerId) -> Result<Option<Vec<u8>>, StoreError> {
    tx.find(&DATA_KEY, &[&partner]).await?.map(|row| row.get("wrapped")).transpose()
}

/// Keeps a partner's wrapped key.
pub async fn insert_data_key(
    tx: &mut Tx,
    partner: PartnerId,
    wrapped: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.insert_all(&DATA_KEYS, &[values![partner, wrapped, now]]).await.map(|_| ())
}

/// A sealed key of a BIN: `cvc` (by generation), `pvk` (by index) or `permutation`.
pub async fn find_card_key(
    tx: &mut Tx,
    partner: PartnerId,
    bin: &str,
    purpose: &str,
    generation: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.find(&CARD_KEY, &[&partner, &bin, &purpose, &generation]).await?;
    row.map(|row| row.get("sealed")).transpose()
}

/// Keeps a sealed key of a BIN; `false` if there is one already.
pub async fn insert_card_key(
    tx: &mut Tx,
    partner: PartnerId,
    key: (&str, &str, i64),
    sealed: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (bin, purpose, generation) = key;
    let row = values![partner, bin, purpose, generation, sealed, now];
    Ok(tx.insert_new(&CARD_KEYS, &[row]).await? == 1)
}
