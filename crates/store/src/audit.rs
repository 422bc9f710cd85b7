//! Audit records: who did what, written in the transaction that they report.

use crate::db::{Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "audit",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("actor", Type::Text),
        ("action", Type::Text),
        ("object", Type::Text),
        ("detail", Type::Json),
        ("at", Type::Time),
    ],
};

/// One act.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Ordered by time.
    pub id: Uuid,
    /// Whose data was touched; the platform for what belongs to nobody.
    pub partner: PartnerId,
    /// Who: `os:NAME` at the control socket or the command line.
    pub actor: &'a str,
    /// What: noun and verb, such as `partner.create`.
    pub action: &'a str,
    /// To what.
    pub object: &'a str,
    /// What was asked for; never a secret.
    pub detail: &'a serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// Writes a record.
pub async fn insert(tx: &mut Tx, record: &Record<'_>) -> Result<(), StoreError> {
    let row = values![
        record.partner,
        record.id,
        record.actor,
        record.action,
        record.object,
        record.detail,
        record.at,
    ];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}
