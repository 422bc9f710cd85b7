//! Every statement of the store is understood by both databases, and those that run for each of a
//! set, the engine's and the outbox's, are answered from an index, on an empty and on a filled
//! database: a full scan in a batch would stop the cards of everybody.

use super::super::statement::Shape;
use super::*;
use crate::{
    MIGRATIONS, admins, alerts, audit, authorizations, balances, books, bureaus, card_orders,
    card_use, cards, certificates, checkpoints, corporations, counters, ekyc, endpoints, erasure,
    exports, idempotency, imports, installations, instance, janitor, jwe_keys, keys, ledger,
    operations, outbound, outbox, pairings, partners, pin_keys, programs, screening, sessions,
    spending, statements, thc, transactions, trusted_identities, users, verifications,
};

fn statements() -> Vec<Sql> {
    [
        admins::STATEMENTS,
        alerts::STATEMENTS,
        audit::STATEMENTS,
        audit::chain::STATEMENTS,
        authorizations::STATEMENTS,
        balances::STATEMENTS,
        balances::links::STATEMENTS,
        bureaus::STATEMENTS,
        card_orders::STATEMENTS,
        card_use::STATEMENTS,
        cards::STATEMENTS,
        cards::of_partner::STATEMENTS,
        certificates::STATEMENTS,
        checkpoints::STATEMENTS,
        corporations::STATEMENTS,
        counters::STATEMENTS,
        ekyc::STATEMENTS,
        endpoints::STATEMENTS,
        erasure::STATEMENTS,
        exports::STATEMENTS,
        idempotency::STATEMENTS,
        imports::STATEMENTS,
        instance::STATEMENTS,
        janitor::STATEMENTS,
        jwe_keys::STATEMENTS,
        pin_keys::STATEMENTS,
        keys::STATEMENTS,
        outbound::STATEMENTS,
        outbox::again::STATEMENTS,
        outbox::log::STATEMENTS,
        operations::STATEMENTS,
        books::STATEMENTS,
        partners::STATEMENTS,
        programs::STATEMENTS,
        spending::STATEMENTS,
        statements::STATEMENTS,
        thc::STATEMENTS,
        transactions::history::STATEMENTS,
        transactions::STATEMENTS,
        screening::STATEMENTS,
        sessions::STATEMENTS,
        installations::STATEMENTS,
        pairings::STATEMENTS,
        trusted_identities::STATEMENTS,
        users::STATEMENTS,
        users::search::STATEMENTS,
        verifications::STATEMENTS,
    ]
    .concat()
}

fn engine() -> Vec<Each> {
    [
        audit::chain::EACH,
        authorizations::EACH,
        balances::ENGINE,
        books::EACH,
        card_use::EACH,
        cards::ENGINE,
        cards::of_partner::EACH,
        corporations::ENGINE,
        endpoints::ENGINE,
        erasure::EACH,
        imports::EACH,
        janitor::EACH,
        ledger::ENGINE,
        ledger::of_transaction::EACH,
        outbox::ENGINE,
        outbox::again::EACH,
        outbox::log::EACH,
        spending::ENGINE,
        statements::EACH,
        thc::EACH,
        transactions::history::EACH,
        transactions::ENGINE,
        users::EACH,
        users::search::EACH,
        users::ENGINE,
    ]
    .concat()
}

fn shape(each: Each) -> Shape {
    let text = each.sql.trim_start();
    if text.starts_with("update") || text.starts_with("delete") {
        Shape::RunEach(each)
    } else {
        Shape::RowsEach(each)
    }
}

async fn migrated(db: &Db) {
    db.migrate(MIGRATIONS).await.expect("migrates");
}

