//! Programs and processors: what can't be created beside what there is, also from two nodes at
//! once.

use app::audit::Operator;
use app::partners::Create;
use app::{Error, Refusal};
use domain::ids::PartnerId;
use domain::program::Program;
use testkit::{Database, TestApp, on_both};

fn operator() -> Operator {
    Operator("os:test".to_owned())
}

/// The program that every test has, for another BIN.
fn program(node: &TestApp, partner: PartnerId, config_id: &str, bin: &str) -> Program {
    let settings = node.app.settings.get();
    let known = settings.program(node.scope.partner(), "0019167984").expect("is there").clone();
    Program { partner, config_id: config_id.to_owned(), bin: bin.to_owned(), ..known }
}

async fn create(node: &TestApp, partner: PartnerId, id: &str, bin: &str) -> Result<(), Error> {
    let program = program(node, partner, id, bin);
    node.app.create_program(&operator(), program).await.map(|_| ())
}

async fn second_partner(node: &TestApp) -> PartnerId {
    let create = Create {
        code: "second".to_owned(),
        name: "Second".to_owned(),
        settings: domain::partner::Settings::default(),
    };
    node.app.create_partner(&operator(), create).await.expect("creates").id
}

fn is_refused<T>(result: &Result<T, Error>, with: Refusal) -> bool {
    matches!(result, Err(Error::Refused(refusal)) if *refusal == with)
}

on_both! {
    /// Numbers of 532087 and of 53208701 could be equal, whoever has them.
    async fn a_bin_that_begins_or_continues_another_is_refused(node) {
        let (own, second) = (node.scope.partner(), second_partner(&node).await);
        for partner in [own, second] {
            let short = create(&node, partner, "0000000001", "532087").await;
            assert!(is_refused(&short, Refusal::BinTaken), "{short:?}");
        }
        let equal = create(&node, second, "0000000001", "53208701").await;
        assert!(is_refused(&equal, Refusal::BinTaken), "{equal:?}");
        create(&node, own, "0000000001", "53208701").await.expect("the same BIN again");
        create(&node, own, "0000000002", "53208702").await.expect("a BIN beside it");
        create(&node, second, "0000000001", "532088").await.expect("a free BIN");
        let long = create(&node, second, "0000000002", "53208801").await;
        assert!(is_refused(&long, Refusal::BinTaken), "{long:?}");
    }
}

on_both! {
    /// The sandbox does so at each start.
    async fn a_processor_is_created_once_and_keeps_its_time_budget(node) {
        let made = node.app.create_processor(&operator(), "p", 2_000).await.expect("creates");
        let again = node.app.create_processor(&operator(), "p", 2_000).await.expect("finds");
        assert_eq!(made, again);
        let other = node.app.create_processor(&operator(), "p", 3_000).await;
        assert!(is_refused(&other, Refusal::ProcessorAlreadyExists), "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_created_at_two_nodes_is_one() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    for round in 0..20 {
        let (name, operator) = (format!("p{round}"), operator());
        let (here, there) = tokio::join!(
            one.app.create_processor(&operator, &name, 2_000),
            other.app.create_processor(&operator, &name, 2_000),
        );
        assert_eq!(here.expect("creates"), there.expect("creates"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bins_that_overlap_two_nodes_make_one() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    for round in 0..20 {
        let partner = one.scope.partner();
        let (short, long) = (format!("4000{round:02}"), format!("4000{round:02}01"));
        let ids = (format!("10000000{round:02}"), format!("20000000{round:02}"));
        let (here, there) = tokio::join!(
            create(&one, partner, &ids.0, &short),
            create(&other, partner, &ids.1, &long),
        );
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        let refused = if here.is_ok() { there } else { here };
        assert!(is_refused(&refused, Refusal::BinTaken), "{refused:?}");
    }
}
