//! More than can wait: refused at once, and nothing of it is held.

use app::Error;
use app::processor::Message;
use domain::ids::CardId;
use domain::transaction::{Description, Processing};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::db::Sql;
use testkit::{TestApp, on_both};
use tokio::task::JoinSet;

/// What one partner may have waiting, a batch that is in work, and some more.
const PURCHASES: usize = 1_024 + 512 + 100;
/// How many are refused at least.
const TOO_MANY: usize = 100;
/// Less than the time budget of a message.
const SOON: Duration = Duration::from_secs(4);

type Sending = JoinSet<(String, Result<Message, Error>)>;

/// Sends these purchases of a cent at once; what each was told, by its name.
fn send(
    node: &Arc<TestApp>,
    card: CardId,
    numbers: Range<usize>,
    refused: &Arc<AtomicUsize>,
) -> Sending {
    let mut sending = JoinSet::new();
    for number in numbers {
        let (node, refused) = (node.clone(), refused.clone());
        sending.spawn(async move {
            let name = format!("p{number}");
            let told = node.purchase(card, 1, &name).await;
            if told.is_err() {
                refused.fetch_add(1, Ordering::SeqCst);
            }
            (name, told)
        });
    }
    sending
}

on_both! {
    /// While the database takes no writes the queue fills. Whoever finds it full is told to come
    /// again, long before the time is up; what is in it is decided when the database is back. Sent
    /// again, each of them is held once.
    async fn what_finds_the_queue_full_is_refused_and_not_held(node) {
        let node = Arc::new(node);
        let funded = node.funded(1_000_000).await;
        let mut blocking = node.app.db.begin().await.expect("begins");
        if node.is_postgres() {
            let lock = Sql("lock table message in exclusive mode");
            blocking.run(&lock, &[]).await.expect("locks");
        }
        let refused = Arc::new(AtomicUsize::new(0));
        let sending = send(&node, funded.card, 0..PURCHASES, &refused);
        testkit::eventually("the queue is full", SOON, async || {
            refused.load(Ordering::SeqCst) >= TOO_MANY
        })
        .await;
        assert!(node.app.engines.waiting() >= 1_024, "{}", node.app.engines.waiting());
        blocking.rollback().await;

        let mut approved = BTreeSet::new();
        for (name, told) in sending.join_all().await {
            match told {
                Ok(message) if message.processing == Processing::Success => {
                    approved.insert(name);
                }
                // Its time was up when the database was back.
                Ok(message) => assert_eq!(message.description, Description::UnknownError),
                Err(error) => assert!(matches!(error, Error::Unavailable(..)), "{error:?}"),
            }
        }
        assert!(!approved.is_empty());
        let held = i64::try_from(approved.len()).expect("so few");
        assert_eq!(node.amounts(funded.balance).await, (1_000_000 - held, held));

        let mut all = BTreeSet::new();
        for begin in (0..PURCHASES).step_by(200) {
            let some = begin..PURCHASES.min(begin + 200);
            for (name, told) in send(&node, funded.card, some, &refused).join_all().await {
                if told.expect("there is room").processing == Processing::Success {
                    all.insert(name);
                }
            }
        }
        assert!(all.is_superset(&approved), "what was approved stays so");
        assert!(all.len() >= approved.len() + TOO_MANY, "{} {}", all.len(), approved.len());
        let held = i64::try_from(all.len()).expect("so few");
        assert_eq!(node.amounts(funded.balance).await, (1_000_000 - held, held));
        node.verify().await;
    }
}
