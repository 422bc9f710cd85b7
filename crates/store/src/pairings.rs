//! Rows of `pairing`: activation codes that were given out. A code tells neither partner nor user:
//! it is looked for before it is known whose it is.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::device::Pairing;
use domain::ids::UserId;
use domain::scope::Scope;

const TABLE: Table = Table {
    name: "pairing",
    key: &["name"],
    columns: &[
        ("name", Type::Text),
        ("digest", Type::Bytes),
        ("partner_id", Type::Int),
        ("user_id", Type::Int),
        ("tries", Type::Int),
        ("created_at", Type::Time),
        ("expires_at", Type::Time),
    ],
};

const FIND: Sql = Sql("
    select digest, partner_id, user_id, tries, expires_at
    from pairing
    where name = $1");
const SET_TRIES: Sql = Sql("update pairing set tries = $2 where name = $1");
const END_ALL: Sql = Sql("delete from pairing where partner_id = $1 and user_id = $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, SET_TRIES, END_ALL];

/// A code that was given out, and the keyed digest of all of it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What is known of it.
    pub pairing: Pairing,
    /// Of the whole code.
    pub digest: Vec<u8>,
}

/// Adds a code by its name; `false` if there is one of that name.
pub async fn insert(
    tx: &mut Tx,
    (name, digest): (&str, &[u8]),
    pairing: &Pairing,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Pairing { partner, user, tries, expires_at } = *pairing;
    let row = values![name, digest, partner, user, tries, now, expires_at];
    Ok(tx.insert_new(&TABLE, &[row]).await? == 1)
}

/// The code of a name. Its user's row guards it.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Kept>, StoreError> {
    tx.find(&FIND, &[&name]).await?.as_ref().map(read).transpose()
}

/// Writes how often a wrong code of a name was tried; the caller holds the lock of its user.
pub async fn set_tries(tx: &mut Tx, name: &str, tries: i64) -> Result<(), StoreError> {
    tx.run(&SET_TRIES, &[&name, &tries]).await.map(|_| ())
}

/// Ends all codes of a user; the caller holds their lock.
pub async fn end_all(tx: &mut Tx, scope: Scope, user: UserId) -> Result<(), StoreError> {
    tx.run(&END_ALL, &[&scope.partner(), &user]).await.map(|_| ())
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    let pairing = Pairing {
        partner: row.get("partner_id")?,
        user: row.get("user_id")?,
        tries: row.get("tries")?,
        expires_at: row.get("expires_at")?,
    };
    Ok(Kept { pairing, digest: row.get("digest")? })
}
