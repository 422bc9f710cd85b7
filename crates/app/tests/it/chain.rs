//! The chains of audit records: what is sealed, and what was done to it behind our back.

use crate::holds::join_all;
use app::audit::verify::{Report, Wrong};
use app::audit::{Asked, Head, Sealed, Sealer};
use app::ids::random_id;
use app::janitor::{Retention, sweep};
use domain::Timestamp;
use domain::admin::Role;
use domain::ids::PartnerId;
use domain::scope::Scope;
use serde_json::json;
use store::audit::{Record, insert};
use store::db::{Sql, Value};
use testkit::{Database, TestApp, on_both};
use uuid::Uuid;

const DAY: i64 = 24 * 60 * 60;
const OF_ALL: Sql = Sql("select count(*) as records from audit");
const OF_ACTION: Sql = Sql("select count(*) as records from audit where action = $1");

async fn sealed(node: &TestApp, sealer: &Sealer) -> Sealed {
    node.app.seal_audit(sealer).await.expect("seals")
}

async fn verified(node: &TestApp, heads: &[Head]) -> Report {
    node.app.verify_audit(heads.to_vec(), &|_| {}).await.expect("reads")
}

/// What is wrong with the partner's chain, in short; that of the platform is whole.
async fn wrong(node: &TestApp, heads: &[Head]) -> Vec<String> {
    let report = verified(node, heads).await;
    report.findings.iter().map(|it| short(node.scope, it.partner, &it.wrong)).collect()
}

fn short(scope: Scope, partner: PartnerId, wrong: &Wrong) -> String {
    let place = |it: &app::audit::verify::Named| it.place;
    let text = match wrong {
        Wrong::Altered(it) => format!("altered {}", it.place),
        Wrong::Inserted(it) => format!("inserted {}", it.place),
        Wrong::Removed { from, to, before, after } => format!(
            "removed {from}-{to} between {:?} and {:?}",
            before.as_ref().map(place),
            after.as_ref().map(place)
        ),
        Wrong::EndAltered => "end altered".to_owned(),
        Wrong::RemovalAltered => "beginning altered".to_owned(),
        Wrong::EndMissing => "end missing".to_owned(),
        Wrong::HeadDiffers { head, count } => format!("{count} differ from {}", head.place),
        Wrong::HeadBeyondEnd { head, end, count } => {
            format!("{count} beyond {end}, to {}", head.place)
        }
    };
    if partner == scope.partner() { text } else { format!("of another: {text}") }
}

/// Does something to the database that nothing of ours does.
async fn tamper(node: &TestApp, sql: &str, values: &[Value]) -> u64 {
    let sql = Sql(Box::leak(sql.to_owned().into_boxed_str()));
    let mut tx = node.app.db.begin().await.expect("begins");
    let values: Vec<&dyn store::db::ToValue> =
        values.iter().map(|it| it as &dyn store::db::ToValue).collect();
    let done = tx.run(&sql, &values).await.expect(sql.0);
    tx.commit().await.expect("commits");
    done
}

async fn count(node: &TestApp, action: Option<&str>) -> i64 {
    let mut tx = node.app.db.read().await.expect("begins");
    let row = match action {
        Some(action) => tx.row(&OF_ACTION, &[&action]).await,
        None => tx.row(&OF_ALL, &[]).await,
    };
    tx.rollback().await;
    row.expect("counts").get("records").expect("a number")
}

/// Keeps all records as they are, and has them so again.
struct Copy;

impl Copy {
    async fn of(node: &TestApp) -> Self {
        for table in ["audit", "audit_chain"] {
            tamper(node, &format!("create table kept_{table} as select * from {table}"), &[]).await;
        }
        Self
    }

    async fn restore(&self, node: &TestApp) {
        for table in ["audit", "audit_chain"] {
            tamper(node, &format!("delete from {table}"), &[]).await;
            tamper(node, &format!("insert into {table} select * from kept_{table}"), &[]).await;
        }
    }
}

/// A partner's chain of nine records.
async fn nine(node: &TestApp, sealer: &Sealer) {
    while count(node, None).await < 10 {
        node.user().await;
    }
    let done = sealed(node, sealer).await;
    assert_eq!((done.rows, done.commits, done.heads.len()), (10, 1, 2));
    let report = verified(node, &done.heads).await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.chains, report.sealed, report.unsealed, report.heads), (2, 10, 0, 2));
}

