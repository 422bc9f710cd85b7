//! Many clearings in one request.

use crate::story::{Story, decrypted_text, encrypted, expect};
use crate::support::Sandbox;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

const MEDIA: &str = "application/x-ndjson";

fn send(sandbox: &Sandbox, key: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let call = sandbox.processor().post("/processor/v1/clearings").body(body);
    call.header("X-Idempotency-Key", key).header("Content-Type", MEDIA)
}

fn clearing(story: &Story, id: &str, of: &str, minor: i64, more: &Value) -> Value {
    let mut body = json!({
        "card": { "cardId": story.card }, "amount": minor, "currency": "EUR",
        "transactionId": id, "transactionDate": "2026-11-21T12:00:00+00:00",
        "referenceTransactionId": of,
        "referenceTransactionDate": "2026-11-21T10:00:00+00:00",
    });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

fn lines(of: &[Value]) -> String {
    of.iter().map(|line| format!("{line}\n")).collect()
}

/// One answer a line.
async fn answers(request: RequestBuilder) -> Vec<Value> {
    let answer = request.send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"] == MEDIA), (200, true));
    let text = answer.text().await.expect("a body");
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What an answer says in a word.
fn word(answer: &Value) -> &str {
    let word = answer.get("title").unwrap_or(&answer["description"]);
    word.as_str().expect("a title or a description")
}

on_both_databases! {
    /// A file of clearings: each line has its own answer, at its place, and a bad one harms no
    /// other. Sent again under the same key it acts once; a line that was changed is refused alone.
    async fn a_file_is_answered_line_by_line(database) {
        let sandbox = Sandbox::start(database).await;
        let (one, two) = (Story::begin(&sandbox, 1_000).await, Story::begin(&sandbox, 500).await);
        expect(200, one.purchase(sandbox.processor(), 300, "p1")).await;
        expect(200, two.purchase(sandbox.processor(), 200, "p2")).await;
        let nobody = Story { card: 999_999, ..one.clone() };
        let wrong = json!({ "currency": "XX", "sequence": 0 });
        let file = |second: i64| {
            [
                clearing(&one, "c1", "p1", 250, &json!({})).to_string(),
                "{\"card\":".to_owned(),
                "[1]".to_owned(),
                clearing(&two, "c2", "p2", second, &json!({})).to_string(),
                String::new(),
                clearing(&one, "c3", "p1", 1, &wrong).to_string(),
                clearing(&nobody, "c4", "p1", 1, &json!({})).to_string(),
                clearing(&two, "c5", "unknown", 7, &json!({ "category": "CREDIT" })).to_string(),
            ]
            .join("\r\n")
        };
        let told = answers(send(&sandbox, "file", file(200))).await;
        let words: Vec<&str> = told.iter().map(word).collect();
        let (unreadable, invalid) = ("INVALID_REQUEST", "VALIDATION_ERROR");
        let done = "APPROVED";
        assert_eq!(words, [done, unreadable, unreadable, done, invalid, "CARD_NOT_FOUND", done]);
        assert_eq!((&told[0]["accepted"], &told[0]["status"]), (&json!(true), &json!("CLEARED")));
        assert_eq!(told[1]["status"], 400);
        let named = |at: usize| told[4]["violations"][at]["field"].as_str().expect("a field");
        assert_eq!((&told[4]["status"], named(0), named(1)), (&json!(422), "currency", "sequence"));
        assert_eq!(told[5]["accepted"], false);
        assert_eq!(one.amounts(&sandbox).await, (750, 0));
        assert_eq!(two.amounts(&sandbox).await, (307, 0));

        let again = answers(send(&sandbox, "file", file(200))).await;
        let understood = told.iter().zip(&again).filter(|(first, _)| first["title"].is_null());
        assert!(understood.clone().count() == 4 && understood.clone().all(|(a, b)| a == b));
        let changed = answers(send(&sandbox, "file", file(201))).await;
        let words: Vec<&str> = changed.iter().map(word).collect();
        let reused = "IDEMPOTENCY_KEY_REUSED";
        assert_eq!(words, [done, unreadable, unreadable, reused, invalid, "CARD_NOT_FOUND", done]);
        // The network's own names recognise them under any other key, alone too.
        let alone = clearing(&one, "c1", "p1", 250, &json!({}));
        let alone = sandbox.processor().post("/processor/v1/clearings").json(&alone);
        let alone = expect(200, alone.header("X-Idempotency-Key", "alone")).await;
        assert_eq!(alone, told[0]);
        assert_eq!(one.amounts(&sandbox).await, (750, 0));
        assert_eq!(two.amounts(&sandbox).await, (307, 0));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// The parts of one authorization are taken in the order of their lines, however many cards are
    /// in the file: its last part closes it, and none of the others comes after that.
    async fn the_lines_of_a_card_are_done_in_their_order(database) {
        let sandbox = Sandbox::start(database).await;
        let mut stories = Vec::new();
        for at in 0..3 {
            let story = Story::begin(&sandbox, 1_000).await;
            let id = format!("p{at}");
            let bought = expect(200, story.purchase(sandbox.processor(), 400, &id)).await;
            stories.push((story, id, bought["id"].as_str().expect("an id").to_owned()));
        }
        let part = |sequence: i64| {
            let last = sequence == 40;
            stories.iter().map(move |(story, of, _)| {
                let more = json!({ "sequence": sequence, "final": last });
                clearing(story, &format!("{of}-c"), of, 10, &more)
            })
        };
        let file: Vec<Value> = (1..=40).flat_map(part).collect();
        let told = answers(send(&sandbox, "parts", lines(&file))).await;
        assert_eq!(told.len(), 120);
        for (story, _, id) in &stories {
            let path = format!("/secure/transactions/{id}");
            let found = expect(200, sandbox.partner().get(&path)).await;
            let stands = (&found["clearedAmount"], &found["status"], &found["flag"]);
            assert_eq!(stands, (&json!(400), &json!("CLEARED"), &Value::Null));
            let path = format!("/secure/balances/{}/transactions", story.balance);
            let listed = expect(200, sandbox.partner().get(&path)).await;
            assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
        }
        assert!(told.iter().all(|answer| answer["accepted"] == true));
    }

    /// What is wrong with the whole is told as one problem, and nothing has happened.
    async fn a_file_that_is_wrong_as_a_whole_does_nothing(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let line = clearing(&story, "c1", "none", 5, &json!({}));
        let one = format!("{line}\n");
        let many = one.clone() + &"1\n".repeat(2_000);
        assert_eq!(expect(413, send(&sandbox, "many", many)).await["title"], "PAYLOAD_TOO_LARGE");
        let large = one.clone() + &" ".repeat(1024 * 1024);
        assert_eq!(expect(413, send(&sandbox, "large", large)).await["title"], "PAYLOAD_TOO_LARGE");
        assert_eq!(expect(400, send(&sandbox, "none", "\n \n")).await["title"], "INVALID_REQUEST");
        let without_key = sandbox.processor().post("/processor/v1/clearings");
        let without_key = without_key.header("Content-Type", MEDIA).body(one.clone());
        let refused = expect(422, without_key).await;
        assert_eq!(refused["violations"][0]["field"], "X-Idempotency-Key");
        let elsewhere = sandbox.processor().post("/processor/v1/reversals").body(one.clone());
        let elsewhere = elsewhere.header("X-Idempotency-Key", "x").header("Content-Type", MEDIA);
        assert_eq!(expect(415, elsewhere).await["title"], "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(story.amounts(&sandbox).await, (1_000, 0));

        let sealed = encrypted(send(&sandbox, "sealed", one.clone() + &one));
        let sealed = expect(200, sealed).await;
        let told = decrypted_text(&sealed);
        let told: Vec<&str> = told.lines().collect();
        assert_eq!((told.len(), told[0]), (2, told[1]), "the same message acts once");
        assert_eq!(story.amounts(&sandbox).await, (995, 0));
    }
}
