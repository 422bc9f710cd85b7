//! `/admin/balances`, `/admin/customers/{id}/balances`, `/admin/partner-balances`: money is seen,
//! and locked.

use super::signed_in;
use crate::story::{Story, expect, register, registration};
use crate::support::Sandbox;
use serde_json::{Value, json};

/// The summary in euro.
fn in_euro(summary: &Value) -> Value {
    let items = summary["items"].as_array().expect("a list");
    items.iter().find(|it| it["currency"] == "EUR").expect("there are euros").clone()
}

on_both_databases! {
    /// A balance is made by some, seen and locked by all.
    async fn balances_are_made_seen_and_locked(database) {
        let sandbox = Sandbox::start(database).await;
        let user = expect(201, register(sandbox.partner(), &registration())).await;
        let manager = signed_in(&sandbox, "MANAGER").await;
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let balances = format!("/admin/customers/{}/balances", user["id"]);
        let body = json!({ "currency": "EUR" });
        expect(403, employee.post(&balances).json(&body)).await;
        let made = expect(201, manager.post(&balances).json(&body)).await;
        let id = made["balanceId"].as_str().expect("an id").to_owned();
        let listed = expect(200, employee.get(&balances)).await;
        assert_eq!(listed["items"][0]["balanceId"], made["balanceId"]);
        let path = |rest: &str| format!("/admin/balances/{id}{rest}");
        for (act, state) in [("/lock", "LOCKED"), ("/unlock", "ACTIVE")] {
            expect(204, employee.post(&path(act))).await;
            assert_eq!(expect(200, employee.get(&path(""))).await["state"], state);
        }
        let history = expect(200, employee.get(&path("/transactions"))).await;
        assert_eq!(history["items"], json!([]));
        let statement = path("/statement?from=2026-01-01&to=2026-12-31");
        assert_eq!(expect(200, employee.get(&statement)).await["balanceId"], made["balanceId"]);
    }

    /// What there is changes by what was loaded and held, to the cent, for the one partner.
    async fn the_summary_is_what_there_is(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let summed = async || {
            let asked = operator.get("/admin/balances/summary");
            in_euro(&expect(200, asked.header("Issuer-Code", "sandbox")).await)
        };
        let before = summed().await;
        let story = Story::begin(&sandbox, 1_001).await;
        expect(200, story.purchase(sandbox.processor(), 302, "held")).await;
        let after = summed().await;
        let grown = |total: &str, field: &str| {
            let of = |summary: &Value| summary[total][field].as_i64().expect("an amount");
            of(&after) - of(&before)
        };
        assert_eq!((grown("users", "amount"), grown("users", "blockedAmount")), (699, 302));
        // All there is: what users have, and the partner's own balances.
        let own = operator.get("/admin/partner-balances").header("Issuer-Code", "sandbox");
        let own = expect(200, own).await;
        let own = own["items"].as_array().expect("a list").clone();
        for field in ["amount", "blockedAmount"] {
            let euros = own.iter().filter(|it| it["currency"] == "EUR");
            let own: i64 = euros.map(|it| it[field].as_i64().expect("an amount")).sum();
            let users = after["users"][field].as_i64().expect("an amount");
            assert_eq!(after["wallet"][field], users + own, "{field}");
        }
        let id = own[0]["id"].as_str().expect("an id");
        let one = operator.get(&format!("/admin/partner-balances/{id}"));
        assert_eq!(expect(200, one.header("Issuer-Code", "sandbox")).await, own[0]);
    }
}
