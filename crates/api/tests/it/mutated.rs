//! Requests with something wrong anywhere: answered with what is wrong, never a 5xx or a panic, and
//! whatever was moved by those that were right is in a ledger that holds.

use crate::doors::{Doors, read};
use api::Peer;
use api::spending::program_rules;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use domain::money::Currency;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Database, Funded, TestApp};
use tower::ServiceExt as _;

/// How many requests; on one database alone, since what is tried is the reading.
const REQUESTS: u32 = 4_000;
const SEED: u64 = 0x00A7_17AC_A202_6114;

/// What stands where something else should.
fn value() -> impl Strategy<Value = Value> {
    let numbers = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let words = [
        "authorization",
        "incremental",
        "credit",
        "advice",
        "force-debit",
        "force-credit",
        "adjustment",
        "account-verification",
        "balance-inquiry",
        "pos",
        "atm",
        "DEBIT",
        "CREDIT",
        "EUR",
        "PLN",
        "JPY",
        "2026-02-30",
        "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:60+23:59",
        "-271821-04-20T00:00:00Z",
        "2026-11-21T10:00:00+00:00",
        "5320870100000009",
        "\u{0}",
        "1e400",
        "before",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(numbers.to_vec()).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        "[0-9]{0,24}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})"
            .prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        (0..2_000usize).prop_map(|length| Value::from("ż".repeat(length))),
        (1..140usize).prop_map(|depth| (0..depth).fold(Value::Null, |inner, _| json!([inner]))),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What is done to the body of a request.
#[derive(Clone, Debug)]
enum Change {
    /// The value at a place is another.
    Put(prop::sample::Index, Value),
    /// It isn't there.
    Take(prop::sample::Index),
    /// There is something beside it.
    Add(prop::sample::Index, String, Value),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        6 => (at(), value()).prop_map(|(at, value)| Change::Put(at, value)),
        1 => at().prop_map(Change::Take),
        1 => (at(), "[a-zA-Z]{1,12}", value()).prop_map(|(at, name, it)| Change::Add(at, name, it)),
    ]
}

/// The places of a value, those within it included.
fn places(value: &Value, path: &str, into: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for (name, value) in inner {
        let path = format!("{path}/{name}");
        places(value, &path, into);
        into.push(path);
    }
}

fn apply(body: &mut Value, change: &Change) {
    let mut all = Vec::new();
    places(body, "", &mut all);
    if all.is_empty() {
        return;
    }
    let at = match change {
        Change::Put(at, _) | Change::Take(at) | Change::Add(at, _, _) => &all[at.index(all.len())],
    };
    let (parent, name) = at.rsplit_once('/').expect("a path");
    match (change, body.pointer_mut(at)) {
        (Change::Put(_, value), Some(place)) => *place = value.clone(),
        (Change::Put(..), None) => {}
        (Change::Take(_) | Change::Add(..), _) => {
            let Some(Value::Object(map)) = body.pointer_mut(parent) else { return };
            match change {
                Change::Add(_, new, value) => drop(map.insert(new.clone(), value.clone())),
                Change::Take(_) | Change::Put(..) => drop(map.remove(name)),
            }
        }
    }
}

/// A request that works, before something is done to it.
#[derive(Clone, Debug)]
struct Right {
    method: Method,
    path: String,
    body: Value,
    of_partner: bool,
}

/// How a request is wrong.
#[derive(Clone, Debug)]
struct Wrong {
    which: prop::sample::Index,
    changes: Vec<Change>,
    /// Bytes of the body that are others.
    flips: Vec<(prop::sample::Index, u8)>,
    key: Option<Vec<u8>>,
    query: Option<String>,
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let flip = (any::<prop::sample::Index>(), any::<u8>());
    let flips = prop_oneof![
        5 => Just(Vec::new()),
        1 => prop::collection::vec(flip, 1..5),
    ];
    let key = prop::option::weighted(0.3, prop::collection::vec(any::<u8>(), 0..300));
    let query = prop_oneof![
        "(limit|after|from|to|status|type|state|email|phone|balanceId)=[-+0-9a-zA-Z%.:]{0,30}",
        "after=[0-9]{0,25}",
        "limit=-?[0-9]{0,25}",
        "[-a-zA-Z0-9%&=+.:;\\[\\]]{0,60}",
    ];
    let query = prop::option::weighted(0.5, query);
    let changes = prop::collection::vec(change(), 0..4);
    (any::<prop::sample::Index>(), changes, flips, key, query)
        .prop_map(|(which, changes, flips, key, query)| Wrong { which, changes, flips, key, query })
}

fn message(card: i64, more: &Value) -> Value {
    let mut body = json!({
        "card": { "cardId": card }, "amount": 1, "currency": "EUR", "transactionId": "name",
        "transactionDate": "2026-09-21T10:00:00+00:00", "description": "Book store",
        "originalAmount": 5, "originalCurrency": "PLN", "conversionRate": "0.2314",
        "transactionData": {
            "mcc": "5942", "captureMode": "ECOM", "acquirerCountry": "POL",
            "retrievalReferenceNumber": "123456789012", "lastFourDigits": "1234",
        },
    });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    body
}

/// Limits and controls, as a partner sends them and as a file for a program's cards has them.
fn limits(currency: Option<&str>) -> Value {
    let mut body = json!({
        "limits": [
            { "type": "general", "timeUnit": "daily", "amountMinor": 50_000, "count": 10 },
            { "type": "atm", "timeUnit": "lifetime", "amountMinor": 1 },
        ],
        "controls": {
            "mccs": { "blocked": ["7995"] }, "countries": { "allowed": ["PL", "DE"] },
            "captureModes": { "blocked": ["MAGSTRIPE"] }, "merchants": { "blocked": ["shop"] },
        },
    });
    if let Some(currency) = currency {
        for limit in body["limits"].as_array_mut().expect("a list") {
            limit["currency"] = currency.into();
        }
        body["budget"] = json!({
            "currency": currency, "amountMinor": 7, "from": "2026-01-01", "to": "2026-12-31",
        });
    }
    body
}

/// Messages are about one card; what would have it declined for ever is about another.
fn rights(funded: Funded, other: Funded) -> Vec<Right> {
    let (card, user, balance) = (funded.card.0, funded.user.0, funded.balance.0);
    let of = json!({
        "referenceTransactionId": "before", "referenceTransactionDate": "2026-09-21T10:00:00+00:00",
    });
    let mut cleared = of.clone();
    cleared["final"] = false.into();
    cleared["sequence"] = 1.into();
    cleared["fxDifference"] = 0.into();
    cleared["category"] = "DEBIT".into();
    let mut raised = of.clone();
    raised["kind"] = "incremental".into();
    raised["type"] = "pos".into();
    let asked = json!({
        "kind": "authorization", "type": "pos", "cvv": "123", "expiry": "2029-11",
        "partialApproval": true, "preAuthorization": false,
    });
    let told = json!({ "kind": "advice", "type": "pos", "approved": true });
    let corrected = json!({ "kind": "adjustment", "type": "adjustment", "category": "CREDIT" });
    let right = |method: Method, path: &str, body| Right {
        method,
        path: path.to_owned(),
        body,
        of_partner: !path.starts_with("/processor"),
    };
    let post = |path: &str, body| right(Method::POST, path, body);
    let get = |path: &str| right(Method::GET, path, Value::Null);
    let other_user = format!("/secure/customers/{}", other.user.0);
    let other_card = format!("{other_user}/cards/{}", other.card.0);
    vec![
        post("/processor/v1/authorizations", message(card, &asked)),
        post("/processor/v1/authorizations", message(card, &raised)),
        post("/processor/v1/authorizations", message(card, &told)),
        post("/processor/v1/authorizations", message(card, &corrected)),
        post("/processor/v1/clearings", message(card, &cleared)),
        post("/processor/v1/reversals", message(card, &of)),
        post(
            &format!("/secure/balances/{balance}/transactions"),
            json!({
                "type": "topUp", "amount": 1, "currency": "EUR", "description": "Top-up",
                "externalTransactionId": "name",
            }),
        ),
        post(&format!("/secure/customers/{user}/balances"), json!({ "currency": "EUR" })),
        post(&format!("{other_card}/lock"), json!({ "reason": "LOST" })),
        right(Method::PUT, &format!("{other_card}/limits"), limits(Some("EUR"))),
        right(Method::PUT, &format!("{other_user}/limits"), limits(Some("EUR"))),
        get(&format!("/secure/balances/{balance}/transactions")),
        get(&format!("/secure/customers/{user}/cards")),
        get(&format!("/secure/customers/{user}/balances")),
        get("/secure/partner-balances"),
        get("/lifecycle/v1/users"),
    ]
}

/// The request, if HTTP allows it at all.
fn request(right: &Right, wrong: &Wrong, peer: &Peer) -> Option<Request<Body>> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut body = right.body.clone();
    let name = NEXT.fetch_add(1, Ordering::SeqCst);
    for field in ["transactionId", "externalTransactionId"] {
        if let Some(known) = body.get_mut(field) {
            *known = format!("name-{name}").into();
        }
    }
    for change in &wrong.changes {
        apply(&mut body, change);
    }
    let mut bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    for (at, byte) in &wrong.flips {
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
    }
    let key = wrong.key.clone().unwrap_or_else(|| format!("key-{name}").into_bytes());
    let query = wrong.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    Request::builder()
        .method(right.method.clone())
        .uri(format!("{}{query}", right.path))
        .extension(peer.clone())
        .header("content-type", "application/json")
        .header("issuer-code", "sandbox")
        .header("x-idempotency-key", HeaderValue::from_bytes(&key).ok()?)
        .body(Body::from(bytes))
        .ok()
}

