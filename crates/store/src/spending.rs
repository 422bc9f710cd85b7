//! Rows of `spending`: what a card or an owner may spend, and has. A card's row is guarded by its
//! balance, an owner's by the owner. A card's stands beside its owner's, whose `card_id` is 0: most
//! often both are written, and so they are one page.

pub(crate) mod rules;

pub use rules::to_json;

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{amount, corrupt, currency, date_or_none, word};
use crate::{StoreError, balances, cards, values};
use domain::Timestamp;
use domain::ids::{CardId, OwnerId, PartnerId};
use domain::limits::Budget;
use domain::scope::Scope;
use domain::spending::{Spending, Subject, Sum};
use domain::transaction::{Category, Processing, TransactionType};
use jiff::tz::TimeZone;

const TABLE: Table = Table {
    name: "spending",
    key: &["partner_id", "owner_id", "card_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("owner_id", Type::Int),
        ("card_id", Type::Int),
        ("rules", Type::Json),
        ("counters", Type::Bytes),
        ("version", Type::Int),
    ],
};

/// Of an owner's own row.
const NO_CARD: i64 = 0;

const LOAD: Each = Each {
    sql: "select partner_id, owner_id, card_id, rules, counters, version
        from spending
        where partner_id = $1 and owner_id = $2 and card_id = $3
        limit 1",
    keys: &[Type::Int, Type::Int, Type::Int],
};
const UPDATE: Each = Each {
    sql: "update spending
        set counters = $4, version = $5
        where partner_id = $1 and owner_id = $2 and card_id = $3 and version = $6",
    keys: &[Type::Int, Type::Int, Type::Int, Type::Bytes, Type::Int, Type::Int],
};
const SET: Each = Each {
    sql: "update spending
        set rules = $4, counters = $5, version = $6
        where partner_id = $1 and owner_id = $2 and card_id = $3 and version = $7",
    keys: &[Type::Int, Type::Int, Type::Int, Type::Json, Type::Bytes, Type::Int, Type::Int],
};
// Newest first, as long as there can be something of a budget's days: no index tells of days.
// Amounts are added up by the caller: a sum can be beyond 64 bits.
const WALK: Sql = Sql("
    select number, card_id, kind, category, currency, processing, held, cleared, counted_on,
        received_at
    from \"transaction\"
    where partner_id = $1 and balance_id = $2 and number < $3
    order by number desc
    limit $4");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[WALK];
/// Those that walk through a history, with the types of their parameters.
pub const WALKS: &[Each] =
    &[Each { sql: WALK.0, keys: &[Type::Int, Type::Uuid, Type::Int, Type::Int] }];
/// Those that the engine runs for each of a set.
pub const ENGINE: &[Each] = &[LOAD, UPDATE, SET];

/// Whose spending, by its partner.
pub type Key = (PartnerId, Subject);

/// A row as it was read, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What may be spent, and was.
    pub spending: Spending,
    /// The row's version; none if there is no row yet.
    pub version: Option<i64>,
}

fn key((partner, subject): Key) -> Vec<Value> {
    match subject {
        Subject::Card(owner, card) => values![partner, owner, card],
        Subject::Owner(owner) => values![partner, owner, NO_CARD],
    }
}

/// Reads the spending of cards and owners that are guarded by the caller. Of whom nothing was kept
/// yet there is no row.
pub async fn load(
    tx: &mut Tx,
    keys: impl Iterator<Item = Key>,
) -> Result<Vec<(Key, Kept)>, StoreError> {
    let keys: Vec<Vec<Value>> = keys.map(key).collect();
    tx.rows_each(&LOAD, &keys).await?.iter().map(read).collect()
}

/// The same of one.
pub async fn find(tx: &mut Tx, scope: Scope, subject: Subject) -> Result<Kept, StoreError> {
    let found = load(tx, std::iter::once((scope.partner(), subject))).await?;
    Ok(found.into_iter().next().map(|(_, kept)| kept).unwrap_or_default())
}

