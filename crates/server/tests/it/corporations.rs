//! Corporations: registered, known, with balances of their own and cards for their people.

use crate::denied::signed;
use crate::plastic::{self, PHYSICAL};
use crate::story::{Story, answer, decrypted, encrypted, expect, registration, unique};
use crate::support::{Caller, Database, Sandbox};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Duration;

const VIRTUAL: &str = "0019167984";

/// What is told of a company.
pub(crate) fn company() -> Value {
    let person = |name: &str| {
        json!({ "firstName": name, "lastName": "Nowak", "birthDate": "1980-05-17",
                "nationality": "PL" })
    };
    let mut owner = person("Jan");
    owner["sharePercent"] = json!(62.5);
    json!({
        "name": "Acme sp. z o.o.", "registrationNumber": format!("R{}", unique()),
        "taxId": "PL5260001246", "country": "PL",
        "address": { "street": "Main Street", "number": "1", "city": "Warsaw",
                     "postCode": "00-001", "country": "PL" },
        "representative": person("Anna"), "boardMembers": [person("Anna"), person("Piotr")],
        "beneficiaries": [owner],
    })
}

/// `POST /lifecycle/v1/corporations`, as the partner of a code.
pub(crate) fn post_of(partner: &Caller, code: &str, body: &Value) -> RequestBuilder {
    partner.post("/lifecycle/v1/corporations").header("Issuer-Code", code).json(body)
}

fn post(partner: &Caller, body: &Value) -> RequestBuilder {
    post_of(partner, "sandbox", body)
}

/// Registers one; its id.
pub(crate) async fn registered_of(partner: &Caller, code: &str) -> String {
    let told = expect(201, post_of(partner, code, &company())).await;
    assert_eq!(told["kyb"], "NONE");
    told["dcCorporationId"].as_str().expect("an id").to_owned()
}

/// What a PDF is, as far as anybody looks.
pub(crate) const PDF: &[u8] =
    b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n30\n%%EOF\n";

