//! The contract, call by call.

use super::*;

const BALANCE: &str = "b334b384-328c-11ed-a261-0242ac120002";
const ID: &str = "b4f534ef-77c2-4f16-ab4d-496806a76fb6";
const NETWORK_ID: &str = "MCC/17 %";
const START: i64 = 1_700_000_000;

/// Books with a balance of user 7 that has 100.00, and what comes to them.
struct Desk {
    books: Books,
    /// The number of the last key.
    keys: u32,
    /// Seconds since the start.
    at: i64,
}

impl Desk {
    fn external() -> Self {
        let mut desk = Self::of(Mode::External { starting: 10_000 });
        let link = json!({ "balanceId": BALANCE, "currency": "PLN" });
        assert_eq!(desk.send("POST", "/users/7/balances", &link).status, 204);
        desk
    }

    fn of(mode: Mode) -> Self {
        Self { books: Books::new(mode), keys: 0, at: 0 }
    }

    /// Sends a call with a key of its own.
    fn send(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        self.keys += 1;
        self.repeat(method, path, body)
    }

    /// Sends a call with the last one's key.
    fn repeat(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let (key, body) = (format!("key-{}", self.keys), body.to_string());
        let body = if body == "null" { "" } else { &body };
        let request = Request { method, path, key: Some(&key), body: body.as_bytes() };
        let now = Timestamp::from_second(START + self.at).expect("a time");
        self.books.answer(&request, now)
    }

    fn post(&mut self, word: &str, body: &Value) -> Reply {
        self.send("POST", &format!("/transactions/{word}"), body)
    }

    fn amount(&self) -> i64 {
        self.books.amount(BALANCE).expect("is known")
    }

    fn sum(&self, id: &str) -> i64 {
        self.books.transaction(id).map_or(0, Transaction::sum)
    }
}

fn transaction(id: &str, amount: i64, status: &str) -> Value {
    json!({
        "id": id, "balanceId": BALANCE, "resourceId": "11", "resource": "card",
        "transactionId": NETWORK_ID, "referenceTransactionId": null, "type": "pos",
        "amount": amount, "currency": "PLN", "originalAmount": null, "originalCurrency": null,
        "status": status, "description": "", "date": "2020-08-17T18:43:42+00:00",
        "transactionData": { "cardId": "11" },
    })
}

fn authorized(amount: i64) -> Value {
    transaction(ID, amount, "AUTHORIZED")
}

fn title(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.body.as_ref().and_then(|body| body["title"].as_str()).unwrap_or(""))
}

#[test]
fn balances_are_linked_read_listed_and_unlinked() {
    let mut desk = Desk::external();
    let other = json!({ "balanceId": "a072bd0e", "currency": "USD" });
    assert_eq!(desk.send("POST", "/users/7/balances", &other).status, 204);
    let one = format!("/users/7/balances/{BALANCE}");
    let read = |desk: &mut Desk, path: &str| desk.send("GET", path, &Value::Null);
    let shown = read(&mut desk, &one);
    assert_eq!(shown, Reply::ok(json!({ "currency": "PLN", "amount": 10_000 })));
    assert_eq!(shown.media_type(), "application/json");
    let all = json!([
        { "id": "a072bd0e", "currency": "USD", "amount": 10_000 },
        { "id": BALANCE, "currency": "PLN", "amount": 10_000 },
    ]);
    assert_eq!(read(&mut desk, "/users/7/balances"), Reply::ok(all));
    assert_eq!(read(&mut desk, "/users/8/balances"), Reply::ok(json!([])));
    let others = format!("/users/8/balances/{BALANCE}");
    let gone = "/users/7/balances/b334";
    for (method, path, expected) in [
        ("GET", others.as_str(), (403, "FORBIDDEN")),
        ("GET", gone, (404, "BALANCE_NOT_FOUND")),
        ("DELETE", &others, (403, "FORBIDDEN")),
        ("DELETE", gone, (404, "BALANCE_NOT_FOUND")),
        ("PUT", &one, (404, "NOT_FOUND")),
    ] {
        assert_eq!(title(&desk.send(method, path, &Value::Null)), expected, "{method} {path}");
    }
    assert_eq!(desk.send("DELETE", &one, &Value::Null).status, 204);
    assert_eq!(desk.repeat("DELETE", &one, &Value::Null).status, 204, "the same key");
    assert_eq!(title(&desk.send("DELETE", &one, &Value::Null)), (404, "BALANCE_NOT_FOUND"));
    assert_eq!(title(&read(&mut desk, &one)), (404, "BALANCE_NOT_FOUND"));
    assert_eq!(desk.books.owner(BALANCE), None);
    assert_eq!(title(&desk.post("debit", &authorized(1))), (404, "BALANCE_NOT_FOUND"));
}

