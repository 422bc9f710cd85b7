//! Limits, controls and transactional locks, over real TLS.

use crate::story::{Story, expect};
use crate::support::Sandbox;
use serde_json::{Value, json};

pub(crate) fn limits_path(story: &Story) -> String {
    format!("/secure/customers/{}/cards/{}/limits", story.customer, story.card)
}

async fn decline(sandbox: &Sandbox, story: &Story, minor: i64, id: &str) -> (Value, Value) {
    let told = expect(200, story.purchase(sandbox.processor(), minor, id)).await;
    (told["description"].clone(), told["actionCode"].clone())
}

on_both_databases! {
    /// A partner limits a card and sees what was spent of it.
    async fn a_partner_limits_a_card(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let path = limits_path(&story);
        let empty = expect(200, sandbox.partner().get(&path)).await;
        let nothing = json!({
            "limits": [], "budget": null, "ceilings": [],
            "controls": {
                "mccs": null, "countries": null, "captureModes": null, "merchants": null,
            },
        });
        assert_eq!(empty, nothing);

        let draft = json!({
            "limits": [
                { "type": "general", "timeUnit": "daily", "amountMinor": 500, "count": 3 },
                { "type": "atm", "timeUnit": "transaction", "amountMinor": 0, "currency": "EUR" },
            ],
            "controls": { "countries": { "blocked": ["TH"] }, "mccs": { "blocked": ["7995"] } },
            "budget": { "amountMinor": 700, "from": "2020-01-01", "to": "2099-12-31" },
        });
        let set = expect(200, sandbox.partner().put(&path).json(&draft)).await;
        expect(200, story.purchase(sandbox.processor(), 450, "p1")).await;
        let shown = expect(200, sandbox.partner().get(&path)).await;
        let expected = json!({
            "limits": [
                {
                    "type": "general", "timeUnit": "daily", "currency": "EUR", "amountMinor": 500,
                    "count": 3, "usedMinor": 450, "usedCount": 1,
                },
                {
                    "type": "atm", "timeUnit": "transaction", "currency": "EUR", "amountMinor": 0,
                    "count": null, "usedMinor": 0, "usedCount": 0,
                },
            ],
            "controls": {
                "mccs": { "allowed": null, "blocked": ["7995"] },
                "countries": { "allowed": null, "blocked": ["TH"] },
                "captureModes": null, "merchants": null,
            },
            "budget": {
                "currency": "EUR", "amountMinor": 700, "from": "2020-01-01", "to": "2099-12-31",
                "usedMinor": 450,
            },
            "ceilings": [],
        });
        assert_eq!(shown, expected);
        assert_eq!(set["limits"][0]["usedMinor"], 0);
        let told = decline(&sandbox, &story, 51, "p2").await;
        assert_eq!(told, (json!("EXCEEDS_AMOUNT_LIMIT"), json!("1021")));

        // Somewhere else: the country as the seeds' processors send it.
        let abroad = json!({
            "card": { "cardId": story.card }, "kind": "authorization", "type": "pos", "amount": 1,
            "currency": "EUR", "transactionId": "t1", "description": "Book store",
            "transactionDate": "2026-11-21T10:00:00+00:00",
            "transactionData": { "mcc": "5942", "acquirerCountry": "THA" },
        });
        let call = sandbox.processor().post("/processor/v1/authorizations");
        let told = expect(200, call.header("X-Idempotency-Key", "t1").json(&abroad)).await;
        assert_eq!(told["description"], "TRANSACTION_NOT_PERMITTED");
        assert_eq!(told["actionCode"], "1019");
        expect(200, sandbox.partner().put(&path).json(&json!({}))).await;
        assert_eq!(decline(&sandbox, &story, 51, "p3").await.0, "APPROVED");
    }

    /// What the operator gives a program is the ceiling of its cards.
    async fn an_operator_sets_a_programs_ceilings(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let file = sandbox.dir().join("limits.json");
        let set = async |body: Value| {
            std::fs::write(&file, body.to_string()).expect("writes");
            let file = file.to_str().expect("a path");
            let of = ["--partner", "sandbox", "--config-id", "0019167984", "--limits", file];
            sandbox.antaca(&[&["program", "set"][..], &of].concat()).await
        };
        let daily = json!({ "limits": [
            { "type": "general", "timeUnit": "daily", "amountMinor": 500 },
        ] });
        let shown = set(daily.clone()).await.assert_done().json();
        assert_eq!(shown[0]["rules"]["limits"][0]["amountMinor"], 500);
        let path = limits_path(&story);
        let told = expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(told["ceilings"][0]["amountMinor"], 500);
        let told = decline(&sandbox, &story, 501, "p1").await;
        assert_eq!(told, (json!("LIMIT_EXCEED"), json!("1021")));
        let mut above = daily;
        above["limits"][0]["amountMinor"] = json!(501);
        let told = expect(422, sandbox.partner().put(&path).json(&above)).await;
        assert_eq!(told["title"], "LIMIT_ABOVE_PROGRAM");
        let wrong = json!({ "limits": [{ "type": "petrol", "timeUnit": "daily" }], "budget": {} });
        let refused = set(wrong).await;
        refused.assert_refused("limits[0].type must be general, ecommerce");
        set(json!({})).await.assert_done();
        assert_eq!(decline(&sandbox, &story, 501, "p2").await.0, "APPROVED");
    }

    /// Each fault is named where it is, and nothing is changed.
    async fn limits_that_make_no_sense_are_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let card = limits_path(&story);
        let user = format!("/secure/customers/{}/limits", story.customer);
        let limit = |change: Value| {
            let mut limit = json!({
                "type": "general", "timeUnit": "daily", "amountMinor": 5, "currency": "EUR",
            });
            let change = change.as_object().expect("an object").clone();
            limit.as_object_mut().expect("an object").extend(change);
            json!({ "limits": [limit] })
        };
        let budget = |from: &str, to: &str| {
            json!({ "budget": { "amountMinor": 1, "from": from, "to": to, "currency": "EUR" } })
        };
        let mut one = limit(json!({}))["limits"][0].clone();
        let other = one.clone();
        one["currency"] = Value::Null;
        let twice = json!({ "limits": [one, other] });
        let mut nowhere = budget("2026-01-01", "2026-01-01");
        nowhere["budget"]["currency"] = Value::Null;
        let many: Vec<String> = (0..101).map(|number| format!("m{number}")).collect();
        for (path, body, field) in [
            (&card, limit(json!({ "type": "petrol" })), "limits[0].type"),
            (&card, limit(json!({ "timeUnit": "hourly" })), "limits[0].timeUnit"),
            (&card, limit(json!({ "amountMinor": -1 })), "limits[0].amountMinor"),
            (&card, limit(json!({ "amountMinor": 1.5 })), "limits[0].amountMinor"),
            (&card, limit(json!({ "amountMinor": null })), "limits[0].amountMinor"),
            (&card, limit(json!({ "count": 0 })), "limits[0].count"),
            (&card, limit(json!({ "timeUnit": "transaction", "count": 1 })), "limits[0].count"),
            (&card, limit(json!({ "currency": "XXX" })), "limits[0].currency"),
            (&card, limit(json!({ "amount": 1 })), "limits[0].amount"),
            (&user, limit(json!({ "currency": null })), "limits[0].currency"),
            (&card, twice, "limits"),
            (&card, json!({ "limits": {} }), "limits"),
            (&card, json!({ "limits": [5] }), "limits[0]"),
            (&card, json!({ "controls": { "mccs": {} } }), "controls.mccs.allowed"),
            (&card, json!({ "controls": { "mccs": { "allowed": ["12"] } } }),
                "controls.mccs.allowed"),
            (&card, json!({ "controls": { "mccs": { "allowed": [], "blocked": [] } } }),
                "controls.mccs.allowed"),
            (&card, json!({ "controls": { "countries": { "allowed": ["POL"] } } }),
                "controls.countries.allowed"),
            (&card, json!({ "controls": { "captureModes": { "blocked": ["NFC", "NFC"] } } }),
                "controls.captureModes.blocked"),
            (&card, json!({ "controls": { "merchants": { "blocked": many } } }),
                "controls.merchants.blocked"),
            (&card, json!({ "controls": { "weather": {} } }), "controls.weather"),
            (&card, budget("2026-12-31", "2026-01-01"), "budget.to"),
            (&card, budget("2026-02-30", "2026-12-31"), "budget.from"),
            (&user, nowhere, "budget.currency"),
            (&card, json!({ "limit": [] }), "limit"),
        ] {
            let told = expect(422, sandbox.partner().put(path).json(&body)).await;
            assert_eq!(told["title"], "VALIDATION_ERROR", "{body}");
            let violations = told["violations"].as_array().expect("a list");
            let fields: Vec<&Value> = violations.iter().map(|it| &it["field"]).collect();
            assert_eq!(fields, [field], "{body}");
        }
        let zloty = limit(json!({ "currency": "PLN" }));
        let told = expect(422, sandbox.partner().put(&card).json(&zloty)).await;
        assert_eq!(told["title"], "CURRENCY_MISMATCH");
        expect(200, sandbox.partner().put(&user).json(&zloty)).await;
        assert_eq!(expect(200, sandbox.partner().get(&card)).await["limits"], json!([]));
    }

    /// While a lock stands nothing is paid and nothing taken out; what comes in comes in.
    async fn a_transactional_lock_keeps_money_in(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let partner = sandbox.partner();
        let locks = format!("/secure/customers/{}/transactional-locks", story.customer);
        for reason in ["POLICE_LOCK", "NAGATIVE_VERIFICATION", "POLICE_LOCK"] {
            expect(204, partner.post(&locks).json(&json!({ "reason": reason }))).await;
        }
        let listed = expect(200, partner.get(&locks)).await;
        let expected = json!([{ "reason": "POLICE_LOCK" }, { "reason": "NAGATIVE_VERIFICATION" }]);
        assert_eq!(listed["items"], expected);
        let told = decline(&sandbox, &story, 1, "p1").await;
        assert_eq!(told, (json!("AML_EXCEPTION"), json!("1002")));
        let transactions = format!("/secure/balances/{}/transactions", story.balance);
        let transfer = |kind: &str, id: &str| {
            json!({
                "type": kind, "amount": 5, "currency": "EUR", "description": "A transfer",
                "externalTransactionId": id,
            })
        };
        let out = partner.post(&transactions).json(&transfer("withdrawal", "w1"));
        assert_eq!(expect(422, out).await["title"], "AML_EXCEPTION");
        expect(201, partner.post(&transactions).json(&transfer("topUp", "t1"))).await;

        let unknown = partner.post(&locks).json(&json!({ "reason": "BORED" }));
        assert_eq!(expect(422, unknown).await["title"], "INVALID_LOCK_REASON");
        let unknown = partner.delete(&format!("{locks}/BORED"));
        assert_eq!(expect(422, unknown).await["title"], "INVALID_LOCK_REASON");
        expect(422, partner.post(&locks).json(&json!({ "reason": 7 }))).await;
        for reason in ["POLICE_LOCK", "POLICE_LOCK", "NAGATIVE_VERIFICATION"] {
            expect(204, partner.delete(&format!("{locks}/{reason}"))).await;
        }
        assert_eq!(decline(&sandbox, &story, 1, "p2").await.0, "APPROVED");
    }
}
