//! Two nodes on one PostgreSQL: the same message at both acts once, and one hold is taken once.

use crate::holds::join_all;
use crate::once::answered;
use domain::ledger::clearing::Finality::Final;
use domain::transaction::Processing;
use testkit::{Database, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_messages_at_two_nodes_act_once() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    let funded = one.funded(10_000).await;
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let at_one = join_all(names.iter().map(|name| one.purchase(funded.card, 100, name)));
    let at_other = join_all(names.iter().map(|name| other.purchase(funded.card, 100, name)));
    let (at_one, at_other) = tokio::join!(at_one, at_other);
    for (here, there) in at_one.into_iter().zip(at_other) {
        assert_eq!(answered(here.expect("decided")), answered(there.expect("decided")));
    }
    assert_eq!(one.amounts(funded.balance).await, (6_000, 4_000));
    one.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_without_a_card_is_recognised_at_both_nodes() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    let unknown = domain::ids::CardId(999_999);
    for round in 0..20 {
        let name = format!("p{round}");
        let (here, there) =
            tokio::join!(one.purchase(unknown, 1, &name), other.purchase(unknown, 1, &name));
        assert_eq!(answered(here.expect("decided")), answered(there.expect("decided")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clearing_at_one_node_and_a_reversal_at_the_other_take_one_hold() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    for round in 0..20 {
        let funded = one.funded(1_000).await;
        let of = format!("p{round}");
        one.purchase(funded.card, 400, &of).await.expect("decided");
        let (clear, reverse) = (format!("c{round}"), format!("r{round}"));
        let (cleared, reversed) = tokio::join!(
            one.clear(funded.card, 400, &clear, Some(&of), Final),
            other.reverse(funded.card, 400, &reverse, &of),
        );
        assert_eq!(cleared.expect("decided").processing, Processing::Success);
        reversed.expect("decided");
        assert_eq!(one.amounts(funded.balance).await, (600, 0));
    }
    one.verify().await;
}
