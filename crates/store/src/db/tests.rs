//! Both databases behave alike. PostgreSQL is the server at `ANTACA_TEST_POSTGRES`, the URL of a
//! superuser; each test has a database of its own.

mod alike;
mod copy;
mod migrations;
mod plans;
mod postgres;
mod sqlite;
mod together;

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Writes one test and runs it on both databases.
macro_rules! both {
    ($(#[$doc:meta])* async fn $name:ident($db:ident) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;
            async fn case($db: Db) $body
            #[tokio::test]
            async fn on_postgres() {
                case(new_postgres(Options::default()).await).await;
            }
            #[tokio::test]
            async fn on_sqlite() {
                let folder = TempDir::new().expect("a folder");
                case(new_sqlite(&folder).await).await;
            }
        }
    };
}
pub(super) use both;

/// Has a column of each type.
const THING: Table = Table {
    name: "thing",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("flag", Type::Bool),
        ("number", Type::Int),
        ("label", Type::Text),
        ("bytes", Type::Bytes),
        ("at", Type::Time),
        ("document", Type::Json),
    ],
};

const THING_POSTGRES: &str = "
    create table thing (
        partner_id bigint not null,
        id uuid not null,
        flag boolean,
        number bigint,
        label text constraint thing_label unique,
        bytes bytea,
        at timestamptz,
        document jsonb,
        constraint thing_key primary key (partner_id, id)
    )";
const THING_SQLITE: &str = "
    create table thing (
        partner_id integer not null,
        id blob not null,
        flag integer,
        number integer,
        label text constraint thing_label unique,
        bytes blob,
        at integer,
        document text,
        constraint thing_key primary key (partner_id, id)
    ) strict";

const COUNT: Sql = Sql("select count(*) as count from thing");

async fn new_sqlite(folder: &TempDir) -> Db {
    let db = Db::sqlite(folder.path().join("db"), Options::default()).expect("opens");
    with_things(db).await
}

async fn new_postgres(options: Options) -> Db {
    let url = postgres_url().await;
    with_things(Db::postgres(&url, options).expect("a good URL")).await
}

/// The URL of a new, empty database.
async fn postgres_url() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    #[expect(clippy::disallowed_methods, reason = "tests have no other configuration")]
    let server = std::env::var("ANTACA_TEST_POSTGRES")
        .expect("ANTACA_TEST_POSTGRES must be the URL of a superuser of a PostgreSQL for tests");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("antaca_db_{}_{number}", std::process::id());
    let (client, connection) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("connects");
    let create = async {
        for text in ["drop database if exists {} with (force)", "create database {}"] {
            client.batch_execute(&text.replace("{}", &name)).await.expect("superuser");
        }
    };
    tokio::select! {
        _ = connection => panic!("the connection is gone"),
        () = create => {}
    }
    let host = server.rsplit_once('/').filter(|(host, _)| !host.ends_with('/'));
    format!("{}/{name}", host.map_or(server.as_str(), |(host, _)| host))
}

async fn with_things(db: Db) -> Db {
    let mut tx = db.begin().await.expect("begins");
    let text = if db.kind() == Kind::Postgres { THING_POSTGRES } else { THING_SQLITE };
    tx.script(text).await.expect("creates");
    tx.commit().await.expect("commits");
    db
}

/// A row of [`THING`] with a number.
fn thing(partner: i64, id: u128, number: i64) -> Vec<Value> {
    let id = uuid::Uuid::from_u128(id);
    let mut row = vec![Value::Int(partner), Value::Uuid(id), Value::Null, Value::Int(number)];
    row.resize(THING.columns.len(), Value::Null);
    row
}

/// The key of a row of [`THING`].
fn key(partner: i64, id: u128) -> Vec<Value> {
    vec![Value::Int(partner), Value::Uuid(uuid::Uuid::from_u128(id))]
}

/// Commits rows.
async fn insert(db: &Db, rows: &[Vec<Value>]) {
    let mut tx = db.begin().await.expect("begins");
    tx.insert_all(&THING, rows).await.expect("inserts");
    tx.commit().await.expect("commits");
}

/// How many things there are.
async fn count(db: &Db) -> i64 {
    let mut tx = db.read().await.expect("begins");
    let count = tx.row(&COUNT, &[]).await.expect("counts").get("count").expect("a number");
    tx.rollback().await;
    count
}
