//! Audit records of what the engine does.

use crate::holds::join_all;
use app::Error;
use store::db::Sql;
use testkit::{Database, TestApp, on_both};

const OF_ACTION: Sql = Sql("select count(*) as records from audit where action = $1");

pub(crate) async fn count(node: &TestApp, action: &str) -> i64 {
    let mut tx = node.app.db.read().await.expect("begins");
    let row = tx.row(&OF_ACTION, &[&action]).await.expect("counts");
    tx.rollback().await;
    row.get("records").expect("a number")
}

on_both! {
    /// Many movements in a batch leave a record each; a purchase is on record as its message.
    async fn each_transfer_leaves_one_record(node) {
        let funded = node.funded(0).await;
        let loaded = join_all((0..50).map(|_| node.top_up(funded.balance, 100))).await;
        assert!(loaded.iter().all(Result::is_ok));
        let refused = node.top_up(funded.balance, 0).await;
        assert!(matches!(refused, Err(Error::Refused(_))));
        node.purchase(funded.card, 100, "p1").await.expect("decided");
        assert_eq!(count(&node, "balance.transfer").await, 50);
        node.verify().await;
    }
}

/// The same transfer at two nodes is done once, and on record once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_at_two_nodes_leaves_one_record() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    let funded = one.funded(0).await;
    let asked = |number: usize| app::balances::Transfer {
        balance: funded.balance,
        kind: domain::transaction::TransactionType::TopUp,
        amount: 100,
        currency: domain::money::Currency::EUR,
        text: "Top-up".to_owned(),
        external_id: format!("external-{number}"),
        reference_id: None,
        key: Some(format!("key-{number}")),
        endpoint: None,
        fingerprint: [1; 32],
        origin: testkit::origin(),
        right: app::balances::Right::Partner,
    };
    let here = join_all((0..40).map(|number| one.app.transfer(one.scope, asked(number))));
    let there = join_all((0..40).map(|number| other.app.transfer(one.scope, asked(number))));
    let (here, there) = tokio::join!(here, there);
    for (here, there) in here.into_iter().zip(there) {
        assert_eq!(here.expect("moves").id, there.expect("moves").id);
    }
    assert_eq!(count(&one, "balance.transfer").await, 40);
    one.verify().await;
}
