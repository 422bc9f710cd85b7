//! Notifications of a server that is killed while it delivers, and what an operator sees of them.

use crate::story::{Story, expect};
use crate::support::{Caller, Database, Sandbox};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;
use testkit::{Behaviour, Partner, Received, eventually};

/// What a killed server had claimed is delivered half a minute later (PostgreSQL), and what hung a
/// quarter of one later; both can come several times after another for one card.
const PATIENCE: Duration = Duration::from_secs(240);
const CARDS: usize = 3;
const CHANGES: usize = 12;

/// The authority of the certificate that the sandbox calls with.
pub(crate) fn client_ca(sandbox: &Sandbox) -> String {
    let file = sandbox.file()["clientCa"].as_str().expect("a file");
    std::fs::read_to_string(sandbox.dir().join(file)).expect("the file")
}

/// What the tests here tell of.
const LOCKS: [&str; 2] = ["cardLocked", "cardUnlocked"];

/// Has the sandbox's partner told of these events at this server.
pub(crate) async fn point_to(sandbox: &Sandbox, partner: &Partner, events: &[&str]) {
    point_as(sandbox.partner(), partner, events).await;
}

/// The same of a caller's partner.
pub(crate) async fn point_as(caller: &Caller, partner: &Partner, events: &[&str]) {
    let body = json!({
        "baseUrl": partner.base_url(),
        "trustedCa": partner.authority(),
        "notifications": events,
    });
    let put = caller.request(reqwest::Method::PUT, "/sandbox/v1/settings");
    expect(204, put.json(&body)).await;
}

/// Locks or unlocks a card.
async fn change(sandbox: &Sandbox, story: &Story, number: usize) {
    let card = format!("/secure/customers/{}/cards/{}", story.customer, story.card);
    let request = if number.is_multiple_of(2) {
        sandbox.partner().post(&format!("{card}/lock")).json(&json!({ "reason": 7 }))
    } else {
        sandbox.partner().post(&format!("{card}/unlock"))
    };
    expect(204, request).await;
}

/// Some cards, each of a user of its own.
async fn stories(sandbox: &Sandbox) -> Vec<Story> {
    let mut stories = Vec::new();
    for _ in 0..CARDS {
        stories.push(Story::begin(sandbox, 0).await);
    }
    stories
}

/// The events of each card in the order in which they first came, each once.
fn first_come(received: &[Received]) -> BTreeMap<String, Vec<String>> {
    let mut known = HashSet::new();
    let mut of_cards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in received.iter().filter(|one| known.insert(one.key().to_owned())) {
        let card = one.body["dcCardId"].as_str().expect("a card").to_owned();
        of_cards.entry(card).or_default().push(one.path.clone());
    }
    of_cards
}

/// SQLite has one server at a time: what a killed one had in hand is told as soon as the next is
/// there, not when its claim is over.
#[tokio::test]
async fn what_a_killed_server_had_in_hand_waits_for_nobody() {
    let mut sandbox = Sandbox::start(Database::Sqlite).await;
    let partner = Partner::start_for(&client_ca(&sandbox), |_, nth| match nth {
        0 => Behaviour::Hang,
        _ => Behaviour::Status(204),
    })
    .await;
    point_to(&sandbox, &partner, &LOCKS).await;
    let story = Story::begin(&sandbox, 0).await;
    change(&sandbox, &story, 0).await;
    eventually("it is being told", PATIENCE, async || partner.count() == 1).await;
    sandbox.kill();
    sandbox.restart().await;
    // Claims last for thirty seconds.
    let soon = Duration::from_secs(15);
    eventually("it is told", soon, async || partner.count() == 2).await;
    let told = partner.received();
    assert_eq!(told[0].key(), told[1].key());
}

