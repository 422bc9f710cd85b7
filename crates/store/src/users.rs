//! Rows of `"user"`.

pub mod search;

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{corrupt, date, word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::authorization::OwnerFacts;
use domain::ids::{PartnerId, UserId};
use domain::scope::Scope;
use domain::search::Names;
use domain::user::{
    Address, Country, Email, Kyc, Phone, Profile, TransactionalLock, User, UserState,
};
use serde_json::json;
use std::collections::{BTreeSet, HashSet};

const TABLE: Table = Table {
    name: "\"user\"",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Int),
        ("first_name", Type::Text),
        ("last_name", Type::Text),
        ("phone", Type::Text),
        ("phone_digits", Type::Text),
        ("email", Type::Text),
        ("email_folded", Type::Text),
        ("birth_date", Type::Text),
        ("external_id", Type::Text),
        ("address", Type::Json),
        ("state", Type::Text),
        ("state_before", Type::Text),
        ("kyc", Type::Text),
        ("created_at", Type::Time),
        ("deleted_at", Type::Time),
        ("version", Type::Int),
        ("first_name_folded", Type::Text),
        ("last_name_folded", Type::Text),
    ],
};

/// What every reading of users selects.
macro_rules! select {
    ($where:literal) => {
        Sql(concat!(
            "select id, first_name, last_name, phone, email, birth_date, external_id, address,
                state, state_before, kyc, version
            from \"user\"
            where partner_id = $1 and deleted_at is null and ",
            $where
        ))
    };
}

const BY_ID: Sql = select!("id = $2");
const BY_ID_LOCKED: Sql = select!("id = $2 for no key update");
const BY_EMAIL: Sql = select!("email_folded = $2");
const BY_PHONE: Sql = select!("phone_digits = $2");
const BY_EXTERNAL_ID: Sql = select!("external_id = $2 order by id limit 200");
const UPDATE: Sql = Sql("
    update \"user\"
    set first_name = $3, last_name = $4, phone = $5, phone_digits = $6, email = $7,
        email_folded = $8, birth_date = $9, external_id = $10, address = $11, state = $12,
        kyc = $13, state_before = $14, first_name_folded = $16, last_name_folded = $17,
        version = version + 1
    where partner_id = $1 and id = $2 and version = $15");
const REMOVE: Sql = Sql("
    update \"user\"
    set state = 'DELETED', state_before = null, deleted_at = $3, version = version + 1
    where partner_id = $1 and id = $2 and version = $4");
const LOCKS: Sql = Sql("
    select transactional_locks
    from \"user\"
    where partner_id = $1 and id = $2");
const SET_LOCKS: Sql = Sql("
    update \"user\"
    set transactional_locks = $3, version = version + 1
    where partner_id = $1 and id = $2");
const CONTACT: Each = Each {
    sql: "select id, email, first_name, last_name, phone, external_id
        from \"user\"
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Int],
};
const LOCK: Each = Each {
    sql: "select id from \"user\" where partner_id = $1 and id = $2 for no key update",
    keys: &[Type::Int, Type::Int],
};
const TAKEN_EMAIL: Each = Each {
    sql: "select email_folded as taken
        from \"user\"
        where partner_id = $1 and email_folded = $2 and deleted_at is null
        limit 1",
    keys: &[Type::Int, Type::Text],
};
const TAKEN_PHONE: Each = Each {
    sql: "select phone_digits as taken
        from \"user\"
        where partner_id = $1 and phone_digits = $2 and deleted_at is null
        limit 1",
    keys: &[Type::Int, Type::Text],
};
const FACTS: Each = Each {
    sql: "select partner_id, id, state, transactional_locks
        from \"user\"
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Int],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] =
    &[BY_ID, BY_ID_LOCKED, BY_EMAIL, BY_PHONE, BY_EXTERNAL_ID, UPDATE, REMOVE, LOCKS, SET_LOCKS];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[TAKEN_EMAIL, TAKEN_PHONE, CONTACT];
/// Those that the engine runs for each of a set.
pub const ENGINE: &[Each] = &[LOCK, FACTS];

/// How a user is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// By e-mail, whatever its case.
    Email(Email),
    /// By phone, whatever its `+`.
    Phone(Phone),
    /// By the partner's own name.
    ExternalId(String),
}

/// The user of an id; a deleted one isn't there.
pub async fn find(tx: &mut Tx, scope: Scope, id: UserId) -> Result<Option<User>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// The same, locked until the transaction ends.
pub async fn find_locked(
    tx: &mut Tx,
    scope: Scope,
    id: UserId,
) -> Result<Option<User>, StoreError> {
    tx.find(&BY_ID_LOCKED, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// The users that a key names: one at most for e-mail and phone.
pub async fn list_by(tx: &mut Tx, scope: Scope, key: &Key) -> Result<Vec<User>, StoreError> {
    let partner = scope.partner();
    let rows = match key {
        Key::Email(email) => tx.rows(&BY_EMAIL, &[&partner, &email.folded()]).await?,
        Key::Phone(phone) => tx.rows(&BY_PHONE, &[&partner, &phone.digits()]).await?,
        Key::ExternalId(id) => tx.rows(&BY_EXTERNAL_ID, &[&partner, id]).await?,
    };
    rows.iter().map(read).collect()
}

/// How a user is addressed, also one who was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// E-mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Phone, as written.
    pub phone: String,
    /// The partner's own name for the user.
    pub external_id: Option<String>,
}

/// How users are addressed.
pub async fn contacts(
    tx: &mut Tx,
    partner: PartnerId,
    ids: impl Iterator<Item = UserId>,
) -> Result<Vec<(UserId, Contact)>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.map(|id| values![partner, id]).collect();
    let rows = tx.rows_each(&CONTACT, &keys).await?;
    let contact = |row: &Row| {
        let contact = Contact {
            email: row.get("email")?,
            first_name: row.get("first_name")?,
            last_name: row.get("last_name")?,
            phone: row.get("phone")?,
            external_id: row.get("external_id")?,
        };
        Ok((UserId(row.get("id")?), contact))
    };
    rows.iter().map(contact).collect()
}

/// Adds a user; `false` if e-mail or phone is somebody else's.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    user: &User,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.insert_new(&TABLE, &[row_of(scope, user, now)]).await? == 1)
}