#[test]
fn a_balance_is_linked_once_and_for_a_known_user() {
    let mut desk = Desk::external();
    assert_eq!(desk.post("force-debit", &authorized(1)).status, 204);
    let link = |currency: &str| json!({ "balanceId": BALANCE, "currency": currency });
    assert_eq!(desk.send("POST", "/users/7/balances", &link("PLN")).status, 204);
    assert_eq!(desk.amount(), 9_999, "as it was");
    for (user, body, expected) in [
        ("0", link("PLN"), (404, "USER_NOT_FOUND")),
        ("8", link("PLN"), (409, "CLIENT_ERROR")),
        ("7", link("EUR"), (409, "CLIENT_ERROR")),
        ("7", json!({ "balanceId": BALANCE }), (409, "CLIENT_ERROR")),
    ] {
        let reply = desk.send("POST", &format!("/users/{user}/balances"), &body);
        assert_eq!(title(&reply), expected, "{user} {body}");
    }
    assert_eq!(desk.books.owner(BALANCE), Some("7"));
}

#[test]
fn what_is_asked_is_booked_or_refused() {
    let mut unknown = authorized(1);
    unknown["balanceId"] = "another".into();
    let mut in_euro = authorized(1);
    in_euro["currency"] = "EUR".into();
    let mut nameless = authorized(1);
    nameless["id"] = Value::Null;
    for (word, body, expected, amount) in [
        ("debit", authorized(10_000), (204, ""), 0),
        ("debit", authorized(10_001), (422, "INSUFFICIENT_FUNDS"), 10_000),
        ("debit", unknown.clone(), (404, "BALANCE_NOT_FOUND"), 10_000),
        ("debit", in_euro.clone(), (409, "CLIENT_ERROR"), 10_000),
        ("debit", nameless, (409, "CLIENT_ERROR"), 10_000),
        ("debit", authorized(-1), (409, "CLIENT_ERROR"), 10_000),
        ("debit", transaction(ID, 1, "PENDING"), (409, "CLIENT_ERROR"), 10_000),
        ("credit", authorized(5), (204, ""), 10_005),
        ("credit", unknown.clone(), (404, "BALANCE_NOT_FOUND"), 10_000),
        ("credit", authorized(i64::MAX), (409, "CLIENT_ERROR"), 10_000),
        ("force-debit", authorized(10_001), (204, ""), -1),
        ("force-debit", unknown.clone(), (204, ""), 10_000),
        ("force-credit", authorized(5), (204, ""), 10_005),
        ("force-credit", unknown, (204, ""), 10_000),
        ("force-credit", in_euro, (409, "CLIENT_ERROR"), 10_000),
        ("refund", authorized(5), (404, "NOT_FOUND"), 10_000),
    ] {
        let mut desk = Desk::external();
        let reply = desk.post(word, &body);
        assert_eq!(title(&reply), expected, "{word} {body}");
        assert_eq!(desk.amount(), amount, "{word} {body}");
        assert_eq!(reply.media_type().contains("problem"), expected.0 != 204);
    }
}

#[test]
fn the_same_key_gets_the_same_answer_and_does_nothing_twice() {
    let mut desk = Desk::external();
    let path = "/transactions/debit";
    assert_eq!(desk.send("POST", path, &authorized(6_000)).status, 204);
    assert_eq!(desk.repeat("POST", path, &authorized(6_000)).status, 204);
    assert_eq!(desk.amount(), 4_000);
    assert_eq!(title(&desk.repeat("POST", path, &authorized(1))), (409, "CLIENT_ERROR"));
    let other = desk.repeat("POST", "/transactions/credit", &authorized(6_000));
    assert_eq!(title(&other), (409, "CLIENT_ERROR"));
    assert_eq!(desk.amount(), 4_000);

    let refused = desk.send("POST", path, &authorized(5_000));
    assert_eq!(title(&refused), (422, "INSUFFICIENT_FUNDS"));
    assert!(desk.books.set_amount(BALANCE, 10_000));
    assert_eq!(desk.repeat("POST", path, &authorized(5_000)), refused, "also a refusal");
    assert_eq!(desk.post("debit", &authorized(5_000)).status, 204, "a key of its own");
    assert_eq!((desk.amount(), desk.sum(ID)), (5_000, -11_000));
}

