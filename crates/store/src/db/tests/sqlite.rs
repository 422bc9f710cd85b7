//! What only SQLite does.

use super::*;

#[tokio::test]
async fn a_database_in_use_cannot_be_opened_again() {
    let folder = TempDir::new().expect("works");
    let path = folder.path().join("db");
    let db = Db::sqlite(&path, Options::default()).expect("works");
    let again = Db::sqlite(&path, Options::default()).map(|_| ());
    assert!(matches!(again, Err(StoreError::InUse)));
    let tx = db.begin().await.expect("works");
    drop(db);
    let again = Db::sqlite(&path, Options::default()).map(|_| ());
    assert!(matches!(again, Err(StoreError::InUse)), "a transaction still runs");
    drop(tx);
    Db::sqlite(&path, Options::default()).expect("works");
}

#[tokio::test]
async fn writers_take_turns_in_order_of_arrival() {
    let folder = TempDir::new().expect("works");
    let db = new_sqlite(&folder).await;
    let first = db.begin().await.expect("works");
    let order = std::cell::RefCell::new(Vec::new());
    let write = async |name| {
        let tx = db.begin().await.expect("works");
        order.borrow_mut().push(name);
        tokio::task::yield_now().await;
        tx.commit().await.expect("works");
    };
    let finish = async { first.commit().await.expect("works") };
    tokio::join!(write("a"), write("b"), write("c"), finish);
    assert_eq!(*order.borrow(), ["a", "b", "c"]);
}

#[tokio::test]
async fn who_waits_too_long_is_told_that_it_is_unavailable() {
    let folder = TempDir::new().expect("works");
    let options = Options { connections: 1, wait: Duration::from_millis(20), ..Options::default() };
    let db = Db::sqlite(folder.path().join("db"), options).expect("works");
    let tx = db.begin().await.expect("works");
    assert!(matches!(db.begin().await.map(|_| ()), Err(StoreError::Unavailable(_))));
    let read = db.read().await.expect("works");
    assert!(matches!(db.read().await.map(|_| ()), Err(StoreError::Unavailable(_))));
    drop((tx, read));
    db.begin().await.expect("works").commit().await.expect("works");
    db.read().await.expect("works").commit().await.expect("works");
}

#[tokio::test]
async fn a_large_log_begins_anew() {
    let folder = TempDir::new().expect("works");
    let path = folder.path().join("db");
    let options = Options { wal_bytes_max: 1 << 20, ..Options::default() };
    let db = with_things(Db::sqlite(&path, options).expect("works")).await;
    let wal = || std::fs::metadata(folder.path().join("db-wal")).map_or(0, |it| it.len());
    let write = async |partner| {
        let mut row = thing(partner, 1, 1);
        row[5] = vec![7_u8; 1 << 20].to_value();
        insert(&db, &[row]).await;
        db.checkpoint().expect("works");
    };
    assert!(!db.restart_wal_if_large().await.expect("works"));
    write(1).await;
    let size = wal();
    assert!(size > 1 << 20);
    let mut reader = db.read().await.expect("works");
    reader.rows(&COUNT, &[]).await.expect("works");
    write(2).await;
    assert!(!db.restart_wal_if_large().await.expect("works"), "the reader is in the way");
    drop(reader);
    let grown = wal();
    assert!(db.restart_wal_if_large().await.expect("works"));
    write(3).await;
    assert_eq!(wal(), grown, "it was written from its beginning");
    assert!(db.restart_wal_if_large().await.expect("works"));
    db.close().await.expect("works");
    assert_eq!(wal(), 0);
    assert_eq!(count(&db).await, 3);
}

#[tokio::test]
async fn connections_are_durable_and_check_foreign_keys() {
    let folder = TempDir::new().expect("works");
    let db = new_sqlite(&folder).await;
    let mut write = db.begin().await.expect("works");
    let mut read = db.read().await.expect("works");
    for (pragma, column, expected) in [
        ("pragma synchronous", "synchronous", 2_i64),
        ("pragma foreign_keys", "foreign_keys", 1),
        ("pragma wal_autocheckpoint", "wal_autocheckpoint", 0),
        ("pragma secure_delete", "secure_delete", 1),
        ("pragma temp_store", "temp_store", 2),
    ] {
        for tx in [&mut write, &mut read] {
            let row = tx.row(&Sql(pragma), &[]).await.expect("works");
            assert_eq!(row.get::<i64>(column).expect("works"), expected, "{pragma}");
        }
    }
    let mode = write.row(&Sql("pragma journal_mode"), &[]).await.expect("works");
    assert_eq!(mode.get::<String>("journal_mode").expect("works"), "wal");
}

#[tokio::test]
async fn a_unique_index_of_an_expression_is_named() {
    let folder = TempDir::new().expect("works");
    let db = new_sqlite(&folder).await;
    let mut tx = db.begin().await.expect("works");
    tx.script("create unique index thing_half on thing (number / 2)").await.expect("works");
    let error = tx.insert_all(&THING, &[thing(1, 1, 2), thing(1, 2, 3)]).await.expect_err("fails");
    assert!(matches!(&error, StoreError::Duplicate(it) if it == "thing_half"), "{error:?}");
}
