//! Answers that were given to commands with an `X-Idempotency-Key`, outside the engine.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::scope::Scope;

const TABLE: Table = Table {
    name: "idempotency",
    key: &["partner_id", "endpoint", "key"],
    columns: &[
        ("partner_id", Type::Int),
        ("endpoint", Type::Text),
        ("key", Type::Text),
        ("fingerprint", Type::Bytes),
        ("answer", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

const FIND: Sql = Sql("
    select fingerprint, answer
    from idempotency
    where partner_id = $1 and endpoint = $2 and key = $3");

const AMEND: Sql = Sql("
    update idempotency
    set answer = $4
    where partner_id = $1 and endpoint = $2 and key = $3");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, AMEND];

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The keyed digest of the request.
    pub fingerprint: Vec<u8>,
    /// The answer, sealed.
    pub answer: Vec<u8>,
}

/// What the key was used for, if it was.
pub async fn find(
    tx: &mut Tx,
    scope: Scope,
    endpoint: &str,
    key: &str,
) -> Result<Option<Kept>, StoreError> {
    let row = tx.find(&FIND, &[&scope.partner(), &endpoint, &key]).await?;
    row.map(|row| Ok(Kept { fingerprint: row.get("fingerprint")?, answer: row.get("answer")? }))
        .transpose()
}

/// Keeps an answer; `false` if a twin was faster.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    name: (&str, &str),
    kept: &Kept,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (endpoint, key) = name;
    let row = values![scope.partner(), endpoint, key, kept.fingerprint, kept.answer, now];
    Ok(tx.insert_new(&TABLE, &[row]).await? == 1)
}

/// Keeps another answer in the place of one that stood for what wasn't known yet.
pub async fn amend(
    tx: &mut Tx,
    scope: Scope,
    (endpoint, key): (&str, &str),
    answer: &[u8],
) -> Result<(), StoreError> {
    tx.run(&AMEND, &[&scope.partner(), &endpoint, &key, &answer]).await.map(|_| ())
}
