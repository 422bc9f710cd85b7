//! Exports: transactions as a file, written in the background.

use crate::holds::join_all;
use app::exports::Shown;
use app::transactions::History;
use app::{Error, Once, Refusal};
use domain::export::ExportState;
use domain::ids::{AdminId, CardId};
use domain::search::LastFour;
use domain::transaction::Processing;
use jiff::ToSpan as _;
use serde_json::Value;
use std::collections::BTreeSet;
use store::db::Sql;
use store::exports::{Claimed, claim};
use store::operations::Lease;
use testkit::{TestApp, on_both, origin};
use uuid::Uuid;

const PARTS: Sql = Sql("select count(*) as number from export_chunk");
const SPOIL: Sql = Sql("update export set asked = $2 where partner_id = $1 and id = $3");
const DAY: i64 = 24 * 60 * 60;
/// How long before it was asked for an export ends, and a second.
const SETTLED: i64 = 121;
/// More than a lease of a worker, in seconds.
const LEASE: i64 = 31;
const OWNER: AdminId = AdminId(Uuid::from_u128(1));

async fn ask(node: &TestApp, asked: History) -> Result<Uuid, Error> {
    let once = Once::unkept(origin(), |it: &Shown| it.export.id.to_string().into());
    let answer = node.app.ask_for_export(node.scope, OWNER, asked, once).await?;
    Ok(answer.as_str().and_then(|id| id.parse().ok()).expect("an id"))
}

async fn written(node: &TestApp) -> u64 {
    node.app.write_exports().await.expect("writes")
}

async fn state(node: &TestApp, id: Uuid) -> (ExportState, i64) {
    let found = node.app.export(node.scope, id).await.expect("is there").export;
    (found.state, found.size.rows)
}

async fn remove(node: &TestApp, who: AdminId, id: Uuid) -> Result<Value, Error> {
    let once = Once::unkept(origin(), |()| Value::Null);
    node.app.remove_export(node.scope, (who, id), once).await
}

/// The whole file.
async fn file(node: &TestApp, id: Uuid) -> String {
    use futures_util::TryStreamExt as _;
    let file = node.app.export_file(node.scope, id, &origin()).await.expect("is there");
    let bytes = usize::try_from(file.bytes).expect("small");
    let parts: Vec<Vec<u8>> = file.into_parts().try_collect().await.expect("is read");
    let all = parts.concat();
    assert_eq!(all.len(), bytes);
    String::from_utf8(all).expect("UTF-8")
}

/// The ids of its lines, in order.
fn ids(file: &str) -> Vec<&str> {
    let mut lines =
        file.split_terminator("\r\n").map(|line| &line[..line.find(',').expect("a cell")]);
    assert_eq!(lines.next(), Some("id"), "the first line has the names");
    lines.collect()
}

async fn parts(node: &TestApp) -> i64 {
    let mut tx = node.app.db.read().await.expect("begins");
    let row = tx.row(&PARTS, &[]).await.expect("reads");
    tx.rollback().await;
    row.get("number").expect("a number")
}

