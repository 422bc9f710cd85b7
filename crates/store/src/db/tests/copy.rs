//! A SQLite database is copied while it is written to.

use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// How long the writer may take for two commits.
const STUCK: Duration = Duration::from_secs(20);

/// Some megabytes: enough for many steps.
async fn fill(db: &Db) {
    let rows: Vec<Vec<Value>> = (0..2_000)
        .map(|number| {
            let mut row = thing(1, number, 0);
            row[5] = Value::Bytes(vec![7; 4_096]);
            row
        })
        .collect();
    insert(db, &rows).await;
}

/// Every commit writes two rows, so a copy that isn't of one moment has an odd number of them. The
/// copy waits after each step until the writer got on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_moment_and_stops_nobody() {
    let folder = TempDir::new().expect("a folder");
    let db = new_sqlite(&folder).await;
    fill(&db).await;
    let (over, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (copying, to) = (db.clone(), folder.path().join("copy"));
    let (done, committed) = (over.clone(), commits.clone());
    let copy = tokio::task::spawn_blocking(move || {
        let mut steps = 0;
        let copied = copying.copy(&to, || {
            let (seen, begun) = (committed.load(Ordering::SeqCst), Instant::now());
            while committed.load(Ordering::SeqCst) < seen + 2 && begun.elapsed() < STUCK {
                std::thread::yield_now();
            }
            steps += 1;
            begun.elapsed() < STUCK
        });
        done.store(true, Ordering::SeqCst);
        (copied, steps)
    });
    while !over.load(Ordering::SeqCst) {
        let first = 10_000 + 2 * u128::from(commits.load(Ordering::SeqCst));
        insert(&db, &[thing(1, first, 1), thing(1, first + 1, 1)]).await;
        db.checkpoint().expect("beside the copy");
        commits.fetch_add(1, Ordering::SeqCst);
    }
    let (copied, steps) = copy.await.expect("no panic");
    assert!(copied.expect("copies"), "the writer was stopped");
    assert!(steps > 5, "in small steps: {steps}");

    let copy = Db::sqlite(folder.path().join("copy"), Options::default()).expect("opens");
    assert!(copy.is_intact().await.expect("is read"));
    let (copied, all) = (count(&copy).await, count(&db).await);
    assert_eq!(copied % 2, 0, "half of a commit");
    assert!((2_000..all).contains(&copied), "of its beginning: {copied} of {all}");
}

#[tokio::test]
async fn a_copy_can_be_given_up_and_never_overwrites() {
    let folder = TempDir::new().expect("a folder");
    let db = new_sqlite(&folder).await;
    fill(&db).await;
    let to = folder.path().join("copy");
    assert!(!db.copy(&to, || false).expect("is given up"));
    assert!(matches!(db.copy(&to, || true), Err(StoreError::Broken(_))));
    std::fs::remove_file(&to).expect("it is there");
    assert!(db.copy(&to, || true).expect("copies"));
}

#[tokio::test]
async fn a_spoilt_file_is_not_intact() {
    let folder = TempDir::new().expect("a folder");
    let db = new_sqlite(&folder).await;
    fill(&db).await;
    assert!(db.is_intact().await.expect("is read"));
    let to = folder.path().join("copy");
    assert!(db.copy(&to, || true).expect("copies"));
    let mut bytes = std::fs::read(&to).expect("it is there");
    // Not in the first page, without which it is no database at all.
    bytes[3 * 4_096..4 * 4_096].fill(0x55);
    std::fs::write(&to, bytes).expect("written");
    let spoilt = Db::sqlite(&to, Options::default()).expect("opens");
    assert!(!spoilt.is_intact().await.expect("is read"));
}
