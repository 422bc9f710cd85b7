//! Balance mode `EXTERNAL`: balances are linked to the partner's books, read there and unlinked. In
//! the end both sides know the same balances, whatever broke off in between.

use crate::external::external;
use app::balances::NewBalance;
use app::partners::Set;
use app::processor::Told;
use app::{Error, Once, Refusal};
use domain::balance::{Balance, BalanceState, PartnerBalanceKind};
use domain::ids::{BalanceId, UserId};
use domain::money::Currency;
use domain::partner::Settings;
use domain::transaction::{Processing, TransactionType};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::balances::{self, links};
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Received, TestApp, Way, eventually, on_both};
use tokio::task::JoinSet;

/// How long something may take on a machine that builds at the same time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the partner does with calls of a method; it books those that nothing is said of.
#[derive(Clone, Default)]
pub(crate) struct Moods(Arc<Mutex<HashMap<&'static str, Way>>>);

impl Moods {
    pub(crate) fn set(&self, method: &'static str, way: Way) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(method, way);
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn of(&self, it: &Received) -> Way {
        let moods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        moods.get(it.method.as_str()).cloned().unwrap_or(Way::Books)
    }
}

/// A partner with books that holds the money; a new balance has so much.
pub(crate) async fn holder(node: &TestApp, starting: i64) -> (Bookkeeper, Moods) {
    let moods = Moods::default();
    let asked = moods.clone();
    let partner = Bookkeeper::start(Mode::External { starting }, move |it, _| asked.of(it)).await;
    node.deliver_to(&partner, &[]).await;
    (partner, moods)
}

/// A partner that holds its users' money, who get a balance by themselves.
pub(crate) fn with_automatic() -> Settings {
    Settings { automatic_balance: Some(Currency::EUR), ..external() }
}

/// Has the partner answer within so many milliseconds.
async fn hurry(node: &TestApp, milliseconds: i64) {
    let operator = app::audit::Operator("os:test".to_owned());
    let set = Set { ask_within_ms: Some(Some(milliseconds)), ..Set::default() };
    node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
}

fn once<T>(key: Option<&str>, render: fn(&T) -> Value) -> Once<T> {
    Once {
        endpoint: "test".to_owned(),
        key: key.map(str::to_owned),
        fingerprint: [0; 32],
        origin: testkit::origin(),
        render,
    }
}

async fn create(node: &TestApp, user: UserId, key: Option<&str>) -> Result<BalanceId, Refusal> {
    let new = NewBalance { owner: user.into(), currency: Currency::EUR, config_id: None };
    let once = once(key, |made: &Balance| json!(made.id.0));
    match node.app.create_balance(node.scope, new, once).await {
        Ok(made) => Ok(BalanceId(made.as_str().expect("an id").parse().expect("an id"))),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

async fn remove(node: &TestApp, id: BalanceId, key: Option<&str>) -> Result<(), Refusal> {
    match node.app.remove_balance(node.scope, None, id, once(key, |()| Value::Null)).await {
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

async fn remove_user(node: &TestApp, user: UserId) -> Result<(), Refusal> {
    match node.app.remove_user(node.scope, user, once(None, |()| Value::Null)).await {
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

async fn shown(node: &TestApp, id: BalanceId) -> Result<i64, Refusal> {
    match node.app.show_balance(node.scope, None, id, "test").await {
        Ok(shown) => {
            assert_eq!(shown.found.balance.held.minor(), 0);
            Ok(shown.amount)
        }
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

/// Ids and amounts of a user's balances.
async fn list(node: &TestApp, user: UserId) -> Result<Vec<(BalanceId, i64)>, Refusal> {
    match node.app.show_balances(node.scope, user, "test").await {
        Ok(shown) => Ok(shown.iter().map(|it| (it.found.balance.id, it.amount)).collect()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

/// All balances that a user ever had, with their states.
pub(crate) async fn states(node: &TestApp, user: UserId) -> Vec<(BalanceId, BalanceState)> {
    let mut tx = node.app.db.read().await.expect("begins");
    let held = balances::list(&mut tx, node.scope, user.into()).await.expect("lists");
    tx.commit().await.expect("ends");
    held.into_iter().map(|it| (it.id, it.state)).collect()
}

pub(crate) async fn state(node: &TestApp, id: BalanceId) -> BalanceState {
    let mut tx = node.app.db.read().await.expect("begins");
    let found = balances::find(&mut tx, node.scope, id).await.expect("reads");
    tx.commit().await.expect("ends");
    found.expect("is there").state
}

/// Has the worker go on until a balance is in a state, and real time with it.
async fn worked(node: &TestApp, id: BalanceId, expected: BalanceState) {
    eventually("the worker is done", PATIENCE, async || {
        node.advance_real(1);
        node.app.follow_links().await.expect("works");
        state(node, id).await == expected
    })
    .await;
}

pub(crate) fn owner(partner: &Bookkeeper, id: BalanceId) -> Option<String> {
    partner.books(|books| books.owner(&id.0.to_string()).map(str::to_owned))
}

pub(crate) fn set_amount(partner: &Bookkeeper, id: BalanceId, amount: i64) {
    assert!(partner.books(|books| books.set_amount(&id.0.to_string(), amount)));
}

/// Methods and paths of what the partner was called with, without readings.
fn calls(partner: &Bookkeeper) -> Vec<String> {
    let changes = partner.received().into_iter().filter(|it| it.method != "GET");
    changes.map(|it| format!("{} {}", it.method, it.path)).collect()
}

/// How many keys the calls of a method had.
fn keys(partner: &Bookkeeper, method: &str) -> usize {
    let received = partner.received();
    let of_it = received.iter().filter(|it| it.method == method);
    of_it.map(Received::key).collect::<HashSet<_>>().len()
}

/// Has a balance made by somebody who waits for it, until the partner is asked.
async fn asked_for(
    node: &TestApp,
    (partner, user): (&Bookkeeper, UserId),
    key: Option<&'static str>,
) -> JoinSet<Result<(), Error>> {
    let mut asking = JoinSet::new();
    let (app, scope) = (node.app.clone(), node.scope);
    asking.spawn(async move {
        let new = NewBalance { owner: user.into(), currency: Currency::EUR, config_id: None };
        let once = once(key, |made: &Balance| json!(made.id.0));
        app.create_balance(scope, new, once).await.map(drop)
    });
    eventually("it is asked", PATIENCE, async || partner.count() == 1).await;
    asking
}

on_both! {
    async fn a_balance_is_linked_before_it_is_there(node, external()) {
        let (partner, _) = holder(&node, 250).await;
        let user = node.user().await;
        let id = create(&node, user, Some("one")).await.expect("is made");
        let link = &partner.received()[0];
        let path = format!("/users/{}/balances", user.0);
        assert_eq!((link.method.as_str(), &link.path), ("POST", &path));
        assert_eq!(link.body, json!({ "balanceId": id.0, "currency": "EUR" }));
        assert_eq!(link.headers["webhook-id"], link.key());
        assert_eq!(link.headers["x-request-id"], "test");
        assert_eq!(state(&node, id).await, BalanceState::Active);
        assert_eq!(owner(&partner, id), Some(user.0.to_string()));

        // The same again makes no other, and asks nobody.
        assert_eq!(create(&node, user, Some("one")).await, Ok(id));
        assert_eq!(partner.count(), 1);
        // What it has is asked for each time.
        assert_eq!(shown(&node, id).await, Ok(250));
        set_amount(&partner, id, -7);
        assert_eq!(shown(&node, id).await, Ok(-7));
        let other = create(&node, user, None).await.expect("is made");
        let before = partner.count();
        let mut listed = list(&node, user).await.expect("is listed");
        listed.sort();
        let mut expected = vec![(id, -7), (other, 250)];
        expected.sort();
        assert_eq!((listed, partner.count()), (expected, before + 1));
        // Nothing is left to do.
        node.advance_real(3_600);
        assert_eq!(node.app.follow_links().await.expect("works"), 0);
        let summary = node.app.summary(&[node.scope.partner()]).await.expect("is there");
        assert_eq!(summary[0].users.amount, 0);
        node.verify().await;
    }
}

on_both! {
    async fn what_the_partner_refuses_is_not_created(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        let user = node.user().await;
        moods.set("POST", Way::refuses(404, "USER_NOT_FOUND"));
        assert_eq!(create(&node, user, Some("one")).await, Err(Refusal::UserNotFound));
        moods.clear();
        // A refusal is kept with its key.
        assert_eq!(create(&node, user, Some("one")).await, Err(Refusal::UserNotFound));
        assert_eq!(list(&node, user).await, Ok(vec![]));
        let [(id, BalanceState::Removed)] = states(&node, user).await[..] else { panic!() };
        assert_eq!(shown(&node, id).await, Err(Refusal::BalanceNotFound));
        node.advance_real(3_600);
        assert_eq!(node.app.follow_links().await.expect("works"), 0);
        assert_eq!(partner.count(), 1);
    }
}

on_both! {
    /// Whatever may have been done is undone, and a retry makes another balance.
    async fn a_link_of_unknown_outcome_is_undone(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        hurry(&node, 300).await;
        let rubbish = b"HTTP/1.1 204 No".to_vec();
        for (name, way) in [
            ("late", Way::BooksLate(Duration::from_millis(450))),
            ("hangs", Way::BooksBut(Behaviour::Hang)),
            ("500", Way::BooksBut(Behaviour::Status(500))),
            ("500, and nothing done", Way::Instead(Behaviour::Status(500))),
            ("closes", Way::BooksBut(Behaviour::Drop)),
            ("closes, and nothing done", Way::Instead(Behaviour::Drop)),
            ("half an answer", Way::BooksBut(Behaviour::Bytes(rubbish))),
            ("another title", Way::refuses(422, "LIMITS_EXCEEDED")),
            ("a page", Way::Instead(Behaviour::Status(404))),
        ] {
            let user = node.user().await;
            moods.set("POST", way);
            let made = create(&node, user, Some(name)).await;
            assert_eq!(made, Err(Refusal::PartnerUnavailable), "{name}");
            moods.clear();
            let [(id, BalanceState::Unlinking)] = states(&node, user).await[..] else { panic!() };
            assert_eq!(list(&node, user).await, Ok(vec![]), "{name}");
            assert_eq!(shown(&node, id).await, Err(Refusal::BalanceNotFound), "{name}");
            // The same request again is a new attempt.
            let again = create(&node, user, Some(name)).await.expect(name);
            assert_ne!(again, id);
            if name == "late" {
                eventually("it is linked late", PATIENCE, async || owner(&partner, id).is_some())
                    .await;
            }
            worked(&node, id, BalanceState::Removed).await;
            assert_eq!(owner(&partner, id), None, "{name}");
            assert_eq!(list(&node, user).await, Ok(vec![(again, 0)]), "{name}");
            assert_eq!(owner(&partner, again), Some(user.0.to_string()), "{name}");
        }
    }
}

on_both! {
    async fn where_nobody_was_asked_nothing_is_undone(node, external()) {
        let user = node.user().await;
        // Nobody knows yet how the partner is called.
        assert_eq!(create(&node, user, Some("one")).await, Err(Refusal::PartnerUnavailable));
        let (partner, _) = holder(&node, 0).await;
        let id = create(&node, user, Some("one")).await.expect("is made");
        drop(partner);
        eventually("nobody listens", PATIENCE, async || {
            create(&node, user, None).await == Err(Refusal::PartnerUnavailable)
        })
        .await;
        let states = states(&node, user).await;
        let rest: Vec<_> = states.iter().filter(|it| it.0 != id).map(|it| it.1).collect();
        assert!(rest.contains(&BalanceState::Removed), "{rest:?}");
        assert!(!rest.contains(&BalanceState::Linking), "{rest:?}");
    }
}

on_both! {
    /// Whoever asks dies while the partner is asked: any node undoes what came of it.
    async fn a_link_that_nobody_waits_for_is_undone(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        let user = node.user().await;
        moods.set("POST", Way::AnswersWhenLetGo);
        let mut asking = asked_for(&node, (&partner, user), Some("one")).await;
        let [(first, BalanceState::Linking)] = states(&node, user).await[..] else { panic!() };
        assert_eq!(list(&node, user).await, Ok(vec![]));
        asking.abort_all();
        moods.clear();
        // Not while whoever asked could still tell.
        assert_eq!(node.app.follow_links().await.expect("works"), 0);
        let again = create(&node, user, Some("one")).await.expect("is made");
        worked(&node, first, BalanceState::Removed).await;
        assert_eq!(owner(&partner, first), None);
        assert_eq!(list(&node, user).await, Ok(vec![(again, 0)]));
        partner.let_go();
    }
}

on_both! {
    async fn an_automatic_balance_appears_when_it_is_linked(node, with_automatic()) {
        let (partner, moods) = holder(&node, 40).await;
        moods.set("POST", Way::BooksBut(Behaviour::Status(503)));
        let user = node.user().await;
        let [(id, BalanceState::Linking)] = states(&node, user).await[..] else { panic!() };
        assert_eq!(partner.count(), 0, "whoever is verified doesn't wait");
        for tries in 1..4 {
            eventually("it is tried", PATIENCE, async || {
                node.advance_real(1);
                node.app.follow_links().await.expect("works");
                partner.count() >= tries
            })
            .await;
            assert_eq!(list(&node, user).await, Ok(vec![]));
            assert_eq!(remove(&node, id, None).await, Err(Refusal::BalanceNotFound));
        }
        assert_eq!(keys(&partner, "POST"), 1, "each try is the same call");
        moods.clear();
        worked(&node, id, BalanceState::Active).await;
        assert_eq!(list(&node, user).await, Ok(vec![(id, 40)]));
        assert_eq!(keys(&partner, "POST"), 1);
        // It isn't made twice.
        assert_eq!(states(&node, user).await.len(), 1);

        moods.set("POST", Way::refuses(404, "USER_NOT_FOUND"));
        let other = node.user().await;
        let [(id, BalanceState::Linking)] = states(&node, other).await[..] else { panic!() };
        // Who learns of a user by our answer may not know of them yet.
        let before = partner.count();
        eventually("it is tried", PATIENCE, async || {
            node.advance_real(1);
            node.app.follow_links().await.expect("works");
            partner.count() > before
        })
        .await;
        let [(_, BalanceState::Linking)] = states(&node, other).await[..] else { panic!() };
        moods.clear();
        worked(&node, id, BalanceState::Active).await;
        // Who never comes to know of them is asked for three days.
        moods.set("POST", Way::refuses(404, "USER_NOT_FOUND"));
        let nobody = node.user().await;
        let [(id, BalanceState::Linking)] = states(&node, nobody).await[..] else { panic!() };
        node.advance_real(73 * 3_600);
        worked(&node, id, BalanceState::Removed).await;
        assert_eq!(list(&node, nobody).await, Ok(vec![]));
    }
}

on_both! {
    /// Days of silence: it is tried on and on, once an hour in the end.
    async fn a_silent_partner_is_asked_once_an_hour_in_the_end(node, with_automatic()) {
        let (partner, moods) = holder(&node, 0).await;
        moods.set("POST", Way::Instead(Behaviour::Status(500)));
        let user = node.user().await;
        let [(id, _)] = states(&node, user).await[..] else { panic!() };
        let tried = async |expected: usize| {
            eventually("it is tried", PATIENCE, async || {
                node.app.follow_links().await.expect("works");
                partner.count() >= expected
            })
            .await;
            eventually("the try is written down", PATIENCE, async || {
                let mut tx = node.app.db.read().await.expect("begins");
                let link = links::find(&mut tx, node.scope, id).await.expect("reads");
                tx.commit().await.expect("ends");
                link.is_none_or(|link| link.until.is_none())
            })
            .await;
        };
        tried(1).await;
        node.advance_real(4 * 24 * 3_600);
        tried(2).await;
        node.advance_real(3_000);
        assert_eq!(node.app.follow_links().await.expect("works"), 0);
        node.advance_real(700);
        tried(3).await;
        moods.clear();
        node.advance_real(3_700);
        worked(&node, id, BalanceState::Active).await;
    }
}

on_both! {
    async fn what_cannot_be_used_is_no_amount(node, external()) {
        let (partner, moods) = holder(&node, 5).await;
        hurry(&node, 300).await;
        let user = node.user().await;
        let id = create(&node, user, None).await.expect("is made");
        let name = id.0.to_string();
        let told = |body: Value| Way::Instead(Behaviour::Json(200, body));
        for (way, one, all) in [
            (told(json!({ "currency": "EUR", "amount": 9 })), Ok(9), false),
            (told(json!({ "currency": "PLN", "amount": 9 })), Err(()), false),
            (told(json!({ "currency": "EUR", "amount": 9.5 })), Err(()), false),
            (told(json!({ "currency": "EUR", "amount": "9" })), Err(()), false),
            (told(json!([{ "id": name, "currency": "EUR", "amount": 9 }])), Err(()), true),
            (told(json!([{ "balanceId": name, "currency": "EUR", "amount": 9 }])), Err(()), true),
            (told(json!([{ "id": name, "currency": "PLN", "amount": 9 }])), Err(()), false),
            (told(json!([])), Err(()), false),
            (Way::refuses(404, "BALANCE_NOT_FOUND"), Err(()), false),
            (Way::refuses(403, "FORBIDDEN"), Err(()), false),
            (Way::Instead(Behaviour::Status(500)), Err(()), false),
            (Way::Instead(Behaviour::Drop), Err(()), false),
            (Way::Instead(Behaviour::Hang), Err(()), false),
        ] {
            moods.set("GET", way.clone());
            let expected = one.map_err(|()| Refusal::PartnerUnavailable);
            assert_eq!(shown(&node, id).await, expected, "{way:?}");
            let listed = list(&node, user).await;
            let expected = all.then(|| vec![(id, 9)]).ok_or(Refusal::PartnerUnavailable);
            assert_eq!(listed, expected, "{way:?}");
        }
        // Others of the same partner are told all the same.
        moods.clear();
        assert_eq!(shown(&node, id).await, Ok(5));
        assert_eq!(keys(&partner, "GET"), 13 * 2 + 1);
    }
}

on_both! {
    async fn only_an_empty_balance_is_unlinked(node, external()) {
        let (partner, moods) = holder(&node, 5).await;
        let user = node.user().await;
        let id = create(&node, user, None).await.expect("is made");
        assert_eq!(remove(&node, id, None).await, Err(Refusal::BalanceNotEmpty));
        set_amount(&partner, id, -5);
        assert_eq!(remove(&node, id, None).await, Err(Refusal::BalanceNotEmpty));
        set_amount(&partner, id, 0);
        moods.set("GET", Way::Instead(Behaviour::Status(500)));
        assert_eq!(remove(&node, id, Some("one")).await, Err(Refusal::PartnerUnavailable));
        moods.clear();
        let card = node.card_on(user, id).await;
        assert_eq!(remove(&node, id, None).await, Err(Refusal::BalanceHasCards));
        assert_eq!(state(&node, id).await, BalanceState::Active);
        assert_eq!(calls(&partner).len(), 1, "only the link");
        let going = once(None, |()| Value::Null);
        node.app.remove_card(node.scope, user, card, going).await.expect("goes");
        assert_eq!(remove(&node, id, Some("one")).await, Ok(()));
        assert_eq!(state(&node, id).await, BalanceState::Removed);
        assert_eq!(owner(&partner, id), None);
        // Once more, by the same key and by another one.
        assert_eq!(remove(&node, id, Some("one")).await, Ok(()));
        assert_eq!(remove(&node, id, None).await, Ok(()));
        let all = format!("/users/{}/balances", user.0);
        let expected = [format!("POST {all}"), format!("DELETE {all}/{}", id.0)];
        assert_eq!(calls(&partner), expected);
    }
}

on_both! {
    /// What a merchant may still clear keeps the balance there, though the partner says 0.
    async fn a_balance_with_a_hold_is_not_unlinked(node, external()) {
        let (partner, _) = holder(&node, 1_000).await;
        let deposit = node.partner_balance(PartnerBalanceKind::Deposit).await;
        let loaded = node.transfer(deposit, TransactionType::CollateralCredit, 1_000).await;
        loaded.expect("is loaded");
        let user = node.user().await;
        let id = create(&node, user, None).await.expect("is made");
        let card = node.card_on(user, id).await;
        let message = node.purchase(card, 300, "p1").await.expect("decided");
        assert_eq!(message.processing, Processing::Success, "{message:?}");
        set_amount(&partner, id, 0);
        let going = once(None, |()| Value::Null);
        node.app.remove_card(node.scope, user, card, going).await.expect("goes");
        assert_eq!(remove(&node, id, None).await, Err(Refusal::BalanceNotEmpty));
        assert_eq!(remove_user(&node, user).await, Err(Refusal::BalanceNotEmpty));
        assert_eq!(state(&node, id).await, BalanceState::Active);
        assert_eq!(keys(&partner, "DELETE"), 0);
    }
}

on_both! {
    /// What the partner doesn't let go stays as it was; the next removal is another call.
    async fn a_balance_that_the_partner_keeps_is_as_it_was(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        let user = node.user().await;
        let id = create(&node, user, None).await.expect("is made");
        let lock = once(None, |()| Value::Null);
        node.app.lock_balance(node.scope, id, lock).await.expect("locks");
        moods.set("DELETE", Way::refuses(403, "FORBIDDEN"));
        assert_eq!(remove(&node, id, Some("one")).await, Err(Refusal::PartnerRefused));
        assert_eq!(state(&node, id).await, BalanceState::Locked);
        assert_eq!(shown(&node, id).await, Ok(0));
        node.advance_real(3_600);
        assert_eq!(node.app.follow_links().await.expect("works"), 0);
        moods.clear();
        assert_eq!(remove(&node, id, Some("one")).await, Err(Refusal::PartnerRefused));
        assert_eq!(remove(&node, id, None).await, Ok(()));
        assert_eq!((state(&node, id).await, owner(&partner, id)), (BalanceState::Removed, None));
        assert_eq!(keys(&partner, "DELETE"), 2);
    }
}

on_both! {
    async fn a_removal_of_unknown_outcome_is_carried_through(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        hurry(&node, 300).await;
        for (name, way) in [
            ("done", Way::BooksBut(Behaviour::Hang)),
            ("done, 500", Way::BooksBut(Behaviour::Status(500))),
            ("not done", Way::Instead(Behaviour::Drop)),
            ("another title", Way::refuses(422, "LIMITS_EXCEEDED")),
        ] {
            let user = node.user().await;
            let id = create(&node, user, None).await.expect("is made");
            moods.set("DELETE", way);
            let removed = remove(&node, id, Some(name)).await;
            assert_eq!(removed, Err(Refusal::PartnerUnavailable), "{name}");
            assert_eq!(state(&node, id).await, BalanceState::Unlinking, "{name}");
            assert_eq!(shown(&node, id).await, Err(Refusal::BalanceNotFound), "{name}");
            // It isn't taken back any more, whatever the partner says.
            moods.set("DELETE", Way::refuses(403, "FORBIDDEN"));
            node.advance_real(10);
            assert_eq!(remove(&node, id, Some(name)).await, Err(Refusal::PartnerUnavailable));
            assert_eq!(state(&node, id).await, BalanceState::Unlinking, "{name}");
            moods.clear();
            if name == "done" {
                // Who asks again makes the same call.
                assert_eq!(remove(&node, id, Some(name)).await, Ok(()), "{name}");
                assert_eq!(state(&node, id).await, BalanceState::Removed);
            }
            worked(&node, id, BalanceState::Removed).await;
            assert_eq!(owner(&partner, id), None, "{name}");
            assert_eq!(remove(&node, id, Some(name)).await, Ok(()), "{name}");
        }
        assert_eq!(keys(&partner, "DELETE"), 4, "each try is the same call");
    }
}

on_both! {
    /// While one removal is under way another one neither calls nor answers for it.
    async fn two_removals_at_once_are_one_call(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        let user = node.user().await;
        let id = create(&node, user, None).await.expect("is made");
        moods.set("DELETE", Way::AnswersWhenLetGo);
        let mut removing = JoinSet::new();
        let (app, scope) = (node.app.clone(), node.scope);
        removing.spawn(async move {
            app.remove_balance(scope, None, id, once(None, |()| Value::Null)).await.map(drop)
        });
        eventually("it is asked", PATIENCE, async || keys(&partner, "DELETE") == 1).await;
        assert_eq!(remove(&node, id, None).await, Err(Refusal::PartnerUnavailable));
        partner.let_go();
        removing.join_next().await.expect("one").expect("no panic").expect("is removed");
        assert_eq!(remove(&node, id, None).await, Ok(()));
        assert_eq!(calls(&partner).len(), 2);
    }
}

on_both! {
    async fn a_removed_users_balances_are_unlinked(node, with_automatic()) {
        let (partner, moods) = holder(&node, 5).await;
        moods.set("POST", Way::refuses(500, "BROKEN"));
        let user = node.user().await;
        let [(automatic, BalanceState::Linking)] = states(&node, user).await[..] else { panic!() };
        moods.clear();
        let ids = [
            create(&node, user, None).await.expect("is made"),
            create(&node, user, None).await.expect("is made"),
        ];
        set_amount(&partner, ids[0], 0);
        assert_eq!(remove_user(&node, user).await, Err(Refusal::BalanceNotEmpty));
        set_amount(&partner, ids[1], 0);
        moods.set("GET", Way::Instead(Behaviour::Status(500)));
        assert_eq!(remove_user(&node, user).await, Err(Refusal::PartnerUnavailable));
        moods.clear();
        moods.set("DELETE", Way::Instead(Behaviour::Status(503)));
        let before = partner.count();
        assert_eq!(remove_user(&node, user).await, Ok(()));
        assert_eq!(partner.count(), before + 1, "the removal waits for the amounts alone");
        for (_, state) in states(&node, user).await {
            assert_eq!(state, BalanceState::Unlinking);
        }
        moods.clear();
        for id in [automatic, ids[0], ids[1]] {
            worked(&node, id, BalanceState::Removed).await;
            assert_eq!(owner(&partner, id), None);
        }
    }
}

on_both! {
    /// A user goes while a balance of theirs is being linked: it isn't there afterwards.
    async fn a_balance_does_not_outlive_its_owner(node, external()) {
        let (partner, moods) = holder(&node, 0).await;
        let user = node.user().await;
        moods.set("POST", Way::AnswersWhenLetGo);
        let mut asking = asked_for(&node, (&partner, user), None).await;
        assert_eq!(remove_user(&node, user).await, Ok(()));
        partner.let_go();
        let told = asking.join_next().await.expect("one").expect("no panic");
        assert!(matches!(told, Err(Error::Refused(Refusal::PartnerUnavailable))), "{told:?}");
        let [(id, BalanceState::Unlinking)] = states(&node, user).await[..] else { panic!() };
        worked(&node, id, BalanceState::Removed).await;
        assert_eq!(owner(&partner, id), None);
    }
}

on_both! {
    /// A worker that died with a call in hand: another one makes the same call.
    async fn a_step_that_is_done_twice_has_one_effect(node, with_automatic()) {
        let (partner, moods) = holder(&node, 0).await;
        moods.set("POST", Way::BooksBut(Behaviour::Hang));
        let user = node.user().await;
        let [(id, _)] = states(&node, user).await[..] else { panic!() };
        node.app.follow_links().await.expect("works");
        eventually("it is asked", PATIENCE, async || partner.count() == 1).await;
        assert_eq!(owner(&partner, id), Some(user.0.to_string()));
        set_amount(&partner, id, 77);
        moods.clear();
        // The lease runs out, and the first is still waiting for its answer.
        let first = node.app.clone();
        let twin = if node.is_postgres() { Some(node.sibling().await) } else { None };
        let app = twin.as_ref().map_or(&first, |twin| &twin.app);
        eventually("it is linked", PATIENCE, async || {
            node.advance_real(20);
            app.follow_links().await.expect("works");
            state(&node, id).await == BalanceState::Active
        })
        .await;
        assert_eq!((keys(&partner, "POST"), shown(&node, id).await), (1, Ok(77)));
    }
}

on_both! {
    /// What the partner hasn't any more has nothing, and goes; so does its owner.
    async fn what_the_partner_does_not_have_can_be_removed(node, external()) {
        let (partner, moods) = holder(&node, 250).await;
        let user = node.user().await;
        let first = create(&node, user, None).await.expect("is made");
        create(&node, user, None).await.expect("is made");
        moods.set("GET", Way::refuses(404, "NOT_FOUND"));
        let refused = remove(&node, first, None).await;
        assert_eq!(refused, Err(Refusal::PartnerUnavailable), "anybody may have said so");
        moods.set("GET", Way::refuses(404, "BALANCE_NOT_FOUND"));
        assert_eq!(remove(&node, first, None).await, Ok(()));
        moods.set("GET", Way::Instead(Behaviour::Json(200, json!([]))));
        assert_eq!(remove_user(&node, user).await, Ok(()));
        let all = states(&node, user).await;
        assert!(all.iter().all(|(_, state)| !state.is_there()), "{all:?}");
        assert!(partner.count() > 0);
    }
}

on_both! {
    /// What the partner is still to be told of isn't in what it says that there is: neither the
    /// balance goes meanwhile, nor its owner.
    async fn a_balance_stays_until_the_partner_is_told_of_its_money(node, external()) {
        let deaf = Arc::new(Mutex::new(true));
        let is_deaf = deaf.clone();
        let choose = move |it: &Received, _: usize| {
            let deaf = *is_deaf.lock().unwrap_or_else(PoisonError::into_inner);
            let fails = deaf && it.path.ends_with("/force-credit");
            if fails { Way::Instead(Behaviour::Status(503)) } else { Way::Books }
        };
        let partner = Bookkeeper::start(Mode::External { starting: 0 }, choose).await;
        node.deliver_to(&partner, &[]).await;
        let funded = node.funded(0).await;
        let given = node.told(funded.card, 70, "refund", Told::ForceCredit);
        node.app.inform(given).await.expect("decided");
        let once = once(None, |()| Value::Null);
        let gone = node.app.remove_card(node.scope, funded.user, funded.card, once);
        gone.await.expect("is removed");
        eventually("it is tried", PATIENCE, async || calls(&partner).len() > 1).await;
        assert_eq!(remove(&node, funded.balance, None).await, Err(Refusal::BalanceNotEmpty));
        assert_eq!(remove_user(&node, funded.user).await, Err(Refusal::BalanceNotEmpty));
        *deaf.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let id = funded.balance.0.to_string();
        eventually("it is told", PATIENCE, async || {
            node.advance_real(5);
            partner.books(|books| books.amount(&id)) == Some(70)
        })
        .await;
        set_amount(&partner, funded.balance, 0);
        eventually("it goes", PATIENCE, async || {
            remove(&node, funded.balance, None).await == Ok(())
        })
        .await;
        node.verify().await;
    }
}
