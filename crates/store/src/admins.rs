//! Rows of `admin_account` and `admin_session`: panel accounts, and their right to act. They belong
//! to no tenant's data: an account is looked for before it is known whose it is.

use crate::db::{Row, Sql, Table, ToValue, Tx, Type};
use crate::read::word;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::admin::{Account, Role};
use domain::ids::{AdminId, PartnerId};
use domain::scope::Scope;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

const ACCOUNTS: Table = Table {
    name: "admin_account",
    key: &["email"],
    columns: &[
        ("id", Type::Uuid),
        ("email", Type::Text),
        ("partner_id", Type::Int),
        ("role", Type::Text),
        ("disabled", Type::Bool),
        ("failures", Type::Int),
        ("locked_until", Type::Time),
        ("used_at", Type::Time),
        ("code_step", Type::Int),
        ("password", Type::Text),
        ("code_secret", Type::Bytes),
        ("created_at", Type::Time),
        ("version", Type::Int),
        ("secrets_shown", Type::Bool),
    ],
};

const SESSIONS: Table = Table {
    name: "admin_session",
    key: &["token_digest"],
    columns: &[
        ("token_digest", Type::Bytes),
        ("account_id", Type::Uuid),
        ("began_at", Type::Time),
        ("expires_at", Type::Time),
    ],
};

macro_rules! select {
    ($where:literal) => {
        Sql(concat!(
            "select id, email, partner_id, role, disabled, failures, locked_until, used_at,
                code_step, password, code_secret, secrets_shown, version
            from admin_account ",
            $where
        ))
    };
}

const BY_EMAIL: Sql = select!("where email = $1");
const BY_EMAIL_LOCKED: Sql = select!("where email = $1 for no key update");
const BY_ID: Sql = select!("where id = $1");
const BY_ID_LOCKED: Sql = select!("where id = $1 for no key update");
const OPERATORS_LOCKED: Sql =
    select!("where email > '' and partner_id is null order by email for no key update");
const LIST: Sql = select!("order by email");
const PAGE: Sql = select!(
    "where email > coalesce((select email from admin_account where id = $1), '')
    order by email
    limit $2"
);
const PAGE_OF: Sql = select!(
    "where email > coalesce((select email from admin_account where id = $1 and partner_id = $3), '')
        and partner_id = $3
    order by email
    limit $2"
);
const EMAILS: Sql = Sql("
    select id, email
    from admin_account
    where partner_id = $1 and id = any($2)");
const EMAILS_OF_OPERATORS: Sql = Sql("
    select id, email
    from admin_account
    where partner_id is null and id = any($1)");
const UPDATE: Sql = Sql("
    update admin_account
    set role = $2, disabled = $3, failures = $4, locked_until = $5, used_at = $6, code_step = $7,
        secrets_shown = $8, version = version + 1
    where id = $1 and version = $9");
const SET_SECRETS: Sql = Sql("
    update admin_account
    set password = $2, code_secret = $3, version = version + 1
    where id = $1");
const SESSION: Sql = Sql("
    select s.began_at, s.expires_at, a.id, a.email, a.partner_id, a.role, a.disabled, a.failures,
        a.locked_until, a.used_at, a.code_step, a.secrets_shown, a.version
    from admin_session s
    join admin_account a on a.id = s.account_id
    where s.token_digest = $1");
const PROLONG: Sql = Sql("update admin_session set expires_at = $2 where token_digest = $1");
const END: Sql = Sql("delete from admin_session where token_digest = $1");
const END_ALL: Sql = Sql("delete from admin_session where account_id = $1");
const END_OTHERS: Sql =
    Sql("delete from admin_session where account_id = $1 and token_digest <> $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    BY_EMAIL,
    BY_EMAIL_LOCKED,
    BY_ID,
    BY_ID_LOCKED,
    OPERATORS_LOCKED,
    LIST,
    PAGE,
    PAGE_OF,
    EMAILS,
    EMAILS_OF_OPERATORS,
    UPDATE,
    SET_SECRETS,
    SESSION,
    PROLONG,
    END,
    END_ALL,
    END_OTHERS,
];

/// SHA-256 of what only its holder has.
pub type Digest = [u8; 32];

/// An account with what opens it.
#[derive(Clone)]
pub struct Kept {
    /// The account.
    pub account: Account,
    /// The password's hash.
    pub password: String,
    /// The secret of its codes, sealed.
    pub code_secret: Vec<u8>,
}

/// A session of an account.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose it is.
    pub account: Account,
    /// Since when.
    pub began_at: Timestamp,
    /// Until when, unless it is prolonged.
    pub expires_at: Timestamp,
}

/// Adds an account; `false` if there is one of this address.
pub async fn insert(tx: &mut Tx, kept: &Kept, now: Timestamp) -> Result<bool, StoreError> {
    let Kept { account, password, code_secret } = kept;
    let row = values![
        account.id,
        account.email,
        account.partner,
        account.role.as_str(),
        account.disabled,
        account.failures,
        account.locked_until,
        account.used_at,
        account.code_step,
        password,
        code_secret,
        now,
        account.version,
        account.secrets_shown,
    ];
    Ok(tx.insert_new(&ACCOUNTS, &[row]).await? == 1)
}

/// The account of an address.
pub async fn find(tx: &mut Tx, email: &str) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_EMAIL, &[&email]).await?.as_ref().map(read).transpose()
}

/// The same, locked until the transaction ends.
pub async fn find_locked(tx: &mut Tx, email: &str) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_EMAIL_LOCKED, &[&email]).await?.as_ref().map(read).transpose()
}

