//! Rows of `card`. The number is here only sealed, and as a keyed index.

mod insert;
mod of_balance;
mod of_owner;
pub mod of_partner;

pub use insert::{insert, insert_all, insert_new};
pub use of_balance::{has_live, newest_of_balance};
pub use of_owner::count;

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{corrupt, date, word, word_or_none};
use crate::{StoreError, values};
use domain::balance::Payers;
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, LockReason, Locker, Usable};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, CorporationId, PartnerId, UserId};
use domain::program::CardType;
use domain::scope::Scope;
use domain::{Date, Timestamp};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "card",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Int),
        ("resource_id", Type::Uuid),
        ("balance_id", Type::Uuid),
        ("user_id", Type::Int),
        ("corporation_id", Type::Int),
        ("config_id", Type::Text),
        ("card_type", Type::Text),
        ("state", Type::Text),
        ("lock_reason", Type::Text),
        ("locked_at", Type::Time),
        ("removed_at", Type::Time),
        ("pan", Type::Bytes),
        ("pan_index", Type::Bytes),
        ("last_four", Type::Text),
        ("expiry", Type::Text),
        ("cvc_generation", Type::Int),
        ("label", Type::Text),
        ("created_at", Type::Time),
        ("version", Type::Int),
        ("pin_version", Type::Int),
        ("pin_tries", Type::Int),
        ("wrong_codes", Type::Json),
        ("locked_by", Type::Text),
        ("activation_tries", Type::Int),
    ],
};

/// The columns of a card without its number.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select partner_id, id, resource_id, balance_id, user_id,
                corporation_id, config_id, card_type, state,
                lock_reason, locked_at, removed_at, last_four, expiry, cvc_generation, label,
                version, pin_version, pin_tries, wrong_codes, locked_by, activation_tries
            from card
            where partner_id = $1 and ",
            $rest
        )
    };
}

const BY_ID: Sql = Sql(select!("id = $2"));
const BY_USER: Sql = Sql(select!(
    "user_id = $2 and removed_at is null and state <> 'ORDERED' and id > $3 order by id limit $4"
));
const HELD: Sql = Sql(select!("user_id = $2 and removed_at is null order by id"));
const OF_CORPORATION: Sql = Sql(select!("corporation_id = $2 and removed_at is null order by id"));
const SHOWN_OF_CORPORATION: Sql = Sql(select!(
    "corporation_id = $2 and removed_at is null and state <> 'ORDERED' and id > $3
            order by id limit $4"
));
const BY_BALANCE: Sql =
    Sql(select!("balance_id = $2 and removed_at is null order by id limit 200"));
