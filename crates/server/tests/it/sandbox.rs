//! `/sandbox/v1` and the partners of a sandbox.

use crate::story::{Story, answer, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Partner, eventually};

const LOCKED: &str = "/notifications/cardLocked";
const DAY: i64 = 24 * 60 * 60;
/// How long a worker may take that runs every second.
const WORKER: Duration = Duration::from_secs(30);

fn set(partner: &Caller, body: &Value) -> RequestBuilder {
    partner.request(Method::PUT, "/sandbox/v1/settings").json(body)
}

fn lock(sandbox: &Sandbox, story: &Story) -> RequestBuilder {
    let path = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
    sandbox.partner().post(&path).json(&json!({ "reason": 7 }))
}

fn unlock(sandbox: &Sandbox, story: &Story) -> RequestBuilder {
    let path = format!("/secure/customers/{}/cards/{}/unlock", story.customer, story.card);
    sandbox.partner().post(&path)
}

/// What the demonstration partner was sent for a partner, and where the next page begins.
async fn received(partner: &Caller, query: &str) -> (Vec<Value>, Value) {
    let page = expect(200, partner.get(&format!("/sandbox/v1/received{query}"))).await;
    (page["items"].as_array().expect("a list").clone(), page["next"].clone())
}

fn advance(partner: &Caller, seconds: &Value) -> RequestBuilder {
    partner.post("/sandbox/v1/clock").json(&json!({ "advanceSeconds": seconds }))
}

/// The time that an answer tells, in seconds since 1970.
fn told(answer: &Value) -> i64 {
    let now: domain::Timestamp = answer["now"].as_str().expect("a time").parse().expect("a time");
    now.as_second()
}

/// The fields that an answer finds wrong.
async fn wrong_fields(request: RequestBuilder) -> Vec<String> {
    let problem = expect(422, request).await;
    assert_eq!(problem["title"], "VALIDATION_ERROR", "{problem}");
    let violations = problem["violations"].as_array().expect("violations");
    violations.iter().map(|it| it["field"].as_str().expect("a field").to_owned()).collect()
}

/// What the command line tells of a partner.
async fn listed(sandbox: &Sandbox, code: &str) -> Value {
    let listed = sandbox.antaca(&["partner", "list"]).await;
    let partners = listed.assert_done().json();
    let partner = partners.into_iter().find(|partner| partner["issuerCode"] == code);
    partner.expect("the partner is listed")
}

