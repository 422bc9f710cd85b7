//! Panel accounts: made by the operator, signed in with password and code.

use crate::audit::{Record, records};
use crate::customers::{paid_with, sealed_at};
use crate::plastic::{DIGITAL_FIRST, PHYSICAL, address, quick, until};
use crate::story::{Story, answer, decrypted, encrypted, expect};
use crate::support::{Admin, Caller, Sandbox};
use serde_json::{Value, json};
use testkit::luhn_runs;
use tokio::task::JoinSet;

/// Whether a session is in force.
async fn is_in_force(caller: &Caller) -> bool {
    let (status, body) = answer(caller.get("/admin/public-key")).await;
    assert!(status == 200 || body["title"] == "SESSION_EXPIRED", "{body}");
    status == 200
}

async fn is_refused(sandbox: &Sandbox, admin: &Admin, code: &str) -> bool {
    let (status, body) = answer(admin.signing_in(sandbox, code)).await;
    assert!(status == 201 || body["title"] == "SIGN_IN_REFUSED", "{body}");
    status == 401
}

async fn advance(sandbox: &Sandbox, seconds: i64) {
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    expect(200, clock.json(&json!({ "advanceSeconds": seconds }))).await;
}

/// Somebody of the partner's orders a card on plastic and activates it; what they saw of cards.
async fn sends_plastic(
    sandbox: &Sandbox,
    story: &Story,
    admin: &Caller,
    mut order: Value,
) -> Vec<Value> {
    let of_user = |rest: &str| format!("/admin/customers/{}/cards{rest}", story.customer);
    order["balanceId"] = story.balance.clone().into();
    order["configId"] = PHYSICAL.into();
    let ordered = encrypted(admin.post(&of_user("/physical")).json(&order));
    let ordered = decrypted(&expect(202, ordered).await);
    let id = ordered["orderId"].as_str().expect("an id");
    let plastic = until(sandbox, story, id, "PERSONALISED").await["cardId"].clone();
    let shown = expect(200, admin.get(&of_user(&format!("/orders/{id}")))).await;
    assert_eq!(shown["cardId"], plastic);
    let listed = expect(200, admin.get(&of_user(""))).await;
    let listed = listed["items"].as_array().expect("a list").clone();
    let found = listed.iter().find(|it| it["id"] == plastic).expect("it is listed");
    let told = json!({
        "lastFourDigits": found["lastFourDigits"],
        "expiry": found["exp"].as_str().expect("a day")[..7],
    });
    let activate = format!("/admin/cards/{plastic}/activate");
    expect(204, admin.post(&activate).json(&told)).await;
    listed
}

