//! `/admin/exports`: transactions as a file.

use super::signed_in;
use crate::story::{Story, answer, expect};
use crate::support::{Caller, Sandbox};
use crate::verifications::advance;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

const EXPORTS: &str = "/admin/exports";
const PATIENCE: Duration = Duration::from_secs(60);
/// More than a lease of a worker, in seconds.
const LEASE: i64 = 31;
/// How long before it was asked for a file ends, and a second.
const SETTLED: i64 = 121;

async fn ask(caller: &Caller, asked: &Value) -> String {
    let told = expect(202, caller.post(EXPORTS).json(asked)).await;
    told["id"].as_str().expect("an id").to_owned()
}

fn path(id: &str) -> String {
    format!("{EXPORTS}/{id}")
}

/// Waits until a file is there.
async fn done(caller: &Caller, id: &str) -> Value {
    eventually("it is written", PATIENCE, async || {
        expect(200, caller.get(&path(id))).await["state"] == "DONE"
    })
    .await;
    expect(200, caller.get(&path(id))).await
}

async fn file(caller: &Caller, id: &str) -> String {
    let answer = caller.get(&format!("{}/file", path(id))).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    let kept = answer.headers()["content-disposition"].to_str().expect("a text").to_owned();
    assert!(kept.starts_with("attachment; filename=\"transactions-"), "{kept}");
    answer.text().await.expect("a file")
}

on_both_databases! {
    /// Asked for, followed, taken, removed; by whom and what is on record.
    async fn transactions_are_taken_as_a_file(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, other) = (Story::begin(&sandbox, 1_000).await, Story::begin(&sandbox, 9).await);
        let mut evil = json!({
            "type": "topUp", "amount": 1_205, "currency": "EUR", "description": "=1+1",
            "externalTransactionId": "@sum",
        });
        let loads = format!("/secure/balances/{}/transactions", story.balance);
        expect(201, sandbox.partner().post(&loads).json(&evil)).await;
        evil["description"] = "a \"quoted\", text".into();
        evil["externalTransactionId"] = "plain".into();
        expect(201, sandbox.partner().post(&loads).json(&evil)).await;
        expect(200, story.purchase(sandbox.processor(), 501, "paid")).await;
        expect(200, other.purchase(sandbox.processor(), 500, "declined")).await;
        advance(&sandbox, SETTLED).await;
        expect(200, other.purchase(sandbox.processor(), 500, "on its way")).await;

        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let id = ask(&employee, &json!({ "customerId": story.customer })).await;
        let told = done(&employee, &id).await;
        assert_eq!((&told["rows"], &told["isCut"]), (&json!(4), &json!(false)), "{told}");
        assert_eq!(told["asked"]["customerId"], story.customer);
        assert!(told["askedBy"].as_str().is_some_and(|it| it.starts_with("employee-")), "{told}");
        let text = file(&employee, &id).await;
        assert_eq!(told["bytes"], text.len());
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 5);
        let last = &story.full["cardNo"].as_str().expect("a number")[12..];
        let paid = format!(",5.01,EUR,5.01,0.00,,,Book store,,{},**** {last},", story.card);
        assert!(lines[1].contains(&paid), "{}", lines[1]);
        assert!(lines[1].contains("Z,pos,DEBIT,SUCCESS,AUTHORIZED,APPROVED,"), "{}", lines[1]);
        assert!(lines[2].contains(",12.05,EUR,"), "{}", lines[2]);
        assert!(lines[2].contains(",\"a \"\"quoted\"\", text\","), "{}", lines[2]);
        assert!(lines[3].contains(",'=1+1,") && lines[3].contains(",'@sum,"), "{}", lines[3]);
        assert!(!text.contains(story.full["cardNo"].as_str().expect("a number")));

        // Of the whole partner, by somebody of the operator's.
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let post = operator.post(EXPORTS).header("Issuer-Code", "sandbox");
        let post = post.json(&json!({ "processingStatus": "DECLINED", "amountFrom": 500 }));
        let of_operator = expect(202, post).await["id"].as_str().expect("an id").to_owned();
        let declined = done(&employee, &of_operator).await;
        assert_eq!((&declined["rows"], &declined["askedBy"]), (&json!(1), &Value::Null));
        let list = expect(200, employee.get(EXPORTS)).await;
        let listed = list["items"].as_array().expect("a list").iter().map(|it| &it["id"]);
        assert_eq!(listed.collect::<Vec<_>>(), [&json!(of_operator), &json!(id)]);

        let stranger = sandbox.admin("ADMIN", Some("shared")).await.sign_in(&sandbox).await;
        let gone = expect(404, stranger.get(&format!("{}/file", path(&id)))).await;
        assert_eq!(gone["title"], "EXPORT_NOT_FOUND");
        let admin = signed_in(&sandbox, "ADMIN").await;
        let refused = expect(403, admin.delete(&path(&id))).await;
        assert_eq!(refused["title"], "EXPORT_NOT_YOURS");
        expect(204, employee.delete(&path(&id))).await;
        expect(404, employee.get(&path(&id))).await;
        let records = expect(200, admin.get(&format!("/admin/audit?object={id}"))).await;
        let records = records["items"].as_array().expect("a list").iter();
        let actions: Vec<&Value> = records.map(|it| &it["action"]).collect();
        assert_eq!(actions, ["export.remove", "export.download", "export.create"]);

        for wrong in [
            json!({ "status": "x" }),
            json!({ "lastFourDigits": "12" }),
            json!({ "amountFrom": 2, "amountTo": 1 }),
            json!({ "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" }),
        ] {
            let (status, problem) = answer(employee.post(EXPORTS).json(&wrong)).await;
            assert_eq!((status, &problem["title"]), (422, &json!("VALIDATION_ERROR")), "{wrong}");
        }
        advance(&sandbox, 24 * 60 * 60).await;
        let manager = signed_in(&sandbox, "MANAGER").await;
        assert_eq!(expect(200, manager.get(EXPORTS)).await["items"], json!([]));
    }

    /// Killed while it writes, whoever comes next goes on where it was: each line is there once.
    async fn a_killed_server_leaves_no_half_of_a_file(database) {
        let folder = testkit::folder();
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 100_000).await;
        for number in 0..1_050 {
            let name = format!("k{number}");
            expect(200, story.purchase(sandbox.processor(), 1, &name)).await;
        }
        advance(&sandbox, SETTLED).await;
        for step in ["export-claimed", "export-written"] {
            let marker = folder.path().join(step);
            sandbox.stop().await.assert_done();
            let fault = format!("{step}:1:{}", marker.display());
            sandbox.set_variables(&[("ANTACA_FAULT", &fault)]);
            sandbox.restart().await;
            let manager = signed_in(&sandbox, "MANAGER").await;
            let id = ask(&manager, &json!({ "balanceId": story.balance })).await;
            eventually("the step is reached", PATIENCE, async || marker.exists()).await;
            sandbox.kill();
            std::fs::remove_file(&marker).expect("the marker");
            sandbox.set_variables(&[]);
            sandbox.restart().await;
            advance(&sandbox, LEASE).await;
            let manager = signed_in(&sandbox, "MANAGER").await;
            assert_eq!(done(&manager, &id).await["rows"], 1_051, "killed at {step}");
            let text = file(&manager, &id).await;
            let mut lines: Vec<&str> = text.split_terminator("\r\n").collect();
            lines.sort_unstable();
            lines.dedup();
            assert_eq!(lines.len(), 1_052, "killed at {step}");
        }
    }
}
