//! Two nodes on one PostgreSQL: the same message at both acts once, and one hold is taken once.

use crate::holds::join_all;
use crate::once::answered;
use app::Error;
use app::processor::Authorize;
use domain::ledger::clearing::Finality::Final;
use domain::program::PreAuthorization;
use domain::transaction::{Processing, TransactionType};
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
    let names: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    let at_one = join_all(names.iter().map(|name| one.purchase(unknown, 1, name)));
    let at_other = join_all(names.iter().map(|name| other.purchase(unknown, 1, name)));
    let (at_one, at_other) = tokio::join!(at_one, at_other);
    for (here, there) in at_one.into_iter().zip(at_other) {
        assert_eq!(answered(here.expect("decided")), answered(there.expect("decided")));
    }
}

/// The same key for two cards: no lock of a balance orders the two, the key itself does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_used_for_two_cards_at_two_nodes_acts_once() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    let (here, there) = (one.funded(100_000).await, one.funded(100_000).await);
    let purchase = |node: &TestApp, card, name: &str| {
        let authorize = Authorize {
            envelope: node.envelope(card, name, &format!("{name} {card}")),
            details: node.details(100, &format!("{name} {card}"), None),
            kind: TransactionType::Pos,
            cvv: None,
            expiry: None,
            pre_authorization: PreAuthorization::No,
        };
        let app = node.app.clone();
        async move { app.authorize(authorize).await }
    };
    let names: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    let at_one = join_all(names.iter().map(|name| purchase(&one, here.card, name)));
    let at_other = join_all(names.iter().map(|name| purchase(&other, there.card, name)));
    let (at_one, at_other) = tokio::join!(at_one, at_other);
    for (first, second) in at_one.into_iter().zip(at_other) {
        let decided = [&first, &second].into_iter().filter(|told| told.is_ok()).count();
        let reused = |told: &Result<_, Error>| matches!(told, Err(Error::KeyReused));
        assert!(decided == 1 && (reused(&first) || reused(&second)), "{first:?} {second:?}");
    }
    let held = one.amounts(here.balance).await.1 + one.amounts(there.balance).await.1;
    assert_eq!(held, 200 * 100);
    one.verify().await;
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
