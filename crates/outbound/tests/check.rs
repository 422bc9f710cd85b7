//! A partner's server with one fault: that one is reported, and no other.

use outbound::SharedSecret;
use outbound::check::{Finding, Mode, Plan, Verdict, check, report};
use outbound::client::Client;
use outbound::target::{Identity, Reach, Target};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use testkit::books::{Books, Mode as Holds, Request, Transaction};
use testkit::{Behaviour, Bookkeeper, Partner, Received, Way};
use uuid::Uuid;
use zeroize::Zeroizing;

const EXTERNAL: Holds = Holds::External { starting: 0 };
const SHARED: Holds = Holds::Shared { limit: 500_000 };
/// Longer than any answer takes that isn't meant to be late.
const PATIENCE: Duration = Duration::from_secs(8);

/// A fault: it may change the request, or answer by itself. It is told whether the key was here
/// before.
type Fault = fn(&mut Books, &mut Received, bool) -> Option<Behaviour>;

fn client(base_url: String, authority: &str, identity: (&str, &str)) -> Client {
    let target = Target {
        base_url,
        trusted_ca: authority.to_owned(),
        identity: Some(Identity {
            certificate: identity.0.to_owned(),
            key: Zeroizing::new(identity.1.to_owned()),
        }),
        reach: Reach::Anywhere,
    };
    Client::new(&target).expect("a target")
}

async fn found(partner: &Partner, mode: Mode, with: (&[SharedSecret], Duration)) -> Vec<Finding> {
    static LAST: AtomicU64 = AtomicU64::new(1);
    let client = client(partner.base_url(), partner.authority(), partner.identity());
    let plan = Plan {
        mode,
        user: "7",
        balance: None,
        currency: "EUR",
        secrets: with.0,
        patience: with.1,
        now: &testkit::now,
        ids: &|| Uuid::from_u128(LAST.fetch_add(1, Ordering::Relaxed).into()),
    };
    check(&client, &plan).await
}

fn lines(found: &[Finding]) -> String {
    found.iter().map(|finding| finding.json().to_string() + "\n").collect()
}

/// What isn't well, each with its verdict.
fn faults(found: &[Finding]) -> Vec<(&'static str, Verdict)> {
    let bad = found.iter().filter(|finding| finding.verdict != Verdict::Ok);
    bad.map(|finding| (finding.check, finding.verdict)).collect()
}

async fn faulty(holds: Holds, fault: Fault) -> Partner {
    let kept = Mutex::new((Books::new(holds), HashSet::new()));
    Partner::start(move |request, _| {
        let mut kept = kept.lock().expect("isn't poisoned");
        let (books, keys) = &mut *kept;
        let mut request = request.clone();
        let seen = !keys.insert(request.key().to_owned());
        if let Some(behaviour) = fault(books, &mut request, seen) {
            return behaviour;
        }
        let call = Request {
            method: &request.method,
            path: &request.path,
            key: Some(request.key()).filter(|key| !key.is_empty()),
            body: &request.bytes,
        };
        books.answer(&call, testkit::now()).into()
    })
    .await
}

/// Plays against a partner with a fault; these checks must tell it, and no other.
async fn check_fault(
    (mode, holds): (Mode, Holds),
    fault: Fault,
    expected: &[(&'static str, Verdict)],
) {
    let partner = faulty(holds, fault).await;
    let found = found(&partner, mode, (&[], PATIENCE)).await;
    assert_eq!(faults(&found), expected, "{}", lines(&found));
    let told = found.iter().all(|it| it.fault.is_some() == (it.verdict != Verdict::Ok));
    assert!(told, "{}", lines(&found));
}

fn done() -> Option<Behaviour> {
    Some(Behaviour::Status(204))
}

fn refused(status: u16, title: &str) -> Option<Behaviour> {
    Some(Behaviour::Json(status, json!({ "title": title, "detail": "A test refuses." })))
}

fn is(request: &Received, word: &str) -> bool {
    request.path == format!("/transactions/{word}")
}

fn amount(request: &Received) -> i64 {
    request.body["amount"].as_i64().unwrap_or_default()
}

fn has(books: &Books, request: &Received) -> i64 {
    let balance = request.body["balanceId"].as_str().unwrap_or_default();
    books.amount(balance).unwrap_or_default()
}

fn transaction<'a>(books: &'a Books, request: &Received) -> Option<&'a Transaction> {
    books.transaction(request.body["id"].as_str().unwrap_or_default())
}

