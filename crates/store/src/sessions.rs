//! Rows of `session` and `challenge`: the right of users' apps to act.

use crate::db::{Sql, Table, Tx, Type};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{InstallationId, PartnerId, UserId};
use domain::scope::Scope;
use domain::user::UserState;

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
    select s.partner_id, s.user_id, s.installation_id, s.created_at, s.expires_at, u.state,
        i.ended_at
    from session s
    left join installation i on i.partner_id = s.partner_id and i.id = s.installation_id
    join \"user\" u on u.partner_id = s.partner_id and u.id = s.user_id
    where s.token_digest = $1");
const TAKE: Sql = Sql("
    delete from challenge
    where digest = $1 and partner_id = $2 and installation_id = $3
    returning expires_at");
const PROLONG: Sql = Sql("update session set expires_at = $2 where token_digest = $1");
const END: Sql = Sql("delete from session where token_digest = $1");
const END_ALL: Sql = Sql("delete from session where partner_id = $1 and user_id = $2");

const END_TRUSTED: Sql =
    Sql("delete from session where partner_id = $1 and installation_id is null");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, TAKE, PROLONG, END, END_ALL, END_TRUSTED];

/// SHA-256 of what only its holder has.
pub type Digest = [u8; 32];

/// A session as it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose user it is.
    pub partner: PartnerId,
    /// Who acts.
    pub user: UserId,
    /// From which installation; none if a trusted identity began it.
    pub installation: Option<InstallationId>,
    /// Since when.
    pub began_at: Timestamp,
    /// When it ends by itself, unless it is prolonged.
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

/// Adds a session under the digest of its token.
pub async fn insert(tx: &mut Tx, digest: &Digest, session: &Session) -> Result<(), StoreError> {
    let Session { partner, user, installation, began_at, expires_at } = *session;
    let row = values![digest, partner, user, installation, began_at, expires_at];
    tx.insert_all(&SESSIONS, &[row]).await.map(|_| ())
}

/// The session of a token's digest, over or not.
pub async fn find(tx: &mut Tx, digest: &Digest) -> Result<Option<Found>, StoreError> {
    let Some(row) = tx.find(&FIND, &[digest]).await? else { return Ok(None) };
    let session = Session {
        partner: PartnerId(row.get("partner_id")?),
        user: UserId(row.get("user_id")?),
        installation: row.get("installation_id")?,
        began_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
    };
    let user_state = word(&row, "state", UserState::parse)?;
    Ok(Some(Found { session, user_state, ended_at: row.get("ended_at")? }))
}

/// Has a session last until then.
pub async fn prolong(tx: &mut Tx, digest: &Digest, until: Timestamp) -> Result<(), StoreError> {
    tx.run(&PROLONG, &[digest, &until]).await.map(|_| ())
}

/// Ends a session.
pub async fn end(tx: &mut Tx, digest: &Digest) -> Result<(), StoreError> {
    tx.run(&END, &[digest]).await.map(|_| ())
}

/// Ends all sessions of a user.
pub async fn end_all(tx: &mut Tx, scope: Scope, user: UserId) -> Result<(), StoreError> {
    tx.run(&END_ALL, &[&scope.partner(), &user]).await.map(|_| ())
}

/// Ends all sessions of a partner's users that a trusted identity began.
pub async fn end_trusted(tx: &mut Tx, partner: PartnerId) -> Result<(), StoreError> {
    tx.run(&END_TRUSTED, &[&partner]).await.map(|_| ())
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
