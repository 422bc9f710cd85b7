//! What the documents say of a card's states and of the reasons of its locks, played row by row.

use crate::customers::sealed;
use crate::plastic::{DIGITAL_FIRST, PHYSICAL, address, import, ordered, patient, sent};
use crate::story::{Story, answer, decrypted, encrypted, expect, unique};
use crate::support::{Phone, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The rows of the table of `docs/API.md` that begins with this, without its head.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let text = include_str!("../../../../docs/API.md");
    let (_, rest) = text.split_once(head).expect("the table is there");
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim).collect();
    rows.map(cells).collect()
}

const STATES: &str = "| call | `ACTIVE` | `LOCKED` (7) | `LOCKED` (2) | `EXPIRED` | `REMOVED` | \
                      `ORDERED` | `INACTIVE` |";
const EXPIRED: usize = 3;
const ORDERED: usize = 5;
const INACTIVE: usize = 6;
const REASONS: &str = "| `reason` | in notifications | `actionCode` | can be taken off |";

fn path(story: &Story, rest: &str) -> String {
    format!("/secure/customers/{}/cards/{}{rest}", story.customer, story.card)
}

async fn lock(sandbox: &Sandbox, story: &Story, reason: i64) -> (u16, Value) {
    let post = sandbox.partner().post(&path(story, "/lock"));
    answer(post.json(&json!({ "reason": reason }))).await
}

async fn remove(sandbox: &Sandbox, story: &Story) -> (u16, Value) {
    let route = format!("/lifecycle/v1/users/{}/cards/{}", story.customer, story.card);
    answer(sandbox.partner().request(Method::DELETE, &route).header("Issuer-Code", "sandbox")).await
}

/// Makes a call of the table about a card that is in one of its columns.
async fn play(sandbox: &Sandbox, story: &Story, (call, column): (&str, usize)) -> (u16, Value) {
    let (partner, processor) = (sandbox.partner(), sandbox.processor());
    let own = |rest: &str| format!("/customers/me/cards/{}{rest}", story.card);
    let phone = async || -> Phone { sandbox.phone("sandbox", story.customer).await };
    let id = format!("played-{}", unique());
    match call {
        "full data" => answer(encrypted(partner.get(&path(story, "")))).await,
        "limits" => {
            let put = partner.put(&path(story, "/limits"));
            answer(put.json(&json!({ "limits": [] }))).await
        }
        "lock, for the same reason" => lock(sandbox, story, [7, 7, 2, 7, 7, 7, 7][column]).await,
        "lock, another that can be taken off" => lock(sandbox, story, 3).await,
        "lock, another for good" => lock(sandbox, story, 1).await,
        "stop by the network" => {
            let stop = processor.post("/processor/v1/cards/stop").header("X-Idempotency-Key", id);
            let body = json!({ "card": { "cardId": story.card }, "reason": 1 });
            answer(stop.json(&body)).await
        }
        "unlock" => answer(partner.post(&path(story, "/unlock"))).await,
        "set a PIN" => {
            let app = phone().await.caller;
            answer(sealed(&app, app.post(&own("/pin")), &json!({ "pin": "8264" })).await).await
        }
        "new code" => answer(encrypted(phone().await.caller.post(&own("/cvv")))).await,
        "renew" => answer(encrypted(partner.post(&path(story, "/renew")))).await,
        "replace" => {
            let post = partner.post(&path(story, "/replace"));
            let mut body = json!({ "reason": "CARD_LOST" });
            if column == INACTIVE {
                body["deliveryAddress"] = address();
                body["delivery"] = "POST".into();
            }
            answer(encrypted(post.json(&body))).await
        }
        "activate" => {
            let full = answer(encrypted(partner.get(&path(story, "")))).await;
            let told = match full {
                (200, full) => {
                    let full = decrypted(&full);
                    let text = |name: &str| full[name].as_str().expect("a text").to_owned();
                    json!({ "lastFourDigits": text("cardNo")[12..], "expiry": text("exp")[..7] })
                }
                _ => json!({ "lastFourDigits": "0000", "expiry": "2029-11" }),
            };
            answer(partner.post(&path(story, "/activate")).json(&told)).await
        }
        "print" => {
            let body = json!({ "deliveryAddress": address(), "delivery": "POST" });
            answer(encrypted(partner.post(&path(story, "/print")).json(&body))).await
        }
        "remove" => remove(sandbox, story).await,
        "authorization" => answer(story.purchase(processor, 100, &id)).await,
        other => panic!("nothing plays {other}"),
    }
}

