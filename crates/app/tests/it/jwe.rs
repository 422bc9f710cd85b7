//! The keys that requests are encrypted for: made once, rotated, and forgotten in time.

use app::audit::Operator;
use app::jwe::{ACCEPTED_MAX, Rotated};
use domain::Timestamp;
use jiff::SignedDuration;
use serde_json::json;
use store::db::Sql;
use testkit::{Database, TestApp, on_both};

/// Real time, as far as these tests are concerned.
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

async fn rotate(node: &TestApp, days: u32, now: Timestamp) -> Rotated {
    let operator = Operator("os:test".to_owned());
    node.app.rotate_jwe_key(&operator, days, now).await.expect("rotates")
}

fn current(node: &TestApp) -> String {
    node.app.jwe_keys.get().current().expect("a key").kid().to_owned()
}

/// The names of the keys that are tried for a token without a name.
fn accepted(node: &TestApp, now: Timestamp) -> Vec<String> {
    let keys = node.app.jwe_keys.get().for_token(None, now);
    keys.iter().map(|key| key.kid().to_owned()).collect()
}

fn knows(node: &TestApp, kid: &str, now: Timestamp) -> bool {
    let keys = node.app.jwe_keys.get().for_token(Some(kid), now);
    assert!(keys.iter().all(|key| key.kid() == kid));
    keys.len() == 1
}

/// How many keys the database has.
async fn rows(node: &TestApp) -> usize {
    let mut tx = node.app.db.read().await.expect("reads");
    let rows = store::jwe_keys::list(&mut tx).await;
    tx.end(rows).await.expect("reads").len()
}

on_both! {
    /// The one before is accepted until its end, and not a moment longer.
    async fn a_replaced_key_is_accepted_for_its_days(node) {
        assert!(node.app.jwe_keys.get().current().is_err());
        node.app.prepare_jwe_keys(None, NOW).await.expect("a key");
        let first = current(&node);
        node.app.prepare_jwe_keys(None, NOW).await.expect("a key");
        assert_eq!(accepted(&node, NOW), std::slice::from_ref(&first));

        let rotated = rotate(&node, 7, NOW).await;
        let end = after(7 * 24 * 60 * 60);
        assert_eq!((&rotated.previous, rotated.previous_until), (&first, end));
        assert_eq!(current(&node), rotated.kid);
        let last = end - SignedDuration::from_micros(1);
        for now in [NOW, last] {
            assert_eq!(accepted(&node, now), [rotated.kid.clone(), first.clone()]);
            assert!(knows(&node, &first, now) && knows(&node, &rotated.kid, now));
        }
        assert_eq!(accepted(&node, end), std::slice::from_ref(&rotated.kid));
        assert!(!knows(&node, &first, end) && knows(&node, &rotated.kid, end));
        assert!(!knows(&node, "", NOW) && !knows(&node, "another", NOW));

        node.app.delete_ended_jwe_keys(last).await.expect("deletes nothing");
        assert_eq!(rows(&node).await, 2);
        node.app.delete_ended_jwe_keys(end).await.expect("deletes");
        assert_eq!(rows(&node).await, 1);
        node.app.refresh_settings().await.expect("reads");
        node.app.open_jwe_keys().expect("opens");
        assert_eq!(accepted(&node, NOW), [rotated.kid]);
    }
}

/// The audit records of rotations: object and detail.
const AUDIT: Sql = Sql("
    select actor, object, detail
    from audit
    where action = 'jwe_key.rotate'");

on_both! {
    /// Who did it, which key it was, and until when it is accepted; nothing of the key itself.
    async fn a_rotation_leaves_an_audit_record(node) {
        node.app.prepare_jwe_keys(None, NOW).await.expect("a key");
        let rotated = rotate(&node, 7, NOW).await;
        let mut tx = node.app.db.read().await.expect("reads");
        let rows = tx.rows(&AUDIT, &[]).await;
        let rows = tx.end(rows).await.expect("reads");
        assert_eq!(rows.len(), 1);
        let text = |column: &str| rows[0].get::<String>(column).expect("a text");
        assert_eq!((text("actor"), text("object")), ("os:test".to_owned(), rotated.kid));
        let detail: serde_json::Value = rows[0].get("detail").expect("JSON");
        let until = rotated.previous_until.to_string();
        let expected = json!({ "previous": rotated.previous, "previousAcceptedUntil": until });
        assert_eq!(detail, expected);
    }
}

on_both! {
    /// For a key that has leaked: neither it nor those before it are accepted any more.
    async fn a_rotation_without_days_ends_all_others_at_once(node) {
        node.app.prepare_jwe_keys(None, NOW).await.expect("a key");
        rotate(&node, 30, NOW).await;
        let last = rotate(&node, 0, after(1)).await;
        assert_eq!(accepted(&node, after(1)), [last.kid]);
        assert_eq!(rows(&node).await, 1);
    }
}

on_both! {
    /// Each further key would make every token without a name dearer.
    async fn only_so_many_keys_are_accepted_and_none_for_longer_than_told(node) {
        node.app.prepare_jwe_keys(None, NOW).await.expect("a key");
        let mut made = vec![current(&node)];
        for second in 0..6 {
            made.push(rotate(&node, 30, after(second)).await.kid);
        }
        made.reverse();
        assert_eq!(accepted(&node, after(6)), made[..ACCEPTED_MAX]);
        assert_eq!(rows(&node).await, ACCEPTED_MAX);
        // One day from now is earlier than what the others were given before.
        let last = rotate(&node, 1, after(7)).await;
        assert_eq!(accepted(&node, after(7)).len(), ACCEPTED_MAX);
        assert_eq!(accepted(&node, after(7 + 24 * 60 * 60)), [last.kid]);
    }
}

/// Nodes that start on a new database at once agree on one key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_first_keys_made_at_once_one_wins() {
    let one = TestApp::on(Database::Postgres).await;
    let (two, three) = (one.sibling().await, one.sibling().await);
    let (first, second, third) = tokio::join!(
        one.app.prepare_jwe_keys(None, NOW),
        two.app.prepare_jwe_keys(None, NOW),
        three.app.prepare_jwe_keys(None, NOW),
    );
    first.and(second).and(third).expect("a key each");
    assert_eq!(rows(&one).await, 1);
    assert_eq!((current(&two), current(&three)), (current(&one), current(&one)));
}

/// Two rotations at once are two rotations, in one order for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_at_two_nodes_come_one_after_the_other() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    one.app.prepare_jwe_keys(None, NOW).await.expect("a key");
    other.app.prepare_jwe_keys(None, NOW).await.expect("the same key");
    let first = current(&one);
    let (here, there) = tokio::join!(rotate(&one, 7, NOW), rotate(&other, 7, NOW));
    let (last, before) = if here.previous == first { (there, here) } else { (here, there) };
    assert_eq!((&before.previous, &last.previous), (&first, &before.kid));
    for node in [&one, &other] {
        node.app.refresh_settings().await.expect("reads");
        node.app.open_jwe_keys().expect("opens");
        let kids = [last.kid.clone(), before.kid.clone(), first.clone()];
        assert_eq!(accepted(node, NOW), kids);
    }
}