fn last_segment(request: &Received) -> &str {
    request.path.rsplit('/').next().unwrap_or_default()
}

/// Has a call booked, and tells with which status it would be answered.
fn booked(books: &mut Books, request: &Received) -> u16 {
    let call = Request {
        method: &request.method,
        path: &request.path,
        key: Some(request.key()),
        body: &request.bytes,
    };
    books.answer(&call, testkit::now()).status
}

fn forget_key(request: &mut Received) -> Option<Behaviour> {
    request.headers.remove("x-idempotency-key");
    None
}

const ALL_WELL: Fault = |_, _, _| None;

#[tokio::test]
async fn a_good_partner_has_no_faults() {
    for (mode, holds, count) in [
        (Mode::External, EXTERNAL, 32),
        (Mode::Shared, SHARED, 16),
        (Mode::Notifications, EXTERNAL, 17),
    ] {
        let partner = faulty(holds, ALL_WELL).await;
        let found = found(&partner, mode, (&[], PATIENCE)).await;
        assert_eq!(faults(&found), [], "{}", lines(&found));
        assert_eq!(found.len(), count, "{}", lines(&found));
        let names: HashSet<_> = found.iter().map(|finding| finding.check).collect();
        assert_eq!(names.len(), found.len(), "each has a name of its own");
    }
}