on_both! {
    /// Each transaction that had come is on one line, whichever nodes write, in several slices;
    /// what comes later isn't there, and after a day nothing is.
    async fn a_file_has_each_transaction_once(node) {
        let funded = node.funded(5_000).await;
        let (a, b) = (node.funded(0).await, funded.card);
        for round in 0..3 {
            let names: Vec<String> = (0..400).map(|it| format!("x{round}-{it}")).collect();
            let bought = join_all(names.iter().map(|name| node.purchase(b, 1, name))).await;
            assert!(bought.into_iter().all(|it| it.is_ok()));
        }
        node.purchase(a.card, 1, "declined").await.expect("decided");
        node.advance(SETTLED);
        node.purchase(b, 1, "may be on its way").await.expect("decided");
        let all = ask(&node, History::default()).await.expect("asks");
        let of_card = History { card: Some(b), ..History::default() };
        let of_card = ask(&node, of_card).await.expect("asks");
        let declined = History { processing: Some(Processing::Declined), ..History::default() };
        let declined = ask(&node, declined).await.expect("asks");
        assert_eq!(state(&node, all).await, (ExportState::Queued, 0));
        node.advance(1);
        node.purchase(b, 1, "late").await.expect("decided");
        let twin = if node.is_postgres() { Some(node.sibling().await) } else { None };
        let twin = twin.as_ref().unwrap_or(&node);
        join_all([&node, twin].map(written)).await;
        assert_eq!(written(&node).await, 0);

        assert_eq!(state(&node, all).await, (ExportState::Done, 1_202));
        let text = file(&node, all).await;
        let told = ids(&text);
        assert_eq!(told.len(), 1_202, "the top-up, the purchases, the declined one");
        assert!(told.is_sorted_by(|one, next| one > next), "newest first, each once");
        let text = file(&node, of_card).await;
        let told: BTreeSet<&str> = ids(&text).into_iter().collect();
        assert_eq!((told.len(), state(&node, of_card).await.1), (1_200, 1_200));
        let text = file(&node, declined).await;
        assert_eq!(ids(&text).len(), 1);
        assert!(text.contains(",DECLINED,") && text.contains(",INSUFFICIENT_FUNDS,0.01,EUR,"));

        node.advance(DAY - 2);
        written(&node).await;
        assert!(parts(&node).await >= 5);
        node.advance(2);
        let gone = node.app.export(node.scope, all).await;
        assert!(matches!(gone, Err(Error::Refused(Refusal::ExportNotFound))));
        written(&node).await;
        assert_eq!(parts(&node).await, 0);
        assert!(node.app.exports(node.scope, None, 50).await.expect("reads").items.is_empty());
    }
}

on_both! {
    /// It is removed by who has asked for it alone; a file isn't there before it is whole.
    async fn an_export_is_its_owners_to_remove(node) {
        node.funded(1).await;
        let one = ask(&node, History::default()).await.expect("asks");
        let early = node.app.export_file(node.scope, one, &origin()).await.map(|_| ());
        assert!(matches!(early, Err(Error::Refused(Refusal::ExportNotReady))));
        let other = remove(&node, AdminId(Uuid::from_u128(2)), one).await;
        assert!(matches!(other, Err(Error::Refused(Refusal::ExportNotYours))));
        written(&node).await;
        assert_eq!(parts(&node).await, 1);
        let two = ask(&node, History::default()).await.expect("asks");
        for id in [one, two] {
            remove(&node, OWNER, id).await.expect("removes");
            let again = remove(&node, OWNER, id).await;
            assert!(matches!(again, Err(Error::Refused(Refusal::ExportNotFound))));
        }
        assert_eq!(written(&node).await, 0, "nobody wants them any more");
        assert_eq!(parts(&node).await, 0);
    }
}

on_both! {
    /// Only so many wait at once; what can't be asked for isn't.
    async fn exports_are_few_at_once(node) {
        let funded = node.funded(1).await;
        let nobody = History { card: Some(CardId(i64::MAX)), ..History::default() };
        let refused = ask(&node, nobody).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::CardNotFound))));
        for _ in 0..5 {
            ask(&node, History::default()).await.expect("asks");
        }
        let sixth = ask(&node, History::default()).await;
        assert!(matches!(sixth, Err(Error::Refused(Refusal::TooManyExports))));
        written(&node).await;
        node.advance(1);
        let digits = History { last_four: LastFour::parse("0000"), ..History::default() };
        let of_nobody = ask(&node, History { user: Some(funded.user), ..digits }).await;
        let of_nobody = of_nobody.expect("there is room again");
        written(&node).await;
        assert_eq!(state(&node, of_nobody).await, (ExportState::Done, 0));
        assert_eq!(ids(&file(&node, of_nobody).await), [] as [&str; 0]);
        let seen = node.app.exports(node.scope, None, 4).await.expect("reads");
        assert_eq!((seen.items.len(), seen.items[0].export.id), (4, of_nobody));
        let rest = node.app.exports(node.scope, seen.next, 4).await.expect("reads");
        assert_eq!((rest.items.len(), rest.next), (2, None));
    }
}

