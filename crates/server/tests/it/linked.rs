//! Balances of a partner that holds its users' money: linked to its books, read there, unlinked,
//! over the wire and across kills. What breaks off in between is tried in
//! `crates/app/tests/it/links.rs`.

use crate::corporations::proven;
use crate::deliveries::client_ca;
use crate::story::{answer, expect, registration};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Way, eventually};
use tokio::task::JoinSet;

/// How long something may take that a worker does, on a machine that builds besides.
const PATIENCE: Duration = Duration::from_secs(60);

/// The partner `external` of a sandbox, its server, and what that does with calls of a method.
pub(crate) struct External {
    caller: Caller,
    books: Bookkeeper,
    moods: Arc<Mutex<HashMap<&'static str, Way>>>,
}

impl External {
    /// A new balance has so much there.
    pub(crate) async fn begin(sandbox: &Sandbox, starting: i64) -> Self {
        let moods: Arc<Mutex<HashMap<&'static str, Way>>> = Arc::default();
        let asked = moods.clone();
        let mode = Mode::External { starting };
        let books = Bookkeeper::start_for(&client_ca(sandbox), mode, move |it, _| {
            let moods = asked.lock().unwrap_or_else(PoisonError::into_inner);
            moods.get(it.method.as_str()).cloned().unwrap_or(Way::Books)
        })
        .await;
        let caller = sandbox.partner_of_code("external");
        let body = json!({
            "baseUrl": books.base_url(), "trustedCa": books.authority(), "notifications": [],
        });
        let put = caller.put("/sandbox/v1/settings").json(&body);
        expect(204, put).await;
        Self { caller, books, moods }
    }

    pub(crate) fn mood(&self, method: &'static str, way: Way) {
        self.moods.lock().unwrap_or_else(PoisonError::into_inner).insert(method, way);
    }

    fn well(&self) {
        self.moods.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A verified user.
    pub(crate) async fn user(&self) -> i64 {
        let wallet = self.caller.post("/lifecycle/v1/wallet").header("Issuer-Code", "external");
        expect(201, wallet.json(&registration())).await["id"].as_i64().expect("an id")
    }

    fn create(&self, user: i64) -> RequestBuilder {
        let body = json!({ "currency": "EUR" });
        self.caller.post(&format!("/secure/customers/{user}/balances")).json(&body)
    }

    pub(crate) async fn created(&self, user: i64) -> String {
        id(&expect(201, self.create(user)).await)
    }

    fn show(&self, balance: &str) -> RequestBuilder {
        self.caller.get(&format!("/secure/balances/{balance}"))
    }

    fn remove(&self, balance: &str) -> RequestBuilder {
        self.caller.delete(&format!("/secure/balances/{balance}"))
    }

    /// A user's balances as they are listed.
    async fn list(&self, user: i64) -> Vec<Value> {
        let path = format!("/secure/customers/{user}/balances");
        let listed = expect(200, self.caller.get(&path)).await;
        listed["items"].as_array().expect("a list").clone()
    }

    fn set_amount(&self, balance: &str, amount: i64) {
        assert!(self.books.books(|books| books.set_amount(balance, amount)));
    }

    fn is_linked(&self, balance: &str) -> bool {
        self.books.books(|books| books.owner(balance).is_some())
    }

    /// All balances that were ever to be linked, in order, each once.
    fn asked_for(&self) -> Vec<String> {
        let posts = self.books.received().into_iter().filter(|it| it.method == "POST");
        let mut known = HashSet::new();
        let ids = posts.map(|it| id(&it.body));
        ids.filter(|id| known.insert(id.clone())).collect()
    }

    /// Waits until a balance isn't linked any more.
    async fn unlinked(&self, balance: &str) {
        let called = |it: &testkit::Received| it.method == "DELETE" && it.path.ends_with(balance);
        eventually("it is unlinked", PATIENCE, async || {
            self.books.received().iter().any(called) && !self.is_linked(balance)
        })
        .await;
    }
}

fn id(told: &Value) -> String {
    told["balanceId"].as_str().expect("an id").to_owned()
}

fn keyed(request: RequestBuilder, key: &str) -> RequestBuilder {
    request.header("X-Idempotency-Key", key)
}

async fn refused(request: RequestBuilder, status: u16, title: &str) {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
}

on_both_databases! {
    async fn what_the_partner_holds_is_linked_read_and_unlinked(database) {
        let sandbox = Sandbox::start(database).await;
        let external = External::begin(&sandbox, 250).await;
        let user = external.user().await;
        let named = |request: RequestBuilder| request.header("X-Request-Id", "a-link");
        let made = expect(201, named(keyed(external.create(user), "one"))).await;
        let balance = id(&made);
        let expected = json!({
            "balanceId": balance, "currency": "EUR", "amount": 0, "blockedAmount": 0,
            "state": "ACTIVE", "iban": null,
        });
        assert_eq!(made, expected);
        assert_eq!(expect(201, keyed(external.create(user), "one")).await, made);
        let received = external.books.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].path, format!("/users/{user}/balances"));
        assert_eq!(received[0].headers["x-request-id"], "a-link");
        let body = json!({ "currency": "EUR", "dcUserId": user });
        let post = external.caller.post("/secure/balances").json(&body);
        let other = id(&expect(201, post).await);

