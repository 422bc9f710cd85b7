//! A user's balance in each of its states: what can be done with it, and what remains of it.

use crate::story::{Story, answer, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

fn lock(partner: &Caller, balance: &str) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{balance}/lock"))
}

fn unlock(partner: &Caller, balance: &str) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{balance}/unlock"))
}

fn remove(partner: &Caller, balance: &str) -> RequestBuilder {
    partner.delete(&format!("/secure/balances/{balance}"))
}

fn remove_card(partner: &Caller, story: &Story) -> RequestBuilder {
    let path = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
    partner.delete(&path).header("Issuer-Code", "sandbox")
}

/// An internal transaction with a name of its own.
fn transfer(partner: &Caller, balance: &str, kind: &str, minor: i64) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{balance}/transactions")).json(&json!({
        "type": kind, "amount": minor, "currency": "EUR", "description": "Transfer",
        "externalTransactionId": format!("transfer-{}", unique()),
    }))
}

/// An authorization of another kind.
fn of_kind(processor: &Caller, story: &Story, kind: &str, minor: i64) -> RequestBuilder {
    let id = format!("{kind}-{}", unique());
    let of = if kind == "balance-inquiry" { "balance_inquiry" } else { "pos" };
    let post = processor.post("/processor/v1/authorizations").header("X-Idempotency-Key", &id);
    post.json(&json!({
        "card": { "cardId": story.card }, "kind": kind, "type": of, "amount": minor,
        "currency": "EUR", "transactionId": id, "transactionDate": "2026-11-21T10:00:00+00:00",
        "description": "Book store",
    }))
}

/// A user with an empty balance and no card.
async fn empty(partner: &Caller) -> (i64, String) {
    let user = expect(201, register(partner, &registration())).await;
    let user = user["id"].as_i64().expect("an id");
    (user, another(partner, user).await)
}

/// Another balance of a user.
async fn another(partner: &Caller, user: i64) -> String {
    let path = format!("/secure/customers/{user}/balances");
    let made = expect(201, partner.post(&path).json(&json!({ "currency": "EUR" }))).await;
    made["balanceId"].as_str().expect("an id").to_owned()
}

async fn refused(request: RequestBuilder, status: u16, title: &str) {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
}

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The newest transaction of a balance, removed or not.
async fn newest(sandbox: &Sandbox, balance: &str) -> Value {
    let path = format!("/secure/transactions?balanceId={balance}&limit=1");
    expect(200, sandbox.partner().get(&path)).await["items"][0].clone()
}

const STATES: [&str; 3] = ["ACTIVE", "LOCKED", "REMOVED"];

/// A user's balance in one of the states. While it is there it has a card, 900 that can be spent
/// and 100 that are held under the name `held-` and the card's id.
async fn story_in(sandbox: &Sandbox, state: &str) -> Story {
    let partner = sandbox.partner();
    if state == "REMOVED" {
        let story = Story::begin(sandbox, 0).await;
        expect(204, remove_card(partner, &story)).await;
        expect(204, remove(partner, &story.balance)).await;
        return story;
    }
    let story = Story::begin(sandbox, 1_000).await;
    let held = story.purchase(sandbox.processor(), 100, &format!("held-{}", story.card));
    assert_eq!(expect(200, held).await["approved"], true);
    if state == "LOCKED" {
        expect(204, lock(partner, &story.balance)).await;
    }
    story
}

/// Status, and what is told: a title, a description with its action code, or nothing.
async fn told(sandbox: &Sandbox, story: &Story, action: &str) -> (u16, String) {
    let (partner, processor, balance) = (sandbox.partner(), sandbox.processor(), &story.balance);
    let held = format!("held-{}", story.card);
    let name = format!("{action}-{}", story.card);
    let (status, body) = answer(match action {
        "show" => partner.get(&format!("/secure/balances/{balance}")),
        "history" => partner.get(&format!("/secure/balances/{balance}/transactions")),
        "lock" => lock(partner, balance),
        "unlock" => unlock(partner, balance),
        "remove" => remove(partner, balance),
        "topUp" | "payment" | "withdrawal" | "fee" => transfer(partner, balance, action, 10),
        "card" => {
            let path = format!("/secure/customers/{}/cards/virtual/async", story.customer);
            let body = json!({ "balanceId": balance, "configId": "0019167984" });
            let made = expect(202, partner.post(&path).json(&body)).await;
            let id = made["operationId"].as_str().expect("an id");
            let path = format!("/secure/customers/{}/cards/operations/{id}", story.customer);
            eventually("the operation ends", PATIENCE, async || {
                expect(200, partner.get(&path)).await["status"] != "PENDING"
            })
            .await;
            partner.get(&path)
        }
        "authorization" | "credit" | "advice" | "force-debit" => {
            of_kind(processor, story, action, 10)
        }
        "account-verification" | "balance-inquiry" => of_kind(processor, story, action, 0),
        "clearing" => story.message(processor, "clearings", 10, &name, Some(&held)),
        "reversal" => story.message(processor, "reversals", 10, &name, Some(&held)),
        other => panic!("{other}"),
    })
    .await;
    let words = ["title", "description", "actionCode", "reason"].map(|name| &body[name]);
    let words: Vec<&str> = words.into_iter().filter_map(Value::as_str).collect();
    (status, words.join(" "))
}

