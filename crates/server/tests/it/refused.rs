//! Internal transactions that are refused: the caller is told, it stays on record, and the partner
//! is notified of it as of any other.

use crate::deliveries::{client_ca, point_to};
use crate::story::{Story, expect, unique};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Partner, eventually};

/// How long a notification may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An internal transaction of a name.
fn transfer(partner: &Caller, of: &Story, (kind, minor, id): (&str, i64, &str)) -> RequestBuilder {
    partner.post(&format!("/secure/balances/{}/transactions", of.balance)).json(&json!({
        "type": kind, "amount": minor, "currency": "EUR", "description": "Cash at a counter",
        "externalTransactionId": id,
    }))
}

/// The records of a balance, newest first.
async fn records(sandbox: &Sandbox, balance: &str) -> Vec<Value> {
    let path = format!("/secure/transactions?balanceId={balance}&limit=100");
    let listed = expect(200, sandbox.partner().get(&path)).await;
    listed["items"].as_array().expect("a list").clone()
}

/// Waits until the partner has heard of all these records, each once, and gives what it heard of
/// them.
async fn heard(partner: &Partner, records: &[Value]) -> Vec<Value> {
    let of = |record: &Value| {
        let told = partner.received().into_iter().map(|it| it.body);
        told.filter(|body| body["transaction"]["id"] == record["id"]).collect::<Vec<_>>()
    };
    eventually("all is told", PATIENCE, async || records.iter().all(|it| !of(it).is_empty())).await;
    let all: Vec<Vec<Value>> = records.iter().map(of).collect();
    assert!(all.iter().all(|told| told.len() == 1), "each once: {all:?}");
    all.into_iter().flatten().collect()
}

/// Asserts what a record and what the partner heard of it say: that nothing was done, and why.
fn assert_declined(record: &Value, told: &Value, (kind, minor, id): (&str, i64, &str), why: &str) {
    let fields = ["type", "amount", "status", "processingStatus", "descriptionCode"];
    let fields = fields.map(|name| record[name].clone());
    let expected = [json!(kind), json!(minor), json!("CLEARED"), json!("DECLINED"), json!(why)];
    assert_eq!(fields, expected, "{record}");
    assert_eq!(record["externalTransactionId"], id, "{record}");
    assert_eq!((&record["clearedAmount"], &record["heldAmount"]), (&json!(0), &json!(0)));
    assert_eq!((&told["status"], &told["description"]), (&json!("DECLINED"), &json!(why)));
    let of = &told["transaction"];
    let fields = ["type", "amount", "status", "externalTransactionId", "balanceId"];
    let fields = fields.map(|name| of[name].clone());
    let balance = record["balanceId"].clone();
    let expected = [json!(kind), json!(minor), json!("CLEARED"), json!(id), balance];
    assert_eq!(fields, expected, "{told}");
}

on_both_databases! {
    /// For each reason that a user's balance has. A retry is refused again, recorded and told once.
    async fn what_a_balance_refuses_is_recorded_and_told(database) {
        let sandbox = Sandbox::start(database).await;
        let caller = sandbox.partner();
        let partner =
            Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(204)).await;
        let [poor, frozen, suspect] =
            [Story::begin(&sandbox, 50).await, Story::begin(&sandbox, 50).await,
             Story::begin(&sandbox, 50).await];
        expect(204, caller.post(&format!("/secure/balances/{}/lock", frozen.balance))).await;
        let locks = format!("/secure/customers/{}/transactional-locks", suspect.customer);
        expect(204, caller.post(&locks).json(&json!({ "reason": "POLICE_LOCK" }))).await;
        point_to(&sandbox, &partner, &["transaction"]).await;

        for (story, kind, minor, why) in [
            (&poor, "withdrawal", 51, "INSUFFICIENT_FUNDS"),
            (&poor, "commission", i64::MAX, "INSUFFICIENT_FUNDS"),
            (&poor, "topUp", 0, "INVALID_AMOUNT"),
            (&poor, "topUp", i64::MAX, "INVALID_AMOUNT"),
            (&frozen, "fee", 5, "BALANCE_LOCKED"),
            (&suspect, "fee", 5, "AML_EXCEPTION"),
            (&suspect, "funding", 5, "AML_EXCEPTION"),
        ] {
            let before = records(&sandbox, &story.balance).await;
            let id = format!("{kind}-{}", unique());
            let asked = (kind, minor, id.as_str());
            for _ in 0..2 {
                let refused = expect(422, transfer(caller, story, asked)).await;
                assert_eq!(refused["title"], why, "{asked:?}");
            }
            let mut after = records(&sandbox, &story.balance).await;
            let record = after.remove(0);
            assert_eq!(after, before, "{asked:?}");
            let told = heard(&partner, std::slice::from_ref(&record)).await;
            assert_declined(&record, &told[0], asked, why);
            let path = format!("/secure/transactions/{}", record["id"].as_str().expect("an id"));
            assert_eq!(expect(200, caller.get(&path)).await, record);
            assert_eq!(story.amounts(&sandbox).await, (50, 0), "{asked:?}");
        }
        // A mistaken currency too, and it doesn't stand in the way of what is right.
        let mut wrong = json!({
            "type": "withdrawal", "amount": 5, "currency": "PLN", "description": "Wrong",
            "externalTransactionId": "mistaken",
        });
        let path = format!("/secure/balances/{}/transactions", poor.balance);
        let refused = expect(422, caller.post(&path).json(&wrong)).await;
        assert_eq!(refused["title"], "CURRENCY_MISMATCH");
        let told = records(&sandbox, &poor.balance).await.remove(0);
        assert_eq!((&told["currency"], &told["descriptionCode"]),
            (&json!("PLN"), &json!("CURRENCY_MISMATCH")));
        wrong["currency"] = "EUR".into();
        wrong["externalTransactionId"] = "right".into();
        expect(201, caller.post(&path).json(&wrong)).await;
        let both = &records(&sandbox, &poor.balance).await[..2];
        let told = heard(&partner, both).await;
        assert_eq!((&told[0]["status"], &told[1]["status"]),
            (&json!("SUCCESS"), &json!("DECLINED")));
        assert_eq!(told[1]["description"], "CURRENCY_MISMATCH");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// What the operator can't take from a partner's own balance, by its words on the command line.
    async fn what_a_partners_own_balance_refuses_is_recorded_and_told(database) {
        let sandbox = Sandbox::start(database).await;
        let partner =
            Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(204)).await;
        point_to(&sandbox, &partner, &["transaction"]).await;
        let of = ["--code", "sandbox", "--kind", "DEPOSIT", "--currency", "EUR"];
        let made = sandbox.antaca(&[&["partner", "balance"][..], &of].concat()).await;
        let made = made.assert_done().json().remove(0);
        let more = ["--type", "collateralDebit", "--amount", "1", "--external-id", "too-much"];
        let moved = sandbox.antaca(&[&["partner", "move"][..], &of, &more].concat()).await;
        moved.assert_refused("INSUFFICIENT_FUNDS: ");
        let found = records(&sandbox, made["id"].as_str().expect("an id")).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["resource"], "depositBalance");
        let told = heard(&partner, &found).await;
        let asked = ("collateralDebit", 1, "too-much");
        assert_declined(&found[0], &told[0], asked, "INSUFFICIENT_FUNDS");
        assert_eq!(told[0]["transaction"]["resource"], "depositBalance");
    }
}
