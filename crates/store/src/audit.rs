//! Audit records: who did what, written in the transaction that they report.

use crate::db::{Table, Tx, Type, Value};
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
        ("address", Type::Text),
        ("request_id", Type::Text),
    ],
};

/// One act.
#[derive(Clone, Debug)]
pub struct Record {
    /// Ordered by time.
    pub id: Uuid,
    /// Whose data was touched; the platform for what belongs to nobody.
    pub partner: PartnerId,
    /// Who: `certificate:NAME/SERIAL` of a caller, or `os:NAME` at the control socket or the
    /// command line.
    pub actor: String,
    /// What: noun and verb, such as `partner.create`.
    pub action: String,
    /// To what.
    pub object: String,
    /// What was there before and after; never a secret, and of a person only digests.
    pub detail: serde_json::Value,
    /// When.
    pub at: Timestamp,
    /// The IP address that it came from; none for this machine.
    pub address: Option<String>,
    /// The name of its request; none at the control socket or the command line.
    pub request_id: Option<String>,
}

/// Writes records.
pub async fn insert(tx: &mut Tx, records: &[Record]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = records.iter().map(row).collect();
    tx.insert_all(&TABLE, &rows).await.map(|_| ())
}

fn row(record: &Record) -> Vec<Value> {
    values![
        record.partner,
        record.id,
        record.actor,
        record.action,
        record.object,
        record.detail,
        record.at,
        record.address,
        record.request_id,
    ]
}