/// Adds users at once; answers how many: none of those whose e-mail or phone is somebody else's.
pub async fn insert_all<'a>(
    tx: &mut Tx,
    scope: Scope,
    users: impl Iterator<Item = &'a User>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = users.map(|user| row_of(scope, user, now)).collect();
    tx.insert_new(&TABLE, &rows).await
}

/// Which of these e-mails and phones are somebody's, in the forms in which they are compared.
pub async fn taken(
    tx: &mut Tx,
    scope: Scope,
    (emails, phones): (&[String], &[String]),
) -> Result<(HashSet<String>, HashSet<String>), StoreError> {
    let mut found = [HashSet::new(), HashSet::new()];
    for ((each, texts), found) in
        [(&TAKEN_EMAIL, emails), (&TAKEN_PHONE, phones)].into_iter().zip(&mut found)
    {
        let keys: Vec<Vec<Value>> =
            texts.iter().map(|text| values![scope.partner(), text]).collect();
        for row in tx.rows_each(each, &keys).await? {
            found.insert(row.get("taken")?);
        }
    }
    let [emails, phones] = found;
    Ok((emails, phones))
}

fn row_of(scope: Scope, user: &User, now: Timestamp) -> Vec<Value> {
    let (profile, names) = (&user.profile, names_of(user));
    values![
        scope.partner(),
        user.id,
        profile.first_name,
        profile.last_name,
        profile.phone.as_str(),
        profile.phone.digits(),
        profile.email.as_str(),
        profile.email.folded(),
        profile.birth_date,
        profile.external_id,
        profile.address.as_ref().map(address_json),
        user.state.as_str(),
        user.before_lock.map(UserState::as_str),
        user.kyc.as_str(),
        now,
        None::<Timestamp>,
        0i64,
        names.first,
        names.last,
    ]
}

/// The names of a user as they are compared.
fn names_of(user: &User) -> Names {
    Names::of(&user.profile.first_name, &user.profile.last_name)
}

