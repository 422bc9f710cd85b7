//! The transaction history core over real TLS: its records follow the ledger, partners write beside
//! them and add their own, and are told of each change.

use crate::deliveries::{client_ca, point_to};
use crate::story::{Story, answer, expect, unique};
use crate::support::{Caller, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Partner, eventually};

const ALL: &str = "/thc/transactions";
/// Where a partner is told.
const EVENT: &str = "/transaction-event";
/// The purchase of the seeds' two full examples.
const SEEDS: &str = include_str!("../../../api/src/thc/record/authorized.json");
/// How long a delivery may take on a machine that builds at the same time.
const PATIENCE: Duration = Duration::from_secs(60);

async fn record(partner: &Caller, id: &Value) -> Value {
    expect(200, partner.get(&format!("{ALL}/{id}"))).await
}

/// The records that a query finds, newest first, on pages of two.
async fn listed(caller: &Caller, path: &str, query: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = expect(200, caller.get(&format!("{path}?limit=2{query}{after}"))).await;
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= 2);
        all.extend(items.clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

/// The network's or the caller's ids of some records.
fn names(records: &[Value]) -> Vec<&str> {
    records.iter().map(|it| it["merchantTransactionId"].as_str().expect("an id")).collect()
}

fn write(partner: &Caller, id: &Value, notes: &Value) -> RequestBuilder {
    partner.request(Method::PUT, &format!("{ALL}/{id}")).json(notes)
}

/// A record of the partner's own.
fn own(story: &Story, client_id: &str) -> Value {
    json!({
        "clientTransactionId": client_id, "type": "PURCHASE", "status": "CLEARED",
        "amountMinor": 1_250, "currency": "EUR", "timestamp": "2026-11-20T10:00:00.5+01:00",
        "userId": story.customer, "merchantTransactionId": client_id,
    })
}

fn add(partner: &Caller, record: &Value) -> RequestBuilder {
    partner.post(ALL).json(record)
}

/// A message of the network with all that it can say.
fn told(processor: &Caller, story: &Story, kind: &str, id: &str, more: &Value) -> RequestBuilder {
    let mut body = json!({
        "card": { "cardId": story.card }, "kind": kind, "type": "pos", "amount": 2233,
        "currency": "EUR", "transactionId": id, "transactionDate": "2026-11-21T10:10:54+00:00",
        "description": "Book store", "originalAmount": 76_000, "originalCurrency": "THB",
        "transactionData": {
            "mcc": "4121", "merchantIdentifier": "12345678", "captureMode": "ECOM",
            "acquirerCountry": "THA",
        },
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let path = "/processor/v1/authorizations";
    processor.post(path).header("X-Idempotency-Key", id).json(&body)
}

/// A reversal of the purchase `177482`, in whole or in part.
fn reversal(processor: &Caller, story: &Story, id: &str, minor: i64) -> RequestBuilder {
    let body = json!({
        "card": { "cardId": story.card }, "amount": minor, "currency": "EUR",
        "transactionId": id, "transactionDate": "2026-11-21T11:50:10+00:00",
        "referenceTransactionId": "177482",
        "referenceTransactionDate": "2026-11-21T10:10:54+00:00",
    });
    processor.post("/processor/v1/reversals").header("X-Idempotency-Key", id).json(&body)
}

/// The seeds' example but for what is this sandbox's own.
fn as_in_the_seeds(story: &Story, own: [(&str, Value); 6]) -> Value {
    let mut expected: Value = serde_json::from_str(SEEDS).expect("JSON");
    let of_story = [
        ("timestamp", json!("2026-11-21T10:10:54Z")),
        ("userId", json!(story.customer)),
        ("cardId", json!(story.card)),
        ("balanceId", json!(story.balance)),
        ("commissionMinorValue", Value::Null),
    ];
    for (name, value) in own.into_iter().chain(of_story) {
        expected[name] = value;
    }
    expected
}

/// The fields in which two records differ.
fn changed(before: &Value, after: &Value) -> Vec<String> {
    let fields = before.as_object().expect("a record");
    assert_eq!(fields.len(), after.as_object().expect("a record").len());
    let differs = fields.iter().filter(|(name, value)| after[name.as_str()] != **value);
    differs.map(|(name, _)| name.clone()).collect()
}

/// A value for a field of an own record that isn't one.
fn wrong_values() -> Vec<(&'static str, Value)> {
    let long = "x".repeat(501);
    let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    vec![
        ("clientTransactionId", json!(null)),
        ("clientTransactionId", json!("")),
        ("clientTransactionId", json!("x".repeat(101))),
        ("clientTransactionId", json!(7)),
        ("type", json!("purchase")),
        ("status", json!("DONE")),
        ("amountMinor", json!(-1)),
        ("amountMinor", json!(1.5)),
        ("amountMinor", json!("1")),
        ("currency", json!("EURO")),
        ("timestamp", json!("yesterday")),
        ("timestamp", json!(1_665_557_034)),
        ("userId", json!("1")),
        ("userId", json!(0)),
        ("cardId", json!(-1)),
        ("balanceId", json!("1")),
        ("description", json!("a\u{0}b")),
        ("comment", json!(long)),
        ("labels", json!("a")),
        ("labels", json!([1])),
        ("labels", json!(["a", "a"])),
        ("labels", json!(many)),
        ("labels", json!(["x".repeat(51)])),
        ("externalDeviceId", json!({})),
        ("transactionCountryCode", json!("PL")),
        ("transactionChannel", json!("pos")),
        ("mcc", json!("58")),
        ("originalAmountMinor", json!(-5)),
        ("originalCurrency", json!("zł")),
        ("exchangeRate", json!("4.32")),
        ("exchangeRate", json!(-4)),
        ("exchangeRate", json!(0)),
        ("exchangeRate", json!(1e300)),
        ("commissionMinorValue", json!([])),
        ("clearingTimestamp", json!("")),
    ]
}

on_both_databases! {
    /// The seeds' example, played: a purchase is told of, read, reversed, told of and read again.
    async fn a_record_follows_its_transaction(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(202)).await;
        point_to(&sandbox, &partner, &["transactionEvent"]).await;
        let (caller, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 22_233).await;
        let rate =
            json!({ "conversionRate": "34.053252272342", "description": "Description" });
        let held = expect(200, told(processor, &story, "authorization", "177482", &rate)).await;
        // Of the top-up and of the purchase.
        eventually("the partner is told", PATIENCE, async || partner.count() == 2).await;
        let received = partner.received();
        for event in &received {
            assert_eq!((event.path.as_str(), event.method.as_str()), (EVENT, "POST"));
        }
        let whole = expect(200, caller.get(&format!("{ALL}?cardId={}", story.card))).await;
        let authorized = record(caller, &whole["items"][0]["id"]).await;
        assert_eq!(authorized, whole["items"][0]);
        assert!(received.iter().any(|event| event.body["id"] == authorized["id"]));
        let user = expect(200, caller.get(&format!("/lifecycle/v1/users/{}", story.customer))
            .header("Issuer-Code", "sandbox")).await;
        let number = story.full["cardNo"].as_str().expect("a number");
        let own = [
            ("id", authorized["id"].clone()),
            ("clientTransactionId", held["id"].clone()),
            ("cardLastFourDigits", json!(number[12..])),
            ("cardBin", json!(number[..6])),
            ("userPhone", user["phone"].clone()),
            ("userEmail", user["email"].clone()),
        ];
        assert_eq!(authorized, as_in_the_seeds(&story, own));

        // A part first: that leaves the name as it is.
        for (id, minor, fields, amount, event) in [
            ("2678822", 233, &["amountMinor"][..], 2_000, 3),
            ("2678823", 2_000, &["amountMinor", "merchantTransactionId", "status"], 0, 4),
        ] {
            expect(200, reversal(processor, &story, id, minor)).await;
            let reversed = record(caller, &authorized["id"]).await;
            assert_eq!(changed(&authorized, &reversed), fields);
            assert_eq!(reversed["amountMinor"], amount);
            eventually("the partner is told", PATIENCE, async || partner.count() == event).await;
            assert_eq!(partner.received()[event - 1].body["id"], authorized["id"]);
        }
        let reversed = record(caller, &authorized["id"]).await;
        assert_eq!(reversed["status"], "REVERSED");
        assert_eq!(reversed["merchantTransactionId"], "2678823");
    }

    /// Every way in which a record comes to be: type, status, amount, channel and rate.
    async fn each_kind_of_event_has_its_record(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 0).await;
        expect(201, story.top_up(partner, &json!(50_000), "t1")).await;
        let data = |mode: &str| json!({ "transactionData": { "captureMode": mode } });
        let plain = json!({ "originalAmount": null, "originalCurrency": null });
        let merged = |mode: &str, more: Value| {
            let mut whole = data(mode);
            for (name, value) in more.as_object().expect("an object") {
                whole[name] = value.clone();
            }
            whole
        };
        for (kind, id, more) in [
            ("authorization", "pos", merged("EMV", plain.clone())),
            ("authorization", "nfc", data("NFC")),
            ("authorization", "atm", merged("EMV", json!({ "type": "atm" }))),
            ("authorization", "no", merged("EMV", json!({ "amount": 9_000_000 }))),
            ("credit", "refund", data("ADJ")),
            ("force-credit", "sent", json!({ "transactionData": {
                "adjustmentReasonDescription": "MONEY_SEND" } })),
            ("authorization", "cleared", data("ECOM")),
        ] {
            expect(200, told(processor, &story, kind, id, &more)).await;
        }
        let clearing = json!({
            "card": { "cardId": story.card }, "amount": 2_000, "currency": "EUR",
            "transactionId": "c1", "transactionDate": "2026-11-22T10:00:00+00:00",
            "referenceTransactionId": "cleared",
            "referenceTransactionDate": "2026-11-21T10:10:54+00:00",
        });
        let post = processor.post("/processor/v1/clearings").header("X-Idempotency-Key", "c1");
        expect(200, post.json(&clearing)).await;
        let withdrawal = json!({
            "type": "withdrawal", "amount": 100, "currency": "EUR", "description": "To my bank",
            "externalTransactionId": "w1",
        });
        let path = format!("/secure/balances/{}/transactions", story.balance);
        expect(201, partner.post(&path).json(&withdrawal)).await;

        let records = listed(partner, ALL, &format!("&userId={}", story.customer)).await;
        let rate = json!(34.034_930_586_655);
        for (id, kind, status, amount, channel, rate, reason) in [
            ("t1", "PAYMENT", "CLEARED", -50_000, None, json!(null), None),
            ("pos", "PURCHASE", "AUTHORIZED", 2_233, Some("POS"), json!(null), None),
            ("nfc", "PURCHASE", "AUTHORIZED", 2_233, Some("CONTACTLESS"), rate.clone(), None),
            ("atm", "WITHDRAWAL", "AUTHORIZED", 2_233, Some("ATM"), rate.clone(), None),
            ("no", "PURCHASE", "DECLINED", 9_000_000, Some("POS"), json!(0.008_444_444_444),
                Some("INSUFFICIENT_FUNDS")),
            ("refund", "REFUND", "AUTHORIZED", -2_233, Some("POS"), rate.clone(), None),
            ("sent", "PAYMENT", "AUTHORIZED", -2_233, Some("POS"), rate.clone(), None),
            ("cleared", "PURCHASE", "CLEARED", 2_000, Some("ECOMMERCE"), rate.clone(), None),
            ("w1", "WITHDRAWAL", "CLEARED", 100, None, json!(null), None),
        ] {
            let found = records.iter().find(|it| it["merchantTransactionId"] == id);
            let found = found.unwrap_or_else(|| panic!("{id}: {records:?}"));
            let told = (&found["type"], &found["status"], &found["amountMinor"]);
            assert_eq!(told, (&json!(kind), &json!(status), &json!(amount)), "{id}");
            assert_eq!(found["transactionChannel"], json!(channel), "{id}");
            assert_eq!(found["exchangeRate"], rate, "{id}");
            assert_eq!(found["issuerResponseInformation"], json!(reason), "{id}");
            assert_eq!(found["clearingTimestamp"].is_string(), status == "CLEARED", "{id}");
            assert_eq!(found["area"].is_string(), channel.is_some(), "{id}");
        }
    }

    /// Whatever is named must be true, also of what the partner has added, page by page; the user's
    /// app sees the same records of its user alone.
    async fn a_list_is_what_was_asked_for(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let (one, other) = (Story::begin(&sandbox, 0).await, Story::begin(&sandbox, 0).await);
        expect(201, one.top_up(partner, &json!(1_000), "t1")).await;
        expect(201, other.top_up(partner, &json!(1_000), "t2")).await;
        expect(200, one.purchase(processor, 100, "p1")).await;
        expect(200, other.purchase(processor, 100, "p2")).await;
        let mut record = own(&one, "o1");
        record["merchantName"] = json!("Bar Wesoły");
        expect(201, add(partner, &record)).await;
        let mut record = own(&other, "o2");
        record["cardId"] = other.card.into();
        record["balanceId"] = other.balance.clone().into();
        (record["type"], record["amountMinor"]) = (json!("REFUND"), json!(-5));
        expect(201, add(partner, &record)).await;
        expect(200, one.message(processor, "reversals", 100, "r1", Some("p1"))).await;
        let p2 = listed(partner, ALL, "&status=AUTHORIZED").await;
        let notes = json!({ "comment": "Breakfast with Zoë", "labels": ["Food"] });
        expect(200, write(partner, &p2[0]["id"], &notes)).await;

        let user = format!("&userId={}", one.customer);
        let card = format!("&cardId={}", other.card);
        let balance = format!("&balanceId={}", other.balance);
        for (query, found) in [
            ("", &["o2", "o1", "p2", "r1", "t2", "t1"][..]),
            (user.as_str(), &["o1", "r1", "t1"]),
            (card.as_str(), &["o2", "p2"]),
            (balance.as_str(), &["o2", "p2", "t2"]),
            (&format!("{user}{card}"), &[]),
            ("&status=REVERSED", &["r1"]),
            ("&status=DECLINED", &[]),
            ("&status=CLEARED", &["o2", "o1", "t2", "t1"]),
            ("&type=PURCHASE", &["o1", "p2", "r1"]),
            ("&type=REFUND", &["o2"]),
            ("&type=PAYMENT&status=CLEARED", &["t2", "t1"]),
            ("&to=2026-11-21T00:00:00Z&type=PURCHASE", &["o1"]),
            ("&from=2026-11-20T09:00:01Z&type=PURCHASE", &["p2", "r1"]),
            ("&text=weso%C5%82Y", &["o1"]),
            ("&text=zo%C3%8B", &["p2"]),
            ("&text=food", &["p2"]),
            ("&text=STORE", &["p2", "r1"]),
            ("&text=top-up", &["t2", "t1"]),
            ("&text=nowhere", &[]),
        ] {
            assert_eq!(names(&listed(partner, ALL, query).await), found, "{query}");
        }
        let phone = sandbox.phone("sandbox", one.customer).await;
        let mobile = listed(&phone.caller, "/customers/me/transaction-history", "").await;
        assert_eq!(mobile, listed(partner, ALL, &user).await);
        let found = listed(&phone.caller, "/customers/me/transaction-history", "&text=bar").await;
        assert_eq!(names(&found), ["o1"]);
        let foreign = format!("/customers/me/transaction-history?userId={}", other.customer);
        expect(422, phone.caller.get(&foreign)).await;
    }

    /// What is written beside a record is in the place of what was there, masked, told of once, and
    /// touches nothing else.
    async fn a_partner_writes_beside_a_record(database) {
        let sandbox = Sandbox::start(database).await;
        let server = Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(200)).await;
        point_to(&sandbox, &server, &["transactionEvent"]).await;
        let (partner, story) = (sandbox.partner(), Story::begin(&sandbox, 0).await);
        expect(201, story.top_up(partner, &json!(500), "t1")).await;
        let query = format!("&userId={}", story.customer);
        let before = listed(partner, ALL, &query).await.remove(0);
        let notes = json!({
            "comment": "Paid by 4111 1111 1111 1111", "labels": ["a", "b"],
            "userExternalId": "u-1", "externalCardId": "c-1", "externalDeviceId": "d-1",
            "amountMinor": 7, "status": "REVERSED",
        });
        let written = expect(200, write(partner, &before["id"], &notes)).await;
        let fields =
            ["comment", "externalCardId", "externalDeviceId", "labels", "userExternalId"];
        assert_eq!(changed(&before, &written), fields);
        assert_eq!(written["comment"], "Paid by 4111 11** **** 1111");
        assert_eq!(written["labels"], json!(["a", "b"]));
        assert_eq!(record(partner, &before["id"]).await, written);
        // Sent back as it was read, nothing changes, and nobody is told.
        assert_eq!(expect(200, write(partner, &before["id"], &written)).await, written);
        let emptied = expect(200, write(partner, &before["id"], &json!({}))).await;
        assert_eq!(emptied, before);
        eventually("the partner is told", PATIENCE, async || server.count() >= 3).await;
        let ids: Vec<Value> = server.received().iter().map(|it| it.body["id"].clone()).collect();
        assert_eq!(ids, vec![before["id"].clone(); 3]);

        // Whoever has removed the user writes nothing more beside their records.
        let spent = json!({
            "type": "withdrawal", "amount": 500, "currency": "EUR", "description": "Out",
            "externalTransactionId": "w1",
        });
        let path = format!("/secure/balances/{}/transactions", story.balance);
        expect(201, partner.post(&path).json(&spent)).await;
        let user = format!("/lifecycle/v1/users/{}", story.customer);
        expect(204, partner.delete(&user).header("Issuer-Code", "sandbox")).await;
        let refused = expect(404, write(partner, &before["id"], &notes)).await;
        assert_eq!(refused["title"], "CUSTOMER_NOT_FOUND");
        let refused = expect(404, add(partner, &own(&story, "late"))).await;
        assert_eq!(refused["title"], "CUSTOMER_NOT_FOUND");
    }

    /// A partner's own record says what it was sent with, once for its name and type, and beside a
    /// transaction of that name only with another type.
    async fn a_partner_adds_records_of_its_own(database) {
        let sandbox = Sandbox::start(database).await;
        let server = Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(200)).await;
        point_to(&sandbox, &server, &["transactionEvent"]).await;
        let (partner, story) = (sandbox.partner(), Story::begin(&sandbox, 0).await);
        let mut whole = own(&story, "order-7");
        for (name, value) in json!({
            "status": "AUTHORIZED", "cardId": story.card, "balanceId": story.balance,
            "description": "Lunch", "merchantName": "Bar", "merchantPostalCode": "20-128",
            "transactionCountryCode": "POL", "transactionChannel": "CONTACTLESS", "mcc": "5812",
            "originalAmountMinor": 5_400, "originalCurrency": "PLN", "exchangeRate": 4.32,
            "commissionMinorValue": 12, "clearingTimestamp": "2026-11-21T00:00:00Z",
            "contrahent": { "iban": "PL61109010140000071219812874", "bic": "WBKPPLPP",
                "name": "Bar" },
            "comment": "c", "labels": ["l"], "userExternalId": "u", "externalCardId": "k",
            "externalDeviceId": "d",
        }).as_object().expect("an object") {
            whole[name] = value.clone();
        }
        let made = expect(201, add(partner, &whole).header("X-Idempotency-Key", "k1")).await;
        let again = expect(201, add(partner, &whole).header("X-Idempotency-Key", "k1")).await;
        assert_eq!(made, again);
        assert_eq!(record(partner, &made["id"]).await, made);
        for (name, value) in whole.as_object().expect("an object") {
            let value = match name.as_str() {
                "timestamp" => &json!("2026-11-20T09:00:00Z"),
                _ => value,
            };
            assert_eq!(&made[name], value, "{name}");
        }
        assert_eq!(made["cardLastFourDigits"], story.full["cardNo"].as_str().expect("it")[12..]);
        assert_eq!(made["area"], "PREPAID");

        let taken = expect(409, add(partner, &whole)).await;
        assert_eq!(taken["title"], "HISTORY_RECORD_ALREADY_EXISTS");
        let mut refund = own(&story, "order-7");
        (refund["type"], refund["amountMinor"]) = (json!("REFUND"), json!(-1_250));
        let refund = expect(201, add(partner, &refund)).await;
        let top_up = expect(201, story.top_up(partner, &json!(500), "t1")).await;
        let of_ledger = top_up["id"].as_str().expect("an id");
        let mut payment = own(&story, of_ledger);
        (payment["type"], payment["amountMinor"]) = (json!("PAYMENT"), json!(-1));
        expect(409, add(partner, &payment)).await;
        expect(201, add(partner, &own(&story, of_ledger))).await;
        // Each of them was told, the top-up among them, and no money has moved.
        eventually("the partner is told", PATIENCE, async || server.count() == 4).await;
        let told: Vec<Value> = server.received().iter().map(|it| it.body["id"].clone()).collect();
        assert!(told.contains(&made["id"]) && told.contains(&refund["id"]), "{told:?}");
        assert_eq!(story.amounts(&sandbox).await, (500, 0));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        let written = expect(200, write(partner, &made["id"], &json!({ "comment": "d" }))).await;
        let fields =
            ["comment", "externalCardId", "externalDeviceId", "labels", "userExternalId"];
        assert_eq!(changed(&made, &written), fields);
    }

    /// Numbers are each partner's own: another's record is never found by its number.
    async fn anothers_records_are_not_there(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, story) = (sandbox.partner(), Story::begin(&sandbox, 0).await);
        let external = sandbox.partner_of_code("external");
        let mut ids = Vec::new();
        for _ in 0..3 {
            let made = expect(201, add(partner, &own(&story, &unique().to_string()))).await;
            ids.push(made["id"].clone());
        }
        // Numbers are each partner's own: the first is also that of the load of its deposit.
        for id in &ids[1..] {
            for request in
                [external.get(&format!("{ALL}/{id}")), write(&external, id, &json!({}))]
            {
                let (status, body) = answer(request).await;
                assert_eq!((status, &body["title"]), (404, &json!("TRANSACTION_NOT_FOUND")));
            }
        }
        assert_eq!(listed(&external, ALL, "").await.len(), 1);
        for (name, title) in [
            ("userId", "CUSTOMER_NOT_FOUND"),
            ("cardId", "CARD_NOT_FOUND"),
            ("balanceId", "BALANCE_NOT_FOUND"),
        ] {
            let value = match name {
                "userId" => story.customer.to_string(),
                "cardId" => story.card.to_string(),
                _ => story.balance.clone(),
            };
            let refused = expect(404, external.get(&format!("{ALL}?{name}={value}"))).await;
            assert_eq!(refused["title"], title);
        }
        let refused = expect(404, add(&external, &own(&story, "theirs"))).await;
        assert_eq!(refused["title"], "CUSTOMER_NOT_FOUND");
        // Another user's card and balance aren't the user's.
        let other = Story::begin(&sandbox, 0).await;
        for (name, value, title) in [
            ("cardId", json!(other.card), "CARD_NOT_FOUND"),
            ("balanceId", json!(other.balance), "BALANCE_NOT_FOUND"),
        ] {
            let mut record = own(&story, "mixed");
            record[name] = value;
            assert_eq!(expect(404, add(partner, &record)).await["title"], title);
        }
        for id in ["0", "x", "-1", "1e3", "99999999999999999999"] {
            let refused = expect(404, partner.get(&format!("{ALL}/{id}"))).await;
            assert_eq!(refused["title"], "TRANSACTION_NOT_FOUND", "{id}");
        }
    }

    /// Each wrong field of a body, and each wrong parameter, is named.
    async fn bad_input_is_named(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, story) = (sandbox.partner(), Story::begin(&sandbox, 0).await);
        let whole = own(&story, "bad");
        for (name, value) in wrong_values() {
            let mut record = whole.clone();
            record[name] = value.clone();
            let refused = expect(422, add(partner, &record)).await;
            assert_eq!(refused["violations"][0]["field"], name, "{value}: {refused}");
            if ["comment", "labels", "externalDeviceId"].contains(&name) {
                let refused = expect(422, write(partner, &json!(1), &json!({ name: value }))).await;
                assert_eq!(refused["violations"][0]["field"], name);
            }
        }
        let mut record = whole.clone();
        record["contrahent"] = json!({ "iban": "x".repeat(35), "name": 7 });
        let refused = expect(422, add(partner, &record)).await;
        let field = |at: usize| refused["violations"][at]["field"].clone();
        assert_eq!((field(0), field(1)), (json!("contrahent.iban"), json!("contrahent.name")));
        record["contrahent"] = json!("me");
        let refused = expect(422, add(partner, &record)).await;
        assert_eq!(refused["violations"][0]["field"], "contrahent");
        (record["type"], record["contrahent"]) = (json!("REFUND"), json!(null));
        let refused = expect(422, add(partner, &record)).await;
        assert_eq!(refused["violations"][0]["field"], "amountMinor");
        expect(400, partner.post(ALL)).await;
        expect(400, partner.request(Method::PUT, &format!("{ALL}/1"))).await;

        for (query, field) in [
            ("userId=x", "userId"),
            ("cardId=0", "cardId"),
            ("balanceId=1", "balanceId"),
            ("status=SUCCESS", "status"),
            ("type=pos", "type"),
            ("from=now", "from"),
            ("from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z", "to"),
            ("text=", "text"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("after=x", "after"),
            ("customerId=1", "customerId"),
        ] {
            let refused = expect(422, partner.get(&format!("{ALL}?{query}"))).await;
            assert_eq!(refused["violations"][0]["field"], field, "{query}");
        }
        let query = format!("text={}", "x".repeat(101));
        expect(422, partner.get(&format!("{ALL}?{query}"))).await;
    }
}