fn runner(cases: u32) -> TestRunner {
    eprintln!("seed {SEED:#x}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&SEED.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, random)
}

#[test]
fn a_request_that_is_wrong_anywhere_is_answered() {
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let (node, doors, rights) = runtime.block_on(async {
        let node = TestApp::on(Database::Sqlite).await;
        let doors = Doors::of(&node).await;
        let rights = rights(node.funded(1_000_000).await, node.funded(0).await);
        (node, doors, rights)
    });
    let told = RefCell::new([0_u32; 6]);
    let played = runner(REQUESTS).run(&wrong(), |wrong| {
        let right = &rights[wrong.which.index(rights.len())];
        let peer = if right.of_partner { &doors.partner } else { &doors.processor };
        let Some(request) = request(right, &wrong, peer) else { return Ok(()) };
        let (status, body) = runtime.block_on(async {
            read(doors.router.clone().oneshot(request).await.expect("answers")).await
        });
        told.borrow_mut()[usize::from(status.as_u16() / 100)] += 1;
        prop_assert!(!status.is_server_error(), "{status} {body} to {right:?}");
        Ok(())
    });
    assert!(played.is_ok(), "{played:?}");
    let told = told.into_inner();
    eprintln!("answers by hundreds of their status: {told:?}");
    assert!(told[2] > REQUESTS / 20 && told[4] > REQUESTS / 4, "both kinds are met: {told:?}");
    runtime.block_on(node.verify());
}

/// The file of `antaca program set --limits`, and any JSON object in its place.
#[test]
fn limits_of_a_program_are_read_or_named() {
    let changes = prop::collection::vec(change(), 0..5);
    let any = prop::collection::btree_map("limits|controls|budget|[a-z]{1,6}", value(), 0..4);
    let read = runner(5_000).run(&(changes, any), |(changes, any)| {
        let mut body = limits(None);
        changes.iter().for_each(|change| apply(&mut body, change));
        let any: Map<String, Value> = any.into_iter().collect();
        for body in body.as_object().into_iter().chain([&any]) {
            if let Err(wrong) = program_rules(body, Currency::EUR) {
                prop_assert!(!wrong.is_empty());
            }
        }
        Ok(())
    });
    assert!(read.is_ok(), "{read:?}");
    let good = limits(None);
    assert!(program_rules(good.as_object().expect("an object"), Currency::EUR).is_ok());
}