const PAN: Sql = Sql("select pan from card where partner_id = $1 and id = $2");
const SEALED: Sql = Sql("
    select id, user_id, balance_id, pan
    from card
    where partner_id = $1 and id > $2 and config_id = $3 and removed_at is null
    order by id
    limit $4");
const NEWEST: Sql = Sql("
    select id from card where partner_id = $1 and id > 0 order by id desc limit 1");
const OF_EXPIRY: Sql =
    Sql(select!("id >= $2 and id <= $3 and expiry = $4 and removed_at is null order by id"));
const SECRETS: Sql = Sql("select pan, pvv from card where partner_id = $1 and id = $2");
const SET_PVV: Sql = Sql("update card set pvv = $3 where partner_id = $1 and id = $2");
const UPDATE: Each = Each {
    sql: "update card
        set state = $3, lock_reason = $4, locked_at = $5, removed_at = $6, pin_version = $7,
            pin_tries = $8, wrong_codes = $9, locked_by = $10, cvc_generation = $11, expiry = $12,
            activation_tries = $13, version = $14
        where partner_id = $1 and id = $2 and version = $15",
    keys: &[
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Time,
        Type::Time,
        Type::Int,
        Type::Int,
        Type::Json,
        Type::Text,
        Type::Int,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
};
const LOAD: Each = Each { sql: select!("id = $2 limit 1"), keys: &[Type::Int, Type::Int] };
const BY_NUMBER: Each = Each {
    sql: "select partner_id, pan_index, id, balance_id, user_id, corporation_id, config_id
        from card
        where partner_id = $1 and pan_index = $2
        limit 1",
    keys: &[Type::Int, Type::Bytes],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    BY_ID,
    BY_USER,
    HELD,
    OF_CORPORATION,
    SHOWN_OF_CORPORATION,
    BY_BALANCE,
    of_owner::COUNT,
    of_owner::COUNT_OF_CORPORATION,
    of_balance::NEWEST,
    of_balance::HAS_LIVE,
    PAN,
    SEALED,
    NEWEST,
    OF_EXPIRY,
    SECRETS,
    SET_PVV,
];
/// Those that the engine runs for each of a set, and the look-up before its queue.
pub const ENGINE: &[Each] = &[LOAD, BY_NUMBER, UPDATE];

/// A card by its partner and id.
pub type Key = (PartnerId, CardId);

/// The number of a card, sealed, and its keyed index.
#[derive(Clone, Debug)]
pub struct SealedPan {
    /// The sealed number.
    pub sealed: Vec<u8>,
    /// What it is found by.
    pub index: Vec<u8>,
}

/// The card of an id, removed or not.
pub async fn find(tx: &mut Tx, scope: Scope, id: CardId) -> Result<Option<Card>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// A holder's cards by ascending id, from the one after `after`.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    after: CardId,
    limit: i64,
) -> Result<Vec<Card>, StoreError> {
    let rows = tx.rows(&BY_USER, &[&scope.partner(), &user, &after, &limit]).await?;
    rows.iter().map(read).collect()
}

/// All cards that a holder has and that weren't removed, those that are only ordered too.
pub async fn list_held(tx: &mut Tx, scope: Scope, user: UserId) -> Result<Vec<Card>, StoreError> {
    tx.rows(&HELD, &[&scope.partner(), &user]).await?.iter().map(read).collect()
}

/// All cards that pay from a corporation's balances and that weren't removed, those that are only
/// ordered too.
pub async fn list_of_corporation(
    tx: &mut Tx,
    scope: Scope,
    corporation: CorporationId,
) -> Result<Vec<Card>, StoreError> {
    tx.rows(&OF_CORPORATION, &[&scope.partner(), &corporation]).await?.iter().map(read).collect()
}

/// Cards that pay from a corporation's balances by ascending id, from the one after `after`.
pub async fn list_shown_of_corporation(
    tx: &mut Tx,
    scope: Scope,
    corporation: CorporationId,
    (after, limit): (CardId, i64),
) -> Result<Vec<Card>, StoreError> {
    let key = scope.partner();
    let rows = tx.rows(&SHOWN_OF_CORPORATION, &[&key, &corporation, &after, &limit]).await?;
    rows.iter().map(read).collect()
}

/// The cards that pay from a balance, at most 200.
pub async fn list_of_balance(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
) -> Result<Vec<Card>, StoreError> {
    let rows = tx.rows(&BY_BALANCE, &[&scope.partner(), &balance]).await?;
    rows.iter().map(read).collect()
}

/// The partner's card of the highest id.
pub async fn newest(tx: &mut Tx, scope: Scope) -> Result<Option<CardId>, StoreError> {
    let row = tx.find(&NEWEST, &[&scope.partner()]).await?;
    row.map(|row| row.get("id").map(CardId)).transpose()
}

/// Unremoved cards of a range of ids whose last day is this one.
pub async fn list_of_expiry(
    tx: &mut Tx,
    scope: Scope,
    ids: RangeInclusive<CardId>,
    expiry: Date,
) -> Result<Vec<Card>, StoreError> {
    let (partner, first, last) = (scope.partner(), ids.start(), ids.end());
    let rows = tx.rows(&OF_EXPIRY, &[&partner, first, last, &expiry]).await?;
    rows.iter().map(read).collect()
}

/// A card's sealed number.
pub async fn sealed_pan(tx: &mut Tx, scope: Scope, id: CardId) -> Result<Vec<u8>, StoreError> {
    tx.row(&PAN, &[&scope.partner(), &id]).await?.get("pan")
}

/// A card with its sealed number.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The card.
    pub card: CardId,
    /// Whose it is.
    pub holder: UserId,
    /// The balance that it pays from.
    pub balance: BalanceId,
    /// Its number, sealed.
    pub pan: Vec<u8>,
}

/// The unremoved cards of a program with their sealed numbers, by ascending id, from the one after
/// `after`.
pub async fn list_sealed(
    tx: &mut Tx,
    scope: Scope,
    config_id: &str,
    after: CardId,
    limit: i64,
) -> Result<Vec<Sealed>, StoreError> {
    let rows = tx.rows(&SEALED, &[&scope.partner(), &after, &config_id, &limit]).await?;
    let sealed = |row: &Row| {
        Ok(Sealed {
            card: row.get("id")?,
            holder: row.get("user_id")?,
            balance: row.get("balance_id")?,
            pan: row.get("pan")?,
        })
    };
    rows.iter().map(sealed).collect()
}

/// Where a card's messages go. None of it ever changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The card.
    pub card: CardId,
    /// The balance that it pays from.
    pub balance: BalanceId,
    /// The user who holds it, and the corporation from whose balance it pays, if it is one's.
    pub payers: Payers,
    /// The program that it was issued under.
    pub config_id: String,
}