/// Everything that can be seen of a card; of a removed one, nothing.
async fn seen(sandbox: &Sandbox, story: &Story) -> Option<Value> {
    let partner = sandbox.partner();
    let list = format!("/secure/customers/{}/cards", story.customer);
    let listed = expect(200, partner.get(&list)).await;
    let mut items = listed["items"].as_array().expect("a list").iter();
    let item = items.find(|it| it["id"] == story.card)?.clone();
    let full = decrypted(&expect(200, encrypted(partner.get(&path(story, "")))).await);
    let limits = expect(200, partner.get(&path(story, "/limits"))).await;
    let (free, held) = story.amounts(sandbox).await;
    Some(json!({ "item": item, "full": full, "limits": limits, "amounts": [free, held] }))
}

on_both_databases! {
    /// Each state × each call: done, or refused by its title with nothing changed.
    async fn each_state_allows_what_the_table_says(database) {
        let sandbox = patient(database).await;
        let rows = table(STATES);
        assert_eq!(rows.len(), 15);
        let mut expired = Vec::new();
        let mut cases = plastic(&sandbox, &rows).await;
        for row in &rows {
            for column in 0..ORDERED {
                let mut story = Story::begin(&sandbox, 1_000).await;
                if row[0] == "print" {
                    story.card = another(&sandbox, &story, DIGITAL_FIRST).await;
                }
                let status = match column {
                    1 => lock(&sandbox, &story, 7).await.0,
                    2 => lock(&sandbox, &story, 2).await.0,
                    4 => remove(&sandbox, &story).await.0,
                    _ => 204,
                };
                assert_eq!(status, 204);
                let case = (story, (row[0], column), row[column + 1]);
                if column == EXPIRED { expired.push(case) } else { cases.push(case) }
            }
        }
        for case in cases {
            check(&sandbox, case).await;
        }
        let clock = sandbox.partner().post("/sandbox/v1/clock");
        let years = 4 * 366 * 86_400;
        expect(200, clock.json(&json!({ "advanceSeconds": years }))).await;
        for case in expired {
            check(&sandbox, case).await;
        }
    }

    /// Each reason: whether it can be taken off, what the network is answered while it stands, and
    /// that the partner is told of both.
    async fn each_reason_locks_as_the_table_says(database) {
        let sandbox = Sandbox::start(database).await;
        let rows = table(REASONS);
        let (mut locked, mut unlocked) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            let story = Story::begin(&sandbox, 1_000).await;
            let reason: i64 = row[0].parse().expect("a code");
            let word = row[1].trim_matches('`');
            assert_eq!(lock(&sandbox, &story, reason).await.0, 204);
            let id = format!("locked-{}", unique());
            let told = expect(200, story.purchase(sandbox.processor(), 1, &id)).await;
            let why = (&told["description"], &told["actionCode"]);
            assert_eq!(why, (&json!("CARD_LOCKED"), &json!(row[2])), "{word}");
            let seen = seen(&sandbox, &story).await.expect("a card");
            assert_eq!(seen["item"]["lockReason"], reason, "{word}");
            let (status, refused) = answer(sandbox.partner().post(&path(&story, "/unlock"))).await;
            let card = story.card.to_string();
            if row[3] == "yes" {
                assert_eq!(status, 204, "{word}");
                unlocked.insert(card.clone());
            } else {
                let told = (status, &refused["title"]);
                assert_eq!(told, (409, &json!("CARD_LOCK_IRREVERSIBLE")), "{word}");
            }
            locked.insert((card, word.to_owned()));
        }
        assert_eq!((locked.len(), unlocked.len()), (9, 5));
        testkit::eventually("the partner is told", Duration::from_secs(20), async || {
            let told = expect(200, sandbox.partner().get("/sandbox/v1/received?limit=100")).await;
            let items = told["items"].as_array().expect("a list");
            let of = |event: &str| {
                let path = format!("/notifications/{event}");
                let bodies = items.iter().filter(move |it| it["path"] == path.as_str());
                bodies.map(|it| it["body"].clone()).collect::<Vec<_>>()
            };
            let word = |body: &Value, name: &str| body[name].as_str().expect("a word").to_owned();
            let card = |body: &Value| word(body, "dcCardId");
            let locks: Vec<_> =
                of("cardLocked").iter().map(|it| (card(it), word(it, "reason"))).collect();
            let unlocks: Vec<_> = of("cardUnlocked").iter().map(card).collect();
            // Each once.
            locks.len() == 9
                && unlocks.len() == 5
                && locks.into_iter().collect::<BTreeSet<_>>() == locked
                && unlocks.into_iter().collect::<BTreeSet<_>>() == unlocked
        })
        .await;
    }
}

