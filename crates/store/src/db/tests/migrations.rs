//! Migrations.

use super::*;

const FIRST: Migration = Migration {
    number: 1,
    name: "first",
    postgres: "
        create table a (id bigint primary key);
        select pg_sleep(0.2);
        insert into a values (1)",
    sqlite: "create table a (id integer primary key) strict; insert into a values (1)",
};
const SECOND: Migration = Migration {
    number: 2,
    name: "second",
    postgres: "insert into a values (2)",
    sqlite: "insert into a values (2)",
};
const WRONG: Migration = Migration {
    number: 2,
    name: "wrong",
    postgres: "insert into a values (2); insert into a values (1)",
    sqlite: "insert into a values (2); insert into a values (1)",
};

async fn rows_of_a(db: &Db) -> usize {
    let mut tx = db.read().await.expect("works");
    tx.rows(&Sql("select id from a"), &[]).await.expect("works").len()
}

both! {
    async fn each_is_applied_once(db) {
        assert_eq!(db.pending(&[FIRST, SECOND]).await.expect("works"), ["first", "second"]);
        assert_eq!(db.migrate(&[FIRST]).await.expect("works"), ["first"]);
        assert_eq!(db.pending(&[FIRST, SECOND]).await.expect("works"), ["second"]);
        assert_eq!(db.migrate(&[FIRST, SECOND]).await.expect("works"), ["second"]);
        assert!(db.migrate(&[FIRST, SECOND]).await.expect("works").is_empty());
        assert!(db.pending(&[FIRST, SECOND]).await.expect("works").is_empty());
        assert_eq!(rows_of_a(&db).await, 2);
        let mut tx = db.read().await.expect("works");
        let row = tx.row(&Sql("select applied_at from migration where number = 1"), &[]).await;
        let at: jiff::Timestamp = row.expect("works").get("applied_at").expect("works");
        assert!(at > "2025-01-01T00:00:00Z".parse().expect("works"));
    }
}

both! {
    async fn one_that_fails_leaves_nothing(db) {
        db.migrate(&[FIRST]).await.expect("works");
        let error = db.migrate(&[FIRST, WRONG]).await.expect_err("fails");
        assert!(matches!(error, StoreError::Duplicate(_)));
        assert_eq!(rows_of_a(&db).await, 1);
        assert_eq!(db.pending(&[FIRST, WRONG]).await.expect("works"), ["wrong"]);
        assert_eq!(db.migrate(&[FIRST, SECOND]).await.expect("works"), ["second"]);
    }
}

both! {
    async fn a_newer_database_is_refused(db) {
        db.migrate(&[FIRST, SECOND]).await.expect("works");
        for error in [
            db.migrate(&[FIRST]).await.expect_err("fails"),
            db.pending(&[FIRST]).await.expect_err("fails"),
        ] {
            assert!(matches!(error, StoreError::NewerDatabase { number: 2 }));
        }
    }
}

#[tokio::test]
async fn two_nodes_that_start_at_once_apply_each_once() {
    let url = postgres_url().await;
    let one = Db::postgres(&url, Options::default()).expect("works");
    let two = Db::postgres(&url, Options::default()).expect("works");
    let all = [FIRST, SECOND];
    let (a, b) = tokio::join!(one.migrate(&all), two.migrate(&all));
    let mut names = [a.expect("works"), b.expect("works")].concat();
    names.sort_unstable();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(rows_of_a(&one).await, 2);
}