on_both! {
    /// Whatever is done to one record, that one is named and no other.
    async fn each_alteration_is_found_and_named(node) {
        nine(&node, &Sealer::default()).await;
        let copy = Copy::of(&node).await;
        let text = |text: &str| Value::Text(text.to_owned());
        let columns = [
            ("actor", text("os:mallory")),
            ("action", text("user.remove")),
            ("object", text("0")),
            ("detail", Value::Json(r#"{"after":{}}"#.to_owned())),
            ("at", Value::Time(Timestamp::constant(1_700_000_000, 0))),
            ("address", text("192.0.2.66")),
            ("request_id", text("another")),
            ("id", Value::Uuid(Uuid::from_u128(1))),
            ("mac", Value::Bytes(vec![0; 32])),
            ("mac", Value::Bytes(Vec::new())),
            ("mac", Value::Null),
        ];
        for place in [1, 4, 9] {
            for (column, value) in &columns {
                let sql =
                    format!("update audit set {column} = $2 where partner_id = $1 and place = $3");
                let of = [Value::Int(node.scope.partner().0), value.clone(), Value::Int(place)];
                assert_eq!(tamper(&node, &sql, &of).await, 1);
                assert_eq!(wrong(&node, &[]).await, [format!("altered {place}")], "{column}");
                copy.restore(&node).await;
            }
        }
        assert_eq!(wrong(&node, &[]).await, Vec::<String>::new());
    }
}

/// SQLite takes a text that is none; PostgreSQL doesn't.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_cannot_be_read_is_named() {
    let node = TestApp::on(Database::Sqlite).await;
    let sealer = Sealer::default();
    nine(&node, &sealer).await;
    let partner = [Value::Int(node.scope.partner().0)];
    for set in ["actor = cast(x'ff' as text)", "detail = 'no JSON'"] {
        let sql = format!("update audit set {set} where partner_id = $1 and place in (4, 9)");
        assert_eq!(tamper(&node, &sql, &partner).await, 2);
        assert_eq!(wrong(&node, &[]).await, ["altered 4", "altered 9"], "{set}");
    }
}

on_both! {
    /// Records that are gone, were put there, or changed their places.
    async fn each_removal_and_insertion_is_found_and_named(node) {
        nine(&node, &Sealer::default()).await;
        let copy = Copy::of(&node).await;
        let into = "insert into audit (partner_id, id, actor, action, object, detail, at, place, \
            mac) select partner_id, $2, actor, action, object, detail, at, PLACE, mac from audit \
            where partner_id = $1 and place = 4";
        let insert = |place: i64| into.replace("PLACE", &place.to_string());
        let cases: Vec<(&[&str], String, &[&str])> = vec![
            (&["delete from audit where P and place = 1"], String::new(),
                &["removed 1-1 between None and Some(2)"]),
            (&["delete from audit where P and place = 5"], String::new(),
                &["removed 5-5 between Some(4) and Some(6)"]),
            (&["delete from audit where P and place in (3, 4, 7)"], String::new(),
                &["removed 3-4 between Some(2) and Some(5)",
                    "removed 7-7 between Some(6) and Some(8)"]),
            (&["delete from audit where P and place = 9"], String::new(),
                &["removed 9-9 between Some(8) and None"]),
            (&["delete from audit where P and place > 6"], String::new(),
                &["removed 7-9 between Some(6) and None"]),
            (&["delete from audit where P"], String::new(),
                &["removed 1-9 between None and None"]),
            (&["update audit set place = null, mac = null where P and place > 7"], String::new(),
                &["removed 8-9 between Some(7) and None"]),
            (&["delete from audit where P and place = 5",
                "update audit set object = 'x' where P and place in (4, 6)"], String::new(),
                &["altered 4", "removed 5-5 between Some(4) and Some(6)", "altered 6"]),
            (&[], insert(10), &["inserted 10"]),
            (&[], insert(12), &["inserted 12"]),
            (&[], insert(0), &["inserted 0"]),
            (&[], insert(-5), &["inserted -5"]),
            (&["delete from audit where P and place = 5"], insert(5), &["altered 5"]),
            (&["update audit set place = 100 where P and place = 3",
                "update audit set place = 3 where P and place = 6",
                "update audit set place = 6 where P and place = 100"], String::new(),
                &["altered 3", "altered 6"]),
            (&["update audit set partner_id = 0 where P and place = 3"], String::new(),
                &["of another: inserted 3", "removed 3-3 between Some(2) and Some(4)"]),
            (&["update audit_chain set place = 8 where P"], String::new(), &["end altered"]),
            (&["delete from audit_chain where P"], String::new(), &["end missing"]),
            (&["update audit_chain set removed_place = 2 where P",
                "delete from audit where P and place < 3"], String::new(),
                &["beginning altered", "removed 1-2 between None and Some(3)"]),
        ];
        for (done, inserted, expected) in cases {
            for sql in done {
                let partner = node.scope.partner().0;
                tamper(&node, &sql.replace("P", &format!("partner_id = {partner}")), &[]).await;
            }
            if !inserted.is_empty() {
                let of = [Value::Int(node.scope.partner().0), Value::Uuid(random_id())];
                let inserted = inserted.replace("place = 4", "place = 4 limit 1");
                assert_eq!(tamper(&node, &inserted, &of).await, 1);
            }
            assert_eq!(wrong(&node, &[]).await, expected, "{done:?} {inserted}");
            copy.restore(&node).await;
        }
    }
}

on_both! {
    /// Whoever puts back the whole of a chain's end is found out by a head that was kept elsewhere,
    /// also when the chain has grown again.
    async fn a_chain_that_was_put_back_lacks_its_heads(node) {
        let sealer = Sealer::default();
        nine(&node, &sealer).await;
        let early = Copy::of(&node).await;
        node.user().await;
        node.user().await;
        let heads = sealed(&node, &sealer).await.heads;
        assert_eq!(wrong(&node, &heads).await, Vec::<String>::new());
        // The row of the end alone: what is behind it was sealed.
        tamper(&node, "delete from audit_chain", &[]).await;
        tamper(&node, "insert into audit_chain select * from kept_audit_chain", &[]).await;
        assert_eq!(wrong(&node, &[]).await, ["end altered"]);
        early.restore(&node).await;
        assert_eq!(wrong(&node, &[]).await, Vec::<String>::new());
        assert_eq!(wrong(&node, &heads).await, ["1 beyond 9, to 11"]);
        for _ in 0..3 {
            node.user().await;
        }
        sealed(&node, &sealer).await;
        assert_eq!(wrong(&node, &heads).await, ["1 differ from 11"]);
    }
}

on_both! {
    /// Where an end was tampered with, sealing goes on, and it shows for ever.
    async fn sealing_goes_on_behind_what_was_done(node) {
        let sealer = Sealer::default();
        nine(&node, &sealer).await;
        let copy = Copy::of(&node).await;
        let cases: [(&[&str], &[&str]); 4] = [
            (&["delete from audit where P and place > 7"],
                &["removed 8-9 between Some(7) and Some(10)"]),
            (&["update audit set place = null, mac = null where P and place = 9"],
                &["removed 9-9 between Some(8) and Some(10)"]),
            (&["delete from audit where P and place > 7", "delete from audit_chain where P"],
                &["removed 8-8 between Some(7) and Some(9)"]),
            (&["update audit_chain set place = 8 where P"],
                &["removed 10-10 between Some(9) and Some(11)"]),
        ];
        for (done, expected) in cases {
            for sql in done {
                let partner = node.scope.partner().0;
                tamper(&node, &sql.replace("P", &format!("partner_id = {partner}")), &[]).await;
            }
            node.user().await;
            assert!(sealed(&node, &sealer).await.rows > 0);
            assert_eq!(verified(&node, &[]).await.unsealed, 0);
            assert_eq!(wrong(&node, &[]).await, expected, "{done:?}");
            copy.restore(&node).await;
        }
    }
}

fn record(node: &TestApp, partner: PartnerId, number: u128) -> Record {
    Record {
        id: Uuid::from_u128(number),
        partner,
        actor: "certificate:test/1".to_owned(),
        action: "test.act".to_owned(),
        object: number.to_string(),
        detail: json!({ "b": [1, 2.5, null], "a": { "é": "\"\\" } }),
        at: node.app.now(),
        address: None,
        request_id: None,
    }
}

async fn add(node: &TestApp, partner: PartnerId, numbers: std::ops::Range<u128>) {
    let records: Vec<Record> = numbers.map(|number| record(node, partner, number)).collect();
    let mut tx = node.app.db.begin().await.expect("begins");
    insert(&mut tx, &records).await.expect("inserts");
    tx.commit().await.expect("commits");
}

on_both! {
    /// A backlog is sealed a thousand a commit, some commits a turn, and keeps nobody waiting.
    async fn a_backlog_is_sealed_in_turns(node) {
        let sealer = Sealer::default();
        sealed(&node, &sealer).await;
        let other = PartnerId(77);
        add(&node, node.scope.partner(), 1..5_001).await;
        add(&node, other, 1..11).await;
        let first = sealed(&node, &sealer).await;
        assert_eq!((first.rows, first.commits), (4_000, 4));
        assert!(first.heads.iter().any(|head| head.partner == other && head.place == 10));
        let rest = sealed(&node, &sealer).await;
        assert_eq!((rest.rows, rest.commits), (1_010, 2));
        assert_eq!(sealed(&node, &sealer).await, Sealed::default());
        let report = verified(&node, &[&first.heads[..], &rest.heads].concat()).await;
        assert!(report.is_clean(), "{:?}", report.findings);
        assert_eq!(report.unsealed, 0);
    }
}

on_both! {
    /// A record's id tells when it began, not when it was committed: an earlier one is sealed too.
    async fn a_record_that_was_committed_late_is_sealed(node) {
        let sealer = Sealer::default();
        nine(&node, &sealer).await;
        add(&node, node.scope.partner(), 1..2).await;
        assert_eq!(verified(&node, &[]).await.unsealed, 1);
        let late = sealed(&node, &sealer).await;
        assert_eq!((late.rows, late.heads[0].place), (1, 10));
        assert_eq!(wrong(&node, &late.heads).await, Vec::<String>::new());
    }
}

/// While its transaction was open, later ones were sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_an_open_transaction_is_sealed_after_its_commit() {
    let node = TestApp::on(Database::Postgres).await;
    let sealer = Sealer::default();
    nine(&node, &sealer).await;
    let mut open = node.app.db.begin().await.expect("begins");
    insert(&mut open, &[record(&node, node.scope.partner(), 1)]).await.expect("inserts");
    node.user().await;
    assert_eq!(sealed(&node, &sealer).await.rows, 1);
    open.commit().await.expect("commits");
    assert_eq!(sealed(&node, &sealer).await.rows, 1);
    assert_eq!(wrong(&node, &[]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_seal_at_once_make_one_chain() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    let (here, there) = (Sealer::default(), Sealer::default());
    let mut heads = Vec::new();
    for round in 0..20u128 {
        add(&one, one.scope.partner(), round * 100 + 1..round * 100 + 101).await;
        // Else the lease is the same node's for a while.
        one.advance_real(6);
        let turns = [(&one, &here), (&other, &there), (&one, &here), (&other, &there)];
        let turns = turns.into_iter().map(|(node, sealer)| sealed(node, sealer));
        heads.extend(join_all(turns).await.into_iter().flat_map(|done| done.heads));
    }
    while verified(&one, &[]).await.unsealed > 0 {
        one.advance_real(6);
        sealed(&one, &here).await;
    }
    let report = verified(&one, &heads).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.heads, heads.len() as u64);
}

on_both! {
    /// What retention removes leaves the rest whole, and isn't taken for an attacker's work; nor
    /// the other way round.
    async fn retention_removes_the_beginning_and_nothing_else(node) {
        let sealer = Sealer::default();
        nine(&node, &sealer).await;
        node.advance(200 * DAY);
        for _ in 0..3 {
            node.user().await;
        }
        let heads = sealed(&node, &sealer).await.heads;
        let copy = Copy::of(&node).await;
        let partner = Value::Int(node.scope.partner().0);
        // A young one that was made to look old.
        let old = [partner.clone(), Value::Time(Timestamp::constant(1_700_000_000, 0))];
        let at = "update audit set at = $2 where partner_id = $1 and place = 10";
        assert_eq!(tamper(&node, at, &old).await, 1);
        node.advance(200 * DAY);
        sweep(&node.app, &Retention::default()).await.expect("sweeps");
        assert_eq!(wrong(&node, &heads).await, ["altered 10"]);
        let report = verified(&node, &heads).await;
        let removed = report.removed.iter().find(|it| it.0 == node.scope.partner());
        assert_eq!(removed.map(|it| it.1), Some(9));

        copy.restore(&node).await;
        sweep(&node.app, &Retention::default()).await.expect("sweeps");
        assert_eq!(count(&node, Some("user.register")).await, 3);
        assert_eq!(wrong(&node, &heads).await, Vec::<String>::new());
        node.user().await;
        sealed(&node, &sealer).await;
        assert_eq!(wrong(&node, &heads).await, Vec::<String>::new());
        // What retention hasn't removed.
        let first = "delete from audit where partner_id = $1 and place = 10";
        assert_eq!(tamper(&node, first, &[partner]).await, 1);
        assert_eq!(wrong(&node, &heads).await, ["removed 10-10 between None and Some(11)"]);
    }
}

on_both! {
    /// All of a chain may go in its time, and the chain goes on.
    async fn a_chain_of_which_nothing_is_left_goes_on(node) {
        let sealer = Sealer::default();
        nine(&node, &sealer).await;
        node.advance(400 * DAY);
        sweep(&node.app, &Retention::default()).await.expect("sweeps");
        assert_eq!(count(&node, None).await, 0);
        assert_eq!(wrong(&node, &[]).await, Vec::<String>::new());
        node.user().await;
        let heads = sealed(&node, &sealer).await.heads;
        assert_eq!(heads[0].place, 10);
        assert_eq!(wrong(&node, &heads).await, Vec::<String>::new());
    }
}

on_both! {
    /// Records hold digests of what is personal, so erasing a person touches none.
    async fn erasing_a_person_leaves_the_chain_whole(node) {
        let sealer = Sealer::default();
        let user = node.user().await;
        nine(&node, &sealer).await;
        let once = app::Once {
            endpoint: "test".to_owned(),
            key: None,
            fingerprint: [0; 32],
            origin: testkit::origin(),
            render: |(): &()| serde_json::Value::Null,
        };
        node.app.remove_user(node.scope, user, once).await.expect("removes");
        let before = sealed(&node, &sealer).await;
        node.advance(DAY);
        let at_once = Retention { user_months: 0, ..Retention::default() };
        let done = sweep(&node.app, &at_once).await.expect("sweeps");
        assert!(done.iter().any(|it| (it.name, it.rows) == ("user", 1)), "{done:?}");
        sealed(&node, &sealer).await;
        assert_eq!(wrong(&node, &before.heads).await, Vec::<String>::new());
    }
}

on_both! {
    /// Newest first, page by page, by object, actor, action and time.
    async fn records_are_found(node) {
        let begin = node.app.now();
        let user = node.user().await;
        node.advance(3_600);
        let later = node.app.now();
        for _ in 0..4 {
            node.user().await;
        }
        let seen = (node.scope, Role::Admin);
        let pages = async |asked: Asked, limit: i64| {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = node.app.audit_page(seen, &asked, after, limit).await.expect("ok");
                assert!(page.items.len() <= usize::try_from(limit).expect("few"));
                all.extend(page.items.into_iter().map(|it| it.record));
                after = page.next;
                if after.is_none() {
                    return all;
                }
            }
        };
        let registered = Asked { action: Some("user.register".to_owned()), ..Asked::default() };
        for limit in [1, 2, 5, 200] {
            let all = pages(Asked::default(), limit).await;
            assert!(all.is_sorted_by(|one, other| one.id > other.id));
            assert_eq!(pages(registered.clone(), limit).await.len(), 5);
            assert_eq!(all.iter().filter(|it| it.action == "user.register").count(), 5);
        }
        let since = Asked { from: Some(later), ..Asked::default() };
        assert_eq!(pages(since, 3).await.len(), 4);
        let until = Asked { from: Some(begin), to: Some(later), ..registered.clone() };
        assert_eq!(pages(until, 3).await.len(), 1);
        let object = Some(user.0.to_string());
        let of_user = Asked { object, actor: Some("certificate:test/1".to_owned()), ..registered };
        let found = pages(of_user.clone(), 3).await;
        assert_eq!(found.iter().map(|it| &it.action).collect::<Vec<_>>(), ["user.register"]);
        let of_nobody = Asked { actor: Some("os:nobody".to_owned()), ..of_user };
        assert!(pages(of_nobody, 3).await.is_empty());
        let elsewhere = (Scope::platform(PartnerId(99), "a test"), Role::Operator);
        let page = node.app.audit_page(elsewhere, &Asked::default(), None, 10).await.expect("ok");
        assert!(page.items.is_empty() && page.next.is_none());
    }
}