on_both_databases! {
    /// The partner that holds its users' money works out of the box: its balances are at the
    /// demonstration partner, which is asked, told, and decides.
    async fn the_demonstration_partner_holds_its_users_money(database) {
        let mut sandbox = Sandbox::start(database).await;
        let partners = sandbox.file()["partners"].as_array().expect("a list");
        let codes: Vec<&Value> = partners.iter().map(|partner| &partner["issuerCode"]).collect();
        assert_eq!(codes, ["sandbox", "external", "shared"]);
        let listed = listed(&sandbox, "external").await;
        let names = ["balanceMode", "authorizationMode", "collateralMode"];
        let modes = ["EXTERNAL", "OWN", "DEPOSIT"].map(Value::from);
        assert_eq!(names.map(|name| listed[name].clone()), modes);

        let partner = sandbox.partner_of_code("external");
        let story = Story::begin_of((&partner, "external", "0019167988"), 2_000).await;
        let amounts = async || story.amounts_by(&partner).await;
        assert_eq!(amounts().await, (102_000, 0), "1,000.00 at first, and the top-up");
        let processor = sandbox.processor();
        let paid = expect(200, story.purchase(processor, 5_000, "p1")).await;
        assert_eq!(paid["actionCode"], "0000", "{paid}");
        assert_eq!(amounts().await, (97_000, 0));
        let poor = expect(200, story.purchase(processor, 97_001, "p2")).await;
        assert_eq!([&poor["actionCode"], &poor["description"]], ["1016", "INSUFFICIENT_FUNDS"]);
        let cleared = story.message(processor, "clearings", 5_100, "c1", Some("p1"));
        expect(200, cleared).await;
        eventually("the tip is booked", WORKER, async || amounts().await == (96_900, 0)).await;
        eventually("the clearing is told", WORKER, async || {
            let told = "/secure/partner-calls?status=DELIVERED";
            let page = expect(200, partner.get(told)).await;
            page["items"].as_array().is_some_and(|items| items.len() == 2)
        })
        .await;
        let out = json!({
            "type": "withdrawal", "amount": 96_901, "currency": "EUR", "description": "Cash",
            "externalTransactionId": "w1",
        });
        let withdraw = format!("/secure/balances/{}/transactions", story.balance);
        let refused = expect(422, partner.post(&withdraw).json(&out)).await;
        assert_eq!(refused["title"], "INSUFFICIENT_FUNDS");
        let gift = json!({ "currency": "EUR", "configId": "0019167990" });
        let balances = format!("/secure/customers/{}/balances", story.customer);
        let gift = partner.post(&balances).json(&gift);
        assert_eq!(expect(422, gift).await["title"], "PROGRAM_NOT_FOUND");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();

        // Modes that don't go together are refused.
        let create = ["partner", "create", "--code", "acme", "--balance-mode", "EXTERNAL"];
        let refused = sandbox.antaca(&create).await;
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        assert!(refused.stderr.contains("DEPOSIT"), "{}", refused.stderr);
        sandbox.antaca(&[&create[..], &["--own-bin"]].concat()).await.assert_done();
        let off = ["partner", "set", "--code", "acme", "--own-bin", "off"];
        assert_eq!(sandbox.antaca(&off).await.code, Some(1));
        sandbox.stop().await.assert_done();
    }

    /// All that is wrong is named, and nothing is changed then.
    async fn wrong_settings_change_nothing(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let before = listed(&sandbox, "sandbox").await;
        let ca = std::fs::read_to_string(sandbox.dir().join("ca.pem")).expect("the file");
        let read = |name: &str| {
            std::fs::read_to_string(sandbox.dir().join(name)).expect("the file")
        };
        let (leaf, with_key) = (read("sandbox.pem"), format!("{ca}{}", read("sandbox.key")));
        let url = "https://localhost:9999";
        for (body, fields) in [
            (json!({ "kycMode": "MAYBE" }), &["kycMode"][..]),
            (json!({ "kycMode": "MANUAL", "colour": 1 }), &["colour"]),
            (json!({ "kycMode": "MANUAL", "a field": 1 }), &["body"]),
            (json!({ "kycMode": "MANUAL", "timeBudgetMs": 100 }), &["timeBudgetMs"]),
            (json!({ "standIn": true, "stepUp": 1 }), &["standIn", "stepUp"]),
            (json!({ "descriptionCodes": 1 }), &["descriptionCodes"]),
            (json!({ "notifications": "cardLocked" }), &["notifications"]),
            (json!({ "notifications": ["cardLocked", "cardLost"] }), &["notifications"]),
            (json!({ "notifications": ["cardLocked", "cardLocked"] }), &["notifications"]),
            (json!({ "baseUrl": url }), &["trustedCa"]),
            (json!({ "trustedCa": ca }), &["trustedCa"]),
            (json!({ "baseUrl": null, "trustedCa": ca }), &["trustedCa"]),
            (json!({ "baseUrl": url, "trustedCa": "no PEM" }), &["trustedCa"]),
            (json!({ "baseUrl": url, "trustedCa": leaf }), &["trustedCa"]),
            (json!({ "baseUrl": url, "trustedCa": with_key }), &["trustedCa"]),
            (json!({ "baseUrl": "http://localhost:9999", "trustedCa": ca }), &["baseUrl"]),
            (json!({ "baseUrl": "https://u:p@localhost:9999", "trustedCa": ca }), &["baseUrl"]),
            (json!({ "baseUrl": "https://localhost:22", "trustedCa": ca }), &["baseUrl"]),
            (json!({ "baseUrl": 1, "trustedCa": 2 }), &["baseUrl", "trustedCa"]),
        ] {
            assert_eq!(wrong_fields(set(partner, &body)).await, fields, "{body}");
        }
        expect(400, set(partner, &json!([]))).await;
        assert_eq!(listed(&sandbox, "sandbox").await, before);
    }

    /// A setting is obeyed by the next call; what isn't named stays as it is.
    async fn settings_are_obeyed(database) {
        let mut sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let ca = std::fs::read_to_string(sandbox.dir().join("ca.pem")).expect("the file");
        for body in [
            json!({}),
            json!({ "baseUrl": "https://localhost:9999/", "trustedCa": ca }),
            json!({ "baseUrl": "https://127.0.0.1:9998" }),
            json!({ "trustedCa": ca }),
            json!({ "notifications": [] }),
            json!({ "stepUp": true }),
            json!({ "baseUrl": null }),
            json!({ "kycMode": "MANUAL", "descriptionCodes": "SEEDS",
                    "notifications": ["transaction", "cardLocked", "cardUnlocked"] }),
        ] {
            assert_eq!(answer(set(partner, &body)).await, (204, Value::Null), "{body}");
        }
        let once = |body: Value| set(partner, &body).header("X-Idempotency-Key", "once");
        for _ in 0..2 {
            expect(204, once(json!({ "kycMode": "MANUAL" }))).await;
        }
        let reused = expect(409, once(json!({ "kycMode": "EXTERNAL" }))).await;
        assert_eq!(reused["title"], "IDEMPOTENCY_KEY_REUSED");
        let refused = expect(403, register(partner, &registration())).await;
        assert_eq!(refused["title"], "KYC_NOT_PERMITTED");
        sandbox.stop().await;
        sandbox.restart().await;
        let listed = listed(&sandbox, "sandbox").await;
        assert_eq!([&listed["kycMode"], &listed["descriptionCodes"]], ["MANUAL", "SEEDS"]);
        assert_eq!(listed["stepUp"], true);
        expect(204, set(sandbox.partner(), &json!({ "kycMode": "EXTERNAL" }))).await;
        expect(201, register(sandbox.partner(), &registration())).await;
    }

    /// Holds end with the business time, certificates don't, and a restart doesn't turn it back.
    async fn the_clock_is_moved_for_good(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        expect(200, story.purchase(sandbox.processor(), 4_000, &unique().to_string())).await;
        assert_eq!(story.amounts(&sandbox).await.1, 4_000);
        let real = told(&expect(200, advance(sandbox.partner(), &json!(0))).await);

        let once = |sandbox: &Sandbox| {
            advance(sandbox.partner(), &json!(800 * DAY)).header("X-Idempotency-Key", "once")
        };
        let first = expect(200, once(&sandbox)).await;
        let moved = told(&first) - real - 800 * DAY;
        assert!((0..60).contains(&moved), "{moved}");
        assert_eq!(expect(200, once(&sandbox)).await, first, "a retry moves nothing");
        testkit::eventually("the hold ends", WORKER, async || {
            story.amounts(&sandbox).await == (10_000, 0)
        })
        .await;

        sandbox.stop().await;
        sandbox.restart().await;
        let external = sandbox.partner_of_code("external");
        let after = told(&expect(200, advance(&external, &json!(0))).await);
        assert!(after >= told(&first) && after < told(&first) + 600, "{after}");
        assert_eq!(expect(200, once(&sandbox)).await, first);
    }

    /// The clock goes forwards, and ten years at most.
    async fn the_clock_has_limits(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        for seconds in [json!(-1), json!(1.5), json!("5"), json!(null), json!(3_653 * DAY + 1)] {
            assert_eq!(wrong_fields(advance(partner, &seconds)).await, ["advanceSeconds"]);
        }
        let named = partner.post("/sandbox/v1/clock").json(&json!({
            "advanceSeconds": 1, "seconds": 2,
        }));
        assert_eq!(wrong_fields(named).await, ["seconds"]);
        let before = told(&expect(200, advance(partner, &json!(3_000 * DAY))).await);
        let refused = expect(422, advance(partner, &json!(1_000 * DAY))).await;
        assert_eq!(refused["title"], "CLOCK_LIMIT_REACHED");
        let after = told(&expect(200, advance(partner, &json!(0))).await);
        assert!((0..60).contains(&(after - before)), "{after}");
    }

    /// What happens to a card is told in order, to the demonstration partner at first.
    async fn what_happened_is_told_to_the_demonstration_partner(database) {
        let sandbox = Sandbox::start(database).await;
        let nothing = json!({ "items": [], "next": null });
        for code in ["sandbox", "external"] {
            let partner = sandbox.partner_of_code(code);
            assert_eq!(expect(200, partner.get("/sandbox/v1/received")).await, nothing);
        }
        let story = Story::begin(&sandbox, 0).await;
        expect(204, lock(&sandbox, &story)).await;
        expect(204, unlock(&sandbox, &story)).await;
        testkit::eventually("both arrive", WORKER, async || {
            received(sandbox.partner(), "").await.0.len() == 2
        })
        .await;
        let (items, _) = received(sandbox.partner(), "").await;
        let [locked, unlocked] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!((&locked["method"], &locked["path"]), (&json!("POST"), &json!(LOCKED)));
        assert_eq!(unlocked["path"], "/notifications/cardUnlocked");
        let body = locked["body"].as_object().expect("an object");
        assert_eq!(body["dcCardId"], story.card.to_string());
        assert_eq!(body["reason"], "SUSPECTED_FRAUD");
        assert!(body["date"].as_str().is_some_and(|date| date.ends_with("+00:00")), "{body:?}");
        let headers = &locked["headers"];
        assert_eq!(headers["webhook-id"], headers["x-idempotency-key"]);

        let (first, next) = received(sandbox.partner(), "?limit=1").await;
        assert_eq!(first, items[..1]);
        let next = next.as_str().expect("there is another page").to_owned();
        let (second, next) = received(sandbox.partner(), &format!("?after={next}")).await;
        assert_eq!((second.as_slice(), next), (&items[1..], Value::Null));
        let others = sandbox.partner_of_code("external");
        assert_eq!(expect(200, others.get("/sandbox/v1/received")).await, nothing);
        let limit = sandbox.partner().get("/sandbox/v1/received?limit=0");
        assert_eq!(wrong_fields(limit).await, ["limit"]);
    }

    /// A partner names its own server, is called there, and goes back.
    async fn a_partner_is_called_where_it_says(database) {
        let sandbox = Sandbox::start(database).await;
        let client_ca = sandbox.file()["clientCa"].as_str().expect("a file");
        let client_ca = std::fs::read_to_string(sandbox.dir().join(client_ca)).expect("the file");
        let own = Partner::start_for(&client_ca, |_, _| Behaviour::Status(204)).await;
        let story = Story::begin(&sandbox, 0).await;
        let target = json!({ "baseUrl": own.base_url(), "trustedCa": own.authority() });
        expect(204, set(sandbox.partner(), &target)).await;
        expect(204, lock(&sandbox, &story)).await;
        testkit::eventually("it arrives", WORKER, async || own.count() == 1).await;
        assert_eq!(own.received()[0].path, LOCKED);
        assert!(received(sandbox.partner(), "").await.0.is_empty());

        expect(204, set(sandbox.partner(), &json!({ "baseUrl": null }))).await;
        expect(204, unlock(&sandbox, &story)).await;
        testkit::eventually("it arrives", WORKER, async || {
            received(sandbox.partner(), "").await.0.len() == 1
        })
        .await;
        assert_eq!(own.count(), 1);
        let nothing_told = json!({ "notifications": [] });
        expect(204, set(sandbox.partner(), &nothing_told)).await;
        expect(204, lock(&sandbox, &story)).await;
        let told_again = json!({ "notifications": ["cardUnlocked"] });
        expect(204, set(sandbox.partner(), &told_again)).await;
        expect(204, unlock(&sandbox, &story)).await;
        testkit::eventually("it arrives", WORKER, async || {
            received(sandbox.partner(), "").await.0.len() == 2
        })
        .await;
        let (items, _) = received(sandbox.partner(), "").await;
        assert!(items.iter().all(|item| item["path"] != LOCKED), "{items:?}");
    }
}
