//! The keys that requests are encrypted for, sealed.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;

const TABLE: Table = Table {
    name: "jwe_key",
    key: &["number"],
    columns: &[
        ("number", Type::Int),
        ("kid", Type::Text),
        ("sealed", Type::Bytes),
        ("created_at", Type::Time),
        ("accepted_until", Type::Time),
    ],
};

const LIST: Sql = Sql("
    select number, kid, sealed, accepted_until
    from jwe_key
    order by number desc");
const END: Sql = Sql("
    update jwe_key
    set accepted_until = $2
    where number = $1");
const DELETE_ENDED: Sql = Sql("
    delete from jwe_key
    where accepted_until <= $1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, END, DELETE_ENDED];

/// A key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JweKey {
    /// Its place in the order in which keys were made.
    pub number: i64,
    /// Its thumbprint, which is its name in tokens.
    pub kid: String,
    /// The private key, sealed by the platform.
    pub sealed: Vec<u8>,
    /// Until when it is accepted, in real time; the current one has no end.
    pub accepted_until: Option<Timestamp>,
}

/// Every key, the newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<JweKey>, StoreError> {
    let rows = tx.rows(&LIST, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(JweKey {
                number: row.get("number")?,
                kid: row.get("kid")?,
                sealed: row.get("sealed")?,
                accepted_until: row.get("accepted_until")?,
            })
        })
        .collect()
}

/// Keeps a key. Whoever does holds the settings' version, so that nobody else numbers keys.
pub async fn insert(tx: &mut Tx, key: &JweKey, now: Timestamp) -> Result<(), StoreError> {
    let row = values![key.number, key.kid, key.sealed, now, key.accepted_until];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// Gives a key its end.
pub async fn update_end(tx: &mut Tx, number: i64, until: Timestamp) -> Result<(), StoreError> {
    tx.run(&END, &[&number, &until]).await.map(|_| ())
}

/// Deletes what isn't accepted any more; tells how many there were.
pub async fn delete_ended(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    tx.run(&DELETE_ENDED, &[&now]).await
}
