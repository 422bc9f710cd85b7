//! Rows of `installation`, `session` and `challenge`: users' apps, and their right to act.

use crate::db::{Sql, Table, Tx, Type};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{InstallationId, PartnerId, UserId};
use domain::scope::Scope;
use domain::user::UserState;

const INSTALLATIONS: Table = Table {
    name: "installation",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("user_id", Type::Int),
        ("public_key", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

const SESSIONS: Table = Table {
    name: "session",
    key: &["token_digest"],
    columns: &[
        ("token_digest", Type::Bytes),
        ("partner_id", Type::Int),
        ("user_id", Type::Int),
        ("installation_id", Type::Uuid),
        ("created_at", Type::Time),
        ("expires_at", Type::Time),
    ],
};

const CHALLENGES: Table = Table {
    name: "challenge",
    key: &["digest"],
    columns: &[
        ("digest", Type::Bytes),
        ("partner_id", Type::Int),
        ("installation_id", Type::Uuid),
        ("expires_at", Type::Time),
    ],
};

/// With what its user and its installation are now: a session ends with either.
const FIND: Sql = Sql("
    select s.partner_id, s.user_id, s.installation_id, s.expires_at, u.state, i.ended_at
    from session s
    join installation i on i.partner_id = s.partner_id and i.id = s.installation_id
    join \"user\" u on u.partner_id = s.partner_id and u.id = s.user_id
    where s.token_digest = $1");
const KEY: Sql = Sql("
    select public_key
    from installation
    where partner_id = $1 and id = $2 and ended_at is null");
const TAKE: Sql = Sql("
    delete from challenge
    where digest = $1 and partner_id = $2 and installation_id = $3
    returning expires_at");

const END_ALL: Sql = Sql("delete from session where partner_id = $1 and user_id = $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, KEY, TAKE, END_ALL];

/// SHA-256 of what only its holder has.
pub type Digest = [u8; 32];

/// A session as it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose user it is.
    pub partner: PartnerId,
    /// Who acts.
    pub user: UserId,
    /// From which installation.
    pub installation: InstallationId,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A session with what became of its user and its installation since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// As it was begun.
    pub session: Session,
    /// Where its user stands.
    pub user_state: UserState,
    /// Since when its installation is over.
    pub ended_at: Option<Timestamp>,
}

/// Adds an installation with its public key.
pub async fn insert_installation(
    tx: &mut Tx,
    scope: Scope,
    (id, user): (InstallationId, UserId),
    public_key: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = values![scope.partner(), id, user, public_key, now];
    tx.insert_all(&INSTALLATIONS, &[row]).await.map(|_| ())
}

/// Adds a session under the digest of its token.
pub async fn insert(
    tx: &mut Tx,
    digest: &Digest,
    session: &Session,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Session { partner, user, installation, expires_at } = *session;
    let row = values![digest, partner, user, installation, now, expires_at];
    tx.insert_all(&SESSIONS, &[row]).await.map(|_| ())
}

/// The session of a token's digest, over or not.
pub async fn find(tx: &mut Tx, digest: &Digest) -> Result<Option<Found>, StoreError> {
    let Some(row) = tx.find(&FIND, &[digest]).await? else { return Ok(None) };
    let session = Session {
        partner: PartnerId(row.get("partner_id")?),
        user: UserId(row.get("user_id")?),
        installation: InstallationId(row.get("installation_id")?),
        expires_at: row.get("expires_at")?,
    };
    let user_state = word(&row, "state", UserState::parse)?;
    Ok(Some(Found { session, user_state, ended_at: row.get("ended_at")? }))
}

/// Ends all sessions of a user.
pub async fn end_all(tx: &mut Tx, scope: Scope, user: UserId) -> Result<(), StoreError> {
    tx.run(&END_ALL, &[&scope.partner(), &user]).await.map(|_| ())
}

/// The public key of an installation that isn't over.
pub async fn public_key(
    tx: &mut Tx,
    partner: PartnerId,
    id: InstallationId,
) -> Result<Option<Vec<u8>>, StoreError> {
    tx.find(&KEY, &[&partner, &id]).await?.map(|row| row.get("public_key")).transpose()
}

/// Keeps what an installation is to sign.
pub async fn insert_challenge(
    tx: &mut Tx,
    digest: &Digest,
    of: (PartnerId, InstallationId),
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let row = values![digest, of.0, of.1, expires_at];
    tx.insert_all(&CHALLENGES, &[row]).await.map(|_| ())
}

/// Takes a challenge of an installation, so that nobody takes it again; when it ends by itself.
pub async fn take_challenge(
    tx: &mut Tx,
    digest: &Digest,
    (partner, installation): (PartnerId, InstallationId),
) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.find(&TAKE, &[digest, &partner, &installation]).await?;
    row.map(|row| row.get("expires_at")).transpose()
}
