//! The keys that processors' PIN blocks are encrypted under, sealed.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::ProcessorId;

const TABLE: Table = Table {
    name: "pin_key",
    key: &["processor_id", "key_id"],
    columns: &[
        ("processor_id", Type::Int),
        ("key_id", Type::Text),
        ("cipher", Type::Text),
        ("sealed", Type::Bytes),
        ("check_value", Type::Text),
        ("created_at", Type::Time),
    ],
};

const LIST: Sql = Sql("
    select processor_id, key_id, cipher, sealed, check_value
    from pin_key
    order by processor_id, key_id");
const DELETE: Sql = Sql("
    delete from pin_key
    where processor_id = $1 and key_id = $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, DELETE];

/// A key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPinKey {
    /// Who shares it.
    pub processor: ProcessorId,
    /// Its name in messages.
    pub key_id: String,
    /// What it is for: `TDES` or `AES`.
    pub cipher: String,
    /// The key, sealed by the platform.
    pub sealed: Vec<u8>,
    /// Six hexadecimal digits by which both sides know that they have the same key.
    pub check_value: String,
}

/// Every key, by processor and name.
pub async fn list(tx: &mut Tx) -> Result<Vec<SealedPinKey>, StoreError> {
    let rows = tx.rows(&LIST, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(SealedPinKey {
                processor: ProcessorId(row.get("processor_id")?),
                key_id: row.get("key_id")?,
                cipher: row.get("cipher")?,
                sealed: row.get("sealed")?,
                check_value: row.get("check_value")?,
            })
        })
        .collect()
}

/// Keeps a key; `false` if the processor has one of this name.
pub async fn insert(tx: &mut Tx, key: &SealedPinKey, now: Timestamp) -> Result<bool, StoreError> {
    let row = values![key.processor, key.key_id, key.cipher, key.sealed, key.check_value, now];
    Ok(tx.insert_new(&TABLE, &[row]).await? == 1)
}

/// Deletes a key; `false` if there is none.
pub async fn delete(tx: &mut Tx, processor: ProcessorId, key_id: &str) -> Result<bool, StoreError> {
    Ok(tx.run(&DELETE, &[&processor, &key_id]).await? == 1)
}
