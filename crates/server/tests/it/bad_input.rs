//! Bad input, each a clear 4xx that names what is wrong, and nothing changed.

use crate::story::{Story, answer, encrypted, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// The fields that an answer names as wrong.
fn violations(problem: &Value) -> Vec<&str> {
    let listed = problem["violations"].as_array().expect("violations");
    listed.iter().map(|wrong| wrong["field"].as_str().expect("a field")).collect()
}

async fn assert_refused(request: RequestBuilder, status: u16, title: &str) -> Value {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
    assert!(body["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
    body
}

fn raw(request: RequestBuilder, media_type: &str, body: &str) -> RequestBuilder {
    request.header("Content-Type", media_type).body(body.to_owned())
}

on_both_databases! {
    /// What can't be read at all.
    async fn what_can_not_be_read_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let wallet = || partner.post("/lifecycle/v1/wallet").header("Issuer-Code", "sandbox");
        let json_type = "application/json";
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        let deep = format!("{{\"firstName\": {deep}}}");
        for (media_type, body, status, title) in [
            (json_type, "{", 400, "INVALID_REQUEST"),
            (json_type, "", 400, "INVALID_REQUEST"),
            (json_type, "[]", 400, "INVALID_REQUEST"),
            (json_type, "\"text\"", 400, "INVALID_REQUEST"),
            (json_type, "{} {}", 400, "INVALID_REQUEST"),
            (json_type, &deep, 400, "INVALID_REQUEST"),
            ("text/plain", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("application/xml", "<a/>", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ] {
            assert_refused(raw(wallet(), media_type, body), status, title).await;
        }
        let large = format!("{{\"firstName\": \"{}\"}}", "x".repeat(1024 * 1024));
        assert_refused(raw(wallet(), json_type, &large), 413, "PAYLOAD_TOO_LARGE").await;
        let delete = partner.request(reqwest::Method::DELETE, "/lifecycle/v1/wallet");
        assert_refused(delete, 405, "METHOD_NOT_ALLOWED").await;
        assert_refused(partner.get("/nothing/here"), 404, "NOT_FOUND").await;
        assert_refused(partner.get("/sandbox/v1/received"), 404, "NOT_FOUND").await;
        let key = "k".repeat(256);
        let long = register(partner, &registration()).header("X-Idempotency-Key", key);
        assert_refused(long, 422, "VALIDATION_ERROR").await;
    }

    /// Fields that are missing or of another type are named, all at once.
    async fn wrong_fields_are_named_all_at_once(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let wrong = assert_refused(register(partner, &json!({})), 422, "VALIDATION_ERROR").await;
        let all = ["firstName", "lastName", "phone", "email", "birthDate", "state", "kyc"];
        assert_eq!(violations(&wrong), all);
        let body = json!({
            "firstName": 5, "lastName": " ", "phone": "12", "email": "nobody",
            "birthDate": "2000-02-30", "state": "DELETED", "kyc": "MAYBE",
            "address": { "street": "S", "country": "pl" },
        });
        let wrong = assert_refused(register(partner, &body), 422, "VALIDATION_ERROR").await;
        let more = ["address.number", "address.city", "address.postCode", "address.country"];
        assert_eq!(violations(&wrong), [all.as_slice(), more.as_slice()].concat());
        let message = sandbox.processor().post("/processor/v1/authorizations").json(&json!({}));
        let wrong = assert_refused(message, 422, "VALIDATION_ERROR").await;
        assert_eq!(
            violations(&wrong),
            [
                "X-Idempotency-Key", "card", "amount", "currency", "transactionId",
                "transactionDate", "kind", "type",
            ]
        );
    }

    /// Amounts that are no amounts, for the partner and for the network.
    async fn an_amount_is_a_positive_whole_number(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let partner = sandbox.partner();
        let beyond: Value = serde_json::from_str("9223372036854775808").expect("a number");
        for (amount, title) in [
            (json!(0), "INVALID_AMOUNT"),
            (json!(-1), "INVALID_AMOUNT"),
            (json!(i64::MIN), "INVALID_AMOUNT"),
            (json!(i64::MAX), "INVALID_AMOUNT"),
            (beyond, "VALIDATION_ERROR"),
            (json!(12.34), "VALIDATION_ERROR"),
            (json!("100"), "VALIDATION_ERROR"),
            (json!(null), "VALIDATION_ERROR"),
        ] {
            let id = format!("wrong-{}", unique());
            assert_refused(story.top_up(partner, &amount, &id), 422, title).await;
        }
        for minor in [0, -1, i64::MIN] {
            let id = format!("wrong-{}", unique());
            let told = expect(200, story.purchase(sandbox.processor(), minor, &id)).await;
            assert_eq!((&told["approved"], &told["actionCode"]), (&json!(false), &json!("1010")));
        }
        let id = format!("most-{}", unique());
        let told = expect(200, story.purchase(sandbox.processor(), i64::MAX, &id)).await;
        assert_eq!(told["description"], "INSUFFICIENT_FUNDS");
        assert_eq!(story.amounts(&sandbox).await, (1_000, 0));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Refusals of the rules of people and balances.
    async fn the_rules_refuse_with_their_titles(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();

        let mut again = registration();
        expect(201, register(partner, &again)).await;
        again["phone"] = "300000000".into();
        let email = again["email"].as_str().expect("a text").to_uppercase();
        again["email"] = email.into();
        assert_refused(register(partner, &again), 409, "USER_ALREADY_EXISTS").await;

        let mut unverified = registration();
        unverified["kyc"] = "NONE".into();
        let user = expect(201, register(partner, &unverified)).await;
        let path = format!("/secure/customers/{}/balances", user["id"]);
        let euro = json!({ "currency": "EUR" });
        assert_refused(partner.post(&path).json(&euro), 422, "KYC_NOT_VERIFIED").await;
        let change = partner
            .request(reqwest::Method::PUT, &format!("/lifecycle/v1/users/{}", user["id"]))
            .header("Issuer-Code", "sandbox")
            .json(&json!({ "kyc": "SUCCESS" }));
        assert_eq!(expect(200, change).await["kyc"], "SUCCESS");
        expect(201, partner.post(&path).json(&euro)).await;

        for (currency, title) in [("XYZ", "VALIDATION_ERROR"), ("USD", "CURRENCY_NOT_SUPPORTED")] {
            let body = json!({ "currency": currency });
            assert_refused(partner.post(&path).json(&body), 422, title).await;
        }
        let nobody = partner.post("/secure/customers/999999/balances").json(&euro);
        assert_refused(nobody, 404, "CUSTOMER_NOT_FOUND").await;
        cards_are_refused(partner, &story, user["id"].as_i64().expect("an id")).await;
    }

    /// A form that can't be read is refused, all fields at once; a doubtful one is kept.
    async fn a_form_is_read_as_a_whole(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/verification", story.customer);
        let post = || sandbox.partner().post(&path);
        assert_refused(post().json(&json!({})), 415, "UNSUPPORTED_MEDIA_TYPE").await;
        let picture = b"GIF89a".to_vec();
        let form = reqwest::multipart::Form::new()
            .text("firstName", "Leon")
            .text("pesel", "123")
            .text("documentType", "library_card")
            .part("imageFace", reqwest::multipart::Part::bytes(picture).file_name("face.jpg"));
        let wrong = assert_refused(post().multipart(form), 422, "VALIDATION_ERROR").await;
        assert_eq!(
            violations(&wrong),
            [
                "lastName", "street", "number", "city", "postCode", "country", "nationality",
                "birthDate", "pesel", "documentType", "identityCardNo", "documentExpirationDate",
                "imageFace", "imageFront",
            ]
        );
    }
}

async fn cards_are_refused(partner: &Caller, story: &Story, other: i64) {
    let path = format!("/secure/customers/{}/cards/virtual", story.customer);
    let body = |balance: &str, config: &str, user: i64| {
        let (balance, config) = (balance.to_owned(), config.to_owned());
        json!({ "balanceId": balance, "configId": config, "dcUserId": user })
    };
    let own = story.balance.as_str();
    let strange = "0351eb09-3ac0-4234-a4ad-0a6ad52f248b";
    for (body, status, title) in [
        (body(own, "0019167984", other), 422, "CUSTOMER_MISMATCH"),
        (body(strange, "0019167984", story.customer), 404, "BALANCE_NOT_FOUND"),
        (body(own, "9999999999", story.customer), 422, "PROGRAM_NOT_FOUND"),
        (body(own, "0019167985", story.customer), 422, "PROGRAM_NOT_FOUND"),
        (body(own, "0019167987", story.customer), 422, "CURRENCY_MISMATCH"),
        (body("x", "0019167984", story.customer), 422, "VALIDATION_ERROR"),
    ] {
        assert_refused(encrypted(partner.post(&path).json(&body)), status, title).await;
    }
    let plain = partner.post(&path).json(&body(own, "0019167984", story.customer));
    assert_refused(plain, 400, "ENCRYPTION_REQUIRED").await;
    let keyless = partner.post(&path).json(&body(own, "0019167984", story.customer));
    let keyless = keyless.header("Encrypt-Response", "true").header("Public-Key", "rubbish");
    assert_refused(keyless, 400, "INVALID_PUBLIC_KEY").await;
}
