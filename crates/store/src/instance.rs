//! What this instance is, and the version of its settings.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;

const TABLE: Table = Table {
    name: "instance",
    key: &["id"],
    columns: &[
        ("id", Type::Int),
        ("kind", Type::Text),
        ("settings_version", Type::Int),
        ("created_at", Type::Time),
    ],
};

const KIND: Sql = Sql("select kind from instance where id = 1");
const VERSION: Sql = Sql("select settings_version from instance where id = 1");
const RAISE: Sql = Sql("
    update instance
    set settings_version = settings_version + 1
    where id = 1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[KIND, VERSION, RAISE];

/// The kind that was written at the database's birth: `sandbox` or `production`.
pub async fn find_kind(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    tx.find(&KIND, &[]).await?.map(|row| row.get("kind")).transpose()
}

/// Writes the kind, once; a second writer changes nothing.
pub async fn insert(tx: &mut Tx, kind: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.insert_new(&TABLE, &[values![1i64, kind, 1i64, now]]).await.map(|_| ())
}

/// The version of partners, programs and certificates.
pub async fn settings_version(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.row(&VERSION, &[]).await?.get("settings_version")
}

/// Tells every node that settings have changed.
pub async fn raise_settings_version(tx: &mut Tx) -> Result<(), StoreError> {
    tx.run(&RAISE, &[]).await.map(|_| ())
}
