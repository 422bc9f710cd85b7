//! The master key replaced: while serving, without a server, cut short at each step, on two nodes.

use crate::story::{Story, decrypted, encrypted, expect, register, registration, unique};
use crate::support::{Caller, Database, Sandbox, arguments};
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Another node learns of it within a second, and a busy machine takes its time besides.
const FOLLOWS: Duration = Duration::from_secs(20);
const CURRENT: &str = "master-key.json";
const NEXT: &str = "master-key-next.json";
/// Those of the sandbox's three partners, and that of the platform.
const KEYS: u64 = 4;

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.dir().join(name)).expect("it is in the folder")
}

fn has(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.dir().join(name).exists()
}

/// Prepares and rotates; how many keys were wrapped anew.
async fn rotated(sandbox: &Sandbox) -> u64 {
    sandbox.antaca(&["keys", "rotate", "--prepare"]).await.assert_done();
    rotated_as_prepared(sandbox).await
}

async fn rotated_as_prepared(sandbox: &Sandbox) -> u64 {
    let ended = sandbox.antaca(&["keys", "rotate"]).await;
    let told = ended.assert_done().json();
    told[0]["rewrapped"].as_u64().expect("a number")
}

/// The card's full data, as before: number, code and date are sealed or made with keys that the
/// master key wraps.
async fn reads(caller: &Caller, story: &Story) {
    let path = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
    let body = expect(200, encrypted(caller.get(&path))).await;
    assert_eq!(decrypted(&body)["cardNo"], story.full["cardNo"]);
    assert_eq!(decrypted(&body)["cvv"], story.full["cvv"]);
}

/// A registration under this key; the same again gets the same answer.
fn registered(caller: &Caller, key: &str, body: &Value) -> reqwest::RequestBuilder {
    register(caller, body).header("X-Idempotency-Key", key)
}

/// Every file of the folder that a rotation may touch.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).expect("a folder").flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let touched = names.filter(|name| name.ends_with(".sealed") || name.starts_with("master-key"));
    touched.map(|name| (name.clone(), std::fs::read(dir.join(&name)).expect("read"))).collect()
}

on_both_databases! {
    /// Requests go on meanwhile, retries are recognised, and the former key opens nothing.
    async fn a_rotation_changes_nothing_that_anybody_sees(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let (key, body) = (format!("k{}", unique()), registration());
        let first = expect(201, registered(sandbox.partner(), &key, &body)).await;
        let former = read(&sandbox, CURRENT);

        let (goes_on, done) = (AtomicBool::new(true), AtomicU64::new(0));
        let traffic = async {
            while goes_on.load(Ordering::SeqCst) {
                reads(sandbox.partner(), &story).await;
                let bought = story.purchase(sandbox.processor(), 1, &format!("m{}", unique()));
                assert_eq!(expect(200, bought).await["actionCode"], "0000");
                done.fetch_add(1, Ordering::SeqCst);
            }
        };
        let more = async |than: u64| {
            let enough = async || done.load(Ordering::SeqCst) > than;
            testkit::eventually("traffic goes on", FOLLOWS, enough).await;
        };
        let rotations = async {
            more(0).await;
            assert_eq!(rotated(&sandbox).await, KEYS);
            assert_eq!(rotated(&sandbox).await, KEYS);
            more(done.load(Ordering::SeqCst) + 3).await;
            goes_on.store(false, Ordering::SeqCst);
        };
        tokio::join!(traffic, rotations);

        assert!(!has(&sandbox, NEXT));
        sandbox.antaca(&["partner", "create", "--code", "acme"]).await.assert_done();
        for _ in 0..2 {
            reads(sandbox.partner(), &story).await;
            let again = expect(201, registered(sandbox.partner(), &key, &body)).await;
            assert_eq!(again, first);
            sandbox.stop().await.assert_done();
            sandbox.restart().await;
        }
        sandbox.stop().await.assert_done();
        let current = read(&sandbox, CURRENT);
        std::fs::write(sandbox.dir().join(CURRENT), former).expect("written");
        let listed = sandbox.antaca(&["partner", "list"]).await;
        listed.assert_refused("or the key was rotated since");
        std::fs::write(sandbox.dir().join(CURRENT), current).expect("written");

        // Without a server too; then there is the new partner's key as well.
        assert_eq!(rotated(&sandbox).await, KEYS + 1);
        sandbox.restart().await;
        reads(sandbox.partner(), &story).await;
    }

    /// Each state in which a crash may leave folder and database opens, and goes on.
    async fn a_rotation_that_was_cut_short_goes_on(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        sandbox.antaca(&["keys", "rotate", "--prepare"]).await.assert_done();
        let next = read(&sandbox, NEXT);
        // Prepared: nothing is wrapped by it yet, and a second time it is the same.
        sandbox.antaca(&["keys", "rotate", "--prepare"]).await.assert_done();
        sandbox.stop().await.assert_done();
        sandbox.restart().await;
        reads(sandbox.partner(), &story).await;
        assert_eq!(read(&sandbox, NEXT), next);

        let dir = sandbox.dir();
        let before = files(&dir);
        assert_eq!(rotated_as_prepared(&sandbox).await, KEYS);
        assert_eq!(read(&sandbox, CURRENT), next);
        sandbox.stop().await.assert_done();
        let after = files(&dir);
        let sealed = before.iter().filter(|(name, _)| name.ends_with(".sealed"));
        assert!(sealed.clone().count() > 1);
        // The database has the next key, the folder has got to: nothing, a part, all but the name.
        for done in 0..=sealed.count() {
            for (name, content) in &before {
                std::fs::write(dir.join(name), content).expect("written");
            }
            let sealed = after.iter().filter(|(name, _)| name.ends_with(".sealed"));
            for (name, content) in sealed.take(done) {
                std::fs::write(dir.join(name), content).expect("written");
            }
            sandbox.restart().await;
            assert!(!has(&sandbox, NEXT));
            assert_eq!(read(&sandbox, CURRENT), next);
            reads(sandbox.partner(), &story).await;
            sandbox.stop().await.assert_done();
        }
        // Or its file has got its place already.
        std::fs::write(dir.join(NEXT), &next).expect("written");
        sandbox.restart().await;
        reads(sandbox.partner(), &story).await;
        assert!(!has(&sandbox, NEXT));
    }

    /// Whatever becomes of its file, nothing is wrapped by a key that the folder doesn't get.
    async fn a_next_key_is_the_one_in_the_folder(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        if let Database::Postgres(_) = sandbox.database() {
            let alone = sandbox.antaca(&["keys", "rotate"]).await;
            alone.assert_refused("Other nodes may use this database");
        }
        sandbox.antaca(&["keys", "rotate", "--prepare"]).await.assert_done();
        let first = read(&sandbox, NEXT);
        std::fs::remove_file(sandbox.dir().join(NEXT)).expect("it is there");
        assert_eq!(rotated(&sandbox).await, KEYS);
        assert_ne!(read(&sandbox, CURRENT), first);
        sandbox.stop().await.assert_done();
        sandbox.restart().await;
        reads(sandbox.partner(), &story).await;
    }
}

