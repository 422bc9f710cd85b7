//! What goes when its time is up, and what stays.

use crate::holds::join_all;
use crate::once::answered;
use app::audit::Sealer;
use app::balances::NewBalance;
use app::janitor::{Retention, Swept, backlog, sweep};
use app::owners::OwnerName;
use app::{Error, Once};
use domain::money::Currency;
use domain::notification::{Event, Outcome};
use domain::transaction::Description;
use serde_json::{Value, json};
use std::time::Duration;
use store::db::Sql;
use store::idempotency::{self, Kept};
use testkit::{Behaviour, Partner, TestApp, eventually, on_both};

const DAY: i64 = 24 * 60 * 60;

async fn swept(node: &TestApp) -> Vec<Swept> {
    sweep(&node.app, &Retention::default()).await.expect("sweeps")
}

/// What is left to do of a kind.
async fn waiting(node: &TestApp, kind: &str) -> i64 {
    let all = backlog(&node.app, &Retention::default()).await.expect("counts");
    all.into_iter().find(|(name, _)| *name == kind).expect("a kind").1
}

async fn count(node: &TestApp, sql: &'static str) -> i64 {
    let mut tx = node.app.db.read().await.expect("reads");
    let row = tx.row(&Sql(sql), &[]).await.expect("counts");
    tx.rollback().await;
    row.get("rows").expect("a number")
}

/// A balance under an idempotency key.
async fn create(node: &TestApp, user: domain::ids::UserId, key: &str) -> Result<Value, Error> {
    let once = Once {
        endpoint: "test".to_owned(),
        key: Some(key.to_owned()),
        fingerprint: [0; 32],
        origin: testkit::origin(),
        render: |made: &domain::balance::Balance| json!(made.id.0.to_string()),
    };
    let new = NewBalance { owner: OwnerName::User(user), currency: Currency::EUR, config_id: None };
    node.app.create_balance(node.scope, new, once).await
}

on_both! {
    /// Keys are remembered for 30 days; a younger one is, when the older is forgotten.
    async fn a_kept_answer_goes_after_thirty_days(node) {
        let user = node.user().await;
        let old = create(&node, user, "old").await.expect("creates");
        node.advance(15 * DAY);
        let young = create(&node, user, "young").await.expect("creates");
        swept(&node).await;
        assert_eq!(create(&node, user, "old").await.expect("is known"), old);

        node.advance(15 * DAY + 60);
        assert_eq!(waiting(&node, "idempotency").await, 1);
        let done = swept(&node).await;
        assert!(done.contains(&Swept { name: "idempotency", rows: 1, commits: 1 }), "{done:?}");
        assert_eq!(waiting(&node, "idempotency").await, 0);
        assert_eq!(create(&node, user, "young").await.expect("is known"), young);
        assert_ne!(create(&node, user, "old").await.expect("is done anew"), old);
    }
}

on_both! {
    /// Its key is gone, the network's own name for it never: it acts once.
    async fn an_old_message_is_recognised_by_its_network_key(node) {
        let funded = node.funded(1_000).await;
        let first = answered(node.purchase(funded.card, 300, "p1").await.expect("decided"));
        node.advance(20 * DAY);
        let young = answered(node.purchase(funded.card, 100, "p2").await.expect("decided"));
        node.advance(10 * DAY + 60);
        // The top-up was made without a key of a caller.
        assert_eq!(waiting(&node, "message").await, 1);
        let done = swept(&node).await;
        assert!(done.contains(&Swept { name: "message", rows: 1, commits: 1 }), "{done:?}");
        assert_eq!(waiting(&node, "message").await, 0);
        let keys = "select count(*) as rows from message where idempotency_key is not null";
        assert_eq!(count(&node, keys).await, 1);

        let again = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(again.transaction, first.transaction);
        assert_eq!(again.authorization_code, first.authorization_code);
        let known = answered(node.purchase(funded.card, 100, "p2").await.expect("decided"));
        assert_eq!(known, young);
        // Under another key, as it has none of its own any more.
        assert_eq!(count(&node, keys).await, 2);
        assert!(matches!(node.purchase(funded.card, 301, "p1").await, Err(Error::KeyReused)));
        node.verify().await;
    }
}

on_both! {
    /// The key of a message is taken while the same message comes again and others are decided.
    async fn the_janitor_and_the_engine_do_not_disturb_one_another(node) {
        let funded = node.funded(100_000).await;
        let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
        let asked = names.iter().map(|name| node.purchase(funded.card, 100, name));
        let first: Vec<_> = join_all(asked).await.into_iter().map(|it| it.expect("ok")).collect();
        node.advance(30 * DAY + 60);
        let again = names.iter().map(|name| node.purchase(funded.card, 100, name));
        let (again, ()) = tokio::join!(join_all(again), async {
            swept(&node).await;
        });
        for (again, first) in again.into_iter().zip(first) {
            let again = again.expect("decided");
            assert_eq!(again.transaction, first.transaction);
            assert_eq!(again.description, Description::Approved);
        }
        assert_eq!(node.amounts(funded.balance).await, (96_000, 4_000));
        node.verify().await;
    }
}

