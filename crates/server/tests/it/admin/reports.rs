//! `/admin/reports`: what isn't seen by looking at one user.

use super::signed_in;
use crate::story::{Story, answer, expect, register, registration};
use crate::support::{Caller, Sandbox};
use crate::verifications::advance;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

const INACTIVE: &str = "/admin/reports/inactive-users";
const CARD_USE: &str = "/admin/reports/card-use";
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: i64 = 86_400;

/// All whom a report tells of, page by page.
async fn told(caller: &Caller, query: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("{INACTIVE}?limit={limit}{after}{query}");
        let page = expect(200, caller.get(&path).header("Issuer-Code", "sandbox")).await;
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= limit, "{page}");
        all.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else { return all };
        after = format!("&after={next}");
    }
}

on_both_databases! {
    /// Who hasn't used a balance for so long is there, newest first, with when they last did; who
    /// is new, who can't pay and who has just paid isn't.
    async fn inactive_users_are_told(database) {
        let sandbox = Sandbox::start(database).await;
        let idle = Story::begin(&sandbox, 10_000).await;
        let busy = Story::begin(&sandbox, 10_000).await;
        let never = Story::begin(&sandbox, 0).await;
        let mut body = registration();
        (body["state"], body["kyc"]) = ("NEW".into(), "NONE".into());
        expect(201, register(sandbox.partner(), &body)).await;
        advance(&sandbox, 40 * DAY).await;
        expect(200, busy.purchase(sandbox.processor(), 100, "900000000031")).await;
        Story::begin(&sandbox, 0).await;
        for role in ["EMPLOYEE", "OPERATOR"] {
            let caller = signed_in(&sandbox, role).await;
            for limit in [1, 50] {
                let found = told(&caller, "&days=30", limit).await;
                let ids: Vec<&Value> = found.iter().map(|it| &it["id"]).collect();
                assert_eq!(ids, [&json!(never.customer), &json!(idle.customer)], "{role} {limit}");
                assert_eq!(found[0]["lastUsedAt"], Value::Null);
                assert!(found[1]["lastUsedAt"].is_string(), "{}", found[1]);
                assert_eq!(found[1]["state"], "VERIFIED");
            }
            assert_eq!(told(&caller, "", 50).await, [] as [Value; 0], "nobody is so old");
        }
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        for wrong in ["days=0", "days=3651", "days=x", "after=x", "limit=201", "since=1"] {
            let (status, problem) = answer(employee.get(&format!("{INACTIVE}?{wrong}"))).await;
            assert_eq!((status, &problem["title"]), (422, &json!("VALIDATION_ERROR")), "{wrong}");
        }
    }

    /// How soon cards are used, in all and by program, of those for which the time is over.
    async fn the_use_of_cards_is_told(database) {
        let sandbox = Sandbox::start(database).await;
        let used = Story::begin(&sandbox, 10_000).await;
        Story::begin(&sandbox, 10_000).await;
        advance(&sandbox, 60).await;
        expect(200, used.purchase(sandbox.processor(), 100, "900000000041")).await;
        let today = testkit::now().to_zoned(TimeZone::UTC).date();
        let from = today.yesterday().expect("a day").to_string();
        advance(&sandbox, 3 * DAY).await;
        let query = format!("{CARD_USE}?from={from}&to={today}");
        for role in ["EMPLOYEE", "OPERATOR"] {
            let caller = signed_in(&sandbox, role).await;
            let ask = async || {
                expect(200, caller.get(&query).header("Issuer-Code", "sandbox")).await
            };
            eventually("they are counted", PATIENCE, async || {
                ask().await["within"][1]["of"] == 2
            }).await;
            let told = ask().await;
            let over = |days| json!({ "days": days, "of": 2, "used": 1, "rate": 5_000 });
            let not = |days| json!({ "days": days, "of": 0, "used": 0, "rate": null });
            assert_eq!((&told["issued"], &told["from"]), (&json!(2), &json!(from)), "{told}");
            assert_eq!(told["within"], json!([over(1), over(2), not(5), not(15), not(30)]));
            let programs = told["programs"].as_array().expect("a list");
            assert_eq!(programs.len(), 1, "{told}");
            assert_eq!(programs[0]["within"], told["within"]);
            assert!(told["countedTo"].is_string(), "{told}");
        }
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        for wrong in [
            "from=2026-01-01",
            "to=2026-01-01",
            "from=2026-01-02&to=2026-01-01",
            "from=2026-01-01&to=2026-04-03",
            "from=2026-01-01&to=x",
            "from=2026-01-01&to=2026-01-01&days=1",
        ] {
            let (status, problem) = answer(employee.get(&format!("{CARD_USE}?{wrong}"))).await;
            assert_eq!((status, &problem["title"]), (422, &json!("VALIDATION_ERROR")), "{wrong}");
        }
    }
}
