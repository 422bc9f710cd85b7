//! `/admin/balances`, `/admin/customers/{id}/balances`, `/admin/partner-balances`: money is seen,
//! and locked; the operator moves the partner's own.

use super::signed_in;
use crate::audit::records;
use crate::corporations::Company;
use crate::linked::External;
use crate::story::{Story, answer, expect, register, registration};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// The summary in euro.
fn in_euro(summary: &Value) -> Value {
    let items = summary["items"].as_array().expect("a list");
    items.iter().find(|it| it["currency"] == "EUR").expect("there are euros").clone()
}

/// All that a list has for a query, page by page.
async fn found(caller: &Caller, query: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/admin/balances?limit={limit}{after}{query}");
        let page = expect(200, caller.get(&path).header("Issuer-Code", "sandbox")).await;
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= limit, "{page}");
        all.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else { return all };
        after = format!("&after={next}");
    }
}

/// The ids of balances.
fn ids(found: &[Value]) -> Vec<&str> {
    found.iter().map(|it| it["balanceId"].as_str().expect("an id")).collect()
}

/// The partner's own balance in euro that settles differences: where it is, and what it has.
async fn company(caller: &Caller) -> (String, i64) {
    let own = caller.get("/admin/partner-balances").header("Issuer-Code", "sandbox");
    let own = expect(200, own).await;
    let mut own = own["items"].as_array().expect("a list").iter();
    let found = own.find(|it| it["kind"] == "COMPANY" && it["currency"] == "EUR");
    let found = found.expect("made with the first program");
    let id = found["id"].as_str().expect("an id");
    (format!("/admin/partner-balances/{id}"), found["amount"].as_i64().expect("an amount"))
}

/// A call that moves money, for the partner `sandbox`.
fn moving(caller: &Caller, path: &str, kind: &str, amount: i64, id: &str) -> RequestBuilder {
    let post = caller.post(&format!("{path}/transactions")).header("Issuer-Code", "sandbox");
    post.json(&json!({
        "type": kind, "amount": amount, "currency": "EUR", "description": "Wire 17",
        "externalTransactionId": id,
    }))
}

async fn refused(request: RequestBuilder, status: u16, title: &str) {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
}

on_both_databases! {
    /// By its own id, its owner's, its currency, its state, and by all of them; nothing else is
    /// found, and the partner's own never.
    async fn a_balance_is_found_by_what_is_known_of_it(database) {
        let sandbox = Sandbox::start(database).await;
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let (story, other) =
            (Story::begin(&sandbox, 1_001).await, Story::begin(&sandbox, 0).await);
        let firm = Company::begin(&sandbox, 5_000).await;
        expect(200, story.purchase(sandbox.processor(), 302, "held")).await;
        expect(204, employee.post(&format!("/admin/balances/{}/lock", other.balance))).await;
        let (own, user) = (story.balance.as_str(), story.customer);
        for (query, wanted) in [
            (format!("&search={own}"), vec![own]),
            (format!("&search={user}&currency=EUR&state=ACTIVE"), vec![own]),
            (format!("&search={}", firm.id), vec![firm.balance.as_str()]),
            (format!("&search={user}&currency=PLN"), vec![]),
            (format!("&search={user}&state=LOCKED"), vec![]),
            ("&search=savings".to_owned(), vec![]),
            (format!("&search={}", company(&employee).await.0[24..].to_owned()), vec![]),
            ("&state=LOCKED".to_owned(), vec![other.balance.as_str()]),
        ] {
            for limit in [1, 50] {
                assert_eq!(ids(&found(&employee, &query, limit).await), wanted, "{query}");
            }
        }
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let all = found(&operator, "", 1).await;
        let mut wanted = [own, other.balance.as_str(), firm.balance.as_str()];
        wanted.sort_unstable();
        assert_eq!(ids(&all), wanted);
        let told = |id: &str| all.iter().find(|it| it["balanceId"] == *id).expect("is there");
        assert_eq!(told(own), &json!({
            "balanceId": own, "customerId": user, "dcCorporationId": null, "currency": "EUR",
            "amount": 699, "blockedAmount": 302, "state": "ACTIVE", "configId": null,
        }));
        let of_firm = told(&firm.balance);
        assert_eq!((&of_firm["customerId"], &of_firm["dcCorporationId"]),
            (&Value::Null, &json!(firm.id)));
        for wrong in ["state=REMOVED", "currency=euro", "limit=0", "after=1", "owner=1"] {
            let asked = employee.get(&format!("/admin/balances?{wrong}"));
            refused(asked, 422, "VALIDATION_ERROR").await;
        }
    }

    /// Of what the partner holds nobody is told an amount that only its server knows.
    async fn a_balance_in_the_partners_books_is_listed_without_its_amount(database) {
        let sandbox = Sandbox::start(database).await;
        let external = External::begin(&sandbox, 250).await;
        let balance = external.created(external.user().await).await;
        let admin = sandbox.admin("ADMIN", Some("external")).await.sign_in(&sandbox).await;
        let listed = expect(200, admin.get("/admin/balances")).await;
        assert_eq!(listed["items"][0]["balanceId"], balance);
        assert_eq!(listed["items"][0]["amount"], Value::Null);
        assert_eq!(listed["next"], Value::Null);
    }

    /// The operator's people reload the partner's own balance and withdraw from it, once for each
    /// name and key; each has keys of their own, and the record tells who it was.
    async fn people_of_the_operator_move_a_partners_own_money(database) {
        let mut sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let other = signed_in(&sandbox, "OPERATOR").await;
        let (path, before) = company(&operator).await;
        let keyed = |caller: &Caller, amount: i64, id: &str| {
            moving(caller, &path, "companyCredit", amount, id).header("X-Idempotency-Key", "one")
        };
        let made = expect(201, keyed(&operator, 500, "a")).await;
        assert_eq!((&made["type"], &made["balanceAfter"]),
            (&json!("companyCredit"), &json!(before + 500)));
        assert_eq!(expect(201, keyed(&operator, 500, "a")).await, made, "a retry");
        refused(keyed(&operator, 501, "a"), 409, "IDEMPOTENCY_KEY_REUSED").await;
        expect(201, keyed(&other, 7, "b")).await;
        let named = moving(&other, &path, "companyCredit", 500, "a");
        assert_eq!(expect(201, named).await["id"], made["id"], "its name moves money once");
        expect(201, moving(&operator, &path, "companyDebit", 107, "c")).await;
        assert_eq!(company(&operator).await.1, before + 400);

        let unknown = "UNKNOWN_TRANSACTION_TYPE";
        for kind in ["topUp", "pos", "magic", "collateralCredit", "creditIbanTransfer"] {
            for _ in 0..2 {
                let call = moving(&operator, &path, kind, 5, "d");
                refused(call.header("X-Idempotency-Key", kind), 422, unknown).await;
            }
        }
        let much = moving(&operator, &path, "companyDebit", before + 401, "e");
        refused(much, 422, "INSUFFICIENT_FUNDS").await;
        let admin = signed_in(&sandbox, "ADMIN").await;
        refused(moving(&admin, &path, "companyCredit", 5, "f"), 403, "FORBIDDEN").await;
        assert_eq!(company(&operator).await.1, before + 400);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        let left = records(&mut sandbox).await;
        let moved = left.values().flatten().filter(|it| it.action == "balance.transfer");
        let by_people = moved.filter(|it| it.actor.starts_with("admin:")).count();
        assert_eq!(by_people, 3);
    }

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
