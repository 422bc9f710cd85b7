//! What the documents say of a card's states and of the reasons of its locks, played row by row.

use crate::customers::sealed;
use crate::plastic::{DIGITAL_FIRST, PHYSICAL, activate, address, import, ordered, patient, sent};
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

const VIRTUAL: &str = "| call | `ACTIVE` | `LOCKED` (7) | `LOCKED` (2) | `EXPIRED` | `REMOVED` |";
const PLASTIC: &str = "| call | `ORDERED` | failed | `INACTIVE` | `ACTIVE` | `LOCKED` (7) | \
                       `LOCKED` (2) | `EXPIRED` | `REMOVED` |";
const REASONS: &str = "| `reason` | in notifications | `actionCode` | can be taken off |";

/// Calls beside the states that they are made in: the cells of a table of states.
const CALLS: usize = 15;

/// A cell of a table of states.
struct Case {
    story: Story,
    call: &'static str,
    /// As the head of its column says it.
    state: &'static str,
    plastic: bool,
    /// `204 LOCKED`, or `409 CARD_ALREADY_LOCKED`.
    cell: &'static str,
}

/// The calls of a table of states, each with a state and what it does there.
fn cells(head: &'static str) -> Vec<(&'static str, &'static str, &'static str)> {
    let states: Vec<&str> = head.trim_matches('|').split('|').map(str::trim).skip(1).collect();
    let rows = table(head);
    assert_eq!(rows.len(), CALLS);
    let row = |row: Vec<&'static str>| {
        let cells = states.iter().zip(row.clone().into_iter().skip(1));
        cells.map(move |(state, cell)| (row[0], *state, cell)).collect::<Vec<_>>()
    };
    rows.into_iter().flat_map(row).collect()
}

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

/// What a holder reads on a card; of one that nobody sees, something else.
async fn activation(sandbox: &Sandbox, story: &Story) -> Value {
    let full = answer(encrypted(sandbox.partner().get(&path(story, "")))).await;
    let (200, full) = full else {
        return json!({ "lastFourDigits": "0000", "expiry": "2029-11" });
    };
    let full = decrypted(&full);
    let text = |name: &str| full[name].as_str().expect("a text").to_owned();
    json!({ "lastFourDigits": text("cardNo")[12..], "expiry": text("exp")[..7] })
}

