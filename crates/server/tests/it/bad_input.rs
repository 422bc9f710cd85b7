//! Bad input, each a clear 4xx that names what is wrong, and nothing changed.

use crate::story::{Story, answer, encrypted, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use crate::verifications::filled;
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
        assert_refused(partner.get("/sandbox/v1/nothing"), 404, "NOT_FOUND").await;
        let key = "k".repeat(256);
        let long = register(partner, &registration()).header("X-Idempotency-Key", key);
        assert_refused(long, 422, "VALIDATION_ERROR").await;
    }

    /// Of two, nobody could say which counts.
    async fn a_header_that_must_be_sent_once_is_refused_twice(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let body = registration();
        for second in ["first", "second"] {
            let keys = register(partner, &body).header("X-Idempotency-Key", "first");
            let keys = keys.header("X-Idempotency-Key", second);
            let wrong = assert_refused(keys, 422, "VALIDATION_ERROR").await;
            assert_eq!(violations(&wrong), ["X-Idempotency-Key"]);
        }
        for second in ["sandbox", "external"] {
            let codes = register(partner, &body).header("Issuer-Code", second);
            assert_refused(codes, 403, "ISSUER_CODE_MISMATCH").await;
        }
        expect(201, register(partner, &body).header("X-Idempotency-Key", "first")).await;
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

    /// What a query names follows the rules of what a body names.
    async fn a_query_is_read_like_a_body(database) {
        let sandbox = Sandbox::start(database).await;
        let find = |query: &str| {
            let path = format!("/lifecycle/v1/users?{query}");
            sandbox.partner().get(&path).header("Issuer-Code", "sandbox")
        };
        let long = format!("externalId={}", "x".repeat(256));
        let short = ["externalId=%00", "externalId=a%00b", "externalId=", "externalId=%20"];
        for query in short.into_iter().chain([long.as_str()]) {
            let wrong = assert_refused(find(query), 422, "VALIDATION_ERROR").await;
            assert_eq!(violations(&wrong), ["externalId"], "{query}");
        }
        for query in ["email=a%00@b.de", "phone=%00123456789", "phone=", ""] {
            assert_refused(find(query), 422, "VALIDATION_ERROR").await;
        }
        assert_eq!(expect(200, find("externalId=%F0%9F%90%9C")).await["items"], json!([]));
    }

    /// Times that no database could keep, or no card could have seen.
    async fn a_time_is_of_a_year_from_1900_to_9999(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        for date in [
            "-009999-01-01T00:00:00Z", "-004713-11-23T00:00:00Z", "1899-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z", "+010000-01-01T00:00:00Z", "2026-11-21", "now",
        ] {
            let body = json!({
                "card": { "cardId": story.card }, "kind": "authorization", "type": "pos",
                "amount": 1, "currency": "EUR", "transactionId": "t", "transactionDate": date,
            });
            let post = sandbox.processor().post("/processor/v1/authorizations");
            let post = post.header("X-Idempotency-Key", format!("t-{}", unique())).json(&body);
            let wrong = assert_refused(post, 422, "VALIDATION_ERROR").await;
            assert_eq!(violations(&wrong), ["transactionDate"], "{date}");
        }
        assert_eq!(story.amounts(&sandbox).await, (1_000, 0));
    }

    /// A refusal is kept with its key, whichever rule it comes from; a lack of permission isn't.
    async fn a_refusal_is_kept_with_its_key(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let card = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
        let lock = |reason: i64| {
            let post = partner.post(&card).header("X-Idempotency-Key", "lock");
            post.json(&json!({ "reason": reason }))
        };
        assert_refused(lock(9), 422, "INVALID_LOCK_REASON").await;
        assert_refused(lock(7), 409, "IDEMPOTENCY_KEY_REUSED").await;
        assert_refused(lock(9), 422, "INVALID_LOCK_REASON").await;

        let virtual_card = format!("/secure/customers/{}/cards/virtual", story.customer);
        let issue = |user: i64| {
            let body = json!({
                "balanceId": story.balance, "configId": "0019167984", "dcUserId": user,
            });
            let post = partner.post(&virtual_card).header("X-Idempotency-Key", "card");
            encrypted(post.json(&body))
        };
        assert_refused(issue(story.customer + 1), 422, "CUSTOMER_MISMATCH").await;
        assert_refused(issue(story.customer), 409, "IDEMPOTENCY_KEY_REUSED").await;
        assert_refused(issue(story.customer + 1), 422, "CUSTOMER_MISMATCH").await;

        let path = "/lifecycle/v1/wallet";
        let kyc = |mode| ["partner", "set", "--code", "sandbox", "--kyc-mode", mode];
        let body = registration();
        let register = || {
            let post = partner.post(path).header("Issuer-Code", "sandbox");
            post.header("X-Idempotency-Key", "user").json(&body)
        };
        sandbox.antaca(&kyc("MANUAL")).await.assert_done();
        assert_refused(register(), 403, "KYC_NOT_PERMITTED").await;
        sandbox.antaca(&kyc("EXTERNAL")).await.assert_done();
        expect(201, register()).await;
    }

    /// A top-up's key is one of the partner's, whatever the balance, the type and the outcome.
    async fn a_top_ups_key_means_one_top_up(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let other = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let top_up = |balance: &str, kind: &str, key: &str| {
            let path = format!("/secure/balances/{balance}/transactions");
            partner.post(&path).header("X-Idempotency-Key", key).json(&json!({
                "type": kind, "amount": 5, "currency": "EUR", "description": "Top-up",
                "externalTransactionId": format!("{key}-{kind}"),
            }))
        };
        let reused = "IDEMPOTENCY_KEY_REUSED";
        let (own, strange) = (&story.balance, "0351eb09-3ac0-4234-a4ad-0a6ad52f248b");

        for kind in ["magic", "pos"] {
            assert_refused(top_up(own, kind, kind), 422, "UNKNOWN_TRANSACTION_TYPE").await;
            assert_refused(top_up(own, "topUp", kind), 409, reused).await;
            assert_refused(top_up(own, kind, kind), 422, "UNKNOWN_TRANSACTION_TYPE").await;
        }
        assert_refused(top_up(strange, "topUp", "strange"), 404, "BALANCE_NOT_FOUND").await;
        assert_refused(top_up(own, "topUp", "strange"), 409, reused).await;
        assert_refused(top_up(strange, "topUp", "strange"), 404, "BALANCE_NOT_FOUND").await;

        let done = expect(201, top_up(own, "topUp", "done")).await;
        assert_refused(top_up(&other.balance, "topUp", "done"), 409, reused).await;
        assert_refused(top_up(strange, "topUp", "done"), 409, reused).await;
        assert_refused(top_up(own, "magic", "done"), 409, reused).await;
        assert_eq!(expect(201, top_up(own, "topUp", "done")).await, done);
        assert_eq!(story.amounts(&sandbox).await, (5, 0));
        assert_eq!(other.amounts(&sandbox).await, (0, 0));
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

    /// A picture may have 20 MiB, a form 21.
    async fn a_form_is_as_large_as_its_pictures_may_be(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/verification", story.customer);
        let with_picture = |mib: usize| {
            let picture = testkit::jpeg_of(mib * 1024 * 1024);
            let picture = reqwest::multipart::Part::bytes(picture).file_name("back.jpg");
            sandbox.partner().post(&path).multipart(filled().form().part("imageBack", picture))
        };
        assert_refused(with_picture(22), 413, "PAYLOAD_TOO_LARGE").await;
        expect(201, with_picture(5)).await;
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
