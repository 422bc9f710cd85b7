//! What is wrong with a body, a header or a line.

use super::*;
use crate::story::registration;

async fn refused(request: RequestBuilder, status: u16, title: &str) -> Value {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
    body
}

pub(super) fn fields(problem: &Value) -> Vec<&str> {
    let listed = problem["violations"].as_array().expect("violations");
    listed.iter().map(|wrong| wrong["field"].as_str().expect("a field")).collect()
}

on_both_databases! {
    /// Each kind of bad line has its own answer, and harms no other.
    async fn a_bad_line_of_json_harms_no_other(database) {
        let sandbox = Sandbox::start(database).await;
        let there = registration();
        expect(201, register(sandbox.partner(), &there)).await;
        let good = users(4);
        let [mut same_email, mut same_phone, mut of_theirs] = [0; 3].map(|_| user(unique()));
        same_email["email"] = good[0]["email"].as_str().expect("a text").to_uppercase().into();
        same_phone["phone"] = format!("+{}", good[1]["phone"].as_str().expect("a text")).into();
        of_theirs["email"] = there["email"].clone();
        let mut wrong = user(unique());
        (wrong["email"], wrong["birthDate"]) = ("nobody".into(), "2999-01-01".into());
        let mut card = user(unique());
        card["card"] = json!({ "pan": "0000" });
        let long = format!("{{\"firstName\":\"{}\"}}", "x".repeat(70_000));
        let body = [
            good[0].to_string(),
            "{\"firstName\":".to_owned(),
            "[1]".to_owned(),
            "{}".to_owned(),
            String::new(),
            same_email.to_string(),
            good[1].to_string(),
            same_phone.to_string(),
            of_theirs.to_string(),
            long,
            wrong.to_string(),
            card.to_string(),
            json!({ "payload": "a.b.c.d.e" }).to_string(),
            good[2].to_string(),
            "\"\u{fffd}".to_owned(),
            good[3].to_string(),
        ];
        let body = body.join("\r\n");
        let told = import(&sandbox, NDJSON, "bad", body.clone()).await;
        let (unreadable, invalid) = ("INVALID_REQUEST", "VALIDATION_ERROR");
        let exists = "USER_ALREADY_EXISTS";
        let words_expected = expected(&[
            (1, "201"),
            (2, unreadable),
            (3, unreadable),
            (4, invalid),
            (6, exists),
            (7, "201"),
            (8, exists),
            (9, exists),
            (10, "PAYLOAD_TOO_LARGE"),
            (11, invalid),
            (12, "ENCRYPTION_REQUIRED"),
            (13, "INVALID_PAYLOAD"),
            (14, "201"),
            (15, unreadable),
            (16, "201"),
        ]);
        assert_eq!(words(&told), words_expected);
        let required = ["firstName", "lastName", "phone", "email", "birthDate", "state", "kyc"];
        assert_eq!(fields(&told[3]), required);
        assert_eq!(fields(&told[9]), ["email", "birthDate"]);
        let statuses: Vec<&Value> = told.iter().map(|line| &line["status"]).collect();
        assert_eq!(json!(statuses), json!([201, 400, 400, 422, 409, 201, 409, 409, 413, 422, 400,
            400, 201, 400, 201]));
        assert!(told.iter().all(|line| line["status"] == 201 || line["requestId"].is_string()));
        assert_eq!(counts(&sandbox, "bad").await, of("FINISHED", 15, 4, 11));
        // Whatever isn't about one request is told again.
        let again = import(&sandbox, NDJSON, "bad", body.clone()).await;
        assert_eq!(words(&again), words_expected);
        assert_eq!(again[0], told[0]);
        assert_eq!(counts(&sandbox, "bad").await, of("FINISHED", 15, 4, 11));
    }

    /// What couldn't be accepted may be corrected in its place; what was decided may not.
    async fn a_line_is_corrected_unless_it_was_done(database) {
        let sandbox = Sandbox::start(database).await;
        let good = users(2);
        let lines = |second: &str, third: &Value, last: &Value| {
            [good[0].to_string(), second.to_owned(), third.to_string(), last.to_string()].join("\n")
        };
        let body = lines("{}", &good[0], &good[1]);
        let told = import(&sandbox, NDJSON, "key", body).await;
        let (invalid, exists) = ("VALIDATION_ERROR", "USER_ALREADY_EXISTS");
        assert_eq!(words(&told), expected(&[(1, "201"), (2, invalid), (3, exists), (4, "201")]));
        assert_eq!(counts(&sandbox, "key").await, of("FINISHED", 4, 2, 2));

        let other = users(3);
        let body = lines(&other[0].to_string(), &other[1], &other[2]);
        let told = import(&sandbox, NDJSON, "key", body).await;
        let reused = "IDEMPOTENCY_KEY_REUSED";
        assert_eq!(words(&told), expected(&[(1, "201"), (2, "201"), (3, reused), (4, reused)]));
        assert_eq!((&told[2]["status"], &told[3]["status"]), (&json!(409), &json!(409)));
        assert_eq!(found(&sandbox, &other[0]).await["id"], told[1]["id"]);
        for user in &other[1..] {
            assert_eq!(found(&sandbox, user).await, Value::Null);
        }
        assert_eq!(counts(&sandbox, "key").await, of("FINISHED", 4, 3, 1));
    }

    /// The same of rows; a quote that nobody closes takes along what follows.
    async fn a_bad_row_of_csv_harms_no_other(database) {
        let sandbox = Sandbox::start(database).await;
        let good: Vec<String> = users(4).iter().map(row).collect();
        let mut card = user(unique());
        card["card"] = json!("x");
        let with_break = row(&users(1)[0]).replacen("John", "\"John\nJohn\"", 1);
        let long = row(&users(1)[0]).replacen("John", &"x".repeat(70_000), 1);
        let body = [
            HEADER,
            &good[0],
            "a,b",
            &format!("{},", good[1]),
            &good[1].replacen("John", "Jo\"hn", 1),
            &good[1],
            &with_break,
            &good[1].replacen("John", "", 1),
            &long,
            &good[2],
            &good[2].replacen("John", "\"John", 1),
            &good[3],
        ];
        let told = import(&sandbox, CSV, "rows", body.join("\n")).await;
        let (unreadable, invalid) = ("INVALID_REQUEST", "VALIDATION_ERROR");
        // A name has no line break, so the row that goes over two lines is invalid.
        let words_expected = expected(&[
            (2, "201"),
            (3, unreadable),
            (4, unreadable),
            (5, unreadable),
            (6, "201"),
            (7, invalid),
            (9, invalid),
            (10, "PAYLOAD_TOO_LARGE"),
            (11, "201"),
            (12, unreadable),
        ]);
        assert_eq!(words(&told), words_expected);
        assert_eq!(fields(&told[5]), ["firstName"]);
        assert_eq!(fields(&told[6]), ["firstName"]);
        assert_eq!(told[9]["detail"], "The row has a quote that isn't closed in 64 KiB.");
        assert_eq!(counts(&sandbox, "rows").await, of("FINISHED", 10, 3, 7));
    }

    /// What is wrong with all of it is told at once, and nothing is begun.
    async fn what_is_no_import_begins_none(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, one) = (sandbox.partner(), ndjson(&users(1)));
        let send = |media, body: &str| send(partner, "sandbox", (media, "none"), body.to_owned());
        for (media, body) in [(NDJSON, ""), (NDJSON, "\n\r\n"), (CSV, ""), (CSV, "\u{feff}")] {
            refused(send(media, body), 400, "INVALID_REQUEST").await;
        }
        for media in ["application/json", "text/plain", "multipart/form-data"] {
            refused(send(media, &one), 415, "UNSUPPORTED_MEDIA_TYPE").await;
        }
        let keyless = partner.post(PATH).header("Issuer-Code", "sandbox").body(one.clone());
        let told = refused(keyless.header("Content-Type", NDJSON), 422, "VALIDATION_ERROR").await;
        assert_eq!(fields(&told), ["X-Idempotency-Key"]);
        for (header, named) in [
            ("firstName,lastName", &["phone", "email", "birthDate", "state", "kyc"][..]),
            (&HEADER.replace("postCode", "zip"), &["zip"]),
            (&HEADER.replace(",", ";"), &["header"]),
            (&HEADER.replace("phone", "email"), &["email"]),
            (&HEADER.replace(",city", ""), &["address.city"]),
            (&row(&user(unique())), &["John", "Doe", "header", "header", "header", "NEW", "NONE",
                "header", "header", "header", "header", "header", "header", "header"]),
        ] {
            let told = refused(send(CSV, &format!("{header}\nx\n")), 422, "VALIDATION_ERROR").await;
            assert_eq!(fields(&told), named);
        }
        let open = format!("\"{HEADER}\nx");
        refused(send(CSV, &open), 400, "INVALID_REQUEST").await;
        let sealed = send(NDJSON, &one).header("Encrypt-Response", "true");
        refused(sealed, 400, "INVALID_REQUEST").await;
        let none = refused(progress(partner, "sandbox", "none"), 404, "IMPORT_NOT_FOUND").await;
        assert_eq!(none["status"], 404);
        assert_eq!(words(&import(&sandbox, NDJSON, "none", one).await), expected(&[(1, "201")]));
    }
}
