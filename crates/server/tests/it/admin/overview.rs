//! `/admin/overview`: how things stand with a partner, at one look.

use super::signed_in;
use crate::plastic;
use crate::story::{Story, expect};
use crate::support::{Browser, Sandbox};
use crate::verifications::advance;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

const PATIENCE: Duration = Duration::from_secs(60);

/// Authorizations of all told hours: approved, declined.
fn sums(overview: &Value) -> (i64, i64) {
    let hours = overview["authorizations"]["hours"].as_array().expect("a list");
    let sum = |field: &str| hours.iter().map(|it| it[field].as_i64().expect("a number")).sum();
    (sum("approved"), sum("declined"))
}

on_both_databases! {
    /// Users, cards, money, authorizations by the hour, what a person should look at.
    async fn the_overview_tells_how_things_stand(database) {
        let sandbox = Sandbox::start(database).await;
        let processor = sandbox.processor();
        let story = Story::begin(&sandbox, 1_000).await;
        let locked = Story::begin(&sandbox, 0).await;
        let admin = signed_in(&sandbox, "EMPLOYEE").await;
        let card = format!("/admin/cards/{}/lock", locked.card);
        expect(204, admin.post(&card).json(&json!({ "reason": 7 }))).await;
        expect(204, admin.post(&format!("/admin/customers/{}/lock", locked.customer))).await;
        for (amount, name) in [(100, "a"), (200, "b"), (5_000, "c")] {
            expect(200, story.purchase(processor, amount, name)).await;
        }
        // What the network tells was decided by nobody here.
        expect(200, story.message(processor, "clearings", 100, "d", Some("a"))).await;
        expect(200, story.message(processor, "clearings", 10, "e", None)).await;
        let own = expect(200, admin.get("/admin/partner-balances")).await;
        let own = own["items"].as_array().expect("a list");
        let is_one = |it: &&Value| it["kind"] == "COMPANY" && it["currency"] == "EUR";
        let id = own.iter().find(is_one).expect("there is one")["id"].as_str().expect("an id");
        let alert = [
            "partner", "alert", "--code", "sandbox", "--kind", "COMPANY", "--currency", "EUR",
            "--below", "9000000000000000", "--to", "treasury@partner.test",
        ];
        sandbox.antaca(&alert).await.assert_done();

        let seen = expect(200, admin.get("/admin/overview")).await;
        let (users, cards) = (&seen["users"], &seen["cards"]);
        let number = |value: &Value| value.as_i64().expect("a number");
        assert_eq!((number(&users["locked"]), number(&cards["locked"])), (1, 1), "{seen}");
        assert!(number(&users["active"]) >= 1 && number(&cards["issued"]) >= 2, "{seen}");
        assert!(number(&users["registered"]) > number(&users["active"]), "{seen}");
        let summary = expect(200, admin.get("/admin/balances/summary")).await;
        assert_eq!(seen["balances"], summary["items"]);
        let watched = seen["partnerBalances"].as_array().expect("a list");
        let low = watched.iter().find(|it| it["id"] == id).expect("it is told");
        assert_eq!(low["lowBelow"], json!(9_000_000_000_000_000i64));
        let alert = json!({ "kind": "LOW_BALANCE", "balanceId": id });
        assert!(seen["alerts"].as_array().expect("a list").contains(&alert), "{seen}");
        assert_eq!(seen["authorizations"]["hours"].as_array().expect("a list").len(), 24);

        // They are counted once they are old enough, and only once.
        let clock = sandbox.partner().post("/sandbox/v1/clock");
        expect(200, clock.json(&json!({ "advanceSeconds": 180 }))).await;
        eventually("authorizations are counted", PATIENCE, async || {
            sums(&expect(200, admin.get("/admin/overview")).await) == (2, 1)
        })
        .await;
        let seen = expect(200, admin.get("/admin/overview")).await;
        assert_eq!(seen["authorizations"]["approvalRate"], 6_666);
        expect(200, story.purchase(processor, 1, "f")).await;
        let clock = sandbox.partner().post("/sandbox/v1/clock");
        expect(200, clock.json(&json!({ "advanceSeconds": 180 }))).await;
        eventually("another one is counted", PATIENCE, async || {
            sums(&expect(200, admin.get("/admin/overview")).await) == (3, 1)
        })
        .await;
        // Another partner's are its own.
        let stranger = sandbox.admin("ADMIN", Some("external")).await.sign_in(&sandbox).await;
        let theirs = expect(200, stranger.get("/admin/overview")).await;
        assert_eq!((sums(&theirs), &theirs["alerts"]), ((0, 0), &json!([])));
        assert_eq!(theirs["authorizations"]["approvalRate"], Value::Null);
    }

    /// Plastic of which nothing was heard for three days, in the words of API and page; the page
    /// leads to what each of the others is about.
    async fn silent_bureaus_are_told_of(database) {
        let sandbox = plastic::patient(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let id = plastic::ordered(sandbox.partner(), &story, plastic::PHYSICAL).await;
        plastic::sent(&sandbox, &story, &id).await;
        let alert = [
            "partner", "alert", "--code", "sandbox", "--kind", "COMPANY", "--currency", "EUR",
            "--below", "9000000000000000", "--to", "treasury@partner.test",
        ];
        sandbox.antaca(&alert).await.assert_done();
        let overdue = json!({ "kind": "ORDERS_OVERDUE", "count": 1 });
        for (hours, told) in [(71, false), (2, true)] {
            advance(&sandbox, hours * 3_600).await;
            let admin = signed_in(&sandbox, "EMPLOYEE").await;
            let seen = expect(200, admin.get("/admin/overview")).await;
            let alerts = seen["alerts"].as_array().expect("a list");
            assert_eq!(alerts.contains(&overdue), told, "{seen}");
        }
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let html = Browser::signed_in(&sandbox, &admin).await.load("/panel/of/sandbox").await.html;
        assert!(html.contains("1 orders of plastic left three days ago"), "{html}");
        let low = html.split("A balance of the partner&#39;s is low: Company EUR").next();
        let led = low.and_then(|it| it.rsplit("href=\"").next()).expect("a link");
        assert!(led.starts_with("/panel/of/sandbox/partner-balances/"), "{led}");
        assert!(html.contains("/panel/of/sandbox/screening/hits"), "{html}");
    }
}
