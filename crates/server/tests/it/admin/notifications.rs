//! What a partner was told, looked at and sent again by people; balances of its own that they make.

use super::signed_in;
use crate::story::{Story, answer, expect, unique};
use crate::support::Sandbox;
use serde_json::json;
use std::time::Duration;
use testkit::eventually;

const NOTIFICATIONS: &str = "/admin/notifications";
/// How long a delivery may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

on_both_databases! {
    /// Whoever works for the partner sees what its server was told, and sends it again.
    async fn a_notification_is_looked_at_and_sent_again(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        expect(200, story.purchase(sandbox.processor(), 100, "told")).await;
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let page = expect(200, employee.get(&format!("{NOTIFICATIONS}?limit=1"))).await;
        let id = page["items"][0]["notificationId"].as_str().expect("an id").to_owned();
        let of = format!("{NOTIFICATIONS}/{id}");
        eventually("it is delivered", PATIENCE, async || {
            expect(200, employee.get(&of)).await["status"] == "DELIVERED"
        })
        .await;
        let told = expect(200, employee.get(&of)).await;
        let own = expect(200, sandbox.partner().get(&format!("/secure/notifications/{id}"))).await;
        assert_eq!(told, own, "the same as the partner is told of it");
        expect(204, employee.post(&format!("{of}/resend"))).await;
        let before = told["attemptCount"].as_i64();
        eventually("it is sent again", PATIENCE, async || {
            expect(200, employee.get(&of)).await["attemptCount"].as_i64() > before
        })
        .await;
        let other = sandbox.admin("ADMIN", Some("shared")).await.sign_in(&sandbox).await;
        assert_eq!(expect(404, other.get(&of)).await["title"], "NOTIFICATION_NOT_FOUND");
    }

    /// The operator's people make what the command line makes; there is one of each.
    async fn a_partners_own_balance_is_made_by_the_operator(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let body = json!({ "kind": "IBAN_TECHNICAL", "currency": "CHF" });
        let post = |key: &str| {
            let post = operator.post("/admin/partner-balances").header("Issuer-Code", "sandbox");
            post.header("X-Idempotency-Key", key).json(&body)
        };
        let (one, two) = (unique().to_string(), unique().to_string());
        let made = expect(201, post(&one)).await;
        assert_eq!((&made["kind"], &made["currency"]), (&"IBAN_TECHNICAL".into(), &"CHF".into()));
        assert_eq!(expect(201, post(&one)).await, made);
        assert_eq!(expect(201, post(&two)).await, made, "there is one of each");
        let of = made["id"].as_str().expect("an id");
        let found = operator.get(&format!("/admin/partner-balances/{of}"));
        assert_eq!(expect(200, found.header("Issuer-Code", "sandbox")).await, made);
        let admin = signed_in(&sandbox, "ADMIN").await;
        let refused = answer(admin.post("/admin/partner-balances").json(&body)).await;
        assert_eq!((refused.0, &refused.1["title"]), (403, &"FORBIDDEN".into()));
    }
}