on_both_databases! {
    /// Password and code together begin a session; the code opens once.
    async fn an_account_is_signed_in_with_password_and_code(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("MANAGER", Some("sandbox")).await;
        let code = admin.code(0);
        let told = expect(201, admin.signing_in(&sandbox, &code)).await;
        assert_eq!((&told["role"], &told["partner"]), (&"MANAGER".into(), &"sandbox".into()));
        let token = told["token"].as_str().expect("a token");
        let caller = sandbox.anonymous().with_bearer(token);
        assert!(is_in_force(&caller).await);
        assert!(is_refused(&sandbox, &admin, &code).await, "it opens once");
        expect(204, caller.delete("/admin/sessions/current")).await;
        assert!(!is_in_force(&caller).await);

        let operator = sandbox.admin("OPERATOR", None).await;
        let told = expect(201, operator.signing_in(&sandbox, &operator.code(0))).await;
        assert_eq!((&told["role"], &told["partner"]), (&"OPERATOR".into(), &Value::Null));
        // Neither database nor log has what opens an account.
        let secrets = [admin.password.as_bytes(), token.as_bytes()];
        for file in crate::plastic::files(&sandbox.dir()) {
            let bytes = std::fs::read(&file).expect("a file");
            assert_eq!(testkit::contains_secret(&bytes, &secrets), None, "{}", file.display());
        }
    }

    /// What was wrong isn't told, and ten failures lock the account for half an hour.
    async fn whoever_guesses_learns_nothing(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let code = admin.code(0);
        let mut answers = Vec::new();
        for (email, password, code) in [
            (admin.email.as_str(), "wrong", code.as_str()),
            (&admin.email, &admin.password, "000000"),
            (&admin.email, &admin.password, "what"),
            ("nobody@panel.test", &admin.password, &code),
            ("' or 1=1 --", &admin.password, &code),
        ] {
            let body = json!({ "email": email, "password": password, "totp": code });
            let post = sandbox.anonymous().post("/admin/sessions").json(&body);
            let mut told = expect(401, post).await;
            told["requestId"] = Value::Null;
            answers.push(told);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        for body in [json!({}), json!({ "email": 1, "password": [], "totp": null })] {
            let post = sandbox.anonymous().post("/admin/sessions").json(&body);
            assert_eq!(expect(422, post).await["title"], "VALIDATION_ERROR");
        }
        let body = json!({ "email": "a@panel.test", "password": "b", "totp": "1" });
        let post = sandbox.anonymous().post("/admin/sessions");
        let post = sealed_at("/secure/public-key", sandbox.partner(), post, &body).await;
        assert_eq!(expect(401, post).await["title"], "SIGN_IN_REFUSED", "encrypted as well");
        for _ in 3..10 {
            assert!(is_refused(&sandbox, &admin, "000000").await);
        }
        assert!(is_refused(&sandbox, &admin, &admin.code(0)).await, "it is locked");
        advance(&sandbox, 29 * 60).await;
        assert!(is_refused(&sandbox, &admin, &admin.code(0)).await);
        advance(&sandbox, 60).await;
        assert!(!is_refused(&sandbox, &admin, &admin.code(0)).await);
    }

    /// Who tries many is made to wait, whosever accounts these are.
    async fn an_address_that_tries_often_waits(database) {
        let sandbox = Sandbox::start(database).await;
        let body = json!({ "email": "a", "password": "b" });
        let post = || sandbox.anonymous().post("/admin/sessions").json(&body);
        let tries = (0..60).map(|_| answer(post()));
        let told = tries.collect::<JoinSet<_>>().join_all().await;
        let of = |status: u16| told.iter().filter(|it| it.0 == status).count();
        assert!(of(422) >= 20 && of(429) >= 20 && of(422) + of(429) == 60, "{told:?}");
    }

    /// A session ends idle, after twelve hours, and with whatever changes its account.
    async fn a_session_ends(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let caller = admin.sign_in(&sandbox).await;
        advance(&sandbox, 14 * 60).await;
        assert!(is_in_force(&caller).await);
        advance(&sandbox, 14 * 60).await;
        assert!(is_in_force(&caller).await, "it was used");
        advance(&sandbox, 15 * 60).await;
        assert!(!is_in_force(&caller).await);

        let busy = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let caller = busy.sign_in(&sandbox).await;
        for _ in 0..51 {
            advance(&sandbox, 14 * 60).await;
            assert!(is_in_force(&caller).await);
        }
        advance(&sandbox, 6 * 60).await;
        assert!(!is_in_force(&caller).await, "twelve hours");

        for change in [["--role", "MANAGER"], ["--state", "DISABLED"]] {
            let admin = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
            let caller = admin.sign_in(&sandbox).await;
            let set = ["admin", "set", "--email", &admin.email];
            sandbox.antaca(&[&set[..], &change].concat()).await.assert_done();
            assert!(!is_in_force(&caller).await, "{change:?}");
            let shut = change[1] == "DISABLED";
            assert_eq!(is_refused(&sandbox, &admin, &admin.code(1)).await, shut, "{change:?}");
        }
        let caller = busy.signing_in(&sandbox, &busy.code(1));
        let token = expect(201, caller).await["token"].as_str().expect("a token").to_owned();
        let caller = sandbox.anonymous().with_bearer(&token);
        let reset = sandbox.antaca(&["admin", "reset", "--email", &busy.email]).await;
        let fresh = Admin::told(&reset.assert_done().json().remove(0));
        assert!(!is_in_force(&caller).await);
        assert!(is_refused(&sandbox, &busy, &busy.code(0)).await);
        assert!(is_in_force(&fresh.sign_in(&sandbox).await).await);
        advance(&sandbox, 90 * 86_400).await;
        assert!(is_refused(&sandbox, &fresh, &fresh.code(1)).await, "unused for 90 days");
    }

    async fn an_account_that_cannot_be_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let upper = admin.email.to_uppercase();
        let none: &[&str] = &[];
        for (email, role, more, told) in [
            ("nobody", "ADMIN", &["--partner", "sandbox"][..], "ADMIN_INVALID"),
            ("ann@panel.test", "ADMIN", none, "ADMIN_INVALID"),
            ("ann@panel.test", "OPERATOR", &["--partner", "sandbox"], "ADMIN_INVALID"),
            ("ann@panel.test", "ADMIN", &["--partner", "nobody"], "PARTNER_NOT_FOUND"),
            (&upper, "ADMIN", &["--partner", "sandbox"], "ADMIN_ALREADY_EXISTS"),
        ] {
            let create = ["admin", "create", "--email", email, "--role", role];
            let refused = sandbox.antaca(&[&create[..], more].concat()).await;
            assert_eq!(refused.code, Some(1), "{told}: {refused:?}");
            assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        }
        for command in ["set", "reset"] {
            let more = if command == "set" { &["--state", "DISABLED"][..] } else { none };
            let all = [&["admin", command, "--email", "ann@panel.test"][..], more].concat();
            let refused = sandbox.antaca(&all).await;
            assert!(refused.stderr.contains("ADMIN_NOT_FOUND"), "{refused:?}");
        }
        let listed = sandbox.antaca(&["admin", "list"]).await.assert_done().stdout.clone();
        assert!(listed.contains(&admin.email) && !listed.contains(&admin.password), "{listed}");
    }

    /// People of the partner's make, lock and send cards, and see no number, code or PIN.
    async fn an_admin_cares_for_cards_and_sees_no_number(database) {
        let mut sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let mut seen = Vec::new();
        let of_user = |rest: &str| format!("/admin/customers/{}/cards{rest}", story.customer);

        let body = json!({ "balanceId": story.balance, "configId": DIGITAL_FIRST });
        let plain = admin.post(&of_user("/virtual")).json(&body);
        assert_eq!(expect(400, plain).await["title"], "ENCRYPTION_REQUIRED");
        let make = || {
            let post = admin.post(&of_user("/virtual")).header("X-Idempotency-Key", "one");
            encrypted(post.json(&body))
        };
        let made = decrypted(&expect(201, make()).await);
        assert_eq!(decrypted(&expect(201, make()).await), made, "the same card");
        let post = admin.post(&of_user("/virtual")).header("X-Idempotency-Key", "one");
        let both_ways = sealed_at("/admin/public-key", &admin, post, &body).await;
        assert_eq!(decrypted(&expect(201, both_ways).await), made, "however it is asked");
        let names: Vec<&String> = made.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["exp", "id", "lastFourDigits", "state", "type"]);
        let card = made["id"].as_i64().expect("an id");
        let path = |rest: &str| format!("/admin/cards/{card}{rest}");
        let full = async || {
            let path = format!("/secure/customers/{}/cards/{card}", story.customer);
            decrypted(&expect(200, encrypted(sandbox.partner().get(&path))).await)
        };
        let before = full().await;
        assert!(before["cardNo"].as_str().is_some_and(|it| {
            it.ends_with(made["lastFourDigits"].as_str().expect("digits"))
        }));
        seen.push(made);
        seen.push(expect(200, admin.get(&of_user(""))).await);
        seen.push(expect(200, admin.get(&path(""))).await);
        assert_eq!(seen[2]["customerId"], story.customer);

        expect(204, admin.post(&path("/lock")).json(&json!({ "reason": 7 }))).await;
        let paid = paid_with(&sandbox, card, "8264", "locked").await;
        assert_eq!(paid["actionCode"], "1002");
        expect(204, admin.post(&path("/unlock"))).await;
        let reset = decrypted(&expect(200, encrypted(admin.post(&path("/cvv")))).await);
        assert_eq!(reset, json!({ "id": card }));
        let after = full().await;
        assert_eq!(after["cardNo"], before["cardNo"]);
        assert_ne!(after["cvv"], before["cvv"]);
        let carrier = json!({ "deliveryAddress": address(), "delivery": "POST" });
        let printed = encrypted(admin.post(&path("/print")).json(&carrier));
        seen.push(decrypted(&expect(202, printed).await));

        seen.extend(sends_plastic(&sandbox, &story, &admin, carrier.clone()).await);
        expect(204, admin.delete(&path(""))).await;
        let gone = encrypted(admin.post(&path("/print")).json(&carrier));
        assert_eq!(expect(404, gone).await["title"], "CARD_NOT_FOUND");
        for body in seen {
            let text = body.to_string();
            assert!(luhn_runs(text.as_bytes()).is_empty(), "{text}");
            assert!(!text.contains("cvv") && !text.contains("cardNo"), "{text}");
        }

        let records = records(&mut sandbox).await;
        let by = |record: &&Record| record.actor.starts_with("admin:");
        let mut done: Vec<&str> =
            records.values().flatten().filter(by).map(|it| it.action.as_str()).collect();
        done.sort_unstable();
        let expected = [
            "admin.sign_in", "card.activate", "card.issue", "card.issue", "card.lock", "card.print",
            "card.remove", "card.reset_cvv", "card.unlock",
        ];
        assert_eq!(done, expected);
    }
}