impl From<Card> for Route {
    fn from(card: Card) -> Self {
        let Card { id, balance, holder, corporation, config_id, .. } = card;
        let payers = Payers { user: Some(holder), corporation };
        Self { card: id, balance, payers, config_id }
    }
}

/// What a card is found by: its partner, and the index of its number.
pub type Number = (PartnerId, Vec<u8>);

/// The cards that numbers lead to.
pub async fn routes<'a>(
    tx: &mut Tx,
    numbers: impl Iterator<Item = &'a Number>,
) -> Result<Vec<(Number, Route)>, StoreError> {
    let keys: Vec<Vec<Value>> =
        numbers.map(|(partner, index)| values![partner, index.as_slice()]).collect();
    let rows = tx.rows_each(&BY_NUMBER, &keys).await?;
    rows.iter()
        .map(|row| {
            let number = (PartnerId(row.get("partner_id")?), row.get("pan_index")?);
            let route = Route {
                card: CardId(row.get("id")?),
                balance: BalanceId(row.get("balance_id")?),
                payers: Payers {
                    user: row.get("user_id")?,
                    corporation: row.get("corporation_id")?,
                },
                config_id: row.get("config_id")?,
            };
            Ok((number, route))
        })
        .collect()
}

fn row_of(scope: Scope, card: &Card, pan: &SealedPan, now: Timestamp) -> Vec<Value> {
    let (state, reason, locked_at, removed_at) = columns(card.status);
    values![
        scope.partner(),
        card.id,
        card.resource,
        card.balance,
        card.holder,
        card.corporation,
        card.config_id,
        card.card_type.as_str(),
        state,
        reason,
        locked_at,
        removed_at,
        pan.sealed,
        pan.index,
        card.last_four,
        card.expiry,
        card.cvc_generation,
        card.label,
        now,
        card.version,
        card.pin_version,
        card.tries.pins,
        wrong_codes(&card.tries),
        locked_by(card.status),
        card.tries.activations,
    ]
}

/// What is compared with what a message carries: a card's sealed number, and the sealed
/// verification value of its PIN, if it has one.
pub async fn secrets(
    tx: &mut Tx,
    scope: Scope,
    id: CardId,
) -> Result<(Vec<u8>, Option<Vec<u8>>), StoreError> {
    let row = tx.row(&SECRETS, &[&scope.partner(), &id]).await?;
    Ok((row.get("pan")?, row.get("pvv")?))
}