/// A document of each of these kinds.
pub(crate) fn papers(kinds: &[&'static str]) -> Form {
    let part = || Part::bytes(PDF).file_name("document.bin");
    kinds.iter().fold(Form::new(), |form, kind| form.part(*kind, part()))
}

/// Sends documents of these kinds.
pub(crate) fn documents_of(partner: &Caller, id: &str, kinds: &[&'static str]) -> RequestBuilder {
    partner.post(&format!("/secure/corporations/{id}/documents")).multipart(papers(kinds))
}

/// Those that KYB needs.
pub(crate) const KINDS: [&str; 3] = ["statute", "registerExtract", "ownership"];

/// A verified user of the name and birth date of somebody of a company.
pub(crate) async fn verified(partner: &Caller, code: &str, person: &Value) -> i64 {
    let mut body = registration();
    for name in ["firstName", "lastName", "birthDate"] {
        body[name] = person[name].clone();
    }
    let wallet = partner.post("/lifecycle/v1/wallet").header("Issuer-Code", code);
    expect(201, wallet.json(&body)).await["id"].as_i64().expect("an id")
}

/// A company whose board and owner are verified users.
pub(crate) async fn known_company(partner: &Caller, code: &str) -> Value {
    let mut body = company();
    for list in ["boardMembers", "beneficiaries"] {
        for person in body[list].as_array_mut().expect("a list") {
            person["customerId"] = verified(partner, code, person).await.into();
        }
    }
    body
}

/// Registers one of which nothing is missing any more; its id.
pub(crate) async fn proven(partner: &Caller, code: &str) -> String {
    let body = known_company(partner, code).await;
    proven_as(partner, code, &body).await
}

async fn proven_as(partner: &Caller, code: &str, body: &Value) -> String {
    let told = expect(201, post_of(partner, code, body)).await;
    let id = told["dcCorporationId"].as_str().expect("an id").to_owned();
    let told = expect(201, documents_of(partner, &id, &KINDS)).await;
    assert_eq!((&told["kyb"], &told["missing"]), (&json!("IN_PROGRESS"), &json!([])));
    id
}

/// Says what came of KYB.
pub(crate) async fn decide(sandbox: &Sandbox, id: &str, kyb: &str) {
    let decide = ["corporation", "decide", "--partner", "sandbox", "--id", id, "--kyb", kyb];
    let decided = sandbox.antaca(&[&decide[..], &["--reference", "KYB-2026-117"]].concat()).await;
    assert_eq!(decided.assert_done().json()[0]["kyb"], kyb);
}

/// An accepted corporation with a balance.
pub(crate) struct Company {
    pub(crate) id: String,
    pub(crate) balance: String,
}

impl Company {
    pub(crate) async fn begin(sandbox: &Sandbox, minor: i64) -> Self {
        let body = known_company(sandbox.partner(), "sandbox").await;
        Self::of(sandbox, &body, minor).await
    }

    /// One of which this is told.
    pub(crate) async fn of(sandbox: &Sandbox, body: &Value, minor: i64) -> Self {
        let partner = sandbox.partner();
        let id = proven_as(partner, "sandbox", body).await;
        decide(sandbox, &id, "ACCEPTED").await;
        let body = json!({ "currency": "EUR", "dcCorporationId": id });
        let made = expect(201, partner.post("/secure/balances").json(&body)).await;
        let balance = made["balanceId"].as_str().expect("an id").to_owned();
        let company = Self { id, balance };
        if minor > 0 {
            let path = format!("/secure/balances/{}/transactions", company.balance);
            let body = json!({ "type": "topUp", "amount": minor, "currency": "EUR",
                "description": "Top-up", "externalTransactionId": format!("t{}", unique()) });
            expect(201, partner.post(&path).json(&body)).await;
        }
        company
    }

    /// What is asked for one of its people.
    fn card(&self, holder: i64) -> Value {
        json!({ "balanceId": self.balance, "configId": VIRTUAL, "dcCorporationId": self.id,
                "dcUserId": holder })
    }

    /// A virtual card for one of its people, as its holder sees it.
    pub(crate) async fn issue(&self, partner: &Caller, holder: i64) -> Story {
        let request = partner.post("/secure/cards/virtual").json(&self.card(holder));
        let full = decrypted(&expect(201, encrypted(request)).await);
        let card = full["id"].as_i64().expect("an id");
        Story { customer: holder, balance: self.balance.clone(), card, full }
    }

    /// Names it and its balance in a request for a card.
    pub(crate) fn put_in(&self, body: &mut Value) {
        body["dcCorporationId"] = self.id.as_str().into();
        body["balanceId"] = self.balance.as_str().into();
    }

    fn path(&self, rest: &str) -> String {
        format!("/secure/corporations/{}/{rest}", self.id)
    }
}

/// Somebody of whom only names and a date are known.
pub(crate) async fn employee(partner: &Caller) -> i64 {
    let mut body = registration();
    (body["state"], body["kyc"]) = ("NEW".into(), "NONE".into());
    let wallet = partner.post("/lifecycle/v1/wallet").header("Issuer-Code", "sandbox");
    expect(201, wallet.json(&body)).await["id"].as_i64().expect("an id")
}

/// What a purchase is answered.
async fn pays(sandbox: &Sandbox, story: &Story, minor: i64) -> Value {
    let purchase = story.purchase(sandbox.processor(), minor, &format!("p{}", unique()));
    expect(200, purchase).await["description"].clone()
}

on_both_databases! {
    /// What was told comes back; what can't be read is named at once; the register's number is one
    /// corporation's.
    async fn a_corporation_is_registered(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let body = company();
        let once = |body: &Value| post(partner, body).header("X-Idempotency-Key", "one");
        let told = expect(201, once(&body)).await;
        assert_eq!(expect(201, once(&body)).await, told);
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(2));
        let path = format!("/lifecycle/v1/corporations/{}", told["dcCorporationId"].as_str()
            .expect("an id"));
        let shown = expect(200, partner.get(&path).header("Issuer-Code", "sandbox")).await;
        let mut expected = body.clone();
        expected["address"]["apartment"] = Value::Null;
        expected["dcCorporationId"] = told["dcCorporationId"].clone();
        expected["kyb"] = "NONE".into();
        expected["missing"] = json!(["statute", "registerExtract", "ownership",
            "boardMembers[0]", "boardMembers[1]", "beneficiaries[0]"]);
        let people = ["/representative", "/boardMembers/0", "/boardMembers/1", "/beneficiaries/0"];
        for person in people {
            expected.pointer_mut(person).expect("somebody")["customerId"] = Value::Null;
        }
        assert_eq!(shown, expected);
        assert_eq!(expect(409, post(partner, &body)).await["title"], "CORPORATION_ALREADY_EXISTS");

        for (change, fields) in [
            (json!({ "name": "" }), vec!["name"]),
            (json!({ "country": "Poland", "registrationNumber": 5 }),
             vec!["registrationNumber", "country"]),
            (json!({ "address": null }), vec!["address"]),
            (json!({ "representative": null }), vec!["representative"]),
            (json!({ "representative": { "firstName": "Anna" } }),
             vec!["representative.lastName", "representative.birthDate",
                  "representative.nationality"]),
            (json!({ "boardMembers": null }), vec!["boardMembers"]),
            (json!({ "boardMembers": ["Anna"] }), vec!["boardMembers[0]"]),
            (json!({ "beneficiaries": [{ "firstName": "Jan", "lastName": "Nowak",
                "birthDate": "2999-01-01", "nationality": "PL", "sharePercent": 0 }] }),
             vec!["beneficiaries[0].birthDate", "beneficiaries[0].sharePercent"]),
            (json!({ "beneficiaries": [
                { "firstName": "Jan", "lastName": "Nowak", "birthDate": "1980-01-01",
                  "nationality": "PL", "sharePercent": 60 },
                { "firstName": "Ewa", "lastName": "Nowak", "birthDate": "1981-01-01",
                  "nationality": "PL", "sharePercent": 40.02 }] }),
             vec!["beneficiaries"]),
        ] {
            let mut wrong = company();
            for (name, value) in change.as_object().expect("an object") {
                wrong[name.as_str()] = value.clone();
            }
            let problem = expect(422, post(partner, &wrong)).await;
            let named = problem["violations"].as_array().expect("a list").iter();
            let named: Vec<&str> = named.filter_map(|it| it["field"].as_str()).collect();
            assert_eq!(named, fields, "{problem}");
        }
    }

    /// Nothing is its own before its KYB is accepted; then its people pay with its money, within
    /// its limits, and whatever stops one of both stops the card.
    async fn a_corporations_people_pay_with_its_money(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let id = proven(partner, "sandbox").await;
        let body = json!({ "currency": "EUR", "dcCorporationId": id });
        for kyb in ["IN_PROGRESS", "ON_HOLD", "REJECTED"] {
            if kyb != "IN_PROGRESS" {
                decide(&sandbox, &id, kyb).await;
            }
            let told = expect(422, partner.post("/secure/balances").json(&body)).await;
            assert_eq!(told["title"], "KYB_NOT_ACCEPTED", "{kyb}");
        }
        let company = Company::begin(&sandbox, 10_000).await;
        let (anna, piotr) = (employee(partner).await, employee(partner).await);
        let (one, other) =
            (company.issue(partner, anna).await, company.issue(partner, piotr).await);
        assert_eq!(pays(&sandbox, &one, 1_000).await, "APPROVED");
        assert_eq!(pays(&sandbox, &other, 1_000).await, "APPROVED");
        let path = format!("/secure/balances/{}", company.balance);
        let shown = expect(200, partner.get(&path)).await;
        let amounts = (&shown["amount"], &shown["blockedAmount"]);
        assert_eq!(amounts, (&json!(8_000), &json!(2_000)), "{shown}");

        // What both have paid counts as the corporation's, and as no user's.
        let limit = json!({ "limits": [{ "type": "general", "timeUnit": "daily", "currency": "EUR",
            "amountMinor": 2_500 }] });
        expect(200, partner.put(&company.path("limits")).json(&limit)).await;
        let users = format!("/secure/customers/{anna}/limits");
        let tight = json!({ "limits": [{ "type": "general", "timeUnit": "daily",
            "currency": "EUR", "amountMinor": 1 }] });
        expect(200, partner.put(&users).json(&tight)).await;
        assert_eq!(pays(&sandbox, &one, 501).await, "LIMIT_EXCEED");
        assert_eq!(pays(&sandbox, &one, 500).await, "APPROVED");
        let shown = expect(200, partner.get(&company.path("limits"))).await;
        assert_eq!(shown["limits"][0]["usedMinor"], 2_500, "{shown}");
        let shown = expect(200, partner.get(&users)).await;
        assert_eq!(shown["limits"][0]["usedMinor"], 0, "{shown}");
        expect(200, partner.put(&company.path("limits")).json(&json!({}))).await;

        // A card's own limits stand beside.
        let own = format!("/secure/customers/{piotr}/cards/{}/limits", other.card);
        let tight = json!({ "limits": [{ "type": "general", "timeUnit": "daily",
            "amountMinor": 1_100 }] });
        expect(200, partner.put(&own).json(&tight)).await;
        assert_eq!(pays(&sandbox, &other, 101).await, "EXCEEDS_AMOUNT_LIMIT");
        assert_eq!(pays(&sandbox, &other, 100).await, "APPROVED");

        let held = json!({ "reason": "FRAUD_SUSPECTED" });
        for path in [company.path("transactional-locks"),
                     format!("/secure/customers/{anna}/transactional-locks")] {
            expect(204, partner.post(&path).json(&held)).await;
            let listed = expect(200, partner.get(&path)).await;
            assert_eq!(listed["items"], json!([held]));
            assert_eq!(pays(&sandbox, &one, 1).await, "AML_EXCEPTION", "{path}");
            expect(204, partner.delete(&format!("{path}/FRAUD_SUSPECTED"))).await;
        }
        decide(&sandbox, &company.id, "ON_HOLD").await;
        assert_eq!(pays(&sandbox, &one, 1).await, "CUSTOMER_LOCKED");
        decide(&sandbox, &company.id, "ACCEPTED").await;
        let lifecycle = |rest: &str| {
            let post = partner.post(&format!("/lifecycle/v1/users/{anna}/{rest}"));
            post.header("Issuer-Code", "sandbox")
        };
        expect(204, lifecycle("lock")).await;
        assert_eq!(pays(&sandbox, &one, 1).await, "CUSTOMER_LOCKED");
        expect(204, lifecycle("unlock")).await;
        assert_eq!(pays(&sandbox, &one, 1).await, "APPROVED");
        assert_eq!(pays(&sandbox, &other, 1).await, "EXCEEDS_AMOUNT_LIMIT");

        // It is named where its money is told of, and the books hold.
        let path = format!("/secure/balances/{}/statement", company.balance);
        let days = "from=2020-01-01&to=2030-12-31";
        let statement = expect(200, partner.get(&format!("{path}?{days}"))).await;
        let named = (&statement["dcCorporationId"], &statement["name"], &statement["customerId"]);
        assert_eq!(named, (&json!(company.id), &json!("Acme sp. z o.o."), &Value::Null));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// What is moved of its balance is under its locks too.
    async fn a_corporations_lock_stops_what_leaves_its_balance(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let company = Company::begin(&sandbox, 1_000).await;
        let path = company.path("transactional-locks");
        let held = json!({ "reason": "POLICE_LOCK" });
        expect(204, partner.post(&path).json(&held)).await;
        expect(204, partner.post(&path).json(&held)).await;
        let wrong = json!({ "reason": "NO_REASON" });
        let told = expect(422, partner.post(&path).json(&wrong)).await;
        assert_eq!(told["title"], "INVALID_LOCK_REASON");
        let moved = async |kind: &str| {
            let path = format!("/secure/balances/{}/transactions", company.balance);
            let body = json!({ "type": kind, "amount": 10, "currency": "EUR",
                "description": "Moved", "externalTransactionId": format!("m{}", unique()) });
            answer(partner.post(&path).json(&body)).await
        };
        let (status, told) = moved("fee").await;
        assert_eq!((status, &told["title"]), (422, &json!("AML_EXCEPTION")), "{told}");
        assert_eq!(moved("topUp").await.0, 201);
        expect(204, partner.delete(&format!("{path}/POLICE_LOCK"))).await;
        assert_eq!(moved("fee").await.0, 201);
    }

    /// What is ordered for later knows whose money it will be.
    async fn a_corporations_card_is_made_afterwards(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let company = Company::begin(&sandbox, 1_000).await;
        let anna = employee(partner).await;
        let path = format!("/secure/customers/{anna}/cards/virtual/async");
        let ended = async |body: Value| {
            let told = expect(202, partner.post(&path).json(&body)).await;
            let id = told["operationId"].as_str().expect("an id").to_owned();
            let path = format!("/secure/customers/{anna}/cards/operations/{id}");
            let mut told = Value::Null;
            testkit::eventually("the operation ends", Duration::from_secs(40), async || {
                told = expect(200, partner.get(&path)).await;
                told["status"] != "PENDING"
            })
            .await;
            told
        };
        let done = ended(company.card(anna)).await;
        assert_eq!(done["status"], "DONE", "{done}");
        let card = done["cardId"].as_i64().expect("an id");
        let balance = company.balance.clone();
        let story = Story { customer: anna, balance, card, full: Value::Null };
        assert_eq!(pays(&sandbox, &story, 1_000).await, "APPROVED");
        let mut nobodys = company.card(anna);
        nobodys["dcCorporationId"] = "00000000-0000-4000-8000-000000000000".into();
        let told = expect(404, partner.post(&path).json(&nobodys)).await;
        assert_eq!(told["title"], "CORPORATION_NOT_FOUND");
        decide(&sandbox, &company.id, "ON_HOLD").await;
        let failed = ended(company.card(anna)).await;
        assert_eq!((&failed["status"], &failed["reason"]),
            (&json!("FAILED"), &json!("KYB_NOT_ACCEPTED")));
    }

    /// As many cards as a program gives one owner are the corporation's, not its people's own.
    async fn the_cap_of_a_program_is_the_corporations(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let company = Company::begin(&sandbox, 0).await;
        let holder = Story::begin(&sandbox, 0).await.customer;
        for _ in 0..5 {
            company.issue(partner, holder).await;
            company.issue(partner, employee(partner).await).await;
        }
        let more = partner.post("/secure/cards/virtual").json(&company.card(holder));
        assert_eq!(expect(422, encrypted(more)).await["title"], "CARD_LIMIT_REACHED");
        let path = format!("/secure/customers/{holder}/balances");
        let own = expect(201, partner.post(&path).json(&json!({ "currency": "EUR" }))).await;
        let own = json!({ "balanceId": own["balanceId"], "configId": VIRTUAL });
        let path = format!("/secure/customers/{holder}/cards/virtual");
        for _ in 0..9 {
            expect(201, encrypted(partner.post(&path).json(&own))).await;
        }
        let more = expect(422, encrypted(partner.post(&path).json(&own))).await;
        assert_eq!(more["title"], "CARD_LIMIT_REACHED");
    }

    /// Plastic, a replacement and a renewal stay the corporation's, with what was spent.
    async fn a_corporations_cards_are_replaced_and_made_on_plastic(database) {
        let sandbox = plastic::quick(database).await;
        let partner = sandbox.partner();
        let company = Company::begin(&sandbox, 10_000).await;
        let anna = employee(partner).await;
        let card = company.issue(partner, anna).await;
        let limits = |card: i64| format!("/secure/customers/{anna}/cards/{card}/limits");
        let limit = json!({ "limits": [{ "type": "general", "timeUnit": "daily",
            "amountMinor": 1_000 }] });
        expect(200, partner.put(&limits(card.card)).json(&limit)).await;
        assert_eq!(pays(&sandbox, &card, 600).await, "APPROVED");
        let path = format!("/secure/customers/{anna}/cards/{}/replace", card.card);
        let replace = partner.post(&path).json(&json!({ "reason": "CARD_LOST" }));
        let full = decrypted(&expect(201, encrypted(replace)).await);
        let id = full["id"].as_i64().expect("an id");
        let new = Story { card: id, full, ..card.clone() };
        assert_eq!(pays(&sandbox, &new, 401).await, "EXCEEDS_AMOUNT_LIMIT");
        assert_eq!(pays(&sandbox, &new, 400).await, "APPROVED");

        let mut body = company.card(anna);
        body["configId"] = PHYSICAL.into();
        (body["deliveryAddress"], body["delivery"]) = (plastic::address(), "POST".into());
        let order = encrypted(partner.post("/secure/cards/physical").json(&body));
        let order = decrypted(&expect(202, order).await);
        let order = order["orderId"].as_str().expect("an id");
        let made = plastic::until(&sandbox, &new, order, "PERSONALISED").await;
        let path = format!("/secure/customers/{anna}/cards/{}", made["cardId"]);
        let full = decrypted(&expect(200, encrypted(partner.get(&path))).await);
        let told = json!({ "lastFourDigits": full["cardNo"].as_str().expect("a number")[12..],
            "expiry": full["exp"].as_str().expect("a day")[..7] });
        expect(204, partner.post(&format!("{path}/activate")).json(&told)).await;
        let made = made["cardId"].as_i64().expect("an id");
        assert_eq!(pays(&sandbox, &Story { card: made, ..new.clone() }, 1).await, "APPROVED");

        // While its KYB is in doubt there is no further one.
        decide(&sandbox, &company.id, "ON_HOLD").await;
        let path = format!("/secure/customers/{anna}/cards/{}/replace", new.card);
        let replace = partner.post(&path).json(&json!({ "reason": "CARD_LOST" }));
        assert_eq!(expect(422, encrypted(replace)).await["title"], "KYB_NOT_ACCEPTED");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

/// Of another partner nobody's corporation is one.
#[tokio::test]
async fn a_corporation_is_its_partners_alone() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let company = Company::begin(&sandbox, 0).await;
    let create = ["partner", "create", "--code", "stranger", "--kyc-mode", "EXTERNAL"];
    sandbox.antaca(&create).await.assert_done();
    let stranger = signed(&sandbox, "stranger", &["--partner", "stranger"]).await;
    let theirs = registered_of(&stranger, "stranger").await;
    assert_ne!(theirs, company.id);
    let body = json!({ "currency": "EUR", "dcCorporationId": company.id });
    let told = expect(404, stranger.post("/secure/balances").json(&body)).await;
    assert_eq!(told["title"], "CORPORATION_NOT_FOUND");
    for (more, words) in
        [(vec!["--id", theirs.as_str()], "CORPORATION_NOT_FOUND"), (vec!["--id", "acme"], "a UUID")]
    {
        let decide = ["corporation", "show", "--partner", "sandbox"];
        sandbox.antaca(&[&decide[..], &more].concat()).await.assert_refused(words);
    }
    let decide = ["corporation", "decide", "--partner", "sandbox", "--id", &company.id];
    let blank = [&decide[..], &["--kyb", "REJECTED", "--reference", " "]].concat();
    sandbox.antaca(&blank).await.assert_refused("KYB_INVALID");
    let both = json!({ "currency": "EUR", "dcCorporationId": company.id, "dcUserId": 1 });
    for body in [json!({ "currency": "EUR" }), both] {
        let told = expect(422, sandbox.partner().post("/secure/balances").json(&body)).await;
        assert_eq!(told["violations"][0]["field"], "dcUserId", "{told}");
    }
    let gift =
        json!({ "currency": "EUR", "dcCorporationId": company.id, "configId": "0019167992" });
    let told = expect(422, sandbox.partner().post("/secure/balances").json(&gift)).await;
    assert_eq!(told["violations"][0]["field"], "configId", "{told}");
}