        let shown = expect(200, external.show(&balance)).await;
        assert_eq!((&shown["amount"], &shown["blockedAmount"]), (&json!(250), &json!(0)));
        external.set_amount(&other, -3);
        let amounts = |listed: Vec<Value>| -> Vec<i64> {
            listed.iter().map(|it| it["amount"].as_i64().expect("an amount")).collect()
        };
        assert_eq!(amounts(external.list(user).await), [250, -3]);
        let phone = sandbox.phone_of(&external.caller, "external", user).await;
        let mine = expect(200, phone.caller.get("/customers/me/balances")).await;
        assert_eq!(amounts(mine["items"].as_array().expect("a list").clone()), [250, -3]);
        let path = format!("/customers/me/balances/{other}");
        assert_eq!(expect(200, phone.caller.get(&path)).await["amount"], -3);
        // What is none of its user's isn't asked for.
        let (before, own) = (external.books.count(), sandbox.partner());
        refused(own.get(&format!("/secure/balances/{other}")), 404, "BALANCE_NOT_FOUND").await;
        assert_eq!(external.books.count(), before);

        let wrong = json!({ "currency": "PLN", "amount": 250 });
        external.mood("GET", Way::Instead(Behaviour::Json(200, wrong)));
        refused(external.show(&balance), 502, "PARTNER_UNAVAILABLE").await;
        external.mood("GET", Way::Instead(Behaviour::Json(200, json!([]))));
        let path = format!("/secure/customers/{user}/balances");
        refused(external.caller.get(&path), 502, "PARTNER_UNAVAILABLE").await;
        refused(phone.caller.get("/customers/me/balances"), 502, "PARTNER_UNAVAILABLE").await;
        external.well();

