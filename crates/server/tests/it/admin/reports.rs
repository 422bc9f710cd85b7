//! `/admin/reports`: what isn't seen by looking at one user.

use super::signed_in;
use crate::story::{Story, answer, expect, register, registration};
use crate::support::{Caller, Sandbox};
use crate::verifications::advance;
use serde_json::{Value, json};

const INACTIVE: &str = "/admin/reports/inactive-users";
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
}
