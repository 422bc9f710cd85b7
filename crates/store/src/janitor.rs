//! Rows that have served their time. They are found by how old they are, whoever's they are.

use crate::db::{Each, Sql, Tx, Type, Value};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, MessageId, PartnerId};

/// What is counted at most: more is told as this many.
pub const COUNT_MAX: i64 = 100_000;

/// A kind of row that is deleted when it is old enough.
#[derive(Clone, Copy, Debug)]
pub struct Expired {
    /// What logs and metrics call it: its table.
    pub name: &'static str,
    /// The columns that name a row.
    keys: &'static [&'static str],
    /// Locks the oldest of those from before `$1`, at most `$2`, but for those of another janitor.
    find: Sql,
    /// Deletes a row if it is still from before the last parameter.
    delete: Each,
    /// How many there are from before `$1`.
    count: Sql,
}

/// Answers that were kept with their idempotency key.
pub const IDEMPOTENCY: Expired = Expired {
    name: "idempotency",
    keys: &["partner_id", "endpoint", "key"],
    find: Sql("
        select partner_id, endpoint, key
        from idempotency
        where created_at < $1
        order by created_at
        limit $2
        for no key update skip locked"),
    delete: Each {
        sql: "delete from idempotency
            where partner_id = $1 and endpoint = $2 and key = $3 and created_at < $4",
        keys: &[Type::Int, Type::Text, Type::Text, Type::Time],
    },
    count: Sql("
        select count(*) as rows
        from (select 1 from idempotency where created_at < $1 limit 100000) due"),
};

/// Reversals that waited in vain for what they reverse.
pub const EARLY_REVERSAL: Expired = Expired {
    name: "early_reversal",
    keys: &["partner_id", "card_id", "reference_id", "reference_date"],
    find: Sql("
        select partner_id, card_id, reference_id, reference_date
        from early_reversal
        where expires_at < $1
        order by expires_at
        limit $2
        for no key update skip locked"),
    delete: Each {
        sql: "delete from early_reversal
            where partner_id = $1 and card_id = $2 and reference_id = $3 and reference_date = $4
                and expires_at < $5",
        keys: &[Type::Int, Type::Int, Type::Text, Type::Time, Type::Time],
    },
    count: Sql("
        select count(*) as rows
        from (select 1 from early_reversal where expires_at < $1 limit 100000) due"),
};

/// Rows of a table that are known by one column, and over at `expires_at`.
macro_rules! over {
    ($table:literal, $key:literal, $kind:expr) => {
        Expired {
            name: $table,
            keys: &[$key],
            find: Sql(concat!(
                "select ",
                $key,
                " from ",
                $table,
                " where expires_at < $1 order by expires_at limit $2
                for no key update skip locked"
            )),
            delete: Each {
                sql: concat!("delete from ", $table, " where ", $key, " = $1 and expires_at < $2"),
                keys: &[$kind, Type::Time],
            },
            count: Sql(concat!(
                "select count(*) as rows from (select 1 from ",
                $table,
                " where expires_at < $1 limit 100000) due"
            )),
        }
    };
}

/// Sessions of users' apps that are over.
pub const SESSION: Expired = over!("session", "token_digest", Type::Bytes);
/// Sessions of panel accounts that are over.
pub const ADMIN_SESSION: Expired = over!("admin_session", "token_digest", Type::Bytes);
/// Challenges that nobody signed in time.
pub const CHALLENGE: Expired = over!("challenge", "digest", Type::Bytes);
/// Activation codes whose time is up.
pub const PAIRING: Expired = over!("pairing", "name", Type::Text);
/// Used tokens of trusted identities that are too old to be used again.
pub const IDENTITY_TOKEN: Expired = over!("identity_token", "digest", Type::Bytes);

/// Operations that have ended. One that hasn't is still carried out, however old it is.
pub const OPERATION: Expired = Expired {
    name: "operation",
    keys: &["partner_id", "id"],
    find: Sql("
        select partner_id, id
        from operation
        where finished_at is not null and created_at < $1
        order by created_at
        limit $2
        for no key update skip locked"),
    delete: Each {
        sql: "delete from operation
            where partner_id = $1 and id = $2 and created_at < $3 and finished_at is not null",
        keys: &[Type::Int, Type::Uuid, Type::Time],
    },
    count: Sql("
        select count(*) as rows
        from (
            select 1 from operation where finished_at is not null and created_at < $1 limit 100000
        ) due"),
};

/// Imports. One that still runs then finds that it is gone, and ends.
pub const IMPORT: Expired = Expired {
    name: "import",
    keys: &["partner_id", "id"],
    find: Sql("
        select partner_id, id
        from import
        where started_at < $1
        order by started_at
        limit $2
        for no key update skip locked"),
    delete: Each {
        sql: "delete from import where partner_id = $1 and id = $2 and started_at < $3",
        keys: &[Type::Int, Type::Uuid, Type::Time],
    },
    count: Sql("
        select count(*) as rows
        from (select 1 from import where started_at < $1 limit 100000) due"),
};

/// What became of their lines.
pub const IMPORT_LINE: Expired = Expired {
    name: "import_line",
    keys: &["partner_id", "import_id", "line"],
    find: Sql("
        select partner_id, import_id, line
        from import_line
        where created_at < $1
        order by created_at
        limit $2
        for no key update skip locked"),
    delete: Each {
        sql: "delete from import_line
            where partner_id = $1 and import_id = $2 and line = $3 and created_at < $4",
        keys: &[Type::Int, Type::Uuid, Type::Int, Type::Time],
    },
    count: Sql("
        select count(*) as rows
        from (select 1 from import_line where created_at < $1 limit 100000) due"),
};

// The condition is that of the index. The balance is looked up row by row: joined, a table that
// looks small would be read whole.
const NAMED_MESSAGES: Sql = Sql("
    select partner_id, id,
        (select balance_id
            from \"transaction\" it
            where it.partner_id = message.partner_id and it.id = message.transaction_id
        ) as balance_id
    from message
    where coalesce(idempotency_key, '') <> '' and created_at < $1
    order by created_at
    limit $2");
const CLEAR_KEY: Each = Each {
    sql: "update message
        set idempotency_key = null
        where partner_id = $1 and id = $2 and idempotency_key is not null",
    keys: &[Type::Int, Type::Uuid],
};
const COUNT_MESSAGES: Sql = Sql("
    select count(*) as rows
    from (
        select 1
        from message
        where coalesce(idempotency_key, '') <> '' and created_at < $1
        limit 100000
    ) due");

const COUNT_DELIVERED: Sql = Sql("
    select count(*) as rows
    from (
        select 1
        from outbox
        where partner_id = $1 and outcome = 'DELIVERED' and closed_at < $2
        limit 100000
    ) due");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    IDEMPOTENCY.find,
    IDEMPOTENCY.count,
    EARLY_REVERSAL.find,
    EARLY_REVERSAL.count,
    OPERATION.find,
    OPERATION.count,
    SESSION.find,
    SESSION.count,
    ADMIN_SESSION.find,
    ADMIN_SESSION.count,
    CHALLENGE.find,
    CHALLENGE.count,
    PAIRING.find,
    PAIRING.count,
    IDENTITY_TOKEN.find,
    IDENTITY_TOKEN.count,
    IMPORT.find,
    IMPORT.count,
    IMPORT_LINE.find,
    IMPORT_LINE.count,
    NAMED_MESSAGES,
    COUNT_MESSAGES,
    COUNT_DELIVERED,
];
/// Those that run for each of a set.
pub const EACH: &[Each] = &[
    IDEMPOTENCY.delete,
    EARLY_REVERSAL.delete,
    OPERATION.delete,
    SESSION.delete,
    ADMIN_SESSION.delete,
    CHALLENGE.delete,
    PAIRING.delete,
    IDENTITY_TOKEN.delete,
    IMPORT.delete,
    IMPORT_LINE.delete,
    CLEAR_KEY,
];

/// Deletes rows from before a moment, the oldest first, at most so many; answers how many.
pub async fn delete(
    tx: &mut Tx,
    expired: &Expired,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    let rows = tx.rows(&expired.find, &[&before, &limit]).await?;
    let keys = rows.iter().map(|row| {
        let key = expired.keys.iter().map(|column| row.get::<Value>(column));
        key.chain([Ok(Value::Time(before))]).collect()
    });
    let keys = keys.collect::<Result<Vec<Vec<Value>>, StoreError>>()?;
    tx.run_each(&expired.delete, &keys).await
}

/// How many rows are from before a moment; [`COUNT_MAX`] also where there are more.
pub async fn count(tx: &mut Tx, expired: &Expired, before: Timestamp) -> Result<i64, StoreError> {
    tx.row(&expired.count, &[&before]).await?.get("rows")
}

/// A message that has an idempotency key, and the balance that guards it, if one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedMessage {
    /// Whose it is.
    pub partner: PartnerId,
    /// Its id.
    pub id: MessageId,
    /// The balance of its transaction.
    pub balance: Option<BalanceId>,
}

/// Messages from before a moment that still have their idempotency key, the oldest first.
pub async fn list_named_messages(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<NamedMessage>, StoreError> {
    let rows = tx.rows(&NAMED_MESSAGES, &[&before, &limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(NamedMessage {
                partner: PartnerId(row.get("partner_id")?),
                id: MessageId(row.get("id")?),
                balance: row.get::<Option<BalanceId>>("balance_id")?,
            })
        })
        .collect()
}

/// Takes the idempotency keys from messages whose balances were locked before; answers how many
/// still had one.
pub async fn clear_keys(tx: &mut Tx, messages: &[NamedMessage]) -> Result<u64, StoreError> {
    let keys: Vec<Vec<Value>> =
        messages.iter().map(|message| values![message.partner, message.id]).collect();
    tx.run_each(&CLEAR_KEY, &keys).await
}

/// How many messages from before a moment still have their idempotency key; [`COUNT_MAX`] also
/// where there are more.
pub async fn count_named_messages(tx: &mut Tx, before: Timestamp) -> Result<i64, StoreError> {
    tx.row(&COUNT_MESSAGES, &[&before]).await?.get("rows")
}

/// How many notifications of a partner were delivered before a moment and are still there;
/// [`COUNT_MAX`] also where there are more. The outbox's log deletes them.
pub async fn count_delivered(
    tx: &mut Tx,
    partner: PartnerId,
    before: Timestamp,
) -> Result<i64, StoreError> {
    tx.row(&COUNT_DELIVERED, &[&partner, &before]).await?.get("rows")
}
