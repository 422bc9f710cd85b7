//! Migrations: forward only, each in one transaction, each once, even if two nodes start at once.

use super::{Db, Kind, Sql, Tx};
use crate::StoreError;

/// One step of the schema, in the words of both databases.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the order.
    pub number: i64,
    /// What it does, in a few words.
    pub name: &'static str,
    /// Statements for PostgreSQL, separated by semicolons.
    pub postgres: &'static str,
    /// Statements for SQLite, separated by semicolons.
    pub sqlite: &'static str,
}

/// Waits for the other node however long it takes, then for other locks a while only. The number
/// is an arbitrary one that nobody else locks.
const BEGIN_POSTGRES: &str = "
    set local statement_timeout = 0;
    set local lock_timeout = 0;
    set local idle_in_transaction_session_timeout = 0;
    select pg_advisory_xact_lock(4719370151298);
    set local lock_timeout = '10s';
    create table if not exists migration (
        number bigint primary key,
        name text not null,
        applied_at timestamptz not null default now()
    )";
const BEGIN_SQLITE: &str = "
    create table if not exists migration (
        number integer primary key,
        name text not null,
        applied_at integer not null default (cast(unixepoch('subsec') * 1000000 as integer))
    ) strict";

const HAS_TABLE_POSTGRES: Sql = Sql("
    select 1 as found
    where to_regclass('migration') is not null");
const HAS_TABLE_SQLITE: Sql = Sql("
    select 1 as found
    from sqlite_schema
    where type = 'table' and name = 'migration'");
const APPLIED: Sql = Sql("
    select number
    from migration
    order by number");
const RECORD: Sql = Sql("
    insert into migration (number, name)
    values ($1, $2)");

/// What SQLite plans by: how many rows of an index are alike in its first columns, as in a database
/// of a million rows and some partners, told by the columns' names. Left to itself it would look
/// at what there is on one day, the first, when nothing is: it then takes a partner's rows for few
/// and reads through all of them where an index would lead to one, and each connection that was
/// open before goes on so. `analyze migration` makes the table, the last line has it read.
const STATISTICS: &str = "
    analyze migration;
    delete from sqlite_stat1;
    insert into sqlite_stat1 (tbl, idx, stat)
    select name, of, iif(partial, '10000 ', '1000000 ') || group_concat(alike, ' ' order by seqno)
    from (
        select
            t.name,
            iif(i.origin = 'pk', t.name, i.name) as of,
            i.partial,
            c.seqno,
            case
                when i.\"unique\" and c.seqno = max(c.seqno) over (partition by t.name, i.name)
                    then 1
                when c.seqno = 0 and c.name = 'partner_id' then iif(i.partial, 1000, 100000)
                when c.name like '%id' or c.name like '%key' or c.name like '%number'
                    or c.name like '%index' then 10
                else iif(i.partial, 100, 10000)
            end as alike
        from sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
        where t.type = 'table' and t.name not like 'sqlite_%'
    )
    group by name, of;
    analyze sqlite_schema;";

impl Db {
    /// Applies what is missing of `migrations`, in their order, then gathers statistics. Answers
    /// the names of what was applied. A database with a migration that isn't among them is
    /// [`StoreError::NewerDatabase`].
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<Vec<&'static str>, StoreError> {
        let mut names = Vec::new();
        for missing in self.missing(migrations).await? {
            let mut tx = self.begin().await?;
            let result = apply(&mut tx, migrations, &missing).await;
            if tx.end(result).await? {
                tracing::info!(number = missing.number, name = missing.name, "Applied a migration");
                names.push(missing.name);
            }
        }
        self.analyze().await?;
        Ok(names)
    }

    /// Gathers statistics of all tables, from which statements are planned: PostgreSQL's own, and
    /// on SQLite those that the schema tells, which never change.
    pub async fn analyze(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let result = analyze(&mut tx).await;
        tx.end(result).await?;
        self.forget_readers();
        Ok(())
    }

    /// The names of what [`Db::migrate`] would apply.
    pub async fn pending(&self, migrations: &[Migration]) -> Result<Vec<&'static str>, StoreError> {
        let missing = self.missing(migrations).await?;
        Ok(missing.iter().map(|migration| migration.name).collect())
    }

    async fn missing(&self, migrations: &[Migration]) -> Result<Vec<Migration>, StoreError> {
        let has_table = match self.kind() {
            Kind::Postgres => HAS_TABLE_POSTGRES,
            Kind::Sqlite => HAS_TABLE_SQLITE,
        };
        let mut tx = self.read().await?;
        let applied = match tx.find(&has_table, &[]).await? {
            Some(_) => applied(&mut tx, migrations).await?,
            None => Vec::new(),
        };
        tx.rollback().await;
        let missing = migrations.iter().filter(|migration| !applied.contains(&migration.number));
        Ok(missing.copied().collect())
    }
}

/// The numbers of what was applied, all of which must be known.
async fn applied(tx: &mut Tx, migrations: &[Migration]) -> Result<Vec<i64>, StoreError> {
    let mut numbers = Vec::new();
    for row in tx.rows(&APPLIED, &[]).await? {
        let number = row.get("number")?;
        if migrations.iter().all(|migration| migration.number != number) {
            return Err(StoreError::NewerDatabase { number });
        }
        numbers.push(number);
    }
    Ok(numbers)
}

/// Applies one migration, unless another node did meanwhile.
async fn apply(tx: &mut Tx, all: &[Migration], one: &Migration) -> Result<bool, StoreError> {
    let text = match tx.kind() {
        Kind::Postgres => one.postgres,
        Kind::Sqlite => one.sqlite,
    };
    begin(tx).await?;
    if applied(tx, all).await?.contains(&one.number) {
        return Ok(false);
    }
    tx.script(text).await?;
    tx.run(&RECORD, &[&one.number, &one.name]).await?;
    Ok(true)
}

/// Takes the lock of migrations, so that two nodes take turns.
async fn begin(tx: &mut Tx) -> Result<(), StoreError> {
    tx.script(match tx.kind() {
        Kind::Postgres => BEGIN_POSTGRES,
        Kind::Sqlite => BEGIN_SQLITE,
    })
    .await
}

async fn analyze(tx: &mut Tx) -> Result<(), StoreError> {
    begin(tx).await?;
    tx.script(match tx.kind() {
        Kind::Postgres => "analyze",
        Kind::Sqlite => STATISTICS,
    })
    .await
}
