//! What opens one's own account, and what asks for a code once more.

use crate::audit::records;
use crate::story::{answer, expect, unique};
use crate::support::{Admin, Caller, Sandbox};
use serde_json::{Value, json};

const SECRETS: &str = "/admin/me/secrets";

async fn is_in_force(caller: &Caller) -> bool {
    answer(caller.get("/admin/public-key")).await.0 == 200
}

async fn signs_in(sandbox: &Sandbox, admin: &Admin, steps: i64) -> bool {
    answer(admin.signing_in(sandbox, &admin.code(steps))).await.0 == 201
}

/// Status and title of a refusal.
async fn refused(request: reqwest::RequestBuilder) -> (u16, String) {
    let (status, body) = answer(request).await;
    (status, body["title"].as_str().unwrap_or_default().to_owned())
}

fn title(status: u16, title: &str) -> (u16, String) {
    (status, title.to_owned())
}

/// A retry's answer, without what was told once.
fn unseen(mut made: Value) -> Value {
    (made["password"], made["authenticator"]) = (Value::Null, Value::Null);
    made
}

on_both_databases! {
    /// A password is changed by who has the one before and the authenticator, and is none that
    /// others guess.
    async fn a_password_is_changed_by_whose_it_is(database) {
        let mut sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let caller = admin.sign_in_with(&sandbox, -1).await;
        let name = admin.email.split('@').next().expect("a name").to_owned();
        let new = format!("{} own words", unique());
        let change = |password: &str, new: &str| {
            let body = json!({ "password": password, "totp": admin.code(0), "newPassword": new });
            caller.put(SECRETS).json(&body)
        };
        for (new, told) in [
            ("kX3vq9Lm2Rt", "PASSWORD_INVALID"),
            (&"kX3vq9Lm2Rt".repeat(12), "PASSWORD_INVALID"),
            (&admin.password, "PASSWORD_INVALID"),
            (&format!("mine is {name}"), "PASSWORD_INVALID"),
            ("password1234", "PASSWORD_GUESSABLE"),
            ("qwertyuiop[]", "PASSWORD_GUESSABLE"),
        ] {
            assert_eq!(refused(change(&admin.password, new)).await, title(422, told), "{new}");
        }
        let wrong = title(403, "CONFIRMATION_REFUSED");
        assert_eq!(refused(change("wrong", &new)).await, wrong);
        let body = json!({ "password": admin.password, "newPassword": new });
        assert_eq!(refused(caller.put(SECRETS).json(&body)).await, wrong, "without a code");
        let none = json!({ "password": admin.password, "totp": admin.code(0) });
        let nothing = title(422, "VALIDATION_ERROR");
        assert_eq!(refused(caller.put(SECRETS).json(&none)).await, nothing);
        expect(204, change(&admin.password, &new)).await;
        assert!(is_in_force(&caller).await, "who has changed it goes on");
        assert_eq!(refused(change(&new, "three other words")).await, wrong, "the code was used");
        assert!(!signs_in(&sandbox, &admin, 1).await, "the one before opens nothing");
        let body = json!({ "email": admin.email, "password": new, "totp": admin.code(1) });
        expect(201, sandbox.anonymous().post("/admin/sessions").json(&body)).await;

        for file in crate::plastic::files(&sandbox.dir()) {
            let bytes = std::fs::read(&file).expect("a file");
            assert_eq!(testkit::contains_secret(&bytes, &[new.as_bytes()]), None, "{file:?}");
        }
        let records = records(&mut sandbox).await;
        let own = records.values().flatten().filter(|it| it.actor.starts_with("admin:"));
        let told: Vec<(&str, &Value)> =
            own.map(|it| (it.action.as_str(), &it.detail)).collect();
        let changed = json!({ "after": { "password": true, "authenticator": false } });
        let count = |action: &str| told.iter().filter(|it| it.0 == action).count();
        assert_eq!(count("admin.confirm_failed"), 2, "{told:?}");
        assert!(told.contains(&("admin.renew", &changed)), "{told:?}");
    }

    /// Another authenticator counts once a code of it was given, in the session that it was offered
    /// in; all other sessions end.
    async fn an_authenticator_is_changed_once_it_works(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let caller = admin.sign_in_with(&sandbox, -1).await;
        let other = admin.sign_in_with(&sandbox, 0).await;
        let (offer, own) = admin.offered(&caller).await;
        let body = |code: &str| {
            json!({ "password": admin.password, "totp": admin.code(1), "offer": offer,
                "newTotp": code })
        };
        let wrong = title(422, "AUTHENTICATOR_CODE_WRONG");
        let code = admin.code(0);
        assert_eq!(refused(caller.put(SECRETS).json(&body(&code))).await, wrong, "of the old one");
        let code = own.code(-1);
        let there = refused(other.put(SECRETS).json(&body(&code))).await;
        assert_eq!(there, wrong, "another session's");
        let mut half = body(&code);
        half["offer"] = Value::Null;
        let invalid = title(422, "VALIDATION_ERROR");
        assert_eq!(refused(caller.put(SECRETS).json(&half)).await, invalid);
        assert!(is_in_force(&other).await);
        expect(204, caller.put(SECRETS).json(&body(&code))).await;
        assert!(is_in_force(&caller).await && !is_in_force(&other).await);
        assert!(!signs_in(&sandbox, &admin, 1).await);
        assert!(!signs_in(&sandbox, &own, -1).await, "its code was used");
        assert!(signs_in(&sandbox, &own, 0).await);
    }

    /// Whoever has a session alone guesses ten times, and has no session then.
    async fn guesses_lock_the_account_and_end_its_sessions(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("OPERATOR", None).await;
        let caller = admin.sign_in(&sandbox).await;
        let body = json!({ "email": format!("{}@new.test", unique()), "role": "OPERATOR",
            "totp": "000000" });
        let renewal = json!({ "password": "wrong", "totp": "000000",
            "newPassword": "kX3vq9Lm2Rt7" });
        let wrong = title(403, "CONFIRMATION_REFUSED");
        for _ in 0..5 {
            assert_eq!(refused(caller.put(SECRETS).json(&renewal)).await, wrong);
            assert_eq!(refused(caller.post("/admin/accounts").json(&body)).await, wrong);
        }
        assert!(!is_in_force(&caller).await);
        assert!(!signs_in(&sandbox, &admin, 1).await, "it is locked");
    }

    /// Whoever was made or reset an account has it to themselves before anything else opens.
    async fn an_account_is_its_owners_before_it_opens_anything(database) {
        let sandbox = Sandbox::start(database).await;
        let made = sandbox.admin_with("ADMIN", Some("sandbox"), &[]).await;
        let told = expect(201, made.signing_in(&sandbox, &made.code(-1))).await;
        assert_eq!(told["secretsToRenew"], true);
        let caller = sandbox.anonymous().with_bearer(told["token"].as_str().expect("a token"));
        let first = title(403, "SECRETS_TO_RENEW");
        for path in ["/admin/accounts", "/admin/customers?search=1", "/admin/overview",
            "/admin/certificates", "/admin/audit"] {
            assert_eq!(refused(caller.get(path)).await, first, "{path}");
        }
        let new = json!({ "email": "ann@new.test", "role": "ADMIN" });
        assert_eq!(refused(caller.post("/admin/accounts").json(&new)).await, first);
        let half = json!({ "password": made.password, "totp": made.code(0),
            "newPassword": "kX3vq9Lm2Rt7" });
        assert_eq!(refused(caller.put(SECRETS).json(&half)).await, first, "both are to be changed");
        let own = made.taken_over(&caller).await;
        expect(200, caller.get("/admin/accounts")).await;
        assert!(!signs_in(&sandbox, &made, 1).await);
        let told = expect(201, own.signing_in(&sandbox, &own.code(0))).await;
        assert_eq!(told["secretsToRenew"], false);

        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let page = expect(200, admin.get("/admin/accounts?limit=200")).await;
        let all = page["items"].as_array().expect("a list");
        let it = all.iter().find(|it| it["email"] == own.email.as_str()).expect("it is listed");
        assert_eq!(it["secretsToRenew"], false);
        let id = it["accountId"].as_str().expect("an id");
        let reset = expect(200, admin.post(&format!("/admin/accounts/{id}/reset"))).await;
        assert_eq!(reset["secretsToRenew"], true);
        let caller = Admin::told(&reset).sign_in(&sandbox).await;
        assert_eq!(refused(caller.get("/admin/overview")).await, first);
        expect(204, caller.delete("/admin/sessions/current")).await;
        assert!(!is_in_force(&caller).await, "signing out works");
    }

    /// A session alone makes no other OPERATOR and opens no OPERATOR's account anew.
    async fn what_makes_an_operator_asks_for_a_code(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("OPERATOR", None).await;
        let caller = admin.sign_in_with(&sandbox, -1).await;
        let email = format!("{}@new.test", unique());
        let mut body = json!({ "email": email, "role": "OPERATOR" });
        let post = |body: &Value, key: &str| {
            caller.post("/admin/accounts").header("X-Idempotency-Key", key).json(body)
        };
        let key = unique().to_string();
        let asked = title(403, "CONFIRMATION_REQUIRED");
        assert_eq!(refused(post(&body, &key)).await, asked);
        body["totp"] = admin.code(-1).into();
        let wrong = title(403, "CONFIRMATION_REFUSED");
        assert_eq!(refused(post(&body, &key)).await, wrong, "it opened the session");
        body["totp"] = admin.code(0).into();
        let made = expect(201, post(&body, &key)).await;
        let again = expect(201, post(&body, &key)).await;
        assert_eq!(again, unseen(made.clone()), "a retry needs no other code");

        let reset = format!("/admin/accounts/{}/reset", made["accountId"].as_str().expect("an id"));
        assert_eq!(refused(caller.post(&reset)).await, asked);
        let used = json!({ "totp": body["totp"] });
        assert_eq!(refused(caller.post(&reset).json(&used)).await, wrong);
        let next = json!({ "totp": admin.code(1) });
        let fresh = Admin::told(&expect(200, caller.post(&reset).json(&next)).await);
        assert!(!signs_in(&sandbox, &Admin::told(&made), 0).await);
        assert!(signs_in(&sandbox, &fresh, 0).await);
    }
}
