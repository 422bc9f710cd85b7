//! A sandbox that is full from the start.

use crate::story::expect;
use crate::support::{Database, Running, Sandbox, arguments};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;
use testkit::eventually;

const PATIENCE: Duration = Duration::from_secs(300);

fn at(transactions: &Value) -> Timestamp {
    let first = transactions["items"][0]["receivedAt"].as_str();
    first.and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("{transactions}"))
}

/// Users, cards and payments of thirty days until now, once.
#[tokio::test]
async fn a_new_sandbox_is_filled() {
    let mut sandbox = Sandbox::start_with_portfolio(Database::Sqlite).await;
    let is_there = async || sandbox.output().contains("The demonstration portfolio is");
    eventually("the portfolio is there", PATIENCE, is_there).await;
    let told = sandbox.output();
    assert!(told.contains("portfolio is there: "), "{told}");
    let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
    let seen = expect(200, admin.get("/admin/overview")).await;
    assert_eq!((&seen["cards"]["issued"], &seen["users"]["active"]), (&300.into(), &200.into()));
    let queue = expect(200, admin.get("/admin/verifications?limit=50")).await;
    assert_eq!(queue["items"].as_array().map(Vec::len), Some(6), "{queue}");
    let now = testkit::now();
    let month = now.checked_sub(SignedDuration::from_hours(24 * 29)).expect("a time");
    let newest = expect(200, admin.get("/admin/transactions?limit=1")).await;
    assert!(now.duration_since(at(&newest)) < SignedDuration::from_hours(12), "{newest}");
    let oldest = expect(200, admin.get(&format!("/admin/transactions?to={month}&limit=1"))).await;
    assert!(at(&oldest) < month, "{oldest}");
    let declined = expect(200, admin.get("/admin/transactions?processingStatus=DECLINED&limit=1"));
    assert!(at(&declined.await) > month);
    sandbox.antaca(&["ledger", "verify"]).await.assert_done();

    sandbox.stop().await.assert_done();
    sandbox.restart().await;
    assert_eq!(sandbox.output().matches("Making the demonstration portfolio").count(), 1);
}

/// What is there isn't mixed with what is made up.
#[tokio::test]
async fn a_sandbox_that_was_used_is_not_filled() {
    let mut sandbox = Sandbox::start(Database::Sqlite).await;
    sandbox.stop().await.assert_done();
    let mut arguments = arguments(&sandbox.dir(), &Database::Sqlite);
    arguments.push("--demo".to_owned());
    Running::spawn(&arguments, &[]).ended().await.assert_refused("holds a sandbox already");
    sandbox.restart().await;
}