        // A lock is ours alone.
        expect(204, external.caller.post(&format!("/secure/balances/{other}/lock"))).await;
        refused(external.remove(&other), 409, "BALANCE_NOT_EMPTY").await;
        external.set_amount(&other, 0);
        external.mood("DELETE", Way::refuses(403, "FORBIDDEN"));
        refused(external.remove(&other), 422, "PARTNER_REFUSED").await;
        assert_eq!(expect(200, external.show(&other)).await["state"], "LOCKED");
        external.well();
        expect(204, external.remove(&other)).await;
        expect(204, external.remove(&other)).await;
        refused(external.show(&other), 404, "BALANCE_NOT_FOUND").await;
        assert_eq!(amounts(external.list(user).await), [250]);
        assert!(!external.is_linked(&other) && external.is_linked(&balance));
        let count = |words: &'static [&'static str]| {
            let sandbox = &sandbox;
            async move { sandbox.metric("antaca_balance_calls_total", words).await }
        };
        assert_eq!(count(&["\"link\"", "\"done\""]).await, 2);
        assert_eq!(count(&["\"unlink\"", "\"done\""]).await, 1);
        assert_eq!(count(&["\"unlink\"", "\"refused\""]).await, 1);
        assert_eq!(count(&["\"read\"", "\"unusable\""]).await, 3);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    async fn what_the_partner_does_not_link_is_not_created(database) {
        let sandbox = Sandbox::start(database).await;
        let external = External::begin(&sandbox, 0).await;
        let user = external.user().await;
        external.mood("POST", Way::refuses(404, "USER_NOT_FOUND"));
        refused(keyed(external.create(user), "refused"), 422, "USER_NOT_FOUND").await;
        external.mood("POST", Way::BooksBut(Behaviour::Status(500)));
        refused(keyed(external.create(user), "500"), 502, "PARTNER_UNAVAILABLE").await;
        external.mood("POST", Way::BooksBut(Behaviour::Hang));
        refused(keyed(external.create(user), "late"), 502, "PARTNER_UNAVAILABLE").await;
        external.mood("POST", Way::BooksBut(Behaviour::Drop));
        refused(keyed(external.create(user), "closes"), 502, "PARTNER_UNAVAILABLE").await;
        external.mood("POST", Way::BooksBut(Behaviour::Bytes(b"rubbish\r\n\r\n".to_vec())));
        refused(keyed(external.create(user), "rubbish"), 502, "PARTNER_UNAVAILABLE").await;
        external.well();
        assert_eq!(external.list(user).await, Vec::<Value>::new());
        let asked = external.asked_for();
        assert_eq!(asked.len(), 5);
        // The refused one wasn't linked.
        for balance in &asked[1..] {
            external.unlinked(balance).await;
        }
        // A refusal is kept with its key; what wasn't known is done again.
        refused(keyed(external.create(user), "refused"), 422, "USER_NOT_FOUND").await;
        let made = id(&expect(201, keyed(external.create(user), "late")).await);
        assert!(!asked.contains(&made));
        assert_eq!(external.list(user).await.len(), 1);
    }

    /// Killed before the call and after it: in the end one balance is there, on both sides.
    async fn a_killed_server_leaves_no_link_behind(database) {
        let mut sandbox = Sandbox::start(database).await;
        let mut external = External::begin(&sandbox, 0).await;
        let user = external.user().await;
        let folder = testkit::folder();
        for (round, step) in ["linking", "link-asked"].into_iter().enumerate() {
            let marker = folder.path().join(step);
            let asked = external.asked_for().len();
            stop_at(&mut sandbox, step, &marker).await;
            external.caller = sandbox.partner_of_code("external");
            let request = keyed(external.create(user), step);
            killed_at(&mut sandbox, (step, &marker), request).await;
            external.caller = sandbox.partner_of_code("external");
            assert_eq!(external.list(user).await.len(), round);
            let made = id(&expect(201, keyed(external.create(user), step)).await);
            assert_eq!(id(&expect(201, keyed(external.create(user), step)).await), made);
            let all = external.asked_for();
            for lost in all[asked..].iter().filter(|it| **it != made) {
                external.unlinked(lost).await;
            }
            let linked = all.iter().filter(|it| external.is_linked(it));
            assert_eq!(linked.count(), round + 1, "{step}");
            assert_eq!(external.list(user).await.len(), round + 1, "{step}");
        }
    }

    /// The same of a removal: it is carried through.
    async fn a_killed_server_removes_what_it_began_to_remove(database) {
        let mut sandbox = Sandbox::start(database).await;
        let mut external = External::begin(&sandbox, 0).await;
        let user = external.user().await;
        let folder = testkit::folder();
        for step in ["unlinking", "unlink-asked"] {
            let balance = external.created(user).await;
            let marker = folder.path().join(step);
            stop_at(&mut sandbox, step, &marker).await;
            external.caller = sandbox.partner_of_code("external");
            let request = keyed(external.remove(&balance), step);
            killed_at(&mut sandbox, (step, &marker), request).await;
            external.caller = sandbox.partner_of_code("external");
            refused(external.show(&balance), 404, "BALANCE_NOT_FOUND").await;
            external.unlinked(&balance).await;
            eventually("it is removed", PATIENCE, async || {
                answer(keyed(external.remove(&balance), step)).await.0 == 204
            })
            .await;
            let received = external.books.received();
            let calls = received.iter().filter(|it| {
                it.method == "DELETE" && it.path.ends_with(&balance)
            });
            let keys: HashSet<&str> = calls.map(testkit::Received::key).collect();
            assert_eq!(keys.len(), 1, "{step}: each try is the same call");
        }
    }

    /// Who is verified gets a balance, which appears when the partner is there again.
    async fn an_automatic_balance_waits_for_the_partner(database) {
        let mut sandbox = Sandbox::start(database).await;
        let mut external = External::begin(&sandbox, 70).await;
        let set = ["partner", "set", "--code", "external", "--automatic-balance", "EUR"];
        sandbox.antaca(&set).await.assert_done();
        external.mood("POST", Way::Instead(Behaviour::Status(503)));
        let user = external.user().await;
        eventually("it was tried", PATIENCE, async || external.books.count() > 1).await;
        assert_eq!(external.list(user).await, Vec::<Value>::new());
        sandbox.kill();
        sandbox.restart().await;
        external.caller = sandbox.partner_of_code("external");
        external.well();
        eventually("it is there", PATIENCE, async || external.list(user).await.len() == 1).await;
        assert_eq!(external.list(user).await[0]["amount"], 70);
        assert_eq!(external.asked_for().len(), 1);
    }

    /// Users and corporations go when they have nothing left there; what they had is unlinked.
    async fn an_owners_balances_go_with_it(database) {
        let sandbox = Sandbox::start(database).await;
        let external = External::begin(&sandbox, 5).await;
        let user = external.user().await;
        let one = external.created(user).await;
        let path = format!("/lifecycle/v1/users/{user}");
        let remove = || external.caller.delete(&path).header("Issuer-Code", "external");
        refused(remove(), 409, "BALANCE_NOT_EMPTY").await;
        external.set_amount(&one, 0);
        external.mood("GET", Way::Instead(Behaviour::Drop));
        refused(remove(), 502, "PARTNER_UNAVAILABLE").await;
        external.well();
        expect(204, remove()).await;
        external.unlinked(&one).await;

        let corporation = proven(&external.caller, "external").await;
        let decide = ["corporation", "decide", "--partner", "external", "--kyb", "ACCEPTED"];
        let of = ["--id", corporation.as_str(), "--reference", "KYB-2026-117"];
        sandbox.antaca(&[&decide[..], &of[..]].concat()).await.assert_done();
        let body = json!({ "currency": "EUR", "dcCorporationId": corporation });
        let post = external.caller.post("/secure/balances").json(&body);
        let other = id(&expect(201, post).await);
        let owner = external.books.books(|books| books.owner(&other).map(str::to_owned));
        assert_eq!(owner.as_deref(), Some(corporation.as_str()));
        assert_eq!(expect(200, external.show(&other)).await["amount"], 5);
        let path = format!("/lifecycle/v1/corporations/{corporation}");
        let remove = || external.caller.delete(&path).header("Issuer-Code", "external");
        refused(remove(), 409, "BALANCE_NOT_EMPTY").await;
        external.set_amount(&other, 0);
        expect(204, remove()).await;
        external.unlinked(&other).await;
    }
}

/// Sends a request that stops at a step, and kills the server there.
async fn killed_at(sandbox: &mut Sandbox, (step, marker): (&str, &Path), request: RequestBuilder) {
    let mut waiting = JoinSet::new();
    waiting.spawn(request.send());
    eventually("the step is reached", PATIENCE, async || marker.exists()).await;
    sandbox.kill();
    let told = waiting.join_next().await.expect("it was sent").expect("no panic");
    assert!(told.is_err(), "a dead server doesn't answer: {step}");
    std::fs::remove_file(marker).expect("the marker");
    sandbox.set_variables(&[]);
    sandbox.restart().await;
}

/// Has the server stop at a step.
async fn stop_at(sandbox: &mut Sandbox, step: &str, marker: &Path) {
    sandbox.stop().await.assert_done();
    sandbox.set_variables(&[("ANTACA_FAULT", &format!("{step}:1:{}", marker.display()))]);
    sandbox.restart().await;
}