on_both_databases! {
    /// Each state × each action: who asks is told no, who informs is heard.
    async fn each_state_of_a_balance_allows_what_it_should(database) {
        let sandbox = Sandbox::start(database).await;
        let (done, gone) = ((204, ""), (404, "BALANCE_NOT_FOUND"));
        let (fine, moved) = ((200, ""), (201, "Transfer"));
        let (approved, posted) = ((200, "APPROVED 0000"), (200, "APPROVED"));
        let (locked, no_card) = ((200, "BALANCE_LOCKED 1004"), (200, "CARD_NOT_ACTIVE 1004"));
        let (kept_in, not_empty) = ((422, "BALANCE_LOCKED"), (409, "BALANCE_NOT_EMPTY"));
        let table = [
            ("show", [fine, fine, gone]),
            ("history", [fine, fine, gone]),
            ("lock", [done, done, gone]),
            ("unlock", [done, done, gone]),
            ("remove", [not_empty, not_empty, done]),
            ("topUp", [moved, moved, gone]),
            ("payment", [moved, moved, gone]),
            ("withdrawal", [moved, kept_in, gone]),
            ("fee", [moved, kept_in, gone]),
            ("card", [fine, fine, (200, "BALANCE_NOT_FOUND")]),
            ("authorization", [approved, locked, no_card]),
            ("credit", [approved, approved, no_card]),
            ("account-verification", [approved, approved, no_card]),
            ("balance-inquiry", [approved, approved, no_card]),
            ("advice", [approved, approved, approved]),
            ("force-debit", [approved, approved, approved]),
            ("clearing", [posted, posted, posted]),
            ("reversal", [posted, posted, (200, "REFERENCED_TRANSACTION_NOT_FOUND")]),
        ];
        for (action, answers) in table {
            for (state, (status, words)) in STATES.into_iter().zip(answers) {
                let story = story_in(&sandbox, state).await;
                let told = told(&sandbox, &story, action).await;
                assert_eq!(told, (status, words.to_owned()), "{action}: {state}");
            }
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Nothing leaves while it is locked but what has happened; unlocked, it pays again.
    async fn a_locked_balance_takes_no_debits(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(processor, 300, "cleared")).await;
        expect(200, story.purchase(processor, 200, "reversed")).await;
        let keyed = lock(partner, &story.balance).header("X-Idempotency-Key", "lock");
        expect(204, keyed.try_clone().expect("no stream")).await;
        let path = format!("/secure/balances/{}", story.balance);
        assert_eq!(expect(200, partner.get(&path)).await["state"], "LOCKED");

        let told = expect(200, story.purchase(processor, 1, "p1")).await;
        assert_eq!((&told["approved"], &told["approvedAmount"]), (&json!(false), &json!(0)));
        refused(transfer(partner, &story.balance, "withdrawal", 1), 422, "BALANCE_LOCKED").await;
        assert_eq!(story.amounts(&sandbox).await, (500, 500));
        expect(201, transfer(partner, &story.balance, "topUp", 50)).await;
        expect(200, of_kind(processor, &story, "credit", 7)).await;
        assert_eq!(story.amounts(&sandbox).await, (557, 500));
        // More than was held: the difference by force.
        let clear = story.message(processor, "clearings", 310, "clear", Some("cleared"));
        assert_eq!(expect(200, clear).await["accepted"], true);
        let reverse = story.message(processor, "reversals", 200, "reverse", Some("reversed"));
        assert_eq!(expect(200, reverse).await["accepted"], true);
        assert_eq!(story.amounts(&sandbox).await, (747, 0));

        expect(204, unlock(partner, &story.balance)).await;
        // A retry of what was done before changes nothing.
        expect(204, keyed).await;
        assert_eq!(expect(200, partner.get(&path)).await["state"], "ACTIVE");
        assert_eq!(expect(200, story.purchase(processor, 747, "p2")).await["approved"], true);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// By every name that isn't a balance of the partner's users, and while something is left.
    async fn what_isnt_empty_or_isnt_there_isnt_removed(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let own = expect(200, partner.get("/secure/partner-balances")).await;
        let own = own["items"][0]["id"].as_str().expect("an id").to_owned();
        let (user, balance) = empty(partner).await;
        let (other, _) = empty(partner).await;
        let gone = "BALANCE_NOT_FOUND";
        for id in [&own, "00000000-0000-4000-8000-000000000000", "nothing", "%00"] {
            for request in [remove(partner, id), lock(partner, id), unlock(partner, id)] {
                refused(request, 404, gone).await;
            }
            let path = format!("/secure/customers/{user}/balances/{id}");
            refused(partner.delete(&path), 404, gone).await;
        }
        let path = format!("/secure/customers/{other}/balances/{balance}");
        refused(partner.delete(&path), 404, gone).await;
        let nobody = format!("/secure/customers/999999/balances/{balance}");
        refused(partner.delete(&nobody), 404, gone).await;
        assert_eq!(newest(&sandbox, &balance).await, Value::Null);
        let found = partner.get(&format!("/secure/partner-balances/{own}"));
        assert_eq!(expect(200, found).await["state"], "ACTIVE");

        let full = "BALANCE_NOT_EMPTY";
        let story = Story::begin(&sandbox, 100).await;
        refused(remove(partner, &story.balance), 409, full).await;
        expect(200, story.purchase(processor, 100, "all")).await;
        assert_eq!(story.amounts(&sandbox).await, (0, 100));
        refused(remove(partner, &story.balance), 409, full).await;
        // Posted, it is below zero.
        let clear = story.message(processor, "clearings", 130, "over", Some("all"));
        expect(200, clear).await;
        expect(204, remove_card(partner, &story)).await;
        assert_eq!(story.amounts(&sandbox).await, (-30, 0));
        refused(remove(partner, &story.balance), 409, full).await;
        expect(201, transfer(partner, &story.balance, "topUp", 30)).await;
        let path = format!("/secure/customers/{}/balances/{}", story.customer, story.balance);
        expect(204, partner.delete(&path)).await;

        let story = Story::begin(&sandbox, 0).await;
        let keyed = remove(partner, &story.balance).header("X-Idempotency-Key", "early");
        refused(keyed.try_clone().expect("no stream"), 409, "BALANCE_HAS_CARDS").await;
        let card = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
        expect(204, partner.post(&card).json(&json!({ "reason": 2 }))).await;
        refused(remove(partner, &story.balance), 409, "BALANCE_HAS_CARDS").await;
        expect(204, remove_card(partner, &story)).await;
        // What was refused under a key stays refused under it.
        refused(keyed, 409, "BALANCE_HAS_CARDS").await;
        expect(204, lock(partner, &story.balance)).await;
        expect(204, remove(partner, &story.balance)).await;
        let external = sandbox.partner_of_code("external");
        refused(remove(&external, &balance), 404, gone).await;
    }

    /// It is shown nowhere but in the history, and what the network tells late is still posted.
    async fn a_removed_balance_never_comes_back(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 500).await;
        expect(201, transfer(partner, &story.balance, "withdrawal", 500)).await;
        let kept = another(partner, story.customer).await;
        expect(204, remove_card(partner, &story)).await;
        let keyed = remove(partner, &story.balance).header("X-Idempotency-Key", "removal");
        expect(204, keyed.try_clone().expect("no stream")).await;
        expect(204, keyed).await;
        expect(204, remove(partner, &story.balance)).await;

        let path = format!("/secure/customers/{}/balances", story.customer);
        let left = expect(200, partner.get(&path)).await;
        let left: Vec<&Value> =
            left["items"].as_array().expect("a list").iter().map(|it| &it["balanceId"]).collect();
        assert_eq!(left, [&json!(kept)]);
        refused(partner.get(&format!("{path}/{}", story.balance)), 404, "BALANCE_NOT_FOUND").await;
        refused(transfer(partner, &story.balance, "topUp", 1), 404, "BALANCE_NOT_FOUND").await;

        let late = story.message(processor, "clearings", 40, "late", None);
        assert_eq!(expect(200, late).await["accepted"], true);
        let told = newest(&sandbox, &story.balance).await;
        assert_eq!((&told["amount"], &told["balanceAfter"]), (&json!(40), &json!(-40)));
        // Its user's history has what was on it.
        let path = format!("/secure/transactions?customerId={}", story.customer);
        let history = expect(200, partner.get(&path)).await;
        let types: Vec<&Value> =
            history["items"].as_array().expect("a list").iter().map(|it| &it["type"]).collect();
        assert_eq!(types, ["pos", "withdrawal", "topUp"]);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

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
                let post = crate::story::encrypted(partner.post(&path));
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