/// Another card of the story's user.
async fn another(sandbox: &Sandbox, story: &Story, config_id: &str) -> i64 {
    let path = format!("/secure/customers/{}/cards/virtual", story.customer);
    let body = json!({ "balanceId": story.balance, "configId": config_id });
    let made = expect(201, encrypted(sandbox.partner().post(&path).json(&body))).await;
    decrypted(&made)["id"].as_i64().expect("an id")
}

/// The cases of cards on plastic. Who has ordered one isn't told which it is until it was made; the
/// operator is, of one that the bureau says nothing of for three days.
async fn plastic(
    sandbox: &Sandbox,
    rows: &[Vec<&'static str>],
) -> Vec<(Story, (&'static str, usize), &'static str)> {
    let mut orders = Vec::new();
    for row in rows {
        for column in [ORDERED, INACTIVE] {
            let story = Story::begin(sandbox, 1_000).await;
            let order = ordered(sandbox.partner(), &story, PHYSICAL).await;
            orders.push((story, order, (row[0], column), row[column + 1]));
        }
    }
    for (story, order, ..) in &orders {
        sent(sandbox, story, order).await;
    }
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    expect(200, clock.json(&json!({ "advanceSeconds": 73 * 3_600 }))).await;
    let overdue = sandbox.antaca(&["orders", "overdue", "--partner", "sandbox"]).await;
    let overdue = overdue.assert_done().json();
    let listed = overdue.iter().flat_map(|it| it.as_array().cloned().unwrap_or(vec![it.clone()]));
    let cards: BTreeMap<String, i64> = listed
        .map(|it| {
            let order = it["orderId"].as_str().expect("an id").to_owned();
            (order, it["cardId"].as_i64().expect("an id"))
        })
        .collect();
    let made = orders.iter().filter(|(_, _, (_, column), _)| *column == INACTIVE);
    let made: Vec<&str> = made.map(|(_, order, ..)| order.as_str()).collect();
    import(sandbox, &made, "PERSONALISED").await;
    let case = |(story, order, call, cell): (Story, String, _, _)| {
        (Story { card: cards[&order], ..story }, call, cell)
    };
    orders.into_iter().map(case).collect()
}

/// Plays a cell of the table: `204 LOCKED`, or `409 CARD_ALREADY_LOCKED`.
async fn check(sandbox: &Sandbox, (story, call, cell): (Story, (&str, usize), &str)) {
    let (status, word) = cell.split_once(' ').expect("a status and a word");
    let before = seen(sandbox, &story).await;
    let (told, body) = play(sandbox, &story, call).await;
    assert_eq!(told.to_string(), status, "{call:?} {body}");
    let after = seen(sandbox, &story).await;
    let state =
        after.as_ref().map_or("REMOVED", |it| it["item"]["state"].as_str().expect("a word"));
    if call.1 == ORDERED && word == "LOCKED" {
        assert_eq!(after, before, "nobody sees it yet");
    } else if ["INACTIVE", "ACTIVE", "LOCKED", "EXPIRED", "REMOVED"].contains(&word) {
        assert_eq!(state, word, "{call:?}");
    } else {
        let why = if told == 200 { &body["description"] } else { &body["title"] };
        assert_eq!(why, word, "{call:?}");
        assert_eq!(after, before, "{call:?}");
    }
}
