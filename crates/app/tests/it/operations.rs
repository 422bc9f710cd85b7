//! Cards that are ordered and made afterwards: each once, whoever makes it and whoever dies.

use crate::holds::join_all;
use app::cards::IssueVirtual;
use app::{Error, Once, Refusal};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, OperationId, UserId};
use domain::operation::Progress;
use jiff::ToSpan;
use serde_json::{Value, json};
use store::db::Sql;
use store::operations::{self, Lease};
use testkit::{Database, Funded, TestApp, on_both};

const DAY: i64 = 24 * 60 * 60;
/// More than a lease.
const LEASE: i64 = 11;

fn once(key: Option<&str>) -> Once<OperationId> {
    Once {
        endpoint: "POST /async".to_owned(),
        key: key.map(str::to_owned),
        fingerprint: [1; 32],
        origin: testkit::origin(),
        render: |id| json!(id.0.to_string()),
    }
}

fn command(user: UserId, balance: BalanceId) -> IssueVirtual {
    IssueVirtual {
        holder: user,
        corporation: None,
        balance,
        config_id: "0019167984".to_owned(),
        label: None,
    }
}

fn id(answer: &Value) -> OperationId {
    OperationId(answer.as_str().and_then(|text| text.parse().ok()).expect("an id"))
}

async fn order(node: &TestApp, command: IssueVirtual) -> OperationId {
    id(&node.app.issue_virtual_card_later(node.scope, command, once(None)).await.expect("orders"))
}

async fn progress(node: &TestApp, user: UserId, id: OperationId) -> Result<Progress, Error> {
    node.app.operation(node.scope, user, id).await
}

async fn cards(node: &TestApp, user: UserId) -> usize {
    node.app.cards(node.scope, user, CardId(0), 200).await.expect("lists").items.len()
}

/// Claims all that waits, as a worker that then dies.
async fn claim(node: &TestApp, from: Timestamp) -> usize {
    let until = from.checked_add(10.seconds()).expect("within the calendar");
    let lease = Lease { holder: uuid::Uuid::nil(), from, until };
    let mut tx = node.app.db.begin().await.expect("begins");
    let claimed = operations::claim(&mut tx, &[node.scope.partner()], &lease, 100).await;
    tx.end(claimed).await.expect("claims").len()
}

/// How many operations the janitor takes.
async fn swept(node: &TestApp) -> u64 {
    let swept = app::janitor::sweep(&node.app, &app::janitor::Retention::default()).await;
    let swept = swept.expect("sweeps").into_iter().find(|swept| swept.name == "operation");
    swept.expect("it looks after operations").rows
}

on_both! {
    /// What was ordered waits, is made once, and can be asked for.
    async fn an_ordered_card_is_made_once(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        let id = order(&node, command(user, balance)).await;
        assert_eq!(progress(&node, user, id).await.expect("is there"), Progress::Pending);
        assert_eq!(cards(&node, user).await, 1);

        assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
        assert_eq!(node.app.carry_out_operations().await.expect("works"), 0);
        let Ok(Progress::Done { card }) = progress(&node, user, id).await else {
            panic!("it isn't done");
        };
        assert_eq!(cards(&node, user).await, 2);
        node.purchase(card, 1, "p1").await.expect("the card is known");
    }
}

on_both! {
    /// Many workers at once share the work, and no card is made twice.
    async fn workers_at_once_make_each_card_once(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        for _ in 0..30 {
            order(&node, command(user, balance)).await;
        }
        let made = join_all((0..4).map(|_| node.app.carry_out_operations())).await;
        let made: usize = made.into_iter().map(|made| made.expect("works")).sum();
        assert_eq!(made, 30);
        assert_eq!(cards(&node, user).await, 31);
    }
}

on_both! {
    /// The same key is the same operation, however often it is sent.
    async fn equal_keys_make_one_operation(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        let order = || {
            node.app.issue_virtual_card_later(node.scope, command(user, balance), once(Some("one")))
        };
        let told = join_all((0..20).map(|_| order())).await;
        let told: Vec<Value> = told.into_iter().map(|told| told.expect("orders")).collect();
        assert!(told.iter().all(|answer| *answer == told[0]));
        assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
    }
}

on_both! {
    /// What can't be made ends with the reason that the other call refuses it with.
    async fn a_refusal_is_the_outcome(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        let other = node.funded(0).await;
        let no_program =
            IssueVirtual { config_id: "0000000000".to_owned(), ..command(user, balance) };
        for (command, reason) in [
            (command(user, other.balance), "BALANCE_NOT_FOUND"),
            (no_program, "PROGRAM_NOT_FOUND"),
        ] {
            let id = order(&node, command).await;
            assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
            let failed = Progress::Failed { reason: reason.to_owned() };
            assert_eq!(progress(&node, user, id).await.expect("is there"), failed);
            assert_eq!(node.app.carry_out_operations().await.expect("works"), 0, "it is final");
        }
        let nobody = command(UserId(999_999), balance);
        let told = node.app.issue_virtual_card_later(node.scope, nobody, once(None)).await;
        assert!(matches!(told, Err(Error::Refused(Refusal::CustomerNotFound))));
        assert_eq!(cards(&node, user).await, 1);
    }
}

