//! Histories that are longer than a page may look.

use app::page::Page;
use app::transactions::{History, Place, Record};
use app::{Error, Refusal};
use domain::ids::{BalanceId, TransactionId, ordered_v4};
use domain::transaction::{Status, Transaction, TransactionType};
use store::transactions;
use testkit::{TestApp, on_both};

/// Copies of a transaction that came a second apart, numbered from 1,000,000 on.
async fn repeat(node: &TestApp, of: &Transaction, count: i64) {
    let copies: Vec<Transaction> = (0..count)
        .map(|number| {
            let seconds = jiff::SignedDuration::from_secs(number);
            let received_at = of.received_at.checked_add(seconds).expect("a time");
            let milliseconds = u64::try_from(received_at.as_millisecond()).expect("after 1970");
            let id = TransactionId(ordered_v4(milliseconds, 1));
            Transaction { id, number: 1_000_000 + number, received_at, ..of.clone() }
        })
        .collect();
    let mut tx = node.app.db.begin().await.expect("begins");
    let partner = node.scope.partner();
    transactions::insert(&mut tx, copies.iter().map(|it| (partner, it))).await.expect("inserts");
    tx.commit().await.expect("commits");
}

async fn asked(node: &TestApp, history: History, after: Option<Place>) -> Page<Record, Place> {
    node.app.history(node.scope, history, after, 2).await.expect("reads")
}

/// The numbers on all pages, and how many pages there were.
async fn walked(node: &TestApp, history: History) -> (Vec<i64>, usize) {
    let (mut numbers, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = asked(node, history, after).await;
        pages += 1;
        numbers.extend(page.items.iter().map(|item| item.number));
        after = page.next;
        if after.is_none() {
            return (numbers, pages);
        }
    }
}

async fn transaction_of(node: &TestApp, balance: BalanceId) -> Transaction {
    let of = History { balance: Some(balance), ..History::default() };
    asked(node, of, None).await.items.pop().expect("a transaction").transaction
}

on_both! {
    /// A page passes 10,000 transactions at most, and the next one goes on from there.
    async fn a_page_never_looks_for_ever(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "held").await.expect("decided");
        let balance = Some(funded.balance);
        let held = History { status: Some(Status::Authorized), balance, ..History::default() };
        let oldest = asked(&node, held, None).await.items.pop().expect("the purchase");
        let top_up = transaction_of(&node, funded.balance).await;
        assert_eq!(top_up.status, Status::Cleared);
        repeat(&node, &top_up, 20_500).await;

        for of in [
            History { balance: None, ..held },
            held,
            History { card: Some(funded.card), ..held },
            History { user: Some(funded.user), balance: None, ..held },
        ] {
            let first = asked(&node, of, None).await;
            assert_eq!((first.items.len(), first.next.is_some()), (0, true), "{of:?}");
            assert_eq!(walked(&node, of).await, (vec![oldest.number], 3), "{of:?}");
        }
        // By time the whole partner's history is found at once, however much came later.
        let to = top_up.received_at.checked_add(jiff::SignedDuration::from_mins(10));
        let early = History { balance: None, to: to.ok(), ..held };
        assert_eq!(walked(&node, early).await, (vec![oldest.number], 1));
    }
}

on_both! {
    /// Several balances' histories are one, in order, nothing twice and nothing left out.
    async fn a_users_balances_have_one_history(node) {
        let user = node.user().await;
        let mut balances = Vec::new();
        for _ in 0..3 {
            balances.push(node.balance_of(user).await);
        }
        let mut numbers = Vec::new();
        for step in 0..30usize {
            // Long runs on one balance, so that the others' next ones are far away.
            let balance = balances[if step < 20 { 0 } else { step % 3 }];
            numbers.push(node.top_up(balance, 1).await.expect("tops up").number);
        }
        node.funded(5).await;
        numbers.reverse();
        let of = History { user: Some(user), ..History::default() };
        assert_eq!(walked(&node, of).await, (numbers, 15));
        let nobody = node.user().await;
        let of = History { user: Some(nobody), ..History::default() };
        assert_eq!(walked(&node, of).await, (Vec::new(), 1));
    }
}

on_both! {
    /// Of a user's balances there may be any number; a history is of a hundred at most, and what
    /// is looked at of each of them is part of what a page may pass.
    async fn a_history_is_of_a_hundred_balances_at_most(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "held").await.expect("decided");
        let whole = History { balance: Some(funded.balance), ..History::default() };
        let purchase = asked(&node, whole, None).await.items.swap_remove(0);
        for _ in 1..100 {
            node.balance_of(funded.user).await;
        }
        let of = History { user: Some(funded.user), ..History::default() };
        let mut numbers = walked(&node, of).await.0;
        assert_eq!((numbers.len(), numbers.first()), (2, Some(&purchase.number)));
        repeat(&node, &purchase, 2_000).await;
        let top_ups = History { kind: Some(TransactionType::TopUp), ..of };
        let (found, pages) = walked(&node, top_ups).await;
        assert_eq!(found, [numbers.pop().expect("the top-up")]);
        assert!((2..=5).contains(&pages), "{pages}");
        node.balance_of(funded.user).await;
        let refused = node.app.history(node.scope, of, None, 2).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::TooManyBalances))), "{refused:?}");
        // Of one of them it is still told.
        let one = History { card: Some(funded.card), ..of };
        assert_eq!(asked(&node, one, None).await.items.len(), 2);
        let strange = History { user: Some(node.user().await), ..one };
        assert!(asked(&node, strange, None).await.items.is_empty());
    }
}
