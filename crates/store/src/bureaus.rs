//! Rows of `bureau`: who makes plastic.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;

const TABLE: Table = Table {
    name: "bureau",
    key: &["name"],
    columns: &[
        ("name", Type::Text),
        ("folder", Type::Text),
        ("public_key", Type::Text),
        ("host_keys", Type::Text),
        ("ssh_key", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

const LIST: Sql =
    Sql("select name, folder, public_key, host_keys, ssh_key from bureau order by name");
const UPDATE: Sql = Sql(
    "update bureau set folder = $2, public_key = $3, host_keys = $4, ssh_key = $5 where name = $1",
);

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, UPDATE];

/// Who makes plastic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bureau {
    /// Its name.
    pub name: String,
    /// The folder that batches are put into and reports are taken from: a path, or the URL of one
    /// on an SFTP server.
    pub folder: String,
    /// The key that numbers and PINs are encrypted for, in PEM.
    pub public_key: String,
    /// What an SFTP server shows: a host key a line.
    pub host_keys: Option<String>,
    /// Our key for it, sealed.
    pub ssh_key: Option<Vec<u8>>,
}

/// Every bureau, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Bureau>, StoreError> {
    let rows = tx.rows(&LIST, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Bureau {
                name: row.get("name")?,
                folder: row.get("folder")?,
                public_key: row.get("public_key")?,
                host_keys: row.get("host_keys")?,
                ssh_key: row.get("ssh_key")?,
            })
        })
        .collect()
}

/// Adds a bureau, or changes the one of its name.
pub async fn set(tx: &mut Tx, bureau: &Bureau, now: Timestamp) -> Result<(), StoreError> {
    let Bureau { name, folder, public_key, host_keys, ssh_key } = bureau;
    if tx.run(&UPDATE, &[name, folder, public_key, host_keys, ssh_key]).await? == 0 {
        let row = values![name, folder, public_key, host_keys, ssh_key, now];
        tx.insert_new(&TABLE, &[row]).await?;
    }
    Ok(())
}
