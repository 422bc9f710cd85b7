//! Two nodes on one PostgreSQL: the same message at both acts once, and one hold is taken once.

use crate::holds::join_all;
use crate::once::answered;
use app::admins::Manager;
use app::cards::IssueVirtual;
use app::processor::{Authorize, CardName};
use app::{Error, Once};
use domain::card::Card;
use domain::ids::{BalanceId, CardId, UserId};
use domain::ledger::clearing::Finality::Final;
use domain::program::Program;
use domain::transaction::{Description, Processing};
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
            ..node.ask(card, 100, &format!("{name} {card}"))
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

/// Without waiting for the next look at the settings' version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_of_one_node_is_known_to_the_other_by_its_first_message() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    for (round, by_number) in [(1, false), (2, true), (3, false)] {
        let funded = one.funded(10_000).await;
        let (id, bin) = (format!("900000000{round}"), format!("4571000{round}"));
        create_program(&one, &id, &bin).await;
        // Even its card may be issued at the other node.
        let issuing = if by_number { &one } else { &other };
        let card = issue(issuing, funded.user, funded.balance, &id).await;
        let known = other.app.settings.get().version;
        let mut envelope = other.envelope(card, &id, &id);
        if by_number {
            let origin = testkit::origin();
            let full = one.app.full_card(one.scope, funded.user, card, &origin).await;
            let full = full.expect("shows");
            envelope.card = CardName::Pan(full.pan);
            assert!(other.app.settings.get().program(one.scope.partner(), &id).is_none());
        }
        let bought = other.app.authorize(Authorize { envelope, ..other.ask(card, 100, &id) });
        let message = bought.await.expect("decided");
        assert_eq!(message.processing, Processing::Success, "{:?}", message.description);
        assert!(other.app.settings.get().version > known || !by_number);
        // What isn't known anywhere still isn't.
        let nothing = other.purchase(CardId(999_999), 1, &format!("unknown-{round}")).await;
        assert_eq!(nothing.expect("decided").description, Description::CardNotFound);
    }
}

async fn create_program(node: &TestApp, config_id: &str, bin: &str) {
    let settings = node.app.settings.get();
    let known = settings.program(node.scope.partner(), "0019167984").expect("is there").clone();
    let program = Program { config_id: config_id.to_owned(), bins: vec![bin.to_owned()], ..known };
    let once = Once::unkept(testkit::origin(), |_| serde_json::Value::Null);
    node.app.create_program(Manager::COMMAND_LINE, program, once).await.expect("creates");
}

async fn issue(node: &TestApp, holder: UserId, balance: BalanceId, config_id: &str) -> CardId {
    let config_id = config_id.to_owned();
    let command = IssueVirtual { corporation: None, holder, balance, config_id, label: None };
    let render = |card: &Card| serde_json::json!(card.id.0);
    let once = Once {
        endpoint: "test".to_owned(),
        key: None,
        fingerprint: [0; 32],
        origin: testkit::origin(),
        render,
    };
    let issued = node.app.issue_virtual_card(node.scope, command, once).await;
    CardId(issued.expect("issues").as_i64().expect("an id"))
}