/// A next key that doesn't open is told by its file's name, and a start doesn't guess.
#[tokio::test]
async fn a_spoilt_next_key_stops_the_start() {
    let mut sandbox = Sandbox::start(Database::Sqlite).await;
    std::fs::write(sandbox.dir().join(NEXT), "{}").expect("written");
    let rotated = sandbox.antaca(&["keys", "rotate"]).await;
    rotated.assert_refused("master-key-next.json can't be opened");
    sandbox.stop().await.assert_done();
    let arguments = arguments(&sandbox.dir(), sandbox.database());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let started = crate::support::antaca(&arguments).await;
    started.assert_refused("master-key-next.json can't be opened");
    std::fs::remove_file(sandbox.dir().join(NEXT)).expect("it is there");
    sandbox.restart().await;
}

/// With the key prepared at both nodes, the other one follows by itself.
#[tokio::test]
async fn another_node_follows_a_rotation() {
    let database = Database::Postgres(testkit::postgres_url().await);
    let one = Sandbox::start(database).await;
    let story = Story::begin(&one, 0).await;
    let mut other = one.sibling().await;
    one.antaca(&["keys", "rotate", "--prepare"]).await.assert_done();
    let next = read(&one, NEXT);
    std::fs::write(other.dir().join(NEXT), &next).expect("written");
    testkit::eventually("the other node knows the key", FOLLOWS, async || {
        other.output().contains("The next master key is known")
    })
    .await;
    // That one has prepared another by mistake, and takes what is copied over it.
    other.antaca(&["keys", "rotate", "--prepare"]).await.assert_done();
    std::fs::write(other.dir().join(NEXT), &next).expect("written");
    assert_eq!(rotated_as_prepared(&other).await, KEYS);
    for node in [&one, &other] {
        testkit::eventually("the node has it as its own", FOLLOWS, async || {
            !has(node, NEXT) && read(node, CURRENT) == next
        })
        .await;
    }
    reads(other.partner(), &story).await;
    // A partner that either makes from now on is both's.
    for (node, code) in [(&one, "acme"), (&other, "bolt")] {
        node.antaca(&["partner", "create", "--code", code]).await.assert_done();
    }
    other.stop().await.assert_done();
    other.restart().await;
    reads(other.partner(), &story).await;
    assert_eq!(rotated(&other).await, KEYS + 2);
}

/// One that wasn't told goes on with what it has opened, says what it lacks, and makes nothing that
/// others couldn't open.
#[tokio::test]
async fn a_node_without_the_new_key_says_so() {
    let database = Database::Postgres(testkit::postgres_url().await);
    let one = Sandbox::start(database).await;
    let story = Story::begin(&one, 0).await;
    let other = one.sibling().await;
    reads(other.partner(), &story).await;
    assert_eq!(rotated(&one).await, KEYS);
    testkit::eventually("the other node says so", FOLLOWS, async || {
        other.output().contains("wrapped by a master key that this node doesn't have")
    })
    .await;
    reads(other.partner(), &story).await;
    let created = other.antaca(&["partner", "create", "--code", "acme"]).await;
    created.assert_refused("this node doesn't have the master key");
    for how in [&["keys", "rotate"][..], &["keys", "rotate", "--prepare"]] {
        other.antaca(how).await.assert_refused("this node doesn't have: copy");
    }
    assert!(!has(&other, NEXT));

    std::fs::write(other.dir().join(NEXT), read(&one, CURRENT)).expect("written");
    testkit::eventually("the other node has it as its own", FOLLOWS, async || {
        !has(&other, NEXT) && read(&other, CURRENT) == read(&one, CURRENT)
    })
    .await;
    other.antaca(&["partner", "create", "--code", "acme"]).await.assert_done();
    assert_eq!(rotated(&one).await, KEYS + 1);
}