/// The account of an id.
pub async fn find_by_id(tx: &mut Tx, id: AdminId) -> Result<Option<Account>, StoreError> {
    tx.find(&BY_ID, &[&id]).await?.as_ref().map(read_account).transpose()
}

/// The same, locked until the transaction ends.
pub async fn find_by_id_locked(tx: &mut Tx, id: AdminId) -> Result<Option<Account>, StoreError> {
    tx.find(&BY_ID_LOCKED, &[&id]).await?.as_ref().map(read_account).transpose()
}

/// The operator's own accounts, all locked until the transaction ends.
pub async fn operators_locked(tx: &mut Tx) -> Result<Vec<Account>, StoreError> {
    tx.rows(&OPERATORS_LOCKED, &[]).await?.iter().map(read_account).collect()
}

/// Accounts by address, those that come after one: everybody's, or a partner's own.
pub async fn page(
    tx: &mut Tx,
    scope: Option<Scope>,
    after: Option<AdminId>,
    limit: i64,
) -> Result<Vec<Account>, StoreError> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = match scope {
        Some(scope) => tx.rows(&PAGE_OF, &[&after, &limit, &scope.partner()]).await?,
        None => tx.rows(&PAGE, &[&after, &limit]).await?,
    };
    rows.iter().map(read_account).collect()
}

/// Every account, by address.
pub async fn list(tx: &mut Tx) -> Result<Vec<Account>, StoreError> {
    tx.rows(&LIST, &[]).await?.iter().map(read_account).collect()
}

/// The addresses of those of these accounts that are a partner's own.
pub async fn emails(
    tx: &mut Tx,
    scope: Scope,
    accounts: &BTreeSet<AdminId>,
) -> Result<HashMap<AdminId, String>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|id| id.0).collect();
    let rows = tx.rows(&EMAILS, &[&scope.partner(), &ids]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("email")?))).collect()
}

/// Those of the operator's people among accounts.
pub async fn emails_of_operators(
    tx: &mut Tx,
    accounts: &BTreeSet<AdminId>,
) -> Result<HashMap<AdminId, String>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|id| id.0).collect();
    let rows = tx.rows(&EMAILS_OF_OPERATORS, &[&ids]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("email")?))).collect()
}

/// Writes an account; the caller holds its lock.
pub async fn update(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    let Account { id, disabled, failures, locked_until, used_at, code_step, version, .. } = account;
    let (role, shown) = (account.role.as_str(), &account.secrets_shown);
    let row: [&dyn ToValue; 9] =
        [id, &role, disabled, failures, locked_until, used_at, code_step, shown, version];
    let changed = tx.run(&UPDATE, &row).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Writes what opens an account; the caller holds its lock.
pub async fn set_secrets(
    tx: &mut Tx,
    id: AdminId,
    (password, code_secret): (&str, &[u8]),
) -> Result<(), StoreError> {
    tx.run(&SET_SECRETS, &[&id, &password, &code_secret]).await.map(|_| ())
}

/// Adds a session under the digest of its token.
pub async fn begin(
    tx: &mut Tx,
    digest: &Digest,
    account: AdminId,
    (began_at, expires_at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let row = values![digest, account, began_at, expires_at];
    tx.insert_all(&SESSIONS, &[row]).await.map(|_| ())
}

/// The session of a token's digest, over or not.
pub async fn find_session(tx: &mut Tx, digest: &Digest) -> Result<Option<Session>, StoreError> {
    let row = tx.find(&SESSION, &[digest]).await?;
    row.map(|row| {
        Ok(Session {
            account: read_account(&row)?,
            began_at: row.get("began_at")?,
            expires_at: row.get("expires_at")?,
        })
    })
    .transpose()
}

/// Has a session last until then.
pub async fn prolong(tx: &mut Tx, digest: &Digest, until: Timestamp) -> Result<(), StoreError> {
    tx.run(&PROLONG, &[digest, &until]).await.map(|_| ())
}

/// Ends a session.
pub async fn end(tx: &mut Tx, digest: &Digest) -> Result<(), StoreError> {
    tx.run(&END, &[digest]).await.map(|_| ())
}

/// Ends all sessions of an account; how many there were.
pub async fn end_all(tx: &mut Tx, account: AdminId) -> Result<u64, StoreError> {
    tx.run(&END_ALL, &[&account]).await
}

/// Ends all sessions of an account but the one of this token's digest.
pub async fn end_others(tx: &mut Tx, account: AdminId, digest: &Digest) -> Result<(), StoreError> {
    tx.run(&END_OTHERS, &[&account, digest]).await.map(|_| ())
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    Ok(Kept {
        account: read_account(row)?,
        password: row.get("password")?,
        code_secret: row.get("code_secret")?,
    })
}

fn read_account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: AdminId(row.get::<Uuid>("id")?),
        email: row.get("email")?,
        partner: row.get::<Option<i64>>("partner_id")?.map(PartnerId),
        role: word(row, "role", Role::parse)?,
        disabled: row.get("disabled")?,
        failures: row.get("failures")?,
        locked_until: row.get("locked_until")?,
        used_at: row.get("used_at")?,
        code_step: row.get("code_step")?,
        secrets_shown: row.get("secrets_shown")?,
        version: row.get("version")?,
    })
}
