//! The books as `ledger verify` reads them: what the balances say, and what movements and holds sum
//! to.

use crate::StoreError;
use crate::db::{Row, Sql, Tx};
use domain::scope::Scope;
use uuid::Uuid;

const HELD: Sql = Sql("
    select balance_id, cast(sum(held) as bigint) as held
    from \"transaction\"
    where partner_id = $1 and held <> 0
    group by balance_id");
const MOVED_OUT: Sql = Sql("
    select from_account as account, from_balance_id as balance_id, currency,
        cast(sum(amount) as bigint) as moved
    from movement
    where partner_id = $1
    group by from_account, from_balance_id, currency");
const MOVED_IN: Sql = Sql("
    select to_account as account, to_balance_id as balance_id, currency,
        cast(sum(amount) as bigint) as moved
    from movement
    where partner_id = $1
    group by to_account, to_balance_id, currency");
const BALANCES: Sql = Sql("
    select id, currency, posted, held
    from balance
    where partner_id = $1
    order by id");
const UNBALANCED_TRANSACTIONS: Sql = Sql("
    select t.id
    from \"transaction\" t
    where t.partner_id = $1 and t.cleared <> (
        select coalesce(cast(sum(m.amount) as bigint), 0)
        from movement m
        where m.partner_id = t.partner_id and m.transaction_id = t.id)
    order by t.id
    limit 20");
const HOLDING_BUT_CLOSED: Sql = Sql("
    select id
    from \"transaction\"
    where partner_id = $1 and held <> 0 and (status <> 'AUTHORIZED' or processing <> 'SUCCESS')
    order by id
    limit 20");
const MOVEMENTS_WITHOUT_TRANSACTION: Sql = Sql("
    select distinct m.transaction_id as id
    from movement m
    where m.partner_id = $1 and not exists (
        select 1
        from \"transaction\" t
        where t.partner_id = m.partner_id and t.id = m.transaction_id)
    limit 20");
const MESSAGES_WITHOUT_TRANSACTION: Sql = Sql("
    select m.transaction_id as id
    from message m
    where m.partner_id = $1 and not exists (
        select 1
        from \"transaction\" t
        where t.partner_id = m.partner_id and t.id = m.transaction_id)
    limit 20");
const TRANSACTIONS_WITHOUT_BALANCE: Sql = Sql("
    select t.id
    from \"transaction\" t
    where t.partner_id = $1 and t.processing = 'SUCCESS' and not exists (
        select 1 from balance b where b.partner_id = t.partner_id and b.id = t.balance_id)
    limit 20");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    HELD,
    MOVED_OUT,
    MOVED_IN,
    BALANCES,
    UNBALANCED_TRANSACTIONS,
    HOLDING_BUT_CLOSED,
    MOVEMENTS_WITHOUT_TRANSACTION,
    MESSAGES_WITHOUT_TRANSACTION,
    TRANSACTIONS_WITHOUT_BALANCE,
];

/// A balance as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The balance.
    pub id: Uuid,
    /// Its currency.
    pub currency: String,
    /// Posted, in minor units.
    pub posted: i64,
    /// Held, in minor units.
    pub held: i64,
}

/// A sum of movements of one account in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// `balance`, `scheme` or `outside`.
    pub account: String,
    /// The balance, if the account is one.
    pub balance: Option<Uuid>,
    /// The currency.
    pub currency: String,
    /// The sum, in minor units.
    pub sum: i64,
}

/// All that `ledger verify` compares of one partner, read in one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// What the balances say.
    pub balances: Vec<Told>,
    /// What transactions hold, by balance.
    pub held: Vec<(Option<Uuid>, i64)>,
    /// What moved out of each account.
    pub moved_out: Vec<Moved>,
    /// What moved into each account.
    pub moved_in: Vec<Moved>,
    /// Rows that contradict one another: what is wrong, and the transaction.
    pub broken: Vec<(&'static str, Uuid)>,
}

/// Reads the books of a partner.
pub async fn books(tx: &mut Tx, scope: Scope) -> Result<Books, StoreError> {
    let partner = scope.partner();
    let mut books = Books::default();
    for row in tx.rows(&BALANCES, &[&partner]).await? {
        books.balances.push(Told {
            id: row.get("id")?,
            currency: row.get("currency")?,
            posted: row.get("posted")?,
            held: row.get("held")?,
        });
    }
    for row in tx.rows(&HELD, &[&partner]).await? {
        books.held.push((row.get("balance_id")?, row.get("held")?));
    }
    books.moved_out = moved(&tx.rows(&MOVED_OUT, &[&partner]).await?)?;
    books.moved_in = moved(&tx.rows(&MOVED_IN, &[&partner]).await?)?;
    for (what, statement) in [
        ("its movements don't sum to what it has cleared", UNBALANCED_TRANSACTIONS),
        ("it holds money but isn't authorized", HOLDING_BUT_CLOSED),
        ("it has movements but no row", MOVEMENTS_WITHOUT_TRANSACTION),
        ("it has a message but no row", MESSAGES_WITHOUT_TRANSACTION),
        ("its balance has no row", TRANSACTIONS_WITHOUT_BALANCE),
    ] {
        for row in tx.rows(&statement, &[&partner]).await? {
            books.broken.push((what, row.get("id")?));
        }
    }
    Ok(books)
}

fn moved(rows: &[Row]) -> Result<Vec<Moved>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(Moved {
                account: row.get("account")?,
                balance: row.get("balance_id")?,
                currency: row.get("currency")?,
                sum: row.get("moved")?,
            })
        })
        .collect()
}
