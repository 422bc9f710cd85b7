//! How soon cards are used, counted off the path of their payments.

use crate::holds::join_all;
use app::Once;
use app::cards::CardUse;
use domain::Date;
use domain::authorization::Ask;
use domain::card::first_use::Share;
use domain::ledger::clearing::Finality::Final;
use domain::partner::Settings;
use domain::transaction::{Processing, TransactionType};
use serde_json::Value;
use testkit::{TestApp, on_both, origin};

const DAY: i64 = 24 * 60 * 60;
/// When something is old enough to be counted.
const SETTLED: i64 = 121;

async fn counted(node: &TestApp) -> u64 {
    node.app.count_card_use().await.expect("counts")
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

/// Of the cards of some days.
async fn told(node: &TestApp, from: &str, to: &str) -> CardUse {
    node.app.card_use(node.scope, (day(from), day(to))).await.expect("reads")
}

fn shares(told: &CardUse) -> [(i64, i64); 5] {
    told.all.within.map(|Share { of, used }| (of, used))
}

on_both! {
    /// Each card once, by when it was first paid with, whichever node counts; also what was there
    /// before anything was counted, and what is removed later.
    async fn each_card_is_counted_once(node) {
        node.advance_to("2026-10-01T12:00:00Z");
        let mut cards = Vec::new();
        for _ in 0..4 {
            cards.push(node.funded(1_000).await);
        }
        node.purchase(cards[0].card, 100, "u1").await.expect("decided");
        let no = node.purchase(cards[1].card, 5_000, "u2").await.expect("decided");
        assert_eq!(no.processing, Processing::Declined);
        node.advance_to("2026-10-03T00:00:00Z");
        node.purchase(cards[0].card, 100, "u3").await.expect("decided");
        node.clear(cards[1].card, 100, "u4", None, Final).await.expect("taken");
        node.reverse(cards[0].card, 100, "u5", "u1").await.expect("taken");
        node.advance(SETTLED);
        let twin = if node.is_postgres() { Some(node.sibling().await) } else { None };
        let twin = twin.as_ref().unwrap_or(&node);
        // All may read them; who is second writes nothing.
        join_all([&node, twin, &node].map(counted)).await;
        assert_eq!(counted(&node).await + counted(twin).await, 0);
        let seen = told(&node, "2026-10-01", "2026-10-01").await;
        assert_eq!((seen.all.issued, seen.programs.len()), (4, 1));
        assert_eq!(shares(&seen), [(4, 1), (0, 0), (0, 0), (0, 0), (0, 0)]);

        node.advance_to("2026-10-06T23:59:59Z");
        node.purchase(cards[2].card, 100, "u6").await.expect("decided");
        node.purchase(cards[1].card, 100, "u7").await.expect("decided");
        let once = Once::unkept(origin(), |()| Value::Null);
        let gone = node.app.remove_card(node.scope, cards[0].user, cards[0].card, once).await;
        gone.expect("is removed");
        node.advance_to("2026-11-01T00:01:59Z");
        counted(&node).await;
        let seen = told(&node, "2026-09-01", "2026-11-30").await;
        assert_eq!(shares(&seen), [(4, 1), (4, 2), (4, 3), (4, 3), (0, 0)]);
        node.advance(DAY);
        assert_eq!(counted(&node).await, 0);
        let seen = told(&node, "2026-10-01", "2026-10-01").await;
        assert_eq!(shares(&seen)[4], (4, 3), "the thirtieth day is over");
        assert_eq!(told(&node, "2026-10-02", "2026-11-30").await.all.issued, 0);
        node.verify().await;
    }
}

on_both! {
    /// What becomes visible later than what has a later id isn't passed over, nor is a card whose
    /// payment comes by the clock of a node before the card itself.
    async fn what_is_committed_late_is_counted(node) {
        node.advance_to("2026-10-01T12:00:00Z");
        let (one, two) = (node.funded(1_000).await, node.funded(1_000).await);
        node.advance(300);
        counted(&node).await;
        node.advance(60);
        node.purchase(one.card, 1, "l1").await.expect("decided");
        node.advance(100);
        assert_eq!(counted(&node).await, 0, "somebody may still commit an earlier one");
        node.advance(-110);
        node.purchase(two.card, 1, "l2").await.expect("decided");
        node.advance(300);
        counted(&node).await;
        // The clock of the node that makes a card is ahead of the one that sees its payment.
        let user = node.user().await;
        let balance = node.balance_of(user).await;
        node.top_up(balance, 1_000).await.expect("tops up");
        node.advance(110);
        let card = node.card_on(user, balance).await;
        node.advance(-110);
        node.purchase(card, 1, "l3").await.expect("decided");
        node.advance(SETTLED);
        assert!(counted(&node).await > 0, "the payment is old enough, the card isn't");
        node.advance(300);
        assert!(counted(&node).await > 0, "the card is passed");
        node.advance(3 * DAY);
        counted(&node).await;
        let seen = told(&node, "2026-10-01", "2026-10-01").await;
        assert_eq!(shares(&seen)[..2], [(3, 3), (3, 3)]);
        assert_eq!(seen.all.issued, 3);
    }
}

on_both! {
    /// Days are the partner's; to look at one's balance is no use.
    async fn days_are_the_partners(
        node,
        Settings { time_zone: "Pacific/Auckland".to_owned(), ..TestApp::settings() }
    ) {
        assert_eq!(told(&node, "2026-10-02", "2026-10-02").await.counted_to, None);
        node.advance_to("2026-10-01T12:00:00Z");
        let (late, never) = (node.funded(1_000).await, node.funded(1_000).await);
        // The second after the day that follows, there.
        node.advance_to("2026-10-03T11:00:00Z");
        node.purchase(late.card, 1, "z1").await.expect("decided");
        let mut asked = node.ask(never.card, 0, "z2");
        (asked.kind, asked.ask) = (TransactionType::BalanceInquiry, Ask::Inquiry);
        let answer = node.app.authorize(asked).await.expect("decided");
        assert_eq!(answer.processing, Processing::Success);
        node.advance(5 * DAY);
        counted(&node).await;
        let seen = told(&node, "2026-10-02", "2026-10-02").await;
        assert_eq!(shares(&seen)[..3], [(2, 0), (2, 1), (2, 1)]);
        assert_eq!(told(&node, "2026-10-01", "2026-10-01").await.all.issued, 0);
        let to = seen.counted_to.expect("counted");
        assert!(to < node.app.now());
    }
}
