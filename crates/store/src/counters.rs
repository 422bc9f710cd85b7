//! Series of numbers. A block is taken at once; what isn't used of it is left out for ever.

use crate::db::{Sql, Table, Tx, Type};
use crate::{StoreError, values};
use domain::ids::PartnerId;

const TABLE: Table = Table {
    name: "counter",
    key: &["partner_id", "name"],
    columns: &[("partner_id", Type::Int), ("name", Type::Text), ("next", Type::Int)],
};

const TAKE: Sql = Sql("
    update counter
    set next = next + $3
    where partner_id = $1 and name = $2
    returning next");

const GO_BACK: Sql = Sql("
    update counter
    set next = $3
    where partner_id = $1 and name = $2 and next > $3");

const NEXT: Sql = Sql("select next from counter where partner_id = $1 and name = $2");

const SKIP: Sql = Sql("
    update counter
    set next = next + $1
    where name <> $2 and not name like $3 and not name like $4");

/// The series of a partner's transactions and of what it is told: one, so that a batch locks one
/// row for both.
pub const EVENTS: &str = "transaction";

/// The series whose next number tells by how many seconds a sandbox's clock is ahead, and one more:
/// a measure, of which nothing is given out, so [`skip`] leaves it as it is.
pub const CLOCK: &str = "sandbox clock";

/// What the names of series begin with that tell how far partners were told of the cards that
/// expire on a day: nothing is given out of them either.
pub const EXPIRING: &str = "expiring/";

/// The series of the changes of the lists that names are looked for on: how many were taken tells
/// which lists are in force.
pub const SCREENING: &str = "screening";

/// The series of the versions of what stands on lists.
pub const LISTS: &str = "screening list";

/// What the names of series begin with that tell how far a partner's users were looked for on the
/// lists of a version: as with [`EXPIRING`].
pub const SCREENED: &str = "screened/";

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[TAKE, GO_BACK, NEXT, SKIP];

/// Takes `count` numbers of a series and answers with the first; a new series begins at 1.
/// The series' row stays locked until the transaction ends.
pub async fn take(
    tx: &mut Tx,
    partner: PartnerId,
    name: &str,
    count: i64,
) -> Result<i64, StoreError> {
    loop {
        if let Some(row) = tx.find(&TAKE, &[&partner, &name, &count]).await? {
            return Ok(row.get::<i64>("next")? - count);
        }
        tx.insert_new(&TABLE, &[values![partner, name, 1i64]]).await?;
    }
}

/// The next number of a series, which isn't taken; the series' row stays locked until the
/// transaction ends.
pub async fn hold(tx: &mut Tx, partner: PartnerId, name: &str) -> Result<i64, StoreError> {
    take(tx, partner, name, 0).await
}

/// Has the numbers of a series that tells how far something is taken from this one on again, if
/// they were.
pub async fn go_back(
    tx: &mut Tx,
    partner: PartnerId,
    name: &str,
    to: i64,
) -> Result<(), StoreError> {
    tx.run(&GO_BACK, &[&partner, &name, &to]).await.map(|_| ())
}

/// How many numbers of a series were taken.
pub async fn taken(tx: &mut Tx, partner: PartnerId, name: &str) -> Result<i64, StoreError> {
    let row = tx.find(&NEXT, &[&partner, &name]).await?;
    Ok(row.map(|row| row.get::<i64>("next")).transpose()?.map_or(0, |next| next - 1))
}

/// Leaves out `count` numbers of every series but [`CLOCK`] and those of [`EXPIRING`] and
/// [`SCREENED`].
pub async fn skip(tx: &mut Tx, count: i64) -> Result<(), StoreError> {
    let [expiring, screened] = [EXPIRING, SCREENED].map(|name| format!("{name}%"));
    tx.run(&SKIP, &[&count, &CLOCK, &expiring, &screened]).await.map(|_| ())
}
