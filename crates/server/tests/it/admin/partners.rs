//! Partners, made and changed by the operator under `/admin/partners`.

use super::signed_in;
use crate::audit::{Record, records};
use crate::deliveries::{client_ca, point_to};
use crate::denied::signed;
use crate::story::{Story, answer, expect, register, registration, unique};
use crate::support::Sandbox;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Partner, eventually};

/// How long a notification may take.
const PATIENCE: Duration = Duration::from_secs(60);
const PARTNERS: &str = "/admin/partners";

fn of(code: &str) -> String {
    format!("{PARTNERS}/{code}")
}

on_both_databases! {
    /// A partner that was made works once it has a certificate, and is refused while it is closed.
    async fn a_partner_is_made_changed_and_closed(database) {
        let mut sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let code = format!("acme-{}", unique());
        let body = json!({ "issuerCode": code, "name": "Acme Bank", "kycMode": "EXTERNAL",
            "timeZone": "Europe/Warsaw", "collateralMode": "CREDIT", "standIn": 500 });
        let key = format!("key-{}", unique());
        let post = || operator.post(PARTNERS).header("X-Idempotency-Key", &key).json(&body);
        let made = expect(201, post()).await;
        assert_eq!(expect(201, post()).await, made, "it is made once");
        assert_eq!(expect(200, operator.get(&of(&code))).await, made);
        let (state, held) = (&made["state"], &made["balanceMode"]);
        assert_eq!((state, held), (&json!("LIVE"), &json!("INTERNAL")));
        for (name, value) in body.as_object().expect("an object") {
            assert_eq!(made[name], *value, "{name}");
        }
        let twice = expect(409, operator.post(PARTNERS).json(&body)).await;
        assert_eq!(twice["title"], "PARTNER_ALREADY_EXISTS");

        let change = json!({ "sessionMinutes": 15, "standIn": null, "ownBin": true,
            "notifications": ["cardLocked"], "encryptNotifications": true });
        expect(204, operator.put(&of(&code)).json(&change)).await;
        let mut wanted = made.clone();
        for (name, value) in change.as_object().expect("an object") {
            wanted[name] = value.clone();
        }
        assert_eq!(expect(200, operator.get(&of(&code))).await, wanted, "the rest stays");

        let partner = signed(&sandbox, &code, &["--partner", &code]).await;
        let user = || {
            let wallet = partner.post("/lifecycle/v1/wallet").header("Issuer-Code", &code);
            wallet.json(&registration())
        };
        expect(201, user()).await;
        expect(204, operator.put(&of(&code)).json(&json!({ "state": "CLOSED" }))).await;
        assert_eq!(expect(401, user()).await["title"], "CERTIFICATE_REVOKED");
        expect(204, operator.put(&of(&code)).json(&json!({ "state": "LIVE" }))).await;
        expect(201, user()).await;
        expect(201, register(sandbox.partner(), &registration())).await;

        let records = records(&mut sandbox).await;
        let is_of_it =
            |it: &&Record| it.object == code && it.action.starts_with("partner.");
        let own = records.values().flatten().filter(is_of_it);
        let mut done: Vec<&str> = own
            .inspect(|it| assert!(it.actor.starts_with("admin:"), "{it:?}"))
            .map(|it| it.action.as_str())
            .collect();
        done.sort_unstable();
        assert_eq!(done, ["partner.create", "partner.set", "partner.set", "partner.set"]);
    }

    /// Where a partner is called, and whom its server is trusted by, holds from the next call on.
    async fn a_partner_is_called_where_the_operator_says(database) {
        let sandbox = Sandbox::start(database).await;
        let account = sandbox.admin("OPERATOR", None).await;
        let operator = account.sign_in(&sandbox).await;
        let ours = client_ca(&sandbox);
        let first = Partner::start_for(&ours, |_, _| Behaviour::Status(204)).await;
        let second = Partner::start_for(&ours, |_, _| Behaviour::Status(204)).await;
        point_to(&sandbox, &first, &["cardLocked"]).await;
        let story = Story::begin(&sandbox, 0).await;
        let lock = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
        let path = of("sandbox");
        let before = expect(200, operator.get(&path)).await;
        for (change, title) in [
            (json!({ "baseUrl": "http://bank.example" }), "BASE_URL_INVALID"),
            (json!({ "baseUrl": second.base_url(), "trustedCa": "?" }), "TRUSTED_CA_REFUSED"),
        ] {
            let told = expect(422, operator.put(&path).json(&change)).await;
            assert_eq!(told["title"], title, "{change}");
        }
        // Whoever answers there approves payments: a session alone isn't enough.
        let mut change = json!({ "baseUrl": second.base_url(), "trustedCa": second.authority() });
        let told = expect(403, operator.put(&path).json(&change)).await;
        assert_eq!(told["title"], "CONFIRMATION_REQUIRED");
        assert_eq!(expect(200, operator.get(&path)).await, before);
        change["totp"] = account.code(1).into();
        expect(204, operator.put(&path).json(&change)).await;
        let records = operator.get("/admin/audit?action=partner.outbound&limit=1");
        let records = expect(200, records.header("Issuer-Code", "sandbox")).await;
        let (was, is) = {
            let detail = &records["items"][0]["detail"];
            (&detail["before"], &detail["after"])
        };
        assert_eq!((&was["baseUrl"], &is["baseUrl"]), (&before["baseUrl"], &change["baseUrl"]));
        assert!(was["trustedCa"] != is["trustedCa"] && is["trustedCa"].is_string(), "{records}");
        let shown = expect(200, operator.get(&path)).await;
        assert_eq!(shown["baseUrl"], second.base_url());
        assert_eq!(shown["callable"], true);
        assert_ne!(shown["trustedCa"], before["trustedCa"]);
        assert_eq!(shown["notifications"], before["notifications"], "the rest stays");
        expect(204, sandbox.partner().post(&lock).json(&json!({ "reason": 7 }))).await;
        eventually("the second is told", PATIENCE, async || second.count() == 1).await;
        assert_eq!(first.count(), 0);
    }

    /// What doesn't go together, or is beyond what can be, is refused and changes nothing.
    async fn what_no_partner_can_be_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let operator = signed_in(&sandbox, "OPERATOR").await;
        let before = expect(200, operator.get(&of("sandbox"))).await;
        for (change, title) in [
            (json!({ "timeZone": "Mars/Base" }), "TIME_ZONE_UNKNOWN"),
            (json!({ "sessionMinutes": 0 }), "PARTNER_SETTINGS_INVALID"),
            (json!({ "sessionMinutes": 721 }), "PARTNER_SETTINGS_INVALID"),
            (json!({ "askWithinMs": 99 }), "PARTNER_SETTINGS_INVALID"),
            (json!({ "asksAtOnce": 1025 }), "PARTNER_SETTINGS_INVALID"),
            (json!({ "standIn": 0 }), "PARTNER_SETTINGS_INVALID"),
            (json!({ "kycMode": "NOBODY" }), "VALIDATION_ERROR"),
            (json!({ "name": "" }), "VALIDATION_ERROR"),
        ] {
            let told = expect(422, operator.put(&of("sandbox")).json(&change)).await;
            assert_eq!(told["title"], title, "{change}");
        }
        assert_eq!(expect(200, operator.get(&of("sandbox"))).await, before);
        let external = json!({ "issuerCode": "ext", "balanceMode": "EXTERNAL" });
        let told = expect(422, operator.post(PARTNERS).json(&external)).await;
        assert_eq!(told["title"], "MODE_NOT_SUPPORTED");
        assert_eq!(answer(operator.get(&of("ext"))).await.0, 404);

        let (mut codes, mut after) = (Vec::new(), String::new());
        loop {
            let page = expect(200, operator.get(&format!("{PARTNERS}?limit=1{after}"))).await;
            codes.extend(page["items"].as_array().expect("a list").iter().cloned());
            let Value::String(next) = &page["next"] else { break };
            after = format!("&after={next}");
        }
        let codes: Vec<&str> = codes.iter().filter_map(|it| it["issuerCode"].as_str()).collect();
        assert!(codes.len() >= 2 && codes.is_sorted() && codes.contains(&"sandbox"), "{codes:?}");
    }
}
