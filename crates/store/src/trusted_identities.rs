//! Rows of `trusted_identity` and `identity_token`: who vouches for a partner's users, and which
//! tokens of theirs were used.

use crate::db::{Row, Sql, Table, ToValue, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;

const TABLE: Table = Table {
    name: "trusted_identity",
    key: &["partner_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("common_name", Type::Text),
        ("authorities", Type::Text),
        ("changed_at", Type::Time),
    ],
};

const TOKENS: Table = Table {
    name: "identity_token",
    key: &["digest"],
    columns: &[("digest", Type::Bytes), ("expires_at", Type::Time)],
};

const LIST: Sql = Sql("
    select partner_id, common_name, authorities
    from trusted_identity
    order by partner_id");
const BY_PARTNER_LOCKED: Sql = Sql("
    select partner_id, common_name, authorities
    from trusted_identity
    where partner_id = $1
    for no key update");
const UPDATE: Sql = Sql("
    update trusted_identity
    set common_name = $2, authorities = $3, changed_at = $4
    where partner_id = $1");
const DELETE: Sql = Sql("delete from trusted_identity where partner_id = $1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, BY_PARTNER_LOCKED, UPDATE, DELETE];

/// Who vouches for a partner's users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedIdentity {
    /// The partner.
    pub partner: PartnerId,
    /// The name in the certificate that tokens are signed with.
    pub common_name: String,
    /// The authorities that it leads to, PEM.
    pub authorities: String,
}

/// Who vouches for users, of every partner that lets somebody.
pub async fn list(tx: &mut Tx) -> Result<Vec<TrustedIdentity>, StoreError> {
    tx.rows(&LIST, &[]).await?.iter().map(read).collect()
}

/// Who vouches for a partner's users, locked until the transaction ends: who changes it waits for
/// the sessions that begin by it.
pub async fn find_locked(
    tx: &mut Tx,
    partner: PartnerId,
) -> Result<Option<TrustedIdentity>, StoreError> {
    tx.find(&BY_PARTNER_LOCKED, &[&partner]).await?.as_ref().map(read).transpose()
}

/// Writes who vouches for a partner's users, over what there was.
pub async fn save(
    tx: &mut Tx,
    trusted: &TrustedIdentity,
    now: Timestamp,
) -> Result<(), StoreError> {
    let TrustedIdentity { partner, common_name, authorities } = trusted;
    let parameters: [&dyn ToValue; 4] = [partner, common_name, authorities, &now];
    let row = parameters.iter().map(|value| value.to_value()).collect();
    if tx.insert_new(&TABLE, &[row]).await? == 0 {
        tx.run(&UPDATE, &parameters).await?;
    }
    Ok(())
}

/// Has nobody vouch for a partner's users.
pub async fn delete(tx: &mut Tx, partner: PartnerId) -> Result<(), StoreError> {
    tx.run(&DELETE, &[&partner]).await.map(|_| ())
}

/// Uses a token up, by the digest of its partner and name; `false` if it was used before.
pub async fn use_token(
    tx: &mut Tx,
    digest: &[u8; 32],
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.insert_new(&TOKENS, &[values![digest, expires_at]]).await? == 1)
}

fn read(row: &Row) -> Result<TrustedIdentity, StoreError> {
    Ok(TrustedIdentity {
        partner: row.get("partner_id")?,
        common_name: row.get("common_name")?,
        authorities: row.get("authorities")?,
    })
}
