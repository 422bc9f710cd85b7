//! Corporations are changed, removed, and erased in time.

use crate::corporations::{
    Company, company, decide, employee, known_company, post_of, registered_of, verified,
};
use crate::denied::told;
use crate::removal_of_users::{nothing_of, spend, tables};
use crate::screening;
use crate::story::{answer, expect, unique};
use crate::support::{Caller, Database, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

fn lifecycle(partner: &Caller, method: Method, id: &str) -> RequestBuilder {
    let path = format!("/lifecycle/v1/corporations/{id}");
    partner.request(method, &path).header("Issuer-Code", "sandbox")
}

fn change(partner: &Caller, id: &str, body: &Value) -> RequestBuilder {
    lifecycle(partner, Method::PUT, id).json(body)
}

on_both_databases! {
    /// What is sent is changed and nothing else; bad input and what is another's change nothing.
    async fn a_corporation_is_changed(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let id = registered_of(partner, "sandbox").await;
        let id = id.as_str();
        let before = expect(200, lifecycle(partner, Method::GET, id)).await;
        let seat = json!({ "street": "Long", "number": "2", "apartment": "3", "city": "Lublin",
            "postCode": "20-128", "country": "PL" });
        let number = format!("N{}", unique());
        let ewa = json!({ "firstName": "Ewa", "lastName": "Wrona", "birthDate": "1990-01-02",
            "nationality": "DE" });
        let body = json!({ "name": "Acme S.A.", "registrationNumber": number, "country": "DE",
            "taxId": "DE1", "address": seat, "representative": ewa, "boardMembers": [ewa],
            "beneficiaries": [] });
        let once = || change(partner, id, &body).header("X-Idempotency-Key", "one");
        let after = expect(200, once()).await;
        let mut expected = before.clone();
        for (name, value) in body.as_object().expect("an object") {
            expected[name] = value.clone();
        }
        expected["representative"]["customerId"] = Value::Null;
        expected["boardMembers"][0]["customerId"] = Value::Null;
        expected["missing"] = json!(["statute", "registerExtract", "ownership", "boardMembers[0]"]);
        assert_eq!(after, expected);
        assert_eq!(expect(200, once()).await, expected);
        assert_eq!(expect(200, lifecycle(partner, Method::GET, id)).await, expected);
        assert_eq!(expect(200, change(partner, id, &json!({}))).await, expected);

        let other = company();
        expect(201, post_of(partner, "sandbox", &other)).await;
        let taken = json!({ "registrationNumber": other["registrationNumber"], "country": "PL" });
        let taken = told(change(partner, id, &taken)).await;
        assert_eq!(taken, (409, json!("CORPORATION_ALREADY_EXISTS")));
        for (wrong, field) in [
            (json!({ "name": "" }), "name"),
            (json!({ "country": "Germany" }), "country"),
            (json!({ "address": { "street": "Long" } }), "address.number"),
            (json!({ "boardMembers": [{ "firstName": "Ewa" }] }), "boardMembers[0].lastName"),
            (json!({ "beneficiaries": "nobody" }), "beneficiaries"),
        ] {
            let problem = expect(422, change(partner, id, &wrong)).await;
            assert_eq!(problem["violations"][0]["field"], field, "{problem}");
        }
        let itself = change(partner, id, &json!({ "kyb": "ACCEPTED", "missing": [] }));
        assert_eq!(expect(200, itself).await, expected, "nobody accepts itself");
        assert_eq!(expect(200, lifecycle(partner, Method::GET, id)).await, expected);
    }

    /// What it was accepted as stands; nobody comes to act for it, or to own it, who isn't
    /// verified; a new name is looked for on the lists at once.
    async fn an_accepted_corporation_stays_known(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let company = Company::begin(&sandbox, 0).await;
        let id = company.id.as_str();
        let before = expect(200, lifecycle(partner, Method::GET, id)).await;
        for stands in [json!({ "name": "Other" }), json!({ "registrationNumber": "1" }),
            json!({ "country": "DE" })] {
            let refused = told(change(partner, id, &stands)).await;
            assert_eq!(refused, (409, json!("CORPORATION_ACCEPTED")), "{stands}");
        }
        let same = json!({ "name": before["name"], "taxId": "PL1" });
        assert_eq!(expect(200, change(partner, id, &same)).await["taxId"], "PL1");
        let mut ewa = json!({ "firstName": "Ewa", "lastName": "Wrona", "birthDate": "1990-01-02",
            "nationality": "PL", "customerId": null });
        let mut board = before["boardMembers"].as_array().expect("a list").clone();
        board.push(ewa.clone());
        let refused = told(change(partner, id, &json!({ "boardMembers": board }))).await;
        assert_eq!(refused, (409, json!("KYB_INCOMPLETE")));
        // A small owner needn't be known; one who comes to own more than a quarter does.
        let mut owners = before["beneficiaries"].as_array().expect("a list").clone();
        let mut small = ewa.clone();
        small["sharePercent"] = 25.into();
        owners.push(small);
        expect(200, change(partner, id, &json!({ "beneficiaries": owners }))).await;
        owners[1]["sharePercent"] = 25.01.into();
        let refused = told(change(partner, id, &json!({ "beneficiaries": owners }))).await;
        assert_eq!(refused, (409, json!("KYB_INCOMPLETE")));
        ewa["customerId"] = verified(partner, "sandbox", &ewa).await.into();
        board[2] = ewa.clone();
        let told = expect(200, change(partner, id, &json!({ "boardMembers": board }))).await;
        assert_eq!((&told["kyb"], &told["missing"]), (&json!("ACCEPTED"), &json!([])));

        screening::load(&sandbox, "1,Zenon Przykladny,1970-01-01\n").await.assert_done();
        ewa["firstName"] = "Zenon".into();
        ewa["lastName"] = "Przykladny".into();
        ewa["birthDate"] = "1970-01-01".into();
        let told = expect(200, change(partner, id, &json!({ "representative": ewa }))).await;
        assert_eq!(told["missing"], json!(["screening"]));
        let locks = partner.get(&format!("/secure/corporations/{id}/transactional-locks"));
        let locks = expect(200, locks).await;
        assert_eq!(locks["items"], json!([{ "reason": "SCREENING_DETECTED" }]));
        // Another name settles nothing: a person says who it is.
        let back = json!({ "representative": before["representative"] });
        assert_eq!(expect(200, change(partner, id, &back)).await["missing"], json!(["screening"]));
        let hits = screening::hits(&sandbox).await;
        let hit = hits.iter().find(|hit| hit["dcCorporationId"] == id).expect("a hit");
        screening::decide(&sandbox, hit, "CLEARED").await.assert_done();
        let shown = expect(200, lifecycle(partner, Method::GET, id)).await;
        assert_eq!(shown["missing"], json!([]));
    }

    /// Only with nothing on its balances; then all of its ends and its place is free. Years later
    /// nothing of it and its people is left, but for the ledger.
    async fn a_corporation_is_removed_and_erased(database) {
        let mut sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner().clone();
        let mut body = known_company(&partner, "sandbox").await;
        body["name"] = "Zapomniana-Firma".into();
        body["address"]["street"] = "Zarosnieta".into();
        let prezes = json!({ "firstName": "Prezeslawa", "lastName": "Nowak",
            "birthDate": "1980-05-17", "nationality": "PL" });
        body["representative"] = prezes;
        let company = Company::of(&sandbox, &body, 1_000).await;
        let (id, holder) = (company.id.clone(), employee(&partner).await);
        let story = company.issue(&partner, holder).await;
        let remove = || lifecycle(&partner, Method::DELETE, &id);
        let not_empty = (409, json!("BALANCE_NOT_EMPTY"));
        assert_eq!(told(remove()).await, not_empty);
        expect(200, story.purchase(sandbox.processor(), 1_000, "held")).await;
        assert_eq!(told(remove()).await, not_empty);
        let back = story.message(sandbox.processor(), "reversals", 1_000, "back", Some("held"));
        expect(200, back).await;
        spend(&sandbox, &story, 1_000, "Sklepik-Znany").await;

        let once = || remove().header("X-Idempotency-Key", "once");
        expect(204, once()).await;
        expect(204, once()).await;
        nowhere(&partner, &id).await;
        let balance = partner.get(&format!("/secure/balances/{}", company.balance));
        assert_eq!(told(balance).await, (404, json!("BALANCE_NOT_FOUND")));
        let late = expect(200, story.purchase(sandbox.processor(), 1, "late")).await;
        assert_ne!(late["description"], "APPROVED");
        let history = partner.get(&format!("/secure/transactions?balanceId={}", company.balance));
        assert!(!expect(200, history).await["items"].as_array().expect("a list").is_empty());
        let path = format!("/secure/customers/{holder}/cards");
        assert_eq!(expect(200, partner.get(&path)).await["items"], json!([]));
        let mut again = known_company(&partner, "sandbox").await;
        again["registrationNumber"] = body["registrationNumber"].clone();
        let again = expect(201, post_of(&partner, "sandbox", &again)).await;
        let shown = ["corporation", "show", "--partner", "sandbox", "--id", &id];
        sandbox.antaca(&shown).await.assert_refused("no such corporation");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();

        let clock = partner.post("/sandbox/v1/clock");
        expect(200, clock.json(&json!({ "advanceSeconds": 5 * 366 * 86_400 }))).await;
        eventually("the corporation is erased", Duration::from_secs(60), async || {
            let kind = ["kind=\"corporation\""];
            sandbox.metric("antaca_janitor_rows_total", &kind).await == 1
        })
        .await;
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        sandbox.stop().await.assert_done();
        let last_four = story.full["cardNo"].as_str().expect("a number")[12..].to_owned();
        let words = ["Zapomniana-Firma", "Zarosnieta", "Prezeslawa", "Sklepik-Znany"];
        let secrets: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        nothing_of(&sandbox, &secrets).await;
        let tables = tables(sandbox.database(), &sandbox).await;
        let of = |name: &str| tables.iter().find(|(table, _)| table == name).expect("a table");
        assert_eq!(of("corporation_document").1, "");
        assert!(!of("card").1.contains(&last_four));
        let still = again["dcCorporationId"].as_str().expect("an id").replace('-', "");
        let kept = of("corporation").1.replace('-', "").to_lowercase();
        assert!(kept.contains(&still), "the other is still there");
    }
}

/// A corporation that was removed is in no answer.
async fn nowhere(partner: &Caller, id: &str) {
    let secure = format!("/secure/corporations/{id}");
    let balances = json!({ "currency": "EUR", "dcCorporationId": id });
    for request in [
        lifecycle(partner, Method::DELETE, id),
        lifecycle(partner, Method::GET, id),
        change(partner, id, &json!({ "taxId": "1" })),
        partner.get(&format!("{secure}/limits")),
        partner.get(&format!("{secure}/transactional-locks")),
        partner.post("/secure/balances").json(&balances),
    ] {
        assert_eq!(told(request).await, (404, json!("CORPORATION_NOT_FOUND")));
    }
}

/// One that nobody knows; one on hold may be changed and removed.
#[tokio::test]
async fn what_is_not_there_is_not_changed() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let partner = sandbox.partner();
    for unknown in ["00000000-0000-4000-8000-000000000000", "x", "1"] {
        for method in [Method::PUT, Method::DELETE] {
            let call = lifecycle(partner, method, unknown).json(&json!({ "taxId": "1" }));
            let (status, told) = answer(call).await;
            assert_eq!((status, &told["title"]), (404, &json!("CORPORATION_NOT_FOUND")));
        }
    }
    let company = Company::begin(&sandbox, 0).await;
    decide(&sandbox, &company.id, "ON_HOLD").await;
    let renamed = expect(200, change(partner, &company.id, &json!({ "name": "New" }))).await;
    assert_eq!((&renamed["name"], &renamed["kyb"]), (&json!("New"), &json!("ON_HOLD")));
    decide(&sandbox, &company.id, "ACCEPTED").await;
    expect(204, lifecycle(partner, Method::DELETE, &company.id)).await;
}