/// Fills the tables that the engine reads, with one partner's rows.
async fn fill(db: &Db) {
    let (ids, bytes, now) = match db.kind() {
        Kind::Postgres => (
            "md5(n::text)::uuid",
            "decode(md5(n::text), 'hex')",
            "timestamptz '2026-01-01 00:00:00+00'",
        ),
        Kind::Sqlite => ("randomblob(16)", "randomblob(16)", "0"),
    };
    let series = match db.kind() {
        Kind::Postgres => "generate_series(1, 2000) s(n)",
        Kind::Sqlite => {
            "(with recursive s(n) as (values (1) union all select n + 1 from s where n < 2000)
              select n from s)"
        }
    };
    let no = if db.kind() == Kind::Postgres { "false" } else { "0" };
    let rows = [
        format!(
            "insert into balance select 1, {ids}, n, 'EUR', 'ACTIVE', 0, 0, {now}, 0, 'USER',
                    null, 0, 0, 'INTERNAL', null, null, null
                from {series}"
        ),
        format!(
            "insert into card select 1, n, {ids}, {ids}, n, '0019167984', 'VIRTUAL', 'ACTIVE',
                null, null, null, {bytes}, {bytes}, '1234', '2029-11-30', 0, null, {now}, 0,
                null, 0, 0, null, null, 0, null
             from {series}"
        ),
        format!(
            "insert into message select 1, {ids}, 'processor/1/authorization', 'key' || n,
                'net' || n, {bytes}, 'authorization', {ids}, 1, 'EUR', 'SUCCESS', 'APPROVED',
                '0000', 'AUTHORIZED', 1, null, {no}, 'r', {now}, null, 0, n, 'id' || n
             from {series}"
        ),
        format!(
            "insert into \"transaction\" select 1, {ids}, n, {ids}, n, 1, 'net' || n, {now}, null,
                null, 'pos', 'DEBIT', 1, 'EUR', null, null, null, '', null, null, null,
                'AUTHORIZED', 'SUCCESS', 'APPROVED', 0, 0, 0, null, null, null, null, null, {now},
                {now}, 0, 0, 'NONE', null, 0, 0, '2026-11-21', 1, {now}, null, {no}, null, null,
                {no}
             from {series}"
        ),
        format!(
            "insert into \"user\" (partner_id, id, first_name, last_name, phone, phone_digits,
                email, email_folded, birth_date, state, kyc, created_at, version, first_name_folded,
                last_name_folded)
             select 1, n, 'A', 'B', n, n, n, n, '2000-01-01', 'NEW', 'NONE', {now}, 0, 'a', 'b'
             from {series}"
        ),
        format!("insert into spending select 1, n, n, null, {bytes}, 0 from {series}"),
    ];
    let outbox = format!(
        "insert into outbox select 1, n, {ids}, 'card/' || (n % 20), 'cardLocked', n, null, null,
            'r', {now}, {now}, null, null, 0, 0, null, null
         from {series}"
    );
    let endpoint = format!(
        "insert into endpoint select n, 'cardLocked', {now}, {now}, {now}, null from {series}"
    );
    let mut tx = db.begin().await.expect("begins");
    for text in rows.into_iter().chain([outbox, endpoint]).chain(uses(series)) {
        tx.script(&text).await.expect(&text);
    }
    tx.commit().await.expect("commits");
    db.analyze().await.expect("analyses");
}

/// The use of that partner's cards.
fn uses(series: &str) -> [String; 2] {
    let card = "insert into card_use select 1, n, '0019167984', '2026-01-01', null from";
    let day = "insert into card_use_day
        select 1, '2026-01-' || n, '0019167984', 1, 0, 0, 0, 0, 0 from";
    [card, day].map(|text| format!("{text} {series}"))
}