/// Makes a call of the table about a card that is in the state of its column.
async fn play(sandbox: &Sandbox, case: &Case) -> (u16, Value) {
    let Case { story, call, state, plastic, .. } = case;
    let (partner, processor) = (sandbox.partner(), sandbox.processor());
    let own = |rest: &str| format!("/customers/me/cards/{}{rest}", story.card);
    let phone = async || -> Phone { sandbox.phone("sandbox", story.customer).await };
    let id = format!("played-{}", unique());
    match *call {
        "full data" => answer(encrypted(partner.get(&path(story, "")))).await,
        "limits" => {
            let put = partner.put(&path(story, "/limits"));
            answer(put.json(&json!({ "limits": [] }))).await
        }
        "lock, for the same reason" => {
            lock(sandbox, story, if state.ends_with("(2)") { 2 } else { 7 }).await
        }
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
        "renew" | "replace" => {
            let mut body = json!({});
            if *call == "replace" {
                body["reason"] = "CARD_LOST".into();
            }
            if *plastic {
                body["deliveryAddress"] = address();
                body["delivery"] = "POST".into();
            }
            let post = partner.post(&path(story, &format!("/{call}")));
            answer(encrypted(if body == json!({}) { post } else { post.json(&body) })).await
        }
        "activate" => {
            let told = activation(sandbox, story).await;
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
        let mut cases = Vec::new();
        for (call, state, cell) in cells(VIRTUAL) {
            let mut story = Story::begin(&sandbox, 1_000).await;
            if call == "print" {
                story.card = another(&sandbox, &story, DIGITAL_FIRST).await;
            }
            bring(&sandbox, &story, state).await;
            cases.push(Case { story, call, state, plastic: false, cell });
        }
        check_all(&sandbox, cases).await;
    }

    /// The same of a card on plastic, which has states of its own before it pays.
    async fn each_state_of_plastic_allows_what_the_table_says(database) {
        let sandbox = patient(database).await;
        let cases = plastic(&sandbox).await;
        check_all(&sandbox, cases).await;
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

/// Brings a card that pays to a state that isn't reached by time alone.
async fn bring(sandbox: &Sandbox, story: &Story, state: &str) {
    let status = match state {
        "`LOCKED` (7)" => lock(sandbox, story, 7).await.0,
        "`LOCKED` (2)" => lock(sandbox, story, 2).await.0,
        "`REMOVED`" => remove(sandbox, story).await.0,
        _ => return,
    };
    assert_eq!(status, 204);
}

/// The cases of cards on plastic. Who has ordered one isn't told which it is until it was made; the
/// operator is, of one that the bureau says nothing of for three days.
async fn plastic(sandbox: &Sandbox) -> Vec<Case> {
    let mut orders = Vec::new();
    for (call, state, cell) in cells(PLASTIC) {
        let story = Story::begin(sandbox, 1_000).await;
        let order = ordered(sandbox.partner(), &story, PHYSICAL).await;
        orders.push((Case { story, call, state, plastic: true, cell }, order));
    }
    for (case, order) in &orders {
        sent(sandbox, &case.story, order).await;
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
    let (mut failed, mut made) = (Vec::new(), Vec::new());
    for (case, order) in &mut orders {
        case.story.card = cards[order];
        match case.state {
            "`ORDERED`" => {}
            "failed" => failed.push(order.as_str()),
            _ => made.push(order.as_str()),
        }
    }
    import(sandbox, &failed, "FAILED").await;
    import(sandbox, &made, "PERSONALISED").await;
    let cases: Vec<Case> = orders.into_iter().map(|(case, _)| case).collect();
    for Case { story, state, .. } in &cases {
        if !["`ORDERED`", "failed", "`INACTIVE`"].contains(state) {
            let told = activation(sandbox, story).await;
            assert_eq!(activate(sandbox, story, story.card, told).await.0, 204);
            bring(sandbox, story, state).await;
        }
    }
    cases
}

/// Plays the cases; those of expired cards last, years later.
async fn check_all(sandbox: &Sandbox, cases: Vec<Case>) {
    let (expired, others): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|case| case.state == "`EXPIRED`");
    for case in others {
        check(sandbox, case).await;
    }
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    expect(200, clock.json(&json!({ "advanceSeconds": 4 * 366 * 86_400 }))).await;
    for case in expired {
        check(sandbox, case).await;
    }
}

/// Plays a case: done with the state afterwards, or refused by its title with nothing changed.
async fn check(sandbox: &Sandbox, case: Case) {
    let Case { story, call, state, plastic, cell } = &case;
    let named = format!("{call}, {state}, plastic: {plastic}");
    let (status, word) = cell.split_once(' ').expect("a status and a word");
    let before = seen(sandbox, story).await;
    let (told, body) = play(sandbox, &case).await;
    assert_eq!(told.to_string(), status, "{named}: {body}");
    let after = seen(sandbox, story).await;
    let is = after.as_ref().map_or("REMOVED", |it| it["item"]["state"].as_str().expect("a word"));
    if *state == "`ORDERED`" && word == "LOCKED" {
        assert_eq!(after, before, "nobody sees it yet");
    } else if ["INACTIVE", "ACTIVE", "LOCKED", "EXPIRED", "REMOVED"].contains(&word) {
        assert_eq!(is, word, "{named}");
    } else {
        let why = if told == 200 { &body["description"] } else { &body["title"] };
        assert_eq!(why, word, "{named}");
        assert_eq!(after, before, "{named}");
    }
}
