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
        ("operator", Type::Text),
    ],
};

const LIST: Sql = Sql("
    select fingerprint, partner_id, processor_id, operator, scopes, common_name, serial, not_before,
        not_after, revoked_at
    from certificate
    order by not_before, fingerprint");
const REVOKE: Sql = Sql("
    update certificate
    set revoked_at = $2
    where fingerprint = $1 and revoked_at is null");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, REVOKE];

/// A client certificate that our authority signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER: the identity.
    pub fingerprint: Vec<u8>,
    /// The partner whose it is, or
    pub partner: Option<PartnerId>,
    /// the processor whose it is, or
    pub processor: Option<ProcessorId>,
    /// the operator whose it is.
    pub operator: Option<String>,
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

/// Every certificate, those that began first first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Certificate>, StoreError> {
    let rows = tx.rows(&LIST, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Certificate {
                fingerprint: row.get("fingerprint")?,
                partner: row.get::<Option<i64>>("partner_id")?.map(PartnerId),
                processor: row.get::<Option<i64>>("processor_id")?.map(ProcessorId),
                operator: row.get("operator")?,
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
        certificate.operator,
    ];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// Revokes a certificate from `now` on, in real time; `false` if it was revoked before.
pub async fn revoke(tx: &mut Tx, fingerprint: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.run(&REVOKE, &[&fingerprint, &now]).await? == 1)
}
