//! What only PostgreSQL does.

use super::*;
use std::error::Error;
use tokio::time::{sleep, timeout};

const LOCK: Each = Each {
    sql: "
        select 1
        from thing
        where partner_id = $1 and id = $2
        for no key update",
    keys: &[Type::Int, Type::Uuid],
};
const PID: Sql = Sql("select pg_backend_pid() as pid");

/// Begins, and doesn't wait long for locks.
async fn impatient(db: &Db) -> Tx {
    let mut tx = db.begin().await.expect("works");
    tx.script("set local lock_timeout = '100ms'").await.expect("works");
    tx
}

/// Waits until a transaction waits for a lock.
async fn someone_waits(db: &Db) {
    let waiting = Sql("
        select 1
        from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'");
    for _ in 0..500 {
        let mut tx = db.begin().await.expect("works");
        let rows = tx.rows(&waiting, &[]).await.expect("works");
        tx.rollback().await;
        if !rows.is_empty() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}

async fn terminate(db: &Db, pid: i32) {
    let mut tx = db.begin().await.expect("works");
    let text = Sql("select pg_terminate_backend($1, 5000) as done");
    assert!(tx.row(&text, &[&pid]).await.expect("works").get::<bool>("done").expect("works"));
    tx.commit().await.expect("works");
}

async fn pid(tx: &mut Tx) -> i32 {
    tx.row(&PID, &[]).await.expect("works").get("pid").expect("works")
}

#[tokio::test]
async fn a_lock_keeps_others_away_until_the_end() {
    let db = new_postgres(Options::default()).await;
    insert(&db, &[thing(1, 1, 1), thing(1, 2, 2)]).await;
    let mut holder = db.begin().await.expect("works");
    holder.lock(&LOCK, &[key(1, 1), key(1, 1), key(8, 8)]).await.expect("works");
    let mut other = impatient(&db).await;
    other.lock(&LOCK, &[key(1, 2)]).await.expect("works");
    let error = other.lock(&LOCK, &[key(1, 1)]).await.expect_err("fails");
    assert!(matches!(error, StoreError::Unavailable(_)) && error.is_trouble());
    other.rollback().await;
    holder.commit().await.expect("works");
    let mut other = impatient(&db).await;
    other.lock(&LOCK, &[key(1, 1), key(1, 2)]).await.expect("works");
    other.commit().await.expect("works");
}

#[tokio::test]
async fn rows_are_locked_in_the_order_of_their_keys() {
    let db = new_postgres(Options::default()).await;
    // The table has them in the opposite order.
    insert(&db, &(1..=5).rev().map(|id| thing(1, id, 1)).collect::<Vec<_>>()).await;
    let mut middle = db.begin().await.expect("works");
    middle.lock(&LOCK, &[key(1, 3)]).await.expect("works");
    let mut engine = db.engine(1).expect("works");
    let all = async {
        let mut tx = engine.begin().await.expect("works");
        tx.script("set local lock_timeout = '5s'; set local statement_timeout = '5s'")
            .await
            .expect("works");
        tx.lock(&LOCK, &(1..=5).map(|id| key(1, id)).collect::<Vec<_>>()).await.expect("works");
        tx.commit().await.expect("works");
    };
    let watch = async {
        someone_waits(&db).await;
        for (id, free) in [(1, false), (2, false), (4, true), (5, true)] {
            let mut tx = impatient(&db).await;
            assert_eq!(tx.lock(&LOCK, &[key(1, id)]).await.is_ok(), free, "{id}");
            tx.rollback().await;
        }
        middle.commit().await.expect("works");
    };
    tokio::join!(all, watch);
}

#[tokio::test]
async fn a_waiting_lock_sees_what_it_waited_for() {
    let db = new_postgres(Options::default()).await;
    insert(&db, &[thing(1, 1, 1)]).await;
    let mut first = db.begin().await.expect("works");
    first.lock(&LOCK, &[key(1, 1)]).await.expect("works");
    first.run(&Sql("update thing set number = 2"), &[]).await.expect("works");
    let second = async {
        let mut tx = db.begin().await.expect("works");
        tx.lock(&LOCK, &[key(1, 1)]).await.expect("works");
        let row = tx.row(&Sql("select number from thing"), &[]).await.expect("works");
        assert_eq!(row.get::<i64>("number").expect("works"), 2);
    };
    let finish = async {
        someone_waits(&db).await;
        first.commit().await.expect("works");
    };
    tokio::join!(second, finish);
}

#[tokio::test]
async fn an_engine_connects_again() {
    let db = new_postgres(Options::default()).await;
    let mut engine = db.engine(0).expect("works");
    let mut tx = engine.begin().await.expect("works");
    let first = pid(&mut tx).await;
    tx.commit().await.expect("works");
    let mut tx = engine.begin().await.expect("works");
    assert_eq!(pid(&mut tx).await, first, "it keeps its connection");
    tx.commit().await.expect("works");

    terminate(&db, first).await;
    let mut tx = engine.begin().await.expect("works");
    let second = pid(&mut tx).await;
    assert_ne!(second, first);

    terminate(&db, second).await;
    let error = tx.rows(&COUNT, &[]).await.expect_err("fails");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    drop(tx);
    let mut tx = engine.begin().await.expect("works");
    let plans = tx.row(&Sql("show plan_cache_mode"), &[]).await.expect("works");
    assert_eq!(plans.get::<String>("plan_cache_mode").expect("works"), "force_custom_plan");
}

#[tokio::test]
async fn a_commit_on_a_broken_connection_is_unknown() {
    let db = new_postgres(Options::default()).await;
    let mut tx = db.begin().await.expect("works");
    tx.insert_all(&THING, &[thing(1, 1, 1)]).await.expect("works");
    let pid = pid(&mut tx).await;
    terminate(&db, pid).await;
    let error = tx.commit().await.expect_err("fails");
    assert!(matches!(error, StoreError::CommitUnknown(_)) && error.is_trouble(), "{error:?}");
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn a_statement_given_up_frees_its_place_in_the_pool() {
    let db = new_postgres(Options { connections: 1, ..Options::default() }).await;
    for _ in 0..3 {
        let mut tx = db.begin().await.expect("works");
        tx.insert_all(&THING, &[thing(1, 1, 1)]).await.expect("works");
        let sleeping = tx.rows(&Sql("select 1 as one from pg_sleep(0.2)"), &[]);
        assert!(timeout(Duration::from_millis(20), sleeping).await.is_err());
        assert!(matches!(tx.commit().await, Err(StoreError::Broken(_))));
        let mut tx = db.begin().await.expect("works");
        let sleeping = tx.rows(&Sql("select 1 as one from pg_sleep(0.2)"), &[]);
        assert!(timeout(Duration::from_millis(20), sleeping).await.is_err());
    }
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn who_waits_too_long_for_the_pool_is_told_that_it_is_unavailable() {
    let options =
        Options { connections: 1, wait: Duration::from_millis(200), ..Options::default() };
    let db = new_postgres(options).await;
    let tx = db.begin().await.expect("works");
    assert!(matches!(db.begin().await.map(|_| ()), Err(StoreError::Unavailable(_))));
    tx.commit().await.expect("works");
    db.begin().await.expect("works").commit().await.expect("works");
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let db =
        Db::postgres("postgres://nobody@127.0.0.1:1/nothing", Options::default()).expect("works");
    assert!(matches!(db.ping().await, Err(StoreError::Unavailable(_))));
}

#[test]
fn a_url_that_cannot_be_used_is_refused() {
    for url in ["postgres//", "postgres://a@b/c?sslmode=require", "postgres://a@b/c?secret=x"] {
        let error = Db::postgres(url, Options::default()).map(|_| ()).expect_err("fails");
        assert!(matches!(error, StoreError::Configuration(_)), "{url}");
    }
}

#[tokio::test]
async fn errors_hold_no_values() {
    let db = new_postgres(Options::default()).await;
    let mut row = thing(1, 1, 1);
    row[4] = "4111111111111111".to_value();
    insert(&db, &[row.clone()]).await;
    let mut tx = db.begin().await.expect("works");
    let broken = Sql("insert into thing (partner_id, id, label) values (null, null, $1)");
    let divided = Sql("select cast($1::text as bigint) as number");
    for text in [broken, divided] {
        let mut tx = db.begin().await.expect("works");
        let error = tx.rows(&text, &[&"x4111111111111111"]).await.expect_err("fails");
        let source = error.source().expect("works");
        assert!(!format!("{error} {error:?} {source}").contains("4111"), "{source}");
        assert!(source.to_string().starts_with("SQLSTATE 2"), "{source}");
    }
    let error = tx.insert_all(&THING, &[row]).await.expect_err("fails");
    assert!(!format!("{error} {error:?}").contains("4111"));
}
