//! A lock or a removal while the balance is in use: whatever is asked after it was acknowledged
//! finds it so.

use super::{PATIENCE, empty, lock, of_kind, remove, remove_card, transfer};
use crate::story::{Story, answer, encrypted, expect, unique};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use testkit::eventually;
use tokio::task::JoinSet;

on_both_databases! {
    /// What was asked after a lock was acknowledged isn't approved, whatever is in work meanwhile.
    async fn nothing_is_approved_after_a_lock(database) {
        let sandbox = Sandbox::start(database).await;
        for _ in 0..3 {
            let story = Story::begin(&sandbox, 1_000_000).await;
            let buyers = Buyers::begin(&sandbox, &story, |caller, story| {
                story.purchase(caller, 1, &format!("race-{}", unique()))
            });
            buyers.are_at_work().await;
            expect(204, lock(sandbox.partner(), &story.balance)).await;
            let approved = buyers.end(Instant::now()).await;
            assert_eq!(story.amounts(&sandbox).await, (1_000_000 - approved, approved));
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// While a card is used the balance stays; once both were removed nothing is approved, and
    /// what was approved before the end isn't lost.
    async fn nothing_is_approved_after_a_removal(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        for _ in 0..3 {
            let story = Story::begin(&sandbox, 0).await;
            // Refunds: they need no money, and each leaves some.
            let refunds = Buyers::begin(&sandbox, &story, |caller, story| {
                of_kind(caller, story, "credit", 1)
            });
            refunds.are_at_work().await;
            let early = answer(remove(partner, &story.balance)).await;
            assert_eq!((early.0, &early.1["title"]), (409, &json!("BALANCE_NOT_EMPTY")));
            expect(204, remove_card(partner, &story)).await;
            let (refunded, held) = story.amounts(&sandbox).await;
            assert_eq!(held, 0);
            let all = transfer(partner, &story.balance, "withdrawal", refunded);
            expect(201, all).await;
            expect(204, remove(partner, &story.balance)).await;
            assert_eq!(refunds.end(Instant::now()).await, refunded);
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// A balance is removed when it is empty or not at all: who has put money on it can take it
    /// from there, and nobody puts any on it afterwards.
    async fn money_is_never_on_a_removed_balance(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        for _ in 0..3 {
            let (_, balance) = empty(partner).await;
            let in_use = Arc::<AtomicBool>::default();
            let mut movers = JoinSet::new();
            for _ in 0..2 {
                let (partner, balance) = (partner.clone(), balance.clone());
                let in_use = in_use.clone();
                movers.spawn(async move {
                    loop {
                        let (status, told) = answer(transfer(&partner, &balance, "topUp", 5)).await;
                        if status == 404 {
                            return told;
                        }
                        assert_eq!(status, 201, "{told}");
                        expect(201, transfer(&partner, &balance, "withdrawal", 5)).await;
                        in_use.store(true, Ordering::SeqCst);
                    }
                });
            }
            eventually("it is in use", PATIENCE, async || in_use.load(Ordering::SeqCst)).await;
            loop {
                let (status, told) = answer(remove(partner, &balance)).await;
                if status == 204 {
                    break;
                }
                assert_eq!((status, &told["title"]), (409, &json!("BALANCE_NOT_EMPTY")));
            }
            while let Some(mover) = movers.join_next().await {
                assert_eq!(mover.expect("no panic")["title"], "BALANCE_NOT_FOUND");
            }
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Of a removal and what would need the balance, at once, exactly one happens.
    async fn a_removal_and_a_top_up_or_a_card_exclude_one_another(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        for round in 0..12 {
            let (user, balance) = empty(partner).await;
            let path = format!("/secure/customers/{user}/cards/virtual");
            let (other, refusal) = if round % 2 == 0 {
                (transfer(partner, &balance, "topUp", 1), "BALANCE_NOT_EMPTY")
            } else {
                let body = json!({ "balanceId": balance, "configId": "0019167984" });
                let post = encrypted(partner.post(&path));
                (post.json(&body), "BALANCE_HAS_CARDS")
            };
            let (removed, made) = tokio::join!(answer(remove(partner, &balance)), answer(other));
            match (removed.0, made.0) {
                (204, 404) => assert_eq!(made.1["title"], "BALANCE_NOT_FOUND"),
                (409, 201) => assert_eq!(removed.1["title"], refusal),
                both => panic!("{both:?}"),
            }
        }
    }
}

/// Eight callers of the processor that ask again and again.
struct Buyers {
    tasks: JoinSet<Vec<(Instant, bool)>>,
    approved: Arc<AtomicBool>,
    ending: Arc<AtomicBool>,
}

impl Buyers {
    fn begin(sandbox: &Sandbox, story: &Story, ask: fn(&Caller, &Story) -> RequestBuilder) -> Self {
        let (approved, ending) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (caller, story) = (sandbox.processor().clone(), story.clone());
            let (approved, ending) = (approved.clone(), ending.clone());
            tasks.spawn(async move {
                let mut asked = Vec::new();
                loop {
                    // Each asks once more after it knows of the end.
                    let last = ending.load(Ordering::SeqCst);
                    let at = Instant::now();
                    let told = expect(200, ask(&caller, &story)).await;
                    let yes = told["approved"] == true;
                    approved.fetch_or(yes, Ordering::SeqCst);
                    asked.push((at, yes));
                    if last {
                        return asked;
                    }
                }
            });
        }
        Self { tasks, approved, ending }
    }

    /// Waits until something was approved.
    async fn are_at_work(&self) {
        eventually("something is approved", PATIENCE, async || {
            self.approved.load(Ordering::SeqCst)
        })
        .await;
    }

    /// Ends them, and fails if one was told yes that asked after `since`; how many were.
    async fn end(mut self, since: Instant) -> i64 {
        self.ending.store(true, Ordering::SeqCst);
        let mut approved = 0;
        while let Some(asked) = self.tasks.join_next().await {
            let asked = asked.expect("no panic");
            assert!(asked.iter().any(|(at, _)| *at > since));
            for (at, yes) in asked {
                assert!(!yes || at < since, "approved after the acknowledgement");
                approved += i64::from(yes);
            }
        }
        approved
    }
}
