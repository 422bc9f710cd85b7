//! The panel's accounts, managed by who works with the panel.

use super::signed_in;
use crate::audit::records;
use crate::story::{answer, expect, unique};
use crate::support::{Admin, Caller, Sandbox};
use serde_json::{Value, json};

const ACCOUNTS: &str = "/admin/accounts";

fn new(role: &str) -> Value {
    json!({ "email": format!("{}@new.test", unique()), "role": role })
}

/// The accounts that somebody is shown, page by page.
async fn listed(caller: &Caller, query: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = expect(200, caller.get(&format!("{ACCOUNTS}?limit=2{query}{after}"))).await;
        all.extend(page["items"].as_array().expect("a list").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

async fn id_of(caller: &Caller, admin: &Admin) -> String {
    let all = listed(caller, "").await;
    let found = all.iter().find(|it| it["email"] == admin.email.as_str());
    found.expect("it is listed")["accountId"].as_str().expect("an id").to_owned()
}

fn of(id: &str) -> String {
    format!("{ACCOUNTS}/{id}")
}

async fn is_in_force(caller: &Caller) -> bool {
    answer(caller.get("/admin/public-key")).await.0 == 200
}

/// Status and title of a refusal.
async fn refused(request: reqwest::RequestBuilder) -> (u16, String) {
    let (status, body) = answer(request).await;
    (status, body["title"].as_str().unwrap_or_default().to_owned())
}

fn title(status: u16, title: &str) -> (u16, String) {
    (status, title.to_owned())
}

on_both_databases! {
    /// Who was made an account signs in with what was told once; what changes ends their sessions.
    async fn an_account_is_made_changed_and_reset(database) {
        let mut sandbox = Sandbox::start(database).await;
        let admin = signed_in(&sandbox, "ADMIN").await;
        let body = new("MANAGER");
        let key = format!("key-{}", unique());
        let post = || admin.post(ACCOUNTS).header("X-Idempotency-Key", &key).json(&body);
        let made = expect(201, post()).await;
        assert_eq!((&made["role"], &made["partner"]), (&json!("MANAGER"), &json!("sandbox")));
        let again = expect(201, post()).await;
        assert_eq!((&again["password"], &again["authenticator"]), (&Value::Null, &Value::Null));
        assert_eq!(again["accountId"], made["accountId"]);
        let twice = refused(admin.post(ACCOUNTS).json(&body)).await;
        assert_eq!(twice, title(409, "ADMIN_ALREADY_EXISTS"));

        let id = made["accountId"].as_str().expect("an id").to_owned();
        let session = Admin::told(&made).sign_in(&sandbox).await;
        assert!(is_in_force(&session).await);
        expect(200, admin.put(&of(&id)).json(&json!({ "role": "MANAGER" }))).await;
        assert!(is_in_force(&session).await, "it is as it was");
        let told = expect(200, admin.put(&of(&id)).json(&json!({ "role": "EMPLOYEE" }))).await;
        assert_eq!((&told["role"], &told["state"]), (&json!("EMPLOYEE"), &json!("ACTIVE")));
        assert!(!is_in_force(&session).await);

        let reset = Admin::told(&expect(200, admin.post(&format!("{}/reset", of(&id)))).await);
        let old = Admin::told(&made);
        assert_eq!(answer(old.signing_in(&sandbox, &old.code(1))).await.0, 401);
        let session = reset.sign_in(&sandbox).await;
        expect(204, admin.post(&format!("{}/sign-out", of(&id)))).await;
        assert!(!is_in_force(&session).await);
        let told = expect(200, admin.put(&of(&id)).json(&json!({ "state": "DISABLED" }))).await;
        assert_eq!(told["state"], "DISABLED");
        assert_eq!(answer(reset.signing_in(&sandbox, &reset.code(1))).await.0, 401);
        expect(200, admin.put(&of(&id)).json(&json!({ "state": "ACTIVE" }))).await;
        assert_eq!(expect(200, admin.get(&of(&id))).await["state"], "ACTIVE");

        let secrets = [made["password"].as_str().expect("a text").as_bytes().to_vec()];
        for file in crate::plastic::files(&sandbox.dir()) {
            let bytes = std::fs::read(&file).expect("a file");
            let found = testkit::contains_secret(&bytes, &[secrets[0].as_slice()]);
            assert_eq!(found, None, "{}", file.display());
        }
        let records = records(&mut sandbox).await;
        let own = records.values().flatten().filter(|it| it.object == id);
        let mut done: Vec<&str> = own
            .filter(|it| it.actor.starts_with("admin:") && it.action != "admin.sign_in")
            .map(|it| it.action.as_str())
            .collect();
        done.sort_unstable();
        let wanted = ["admin.create", "admin.reset", "admin.set", "admin.set", "admin.set",
            "admin.sign_out"];
        assert_eq!(done, wanted);
    }

    /// An ADMIN manages those of its partner and makes no OPERATOR; the operator manages all.
    async fn each_manages_their_own(database) {
        let sandbox = Sandbox::start(database).await;
        let own = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let other = sandbox.admin("EMPLOYEE", Some("shared")).await;
        let admin = signed_in(&sandbox, "ADMIN").await;
        let codes = sandbox.admin("OPERATOR", None).await;
        let operator = codes.sign_in(&sandbox).await;
        let theirs = listed(&admin, "").await;
        assert!(theirs.iter().all(|it| it["partner"] == "sandbox"), "{theirs:?}");
        assert!(theirs.iter().any(|it| it["email"] == own.email.as_str()));
        let of_other = listed(&operator, "&partner=shared").await;
        assert_eq!(of_other.len(), 1, "{of_other:?}");
        let all = listed(&operator, "").await;
        let mut emails: Vec<&str> = all.iter().filter_map(|it| it["email"].as_str()).collect();
        assert!(emails.len() > theirs.len() + 1 && emails.is_sorted(), "{emails:?}");
        emails.dedup();
        assert_eq!(emails.len(), all.len(), "each once");

        let id = id_of(&operator, &other).await;
        let none = title(404, "ADMIN_NOT_FOUND");
        assert_eq!(refused(admin.get(&of(&id))).await, none);
        let put = admin.put(&of(&id)).json(&json!({ "state": "DISABLED" }));
        assert_eq!(refused(put).await, none);
        for act in ["reset", "sign-out"] {
            assert_eq!(refused(admin.post(&format!("{}/{act}", of(&id)))).await, none, "{act}");
        }
        let mut body = new("ADMIN");
        body["partner"] = "shared".into();
        let foreign = title(404, "PARTNER_NOT_FOUND");
        assert_eq!(refused(admin.post(ACCOUNTS).json(&body)).await, foreign);
        assert_eq!(refused(admin.get(&format!("{ACCOUNTS}?partner=shared"))).await, foreign);
        let invalid = title(422, "ADMIN_INVALID");
        assert_eq!(refused(admin.post(ACCOUNTS).json(&new("OPERATOR"))).await, invalid);
        let own = id_of(&admin, &own).await;
        let put = admin.put(&of(&own)).json(&json!({ "role": "OPERATOR" }));
        assert_eq!(refused(put).await, invalid);
        assert_eq!(refused(operator.post(ACCOUNTS).json(&new("ADMIN"))).await, invalid);

        let made = expect(201, operator.post(ACCOUNTS).json(&body)).await;
        assert_eq!((&made["role"], &made["partner"]), (&json!("ADMIN"), &json!("shared")));
        let mut body = new("OPERATOR");
        body["totp"] = codes.code(1).into();
        let made = expect(201, operator.post(ACCOUNTS).json(&body)).await;
        assert_eq!(made["partner"], Value::Null);
        expect(200, operator.post(&format!("{}/reset", of(&id)))).await;
    }

    /// Nobody shuts themselves out, and somebody of the operator's can always sign in.
    async fn somebody_of_the_operator_stays(database) {
        let sandbox = Sandbox::start(database).await;
        let one = sandbox.admin("OPERATOR", None).await;
        let two = sandbox.admin("OPERATOR", None).await;
        let caller = one.sign_in(&sandbox).await;
        let own = id_of(&caller, &one).await;
        let shut = json!({ "state": "DISABLED" });
        let yourself = title(409, "ADMIN_IS_YOURSELF");
        assert_eq!(refused(caller.put(&of(&own)).json(&shut)).await, yourself);
        assert_eq!(refused(caller.post(&format!("{}/reset", of(&own)))).await, yourself);
        assert!(is_in_force(&caller).await);

        let second = two.sign_in(&sandbox).await;
        let all = listed(&caller, "").await;
        let of_operator = all.iter().filter(|it| it["role"] == "OPERATOR");
        for it in of_operator.filter(|it| it["email"] != one.email.as_str()) {
            let id = it["accountId"].as_str().expect("an id");
            expect(200, caller.put(&of(id)).json(&shut)).await;
        }
        assert!(!is_in_force(&second).await);
        let set = ["admin", "set", "--email", &one.email, "--state", "DISABLED"];
        let told = sandbox.antaca(&set).await;
        assert!(told.stderr.contains("LAST_OPERATOR"), "{}", told.stderr);
        // One that is shut already stays as it is, and another may be opened again.
        let set = ["admin", "set", "--email", &two.email, "--state", "DISABLED"];
        sandbox.antaca(&set).await.assert_done();
        let id = id_of(&caller, &two).await;
        expect(200, caller.put(&of(&id)).json(&json!({ "state": "ACTIVE" }))).await;
        sandbox.antaca(&["admin", "set", "--email", &one.email, "--state", "DISABLED"]).await
            .assert_done();
        assert!(!is_in_force(&caller).await);
    }

    /// Of two who shut each other at once, one stays.
    async fn two_cannot_shut_each_other(database) {
        let sandbox = Sandbox::start(database).await;
        let one = sandbox.admin("OPERATOR", None).await;
        let two = sandbox.admin("OPERATOR", None).await;
        let (first, second) = (one.sign_in(&sandbox).await, two.sign_in(&sandbox).await);
        let (one, two) = (id_of(&first, &one).await, id_of(&first, &two).await);
        let shut = json!({ "state": "DISABLED" });
        for it in listed(&first, "").await.iter().filter(|it| it["role"] == "OPERATOR") {
            let id = it["accountId"].as_str().expect("an id");
            if id != one && id != two {
                expect(200, first.put(&of(id)).json(&shut)).await;
            }
        }
        let (a, b) = tokio::join!(
            answer(first.put(&of(&two)).json(&shut)),
            answer(second.put(&of(&one)).json(&shut)),
        );
        let told = [a.0, b.0];
        assert_eq!(told.iter().filter(|status| **status == 200).count(), 1, "{a:?} {b:?}");
        assert!(is_in_force(&first).await != is_in_force(&second).await);
    }
}
