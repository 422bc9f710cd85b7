//! The key is rotated while requests come in.

use super::{Published, sealed};
use crate::story::{KEY, Story, answer, decrypted, expect};
use crate::support::{Caller, Database, Ended, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;

/// Another node learns of a new key within a second, and a busy machine takes its time besides.
const FOLLOWS: Duration = Duration::from_secs(10);

/// Opens a balance with this token for its body: status, and the title of a refusal.
async fn opened(caller: &Caller, story: &Story, token: &str) -> (u16, Value) {
    let path = format!("/secure/customers/{}/balances", story.customer);
    let (status, body) = answer(sealed(caller.post(&path), token)).await;
    if status == 201 {
        assert_eq!(decrypted(&body)["currency"], "EUR");
    }
    (status, body["title"].clone())
}

/// What the file in the folder says, as the API would say it.
fn in_folder(sandbox: &Sandbox) -> String {
    let pem = std::fs::read(sandbox.dir().join("jwe-public.pem")).expect("a file");
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem)
}

fn assert_rotated(ended: &Ended, from: &Published, to: &Published) {
    let told = &ended.assert_done().json()[0];
    assert_eq!((&told["previous"], &told["kid"]), (&json!(from.kid), &json!(to.kid)));
    assert!(told["previousAcceptedUntil"].is_string());
}

on_both_databases! {
    /// At once; both keys are taken from then on, named or not, also after another start.
    async fn a_rotated_key_is_published_at_once_and_the_one_before_accepted(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let body = json!({ "currency": "EUR" });
        let first = Published::of(sandbox.partner()).await;
        assert_eq!(in_folder(&sandbox), first.text);
        let rotated = sandbox.antaca(&["keys", "rotate-jwe"]).await;
        let second = Published::of(sandbox.partner()).await;
        assert_rotated(&rotated, &first, &second);
        assert_eq!(in_folder(&sandbox), second.text);
        for _ in 0..2 {
            let partner = sandbox.partner();
            for token in [
                first.named(&body), first.nameless(&body), second.named(&body),
                second.nameless(&body),
            ] {
                assert_eq!(opened(partner, &story, &token).await, (201, Value::Null));
            }
            let refused = (400, json!("CANT_DECRYPT_PAYLOAD"));
            let text = body.to_string();
            for kid in ["", "another", first.kid.as_str()] {
                let token = second.key.encrypt(Some(kid), text.as_bytes());
                assert_eq!(opened(partner, &story, &token).await, refused, "{kid}");
            }
            sandbox.stop().await.assert_done();
            sandbox.restart().await;
            assert_eq!(Published::of(sandbox.partner()).await.text, second.text);
        }
    }

    /// A key that has leaked is ended with the rotation.
    async fn a_leaked_key_is_refused_at_once(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let body = json!({ "currency": "EUR" });
        let first = Published::of(partner).await;
        sandbox.antaca(&["keys", "rotate-jwe", "--previous-days", "0"]).await.assert_done();
        let second = Published::of(partner).await;
        for token in [first.named(&body), first.nameless(&body)] {
            let refused = (400, json!("CANT_DECRYPT_PAYLOAD"));
            assert_eq!(opened(partner, &story, &token).await, refused);
        }
        assert_eq!(opened(partner, &story, &second.nameless(&body)).await.0, 201);
        let wrong = sandbox.antaca(&["keys", "rotate-jwe", "--previous-days", "366"]).await;
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
    }

    /// As every command that changes something, with or without a server.
    async fn a_key_is_rotated_without_a_server_too(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let first = Published::of(sandbox.partner()).await;
        sandbox.stop().await.assert_done();
        let rotated = sandbox.antaca(&["keys", "rotate-jwe"]).await;
        sandbox.restart().await;
        let second = Published::of(sandbox.partner()).await;
        assert_rotated(&rotated, &first, &second);
        assert_eq!(in_folder(&sandbox), second.text);
        let token = first.named(&json!({ "currency": "EUR" }));
        assert_eq!(opened(sandbox.partner(), &story, &token).await.0, 201);
    }
}

/// The other node goes on with the old key until it learns of the new one, and then takes both.
#[tokio::test]
async fn another_node_follows_a_rotation() {
    let database = Database::Postgres(testkit::postgres_url().await);
    let one = Sandbox::start(database).await;
    let story = Story::begin(&one, 0).await;
    let other = one.sibling().await;
    let first = Published::of(other.partner()).await;
    one.antaca(&["keys", "rotate-jwe"]).await.assert_done();
    let second = Published::of(one.partner()).await;
    testkit::eventually("the other node publishes the new key", FOLLOWS, async || {
        Published::of(other.partner()).await.text == second.text
    })
    .await;
    testkit::eventually("its folder tells it", FOLLOWS, async || in_folder(&other) == second.text)
        .await;
    let body = json!({ "currency": "EUR" });
    for token in [first.named(&body), second.nameless(&body)] {
        assert_eq!(opened(other.partner(), &story, &token).await.0, 201);
    }
}

/// A certificate beyond its rate is told when to come back; others don't notice.
#[tokio::test]
async fn a_certificate_may_cause_so_many_private_operations_a_second() {
    let variables = [("ANTACA_JWE_PRIVATE_OPERATIONS", "4")];
    let sandbox = Sandbox::start_with(Database::Sqlite, &variables).await;
    let story = Story::begin(&sandbox, 0).await;
    let partner = sandbox.partner();
    let ours = Published::of(partner).await;
    let token = ours.named(&json!({ "currency": "EUR" }));
    let path = format!("/secure/customers/{}/balances", story.customer);
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..40 {
        sent.spawn(sealed(partner.post(&path), &token).send());
    }
    let (mut done, mut refused) = (0, 0);
    for answered in sent.join_all().await {
        let answered = answered.expect("an answer");
        if answered.status() == 201 {
            done += 1;
            continue;
        }
        assert_eq!(answered.status(), 429);
        assert_eq!(answered.headers()["retry-after"], "1");
        let body: Value = answered.json().await.expect("JSON");
        assert_eq!(body["title"], "TOO_MANY_REQUESTS");
        refused += 1;
    }
    assert!(done >= 4 && refused >= 10, "{done} done, {refused} refused");

    // What needs no private operation isn't counted, and neither is another's.
    let get = partner.get(&path).header("Encrypt-Response", "true");
    expect(200, get.header("Public-Key", KEY.public_header())).await;
    let foreign = sealed(sandbox.processor().post("/processor/v1/clearings"), &token);
    let (status, body) = answer(foreign.header("X-Idempotency-Key", "one")).await;
    assert_eq!((status, &body["title"]), (422, &json!("VALIDATION_ERROR")), "{body}");
    testkit::eventually("it may again", FOLLOWS, async || {
        opened(partner, &story, &token).await.0 == 201
    })
    .await;
}
