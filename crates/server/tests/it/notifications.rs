//! `/secure/notifications`: what a partner sees of what it was told, and has sent again.

use crate::deliveries::{client_ca, point_to};
use crate::story::{Story, expect};
use crate::support::{Caller, Sandbox};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::time::Duration;
use testkit::{Behaviour, Partner, eventually};

const PATIENCE: Duration = Duration::from_secs(60);
const LIST: &str = "/secure/notifications";
const LOCKS: [&str; 2] = ["cardLocked", "cardUnlocked"];

/// A partner that answers with this status, and with a problem where that is none of success.
pub(crate) async fn partner_of(sandbox: &Sandbox, status: &Arc<AtomicU16>) -> Partner {
    let says = status.clone();
    let partner = Partner::start_for(&client_ca(sandbox), move |_, _| {
        let status = says.load(SeqCst);
        if status < 300 {
            return Behaviour::Status(status);
        }
        let body = r#"{"title": "NOT_NOW"}"#;
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/problem+json\r\n");
        Behaviour::Bytes(
            format!("{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .into(),
        )
    })
    .await;
    point_to(sandbox, &partner, &LOCKS).await;
    partner
}

pub(crate) async fn lock(caller: &Caller, story: &Story) {
    let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
    expect(204, caller.post(&format!("{card}/lock")).json(&json!({ "reason": 7 }))).await;
}

async fn unlock(caller: &Caller, story: &Story) {
    let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
    expect(204, caller.post(&format!("{card}/unlock"))).await;
}

/// The items of a list.
async fn listed(caller: &Caller, query: &str) -> Vec<Value> {
    let page = expect(200, caller.get(&format!("{LIST}?{query}"))).await;
    page["items"].as_array().expect("a list").clone()
}

/// Waits until so many stand so, and answers them.
pub(crate) async fn standing(caller: &Caller, status: &str, card: i64, count: usize) -> Vec<Value> {
    let query = format!("status={status}&cardId={card}");
    eventually("so many stand so", PATIENCE, async || listed(caller, &query).await.len() == count)
        .await;
    listed(caller, &query).await
}

on_both_databases! {
    /// Filters, pages, tries, sending again: the same key and body.
    async fn a_partner_sees_what_it_was_told_and_has_it_sent_again(database) {
        let sandbox = Sandbox::start(database).await;
        let status = Arc::new(AtomicU16::new(204));
        let partner = partner_of(&sandbox, &status).await;
        let caller = sandbox.partner();
        let story = Story::begin(&sandbox, 0).await;
        lock(caller, &story).await;
        unlock(caller, &story).await;
        let told = standing(caller, "DELIVERED", story.card, 2).await;
        let received = partner.received();
        assert_eq!(told[1]["notificationId"], received[0].key());
        assert_eq!((&told[0]["event"], &told[1]["event"]), (&json!(LOCKS[1]), &json!(LOCKS[0])));
        assert_eq!(told[0].get("attempts"), None);
        let locked = listed(caller, &format!("event=cardLocked&cardId={}", story.card)).await;
        assert_eq!(locked, told[1..]);
        assert!(listed(caller, &format!("cardId={}&status=OPEN", story.card)).await.is_empty());
        let first = expect(200, caller.get(&format!("{LIST}?cardId={}&limit=1", story.card))).await;
        assert_eq!(first["items"], json!([told[0]]));
        let after = first["next"].as_str().expect("there is more");
        let path = format!("cardId={}&limit=1&after={after}", story.card);
        assert_eq!(listed(caller, &path).await, told[1..]);
        let at = told[0]["createdAt"].as_str().expect("a time");
        let at = at.replace('+', "%2B");
        assert!(listed(caller, &format!("cardId={}&to=2020-01-01T00:00:00Z", story.card))
            .await
            .is_empty());
        assert!(!listed(caller, &format!("cardId={}&from={at}", story.card)).await.is_empty());
        let wrong = caller.get(&format!("{LIST}?event=x&status=y&from=z&other=1"));
        let wrong = expect(422, wrong).await;
        assert_eq!(wrong["violations"].as_array().map(Vec::len), Some(4), "{wrong}");

        let one = format!("{LIST}/{}", received[0].key());
        let shown = expect(200, caller.get(&one)).await;
        assert_eq!(shown["attempts"][0]["status"], 204);
        assert_eq!(shown["attemptCount"], 1);
        let resend = || {
            let post = caller.post(&format!("{one}/resend"));
            post.header("X-Idempotency-Key", "again")
        };
        expect(204, resend()).await;
        expect(204, resend()).await;
        eventually("it came again", PATIENCE, async || partner.count() == 3).await;
        standing(caller, "DELIVERED", story.card, 2).await;
        let received = partner.received();
        assert_eq!(received.len(), 3, "one key, one time");
        assert_eq!(
            (received[2].key(), &received[2].bytes),
            (received[0].key(), &received[0].bytes)
        );
        let unknown = format!("{LIST}/00000000-0000-4000-8000-000000000000");
        assert_eq!(expect(404, caller.get(&unknown)).await["title"], "NOTIFICATION_NOT_FOUND");
        let nobody = caller.post(&format!("{unknown}/resend"));
        assert_eq!(expect(404, nobody).await["title"], "NOTIFICATION_NOT_FOUND");
        let failed = json!({ "since": "2020-01-01T00:00:00Z" });
        let none = expect(200, caller.post(&format!("{LIST}/resend")).json(&failed)).await;
        assert_eq!(none, json!({ "notifications": 0, "more": false }));
    }

    /// A paused path is seen, keeps what comes, and is resumed by the partner itself.
    async fn a_partner_resumes_its_paused_path(database) {
        let sandbox = Sandbox::start(database).await;
        let status = Arc::new(AtomicU16::new(410));
        let partner = partner_of(&sandbox, &status).await;
        let caller = sandbox.partner();
        let story = Story::begin(&sandbox, 0).await;
        lock(caller, &story).await;
        let kept = standing(caller, "PAUSED", story.card, 1).await;
        let one = format!("{LIST}/{}", kept[0]["notificationId"].as_str().expect("an id"));
        let shown = expect(200, caller.get(&one)).await;
        let attempt = &shown["attempts"][0];
        assert_eq!((&attempt["status"], &attempt["error"]), (&json!(410), &Value::Null));
        assert_eq!(attempt["answer"], r#"{"title": "NOT_NOW"}"#);
        let refused = caller.post(&format!("{one}/resend"));
        assert_eq!(expect(409, refused).await["title"], "NOTIFICATIONS_PAUSED");
        status.store(204, SeqCst);
        let resume = || {
            let post = caller.post(&format!("{LIST}/resume"));
            post.header("X-Idempotency-Key", "resume")
        };
        let resumed = json!({ "events": ["cardLocked"], "notifications": 1 });
        assert_eq!(expect(200, resume()).await, resumed);
        assert_eq!(expect(200, resume()).await, resumed, "as the first time");
        standing(caller, "DELIVERED", story.card, 1).await;
        assert_eq!(partner.count(), 2);
        let nothing = expect(200, caller.post(&format!("{LIST}/resume"))).await;
        assert_eq!(nothing, json!({ "events": [], "notifications": 0 }));
    }

    /// An example tells what the partner answered, and is in no list.
    async fn an_example_tells_what_the_partner_answers(database) {
        let sandbox = Sandbox::start(database).await;
        let status = Arc::new(AtomicU16::new(204));
        let partner = partner_of(&sandbox, &status).await;
        let caller = sandbox.partner();
        let before = listed(caller, "limit=200").await;
        let send = |event: &str, key: &str| {
            let post = caller.post(&format!("{LIST}/example")).json(&json!({ "event": event }));
            post.header("X-Idempotency-Key", key)
        };
        let taken = expect(200, send("cardUnlocked", "taken")).await;
        assert_eq!(taken["delivered"], true);
        assert_eq!(taken["attempt"]["status"], 204);
        status.store(422, SeqCst);
        // Also of what it isn't told of.
        let refused = expect(200, send("verificationRejected", "refused")).await;
        assert_eq!(refused["delivered"], false);
        assert_eq!(refused["attempt"]["answer"], r#"{"title": "NOT_NOW"}"#);
        assert_eq!(expect(200, send("cardUnlocked", "taken")).await, taken, "as the first time");
        let received = partner.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].path, "/notifications/cardUnlocked");
        assert_eq!(received[0].body["dcCardId"], "0");
        assert!(received[0].headers["x-request-id"].starts_with("example-"));
        assert!(received[0].headers["webhook-signature"].starts_with("v1,"));
        assert_eq!(received[1].body["firstName"], "EXAMPLE");
        assert_eq!(listed(caller, "limit=200").await, before);

        let run = ["partner", "example", "--code", "sandbox", "--event", "cardLocked"];
        let shown = sandbox.antaca(&run).await.assert_done().json();
        assert_eq!(shown[0]["attempt"]["status"], 422, "{shown:?}");
        let add = ["partner", "create", "--code", "silent"];
        sandbox.antaca(&add).await.assert_done();
        let run = ["partner", "example", "--code", "silent", "--event", "cardLocked"];
        sandbox.antaca(&run).await.assert_refused("can't be called yet");
    }
}