#[test]
fn what_is_read_is_read_anew() {
    let mut desk = Desk::external();
    let path = format!("/users/7/balances/{BALANCE}");
    let before = desk.send("GET", &path, &Value::Null);
    desk.books.set_amount(BALANCE, 1);
    assert_ne!(desk.repeat("GET", &path, &Value::Null), before);
}

#[test]
fn a_call_without_a_key_is_done_each_time() {
    let mut desk = Desk::external();
    let body = authorized(1).to_string();
    let request =
        Request { method: "POST", path: "/transactions/debit", key: None, body: body.as_bytes() };
    for _ in 0..2 {
        assert_eq!(desk.books.answer(&request, Timestamp::UNIX_EPOCH).status, 204);
    }
    assert_eq!(desk.amount(), 9_998);
}

#[test]
fn a_reversal_undoes_what_its_id_did_once() {
    let mut desk = Desk::external();
    desk.post("debit", &authorized(3_000));
    desk.post("debit", &transaction("another", 500, "AUTHORIZED"));
    for _ in 0..2 {
        assert_eq!(desk.post("reversal", &authorized(3_000)).status, 204);
        assert_eq!((desk.amount(), desk.sum(ID), desk.sum("another")), (9_500, 0, -500));
    }
    let undone = desk.books.transaction(ID).expect("is known");
    assert_eq!(undone.status, "REVERSED");
    let effects = [(By::Debit, -3_000), (By::Reversal, 3_000)];
    assert_eq!(undone.effects, effects.map(|(by, amount)| Effect { by, amount }));

    desk.post("credit", &transaction("third", 70, "AUTHORIZED"));
    desk.post("reversal", &transaction("third", 70, "AUTHORIZED"));
    assert_eq!(desk.amount(), 9_500, "of a credit too");
}

#[test]
fn a_reversal_that_overtakes_its_debit_is_remembered_for_a_day() {
    for (word, later, expected) in [
        ("debit", 86_399, (409, "CLIENT_ERROR")),
        ("credit", 86_399, (409, "CLIENT_ERROR")),
        ("debit", 86_400, (204, "")),
        ("force-debit", 1, (204, "")),
    ] {
        let mut desk = Desk::external();
        assert_eq!(desk.post("reversal", &authorized(10)).status, 204);
        assert_eq!(desk.amount(), 10_000, "nothing to undo");
        desk.at = later;
        assert_eq!(title(&desk.post(word, &authorized(10))), expected, "{word} {later}");
        let other = transaction("another", 10, "AUTHORIZED");
        assert_eq!(desk.post("debit", &other).status, 204);
    }
}

#[test]
fn the_networks_reversal_has_the_same_id_and_is_no_repetition() {
    let mut desk = Desk::external();
    desk.post("debit", &authorized(3_000));
    desk.post("force-credit", &transaction(ID, 3_000, "REVERSED"));
    assert_eq!((desk.amount(), desk.sum(ID)), (10_000, 0));
    assert_eq!(desk.books.transaction(ID).expect("is known").status, "REVERSED");
    desk.post("reversal", &authorized(3_000));
    assert_eq!(desk.amount(), 10_000, "nothing is left to undo");
    assert_eq!(desk.books.transactions().count(), 1);
}

#[test]
fn a_clearing_moves_no_money() {
    let mut desk = Desk::external();
    desk.post("debit", &authorized(3_000));
    let cleared = transaction(ID, 3_000, "CLEARED");
    let path = "/transactions/MCC%2F17%20%25";
    assert_eq!(desk.send("PUT", path, &cleared).status, 204);
    assert_eq!((desk.amount(), desk.sum(ID)), (7_000, -3_000));
    assert_eq!(desk.books.transaction(ID).expect("is known").status, "CLEARED");
    let other = transaction("another", 3_000, "CLEARED");
    for (path, body) in [
        ("/transactions/MCC", &cleared),
        (path, &other),
        ("/transactions/MCC/17%20%25", &cleared),
        ("/transactions/%", &cleared),
        ("/transactions/%FF", &cleared),
    ] {
        assert_eq!(desk.send("PUT", path, body).status, 404, "{path}");
    }
    let reply = desk.send("PUT", "/transactions/another", &cleared);
    assert_eq!(title(&reply), (404, "TRANSACTION_NOT_FOUND"));
    assert_eq!(desk.send("PUT", path, &json!({})).status, 409);
}