#[tokio::test]
async fn one_fault_of_balances_is_told_and_no_other() {
    let cases: &[(&'static str, Verdict, Fault)] = &[
        ("link: an unknown user's is refused", Verdict::Wrong, |_, request, _| {
            if request.path == "/users/0/balances" { done() } else { None }
        }),
        ("link: a known user's is done", Verdict::Wrong, |_, request, _| {
            let is_link = request.path == "/users/7/balances" && request.method == "POST";
            if is_link { refused(404, "USER_NOT_FOUND") } else { None }
        }),
        ("link: once more is no fault", Verdict::Wrong, |books, request, seen| {
            let id = request.body["balanceId"].as_str().unwrap_or_default();
            let again = request.path == "/users/7/balances" && !seen;
            if again && books.amount(id).is_some() {
                books.set_amount(id, 77);
            }
            None
        }),
        ("link: once more is no fault", Verdict::Warning, |books, request, seen| {
            let id = request.body["balanceId"].as_str().unwrap_or_default();
            let again = request.path == "/users/7/balances" && !seen;
            if again && books.amount(id).is_some() { refused(409, "CLIENT_ERROR") } else { None }
        }),
        ("read: a balance", Verdict::Wrong, |books, request, _| {
            let amount = books.amount(last_segment(request));
            let text = amount.filter(|_| request.path.starts_with("/users/7/"))?.to_string();
            Some(Behaviour::Json(200, json!({ "currency": "EUR", "amount": text })))
        }),
        ("read: the list of a user's balances", Verdict::Wrong, |_, request, _| {
            let is_list = request.path == "/users/7/balances" && request.method == "GET";
            is_list.then(|| Behaviour::Json(200, json!([])))
        }),
        ("read: an unknown balance is refused", Verdict::Wrong, |books, request, _| {
            let is_read = request.method == "GET" && request.path.contains("/balances/");
            let is_unknown = books.amount(last_segment(request)).is_none();
            if is_read && is_unknown { refused(404, "NOT_FOUND") } else { None }
        }),
        ("read: another user's balance is refused", Verdict::Wrong, |_, request, _| {
            let is_foreign = request.path.starts_with("/users/0/balances/");
            let body = json!({ "currency": "EUR", "amount": 250 });
            (is_foreign && request.method == "GET").then_some(Behaviour::Json(200, body))
        }),
        ("read: another user's balance is refused", Verdict::Warning, |_, request, _| {
            let is_foreign = request.path.starts_with("/users/0/balances/");
            let is_read = is_foreign && request.method == "GET";
            if is_read { refused(404, "USER_NOT_FOUND") } else { None }
        }),
        ("unlink: a balance goes, and nothing else", Verdict::Wrong, |_, request, _| {
            let is_foreign = request.path.starts_with("/users/0/balances/");
            if is_foreign && request.method == "DELETE" { done() } else { None }
        }),
        ("unlink: a balance goes, and nothing else", Verdict::Wrong, |books, request, _| {
            let is_theirs = books.owner(last_segment(request)) == Some("7");
            if is_theirs && request.method == "DELETE" { done() } else { None }
        }),
    ];
    for (check, verdict, fault) in cases {
        check_fault((Mode::External, EXTERNAL), *fault, &[(check, *verdict)]).await;
    }
}

#[tokio::test]
async fn one_fault_of_debits_and_credits_is_told_and_no_other() {
    let cases: &[(&'static str, Verdict, Fault)] = &[
        ("force-credit: is booked, once for its key", Verdict::Wrong, |_, request, _| {
            if is(request, "force-credit") { forget_key(request) } else { None }
        }),
        ("debit: is booked, once for its key", Verdict::Wrong, |_, request, seen| {
            let again = is(request, "debit") && amount(request) == 1_000 && seen;
            again.then(|| Behaviour::Json(200, json!({ "repeated": true })))
        }),
        ("debit: two at once under one key are one", Verdict::Wrong, |_, request, _| {
            let is_it = is(request, "debit") && amount(request) == 900;
            if is_it { forget_key(request) } else { None }
        }),
        ("debit: another body under a known key does nothing", Verdict::Wrong, |_, request, _| {
            let is_it = is(request, "debit") && amount(request) == 1_200;
            if is_it { forget_key(request) } else { None }
        }),
        (
            "debit: another body under a known key does nothing",
            Verdict::Warning,
            |_, request, _| {
                let is_it = is(request, "debit") && amount(request) == 1_200;
                is_it.then_some(Behaviour::Status(500))
            },
        ),
        ("debit: more than the balance has is refused", Verdict::Wrong, |books, request, _| {
            let id = request.body["balanceId"].as_str().unwrap_or_default();
            let has = books.amount(id).filter(|has| amount(request) > *has);
            if is(request, "debit") && has.is_some() {
                request.path = "/transactions/force-debit".to_owned();
            }
            None
        }),
        ("debit: of an unknown balance is refused", Verdict::Wrong, |books, request, _| {
            let id = request.body["balanceId"].as_str().unwrap_or_default();
            if is(request, "debit") && books.amount(id).is_none() { done() } else { None }
        }),
        ("credit: is booked, once for its key", Verdict::Wrong, |_, request, _| {
            if is(request, "credit") { forget_key(request) } else { None }
        }),
        ("credit: is booked, once for its key", Verdict::Wrong, |books, request, _| {
            let is_it = is(request, "credit") && amount(request) == 700;
            if is_it && booked(books, request) == 204 {
                return Some(Behaviour::Json(200, json!({ "booked": true })));
            }
            None
        }),
        ("debit: is booked, once for its key", Verdict::Wrong, |books, request, _| {
            let is_it = is(request, "debit") && amount(request) == 1_000;
            let is_done = is_it && booked(books, request) == 204;
            is_done.then_some(Behaviour::Status(202))
        }),
        ("credit: of an unknown balance is refused", Verdict::Wrong, |books, request, _| {
            let id = request.body["balanceId"].as_str().unwrap_or_default();
            if is(request, "credit") && books.amount(id).is_none() { done() } else { None }
        }),
        ("force-debit: is booked below 0 too, once for its key", Verdict::Wrong, |books, it, _| {
            let too_much = is(it, "force-debit") && amount(it) > has(books, it);
            if too_much { refused(422, "INSUFFICIENT_FUNDS") } else { None }
        }),
    ];
    for (check, verdict, fault) in cases {
        check_fault((Mode::External, EXTERNAL), *fault, &[(check, *verdict)]).await;
    }
}

#[tokio::test]
async fn who_agrees_with_another_status_is_told_what_becomes_of_it() {
    for (mode, holds) in [(Mode::External, EXTERNAL), (Mode::Shared, SHARED)] {
        let partner = faulty(holds, |_, request, _| {
            is(request, "credit").then(|| Behaviour::Json(200, json!({})))
        })
        .await;
        let found = found(&partner, mode, (&[], PATIENCE)).await;
        let wrong = found.iter().find(|it| it.check.starts_with("credit: is "));
        let fault = wrong.and_then(|it| it.fault.as_ref()).expect("is told");
        assert_eq!(
            (fault.expected.as_str(), fault.came.as_str()),
            (
                "204: any other answer is declined, and what was booked is taken back by a \
                 reversal",
                "200 {}",
            ),
        );
    }
}

#[tokio::test]
async fn one_fault_of_reversals_and_clearings_is_told_and_no_other() {
    let cases: &[(&'static str, Verdict, Fault)] = &[
        ("reversal: undoes its debit, once", Verdict::Wrong, |books, request, _| {
            let sum = transaction(books, request).map(Transaction::sum);
            if is(request, "reversal") && sum == Some(0) {
                request.path = "/transactions/force-credit".to_owned();
            }
            None
        }),
        ("reversal: undoes its credit", Verdict::Wrong, |books, request, _| {
            let sum = transaction(books, request).map_or(0, Transaction::sum);
            if is(request, "reversal") && sum > 0 { done() } else { None }
        }),
        (OVERTAKEN, Verdict::Wrong, |books, request, _| {
            let is_unknown = transaction(books, request).is_none();
            let is_it = is(request, "reversal") && is_unknown;
            if is_it { refused(404, "TRANSACTION_NOT_FOUND") } else { None }
        }),
        (OVERTAKEN, Verdict::Wrong, |books, request, _| {
            let is_unknown = transaction(books, request).is_none();
            if is(request, "reversal") && is_unknown { done() } else { None }
        }),
        (BY_NETWORK, Verdict::Wrong, |books, request, _| {
            let is_known = transaction(books, request).is_some();
            if is(request, "force-credit") && is_known { done() } else { None }
        }),
        ("clearing: moves no money", Verdict::Wrong, |books, request, _| {
            let id = request.body["balanceId"].as_str().unwrap_or_default();
            if request.method == "PUT" && !request.path.contains('%') {
                books.set_amount(id, has(books, request) - 1);
            }
            None
        }),
        ("clearing: the id in its path is percent-encoded", Verdict::Wrong, |_, request, _| {
            let is_it = request.method == "PUT" && request.path.contains('%');
            if is_it { refused(404, "TRANSACTION_NOT_FOUND") } else { None }
        }),
        ("clearing: of an unknown transaction is refused", Verdict::Wrong, |_, request, _| {
            if request.method == "PUT" && amount(request) == 100 { done() } else { None }
        }),
    ];
    for (check, verdict, fault) in cases {
        check_fault((Mode::External, EXTERNAL), *fault, &[(check, *verdict)]).await;
    }
}

const OVERTAKEN: &str = "reversal: of an unknown id is done, and its debit is refused";
const BY_NETWORK: &str = "force-credit: with the id of its debit gives the money back";

#[tokio::test]
async fn one_fault_of_who_is_asked_is_told_and_no_other() {
    let cases: &[(&'static str, Fault)] = &[
        ("debit: is answered, and again so for its key", |_, request, seen| {
            let again = is(request, "debit") && seen && transaction_is_first(request);
            if again { refused(422, "FRAUDS_DETECTED") } else { None }
        }),
        ("reversal: of a credit is done, and once more", |_, request, _| {
            let of_credit = is(request, "reversal") && request.body["type"] == "adjustment";
            if of_credit { refused(404, "TRANSACTION_NOT_FOUND") } else { None }
        }),
        ("credit: is answered, and again so for its key", |_, request, _| {
            is(request, "credit").then_some(Behaviour::Status(500))
        }),
        ("force-debit: is taken, and again so for its key", |_, request, _| {
            if is(request, "force-debit") { refused(422, "LIMITS_EXCEEDED") } else { None }
        }),
        ("force-credit: with the id of its debit is taken", |_, request, _| {
            let is_it = is(request, "force-credit") && request.body["status"] == "REVERSED";
            if is_it { refused(409, "CLIENT_ERROR") } else { None }
        }),
        (OVERTAKEN, |books, request, _| {
            let is_unknown = transaction(books, request).is_none();
            if is(request, "reversal") && is_unknown { done() } else { None }
        }),
    ];
    for (check, fault) in cases {
        check_fault((Mode::Shared, SHARED), *fault, &[(check, Verdict::Wrong)]).await;
    }
}

/// Whether it isn't one of two at once: of these the third is compared with nothing.
fn transaction_is_first(request: &Received) -> bool {
    let id = request.body["id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
    let key = request.key().parse::<Uuid>().ok();
    // The ids are drawn one after the other: balance, id and network's id, and then the key.
    id.zip(key).is_some_and(|(id, key)| key.as_u128() == id.as_u128() + 2)
}

#[tokio::test]
async fn one_fault_of_notifications_is_told_and_no_other() {
    let cases: &[(&'static str, Verdict, Fault)] = &[
        ("told: a transaction", Verdict::Wrong, |_, request, _| {
            let one = request.path == "/notifications/transaction";
            (one && request.body["status"] == "SUCCESS").then_some(Behaviour::Status(202))
        }),
        ("told: a card is locked", Verdict::Wrong, |_, request, _| {
            (request.path == "/notifications/cardLocked").then_some(Behaviour::Status(500))
        }),
        ("told: a card is unlocked", Verdict::Warning, |_, request, _| {
            (request.path == "/notifications/cardUnlocked").then_some(Behaviour::Status(404))
        }),
        ("told: KYC goes on", Verdict::Wrong, |_, request, seen| {
            let again = request.path == "/notifications/verificationInProgress" && seen;
            again.then_some(Behaviour::Status(409))
        }),
    ];
    for (check, verdict, fault) in cases {
        check_fault((Mode::Notifications, EXTERNAL), *fault, &[(check, *verdict)]).await;
    }
}

/// The legacy notifier's bodies are such as the product sends: the words of its status, and UUIDs.
#[tokio::test]
async fn transactions_are_told_as_the_product_tells_them() {
    let partner = faulty(EXTERNAL, ALL_WELL).await;
    let found = found(&partner, Mode::Notifications, (&[], PATIENCE)).await;
    assert_eq!(faults(&found), [], "{}", lines(&found));
    let received = partner.received();
    let told: Vec<&Received> =
        received.iter().filter(|it| it.path == "/notifications/transaction").collect();
    let words = |it: &&Received| {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let of = &it.body["transaction"];
        for name in ["id", "balanceId", "resourceId"] {
            assert!(text(&of[name]).parse::<Uuid>().is_ok(), "{name} {of}");
        }
        [&it.body["status"], &it.body["description"], &of["type"], &of["status"]].map(text)
    };
    let words: Vec<[String; 4]> = told.iter().map(words).collect();
    let expected = [
        ["SUCCESS", "APPROVED", "POS", "AUTHORIZED"],
        ["DECLINED", "INSUFFICIENT_FUNDS", "POS", "AUTHORIZED"],
        ["INVALID", "REFERENCED_TRANSACTION_NOT_FOUND", "Adjustment", "REVERSED"],
    ];
    // Each comes twice, under one key.
    let twice = expected.iter().flat_map(|it| [it.map(str::to_owned), it.map(str::to_owned)]);
    assert_eq!(words, twice.collect::<Vec<_>>());
    assert_eq!(told[4].body["transaction"]["transactionData"], json!([]));
}

#[tokio::test]
async fn one_fault_of_manners_is_told_and_no_other() {
    let cases: &[(&'static str, Fault)] = &[
        ("the public key for sensitive data", |_, request, _| {
            (request.path == "/public-key").then_some(Behaviour::Status(404))
        }),
        ("bodies say that they are JSON", |_, request, _| {
            let is_list = request.path == "/users/7/balances" && request.method == "GET";
            let is_foreign = request.path.starts_with("/users/0/balances/");
            let body = r#"{"title":"FORBIDDEN","detail":""}"#;
            let head = "HTTP/1.1 403 X\r\ncontent-type: text/plain\r\ncontent-length: 33\r\n\r\n";
            let is_it = is_foreign && request.method == "GET" && !is_list;
            is_it.then(|| Behaviour::Bytes(format!("{head}{body}").into_bytes()))
        }),
        ("refusals have a detail", |_, request, _| {
            let is_foreign = request.path.starts_with("/users/0/balances/");
            let is_it = is_foreign && request.method == "GET";
            is_it.then(|| Behaviour::Json(403, json!({ "title": "FORBIDDEN" })))
        }),
        ("what is done is answered 204", |books, request, _| {
            let is_done = is(request, "force-credit") && booked(books, request) == 204;
            is_done.then(|| Behaviour::Json(200, json!({})))
        }),
        ("connections are kept open", |books, request, _| {
            let call = Request {
                method: &request.method,
                path: &request.path,
                key: Some(request.key()),
                body: &request.bytes,
            };
            let reply = books.answer(&call, testkit::now());
            let body = reply.body.as_ref().map(Value::to_string).unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {} X\r\nconnection: close\r\ncontent-type: {}\r\n",
                reply.status,
                reply.media_type(),
            );
            let length = match reply.status {
                204 => String::new(),
                _ => format!("content-length: {}\r\n", body.len()),
            };
            Some(Behaviour::Bytes(format!("{head}{length}\r\n{body}").into_bytes()))
        }),
    ];
    for (check, fault) in cases {
        check_fault((Mode::External, EXTERNAL), *fault, &[(check, Verdict::Warning)]).await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_told() {
    let late = |request: &Received, _: usize| match is(request, "credit") {
        true => Way::AnswersLate(Duration::from_secs(3)),
        false => Way::Books,
    };
    let partner = Bookkeeper::start(SHARED, late).await;
    let found = found(&partner, Mode::Shared, (&[], Duration::from_secs(2))).await;
    let expected = ("debits and credits are answered in time", Verdict::Wrong);
    assert_eq!(faults(&found), [expected], "{}", lines(&found));
}

#[tokio::test]
async fn who_does_not_look_at_signatures_is_warned() {
    for (mode, holds) in [(Mode::External, EXTERNAL), (Mode::Notifications, EXTERNAL)] {
        let partner = faulty(holds, ALL_WELL).await;
        let found = found(&partner, mode, (&[SharedSecret::new(&[7; 32])], PATIENCE)).await;
        let expected = ("a wrong signature is refused", Verdict::Warning);
        assert_eq!(faults(&found), [expected], "{}", lines(&found));
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_once() {
    let partner = Partner::start(|_, _| Behaviour::Drop).await;
    let found = found(&partner, Mode::External, (&[], PATIENCE)).await;
    assert_eq!(faults(&found), [("the server answers", Verdict::Wrong)]);
    assert_eq!(found.len(), 1);
    let came = "the partner's answer broke off or wasn't understood";
    let finding = json!({
        "check": "the server answers", "verdict": "WRONG",
        "sent": "GET /public-key", "expected": "an answer", "came": came,
    });
    let expected = json!({ "mode": "external", "holds": false, "findings": [finding] });
    assert_eq!(report(Mode::External, &found), expected);
}