/// Keeps the sealed verification value of a card's new PIN; the caller writes the card too, which
/// guards it.
pub async fn set_pvv(
    tx: &mut Tx,
    scope: Scope,
    id: CardId,
    sealed: &[u8],
) -> Result<(), StoreError> {
    match tx.run(&SET_PVV, &[&scope.partner(), &id, &sealed]).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// Writes what may change of a card; the caller holds the lock of its balance.
pub async fn update(tx: &mut Tx, scope: Scope, card: &Card) -> Result<(), StoreError> {
    match update_all(tx, std::iter::once((scope.partner(), card))).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

/// The same of many; answers how many rows there were of the versions that were read.
pub async fn update_all<'a>(
    tx: &mut Tx,
    changed: impl Iterator<Item = (PartnerId, &'a Card)>,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = changed
        .map(|(partner, card)| {
            let (state, reason, locked_at, removed_at) = columns(card.status);
            values![
                partner,
                card.id,
                state,
                reason,
                locked_at,
                removed_at,
                card.pin_version,
                card.tries.pins,
                wrong_codes(&card.tries),
                locked_by(card.status),
                card.cvc_generation,
                card.expiry,
                card.tries.activations,
                card.version + 1,
                card.version,
            ]
        })
        .collect();
    tx.run_each(&UPDATE, &rows).await
}

/// When wrong codes were sent, as it is kept: nothing for most cards.
fn wrong_codes(tries: &Tries) -> Option<serde_json::Value> {
    let times = || tries.codes.iter().map(|at| at.as_microsecond()).collect();
    (!tries.codes.is_empty()).then(times)
}

fn read_tries(row: &Row) -> Result<Tries, StoreError> {
    let kept: Option<serde_json::Value> = row.get("wrong_codes")?;
    let times = kept.as_ref().map_or(Some([].as_slice()), |it| it.as_array().map(Vec::as_slice));
    let time = |it: &serde_json::Value| Timestamp::from_microsecond(it.as_i64()?).ok();
    let codes: Option<Vec<Timestamp>> = times.and_then(|all| all.iter().map(time).collect());
    let codes = codes.ok_or_else(|| corrupt("wrong_codes"))?;
    let (pins, activations) = (row.get("pin_tries")?, row.get("activation_tries")?);
    Ok(Tries { pins, codes, activations })
}

/// Reads cards whose balances were locked before.
pub async fn load(tx: &mut Tx, keys: &BTreeSet<Key>) -> Result<Vec<(PartnerId, Card)>, StoreError> {
    let keys: Vec<Vec<Value>> = keys.iter().map(|(partner, id)| values![partner, id]).collect();
    let rows = tx.rows_each(&LOAD, &keys).await?;
    rows.iter().map(|row| Ok((PartnerId(row.get("partner_id")?), read(row)?))).collect()
}

type StateColumns = (&'static str, Option<&'static str>, Option<Timestamp>, Option<Timestamp>);

/// The state column says what an unlocked card is; the others say more.
fn columns(status: CardStatus) -> StateColumns {
    match status {
        CardStatus::Usable(usable) => (usable.as_str(), None, None, None),
        CardStatus::Locked { reason, since, was, .. } => {
            (was.as_str(), Some(reason.as_str()), Some(since), None)
        }
        CardStatus::Removed { at } => ("REMOVED", None, None, Some(at)),
    }
}

fn locked_by(status: CardStatus) -> Option<&'static str> {
    match status {
        CardStatus::Locked { by, .. } => by.map(Locker::as_str),
        CardStatus::Usable(_) | CardStatus::Removed { .. } => None,
    }
}

fn read_status(row: &Row) -> Result<CardStatus, StoreError> {
    if let Some(at) = row.get::<Option<Timestamp>>("removed_at")? {
        return Ok(CardStatus::Removed { at });
    }
    let usable = word(row, "state", Usable::parse)?;
    match word_or_none(row, "lock_reason", LockReason::parse)? {
        None => Ok(CardStatus::Usable(usable)),
        Some(reason) => {
            let since = row.get::<Option<Timestamp>>("locked_at")?;
            let since = since.ok_or_else(|| corrupt("locked_at"))?;
            let by = word_or_none(row, "locked_by", Locker::parse)?;
            Ok(CardStatus::Locked { reason, since, was: usable, by })
        }
    }
}

fn read(row: &Row) -> Result<Card, StoreError> {
    Ok(Card {
        id: CardId(row.get("id")?),
        resource: row.get::<Uuid>("resource_id")?,
        balance: BalanceId(row.get("balance_id")?),
        holder: UserId(row.get("user_id")?),
        corporation: row.get("corporation_id")?,
        config_id: row.get("config_id")?,
        card_type: word(row, "card_type", CardType::parse)?,
        status: read_status(row)?,
        last_four: row.get("last_four")?,
        expiry: date(row, "expiry")?,
        cvc_generation: row.get("cvc_generation")?,
        label: row.get("label")?,
        pin_version: row.get("pin_version")?,
        tries: read_tries(row)?,
        version: row.get("version")?,
    })
}
