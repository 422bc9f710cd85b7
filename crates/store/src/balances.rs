//! Rows of `balance`. Whoever changes a balance, or anything that it guards, locks it first.

pub mod links;

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{amount, corrupt, currency, word};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::balance::{Balance, BalanceState, Owner, PartnerBalanceKind};
use domain::gift::Gift;
use domain::ids::{BalanceId, CorporationId, OwnerId, PartnerId, UserId};
use domain::money::{Amount, Currency};
use domain::partner::BalanceMode;
use domain::scope::Scope;
use links::Link;
use std::collections::BTreeSet;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "balance",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("owner_id", Type::Int),
        ("currency", Type::Text),
        ("state", Type::Text),
        ("posted", Type::Int),
        ("held", Type::Int),
        ("created_at", Type::Time),
        ("version", Type::Int),
        ("kind", Type::Text),
        ("gift_config_id", Type::Text),
        ("gift_loaded", Type::Int),
        ("gift_charged", Type::Int),
        ("mode", Type::Text),
        ("link_at", Type::Time),
        ("link_until", Type::Time),
        ("link_since", Type::Time),
    ],
};

const BY_ID: Sql = Sql("
    select partner_id, id, owner_id, kind, currency, state, posted, held, version, mode,
        gift_config_id, gift_loaded, gift_charged
    from balance
    where partner_id = $1 and id = $2");
const BY_OWNER: Sql = Sql("
    select partner_id, id, owner_id, kind, currency, state, posted, held, version, mode,
        gift_config_id, gift_loaded, gift_charged
    from balance
    where partner_id = $1 and owner_id = $2
    order by created_at, id");
const IDS_OF: Sql = Sql("
    select id from balance where partner_id = $1 and owner_id = $2 limit $3");
const PARTNERS: Sql = Sql("
    select partner_id, id, kind, currency
    from balance
    where owner_id is null
    order by partner_id, kind, currency");
const OF_PARTNER: Sql = Sql("
    select partner_id, id, owner_id, kind, currency, state, posted, held, version, mode,
        gift_config_id, gift_loaded, gift_charged
    from balance
    where partner_id = $1 and owner_id is null
    order by kind, currency");
const WALK: Sql = Sql("
    select partner_id, id, owner_id, kind, currency, state, posted, held, version, mode,
        gift_config_id, gift_loaded, gift_charged
    from balance
    where partner_id = $1 and id > $2
    order by id
    limit $3");
// High and low halves apart: neither sum leaves 64 bits, so what they say is exact on both
// databases, and added in the program.
const SUMS: Sql = Sql("
    select currency, owner_id is null as is_partners,
        cast(sum(posted >> 32) as bigint) as posted_high,
        cast(sum(posted & 4294967295) as bigint) as posted_low,
        cast(sum(held >> 32) as bigint) as held_high,
        cast(sum(held & 4294967295) as bigint) as held_low
    from balance
    where partner_id = $1
    group by currency, owner_id is null");
const UPDATE_STATE: Sql = Sql("
    update balance
    set state = $3, version = version + 1
    where partner_id = $1 and id = $2 and version = $4");
const LOCK: Each = Each {
    sql: "select id from balance where partner_id = $1 and id = $2 for no key update",
    keys: &[Type::Int, Type::Uuid],
};
const LOAD: Each = Each {
    sql: "select partner_id, id, owner_id, kind, currency, state, posted, held, version, mode,
        gift_config_id, gift_loaded, gift_charged
        from balance
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Uuid],
};
const UPDATE: Each = Each {
    sql: "update balance
        set posted = $3, held = $4, gift_loaded = $5, gift_charged = $6, version = $7
        where partner_id = $1 and id = $2 and version = $8",
    keys: &[
        Type::Int,
        Type::Uuid,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] =
    &[BY_ID, BY_OWNER, IDS_OF, PARTNERS, OF_PARTNER, WALK, SUMS, UPDATE_STATE];
/// Those that walk along an index, with the types of their parameters.
pub const WALKS: &[Each] = &[Each { sql: WALK.0, keys: &[Type::Int, Type::Uuid, Type::Int] }];
/// Those that the engine runs for each of a set.
pub const ENGINE: &[Each] = &[LOCK, LOAD, UPDATE];

/// A balance by its partner and id.
pub type Key = (PartnerId, BalanceId);

/// The balance of an id, removed or not.
pub async fn find(tx: &mut Tx, scope: Scope, id: BalanceId) -> Result<Option<Balance>, StoreError> {
    let row = tx.find(&BY_ID, &[&scope.partner(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// An owner's balances, removed ones among them, oldest first.
pub async fn list(tx: &mut Tx, scope: Scope, owner: OwnerId) -> Result<Vec<Balance>, StoreError> {
    tx.rows(&BY_OWNER, &[&scope.partner(), &owner]).await?.iter().map(read).collect()
}

/// The ids of so many of an owner's balances, those that were removed too.
pub async fn ids_of(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerId,
    limit: usize,
) -> Result<Vec<BalanceId>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx.rows(&IDS_OF, &[&scope.partner(), &owner, &limit]).await?;
    rows.iter().map(|row| Ok(BalanceId(row.get("id")?))).collect()
}

/// A partner's balances by id, from the one after `after`: those that were removed and its own
/// among them.
pub async fn walk(
    tx: &mut Tx,
    scope: Scope,
    after: BalanceId,
    limit: i64,
) -> Result<Vec<Balance>, StoreError> {
    tx.rows(&WALK, &[&scope.partner(), &after, &limit]).await?.iter().map(read).collect()
}

/// Adds a balance.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    balance: &Balance,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.insert_all(&TABLE, &[row_of(scope.partner(), balance, None, now)]).await.map(|_| ())
}

/// Adds balances at once.
pub async fn insert_all<'a>(
    tx: &mut Tx,
    scope: Scope,
    new: impl Iterator<Item = &'a Balance>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> =
        new.map(|balance| row_of(scope.partner(), balance, None, now)).collect();
    tx.insert_all(&TABLE, &rows).await.map(|_| ())
}

/// Adds a partner's own balance; `false` if it has one of that kind and currency.
pub async fn insert_partners(
    tx: &mut Tx,
    partner: PartnerId,
    balance: &Balance,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.insert_new(&TABLE, &[row_of(partner, balance, None, now)]).await? == 1)
}

fn row_of(
    partner: PartnerId,
    balance: &Balance,
    link: Option<&Link>,
    now: Timestamp,
) -> Vec<Value> {
    let (loaded, charged) = of_gift(balance);
    values![
        partner,
        balance.id,
        balance.owner.id(),
        balance.currency,
        balance.state.as_str(),
        balance.posted,
        balance.held,
        now,
        balance.version,
        kind_of(balance.owner),
        balance.gift.as_ref().map(|gift| &gift.config_id),
        loaded,
        charged,
        balance.mode.as_str(),
        link.map(|link| link.at),
        link.and_then(|link| link.until),
        link.and_then(|link| link.since),
    ]
}

/// What a gift was loaded with, and what was charged of it.
fn of_gift(balance: &Balance) -> (Amount, Amount) {
    let gift = balance.gift.as_ref();
    gift.map_or((Amount::ZERO, Amount::ZERO), |gift| (gift.loaded, gift.charged))
}

/// The kind of a user's.
const USER: &str = "USER";
/// The kind of a corporation's.
const CORPORATION: &str = "CORPORATION";

fn kind_of(owner: Owner) -> &'static str {
    match owner {
        Owner::User(_) => USER,
        Owner::Corporation(_) => CORPORATION,
        Owner::Partner(kind) => kind.as_str(),
    }
}

/// Whose a balance is, by its columns `owner_id` and `kind`.
pub(crate) fn read_owner(row: &Row) -> Result<Owner, StoreError> {
    let Some(owner) = row.get::<Option<i64>>("owner_id")? else {
        return Ok(Owner::Partner(word(row, "kind", PartnerBalanceKind::parse)?));
    };
    match row.get::<String>("kind")?.as_str() {
        USER => Ok(Owner::User(UserId(owner))),
        CORPORATION => Ok(Owner::Corporation(CorporationId(owner))),
        _ => Err(corrupt("kind")),
    }
}

/// A partner's own balance, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartnerBalance {
    /// Whose.
    pub partner: PartnerId,
    /// What for.
    pub kind: PartnerBalanceKind,
    /// In which currency.
    pub currency: Currency,
    /// Its id.
    pub id: BalanceId,
}

/// All partners' own balances.
pub async fn list_partners(tx: &mut Tx) -> Result<Vec<PartnerBalance>, StoreError> {
    let rows = tx.rows(&PARTNERS, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(PartnerBalance {
                partner: row.get("partner_id")?,
                kind: word(row, "kind", PartnerBalanceKind::parse)?,
                currency: currency(row, "currency")?,
                id: row.get("id")?,
            })
        })
        .collect()
}

/// A partner's own balances, by kind and currency.
pub async fn list_of_partner(tx: &mut Tx, scope: Scope) -> Result<Vec<Balance>, StoreError> {
    tx.rows(&OF_PARTNER, &[&scope.partner()]).await?.iter().map(read).collect()
}

/// What balances of one currency have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Their currency.
    pub currency: Currency,
    /// Whether they are the partner's own, or the users'.
    pub is_partners: bool,
    /// Posted, in minor units.
    pub posted: i128,
    /// Held, in minor units.
    pub held: i128,
}

/// What a partner's balances have together, its users' and its own apart.
pub async fn sums(tx: &mut Tx, scope: Scope) -> Result<Vec<Sum>, StoreError> {
    let whole = |row: &Row, high: &str, low: &str| -> Result<i128, StoreError> {
        let high: i64 = row.get(high)?;
        let low: i64 = row.get(low)?;
        Ok((i128::from(high) << 32) + i128::from(low))
    };
    let rows = tx.rows(&SUMS, &[&scope.partner()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Sum {
                currency: currency(row, "currency")?,
                is_partners: row.get("is_partners")?,
                posted: whole(row, "posted_high", "posted_low")?,
                held: whole(row, "held_high", "held_low")?,
            })
        })
        .collect()
}

/// Locks balances in the one global order, (partner, id).
pub async fn lock(tx: &mut Tx, keys: &BTreeSet<Key>) -> Result<(), StoreError> {
    let keys: Vec<Vec<Value>> = keys.iter().map(|(partner, id)| values![partner, id]).collect();
    tx.lock(&LOCK, &keys).await
}

/// Reads balances that were locked before.
pub async fn load(
    tx: &mut Tx,
    keys: &BTreeSet<Key>,
) -> Result<Vec<(PartnerId, Balance)>, StoreError> {
    let keys: Vec<Vec<Value>> = keys.iter().map(|(partner, id)| values![partner, id]).collect();
    let rows = tx.rows_each(&LOAD, &keys).await?;
    rows.iter().map(|row| Ok((PartnerId(row.get("partner_id")?), read(row)?))).collect()
}

/// Writes the amounts of changed balances; answers how many rows still had the version that was
/// read.
pub async fn update<'a>(
    tx: &mut Tx,
    changed: impl Iterator<Item = (PartnerId, &'a Balance)>,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = changed
        .map(|(partner, balance)| {
            let Balance { id, posted, held, version, .. } = balance;
            let (loaded, charged) = of_gift(balance);
            values![partner, id, posted, held, loaded, charged, version + 1, version]
        })
        .collect();
    tx.run_each(&UPDATE, &rows).await
}

/// Writes a balance's state; the caller holds its lock.
pub async fn update_state(tx: &mut Tx, scope: Scope, balance: &Balance) -> Result<(), StoreError> {
    let state = balance.state.as_str();
    let changed =
        tx.run(&UPDATE_STATE, &[&scope.partner(), &balance.id, &state, &balance.version]).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

fn read(row: &Row) -> Result<Balance, StoreError> {
    Ok(Balance {
        id: BalanceId(row.get::<Uuid>("id")?),
        owner: read_owner(row)?,
        currency: currency(row, "currency")?,
        mode: word(row, "mode", BalanceMode::parse)?,
        state: word(row, "state", BalanceState::parse)?,
        posted: row.get("posted")?,
        held: amount(row, "held")?,
        version: row.get("version")?,
        gift: match row.get("gift_config_id")? {
            Some(config_id) => Some(Gift {
                config_id,
                loaded: amount(row, "gift_loaded")?,
                charged: amount(row, "gift_charged")?,
            }),
            None => None,
        },
    })
}