/// Writes counters; answers how many rows are there now with what was counted.
pub async fn update<'a>(
    tx: &mut Tx,
    changed: impl Iterator<Item = (Key, &'a Kept)>,
) -> Result<u64, StoreError> {
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for (whose, kept) in changed {
        let mut row = key(whose);
        match kept.version {
            None => {
                let rules = rules::to_value(&kept.spending.rules);
                row.extend(values![rules, kept.spending.counters(), 0i64]);
                new.push(row);
            }
            Some(version) => {
                row.extend(values![kept.spending.counters(), version + 1, version]);
                old.push(row);
            }
        }
    }
    Ok(tx.insert_all(&TABLE, &new).await? + tx.run_each(&UPDATE, &old).await?)
}

/// Writes what may be spent and, with a new budget, what was spent of it.
pub async fn set(
    tx: &mut Tx,
    scope: Scope,
    subject: Subject,
    kept: &Kept,
) -> Result<(), StoreError> {
    let Some(version) = kept.version else {
        let new = std::iter::once(((scope.partner(), subject), kept));
        return update(tx, new).await.map(|_| ());
    };
    let mut row = key((scope.partner(), subject));
    let rules = rules::to_value(&kept.spending.rules);
    row.extend(values![rules, kept.spending.counters(), version + 1, version]);
    match tx.run_each(&SET, &[row]).await? {
        1 => Ok(()),
        _ => Err(corrupt("version")),
    }
}

/// How many transactions one statement reads.
const STRETCH: i64 = 1_000;
/// By how many days a transaction may have come before the day on which it counts: time zones and
/// clocks differ.
const DAYS_BEFORE: i64 = 3;

/// What was spent already in the days of a budget. Of each history it reads what came since, and
/// one stretch more.
pub async fn spent(
    tx: &mut Tx,
    scope: Scope,
    subject: Subject,
    budget: &Budget,
) -> Result<Sum, StoreError> {
    let (card, balances) = match subject {
        Subject::Card(_, card) => {
            let found = cards::find(tx, scope, card).await?;
            (Some(card.0), found.map(|found| found.balance).into_iter().collect())
        }
        Subject::Owner(owner) => (None, balances::ids_of(tx, scope, owner, usize::MAX).await?),
    };
    let begin = budget.from.saturating_sub(jiff::Span::new().days(DAYS_BEFORE));
    let begin = begin.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |begin| begin.timestamp());
    let mut sum = Sum::default();
    for balance in balances {
        let (mut number, mut goes_on) = (i64::MAX, true);
        while goes_on {
            let rows = tx.rows(&WALK, &[&scope.partner(), &balance, &number, &STRETCH]).await?;
            let mut is_of_then = false;
            for row in &rows {
                number = row.get("number")?;
                is_of_then |= row.get::<Timestamp>("received_at")? >= begin;
                if card.is_none() || row.get::<Option<i64>>("card_id")? == card {
                    sum = sum.plus(spent_by(row, budget)?);
                }
            }
            // One whose clock was wrong ends nothing: all of a stretch came before.
            goes_on = is_of_then && i64::try_from(rows.len()).is_ok_and(|count| count >= STRETCH);
        }
    }
    Ok(sum)
}

/// What a transaction has spent of a budget.
fn spent_by(row: &Row, budget: &Budget) -> Result<Sum, StoreError> {
    let on = date_or_none(row, "counted_on")?;
    let counts = on.is_some_and(|on| budget.covers(on))
        && currency(row, "currency")? == budget.currency
        && matches!(
            word(row, "processing", Processing::parse)?,
            Processing::Success | Processing::Asking
        );
    if !counts {
        return Ok(Sum::default());
    }
    let kind = word(row, "kind", TransactionType::parse)?;
    let category = word(row, "category", Category::parse)?;
    Ok(Sum::spent((kind, category), (amount(row, "held")?, amount(row, "cleared")?)))
}

fn read(row: &Row) -> Result<(Key, Kept), StoreError> {
    let owner = OwnerId(row.get("owner_id")?);
    let subject = match row.get("card_id")? {
        NO_CARD => Subject::Owner(owner),
        card => Subject::Card(owner, CardId(card)),
    };
    let rules = rules::read(row, "rules")?;
    let spending = Spending::of(rules, &row.get::<Vec<u8>>("counters")?);
    let spending = spending.ok_or_else(|| corrupt("counters"))?;
    let kept = Kept { spending, version: Some(row.get("version")?) };
    Ok(((PartnerId(row.get("partner_id")?), subject), kept))
}
