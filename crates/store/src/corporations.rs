//! Rows of `corporation`.

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{corrupt, word};
use crate::users::{address_json, read_address};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::authorization::OwnerFacts;
use domain::corporation::document::{DocumentKind, DocumentMedia};
use domain::corporation::{Corporation, Kyb, Profile};
use domain::ids::{CorporationId, PartnerId};
use domain::scope::Scope;
use domain::user::{Country, TransactionalLock, UserState};
use std::collections::BTreeSet;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "corporation",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Int),
        ("resource_id", Type::Uuid),
        ("name", Type::Text),
        ("registration_number", Type::Text),
        ("tax_id", Type::Text),
        ("country", Type::Text),
        ("address", Type::Json),
        ("persons", Type::Bytes),
        ("kyb", Type::Text),
        ("kyb_reference", Type::Text),
        ("transactional_locks", Type::Text),
        ("created_at", Type::Time),
        ("version", Type::Int),
    ],
};

const DOCUMENTS: Table = Table {
    name: "corporation_document",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("corporation_id", Type::Int),
        ("kind", Type::Text),
        ("media_type", Type::Text),
        ("content", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

/// What every reading of corporations selects.
macro_rules! select {
    ($where:literal) => {
        Sql(concat!(
            "select id, resource_id, name, registration_number, tax_id, country, address, persons,
                kyb, kyb_reference, transactional_locks, version
            from corporation
            where partner_id = $1 and deleted_at is null and ",
            $where
        ))
    };
}

const BY_RESOURCE: Sql = select!("resource_id = $2");
const BY_RESOURCE_LOCKED: Sql = select!("resource_id = $2 for no key update");
const BY_ID: Sql = select!("id = $2");
// A removed one has its name still: its balances are unlinked by it.
const NAME: Sql = Sql("
    select resource_id from corporation where partner_id = $1 and id = $2");
const LIST: Sql = select!("id > $2 order by id limit $3");
const LIST_OF_KYB: Sql = select!("kyb = $2 and id > $3 order by id limit $4");
const UPDATE: Sql = Sql("
    update corporation
    set name = $3, registration_number = $4, tax_id = $5, country = $6, address = $7,
        persons = $8, version = version + 1
    where partner_id = $1 and id = $2 and version = $9");
const REMOVE: Sql = Sql("
    update corporation
    set deleted_at = $3, version = version + 1
    where partner_id = $1 and id = $2 and version = $4");
const SET_KYB: Sql = Sql("
    update corporation
    set kyb = $3, kyb_reference = $4, version = version + 1
    where partner_id = $1 and id = $2 and version = $5");
const SET_LOCKS: Sql = Sql("
    update corporation
    set transactional_locks = $3, version = version + 1
    where partner_id = $1 and id = $2");
const DOCUMENTS_OF: Sql = Sql("
    select id, kind, media_type, created_at
    from corporation_document
    where partner_id = $1 and corporation_id = $2
    order by created_at, id");
const DOCUMENT: Sql = Sql("
    select media_type, content
    from corporation_document
    where partner_id = $1 and id = $2 and corporation_id = $3");
const LOCK: Each = Each {
    sql: "select id from corporation where partner_id = $1 and id = $2 for no key update",
    keys: &[Type::Int, Type::Int],
};
const FACTS: Each = Each {
    sql: "select partner_id, id, kyb, transactional_locks, deleted_at
        from corporation
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Int],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    BY_RESOURCE,
    BY_RESOURCE_LOCKED,
    BY_ID,
    NAME,
    LIST,
    LIST_OF_KYB,
    UPDATE,
    REMOVE,
    SET_KYB,
    SET_LOCKS,
    DOCUMENTS_OF,
    DOCUMENT,
];
/// Those that the engine runs for each of a set.
pub const ENGINE: &[Each] = &[LOCK, FACTS];

/// A corporation, with what is beside it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it is.
    pub corporation: Corporation,
    /// Who acts for it and owns it, sealed.
    pub persons: Vec<u8>,
    /// Why no money may leave its balances, in the order of their list.
    pub locks: Vec<TransactionalLock>,
}

/// A document of a corporation, without what it says.
#[derive(Clone, Debug)]
pub struct Document {
    /// Ours.
    pub id: Uuid,
    /// What it proves.
    pub kind: DocumentKind,
    /// What it is.
    pub media_type: DocumentMedia,
    /// When it came in.
    pub created_at: Timestamp,
}

/// Adds a corporation; `false` if the partner has one of that country and registration number.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    (corporation, persons): (&Corporation, &[u8]),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let profile = &corporation.profile;
    let row = values![
        scope.partner(),
        corporation.id,
        corporation.resource,
        profile.name,
        profile.registration_number,
        profile.tax_id,
        profile.country.as_str(),
        address_json(&profile.address),
        persons,
        corporation.kyb.as_str(),
        corporation.kyb_reference,
        "",
        now,
        corporation.version,
    ];
    Ok(tx.insert_new(&TABLE, &[row]).await? == 1)
}

/// The corporation that the wire names.
pub async fn find(tx: &mut Tx, scope: Scope, resource: Uuid) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_RESOURCE, &[&scope.partner(), &resource]).await?.as_ref().map(read).transpose()
}

/// The same, locked until the transaction ends; after users, before any balance.
pub async fn find_locked(
    tx: &mut Tx,
    scope: Scope,
    resource: Uuid,
) -> Result<Option<Kept>, StoreError> {
    let row = tx.find(&BY_RESOURCE_LOCKED, &[&scope.partner(), &resource]).await?;
    row.as_ref().map(read).transpose()
}

/// The corporation of a number.
pub async fn find_by_id(
    tx: &mut Tx,
    scope: Scope,
    id: CorporationId,
) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// What the wire calls the corporation of a number, removed or not.
pub async fn find_name(
    tx: &mut Tx,
    scope: Scope,
    id: CorporationId,
) -> Result<Option<Uuid>, StoreError> {
    let row = tx.find(&NAME, &[&scope.partner(), &id]).await?;
    row.as_ref().map(|row| row.get("resource_id")).transpose()
}

/// So many corporations of a partner after a number, by number; of one state of KYB, or of all.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    (kyb, after): (Option<Kyb>, CorporationId),
    limit: i64,
) -> Result<Vec<Corporation>, StoreError> {
    let partner = scope.partner();
    let rows = match kyb {
        None => tx.rows(&LIST, &[&partner, &after, &limit]).await?,
        Some(kyb) => tx.rows(&LIST_OF_KYB, &[&partner, &kyb.as_str(), &after, &limit]).await?,
    };
    rows.iter().map(|row| read(row).map(|kept| kept.corporation)).collect()
}

/// Adds a document, sealed, to a corporation that was read locked.
pub async fn insert_document(
    tx: &mut Tx,
    scope: Scope,
    corporation: CorporationId,
    (document, content): (&Document, &[u8]),
) -> Result<(), StoreError> {
    let row = values![
        scope.partner(),
        document.id,
        corporation,
        document.kind.as_str(),
        document.media_type.as_str(),
        content,
        document.created_at,
    ];
    tx.insert_all(&DOCUMENTS, &[row]).await.map(|_| ())
}

/// The documents of a corporation, the oldest first.
pub async fn documents(
    tx: &mut Tx,
    scope: Scope,
    corporation: CorporationId,
) -> Result<Vec<Document>, StoreError> {
    let rows = tx.rows(&DOCUMENTS_OF, &[&scope.partner(), &corporation]).await?;
    let read = |row: &Row| {
        Ok(Document {
            id: row.get("id")?,
            kind: word(row, "kind", DocumentKind::parse)?,
            media_type: word(row, "media_type", DocumentMedia::parse)?,
            created_at: row.get("created_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// What one of them is, and says, sealed.
pub async fn document(
    tx: &mut Tx,
    scope: Scope,
    corporation: CorporationId,
    id: Uuid,
) -> Result<Option<(DocumentMedia, Vec<u8>)>, StoreError> {
    let row = tx.find(&DOCUMENT, &[&scope.partner(), &id, &corporation]).await?;
    let read =
        |row: Row| Ok((word(&row, "media_type", DocumentMedia::parse)?, row.get("content")?));
    row.map(read).transpose()
}

/// Changes what a corporation is that was read locked, and its people, sealed;
/// [`StoreError::Duplicate`] if the partner has another of that country and registration number.
pub async fn update(
    tx: &mut Tx,
    scope: Scope,
    (corporation, persons): (&Corporation, &[u8]),
) -> Result<(), StoreError> {
    let Profile { name, registration_number, tax_id, country, address } = &corporation.profile;
    let changed = tx
        .run(
            &UPDATE,
            &[
                &scope.partner(),
                &corporation.id,
                name,
                registration_number,
                tax_id,
                &country.as_str(),
                &address_json(address),
                &persons,
                &corporation.version,
            ],
        )
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Removes a corporation that was read locked: from now on it isn't there, and its place in the
/// register is free.
pub async fn remove(
    tx: &mut Tx,
    scope: Scope,
    corporation: &Corporation,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Corporation { id, version, .. } = corporation;
    match tx.run(&REMOVE, &[&scope.partner(), id, &now, version]).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// Says what came of KYB of a corporation that was read locked.
pub async fn set_kyb(
    tx: &mut Tx,
    scope: Scope,
    corporation: &Corporation,
) -> Result<(), StoreError> {
    let Corporation { id, kyb, kyb_reference, version, .. } = corporation;
    let partner = scope.partner();
    let set = [&partner as _, id as _, &kyb.as_str() as _, kyb_reference as _, version as _];
    match tx.run(&SET_KYB, &set).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// Sets the transactional locks of a corporation that was read locked.
pub async fn set_transactional_locks(
    tx: &mut Tx,
    scope: Scope,
    id: CorporationId,
    locks: &[TransactionalLock],
) -> Result<(), StoreError> {
    let words: Vec<&str> = locks.iter().map(|lock| lock.as_str()).collect();
    match tx.run(&SET_LOCKS, &[&scope.partner(), &id, &words.join(" ")]).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// Locks corporations in the one global order, (partner, id): after users, before any balance.
pub async fn lock(
    tx: &mut Tx,
    ids: &BTreeSet<(PartnerId, CorporationId)>,
) -> Result<(), StoreError> {
    tx.lock(&LOCK, &keys(ids)).await
}

/// What the engine wants to know of many.
pub async fn facts(
    tx: &mut Tx,
    ids: &BTreeSet<(PartnerId, CorporationId)>,
) -> Result<Vec<((PartnerId, CorporationId), OwnerFacts)>, StoreError> {
    let rows = tx.rows_each(&FACTS, &keys(ids)).await?;
    let read = |row: &Row| {
        let under_lock = !row.get::<String>("transactional_locks")?.is_empty();
        let facts = match row.get::<Option<Timestamp>>("deleted_at")? {
            None => word(row, "kyb", Kyb::parse)?.facts(under_lock),
            Some(_) => OwnerFacts { state: UserState::Deleted, under_lock },
        };
        Ok(((row.get("partner_id")?, row.get("id")?), facts))
    };
    rows.iter().map(read).collect()
}

fn keys(ids: &BTreeSet<(PartnerId, CorporationId)>) -> Vec<Vec<Value>> {
    ids.iter().map(|(partner, id)| values![partner, id]).collect()
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    let address = row.get::<serde_json::Value>("address")?;
    let locks = row.get::<String>("transactional_locks")?;
    let lock = |word| TransactionalLock::parse(word).ok_or_else(|| corrupt("transactional_locks"));
    let corporation = Corporation {
        id: row.get("id")?,
        resource: row.get("resource_id")?,
        profile: Profile {
            name: row.get("name")?,
            registration_number: row.get("registration_number")?,
            tax_id: row.get("tax_id")?,
            country: word(row, "country", Country::parse)?,
            address: read_address(&address).ok_or_else(|| corrupt("address"))?,
        },
        kyb: word(row, "kyb", Kyb::parse)?,
        kyb_reference: row.get("kyb_reference")?,
        version: row.get("version")?,
    };
    let locks = locks.split_whitespace().map(lock).collect::<Result<_, _>>()?;
    Ok(Kept { corporation, persons: row.get("persons")?, locks })
}
