//! Users as the people of a partner look for them: newest first, by how a name begins, by the last
//! digits of a card. Each walk goes along an index.

use super::{User, read};
use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::{corrupt, word};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::UserId;
use domain::scope::Scope;
use domain::search::{Along, Names};
use domain::user::{Kyc, TransactionalLock, UserState};
use std::collections::HashMap;

const WALK: Sql = Sql("
    select id, state, kyc
    from \"user\"
    where partner_id = $1 and id < $2 and deleted_at is null
    order by id desc
    limit $3");
const WALK_FIRST: Sql = Sql("
    select id, state, kyc, first_name_folded, last_name_folded
    from \"user\"
    where partner_id = $1 and (first_name_folded, id) > ($2, $3) and first_name_folded < $4
        and deleted_at is null
    order by first_name_folded, id
    limit $5");
const WALK_LAST: Sql = Sql("
    select id, state, kyc, first_name_folded, last_name_folded
    from \"user\"
    where partner_id = $1 and (last_name_folded, id) > ($2, $3) and last_name_folded < $4
        and deleted_at is null
    order by last_name_folded, id
    limit $5");
const WALK_LAST_FOUR: Sql = Sql("
    select user_id
    from card
    where partner_id = $1 and last_four = $2 and user_id > $3
    order by user_id
    limit $4");
const LOAD: Each = Each {
    sql: "select id, first_name, last_name, phone, email, birth_date, external_id, address,
            state, state_before, kyc, version, transactional_locks, created_at
        from \"user\"
        where partner_id = $1 and id = $2 and deleted_at is null
        limit 1",
    keys: &[Type::Int, Type::Int],
};
// An owner has few balances; of one that has more than these, some of them tell.
const LAST_USED: Each = Each {
    sql: "select b.owner_id,
            (select t.received_at
             from \"transaction\" t
             where t.partner_id = $1 and t.balance_id = b.id
             order by t.number desc
             limit 1) as last_at
        from balance b
        where b.partner_id = $1 and b.owner_id = $2
        limit 100",
    keys: &[Type::Int, Type::Int],
};
const UNFOLDED: Sql = Sql("
    select id, first_name, last_name, version
    from \"user\"
    where partner_id = $1 and last_name_folded is null and deleted_at is null
    order by id
    limit $2");
const FOLD: Each = Each {
    sql: "update \"user\"
        set first_name_folded = $3, last_name_folded = $4
        where partner_id = $1 and id = $2 and version = $5 and deleted_at is null",
    keys: &[Type::Int, Type::Int, Type::Text, Type::Text, Type::Int],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[WALK, WALK_FIRST, WALK_LAST, WALK_LAST_FOUR, UNFOLDED];
/// Those that walk along an index, with the types of their parameters.
pub const WALKS: &[Each] = &[
    Each { sql: WALK.0, keys: &[Type::Int, Type::Int, Type::Int] },
    Each { sql: WALK_FIRST.0, keys: NAMED },
    Each { sql: WALK_LAST.0, keys: NAMED },
    Each { sql: WALK_LAST_FOUR.0, keys: &[Type::Int, Type::Text, Type::Int, Type::Int] },
    Each { sql: UNFOLDED.0, keys: &[Type::Int, Type::Int] },
];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[LOAD, FOLD, LAST_USED];

const NAMED: &[Type] = &[Type::Int, Type::Text, Type::Int, Type::Text, Type::Int];

/// A user as a walk passes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Their id.
    pub id: UserId,
    /// Where they stand.
    pub state: UserState,
    /// What came of KYC.
    pub kyc: Kyc,
}

/// A user with what is known beside the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The user.
    pub user: User,
    /// Why no money may leave their balances.
    pub locks: Vec<TransactionalLock>,
    /// When they were registered.
    pub created_at: Timestamp,
}

/// A partner's users by descending id, from the one before `before`.
pub async fn walk(
    tx: &mut Tx,
    scope: Scope,
    before: UserId,
    limit: i64,
) -> Result<Vec<Passed>, StoreError> {
    let rows = tx.rows(&WALK, &[&scope.partner(), &before, &limit]).await?;
    rows.iter().map(read_passed).collect()
}

/// Users whose one name begins so, by that name and id, from the one after a name and an id.
pub async fn walk_names(
    tx: &mut Tx,
    scope: Scope,
    (along, begins): (Along, &str),
    (after, id): (&str, UserId),
    limit: i64,
) -> Result<Vec<(Passed, Names)>, StoreError> {
    let sql = match along {
        Along::First => &WALK_FIRST,
        Along::Last => &WALK_LAST,
    };
    // Behind everything that begins so.
    let end = format!("{begins}{}", char::MAX);
    let (after, id) = if after < begins { (begins, UserId(0)) } else { (after, id) };
    let rows = tx.rows(sql, &[&scope.partner(), &after, &id, &end, &limit]).await?;
    let read = |row: &Row| {
        let names =
            Names { first: row.get("first_name_folded")?, last: row.get("last_name_folded")? };
        Ok((read_passed(row)?, names))
    };
    rows.iter().map(read).collect()
}

/// Who has, or had, a card of these last digits, by ascending id, from the one after `after`; one
/// with several such cards as often.
pub async fn walk_last_four(
    tx: &mut Tx,
    scope: Scope,
    last_four: &str,
    after: UserId,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let rows = tx.rows(&WALK_LAST_FOUR, &[&scope.partner(), &last_four, &after, &limit]).await?;
    rows.iter().map(|row| Ok(UserId(row.get("user_id")?))).collect()
}

/// Users as they are shown, in no particular order; who was removed isn't there.
pub async fn load(
    tx: &mut Tx,
    scope: Scope,
    ids: impl Iterator<Item = UserId>,
) -> Result<Vec<Known>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.map(|id| values![scope.partner(), id]).collect();
    tx.rows_each(&LOAD, &keys).await?.iter().map(read_known).collect()
}

/// When something was last asked of a balance of these users, also in vain; who isn't among them
/// has no balance of which anything was.
pub async fn last_used(
    tx: &mut Tx,
    scope: Scope,
    ids: impl Iterator<Item = UserId>,
) -> Result<HashMap<UserId, Timestamp>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.map(|id| values![scope.partner(), id]).collect();
    let mut last: HashMap<UserId, Timestamp> = HashMap::new();
    for row in tx.rows_each(&LAST_USED, &keys).await? {
        if let Some(at) = row.get::<Option<Timestamp>>("last_at")? {
            let known = last.entry(UserId(row.get("owner_id")?)).or_insert(at);
            *known = at.max(*known);
        }
    }
    Ok(last)
}

/// Writes the names, as they are compared, of at most so many users who were here before that was
/// done; how many those were.
pub async fn fold(tx: &mut Tx, scope: Scope, limit: i64) -> Result<usize, StoreError> {
    let rows = tx.rows(&UNFOLDED, &[&scope.partner(), &limit]).await?;
    let folded = |row: &Row| -> Result<Vec<Value>, StoreError> {
        let (first, last) = (row.get::<String>("first_name")?, row.get::<String>("last_name")?);
        let names = Names::of(&first, &last);
        let (id, version) = (row.get::<i64>("id")?, row.get::<i64>("version")?);
        Ok(values![scope.partner(), id, names.first, names.last, version])
    };
    let folded: Vec<_> = rows.iter().map(folded).collect::<Result<_, _>>()?;
    tx.run_each(&FOLD, &folded).await?;
    Ok(rows.len())
}

/// Whether there is anybody whose names aren't written as they are compared.
pub async fn is_any_unfolded(tx: &mut Tx, scope: Scope) -> Result<bool, StoreError> {
    Ok(tx.find(&UNFOLDED, &[&scope.partner(), &1_i64]).await?.is_some())
}

fn read_passed(row: &Row) -> Result<Passed, StoreError> {
    Ok(Passed {
        id: UserId(row.get("id")?),
        state: word(row, "state", UserState::parse)?,
        kyc: word(row, "kyc", Kyc::parse)?,
    })
}

fn read_known(row: &Row) -> Result<Known, StoreError> {
    let words = row.get::<String>("transactional_locks")?;
    let lock = |word| TransactionalLock::parse(word).ok_or_else(|| corrupt("transactional_locks"));
    Ok(Known {
        user: read(row)?,
        locks: words.split_ascii_whitespace().map(lock).collect::<Result<_, _>>()?,
        created_at: row.get("created_at")?,
    })
}