#[test]
fn who_is_asked_only_has_no_balances() {
    let mut desk = Desk::of(Mode::Shared { limit: 5_000 });
    for (method, path) in [
        ("POST", "/users/7/balances"),
        ("GET", "/users/7/balances"),
        ("GET", "/users/7/balances/x"),
        ("DELETE", "/users/7/balances/x"),
        ("PUT", "/transactions/MCC%2F17%20%25"),
    ] {
        let reply = desk.send(method, path, &authorized(1));
        assert_eq!(title(&reply), (404, "NOT_FOUND"), "{method} {path}");
    }
    assert_eq!(desk.post("debit", &authorized(5_000)).status, 204);
    let above = transaction("another", 5_001, "AUTHORIZED");
    assert_eq!(title(&desk.post("debit", &above)), (422, "LIMITS_EXCEEDED"));
    assert_eq!(desk.post("force-debit", &above).status, 204);
    assert_eq!(desk.amount(), -10_001, "what it was told in all");
    assert_eq!(desk.post("reversal", &authorized(5_000)).status, 204);
    assert_eq!(desk.amount(), -5_001);
}

#[test]
fn amounts_that_are_refused_on_purpose() {
    for (word, amount, expected) in [
        ("debit", 40_401, (404, "BALANCE_NOT_FOUND")),
        ("debit", 40_901, (409, "CLIENT_ERROR")),
        ("debit", 42_201, (422, "INSUFFICIENT_FUNDS")),
        ("debit", 42_202, (422, "LIMITS_EXCEEDED")),
        ("debit", 42_203, (422, "FRAUDS_DETECTED")),
        ("debit", 50_301, (503, "UNAVAILABLE")),
        ("credit", 40_401, (404, "BALANCE_NOT_FOUND")),
        ("credit", 42_203, (422, "FRAUDS_DETECTED")),
        ("credit", 42_201, (204, "")),
        ("force-debit", 42_203, (204, "")),
        ("debit", 42_200, (204, "")),
    ] {
        let mut desk = Desk::of(Mode::of_sandbox("shared"));
        let reply = desk.post(word, &authorized(amount));
        assert_eq!(title(&reply), expected, "{word} {amount}");
        assert_eq!(reply.after, Duration::ZERO);
        assert_eq!(desk.sum(ID) != 0, expected.0 == 204, "{word} {amount}");
    }
}

#[test]
fn an_answer_that_comes_too_late_is_booked_and_kept() {
    let mut desk = Desk::of(Mode::of_sandbox("shared"));
    let late = desk.post("debit", &authorized(50_401));
    assert_eq!((late.status, late.after), (204, Duration::from_secs(10)));
    assert_eq!(desk.sum(ID), -50_401);
    let again = desk.repeat("POST", "/transactions/debit", &authorized(50_401));
    assert_eq!(again, Reply::done(), "at once");
    assert_eq!(desk.sum(ID), -50_401);
}

#[test]
fn what_failed_is_not_kept() {
    let mut desk = Desk::of(Mode::of_sandbox("shared"));
    assert_eq!(desk.post("debit", &authorized(50_301)).status, 503);
    assert_eq!(desk.repeat("POST", "/transactions/debit", &authorized(1)).status, 204);
}

#[test]
fn what_is_told_is_taken() {
    let mut desk = Desk::external();
    for path in ["/notifications/cardLocked", "/notifications/otp", "/transaction-event"] {
        assert_eq!(desk.send("POST", path, &json!({})), Reply::done(), "{path}");
        assert_eq!(desk.send("GET", path, &json!({})).status, 404, "{path}");
    }
    let key = desk.send("GET", "/public-key", &Value::Null);
    let text = key.body.as_ref().and_then(|body| body["publicKey"].as_str()).expect("a key");
    assert_eq!(desk.send("GET", "/public-key", &Value::Null), key, "the same each time");
    assert!(text.len() > 500, "{text}");
}
