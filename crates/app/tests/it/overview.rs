//! What workers prepare for the people who look: names to be found by, authorizations by the hour.

use app::overview::Overview;
use app::users::Search;
use domain::search::Meant;
use domain::transaction::Processing;
use store::db::Sql;
use testkit::{TestApp, on_both};

const FORGET_NAMES: Sql = Sql("
    update \"user\" set first_name_folded = null, last_name_folded = null where partner_id = $1");

/// How many a name finds.
async fn found(node: &TestApp, text: &str) -> usize {
    let asked = Search { meant: Some(Meant::by(text)), ..Search::default() };
    let page = node.app.search_users(node.scope, &asked, None, 200).await.expect("reads");
    page.items.len()
}

async fn counted(node: &TestApp) -> u64 {
    node.app.count_authorizations().await.expect("counts")
}

/// Approved and declined in all told hours.
fn sums(seen: &Overview) -> (i64, i64) {
    let sum = |of: fn(&app::overview::Hour) -> i64| seen.hours.iter().map(of).sum();
    (sum(|hour| hour.approved), sum(|hour| hour.declined))
}

on_both! {
    /// Whom an earlier release has registered is found once a worker has been there.
    async fn names_of_an_earlier_release_are_folded(node) {
        for _ in 0..3 {
            node.user().await;
        }
        assert_eq!((found(&node, "DOE").await, found(&node, "john doe").await), (3, 3));
        let mut tx = node.app.db.begin().await.expect("begins");
        tx.run(&FORGET_NAMES, &[&node.scope.partner()]).await.expect("writes");
        tx.commit().await.expect("commits");
        assert_eq!(found(&node, "doe").await, 0);
        assert_eq!(node.app.fold_names().await.expect("folds"), 3);
        assert_eq!(node.app.fold_names().await.expect("folds"), 0);
        assert_eq!(found(&node, "doe").await, 3);
    }
}

on_both! {
    /// Once they are old enough, each once, whichever node counts; those of a day at most.
    async fn each_authorization_is_counted_once(node) {
        let funded = node.funded(1_000).await;
        for (amount, name) in [(1, "p1"), (2, "p2"), (5_000, "p3")] {
            node.purchase(funded.card, amount, name).await.expect("decided");
        }
        assert_eq!(counted(&node).await, 0, "somebody may still commit an earlier one");
        node.advance(121);
        let twin = if node.is_postgres() { Some(node.sibling().await) } else { None };
        let twin = twin.as_ref().unwrap_or(&node);
        // Both may read them; who is second writes nothing.
        tokio::join!(counted(&node), counted(twin));
        assert_eq!(counted(&node).await + counted(twin).await, 0);
        let seen = node.app.overview(node.scope).await.expect("reads");
        assert_eq!((sums(&seen), seen.approval_rate()), ((2, 1), Some(6_666)));
        assert_eq!(seen.hours.len(), 24);

        node.advance(60 * 60);
        let late = node.purchase(funded.card, 1, "p4").await.expect("decided");
        assert_eq!(late.processing, Processing::Success);
        node.advance(121);
        assert_eq!(counted(&node).await, 1);
        let seen = node.app.overview(node.scope).await.expect("reads");
        assert_eq!(sums(&seen), (3, 1));
        let with_some = seen.hours.iter().filter(|hour| hour.approved > 0).count();
        assert_eq!(with_some, 2);
        node.advance(24 * 60 * 60);
        let seen = node.app.overview(node.scope).await.expect("reads");
        assert_eq!((sums(&seen), seen.approval_rate()), ((0, 0), None));
        node.verify().await;
    }
}
