//! The register of client certificates.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{PartnerId, ProcessorId};

const TABLE: Table = Table {
    name: "certificate",
    key: &["fingerprint"],
    columns: &[
        ("fingerprint", Type::Bytes),
        ("partner_id", Type::Int),
        ("processor_id", Type::Int),
        ("scopes", Type::Text),
        ("common_name", Type::Text),
        ("serial", Type::Text),
        ("not_before", Type::Time),
        ("not_after", Type::Time),
        ("revoked_at", Type::Time),
        ("created_at", Type::Time),
    ],
};

const LIST: Sql = Sql("
    select fingerprint, partner_id, processor_id, scopes, common_name, serial, not_before,
        not_after, revoked_at
    from certificate");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST];

/// A client certificate that our authority signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER: the identity.
    pub fingerprint: Vec<u8>,
    /// The partner whose it is, or
    pub partner: Option<PartnerId>,
    /// the processor whose it is.
    pub processor: Option<ProcessorId>,
    /// What it allows, separated by spaces.
    pub scopes: String,
    /// Its CN: only a name.
    pub common_name: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Every certificate.
pub async fn list(tx: &mut Tx) -> Result<Vec<Certificate>, StoreError> {
    let rows = tx.rows(&LIST, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Certificate {
                fingerprint: row.get("fingerprint")?,
                partner: row.get::<Option<i64>>("partner_id")?.map(PartnerId),
                processor: row.get::<Option<i64>>("processor_id")?.map(ProcessorId),
                scopes: row.get("scopes")?,
                common_name: row.get("common_name")?,
                serial: row.get("serial")?,
                not_before: row.get("not_before")?,
                not_after: row.get("not_after")?,
                revoked_at: row.get("revoked_at")?,
            })
        })
        .collect()
}

/// Registers a certificate.
pub async fn insert(
    tx: &mut Tx,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = values![
        certificate.fingerprint,
        certificate.partner,
        certificate.processor,
        certificate.scopes,
        certificate.common_name,
        certificate.serial,
        certificate.not_before,
        certificate.not_after,
        certificate.revoked_at,
        now,
    ];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}
