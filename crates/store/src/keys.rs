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

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[DATA_KEY, CARD_KEY];

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