/// The plan of a statement, with values in the place of its parameters.
async fn plan(tx: &mut Tx, each: Each) -> String {
    let kind = tx.kind();
    let mut text = shape(each).text(kind).to_string();
    for (number, of) in (1..).zip(each.keys) {
        let (postgres, sqlite) = match of {
            Type::Bool => ("'{true,false}'", "0"),
            Type::Int => ("'{1,2,3}'", "1"),
            Type::Text => ("'{a,b,c}'", "'a'"),
            Type::Bytes => ("'{a,b,c}'", "x'00'"),
            Type::Uuid => {
                ("'{00000000-0000-4000-8000-000000000001}'", "x'00000000000040008000000000000001'")
            }
            Type::Time => ("'{2026-01-01 00:00:00+00}'", "0"),
            Type::Json => ("'{}'", "'{}'"),
        };
        text = match kind {
            Kind::Postgres => text.replace(&format!("${number}::"), &format!("{postgres}::")),
            Kind::Sqlite => replace_parameter(&text, number, sqlite),
        };
    }
    let (explain, column) = match kind {
        Kind::Postgres => ("explain", "QUERY PLAN"),
        Kind::Sqlite => ("explain query plan", "detail"),
    };
    let text: &'static str = Box::leak(format!("{explain} {text}").into_boxed_str());
    let rows = tx.rows(&Sql(text), &[]).await.expect(text);
    let lines = rows.iter().map(|row| row.get::<String>(column).expect("a line of the plan"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Replaces `?1` and leaves `?10` alone.
fn replace_parameter(text: &str, number: usize, value: &str) -> String {
    let mark = format!("?{number}");
    let mut parts = text.split(&mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let another = part.starts_with(|next: char| next.is_ascii_digit());
        out.push_str(if another { &mark } else { value });
        out.push_str(part);
    }
    out
}

fn scans(kind: Kind, plan: &str) -> bool {
    match kind {
        // A scan of an index without a condition reads all of it.
        Kind::Postgres => {
            let scans = plan.lines().filter(|line| line.contains("Index")).count();
            let conditions = plan.lines().filter(|line| line.contains("Index Cond")).count();
            plan.contains("Seq Scan") || scans > 2 * conditions
        }
        Kind::Sqlite => plan.lines().any(|line| line.contains("SCAN ")),
    }
}

async fn check(db: &Db) {
    let mut connection = db.engine(0).expect("connects");
    let mut tx = connection.begin().await.expect("begins");
    for each in engine() {
        let plan = plan(&mut tx, each).await;
        assert!(!scans(db.kind(), &plan), "{}\n{plan}", each.sql);
    }
    tx.rollback().await;
    // What runs on the pool's connections has none of the engine's settings.
    let mut tx = db.begin().await.expect("begins");
    let pool = outbox::ENGINE.iter().chain(endpoints::ENGINE);
    for each in pool.chain(outbox::again::EACH).chain(outbox::log::EACH) {
        let plan = plan(&mut tx, *each).await;
        assert!(!scans(db.kind(), &plan), "on the pool: {}\n{plan}", each.sql);
        // Else each row is looked for among all of its partner's that are as it is.
        let by_key = !plan.contains("Filter: (number") && !plan.contains("Filter: (outbox_number");
        assert!(by_key, "on the pool: {}\n{plan}", each.sql);
    }
    tx.rollback().await;
}

/// A walk through a history stops at its page: it goes along an index and sorts nothing.
async fn walks(db: &Db) {
    let mut connection = db.engine(0).expect("connects");
    let mut tx = connection.begin().await.expect("begins");
    let walks = transactions::WALKS.iter().chain(spending::WALKS).chain(outbox::log::WALKS);
    for each in walks
        .chain(balances::WALKS)
        .chain(balances::links::WALKS)
        .chain(audit::WALKS)
        .chain(audit::chain::WALKS)
        .chain(users::search::WALKS)
        .chain(cards::of_partner::WALKS)
        .chain(authorizations::WALKS)
        .chain(card_use::WALKS)
        .chain(exports::WALKS)
    {
        let plan = plan(&mut tx, *each).await;
        let sorted = plan.contains("Sort") || plan.contains("TEMP B-TREE");
        assert!(!scans(db.kind(), &plan) && !sorted, "{}\n{plan}", each.sql);
    }
    tx.rollback().await;
}

/// Tables in which a partner has as many rows as it has users, cards or payments.
const LARGE: &[&str] = &[
    "audit",
    "balance",
    "card",
    "card_order",
    "card_use",
    "early_reversal",
    "export_chunk",
    "idempotency",
    "identity_token",
    "import_line",
    "installation",
    "message",
    "movement",
    "operation",
    "outbox",
    "pairing",
    "session",
    "spending",
    "transaction",
    "user",
    "verification",
];

/// The one that adds up all of a partner's balances.
const OF_ALL: &str = "group by currency, owner_id is null";

/// Statements for which SQLite reads a large table, or what a partner has in it, from end to end.
async fn reads_through(mut tx: Tx) -> Vec<String> {
    let mut found = Vec::new();
    for sql in statements() {
        let text = format!("explain query plan {}", Shape::Once(sql).text(Kind::Sqlite));
        let count = (1..20).rev().find(|number| text.contains(&format!("?{number}")));
        let nulls = vec![Value::Null; count.unwrap_or(0)];
        let nulls: Vec<&dyn ToValue> = nulls.iter().map(|it| it as &dyn ToValue).collect();
        let rows = tx.rows(&Sql(Box::leak(text.into_boxed_str())), &nulls).await.expect(sql.0);
        let plan: Vec<String> =
            rows.iter().map(|row| row.get("detail").expect("a line of the plan")).collect();
        let plan = plan.join("\n");
        let through = |table: &&str| {
            let ways = ["SCAN {}", "SEARCH {} USING PRIMARY KEY (partner_id=?)"];
            ways.iter().any(|way| plan.lines().any(|line| line == way.replace("{}", table)))
        };
        if LARGE.iter().any(through) && !sql.0.contains(OF_ALL) {
            found.push(format!("{}\n{plan}", sql.0));
        }
    }
    tx.rollback().await;
    found
}

/// From the first day on, when the tables are empty.
#[tokio::test]
async fn sqlite_reads_no_partner_through_for_one_row() {
    let folder = TempDir::new().expect("a folder");
    let db = empty_sqlite(&folder);
    migrated(&db).await;
    for tx in [db.read().await.expect("begins"), db.begin().await.expect("begins")] {
        let found = reads_through(tx).await;
        assert!(found.is_empty(), "{}", found.join("\n\n"));
    }
}

async fn understood(db: Db) {
    migrated(&db).await;
    let mut tx = db.begin().await.expect("begins");
    for (number, sql) in (1..).zip(statements()) {
        let text = Shape::Once(sql).text(db.kind());
        let text = match db.kind() {
            Kind::Postgres => format!("prepare understood_{number} as {text}"),
            Kind::Sqlite => format!("explain {text}"),
        };
        tx.script(&text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    tx.rollback().await;
}

async fn indexed(db: Db) {
    migrated(&db).await;
    check(&db).await;
    walks(&db).await;
    fill(&db).await;
    check(&db).await;
    walks(&db).await;
}

async fn empty_postgres() -> Db {
    Db::postgres(&postgres_url().await, Options::default()).expect("a good URL")
}

fn empty_sqlite(folder: &TempDir) -> Db {
    Db::sqlite(folder.path().join("db"), Options::default()).expect("opens")
}

#[tokio::test]
async fn every_statement_is_understood_by_postgres() {
    understood(empty_postgres().await).await;
}

#[tokio::test]
async fn every_statement_is_understood_by_sqlite() {
    understood(empty_sqlite(&TempDir::new().expect("a folder"))).await;
}

#[tokio::test]
async fn the_engine_reads_by_index_on_postgres() {
    indexed(empty_postgres().await).await;
}

#[tokio::test]
async fn the_engine_reads_by_index_on_sqlite() {
    indexed(empty_sqlite(&TempDir::new().expect("a folder"))).await;
}
