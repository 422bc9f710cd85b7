//! SQLite's transactions that are committed together.

#![expect(clippy::disallowed_methods, reason = "what a test spawns, it awaits")]

use super::*;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Goes on with something until it has to wait.
fn poll<T>(future: &mut Pin<Box<impl Future<Output = T>>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

async fn written(db: &Db, id: u128) -> Tx {
    let mut tx = db.begin().await.expect("begins");
    tx.insert_all(&THING, &[thing(1, id, 1)]).await.expect("inserts");
    tx
}

/// A database, the commit of thing 1, and the transaction behind it that has written thing 2.
async fn two(folder: &TempDir) -> (Db, tokio::task::JoinHandle<Result<(), StoreError>>, Tx) {
    let db = new_sqlite(folder).await;
    let first = written(&db, 1).await;
    let mut second = Box::pin(written(&db, 2));
    assert!(poll(&mut second).is_pending(), "the first one has the writer");
    let first = tokio::spawn(first.commit());
    let second = second.await;
    assert!(!first.is_finished(), "it waits for those who waited for it");
    assert_eq!(count(&db).await, 0, "nothing is committed");
    (db, first, second)
}

#[tokio::test]
async fn who_waits_for_the_writer_is_committed_together_with_who_had_it() {
    let folder = TempDir::new().expect("works");
    let (db, first, second) = two(&folder).await;
    second.commit().await.expect("commits");
    assert_eq!(count(&db).await, 2);
    first.await.expect("no panic").expect("commits");
}

#[tokio::test]
async fn who_follows_and_gives_up_takes_nothing_along() {
    let folder = TempDir::new().expect("works");
    let (db, first, second) = two(&folder).await;
    second.rollback().await;
    first.await.expect("no panic").expect("commits");
    assert_eq!(count(&db).await, 1);
    written(&db, 2).await.commit().await.expect("the key is free");
}

#[tokio::test]
async fn who_follows_and_fails_takes_nothing_along() {
    let folder = TempDir::new().expect("works");
    let (db, first, mut second) = two(&folder).await;
    let error = second.insert_all(&THING, &[thing(1, 1, 1)]).await.expect_err("is there");
    assert!(matches!(error, StoreError::Duplicate(_)), "what the first one wrote is seen");
    assert!(matches!(second.commit().await, Err(StoreError::Broken(_))));
    first.await.expect("no panic").expect("commits");
    assert_eq!(count(&db).await, 1);
}

/// SQLite ends a transaction by itself after some of a disk's errors.
#[tokio::test]
async fn when_sqlite_rolls_all_back_all_are_told() {
    let folder = TempDir::new().expect("works");
    let (db, first, mut second) = two(&folder).await;
    second.script("rollback").await.expect("works");
    drop(second);
    let told = first.await.expect("no panic");
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    assert_eq!(count(&db).await, 0);
    written(&db, 1).await.commit().await.expect("the next one begins anew");
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn who_does_not_wait_for_the_commit_is_committed_all_the_same() {
    let folder = TempDir::new().expect("works");
    let (db, first, second) = two(&folder).await;
    let mut commit = Box::pin(second.commit());
    first.abort();
    assert!(poll(&mut commit).is_pending());
    drop(commit);
    db.close().await.expect("closes");
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn an_engine_commits_at_once_and_for_those_before_it() {
    let folder = TempDir::new().expect("works");
    let db = new_sqlite(&folder).await;
    let first = written(&db, 1).await;
    let mut connection = db.engine(0).expect("works");
    let mut engine = Box::pin(connection.begin());
    assert!(poll(&mut engine).is_pending());
    let first = tokio::spawn(first.commit());
    let mut engine = engine.await.expect("begins");
    engine.insert_all(&THING, &[thing(1, 2, 1)]).await.expect("inserts");
    let mut third = Box::pin(written(&db, 3));
    assert!(poll(&mut third).is_pending());
    let mut commit = Box::pin(engine.commit());
    assert!(matches!(poll(&mut commit), Poll::Ready(Ok(()))), "it waits for nobody");
    assert_eq!(count(&db).await, 2);
    first.await.expect("no panic").expect("commits");
    third.await.rollback().await;
}

/// Whatever is told to be committed is there, and nothing else, however they follow each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_each_get_what_they_were_told() {
    const CALLERS: u128 = 16;
    const EACH: u128 = 40;
    let folder = TempDir::new().expect("works");
    let db = new_sqlite(&folder).await;
    let caller = |caller: u128| {
        let db = db.clone();
        tokio::spawn(async move {
            for id in (0..EACH).map(|n| caller * EACH + n) {
                let tx = written(&db, id).await;
                if id % 3 == 0 {
                    tx.rollback().await;
                } else {
                    tx.commit().await.expect("commits");
                    let mut tx = db.read().await.expect("begins");
                    let text = Sql("select id from thing where id = $1");
                    let found = tx.rows(&text, &[&uuid::Uuid::from_u128(id)]).await;
                    assert_eq!(found.expect("reads").len(), 1, "what is told is there");
                }
            }
        })
    };
    let callers: Vec<_> = (0..CALLERS).map(caller).collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    let kept = (0..CALLERS * EACH).filter(|id| id % 3 != 0).count();
    assert_eq!(count(&db).await, i64::try_from(kept).expect("few"));
}