on_both! {
    /// An operation is its user's, and for seven days.
    async fn an_operation_is_forgotten_after_seven_days(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        let other = node.user().await;
        let id = order(&node, command(user, balance)).await;
        node.app.carry_out_operations().await.expect("works");
        let gone = |told| matches!(told, Err(Error::Refused(Refusal::OperationNotFound)));
        assert!(gone(progress(&node, other, id).await));
        assert!(gone(progress(&node, user, OperationId(uuid::Uuid::nil())).await));
        node.advance(7 * DAY - 1);
        assert!(progress(&node, user, id).await.is_ok());
        assert_eq!(swept(&node).await, 0);
        node.advance(1);
        assert!(gone(progress(&node, user, id).await));
        order(&node, command(user, balance)).await;
        node.advance(8 * DAY);
        assert_eq!(swept(&node).await, 1, "the other is still to be made");
        assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
    }
}

on_both! {
    /// What a dead worker had claimed is nobody's until its lease has ended, and then anybody's.
    async fn a_dead_workers_orders_are_made_by_another(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        let id = order(&node, command(user, balance)).await;
        assert_eq!(claim(&node, node.app.now()).await, 1);
        assert_eq!(node.app.carry_out_operations().await.expect("works"), 0);
        node.advance(LEASE);
        assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
        assert!(matches!(progress(&node, user, id).await, Ok(Progress::Done { .. })));
    }
}

on_both! {
    /// A sandbox's clock that is set back doesn't make an order wait until it has caught up.
    async fn a_lease_of_a_clock_set_back_has_ended(node) {
        let Funded { user, balance, .. } = node.funded(0).await;
        order(&node, command(user, balance)).await;
        assert_eq!(claim(&node, node.app.now()).await, 1);
        node.advance(-DAY);
        assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
    }
}

on_both! {
    /// What fails by a fault of ours is tried five times, and then given up for all to see.
    async fn what_can_not_be_made_is_given_up(node) {
        let user = node.user().await;
        let balance = node.balance_of(user).await;
        let id = order(&node, command(user, balance)).await;
        let mut tx = node.app.db.begin().await.expect("begins");
        tx.run(&Sql("delete from card_key"), &[]).await.expect("deletes");
        tx.commit().await.expect("commits");
        for _ in 0..4 {
            node.app.carry_out_operations().await.expect("goes on");
            assert_eq!(progress(&node, user, id).await.expect("is there"), Progress::Pending);
            node.advance(LEASE);
        }
        node.app.carry_out_operations().await.expect("goes on");
        let failed = Progress::Failed { reason: "INTERNAL_ERROR".to_owned() };
        assert_eq!(progress(&node, user, id).await.expect("is there"), failed);
        assert_eq!(cards(&node, user).await, 0);
    }
}

/// Nobody can write cards for longer than the database lets anybody wait: that is no refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_databases_trouble_ends_no_operation() {
    let node = TestApp::on(Database::Postgres).await;
    let Funded { user, balance, .. } = node.funded(0).await;
    let id = order(&node, command(user, balance)).await;
    let mut tx = node.app.db.begin().await.expect("begins");
    tx.rows(&Sql("lock table card in exclusive mode"), &[]).await.expect("locks");
    let told = node.app.carry_out_operations().await;
    assert!(matches!(told, Err(Error::Unavailable(..))), "{told:?}");
    assert_eq!(progress(&node, user, id).await.expect("is there"), Progress::Pending);

    tx.rollback().await;
    node.advance(LEASE);
    assert_eq!(node.app.carry_out_operations().await.expect("works"), 1);
    assert!(matches!(progress(&node, user, id).await, Ok(Progress::Done { .. })));
    assert_eq!(cards(&node, user).await, 2);
}

/// Each order is one node's, and each card is made once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_the_orders() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    let Funded { user, balance, .. } = one.funded(0).await;
    for _ in 0..150 {
        order(&one, command(user, balance)).await;
    }
    let (here, there) =
        tokio::join!(one.app.carry_out_operations(), other.app.carry_out_operations());
    let (here, there) = (here.expect("works"), there.expect("works"));
    assert_eq!(here + there, 150);
    let listed = one.app.cards(one.scope, user, CardId(0), 500).await.expect("lists");
    assert_eq!(listed.items.len(), 151);
}