/// A worker that claims the export, and dies.
async fn dies(node: &TestApp) -> Option<Claimed> {
    let from = node.app.now();
    let until = from.checked_add(LEASE.seconds()).expect("a time");
    let lease = Lease { holder: app::ids::random_id(), from, until };
    let mut tx = node.app.db.begin().await.expect("begins");
    let claimed = claim(&mut tx, &[node.scope.partner()], &lease).await;
    let claimed = tx.end(claimed).await.expect("claims");
    node.advance(LEASE + 1);
    claimed
}

on_both! {
    /// One that kills its workers is given up, and said to be.
    async fn an_export_that_kills_its_workers_is_given_up(node) {
        node.funded(1).await;
        for (deaths, ends) in [(4, ExportState::Done), (5, ExportState::Failed)] {
            let id = ask(&node, History::default()).await.expect("asks");
            for time in 1..=deaths {
                let claimed = dies(&node).await.expect("it waits");
                assert_eq!((claimed.id, claimed.attempts), (id, time));
            }
            written(&node).await;
            let found = node.app.export(node.scope, id).await.expect("is there").export;
            assert_eq!(found.state, ends, "{deaths}");
            let reason = (ends == ExportState::Failed).then_some("INTERNAL_ERROR");
            assert_eq!(found.reason.as_deref(), reason, "{deaths}");
            assert!(dies(&node).await.is_none(), "nobody claims it again");
        }
    }
}

on_both! {
    /// Of those that have ended the last twenty are kept, whatever else is asked for.
    async fn files_are_few(node) {
        node.funded(1).await;
        let mut asked = Vec::new();
        for _ in 0..22 {
            node.advance(1);
            asked.push(ask(&node, History::default()).await.expect("asks"));
            written(&node).await;
        }
        node.advance(1);
        let waits = ask(&node, History::default()).await.expect("asks");
        let seen = node.app.exports(node.scope, None, 50).await.expect("reads").items;
        let seen: Vec<Uuid> = seen.iter().map(|it| it.export.id).collect();
        asked.push(waits);
        let expected: Vec<Uuid> = asked[2..].iter().rev().copied().collect();
        assert_eq!(seen, expected);
        written(&node).await;
        let gone = node.app.export(node.scope, asked[2]).await;
        assert!(matches!(gone, Err(Error::Refused(Refusal::ExportNotFound))));
        written(&node).await;
        assert_eq!(parts(&node).await, 20, "what is gone takes no room");
    }
}

on_both! {
    /// What one was asked for can't be read: the others are there, and it can be removed.
    async fn an_unreadable_export_hides_no_other(node) {
        node.funded(1).await;
        let one = ask(&node, History::default()).await.expect("asks");
        node.advance(1);
        let two = ask(&node, History::default()).await.expect("asks");
        let other = serde_json::json!({ "status": "NONE" });
        let mut tx = node.app.db.begin().await.expect("begins");
        let spoiled = tx.run(&SPOIL, &[&node.scope.partner(), &other, &one]).await;
        assert_eq!(tx.end(spoiled).await.expect("writes"), 1);
        let seen = node.app.exports(node.scope, None, 50).await.expect("reads").items;
        let seen: Vec<_> = seen.iter().map(|it| (it.export.id, it.asked.is_some())).collect();
        assert_eq!(seen, [(two, true), (one, false)]);
        assert_eq!(node.app.export(node.scope, one).await.expect("is there").asked, None);
        written(&node).await;
        assert_eq!(state(&node, two).await.0, ExportState::Done);
        remove(&node, OWNER, one).await.expect("removes");
    }
}