on_both! {
    /// A reversal that waited in vain goes after its 24 hours, and audit records after a year.
    async fn early_reversals_and_audit_records_go_in_their_time(node) {
        let funded = node.funded(1_000).await;
        let early = "select count(*) as rows from early_reversal";
        let audit = "select count(*) as rows from audit";
        node.reverse(funded.card, 300, "r1", "p1").await.expect("decided");
        let records = count(&node, audit).await;
        assert!(records > 0, "the partner was created by somebody");
        node.advance(DAY - 60);
        swept(&node).await;
        assert_eq!((count(&node, early).await, waiting(&node, "early_reversal").await), (1, 0));
        node.advance(120);
        assert_eq!(waiting(&node, "early_reversal").await, 1);
        swept(&node).await;
        assert_eq!((count(&node, early).await, waiting(&node, "early_reversal").await), (0, 0));

        // They go from the beginning of a chain, so one that isn't sealed stays.
        node.advance(363 * DAY);
        swept(&node).await;
        assert_eq!(count(&node, audit).await, records);
        node.advance(3 * DAY);
        swept(&node).await;
        assert_eq!((count(&node, audit).await, waiting(&node, "audit").await), (records, records));
        node.advance(-3 * DAY);
        node.app.seal_audit(&Sealer::default()).await.expect("seals");
        swept(&node).await;
        assert_eq!(count(&node, audit).await, records);
        node.advance(3 * DAY);
        let longer = Retention { audit_months: 24, ..Retention::default() };
        sweep(&node.app, &longer).await.expect("sweeps");
        assert_eq!(count(&node, audit).await, records);
        assert_eq!(waiting(&node, "audit").await, records);
        swept(&node).await;
        assert_eq!((count(&node, audit).await, waiting(&node, "audit").await), (0, 0));
    }
}

on_both! {
    /// What a partner was told is shown for 30 days of real time, with its tries.
    async fn what_was_delivered_goes_after_thirty_days(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, Event::NOTIFICATIONS).await;
        node.funded(1_000).await;
        let told = async || node.app.notifications(node.scope.partner(), 0, 100).await.expect("ok");
        eventually("the top-up is told", Duration::from_secs(30), async || {
            let told = told().await;
            !told.is_empty() && told.iter().all(|it| it.outcome == Some(Outcome::Delivered))
        })
        .await;
        let count = told().await.len();
        node.advance(400 * DAY);
        node.advance_real(29 * DAY);
        swept(&node).await;
        assert_eq!((told().await.len(), waiting(&node, "outbox").await), (count, 0));
        node.advance_real(2 * DAY);
        assert_eq!(waiting(&node, "outbox").await, i64::try_from(count).expect("few"));
        swept(&node).await;
        assert_eq!((told().await.len(), waiting(&node, "outbox").await), (0, 0));
    }
}

/// Keeps this many answers.
async fn keep(node: &TestApp, rows: usize) {
    let mut tx = node.app.db.begin().await.expect("begins");
    let kept = Kept { fingerprint: vec![0; 32], answer: vec![0; 64] };
    for number in 0..rows {
        let key = format!("key-{number}");
        let name = ("test", key.as_str());
        let new = idempotency::insert(&mut tx, node.scope, name, &kept, node.app.now()).await;
        assert!(new.expect("inserts"));
    }
    tx.commit().await.expect("commits");
}

on_both! {
    /// Others are let in between two commits.
    async fn ten_thousand_rows_go_in_commits_of_a_thousand(node) {
        keep(&node, 10_000).await;
        node.advance(31 * DAY);
        assert_eq!(waiting(&node, "idempotency").await, 10_000);
        let done = swept(&node).await;
        let all = Swept { name: "idempotency", rows: 10_000, commits: 10 };
        assert!(done.contains(&all), "{done:?}");
        assert_eq!(waiting(&node, "idempotency").await, 0);
        assert!(swept(&node).await.iter().all(|swept| (swept.rows, swept.commits) == (0, 0)));
    }
}

/// Each row goes once, whoever is faster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_janitors_share_the_work() {
    let one = TestApp::on(testkit::Database::Postgres).await;
    keep(&one, 3_000).await;
    let funded = one.funded(100_000).await;
    for number in 0..20 {
        one.purchase(funded.card, 100, &format!("p{number}")).await.expect("decided");
    }
    let other = one.sibling().await;
    one.advance(31 * DAY);
    let (done, there) = tokio::join!(swept(&one), swept(&other));
    for (name, rows) in [("idempotency", 3_000), ("message", 20)] {
        let sum: u64 = [&done, &there]
            .into_iter()
            .flatten()
            .filter(|swept| swept.name == name)
            .map(|swept| swept.rows)
            .sum();
        assert_eq!(sum, rows, "{name}: {done:?} {there:?}");
        assert_eq!(waiting(&one, name).await, 0);
    }
    one.verify().await;
}
