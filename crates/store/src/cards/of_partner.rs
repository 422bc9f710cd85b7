//! The cards of a partner, as people look for them and count them.

use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::{StoreError, values};
use domain::ids::CardId;
use domain::scope::Scope;
use std::collections::BTreeSet;

const HAS_LAST_FOUR: Each = Each {
    sql: "select id
        from card
        where partner_id = $1 and id = $2 and last_four = $3
        limit 1",
    keys: &[Type::Int, Type::Int, Type::Text],
};
const STRETCH: Sql = Sql("
    select id, state, removed_at is null as is_there, lock_reason is not null as is_locked
    from card
    where partner_id = $1 and id > $2
    order by id
    limit $3");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[STRETCH];
/// Those that walk along an index, with the types of their parameters.
pub const WALKS: &[Each] = &[Each { sql: STRETCH.0, keys: &[Type::Int, Type::Int, Type::Int] }];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[HAS_LAST_FOUR];

/// Which of some cards, removed ones among them, have these last digits.
pub async fn with_last_four(
    tx: &mut Tx,
    scope: Scope,
    cards: &BTreeSet<CardId>,
    last_four: &str,
) -> Result<BTreeSet<CardId>, StoreError> {
    let key = |card: &CardId| values![scope.partner(), *card, last_four];
    let keys: Vec<Vec<Value>> = cards.iter().map(key).collect();
    let rows = tx.rows_each(&HAS_LAST_FOUR, &keys).await?;
    rows.iter().map(|row| Ok(CardId(row.get("id")?))).collect()
}

/// How many cards there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// That were made and not removed.
    pub issued: i64,
    /// Of those, that are locked.
    pub locked: i64,
}

/// Adds a stretch of cards to a count, from the one after `after`; the last of them, if there may
/// be more.
pub async fn count_stretch(
    tx: &mut Tx,
    scope: Scope,
    (count, after): (&mut Count, CardId),
    limit: i64,
) -> Result<Option<CardId>, StoreError> {
    let rows = tx.rows(&STRETCH, &[&scope.partner(), &after, &limit]).await?;
    for row in &rows {
        let is_made = row.get::<String>("state")? != "ORDERED";
        if is_made && row.get::<bool>("is_there")? {
            count.issued += 1;
            count.locked += i64::from(row.get::<bool>("is_locked")?);
        }
    }
    let is_full = i64::try_from(rows.len()).is_ok_and(|read| read >= limit);
    let last = |row: &Row| Ok(CardId(row.get("id")?));
    rows.last().filter(|_| is_full).map(last).transpose()
}
