//! Rows of `card_use`, `card_use_day` and `card_use_tally`: how soon cards are used, counted off
//! the path of their payments.

use crate::db::{Each, Row, Sql, Table, ToValue, Tx, Type, Value};
use crate::read::{date, date_or_none, word};
use crate::{StoreError, values};
use domain::card::first_use::{Cohort, WITHIN_DAYS};
use domain::ids::CardId;
use domain::scope::Scope;
use domain::transaction::{Processing, TransactionType};
use domain::{Date, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

const CARDS: Table = Table {
    name: "card_use",
    key: &["partner_id", "card_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("card_id", Type::Int),
        ("config_id", Type::Text),
        ("issued_on", Type::Text),
        ("used_on", Type::Text),
    ],
};
const DAYS: Table = Table {
    name: "card_use_day",
    key: &["partner_id", "issued_on", "config_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("issued_on", Type::Text),
        ("config_id", Type::Text),
        ("issued", Type::Int),
        ("used_1", Type::Int),
        ("used_2", Type::Int),
        ("used_5", Type::Int),
        ("used_15", Type::Int),
        ("used_30", Type::Int),
    ],
};
const TALLIES: Table = Table {
    name: "card_use_tally",
    key: &["partner_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("step", Type::Int),
        ("card_at", Type::Time),
        ("card_id", Type::Int),
        ("transaction_id", Type::Uuid),
        ("counted_to", Type::Time),
    ],
};

const TALLY: Sql = Sql("
    select step, card_at, card_id, transaction_id, counted_to
    from card_use_tally
    where partner_id = $1");
const ADVANCE: Sql = Sql("
    update card_use_tally
    set step = step + 1, card_at = $3, card_id = $4, transaction_id = $5, counted_to = $6
    where partner_id = $1 and step = $2");
const ISSUED: Sql = Sql("
    select id, config_id, created_at
    from card
    where partner_id = $1 and (created_at, id) > ($2, $3) and created_at < $4
    order by created_at, id
    limit $5");
const PAID: Sql = Sql("
    select id, card_id, kind, processing, amount, received_at
    from \"transaction\"
    where partner_id = $1 and id > $2 and id < $3
    order by id
    limit $4");
const BETWEEN: Sql = Sql("
    select issued_on, config_id, issued, used_1, used_2, used_5, used_15, used_30
    from card_use_day
    where partner_id = $1 and issued_on >= $2 and issued_on <= $3
    order by issued_on, config_id");
const COUNTED: Each = Each {
    sql: "select card_id, config_id, issued_on, used_on
        from card_use
        where partner_id = $1 and card_id = $2
        limit 1",
    keys: &[Type::Int, Type::Int],
};
const CARD: Each = Each {
    sql: "select id, config_id, created_at
        from card
        where partner_id = $1 and id = $2
        limit 1",
    keys: &[Type::Int, Type::Int],
};
const USE: Each = Each {
    sql: "update card_use
        set used_on = $3
        where partner_id = $1 and card_id = $2",
    keys: &[Type::Int, Type::Int, Type::Text],
};
const ADD: Each = Each {
    sql: "update card_use_day
        set issued = issued + $4, used_1 = used_1 + $5, used_2 = used_2 + $6,
            used_5 = used_5 + $7, used_15 = used_15 + $8, used_30 = used_30 + $9
        where partner_id = $1 and issued_on = $2 and config_id = $3",
    keys: &[
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
};

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[TALLY, ADVANCE, ISSUED, PAID, BETWEEN];
/// Those that walk along an index, with the types of their parameters.
pub const WALKS: &[Each] = &[
    Each { sql: ISSUED.0, keys: &[Type::Int, Type::Time, Type::Int, Type::Time, Type::Int] },
    Each { sql: PAID.0, keys: &[Type::Int, Type::Uuid, Type::Uuid, Type::Int] },
    Each { sql: BETWEEN.0, keys: &[Type::Int, Type::Text, Type::Text] },
];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[COUNTED, CARD, USE, ADD];

/// How far a partner's cards and their use are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How often it was advanced.
    pub step: i64,
    /// The last card that was counted as issued, by when it was and its id.
    pub card: (Timestamp, CardId),
    /// The last transaction that was looked at.
    pub transaction: Uuid,
    /// Up to when all is counted.
    pub counted_to: Timestamp,
}

impl Tally {
    /// Where nothing is counted.
    pub const NONE: Self = Self {
        step: 0,
        card: (Timestamp::UNIX_EPOCH, CardId(0)),
        transaction: Uuid::nil(),
        counted_to: Timestamp::UNIX_EPOCH,
    };
}

/// A card as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its id.
    pub id: CardId,
    /// Its program.
    pub config_id: String,
    /// When it was issued, or ordered.
    pub at: Timestamp,
}

/// What tells whether a transaction is a use of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// Its id.
    pub id: Uuid,
    /// The card, if there is one.
    pub card: Option<CardId>,
    /// Its type.
    pub kind: TransactionType,
    /// What was done with the request.
    pub processing: Processing,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// When it came.
    pub at: Timestamp,
}

/// A card that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its id.
    pub card: CardId,
    /// Its program.
    pub config_id: String,
    /// The day on which it was issued.
    pub issued_on: Date,
    /// The day on which it was first used, if it was.
    pub used_on: Option<Date>,
}

/// How far a partner's cards are counted, if any are.
pub async fn tally(tx: &mut Tx, scope: Scope) -> Result<Option<Tally>, StoreError> {
    let row = tx.find(&TALLY, &[&scope.partner()]).await?;
    let read = |row: Row| {
        Ok(Tally {
            step: row.get("step")?,
            card: (row.get("card_at")?, CardId(row.get("card_id")?)),
            transaction: row.get("transaction_id")?,
            counted_to: row.get("counted_to")?,
        })
    };
    row.map(read).transpose()
}

/// Notes how far it is counted; `false` if somebody else has counted meanwhile. The step of `to` is
/// still the one that was read.
pub async fn advance(tx: &mut Tx, scope: Scope, to: &Tally) -> Result<bool, StoreError> {
    let Tally { step, card: (at, id), transaction, counted_to } = to;
    let changed = if *step == 0 {
        let row = values![scope.partner(), 1i64, at, id, transaction, counted_to];
        tx.insert_new(&TALLIES, &[row]).await?
    } else {
        let parameters: [&dyn ToValue; 6] =
            [&scope.partner(), step, at, id, transaction, counted_to];
        tx.run(&ADVANCE, &parameters).await?
    };
    Ok(changed == 1)
}

/// A partner's cards in the order in which they were issued, from the one after `after`, before a
/// moment.
pub async fn list_issued(
    tx: &mut Tx,
    scope: Scope,
    (at, id): (Timestamp, CardId),
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Issued>, StoreError> {
    let rows = tx.rows(&ISSUED, &[&scope.partner(), &at, &id, &before, &limit]).await?;
    rows.iter().map(read_issued).collect()
}

/// Those of some cards that there are.
pub async fn load(
    tx: &mut Tx,
    scope: Scope,
    ids: &BTreeSet<CardId>,
) -> Result<Vec<Issued>, StoreError> {
    tx.rows_each(&CARD, &keys(scope, ids)).await?.iter().map(read_issued).collect()
}

/// A partner's transactions by ascending id, from the one after `after`, before `before`.
pub async fn list_paid(
    tx: &mut Tx,
    scope: Scope,
    (after, before): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Paid>, StoreError> {
    let rows = tx.rows(&PAID, &[&scope.partner(), &after, &before, &limit]).await?;
    let read = |row: &Row| {
        Ok(Paid {
            id: row.get("id")?,
            card: row.get::<Option<i64>>("card_id")?.map(CardId),
            kind: word(row, "kind", TransactionType::parse)?,
            processing: word(row, "processing", Processing::parse)?,
            amount: row.get("amount")?,
            at: row.get("received_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Those of some cards that were counted.
pub async fn counted(
    tx: &mut Tx,
    scope: Scope,
    ids: &BTreeSet<CardId>,
) -> Result<Vec<Counted>, StoreError> {
    let rows = tx.rows_each(&COUNTED, &keys(scope, ids)).await?;
    let read = |row: &Row| {
        Ok(Counted {
            card: CardId(row.get("card_id")?),
            config_id: row.get("config_id")?,
            issued_on: date(row, "issued_on")?,
            used_on: date_or_none(row, "used_on")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds cards that weren't counted.
pub async fn insert(tx: &mut Tx, scope: Scope, new: &[Counted]) -> Result<(), StoreError> {
    let row =
        |it: &Counted| values![scope.partner(), it.card, it.config_id, it.issued_on, it.used_on];
    let rows: Vec<Vec<Value>> = new.iter().map(row).collect();
    tx.insert_all(&CARDS, &rows).await.map(drop)
}

/// Notes the day on which cards were first used.
pub async fn set_used(
    tx: &mut Tx,
    scope: Scope,
    used: &[(CardId, Date)],
) -> Result<(), StoreError> {
    let row = |(card, day): &(CardId, Date)| values![scope.partner(), *card, *day];
    let rows: Vec<Vec<Value>> = used.iter().map(row).collect();
    tx.run_each(&USE, &rows).await.map(drop)
}

/// Adds to the sums of programs and days.
pub async fn add(tx: &mut Tx, scope: Scope, by: &[Cohort]) -> Result<(), StoreError> {
    let row = |it: &Cohort, issued: i64, used: [i64; WITHIN_DAYS.len()]| {
        let [one, two, five, fifteen, thirty] = used;
        let (partner, day) = (scope.partner(), it.issued_on);
        values![partner, day, it.config_id, issued, one, two, five, fifteen, thirty]
    };
    let new: Vec<Vec<Value>> = by.iter().map(|it| row(it, 0, [0; WITHIN_DAYS.len()])).collect();
    tx.insert_new(&DAYS, &new).await?;
    let more: Vec<Vec<Value>> = by.iter().map(|it| row(it, it.issued, it.used)).collect();
    tx.run_each(&ADD, &more).await.map(drop)
}

/// What was counted of the cards of some days, both included.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    (from, to): (Date, Date),
) -> Result<Vec<Cohort>, StoreError> {
    let rows = tx.rows(&BETWEEN, &[&scope.partner(), &from, &to]).await?;
    let read = |row: &Row| {
        Ok(Cohort {
            config_id: row.get("config_id")?,
            issued_on: date(row, "issued_on")?,
            issued: row.get("issued")?,
            used: [
                row.get("used_1")?,
                row.get("used_2")?,
                row.get("used_5")?,
                row.get("used_15")?,
                row.get("used_30")?,
            ],
        })
    };
    rows.iter().map(read).collect()
}

fn keys(scope: Scope, ids: &BTreeSet<CardId>) -> Vec<Vec<Value>> {
    ids.iter().map(|id| values![scope.partner(), *id]).collect()
}

fn read_issued(row: &Row) -> Result<Issued, StoreError> {
    Ok(Issued {
        id: CardId(row.get("id")?),
        config_id: row.get("config_id")?,
        at: row.get("created_at")?,
    })
}