/// Changes a user that was read locked. A taken e-mail or phone is [`StoreError::Duplicate`].
pub async fn update(tx: &mut Tx, scope: Scope, user: &User) -> Result<(), StoreError> {
    let (profile, names) = (&user.profile, names_of(user));
    let changed = tx
        .run(
            &UPDATE,
            &[
                &scope.partner(),
                &user.id,
                &profile.first_name,
                &profile.last_name,
                &profile.phone.as_str(),
                &profile.phone.digits(),
                &profile.email.as_str(),
                &profile.email.folded(),
                &profile.birth_date,
                &profile.external_id,
                &profile.address.as_ref().map(address_json),
                &user.state.as_str(),
                &user.kyc.as_str(),
                &user.before_lock.map(UserState::as_str),
                &user.version,
                &names.first,
                &names.last,
            ],
        )
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Removes a user that was read locked: from now on they aren't there, and e-mail and phone are
/// free.
pub async fn remove(
    tx: &mut Tx,
    scope: Scope,
    user: &User,
    now: Timestamp,
) -> Result<(), StoreError> {
    match tx.run(&REMOVE, &[&scope.partner(), &user.id, &now, &user.version]).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// The transactional locks of a user that was found before, in the order of their list.
pub async fn transactional_locks(
    tx: &mut Tx,
    scope: Scope,
    id: UserId,
) -> Result<Vec<TransactionalLock>, StoreError> {
    let row = tx.find(&LOCKS, &[&scope.partner(), &id]).await?.ok_or(StoreError::NotFound)?;
    let words = row.get::<String>("transactional_locks")?;
    let lock = |word| TransactionalLock::parse(word).ok_or_else(|| corrupt("transactional_locks"));
    words.split_ascii_whitespace().map(lock).collect()
}

/// Sets the transactional locks of a user that was read locked.
pub async fn set_transactional_locks(
    tx: &mut Tx,
    scope: Scope,
    id: UserId,
    locks: &[TransactionalLock],
) -> Result<(), StoreError> {
    let words: Vec<&str> = locks.iter().map(|lock| lock.as_str()).collect();
    match tx.run(&SET_LOCKS, &[&scope.partner(), &id, &words.join(" ")]).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// Locks users in the one global order, (partner, id); all of them before any balance.
pub async fn lock(tx: &mut Tx, ids: &BTreeSet<(PartnerId, UserId)>) -> Result<(), StoreError> {
    let keys: Vec<Vec<Value>> = ids.iter().map(|(partner, id)| values![partner, id]).collect();
    tx.lock(&LOCK, &keys).await
}

/// What the engine wants to know of many users.
pub async fn facts(
    tx: &mut Tx,
    ids: &[(PartnerId, UserId)],
) -> Result<Vec<((PartnerId, UserId), OwnerFacts)>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.iter().map(|(partner, id)| values![partner, id]).collect();
    let rows = tx.rows_each(&FACTS, &keys).await?;
    rows.iter()
        .map(|row| {
            let id = (PartnerId(row.get("partner_id")?), UserId(row.get("id")?));
            let facts = OwnerFacts {
                state: word(row, "state", UserState::parse)?,
                under_lock: !row.get::<String>("transactional_locks")?.is_empty(),
            };
            Ok((id, facts))
        })
        .collect()
}

fn read(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(row.get("id")?),
        profile: Profile {
            first_name: row.get("first_name")?,
            last_name: row.get("last_name")?,
            phone: word(row, "phone", Phone::parse)?,
            email: word(row, "email", Email::parse)?,
            birth_date: date(row, "birth_date")?,
            external_id: row.get("external_id")?,
            address: row
                .get::<Option<serde_json::Value>>("address")?
                .map(|value| read_address(&value).ok_or_else(|| corrupt("address")))
                .transpose()?,
        },
        state: word(row, "state", UserState::parse)?,
        before_lock: word_or_none(row, "state_before", UserState::parse)?,
        kyc: word(row, "kyc", Kyc::parse)?,
        version: row.get("version")?,
    })
}

/// An address as it is kept.
#[must_use]
pub fn address_json(address: &Address) -> serde_json::Value {
    json!({
        "street": address.street,
        "number": address.number,
        "apartment": address.apartment,
        "city": address.city,
        "postCode": address.post_code,
        "country": address.country.as_str(),
    })
}

pub(crate) fn read_address(value: &serde_json::Value) -> Option<Address> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Some(Address {
        street: text("street")?,
        number: text("number")?,
        apartment: text("apartment"),
        city: text("city")?,
        post_code: text("postCode")?,
        country: Country::parse(&text("country")?)?,
    })
}