on_both_databases! {
    /// A server that is killed while it delivers tells all of it later, each card's in order.
    async fn a_killed_server_delivers_at_least_once_and_in_order(database) {
        let mut sandbox = Sandbox::start(database).await;
        // Every seventh call hangs, none for the same event twice (its third try comes minutes
        // later): the server dies with calls in flight.
        let hung = Mutex::new(HashSet::new());
        let partner = Partner::start_for(&client_ca(&sandbox), move |one, nth| {
            let first = || hung.lock().expect("whole").insert(one.key().to_owned());
            if nth % 7 == 3 && first() { Behaviour::Hang } else { Behaviour::Status(204) }
        })
        .await;
        point_to(&sandbox, &partner, &LOCKS).await;
        let stories = stories(&sandbox).await;
        for number in 0..CHANGES {
            for story in &stories {
                change(&sandbox, story, number).await;
            }
            if number % 5 == 4 {
                let sent = partner.count();
                sandbox.kill();
                sandbox.restart().await;
                assert!(sent > 0, "it was killed while it delivered");
            }
        }
        eventually("all is told", PATIENCE, async || {
            let told = first_come(&partner.received());
            told.len() == CARDS && told.values().all(|paths| paths.len() == CHANGES)
        })
        .await;
        let one = ["/notifications/cardLocked", "/notifications/cardUnlocked"];
        let in_order: Vec<&str> = one.into_iter().cycle().take(CHANGES).collect();
        for (card, paths) in first_come(&partner.received()) {
            assert_eq!(paths, in_order, "{card}");
        }
    }

    /// A server that ends in order has written down what its partner has taken: none of it is told
    /// again.
    async fn a_server_that_ends_in_order_tells_nothing_twice(database) {
        let mut sandbox = Sandbox::start(database).await;
        let partner =
            Partner::start_for(&client_ca(&sandbox), |_, _| Behaviour::Status(204)).await;
        point_to(&sandbox, &partner, &LOCKS).await;
        let stories = stories(&sandbox).await;
        for number in 0..CHANGES {
            for story in &stories {
                change(&sandbox, story, number).await;
            }
            if number % 4 == 3 {
                let all = CARDS * (number + 1);
                eventually("the partner was told", PATIENCE, async || partner.count() >= all).await;
                assert_eq!(sandbox.stop().await.code, Some(0));
                sandbox.restart().await;
            }
        }
        let list = ["partner", "notifications", "--code", "sandbox"];
        let listed: Vec<Value> = sandbox.antaca(&list).await.assert_done().json();
        assert!(listed.len() > CARDS, "{listed:?}");
        for one in listed {
            assert_eq!(one["outcome"], "DELIVERED", "{one}");
        }
        assert_eq!(partner.count(), CARDS * CHANGES);
    }

    /// An operator sees each try, why an address is paused, and resumes it.
    async fn an_operator_sees_each_try_and_resumes_a_paused_address(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = Partner::start_for(&client_ca(&sandbox), |_, nth| {
            Behaviour::Status(if nth == 0 { 410 } else { 204 })
        })
        .await;
        point_to(&sandbox, &partner, &LOCKS).await;
        let story = Story::begin(&sandbox, 0).await;
        change(&sandbox, &story, 0).await;
        let list = ["partner", "notifications", "--code", "sandbox"];
        let outcome = async || {
            let listed: Vec<Value> = sandbox.antaca(&list).await.assert_done().json();
            listed.last().map_or(Value::Null, |last| last["outcome"].clone())
        };
        eventually("it is paused", PATIENCE, async || outcome().await == "PAUSED").await;
        let listed = sandbox.antaca(&list).await.json();
        let told = listed.last().expect("one");
        assert_eq!(told["event"], "cardLocked");
        assert_eq!(told["cardId"], json!(story.card));
        assert_eq!(told["attempts"][0]["status"], 410);

        let resumed = sandbox.antaca(&["partner", "resume", "--code", "sandbox"]).await;
        let expected = json!({ "resumed": ["cardLocked"], "notifications": 1 });
        assert_eq!(resumed.assert_done().json(), [expected]);
        eventually("it is delivered", PATIENCE, async || outcome().await == "DELIVERED").await;
        assert_eq!(partner.received()[0].key(), partner.received()[1].key());
        let nobody = sandbox.antaca(&["partner", "resume", "--code", "nobody"]).await;
        nobody.assert_refused("There is no such partner");
    }
}
