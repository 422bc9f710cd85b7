//! Who did what: every call that changes something and every reading of card data leaves its
//! record, and nothing else does.

use crate::customers::sealed_at;
use crate::denied::{Channel, ROUTES, signed};
use crate::plastic::{DIGITAL_FIRST, PHYSICAL, address};
use crate::story::{decrypted, encrypted, expect, unique};
use crate::support::{Caller, Database, Sandbox};
use crate::verifications::filled;
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use store::db::{Db, Options, Sql};
use testkit::{contains_secret, eventually};

/// What a record of the database says.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) object: String,
    pub(crate) detail: Value,
    pub(crate) address: Option<String>,
}

const ALL: Sql = Sql("
    select actor, action, object, detail, address, request_id
    from audit
    order by at");

/// Ends the server and reads its records, by the names of their requests.
pub(crate) async fn records(sandbox: &mut Sandbox) -> BTreeMap<String, Vec<Record>> {
    sandbox.stop().await.assert_done();
    let db = match sandbox.database() {
        Database::Sqlite => Db::sqlite(sandbox.dir().join("antaca.db"), Options::default()),
        Database::Postgres(url) => Db::postgres(url, Options::default()),
    };
    let db = db.expect("opens");
    let mut tx = db.read().await.expect("begins");
    let mut records: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for row in tx.rows(&ALL, &[]).await.expect("reads") {
        let request: Option<String> = row.get("request_id").expect("a text");
        let record = Record {
            actor: row.get("actor").expect("a text"),
            action: row.get("action").expect("a text"),
            object: row.get("object").expect("a text"),
            detail: row.get("detail").expect("JSON"),
            address: row.get("address").expect("a text"),
        };
        records.entry(request.unwrap_or_default()).or_default().push(record);
    }
    tx.rollback().await;
    db.close().await.expect("closes");
    records
}

/// Sends requests and keeps what each must have left.
struct Book<'a> {
    partner: &'a Caller,
    /// The names of the requests, the actions that each leaves, how who did them begins.
    expected: Vec<(String, Vec<&'static str>, &'static str)>,
    routes: BTreeSet<(&'static str, &'static str)>,
}

