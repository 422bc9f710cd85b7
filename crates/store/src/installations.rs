//! Rows of `installation`: users' apps on their devices.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::device::Platform;
use domain::ids::{InstallationId, PartnerId, UserId};
use domain::scope::Scope;

const TABLE: Table = Table {
    name: "installation",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("user_id", Type::Int),
        ("public_key", Type::Bytes),
        ("created_at", Type::Time),
        ("device_id", Type::Text),
        ("platform", Type::Text),
    ],
};

const FIND: Sql = Sql("
    select partner_id, user_id, public_key
    from installation
    where id = $1 and ended_at is null");
const LIST: Sql = Sql("
    select id, device_id, platform, created_at
    from installation
    where partner_id = $1 and user_id = $2 and ended_at is null
    order by device_id
    limit 200");
const END: Sql = Sql("
    update installation
    set ended_at = $4
    where partner_id = $1 and user_id = $2 and id = $3 and ended_at is null");
const END_ON: Sql = Sql("
    update installation
    set ended_at = $4
    where partner_id = $1 and user_id = $2 and device_id = $3 and ended_at is null");
const END_ALL: Sql = Sql("
    update installation
    set ended_at = $3
    where partner_id = $1 and user_id = $2 and ended_at is null");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, LIST, END, END_ON, END_ALL];

/// A user's app on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Its name.
    pub id: InstallationId,
    /// What the app calls the device.
    pub device: String,
    /// What the device runs.
    pub platform: Platform,
    /// When it was paired.
    pub created_at: Timestamp,
}

/// Whose an installation is, and the key that it made.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The user's partner.
    pub partner: PartnerId,
    /// The user.
    pub user: UserId,
    /// What its signatures are checked with.
    pub public_key: Vec<u8>,
}

/// Adds an installation with its public key; the user has none on that device any more.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    (user, installation): (UserId, &Installation),
    public_key: &[u8],
) -> Result<(), StoreError> {
    let Installation { id, device, platform, created_at } = installation;
    let (partner, platform) = (scope.partner(), platform.as_str());
    let row = values![partner, id, user, public_key, created_at, device, platform];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// Whose an installation is, that isn't over.
pub async fn holder(tx: &mut Tx, id: InstallationId) -> Result<Option<Holder>, StoreError> {
    let Some(row) = tx.find(&FIND, &[&id]).await? else { return Ok(None) };
    let (partner, user) = (row.get("partner_id")?, row.get("user_id")?);
    Ok(Some(Holder { partner, user, public_key: row.get("public_key")? }))
}

/// A user's installations that aren't over, at most 200.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Vec<Installation>, StoreError> {
    tx.rows(&LIST, &[&scope.partner(), &user]).await?.iter().map(read).collect()
}

/// Ends a user's installation; whether there was one. Its sessions end with it.
pub async fn end(
    tx: &mut Tx,
    scope: Scope,
    (user, id): (UserId, InstallationId),
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.run(&END, &[&scope.partner(), &user, &id, &now]).await? == 1)
}

/// Ends a user's installation on a device, if there is one.
pub async fn end_on(
    tx: &mut Tx,
    scope: Scope,
    (user, device): (UserId, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&END_ON, &[&scope.partner(), &user, &device, &now]).await.map(|_| ())
}

/// Ends all installations of a user.
pub async fn end_all(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&END_ALL, &[&scope.partner(), &user, &now]).await.map(|_| ())
}

fn read(row: &Row) -> Result<Installation, StoreError> {
    Ok(Installation {
        id: row.get("id")?,
        device: row.get("device_id")?,
        platform: word(row, "platform", Platform::parse)?,
        created_at: row.get("created_at")?,
    })
}
