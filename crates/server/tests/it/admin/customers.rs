//! `/admin/customers`: users are looked for, and locked.

use super::{quoted, signed_in};
use crate::audit::records;
use crate::story::{Story, answer, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use serde_json::{Value, json};

/// Registers a user of a name.
async fn named(partner: &Caller, first: &str, last: &str) -> Value {
    let mut body = registration();
    (body["firstName"], body["lastName"]) = (first.into(), last.into());
    expect(201, register(partner, &body)).await
}

/// Whom a search finds, page by page.
async fn found(caller: &Caller, query: &[(&str, &str)], limit: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut path = format!("/admin/customers?limit={limit}");
        for (name, value) in
            query.iter().copied().chain(after.iter().map(|it| ("after", it.as_str())))
        {
            path += &format!("&{name}={}", quoted(value));
        }
        let page = expect(200, caller.get(&path).header("Issuer-Code", "sandbox")).await;
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= limit);
        ids.extend(items.iter().map(|it| it["id"].as_i64().expect("an id")));
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() {
            return ids;
        }
    }
}

fn id(user: &Value) -> i64 {
    user["id"].as_i64().expect("an id")
}

on_both_databases! {
    /// By all that a user is known by, as a whole; by a name's beginning; never by less.
    async fn a_user_is_found_by_what_somebody_types(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let mark = format!("x{}", unique());
        let name = |rest: &str| format!("{mark}{rest}");
        let one = named(partner, &name("Anna Maria"), &name("Żółć-Nowak")).await;
        let two = named(partner, &name("annabel"), &name("O'Neill")).await;
        let both = named(partner, &name("Anna"), &name("Annand")).await;
        let (first, second, third) = (id(&one), id(&two), id(&both));
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/cards", story.customer);
        let cards = expect(200, partner.get(&path)).await;
        let last_four = cards["items"][0]["lastFourDigits"].as_str().expect("digits").to_owned();
        let text = |user: &Value, field: &str| user[field].as_str().expect("a text").to_owned();
        for (search, expected) in [
            (first.to_string(), vec![first]),
            (text(&one, "email").to_uppercase(), vec![first]),
            (text(&two, "phone"), vec![second]),
            (format!("+{}", text(&two, "phone")), vec![second]),
            // By family or given name, in the order of what was found; nobody comes twice.
            (name("ANNA"), vec![third, first, second]),
            (name("anna m"), vec![first]),
            (name("zolc n"), vec![first]),
            (name("ONeill"), vec![second]),
            (format!("{} {}", name("anna"), name("zolc")), vec![first]),
            (format!("{} {}", name("annand"), name("anna")), vec![third]),
            (name("nowak"), vec![]),
            ("maria".to_owned() + &mark, vec![]),
            (format!("{mark}%"), vec![third, first, second]),
            ("nobody@nowhere.test".to_owned(), vec![]),
            ("@".to_owned(), vec![]),
            ("'".to_owned(), vec![]),
            (i64::MAX.to_string(), vec![]),
        ] {
            for limit in [1, 50] {
                let told = found(&employee, &[("search", &search)], limit).await;
                assert_eq!(told, expected, "{search} by {limit}");
            }
        }
        for limit in [1, 50] {
            let told = found(&employee, &[("search", &last_four)], limit).await;
            assert!(told.contains(&story.customer), "{last_four}: {told:?}");
            assert!(told.is_sorted(), "{told:?}");
        }

        // By the name that they have now, as long as they are there.
        let path = format!("/lifecycle/v1/users/{second}");
        let put = partner.put(&path).header("Issuer-Code", "sandbox");
        expect(200, put.json(&json!({ "lastName": name("Łoś") }))).await;
        assert_eq!(found(&employee, &[("search", &name("los"))], 50).await, [second]);
        assert_eq!(found(&employee, &[("search", &name("oneill"))], 50).await, [0i64; 0]);
        let removed = partner.delete(&format!("/lifecycle/v1/users/{third}"));
        expect(204, removed.header("Issuer-Code", "sandbox")).await;
        assert_eq!(found(&employee, &[("search", &name("anna"))], 1).await, [first, second]);
        assert_eq!(found(&employee, &[("search", &third.to_string())], 50).await, [0i64; 0]);
    }

    /// Newest first, by state and KYC; the operator names whose they are, and nobody else's come.
    async fn users_are_listed_newest_first(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let mut made = Vec::new();
        for kyc in ["NONE", "SUCCESS", "NONE"] {
            let mut body = registration();
            body["kyc"] = kyc.into();
            made.push(id(&expect(201, register(partner, &body)).await));
        }
        let lock = partner.post(&format!("/lifecycle/v1/users/{}/lock", made[0]));
        expect(204, lock.header("Issuer-Code", "sandbox")).await;
        let all = found(&operator, &[], 2).await;
        assert_eq!(all[..3], [made[2], made[1], made[0]]);
        assert!(all.iter().rev().is_sorted(), "{all:?}");
        assert_eq!(found(&operator, &[("state", "LOCKED")], 1).await, [made[0]]);
        let none = found(&operator, &[("kyc", "NONE"), ("state", "VERIFIED")], 1).await;
        assert_eq!(none, [made[2]]);
        let stranger = sandbox.admin("ADMIN", Some("external")).await.sign_in(&sandbox).await;
        let theirs = expect(200, stranger.get("/admin/customers?limit=200")).await;
        let theirs = theirs["items"].as_array().expect("a list").clone();
        assert!(theirs.iter().all(|user| !made.contains(&id(user))), "{theirs:?}");
        let asked = stranger.get(&format!("/admin/customers?search={}", made[0]));
        assert_eq!(expect(200, asked).await["items"], json!([]));
    }

    /// What is wrong with a question is told, all of it.
    async fn a_search_that_cant_be_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = signed_in(&sandbox, "MANAGER").await;
        let long = "x".repeat(256);
        for (query, fields) in [
            ("search=", vec!["search"]),
            (&format!("search={long}"), vec!["search"]),
            ("search=a%00b", vec!["search"]),
            ("state=DELETED", vec!["state"]),
            ("state=new&kyc=", vec!["state", "kyc"]),
            ("limit=0", vec!["limit"]),
            ("limit=201", vec!["limit"]),
            ("after=x", vec!["after"]),
            ("after=-1", vec!["after"]),
            ("after=7.eA", vec!["after"]),
            ("search=anna&after=7", vec!["after"]),
            ("search=17&after=7.eA", vec!["after"]),
            ("email=a", vec!["email"]),
        ] {
            let (status, body) = answer(admin.get(&format!("/admin/customers?{query}"))).await;
            assert_eq!((status, &body["title"]), (422, &json!("VALIDATION_ERROR")), "{query}");
            let told = body["violations"].as_array().expect("a list").iter();
            let told: Vec<&str> = told.map(|it| it["field"].as_str().expect("a name")).collect();
            assert_eq!(told, fields, "{query}");
        }
        for id in ["0", "-1", "x", "99999999999999999999", "%00"] {
            let told = expect(404, admin.get(&format!("/admin/customers/{id}"))).await;
            assert_eq!(told["title"], "CUSTOMER_NOT_FOUND", "{id}");
        }
    }

    /// One user: the profile, where they stand, their locks; each act by its role, and noted.
    async fn a_user_is_seen_and_locked(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let admin = signed_in(&sandbox, "ADMIN").await;
        let path = |rest: &str| format!("/admin/customers/{}{rest}", story.customer);
        let seen = async || expect(200, employee.get(&path(""))).await;
        let before = seen().await;
        for (field, value) in [
            ("id", json!(story.customer)),
            ("firstName", json!("John")),
            ("state", json!("VERIFIED")),
            ("kyc", json!("SUCCESS")),
            ("transactionalLocks", json!([])),
        ] {
            assert_eq!(before[field], value, "{field}");
        }
        assert!(before["createdAt"].is_string() && before["version"].is_i64(), "{before}");

        expect(204, employee.post(&path("/lock"))).await;
        assert_eq!(seen().await["state"], "LOCKED");
        expect(401, phone.caller.get("/customers/me")).await;
        expect(204, employee.post(&path("/unlock"))).await;
        let fraud = json!({ "reason": "FRAUD_SUSPECTED" });
        let locks = path("/transactional-locks");
        expect(403, employee.post(&locks).json(&fraud)).await;
        expect(204, admin.post(&locks).json(&fraud)).await;
        assert_eq!(seen().await["transactionalLocks"], json!(["FRAUD_SUSPECTED"]));
        let listed = expect(200, employee.get(&locks)).await;
        assert_eq!(listed["items"], json!([{ "reason": "FRAUD_SUSPECTED" }]));
        let declined = expect(200, story.purchase(sandbox.processor(), 1, "locked")).await;
        assert_eq!(declined["description"], "AML_EXCEPTION");
        expect(204, admin.delete(&format!("{locks}/FRAUD_SUSPECTED"))).await;
        let after = seen().await;
        assert_eq!(after["state"], "VERIFIED");
        assert_eq!(after["transactionalLocks"], json!([]));
        assert!(after["version"].as_i64() > before["version"].as_i64(), "{after}");

        let devices = expect(200, employee.get(&path("/devices"))).await;
        let device = devices["items"][0]["installationId"].as_str().expect("an id").to_owned();
        expect(204, employee.delete(&path(&format!("/devices/{device}")))).await;
        assert_eq!(expect(200, employee.get(&path("/devices"))).await["items"], json!([]));
        let limits = json!({ "limits": [
            { "type": "atm", "timeUnit": "daily", "currency": "EUR", "amountMinor": 5 },
        ] });
        expect(403, employee.put(&path("/limits")).json(&limits)).await;
        expect(200, admin.put(&path("/limits")).json(&limits)).await;
        let told = expect(200, employee.get(&path("/limits"))).await;
        assert_eq!(told["limits"][0]["amountMinor"], 5, "{told}");
        let records = records(&mut sandbox).await;
        let by_people = records.values().flatten().filter(|it| it.actor.starts_with("admin:"));
        let mut acts: Vec<&str> = by_people.map(|it| it.action.as_str()).collect();
        acts.retain(|act| !act.starts_with("admin"));
        acts.sort_unstable();
        assert_eq!(acts, [
            "device.end",
            "user.change",
            "user.change",
            "user.limits",
            "user.lock",
            "user.lock",
        ]);
    }
}