impl<'a> Book<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        Self { partner: sandbox.partner(), expected: Vec::new(), routes: BTreeSet::new() }
    }

    /// A request for a route, with the ids of its path in order.
    fn request(
        &mut self,
        method: &'static str,
        route: &'static str,
        ids: &[&dyn ToString],
    ) -> RequestBuilder {
        self.routes.insert((method, route));
        let mut path = String::new();
        let mut ids = ids.iter();
        for part in route.split_inclusive('/') {
            match part.trim_end_matches('/') {
                id if id.starts_with('{') => {
                    path += &ids.next().expect("an id for each").to_string();
                    path += &part[id.len()..];
                }
                _ => path += part,
            }
        }
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.partner.request(method, &path).header("Issuer-Code", "sandbox")
    }

    /// Sends a request that must get this status and leave records of these actions.
    async fn send(
        &mut self,
        request: RequestBuilder,
        status: u16,
        actions: &[&'static str],
    ) -> Value {
        let name = format!("audited-{}", self.expected.len());
        let answer = expect(status, request.header("X-Request-Id", &name)).await;
        self.expected.push((name, actions.to_vec(), "certificate:sandbox/"));
        answer
    }

    /// As [`Book::send`], by another caller, whose records begin so.
    async fn send_as(
        &mut self,
        (caller, name): (&Caller, &'static str),
        (route, id): (&'static str, &str),
        body: &Value,
        actions: &[&'static str],
    ) -> Value {
        self.routes.insert(("POST", route));
        let call = caller.post(&route.replace("{balanceId}", id)).json(body);
        let answer = self.send(call.header("Issuer-Code", "sandbox"), 201, actions).await;
        self.expected.last_mut().expect("it was just sent").2 = name;
        answer
    }

    /// Sends a request, and sends it again with its key: only the first changes something.
    async fn once(
        &mut self,
        request: RequestBuilder,
        status: u16,
        actions: &[&'static str],
    ) -> Value {
        let keyed = request.header("X-Idempotency-Key", format!("key-{}", unique()));
        let again = keyed.try_clone().expect("it can be sent twice");
        let answer = self.send(keyed, status, actions).await;
        self.send(again, status, &[]).await;
        answer
    }
}

const FIRST: &str = "Zbigniew";
const LAST: &str = "Brzeczyszczykiewicz";

fn user(number: u64) -> Value {
    json!({
        "firstName": FIRST, "lastName": LAST, "phone": format!("77{number:07}"),
        "email": format!("{FIRST}{number}@personal.test"), "birthDate": "1999-12-31",
        "state": "VERIFIED", "kyc": "SUCCESS", "externalId": "external-name",
    })
}

fn form() -> Form {
    let own = [("firstName", FIRST), ("lastName", LAST), ("birthDate", "1999-12-31")];
    own.into_iter().fold(filled(), |form, (name, text)| form.with(name, text)).form()
}

/// Waits until an ordered card was made.
async fn made(partner: &Caller, customer: i64, id: &Value) {
    let id = id.as_str().expect("an id");
    let path = format!("/secure/customers/{customer}/cards/operations/{id}");
    eventually("the card is made", Duration::from_secs(30), async || {
        expect(200, partner.get(&path)).await["status"] == "DONE"
    })
    .await;
}

/// A record of the partner's own, and what it writes beside it; the words of both.
async fn history(book: &mut Book<'_>, customer: i64, number: u64) -> [&'static str; 3] {
    let record = json!({
        "clientTransactionId": format!("own-{number}"), "type": "PURCHASE", "status": "CLEARED",
        "amountMinor": 700, "currency": "EUR", "timestamp": "2026-11-21T10:00:00Z",
        "userId": customer, "description": "Shop-Personal",
    });
    let post = book.request("POST", "/thc/transactions", &[]).json(&record);
    let record = book.once(post, 201, &["history.add"]).await["id"].clone();
    let notes = json!({ "comment": "For Uncle Personal", "labels": ["Label-Personal"] });
    for action in [&["history.note"][..], &[]] {
        let put = book.request("PUT", "/thc/transactions/{recordId}", &[&record]).json(&notes);
        book.once(put, 200, action).await;
    }
    ["Shop-Personal", "Uncle", "Label-Personal"]
}

/// Goes through every route that changes something; what must be nowhere in the records.
async fn everything(book: &mut Book<'_>) -> Vec<String> {
    let number = unique();
    let post = book.request("POST", "/lifecycle/v1/wallet", &[]);
    let told = book.once(post.json(&user(number)), 201, &["user.register"]).await;
    let customer = told["id"].as_i64().expect("an id");
    let mut lines = String::new();
    for number in [unique(), unique()] {
        lines += &format!("{}\n", user(number));
    }
    let import = book.request("POST", "/lifecycle/v1/import", &[]).body(lines);
    let import = import.header("Content-Type", "application/x-ndjson");
    book.once(import, 200, &["user.register", "user.register"]).await;
    let change = |book: &mut Book<'_>, value: Value| {
        book.request("PUT", "/lifecycle/v1/users/{customerId}", &[&customer]).json(&value)
    };
    let put = change(book, json!({ "lastName": "Nowak-Personal", "kyc": "IN_PROGRESS" }));
    book.once(put, 200, &["user.change"]).await;
    let put = change(book, json!({ "kyc": "SUCCESS" }));
    book.once(put, 200, &["user.change"]).await;
    let address = json!({ "street": "Address-Personal", "number": "1", "city": "Warsaw",
        "postCode": "00-001", "country": "PL" });
    let put = book.request("PUT", "/lifecycle/v1/users/{customerId}/address", &[&customer]);
    book.once(put.json(&address), 200, &["user.change"]).await;
    // The second time nothing changes.
    for route in
        ["/lifecycle/v1/users/{customerId}/lock", "/lifecycle/v1/users/{customerId}/unlock"]
    {
        for action in [&["user.change"][..], &[]] {
            let post = book.request("POST", route, &[&customer]);
            book.once(post, 204, action).await;
        }
    }
    for route in
        ["/secure/customers/{customerId}/verification", "/secure/customers/{customerId}/register"]
    {
        let post = book.request("POST", route, &[&customer]).multipart(form());
        book.send(post, 201, &["verification.submit"]).await;
    }

    let balances = "/secure/customers/{customerId}/balances";
    let post = book.request("POST", balances, &[&customer]).json(&json!({ "currency": "EUR" }));
    let told = book.once(post, 201, &["balance.create"]).await;
    let balance = told["balanceId"].as_str().expect("an id").to_owned();
    let transactions = "/secure/balances/{balanceId}/transactions";
    let top_up = json!({
        "type": "topUp", "amount": 500, "currency": "EUR", "description": "From Aunt Personal",
        "externalTransactionId": format!("top-up-{number}"),
    });
    let post = book.request("POST", transactions, &[&balance]).json(&top_up);
    book.once(post, 201, &["balance.transfer"]).await;
    // Without a key, but by the name of the transaction: it was done before.
    let post = book.request("POST", transactions, &[&balance]).json(&top_up);
    book.send(post, 201, &[]).await;

    let written = history(book, customer, number).await;
    let post = book.request("POST", "/sandbox/v1/clock", &[]).json(&json!({ "advanceSeconds": 1 }));
    book.send(post, 200, &["sandbox.clock"]).await;

    states(book, customer).await;
    let mut numbers = cards(book, customer, &balance).await;
    notifications(book).await;
    numbers
        .extend([FIRST, LAST, "Nowak-Personal", "personal.test", "Aunt", "Pieklo"].map(Into::into));
    numbers.extend(written.map(Into::into));
    numbers.extend([format!("77{number:07}"), "1999-12-31".into(), "external-name".into()]);
    numbers.extend(["ASD123456".to_owned(), "for my holidays".to_owned()]);
    numbers.extend([corporation(book).await, "Address-Personal".to_owned()]);
    numbers.push(devices(book, customer).await);
    numbers
}

/// The routes about what the partner is told; nothing was given up, nothing is paused.
async fn notifications(book: &mut Book<'_>) {
    let delivered = "/secure/notifications?status=DELIVERED&event=cardLocked";
    let mut id = String::new();
    eventually("a lock was told", Duration::from_secs(30), async || {
        let page = expect(200, book.partner.get(delivered)).await;
        id = page["items"][0]["notificationId"].as_str().unwrap_or_default().to_owned();
        !id.is_empty()
    })
    .await;
    let post = book.request("POST", "/secure/notifications/{notificationId}/resend", &[&id]);
    book.once(post, 204, &["notification.resend"]).await;
    let post = book.request("POST", "/secure/notifications/example", &[]);
    let post = post.json(&json!({ "event": "cardLocked" }));
    book.once(post, 200, &["notification.example"]).await;
    let post = book.request("POST", "/secure/notifications/resend", &[]);
    book.once(post.json(&json!({ "since": "2026-01-01T00:00:00Z" })), 200, &[]).await;
    let post = book.request("POST", "/secure/partner-calls/resend", &[]);
    book.once(post.json(&json!({ "since": "2026-01-01T00:00:00Z" })), 200, &[]).await;
    let post = book.request("POST", "/secure/notifications/resume", &[]);
    book.once(post, 200, &[]).await;
}

/// The routes that change a balance's state; the second time nothing changes.
async fn states(book: &mut Book<'_>, customer: i64) {
    let create = "/secure/balances";
    let (lock, unlock) =
        ("/secure/balances/{balanceId}/lock", "/secure/balances/{balanceId}/unlock");
    let mut made = Vec::new();
    for _ in 0..2 {
        let body = json!({ "currency": "EUR", "dcUserId": customer });
        let post = book.request("POST", create, &[]).json(&body);
        let told = book.once(post, 201, &["balance.create"]).await;
        made.push(told["balanceId"].as_str().expect("an id").to_owned());
    }
    for (route, action) in [(lock, "balance.lock"), (unlock, "balance.unlock")] {
        for action in [&[action][..], &[]] {
            let post = book.request("POST", route, &[&made[0]]);
            book.once(post, 204, action).await;
        }
    }
    for action in [&["balance.remove"][..], &[]] {
        let route = "/secure/balances/{balanceId}";
        let delete = book.request("DELETE", route, &[&made[0]]);
        book.once(delete, 204, action).await;
        let route = "/secure/customers/{customerId}/balances/{balanceId}";
        let delete = book.request("DELETE", route, &[&customer, &made[1]]);
        book.once(delete, 204, action).await;
    }
    let post = book.request("POST", lock, &[&made[0]]);
    book.once(post, 404, &[]).await;
}

/// The routes about the partner's own balances.
async fn partner_balances(book: &mut Book<'_>, creator: &Caller, treasury: &Caller) {
    let (route, body) =
        ("/secure/partner-balances", json!({ "kind": "DEPOSIT", "currency": "EUR" }));
    let creator = (creator, "certificate:creator/");
    let made = book.send_as(creator, (route, ""), &body, &["partner-balance.create"]).await;
    assert_eq!(book.send_as(creator, (route, ""), &body, &[]).await, made, "it was there");
    let id = made["id"].as_str().expect("an id");
    let load = json!({
        "type": "collateralCredit", "amount": 700, "currency": "EUR", "description": "Load",
        "externalTransactionId": "load-1",
    });
    let route = ("/secure/partner-balances/{balanceId}/transactions", id);
    for actions in [&["balance.transfer"][..], &[]] {
        book.send_as((treasury, "certificate:treasury/"), route, &load, actions).await;
    }
}

/// The routes about cards; the numbers of those that were shown.
async fn cards(book: &mut Book<'_>, customer: i64, balance: &str) -> Vec<String> {
    let body = json!({
        "balanceId": balance, "configId": "0019167984", "dcUserId": customer,
        "label": "for my holidays",
    });
    let shown = ["card.issue", "card.show"];
    let post = book.request("POST", "/secure/cards/virtual", &[]).json(&body);
    let told = decrypted(&book.send(encrypted(post), 201, &shown).await);
    let mut numbers = vec![told["cardNo"].as_str().expect("a number").to_owned()];

    let route = "/secure/customers/{customerId}/cards/virtual";
    let key = format!("card-{}", unique());
    let mut card = 0;
    // A retry makes no card, and shows it again.
    for actions in [&shown[..], &shown[1..]] {
        let post = book.request("POST", route, &[&customer]).json(&body);
        let post = encrypted(post.header("X-Idempotency-Key", &key));
        let told = decrypted(&book.send(post, 201, actions).await);
        card = told["id"].as_i64().expect("an id");
        numbers.push(told["cardNo"].as_str().expect("a number").to_owned());
    }

    let route = "/secure/customers/{customerId}/cards/virtual/async";
    let post = book.request("POST", route, &[&customer]).json(&body);
    let told = book.once(post, 202, &["operation.create", "card.issue"]).await;
    made(book.partner, customer, &told["operationId"]).await;

    let route = "/secure/customers/{customerId}/cards/{cardId}";
    for _ in 0..2 {
        let get = encrypted(book.request("GET", route, &[&customer, &card]));
        book.send(get, 200, &["card.show"]).await;
    }
    let (lock, unlock) = (
        "/secure/customers/{customerId}/cards/{cardId}/lock",
        "/secure/customers/{customerId}/cards/{cardId}/unlock",
    );
    // The second time nothing changes.
    for action in [&["card.lock"][..], &[]] {
        let post = book.request("POST", lock, &[&customer, &card]);
        book.once(post.json(&json!({ "reason": 7 })), 204, action).await;
    }
    for action in [&["card.unlock"][..], &[]] {
        let post = book.request("POST", unlock, &[&customer, &card]);
        book.once(post, 204, action).await;
    }
    limits(book, customer, card).await;
    plastic(book, customer, balance).await;
    // Too early for the one; the other makes a card, and a retry shows it again.
    let route = "/secure/customers/{customerId}/cards/{cardId}/renew";
    let post = encrypted(book.request("POST", route, &[&customer, &card]));
    book.once(post, 409, &[]).await;
    let route = "/secure/customers/{customerId}/cards/{cardId}/replace";
    let post = book.request("POST", route, &[&customer, &card]);
    let post = post.json(&json!({ "reason": "CARD_LOST" }));
    let post = encrypted(post.header("X-Idempotency-Key", format!("replace-{}", unique())));
    for actions in [&["card.replace", "card.show"][..], &["card.show"]] {
        let post = post.try_clone().expect("it can be sent twice");
        let told = decrypted(&book.send(post, 201, actions).await);
        card = told["id"].as_i64().expect("an id");
        numbers.push(told["cardNo"].as_str().expect("a number").to_owned());
    }
    let route = "/lifecycle/v1/users/{customerId}/cards/{cardId}";
    for action in [&["card.remove"][..], &[]] {
        let delete = book.request("DELETE", route, &[&customer, &card]);
        book.once(delete, 204, action).await;
    }
    refused(book, customer, (balance, card), &body).await;
    numbers
}

/// The routes about plastic. A retry of an order orders nothing; a wrong try to activate is kept.
async fn plastic(book: &mut Book<'_>, customer: i64, balance: &str) {
    let order = json!({
        "balanceId": balance, "configId": PHYSICAL, "dcUserId": customer, "delivery": "POST",
        "deliveryAddress": address(),
    });
    let post = book.request("POST", "/secure/cards/physical", &[]).json(&order);
    book.once(encrypted(post), 202, &["card.issue"]).await;
    let route = "/secure/customers/{customerId}/cards/physical";
    let post = encrypted(book.request("POST", route, &[&customer]).json(&order));
    let told = decrypted(&book.send(post, 202, &["card.issue"]).await);
    let id = told["orderId"].as_str().expect("an id").to_owned();
    let mut with_pin = order;
    with_pin["pin"] = "8264".into();
    for (route, ids) in [
        ("/secure/cards/physical_with_pin", &[][..]),
        ("/secure/customers/{customerId}/cards/physical_with_pin", &[&customer as &dyn ToString]),
    ] {
        let post = book.request("POST", route, ids);
        let post = sealed_at("/secure/public-key", book.partner, post, &with_pin).await;
        book.once(post, 202, &["card.issue"]).await;
    }
    let made = book.request("POST", "/secure/cards/virtual", &[]).json(&json!({
        "balanceId": balance, "configId": DIGITAL_FIRST, "dcUserId": customer,
    }));
    let made = book.send(encrypted(made), 201, &["card.issue", "card.show"]).await;
    let card = decrypted(&made)["id"].as_i64().expect("an id");
    let route = "/secure/customers/{customerId}/cards/{cardId}/print";
    let post = book.request("POST", route, &[&customer, &card]);
    let body = json!({ "deliveryAddress": address(), "delivery": "POST" });
    book.once(encrypted(post.json(&body)), 202, &["card.print"]).await;

    let path = format!("/secure/customers/{customer}/cards/orders/{id}");
    let partner = book.partner;
    eventually("the bureau has made it", Duration::from_secs(30), async || {
        expect(200, partner.get(&path)).await["status"] == "PERSONALISED"
    })
    .await;
    let card = expect(200, partner.get(&path)).await["cardId"].as_i64().expect("an id");
    let list = format!("/secure/customers/{customer}/cards?limit=200");
    let listed = expect(200, partner.get(&list)).await;
    let listed = listed["items"].as_array().expect("a list");
    let found = listed.iter().find(|it| it["id"] == card).expect("it is listed");
    let expiry = &found["exp"].as_str().expect("a day")[..7];
    let right = json!({ "lastFourDigits": found["lastFourDigits"], "expiry": expiry });
    let wrong = json!({ "lastFourDigits": found["lastFourDigits"], "expiry": "2020-01" });
    let route = "/secure/customers/{customerId}/cards/{cardId}/activate";
    for (told, status, actions) in [
        (&wrong, 422, &["card.activate"][..]),
        (&right, 204, &["card.activate"]),
        (&right, 204, &[]),
    ] {
        let post = book.request("POST", route, &[&customer, &card]);
        book.once(post.json(told), status, actions).await;
    }
}

/// Limits and transactional locks; the second time nothing changes.
async fn limits(book: &mut Book<'_>, customer: i64, card: i64) {
    let draft = json!({ "limits": [
        { "type": "atm", "timeUnit": "daily", "currency": "EUR", "amountMinor": 5 },
    ] });
    let route = "/secure/customers/{customerId}/cards/{cardId}/limits";
    for action in [&["card.limits"][..], &[]] {
        let put = book.request("PUT", route, &[&customer, &card]);
        book.once(put.json(&draft), 200, action).await;
    }
    let route = "/secure/customers/{customerId}/limits";
    for action in [&["user.limits"][..], &[]] {
        let put = book.request("PUT", route, &[&customer]);
        book.once(put.json(&draft), 200, action).await;
    }
    let route = "/secure/customers/{customerId}/transactional-locks";
    for action in [&["user.lock"][..], &[]] {
        let post = book.request("POST", route, &[&customer]);
        book.once(post.json(&json!({ "reason": "POLICE_LOCK" })), 204, action).await;
    }
    let route = "/secure/customers/{customerId}/transactional-locks/{reason}";
    for action in [&["user.lock"][..], &[]] {
        let delete = book.request("DELETE", route, &[&customer, &"POLICE_LOCK"]);
        book.once(delete, 204, action).await;
    }
}

/// A device that is paired and ended; its name, which stays out.
async fn devices(book: &mut Book<'_>, customer: i64) -> String {
    let post = book.request("POST", "/lifecycle/v1/users/{customerId}/pairing", &[&customer]);
    let offered = book.once(post, 201, &["device.offer"]).await;
    let code = offered["activationCode"].as_str().expect("a code");
    let body = testkit::Device::new().pairing(code, "Device-Personal");
    let post = book.partner.post("/customers/devices").json(&body);
    let paired = book.send(post, 201, &["device.pair"]).await;
    book.expected.last_mut().expect("it was just sent").2 = "user:";
    let post = book.partner.post("/customers/devices").json(&body);
    book.send(post, 401, &[]).await;
    let id = paired["installationId"].as_str().expect("an id").to_owned();
    let route = "/lifecycle/v1/users/{customerId}/devices/{installationId}";
    for (status, actions) in [(204, &["device.end"][..]), (404, &[])] {
        let delete = book.request("DELETE", route, &[&customer, &id]);
        book.once(delete, status, actions).await;
    }
    "Device-Personal".to_owned()
}

/// A corporation, its limits and its transactional locks; a name of its people, which stays out.
async fn corporation(book: &mut Book<'_>) -> String {
    let route = "/lifecycle/v1/corporations";
    let mut company = crate::corporations::company();
    company["representative"]["lastName"] = "Prezes-Personal".into();
    let post = book.request("POST", route, &[]).json(&company);
    let told = book.once(post, 201, &["corporation.register"]).await;
    let post = book.request("POST", route, &[]).json(&company);
    book.send(post, 409, &[]).await;
    let id = told["dcCorporationId"].as_str().expect("an id").to_owned();
    let post = book.request("POST", "/secure/corporations/{dcCorporationId}/documents", &[&id]);
    let papers = crate::corporations::papers(&["statute"]);
    book.send(post.multipart(papers), 201, &["corporation.documents"]).await;
    let route = "/lifecycle/v1/corporations/{dcCorporationId}";
    let put = book.request("PUT", route, &[&id]).json(&json!({ "taxId": "PL1" }));
    book.once(put, 200, &["corporation.change"]).await;
    let draft = json!({ "limits": [
        { "type": "atm", "timeUnit": "daily", "currency": "EUR", "amountMinor": 5 },
    ] });
    for action in [&["corporation.limits"][..], &[]] {
        let put = book.request("PUT", "/secure/corporations/{dcCorporationId}/limits", &[&id]);
        book.once(put.json(&draft), 200, action).await;
    }
    let locks = "/secure/corporations/{dcCorporationId}/transactional-locks";
    for action in [&["corporation.lock"][..], &[]] {
        let post = book.request("POST", locks, &[&id]);
        book.once(post.json(&json!({ "reason": "POLICE_LOCK" })), 204, action).await;
    }
    let route = "/secure/corporations/{dcCorporationId}/transactional-locks/{reason}";
    for action in [&["corporation.lock"][..], &[]] {
        let delete = book.request("DELETE", route, &[&id, &"POLICE_LOCK"]);
        book.once(delete, 204, action).await;
    }
    let route = "/lifecycle/v1/corporations/{dcCorporationId}";
    for (status, action) in [(204, &["corporation.remove"][..]), (404, &[])] {
        let delete = book.request("DELETE", route, &[&id]);
        book.once(delete, status, action).await;
    }
    "Prezes-Personal".to_owned()
}

/// Each route once more, and each time refused: about a card that was removed, for somebody who
/// isn't there, of a kind that there isn't.
async fn refused(book: &mut Book<'_>, customer: i64, own: (&str, i64), body: &Value) {
    let (balance, card) = own;
    let nobody = 999_999;
    let number = unique();
    let mut other = body.clone();
    other["configId"] = "0000000000".into();
    let mut taken = user(number);
    taken["email"] = "a@b.test".into();
    let post = book.request("POST", "/lifecycle/v1/wallet", &[]).json(&taken);
    book.send(post, 201, &["user.register"]).await;
    let post = book.request("POST", "/lifecycle/v1/wallet", &[]).json(&taken);
    book.send(post, 409, &[]).await;
    let change = json!({ "email": "a@b.test" });
    let put = book.request("PUT", "/lifecycle/v1/users/{customerId}", &[&customer]);
    book.once(put.json(&change), 409, &[]).await;
    let post = book.request("POST", "/secure/customers/{customerId}/verification", &[&nobody]);
    book.send(post.multipart(form()), 404, &[]).await;
    let post = book.request("POST", "/secure/customers/{customerId}/balances", &[&nobody]);
    book.once(post.json(&json!({ "currency": "EUR" })), 404, &[]).await;
    let transfer = json!({
        "type": "topUp", "amount": -1, "currency": "EUR", "description": "None",
        "externalTransactionId": format!("refused-{number}"),
    });
    let post = book.request("POST", "/secure/balances/{balanceId}/transactions", &[&balance]);
    book.once(post.json(&transfer), 422, &[]).await;
    let delete = book.request("DELETE", "/secure/balances/{balanceId}", &[&balance]);
    book.once(delete, 409, &[]).await;
    let post = book.request("POST", "/secure/cards/virtual", &[]).json(&other);
    book.send(encrypted(post), 422, &[]).await;
    let post = book.request("POST", "/secure/cards/virtual", &[]).json(body);
    book.send(post, 400, &[]).await;
    let route = "/secure/customers/{customerId}/cards/virtual/async";
    let post = book.request("POST", route, &[&customer]).json(&other);
    book.send(post, 202, &["operation.create"]).await;
    let route = "/secure/customers/{customerId}/cards/{cardId}";
    let get = encrypted(book.request("GET", route, &[&customer, &card]));
    book.send(get, 404, &[]).await;
    let route = "/secure/customers/{customerId}/cards/{cardId}/lock";
    let post = book.request("POST", route, &[&customer, &card]).json(&json!({ "reason": 7 }));
    book.once(post, 404, &[]).await;
    let route = "/secure/customers/{customerId}/cards/{cardId}/unlock";
    let post = book.request("POST", route, &[&customer, &card]);
    book.once(post, 404, &[]).await;
    let route = "/lifecycle/v1/users/{customerId}/cards/{cardId}";
    let delete = book.request("DELETE", route, &[&nobody, &card]);
    book.once(delete, 404, &[]).await;
    let route = "/lifecycle/v1/users/{customerId}";
    let delete = book.request("DELETE", route, &[&customer]);
    book.once(delete, 409, &[]).await;
    let post = book.request("POST", "/lifecycle/v1/wallet", &[]).json(&user(unique()));
    let told = book.send(post, 201, &["user.register"]).await;
    let leaver = told["id"].as_i64().expect("an id");
    for (status, actions) in [(204, &["user.remove"][..]), (404, &[])] {
        let delete = book.request("DELETE", route, &[&leaver]);
        book.once(delete, status, actions).await;
    }
}

on_both_databases! {
    /// Every changing route, done, repeated and refused: the records are those of what was done.
    async fn each_change_leaves_its_record(database) {
        let mut sandbox = Sandbox::start(database).await;
        let mut book = Book::new(&sandbox);
        let personal = everything(&mut book).await;
        let create = ["--partner", "sandbox", "--scope", "partner-balance-create"];
        let creator = signed(&sandbox, "creator", &create).await;
        let treasury = ["--operator", "treasury", "--scope", "collateral"];
        let treasury = signed(&sandbox, "treasury", &treasury).await;
        partner_balances(&mut book, &creator, &treasury).await;
        let (expected, tried) = (book.expected, book.routes);
        for &(method, route, channel, _, _) in ROUTES {
            // A sandbox's settings are set as by the control socket.
            let settings = route == "/sandbox/v1/settings";
            // A partner that isn't asked was called by nothing (`asked.rs` has calls).
            let calls = route == "/secure/partner-calls/{callId}/resend";
            let elsewhere = [
                Channel::Customers,
                Channel::Admin,
                Channel::Makers,
                Channel::Deciders,
                Channel::Managers,
                Channel::Operators,
                Channel::Platform,
                Channel::Public,
            ];
            let own = channel == Channel::Processor || elsewhere.contains(&channel);
            let changes = method != "GET" && !settings && !calls && !own;
            assert!(!changes || tried.contains(&(method, route)), "{method} {route} isn't tried");
        }

        let records = records(&mut sandbox).await;
        // What the operator moved when the sandbox was made bears no request's name.
        let of_requests = |request: &&String| !request.is_empty() && *request != "operator";
        for request in records.keys().filter(of_requests) {
            assert!(expected.iter().any(|(name, ..)| name == request), "{:?}", records[request]);
        }
        for (request, actions, who) in expected {
            let left = records.get(&request).map_or(&[][..], Vec::as_slice);
            let left_actions: Vec<&str> = left.iter().map(|it| it.action.as_str()).collect();
            assert_eq!(left_actions, actions, "{request}");
            for record in left {
                assert!(record.actor.starts_with(who), "{record:?}");
                assert_eq!(record.address.as_deref(), Some("127.0.0.1"), "{record:?}");
                assert!(!record.object.is_empty());
            }
        }
        let personal: Vec<&[u8]> = personal.iter().map(String::as_bytes).collect();
        for record in records.values().flatten() {
            let text = format!("{record:?}");
            assert_eq!(contains_secret(text.as_bytes(), &personal), None, "{}", record.action);
        }
    }

    /// States stand there as they are, a person's fields as digests, of both only what changed.
    async fn a_record_tells_before_and_after(database) {
        let mut sandbox = Sandbox::start(database).await;
        let mut book = Book::new(&sandbox);
        everything(&mut book).await;
        let set = ["partner", "set", "--code", "sandbox", "--time-zone", "Europe/Warsaw"];
        sandbox.antaca(&set).await.assert_done();
        let records = records(&mut sandbox).await;
        let all: Vec<&Record> = records.values().flatten().collect();
        let of = |action: &str| {
            let found = all.iter().filter(|record| record.action == action);
            found.map(|record| &record.detail).collect::<Vec<_>>()
        };
        let lock = json!({
            "before": { "state": "ACTIVE" },
            "after": { "state": "LOCKED", "lockReason": "SUSPECTED_FRAUD" },
        });
        assert_eq!(of("card.lock"), [&lock]);
        let (active, locked) = (&lock["before"], &lock["after"]);
        assert_eq!(of("card.unlock"), [&json!({ "before": locked, "after": active })]);
        let removed = json!({ "before": active, "after": { "state": "REMOVED" } });
        assert_eq!(of("card.remove"), [&removed]);
        let (active, locked) = (json!({ "state": "ACTIVE" }), json!({ "state": "LOCKED" }));
        let removed = json!({ "before": active, "after": { "state": "REMOVED" } });
        assert_eq!(of("balance.lock"), [&json!({ "before": active, "after": locked })]);
        assert_eq!(of("balance.unlock"), [&json!({ "before": locked, "after": active })]);
        assert_eq!(of("balance.remove"), [&removed, &removed]);
        let moved = of("balance.transfer")[0];
        assert_eq!(moved["before"], json!({ "amount": 0 }));
        assert_eq!(moved["after"], json!({ "amount": 500 }));
        let moved = &moved["moved"];
        assert_eq!((&moved["amount"], &moved["currency"]), (&500.into(), &"EUR".into()));

        let changes = of("user.change");
        let first = changes.iter().find(|change| change["after"]["kyc"] == "IN_PROGRESS");
        let change = first.expect("the first change");
        let names = |of: &Value| of.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
        assert_eq!(names(&change["before"]), Some(vec!["kyc".to_owned(), "lastName".to_owned()]));
        let digest = |of: &Value| of["lastName"].as_str().map(|it| it.starts_with("hmac:"));
        assert_eq!((digest(&change["before"]), digest(&change["after"])), (Some(true), Some(true)));
        assert_ne!(change["before"]["lastName"], change["after"]["lastName"]);

        let set = all.iter().find(|record| record.action == "partner.set").expect("a record");
        assert!(set.actor.starts_with("os:"), "{set:?}");
        assert_eq!(set.detail["before"], json!({ "timeZone": "Etc/UTC" }));
        assert_eq!(set.detail["after"], json!({ "timeZone": "Europe/Warsaw" }));
    }
}
