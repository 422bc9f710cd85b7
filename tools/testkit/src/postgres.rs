//! Databases of their own for tests, on the server that `ANTACA_TEST_POSTGRES` names.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_postgres::NoTls;

const VARIABLE: &str = "ANTACA_TEST_POSTGRES";

/// The URL of a new, empty database. It stays until the server goes, which is the end of
/// `./scripts/test`.
///
/// # Panics
///
/// When `ANTACA_TEST_POSTGRES` isn't set or names no reachable server.
pub async fn postgres_url() -> String {
    create("").await
}

/// The URL of a new database that is a copy of `template`, which nobody may be connected to.
/// Copying a migrated database is much faster than migrating each test's own.
///
/// # Panics
///
/// When there is no such database on the server, or somebody is connected to it.
pub async fn postgres_from_template(template: &str) -> String {
    create(&format!(" template {}", quoted(template))).await
}

/// A client program of PostgreSQL, such as `pg_dump`: of the folder that
/// `ANTACA_TEST_POSTGRES_PROGRAMS` names, of Debian's newest, or on the path.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests are configured by ./scripts/test")]
pub fn postgres_program(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("ANTACA_TEST_POSTGRES_PROGRAMS") {
        return PathBuf::from(folder).join(name);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin").join(name));
    let newest = programs.filter(|program| program.exists()).max();
    newest.unwrap_or_else(|| PathBuf::from(name))
}

async fn create(template: &str) -> String {
    let server = server();
    let name = unique_name();
    let (client, connection) = match tokio_postgres::connect(&server, NoTls).await {
        Ok(connected) => connected,
        Err(error) => panic!("{VARIABLE} names a server that can't be reached: {error:?}"),
    };
    let creation = async move {
        let created = client.batch_execute(&format!("create database {name}{template}")).await;
        drop(client);
        created.map(|()| name)
    };
    // The connection ends when the client is dropped, so both are waited for together.
    let (created, _) = tokio::join!(creation, connection);
    match created {
        Ok(name) => with_database(&server, &name),
        Err(error) => panic!("the database for a test wasn't created: {error:?}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by ./scripts/test")]
fn server() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{VARIABLE} isn't set. Run ./scripts/test, which starts a PostgreSQL, or set it to \
             the URL of a server whose databases don't matter, such as \
             postgres://postgres@127.0.0.1:5432/postgres"
        )
    })
}

/// Unique on the server also when several test processes run at once.
#[expect(clippy::disallowed_methods, reason = "a name, not a decision")]
fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("test_{}_{count}_{:x}", std::process::id(), since.as_nanos())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Replaces the last part of the path of a URL, and keeps its query.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(a, q)| (a, Some(q)));
    let start = address.find("://").map_or(0, |at| at + 3);
    let server = address[start..].find('/').map_or(address, |at| &address[..start + at]);
    query.map_or_else(|| format!("{server}/{name}"), |query| format!("{server}/{name}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        let cases = [
            ("postgres://p@127.0.0.1:5/postgres", "postgres://p@127.0.0.1:5/new"),
            ("postgres://p@127.0.0.1:5", "postgres://p@127.0.0.1:5/new"),
            ("postgres://h/old?sslmode=disable", "postgres://h/new?sslmode=disable"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "new"), expected);
        }
    }

    #[test]
    fn names_differ_and_need_no_quotes() {
        let (one, two) = (unique_name(), unique_name());
        assert_ne!(one, two);
        assert!(one.len() < 64, "PostgreSQL cuts longer names: {one}");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }

    #[tokio::test]
    async fn a_copy_has_what_its_template_has() {
        let template = postgres_url().await;
        run(&template, "create table kept (id bigint)").await;
        let name = template.rsplit('/').next().expect("a URL ends with the database");
        let copy = postgres_from_template(name).await;
        assert_ne!(copy, template);
        run(&copy, "insert into kept values (1)").await;
    }

    async fn run(url: &str, sql: &str) {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        let work = async move {
            let done = client.batch_execute(sql).await;
            drop(client);
            done
        };
        let (done, _) = tokio::join!(work, connection);
        done.expect("the statement runs");
    }
}
