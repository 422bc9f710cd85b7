//! What partners are told: in which order, how often, and what a misbehaving partner changes.

use crate::messages::raise;
use crate::shared::{asked, set};
use app::partners::Set;
use domain::card::lifecycle::LockReason::{
    OfflinePinAttemptsExceeded, PendingQuery, SuspectedFraud,
};
use domain::ledger::clearing::Finality::Final;
use domain::money::Currency;
use domain::notification::{Event, Outcome, Standing};
use domain::partner::DescriptionCodes;
use domain::transaction::{Description, Processing};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::db::Sql;
use testkit::books::Mode;
use testkit::{
    Behaviour, Bookkeeper, Database, Funded, Partner, Received, TestApp, Way, eventually, on_both,
};

/// What is told here; the history's events have a test of their own.
const ALL: &[Event] = &[Event::CardLocked, Event::CardUnlocked, Event::Transaction];
/// How long a delivery may take on a machine that builds at the same time.
const PATIENCE: Duration = Duration::from_secs(30);

async fn delivered(partner: &Partner, count: usize) -> Vec<Received> {
    eventually("the partner was called so often", PATIENCE, async || partner.count() >= count)
        .await;
    partner.received()
}

/// Waits until so many entries have come to an end.
async fn over(node: &TestApp, count: usize) {
    eventually("so many have ended", PATIENCE, async || {
        let told = node.app.notifications(node.scope.partner(), 0, 500).await.expect("reads");
        told.iter().filter(|entry| entry.outcome.is_some()).count() >= count
    })
    .await;
}

async fn outcomes(node: &TestApp) -> Vec<(Option<Outcome>, usize)> {
    let told = node.app.notifications(node.scope.partner(), 0, 500).await.expect("reads");
    told.iter().map(|entry| (entry.outcome, entry.attempts.len())).collect()
}

/// Waits until every open entry waits for something, so that time can be moved.
async fn settled(node: &TestApp, attempts: usize) {
    eventually("so many tries are written down", PATIENCE, async || {
        outcomes(node).await.iter().map(|(_, tries)| tries).sum::<usize>() >= attempts
    })
    .await;
}

fn ok(_: &Received, _: usize) -> Behaviour {
    Behaviour::Status(204)
}

on_both! {
    /// What happens to a card is told in its order, signed, each under a key of its own.
    async fn what_happens_to_a_card_is_told_in_order(node) {
        let partner = Partner::start(ok).await;
        node.deliver_to(&partner, ALL).await;
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.lock(funded, SuspectedFraud).await;
        node.lock(funded, SuspectedFraud).await;
        node.purchase(funded.card, 100, "p2").await.expect("decided");
        node.unlock(funded).await;
        node.clear(funded.card, 250, "c1", Some("p1"), Final).await.expect("decided");

        let received = delivered(&partner, 6).await;
        over(&node, 6).await;
        // The top-up has no card: it is in a stream of its own, before or after the rest.
        let is_top_up = |it: &&Received| it.body["transaction"]["type"] == "topUp";
        assert_eq!(received.iter().filter(is_top_up).count(), 1);
        let of_card = received.iter().filter(|it| !is_top_up(it));
        let told = of_card.map(|it| (it.path.as_str(), it.body["status"].as_str()));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [
            ("/notifications/transaction", Some("SUCCESS")),
            ("/notifications/cardLocked", None),
            ("/notifications/transaction", Some("DECLINED")),
            ("/notifications/cardUnlocked", None),
            ("/notifications/transaction", Some("SUCCESS")),
        ]);
        let keys: std::collections::HashSet<&str> = received.iter().map(Received::key).collect();
        assert_eq!(keys.len(), 6);
        for one in &received {
            assert_eq!(one.headers["webhook-id"], one.key());
            assert!(one.headers["webhook-signature"].starts_with("v1,"));
        }
        let locked = received.iter().find(|it| it.path.ends_with("cardLocked")).expect("told");
        assert_eq!(locked.body["dcCardId"], funded.card.0.to_string());
        assert_eq!(locked.body["reason"], "SUSPECTED_FRAUD");
    }
}

on_both! {
    /// What is told again is told in the words of the first time, whatever has come since.
    async fn a_purchase_is_told_the_same_after_an_increment(node) {
        let well = Arc::new(AtomicBool::new(false));
        let is_well = well.clone();
        let partner = Partner::start(move |it: &Received, _| {
            let is_purchase = it.body["transaction"]["externalTransactionId"] == "p1";
            let fails = is_purchase && !is_well.load(SeqCst);
            Behaviour::Status(if fails { 503 } else { 204 })
        })
        .await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let funded = node.funded(1_000).await;
        let mut purchase = node.ask(funded.card, 300, "p1");
        purchase.details.original_amount = Some(1_290);
        purchase.details.original_currency = Some(Currency::PLN);
        node.app.authorize(purchase).await.expect("decided");
        let told = || {
            let of_it = |it: &Received| it.body["transaction"]["externalTransactionId"] == "p1";
            partner.received().into_iter().filter(of_it).map(|it| it.body).collect::<Vec<_>>()
        };
        eventually("it was told", PATIENCE, async || !told().is_empty()).await;
        settled(&node, 2).await;
        raise(&node, funded.card, 200, "i1", "p1").await;
        let first = told().remove(0);
        assert_eq!(first["transaction"]["originalAmount"], 1_290);
        well.store(true, SeqCst);
        node.advance_real(6);
        // The top-up, the purchase, its increment.
        over(&node, 3).await;
        let told = told();
        assert!(told.len() > 1);
        assert!(told.iter().all(|it| *it == first), "{told:?}");
    }
}

on_both! {
    /// Each change of a record is told by the record's number, in the order of its card, beside the
    /// legacy notifier and under a key of its own; who doesn't ask for it isn't told.
    async fn a_change_of_the_history_is_told_by_its_number(node) {
        let partner = Partner::start(ok).await;
        node.deliver_to(&partner, &[Event::Transaction, Event::TransactionEvent]).await;
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.purchase(funded.card, 9_000, "p2").await.expect("decided");
        node.clear(funded.card, 250, "c1", Some("p1"), Final).await.expect("decided");
        let received = delivered(&partner, 8).await;
        over(&node, 8).await;
        let keys: std::collections::HashSet<&str> = received.iter().map(Received::key).collect();
        assert_eq!(keys.len(), 8);
        let events = received.iter().filter(|it| it.path == "/transaction-event");
        let events: Vec<&Value> = events.map(|it| &it.body).collect();
        let asked = app::thc::Asked { card: Some(funded.card), ..Default::default() };
        let records = node.app.history_records(node.scope, &asked, (None, 10)).await;
        let records = records.expect("reads");
        let [p2, p1] = records.items.as_slice() else { panic!("{records:?}") };
        let seconds = node.app.now().as_second();
        for event in &events {
            let at: i64 = event["timestamp"].as_str().expect("a text").parse().expect("seconds");
            assert!((at - seconds).abs() < 3_600, "{event}");
            assert_eq!(event.as_object().expect("an object").len(), 2, "{event}");
        }
        let told: Vec<&Value> = events.iter().map(|event| &event["id"]).collect();
        let of_card: Vec<&Value> =
            told.into_iter().filter(|id| [json!(p1.id), json!(p2.id)].contains(id)).collect();
        assert_eq!(of_card, [p1.id, p2.id, p1.id]);

        node.deliver_to(&partner, &[Event::Transaction]).await;
        node.purchase(funded.card, 10, "p3").await.expect("decided");
        assert_eq!(delivered(&partner, 9).await[8].path, "/notifications/transaction");
        over(&node, 9).await;
        assert_eq!(partner.count(), 9);
    }
}

on_both! {
    /// A clearing tells its own names, its time and amount; the authorization's are its reference.
    async fn a_clearing_tells_what_it_said_itself(node) {
        let partner = Partner::start(ok).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let funded = node.funded(1_000).await;
        let held = node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.clear(funded.card, 250, "c1", Some("p1"), Final).await.expect("decided");
        let received = delivered(&partner, 3).await;
        let of = |id: &str| {
            let found = received.iter().find(|it| {
                it.body["transaction"]["externalTransactionId"] == id
            });
            found.expect("it was told").body["transaction"].clone()
        };
        let (authorized, cleared) = (of("p1"), of("c1"));
        for told in [&authorized, &cleared] {
            assert_eq!(told["id"], held.transaction.0.to_string());
            assert_eq!(told["balanceId"], funded.balance.0.to_string());
            assert_eq!(told["cardId"], funded.card.0.to_string());
            assert_eq!((&told["resource"], &told["type"]), (&json!("card"), &json!("POS")));
        }
        // However late it is told, an authorization tells what it was when it was decided.
        let amount = |told: &Value| (told["amount"].clone(), told["status"].clone());
        assert_eq!(amount(&authorized), (json!(300), json!("AUTHORIZED")));
        assert_eq!(authorized["referenceExternalTransactionId"], json!(null));
        assert_eq!(amount(&cleared), (json!(250), json!("CLEARED")));
        assert_eq!(cleared["referenceExternalTransactionId"], "p1");
    }
}

on_both! {
    /// A try that fails is made again by the plan, with the same key and the same bytes; what is
    /// behind it waits, and goes when it is given up.
    async fn a_failing_partner_is_asked_again_by_the_plan(node) {
        let partner = Partner::start(|request, _| {
            Behaviour::Status(if request.path.ends_with("transaction") { 500 } else { 204 })
        })
        .await;
        let funded = node.funded(1_000).await;
        node.deliver_to(&partner, ALL).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.lock(funded, PendingQuery).await;
        delivered(&partner, 1).await;
        settled(&node, 1).await;
        for (tried, pause) in (1..).zip([5, 30, 300, 1_800, 7_200]) {
            // A second early nothing happens: the plan is kept to.
            node.advance_real(pause - 2);
            assert_eq!(delivered(&partner, tried).await.len(), tried);
            // A pause is up to a tenth longer.
            node.advance_real(3 + pause / 10);
            delivered(&partner, tried + 1).await;
            settled(&node, tried + 1).await;
        }
        let received = delivered(&partner, 7).await;
        over(&node, 2).await;
        let (last, tries) = received.split_last().expect("some");
        assert_eq!(last.path, "/notifications/cardLocked");
        assert!(tries.iter().all(|it| it.key() == tries[0].key() && it.bytes == tries[0].bytes));
        let done = [(Some(Outcome::Failed), 6), (Some(Outcome::Delivered), 1)];
        assert_eq!(outcomes(&node).await, done);
    }
}

on_both! {
    /// Each try tells what was when it happened, in the codes of then, though the partner has asked
    /// for others since; what happens later is told in those.
    async fn each_try_tells_in_the_codes_of_its_time(node) {
        let well = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_well = well.clone();
        let order = std::sync::atomic::Ordering::SeqCst;
        let status = move |_: &Received, _: usize| match is_well.load(order) {
            true => Behaviour::Status(204),
            false => Behaviour::Status(503),
        };
        let partner = Partner::start(status).await;
        let (one, other) = (node.funded(1_000).await, node.funded(1_000).await);
        node.deliver_to(&partner, ALL).await;
        let declined = async |name: &str| {
            node.lock(one, PendingQuery).await;
            node.purchase(one.card, 10, name).await.expect("decided");
            node.lock(other, OfflinePinAttemptsExceeded).await;
        };
        let set = async |codes| {
            let operator = app::audit::Operator("os:test".to_owned());
            let set = app::partners::Set { description_codes: Some(codes), ..Default::default() };
            node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
        };
        declined("p1").await;
        settled(&node, 2).await;
        set(DescriptionCodes::Extended).await;
        well.store(true, order);
        node.advance_real(6);
        over(&node, 3).await;
        node.unlock(one).await;
        node.unlock(other).await;
        declined("p2").await;
        over(&node, 8).await;
        let received = partner.received();
        let mut tries: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
        for it in &received {
            tries.entry(it.key()).or_default().push(it);
        }
        assert_eq!(tries.values().filter(|tries| tries.len() == 2).count(), 2);
        for tries in tries.values() {
            assert!(tries.iter().all(|it| it.bytes == tries[0].bytes));
        }
        let last = |of: &dyn Fn(&&Received) -> bool, name: &str| {
            let told: Vec<Value> =
                received.iter().filter(of).map(|it| it.body[name].clone()).collect();
            (told.first().cloned(), told.last().cloned())
        };
        let declines = last(&|it| it.body["status"] == "DECLINED", "description");
        assert_eq!(declines, (Some(json!("UNKNOWN_ERROR")), Some(json!("CARD_LOCKED"))));
        let of_other = other.card.0.to_string();
        let is_lock = |it: &&Received| it.body["dcCardId"] == of_other.as_str();
        let locks = last(&|it| is_lock(it) && it.path.ends_with("cardLocked"), "reason");
        let (seeds, own) = ("PIN_TRIES_EXCEEDED", "OFFLINE_PIN_ATTEMPTS_EXCEEDED");
        assert_eq!(locks, (Some(json!(seeds)), Some(json!(own))));
    }
}

on_both! {
    /// Whatever a partner does instead of taking it, the notification comes again under its key.
    async fn whatever_a_partner_does_it_is_told_again(node) {
        let huge = "HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n".to_owned();
        let huge = huge + &"a".repeat(70_000);
        let redirect = "HTTP/1.1 301 X\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
        let half = b"HTTP/1.1 204 No Content\r\nx: ".to_vec();
        let behaviours = vec![
            Behaviour::Drop,
            Behaviour::Status(500),
            Behaviour::Bytes(redirect.into()),
            Behaviour::Bytes(b"\x16\x03\x01 rubbish".to_vec()),
            Behaviour::Bytes(half),
            Behaviour::Bytes(huge.into()),
            Behaviour::Status(404),
            Behaviour::Hang,
            Behaviour::Status(204),
        ];
        let played = behaviours.clone();
        let partner = Partner::start(move |_, nth| played[nth].clone()).await;
        let funded = node.funded(0).await;
        node.deliver_to(&partner, ALL).await;
        node.lock(funded, PendingQuery).await;
        for tried in 1..behaviours.len() {
            delivered(&partner, tried).await;
            settled(&node, tried).await;
            // The pauses before the last are ten hours at most, and a tenth.
            let hours = if tried + 1 < behaviours.len() { 12 } else { 16 };
            node.advance_real(hours * 60 * 60);
        }
        let received = delivered(&partner, behaviours.len()).await;
        over(&node, 1).await;
        assert!(received.iter().all(|it| it.path == "/notifications/cardLocked"));
        assert!(received.iter().all(|it| it.key() == received[0].key()));
        let told = node.app.notifications(node.scope.partner(), 0, 9).await.expect("reads");
        let words: Vec<_> = told[0]
            .attempts
            .iter()
            .map(|it| (it.status.unwrap_or(0), it.error.clone().unwrap_or_default()))
            .collect();
        let said: Vec<_> = words.iter().map(|(status, error)| (*status, error.as_str())).collect();
        assert_eq!(said, [
            (0, "BROKEN_ANSWER"),
            (500, ""),
            (301, ""),
            (0, "BROKEN_ANSWER"),
            (0, "BROKEN_ANSWER"),
            (0, "ANSWER_TOO_LARGE"),
            (404, ""),
            (0, "TIMEOUT"),
            (204, ""),
        ]);
        assert_eq!(told[0].outcome, Some(Outcome::Delivered));
    }
}

on_both! {
    /// A partner that isn't there is told when it is there again.
    async fn a_partner_that_is_down_is_told_later(node) {
        let partner = Partner::start(ok).await;
        let funded = node.funded(0).await;
        node.deliver_to(&partner, ALL).await;
        let other = Partner::start(ok).await;
        let nowhere = format!("https://localhost:{}", testkit::free_port());
        let operator = app::audit::Operator("os:test".to_owned());
        let at = |url: &str| app::outbound::SetOutbound {
            base_url: Some(url.to_owned()),
            ..Default::default()
        };
        let id = node.scope.partner();
        node.app.set_outbound(&operator, id, at(&nowhere)).await.expect("is set");
        node.lock(funded, PendingQuery).await;
        settled(&node, 1).await;
        // A server of another authority isn't told anything either.
        node.app.set_outbound(&operator, id, at(&other.base_url())).await.expect("is set");
        node.advance_real(6);
        settled(&node, 2).await;
        node.app.set_outbound(&operator, id, at(&partner.base_url())).await.expect("is set");
        node.advance_real(34);
        delivered(&partner, 1).await;
        over(&node, 1).await;
        assert_eq!(other.count(), 0);
        let told = node.app.notifications(id, 0, 9).await.expect("reads");
        let errors: Vec<_> = told[0].attempts.iter().map(|it| it.error.as_deref()).collect();
        assert_eq!(errors, [Some("CONNECT_FAILED"), Some("TLS_FAILED"), None]);
    }
}

on_both! {
    /// 410 pauses an address at once; others go on; what was kept back comes after a resumption.
    async fn an_address_that_is_gone_is_paused_until_it_is_resumed(node) {
        let gone = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let here = gone.clone();
        let partner = Partner::start(move |request, _| {
            let gone = here.load(std::sync::atomic::Ordering::SeqCst);
            let locked = request.path.ends_with("cardLocked");
            Behaviour::Status(if gone && locked { 410 } else { 204 })
        })
        .await;
        let funded = node.funded(0).await;
        node.deliver_to(&partner, ALL).await;
        node.lock(funded, PendingQuery).await;
        over(&node, 1).await;
        node.unlock(funded).await;
        node.lock(funded, PendingQuery).await;
        over(&node, 3).await;
        let paths = |it: &Received| it.path.rsplit('/').next().unwrap_or_default().to_owned();
        let received: Vec<String> = partner.received().iter().map(paths).collect();
        assert_eq!(received, ["cardLocked", "cardUnlocked"]);
        let paused = Some(Outcome::Paused);
        let taken = (Some(Outcome::Delivered), 1);
        assert_eq!(outcomes(&node).await, [(paused, 1), taken, (paused, 0)]);
        let id = node.scope.partner();
        let endpoints = node.app.endpoints(id).await.expect("reads");
        assert_eq!(endpoints[0].reason.as_deref(), Some("GONE"));

        gone.store(false, std::sync::atomic::Ordering::SeqCst);
        let operator = app::audit::Operator("os:test".to_owned());
        assert_eq!(node.app.resume_as(&operator, id).await.expect("resumes").count, 2);
        let received = delivered(&partner, 4).await;
        over(&node, 3).await;
        let last: Vec<String> = received[2..].iter().map(paths).collect();
        assert_eq!(last, ["cardLocked", "cardLocked"]);
        assert_eq!(received[2].key(), received[0].key());
    }
}

on_both! {
    /// What was kept back comes before what came later, each try is in the log, and the plan begins
    /// anew.
    async fn a_resumption_keeps_order_and_log(node) {
        let status = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(410));
        let says = status.clone();
        let order = std::sync::atomic::Ordering::SeqCst;
        let partner = Partner::start(move |_, _| Behaviour::Status(says.load(order))).await;
        let funded = node.funded(0).await;
        node.deliver_to(&partner, ALL).await;
        node.lock(funded, PendingQuery).await;
        over(&node, 1).await;
        node.unlock(funded).await;
        node.lock(funded, PendingQuery).await;
        over(&node, 3).await;
        status.store(500, order);
        let operator = app::audit::Operator("os:test".to_owned());
        let id = node.scope.partner();
        assert_eq!(node.app.resume_as(&operator, id).await.expect("resumes").count, 3);
        node.unlock(funded).await;
        // Lock and unlock were tried once before; now the first keeps the others waiting.
        settled(&node, 3).await;
        status.store(204, order);
        node.advance_real(30);
        over(&node, 4).await;
        let told = node.app.notifications(id, 0, 9).await.expect("reads");
        let tries = |number: usize| -> Vec<i64> {
            told[number].attempts.iter().filter_map(|attempt| attempt.status).collect()
        };
        assert_eq!(tries(0), [410, 500, 204]);
        assert_eq!(tries(3), [204]);
        let received = partner.received();
        let taken = &received[received.len() - 4..];
        let keys: Vec<String> = taken.iter().map(|it| it.key().to_owned()).collect();
        let asked: Vec<String> = told.iter().map(|entry| entry.id.to_string()).collect();
        assert_eq!(keys, asked);
    }
}

on_both! {
    /// What was given up since a time is sent again, with the same key and bytes, in order, and
    /// before what came later of its card.
    async fn what_was_given_up_is_sent_again(node) {
        let status = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(500));
        let says = status.clone();
        let order = std::sync::atomic::Ordering::SeqCst;
        let partner = Partner::start(move |_, _| Behaviour::Status(says.load(order))).await;
        let funded = node.funded(1_000).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let mut tried = 0;
        for id in ["p1", "p2"] {
            node.purchase(funded.card, 10, id).await.expect("decided");
            for pause in [5, 30, 300, 1_800, 7_200, 0] {
                tried += 1;
                settled(&node, tried).await;
                node.advance_real(pause + pause / 10 + 1);
            }
        }
        over(&node, 2).await;
        let failed = node.app.notifications(node.scope.partner(), 0, 9).await.expect("reads");
        let closed: Vec<_> = failed.iter().map(|it| it.closed_at.expect("it is over")).collect();
        node.purchase(funded.card, 10, "p3").await.expect("decided");
        settled(&node, 13).await;

        let operator = app::audit::Operator("os:test".to_owned());
        let id = node.scope.partner();
        let resend = async |since, event| {
            let command = app::outbox::ResendFailed { of: None, since, event };
            node.app.resend_failed_as(&operator, id, command).await.expect("is sent again")
        };
        // Nothing of another event, and nothing of a time to come.
        assert_eq!(resend(closed[0], Some(Event::CardLocked)).await.count, 0);
        let later = closed[1].checked_add(jiff::SignedDuration::from_secs(1)).expect("a time");
        assert_eq!(resend(later, None).await.count, 0);
        status.store(204, order);
        let resent = resend(closed[0], Some(Event::Transaction)).await;
        assert_eq!((resent.count, resent.more), (2, false));
        assert_eq!(resend(closed[0], None).await.count, 0, "they are open, or were taken");
        node.advance_real(6);
        over(&node, 3).await;
        let received = partner.received();
        let last = &received[received.len() - 3..];
        let ids = last.iter().map(|it| it.body["transaction"]["externalTransactionId"].clone());
        assert_eq!(ids.collect::<Vec<_>>(), ["p1", "p2", "p3"]);
        assert_eq!((last[0].key(), &last[0].bytes), (received[0].key(), &received[0].bytes));
        let taken = Some(Outcome::Delivered);
        assert_eq!(outcomes(&node).await, [(taken, 7), (taken, 7), (taken, 2)]);
    }
}

on_both! {
    /// One that waits for its next try is tried now, one that was taken is sent once more; one of a
    /// paused path is not.
    async fn one_notification_is_sent_again(node) {
        let status = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(500));
        let says = status.clone();
        let order = std::sync::atomic::Ordering::SeqCst;
        let partner = Partner::start(move |_, _| Behaviour::Status(says.load(order))).await;
        let funded = node.funded(0).await;
        node.deliver_to(&partner, ALL).await;
        node.lock(funded, PendingQuery).await;
        settled(&node, 1).await;
        let (id, operator) = (node.scope.partner(), app::audit::Operator("os:test".to_owned()));
        let told = node.app.notifications(id, 0, 9).await.expect("reads");
        let resend = async || node.app.resend_notification_as(&operator, id, told[0].id).await;
        status.store(204, order);
        resend().await.expect("is tried now");
        over(&node, 1).await;
        resend().await.expect("is sent once more");
        let received = delivered(&partner, 3).await;
        settled(&node, 3).await;
        over(&node, 1).await;
        for one in &received {
            assert_eq!((one.key(), &one.bytes), (received[0].key(), &received[0].bytes));
        }
        status.store(410, order);
        resend().await.expect("is sent once more");
        eventually("it is paused", PATIENCE, async || {
            let endpoints = node.app.endpoints(id).await.expect("reads");
            endpoints.iter().any(|it| it.paused_at.is_some())
        })
        .await;
        let refused = resend().await.expect_err("it is paused");
        let paused = app::Refusal::NotificationsPaused;
        assert!(matches!(refused, app::Error::Refused(refusal) if refusal == paused));
        let unknown = node.app.resend_notification_as(&operator, id, uuid::Uuid::nil()).await;
        let unknown = unknown.expect_err("there is none");
        let not_found = app::Refusal::NotificationNotFound;
        assert!(matches!(unknown, app::Error::Refused(refusal) if refusal == not_found));
    }
}

on_both! {
    /// A partner's key is kept for an hour, one that can't be had for five seconds.
    async fn a_partners_key_is_asked_for_now_and_then(node) {
        let shown = std::sync::Arc::new(Mutex::new(String::new()));
        let shows = shown.clone();
        let partner = Partner::start(move |request, _| {
            if request.path != "/public-key" {
                return Behaviour::Status(204);
            }
            let body = json!({ "publicKey": *shows.lock().expect("lives") }).to_string();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
            let head = format!("{head}{}\r\n\r\n", body.len());
            Behaviour::Bytes((head + &body).into_bytes())
        })
        .await;
        node.deliver_to(&partner, ALL).await;
        let (id, operator) = (node.scope.partner(), app::audit::Operator("os:test".to_owned()));
        let encrypt = app::outbound::SetOutbound { encrypt: Some(true), ..Default::default() };
        node.app.set_outbound(&operator, id, encrypt).await.expect("is set");
        let send = async || {
            let event = Event::VerificationAccepted;
            let tried = node.app.send_example_as(&operator, id, event).await.expect("is called");
            let asked = partner.received().iter().filter(|it| it.path == "/public-key").count();
            (tried.delivered, tried.attempt.error, asked)
        };
        let none = Some("NO_PUBLIC_KEY".to_owned());
        // It isn't one.
        assert_eq!(send().await, (false, none.clone(), 1));
        let key = crypto::jwe::PrivateKey::generate();
        *shown.lock().expect("lives") = key.public_header();
        assert_eq!(send().await, (false, none, 1));
        node.advance_real(5);
        assert_eq!(send().await, (true, None, 2));
        node.advance_real(3_590);
        assert_eq!(send().await, (true, None, 2));
        node.advance_real(10);
        assert_eq!(send().await, (true, None, 3));
        let told = partner.received().pop().expect("something");
        let opened = key.decrypt(told.body["payload"].as_str().expect("a token"));
        assert!(String::from_utf8_lossy(&opened.expect("for this key")).contains("ACCEPTED"));
    }
}

on_both! {
    /// A slow answer keeps one card waiting, and no other.
    async fn a_slow_answer_keeps_no_other_card_waiting(node) {
        let partner = Partner::start(|_, nth| match nth {
            0 => Behaviour::Hang,
            _ => Behaviour::Status(204),
        })
        .await;
        let (slow, other) = (node.funded(0).await, node.funded(0).await);
        node.deliver_to(&partner, ALL).await;
        node.lock(slow, PendingQuery).await;
        delivered(&partner, 1).await;
        let begun = std::time::Instant::now();
        node.lock(other, PendingQuery).await;
        delivered(&partner, 2).await;
        // The slow one's time is ten seconds.
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    }
}

on_both! {
    /// An address isn't paused for one failure long after another.
    async fn one_failure_after_a_quiet_time_pauses_nothing(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(503)).await;
        let funded = node.funded(1_000).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        node.purchase(funded.card, 1, "p0").await.expect("decided");
        for (tried, pause) in (1..).zip([5, 30, 300, 1_800, 7_200]) {
            settled(&node, tried).await;
            node.advance_real(pause + pause / 10 + 1);
        }
        over(&node, 1).await;
        node.advance_real(6 * 24 * 60 * 60);
        node.purchase(funded.card, 1, "p1").await.expect("decided");
        settled(&node, 7).await;
        let endpoints = node.app.endpoints(node.scope.partner()).await.expect("reads");
        assert_eq!(endpoints[0].paused_at, None);
    }
}

on_both! {
    /// An address that fails for five days is paused.
    async fn an_address_that_fails_for_days_is_paused(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(503)).await;
        let (one, other) = (node.funded(0).await, node.funded(0).await);
        node.deliver_to(&partner, ALL).await;
        node.lock(one, PendingQuery).await;
        let id = node.scope.partner();
        for tried in 1..=5 {
            settled(&node, tried).await;
            let endpoints = node.app.endpoints(id).await.expect("reads");
            assert_eq!(endpoints[0].paused_at, None, "{tried}");
            node.advance_real(24 * 60 * 60 + 60);
        }
        settled(&node, 6).await;
        node.lock(other, PendingQuery).await;
        over(&node, 1).await;
        let endpoints = node.app.endpoints(id).await.expect("reads");
        assert_eq!(endpoints[0].reason.as_deref(), Some("FAILING"));
        assert_eq!(partner.count(), 6);
    }
}

on_both! {
    /// A partner that doesn't want to hear of something has no row of it.
    async fn what_nobody_wants_to_hear_is_not_written(node) {
        let partner = Partner::start(ok).await;
        let funded = node.funded(100).await;
        node.lock(funded, PendingQuery).await;
        node.deliver_to(&partner, &[Event::CardUnlocked]).await;
        node.purchase(funded.card, 30, "p1").await.expect("decided");
        node.unlock(funded).await;
        node.lock(funded, PendingQuery).await;
        delivered(&partner, 1).await;
        over(&node, 1).await;
        assert_eq!(outcomes(&node).await.len(), 1);
    }
}

/// A partner that takes, fails and hangs up as it likes; what it takes of each card is in order,
/// the first time that it is taken.
async fn in_order_whatever_happens(node: TestApp) {
    const CARDS: usize = 6;
    const CHANGES: usize = 8;
    let taken: std::sync::Arc<Mutex<BTreeMap<String, Vec<String>>>> = std::sync::Arc::default();
    let seen = taken.clone();
    let partner = Partner::start(move |request, nth| {
        let dice = u64::from(u32::from_le_bytes(
            request.bytes[request.bytes.len() - 6..][..4].try_into().expect("four bytes"),
        ));
        match (dice.wrapping_mul(31) + nth as u64 * 7919) % 5 {
            0 => Behaviour::Status(500),
            1 => Behaviour::Drop,
            _ => {
                let card = request.body["dcCardId"].as_str().expect("a card").to_owned();
                seen.lock().expect("lives").entry(card).or_default().push(request.key().to_owned());
                Behaviour::Status(204)
            }
        }
    })
    .await;
    let mut cards: Vec<Funded> = Vec::new();
    for _ in 0..CARDS {
        cards.push(node.funded(0).await);
    }
    node.deliver_to(&partner, ALL).await;
    for change in 0..CHANGES {
        for card in &cards {
            if change % 2 == 0 {
                node.lock(*card, PendingQuery).await;
            } else {
                node.unlock(*card).await;
            }
        }
    }
    let id = node.scope.partner();
    eventually("all is told", Duration::from_secs(60), async || {
        // Not faster, or a machine that stands still for a moment makes the address fail for days.
        node.advance_real(600);
        let told = node.app.notifications(id, 0, 500).await.expect("reads");
        told.iter().all(|entry| entry.outcome == Some(Outcome::Delivered))
    })
    .await;
    let told = node.app.notifications(id, 0, 500).await.expect("reads");
    let mut asked: HashMap<String, Vec<String>> = HashMap::new();
    for entry in &told {
        let card = entry.card.expect("a card").0.to_string();
        asked.entry(card).or_default().push(entry.id.to_string());
    }
    for (card, keys) in taken.lock().expect("lives").iter() {
        let mut first = keys.clone();
        let mut known = std::collections::HashSet::new();
        first.retain(|key| known.insert(key.clone()));
        assert_eq!(&first, &asked[card]);
    }
    assert_eq!(told.len(), CARDS * CHANGES);
}

on_both! {
    /// Never out of order within a stream, whatever the partner does.
    async fn a_card_is_never_told_of_out_of_order(node) {
        in_order_whatever_happens(node).await;
    }
}

const BUSY: Sql = Sql("select count(*) as rows
    from outbox
    where closed_at is null and (claimed_by is not null or next_at <= $1)");

/// Waits until nothing is due and nobody works on anything, so that time can be moved without
/// ending a claim.
async fn idle(node: &TestApp) {
    eventually("nothing is due", PATIENCE, async || {
        let mut tx = node.app.db.read().await.expect("begins");
        let row = tx.row(&BUSY, &[&node.real_now()]).await.expect("counts");
        tx.rollback().await;
        row.get::<i64>("rows").expect("a number") == 0
    })
    .await;
}

/// What happens to a card in five minutes: it is locked, declines, is unlocked and pays, for which
/// nobody asks its partner in vain.
async fn five_minutes(node: &TestApp, card: Funded, name: &str) {
    node.lock(card, PendingQuery).await;
    let refused = node.purchase(card.card, 10, &format!("{name}-locked")).await.expect("decided");
    assert_eq!(refused.description, Description::CardLocked);
    node.unlock(card).await;
    let paid = node.purchase(card.card, 10, name).await.expect("decided");
    assert_eq!(paid.processing, Processing::Success);
}

/// How often an hour has five minutes.
const TIMES: usize = 12;
/// What one card leaves to be told of, in its stream, in five minutes.
const OF_A_CARD: [&str; 4] = ["cardLocked", "transaction", "cardUnlocked", "transaction"];

/// The last segment of a path.
fn word(it: &Received) -> &str {
    it.path.rsplit('/').next().unwrap_or_default()
}

on_both! {
    /// A partner that is down for an hour in which its cards go on: afterwards it gets everything,
    /// each once, in the order of each card and of each balance, and its books agree with ours.
    async fn a_partner_that_was_down_for_an_hour_gets_everything(node) {
        let well = Arc::new(AtomicBool::new(false));
        let is_well = well.clone();
        let partner = asked(&node, move |_, nth| match (is_well.load(SeqCst), nth % 3) {
            (true, _) => Way::Books,
            (false, 0) => Way::Instead(Behaviour::Status(503)),
            (false, _) => Way::Instead(Behaviour::Drop),
        })
        .await;
        set(&node, Set { stand_in: Some(Some(1_000)), ..Set::default() }).await;
        let cards = [node.funded(1_000).await, node.funded(1_000).await, node.funded(1_000).await];
        node.deliver_to(&partner, ALL).await;
        let begun = node.app.now();
        for time in 0..TIMES {
            for card in cards {
                five_minutes(&node, card, &format!("{}-{time}", card.card.0)).await;
            }
            idle(&node).await;
            node.advance(300);
            node.advance_real(300);
        }
        idle(&node).await;
        assert_eq!(node.app.now().duration_since(begun).as_mins(), 60);
        let down = partner.count();
        let told = async || {
            node.app.notifications(node.scope.partner(), 0, 500).await.expect("reads")
        };
        let entries = told().await;
        assert_eq!(entries.len(), cards.len() * TIMES * (OF_A_CARD.len() + 1));
        assert!(entries.iter().all(|it| it.standing() == Standing::Open));

        well.store(true, SeqCst);
        // The pause after the fifth try, at its longest.
        node.advance_real(7_200 * 11 / 10);
        eventually("all is told", PATIENCE, async || {
            told().await.iter().all(|it| it.standing() == Standing::Delivered)
        })
        .await;
        let received = &partner.received()[down..];
        let keys: Vec<&str> = received.iter().map(Received::key).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        let mut expected: Vec<String> = entries.iter().map(|it| it.id.to_string()).collect();
        expected.sort_unstable();
        assert_eq!(sorted, expected, "each once");
        for card in cards {
            for is_call in [false, true] {
                let mut due: Vec<_> = entries
                    .iter()
                    .filter(|it| it.card == Some(card.card) && it.event.is_call() == is_call)
                    .map(|it| (it.number, it.id.to_string()))
                    .collect();
                due.sort();
                let due: Vec<&str> = due.iter().map(|(_, key)| key.as_str()).collect();
                let came: Vec<&Received> =
                    received.iter().filter(|it| due.contains(&it.key())).collect();
                let order: Vec<&str> = came.iter().map(|it| it.key()).collect();
                assert_eq!(order, due);
                let words: Vec<&str> = came.iter().map(|it| word(it)).collect();
                let each = if is_call { &["debit"][..] } else { &OF_A_CARD };
                assert_eq!(words, each.repeat(TIMES));
            }
            let (available, held) = node.amounts(card.balance).await;
            let balance = card.balance.0.to_string();
            let booked: i64 = partner.books(|books| {
                let of_it = books.transactions().filter(|(_, it)| it.balance == balance);
                of_it.map(|(_, it)| it.sum()).sum()
            });
            assert_eq!((available - 1_000, held), (booked, 10 * 12));
        }
        node.verify().await;
    }
}

/// What a node had claimed that then stood still is delivered by another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_had_claimed_is_delivered_by_another() {
    let node = TestApp::on(Database::Postgres).await;
    let partner = Partner::start(|_, nth| match nth {
        0 => Behaviour::Hang,
        _ => Behaviour::Status(204),
    })
    .await;
    let funded = node.funded(0).await;
    node.deliver_to(&partner, ALL).await;
    node.lock(funded, PendingQuery).await;
    delivered(&partner, 1).await;
    let other = node.sibling().await;
    other.deliver();
    node.unlock(funded).await;
    other.advance_real(61);
    let received = delivered(&partner, 3).await;
    over(&node, 2).await;
    assert_eq!(received[1].key(), received[0].key());
    assert_eq!(received[2].path, "/notifications/cardUnlocked");
}

#[expect(clippy::disallowed_methods, reason = "how much a test does isn't configuration")]
fn asked_count() -> usize {
    let asked = std::env::var("ANTACA_BACKLOG").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(1_000)
}

/// A backlog drains, by several streams at a time. `ANTACA_BACKLOG` asks for more than the tests
/// do: `ANTACA_BACKLOG=100000 cargo test --release -p app --test it backlog -- --nocapture`.
async fn backlog(database: Database) {
    let count = asked_count();
    let node = TestApp::on(database).await;
    let partner = Partner::start(ok).await;
    let mut cards = Vec::new();
    for _ in 0..16 {
        cards.push(node.funded(1_000_000).await);
    }
    node.deliver_to(&partner, &[Event::Transaction]).await;
    let operator = app::audit::Operator("os:test".to_owned());
    let nowhere = format!("https://localhost:{}", testkit::free_port());
    let at = |url: String| app::outbound::SetOutbound { base_url: Some(url), ..Default::default() };
    let id = node.scope.partner();
    node.app.set_outbound(&operator, id, at(nowhere)).await.expect("is set");
    let node = std::sync::Arc::new(node);
    let mut asking = tokio::task::JoinSet::new();
    for (lane, card) in cards.iter().enumerate() {
        let (node, card) = (node.clone(), card.card);
        asking.spawn(async move {
            for number in (lane..count).step_by(16) {
                node.purchase(card, 1, &format!("b{number}")).await.expect("decided");
            }
        });
    }
    while asking.join_next().await.is_some() {}
    node.app.set_outbound(&operator, id, at(partner.base_url())).await.expect("is set");
    let begun = std::time::Instant::now();
    let patience = Duration::from_secs(60) + Duration::from_millis(count as u64 * 5);
    // What was tried in vain is due; no further, or leases would end under those that work.
    node.advance_real(3 * 60 * 60);
    eventually("the backlog is gone", patience, async || partner.count() >= count).await;
    eprintln!("{database:?}: {count} in {:.1} s", begun.elapsed().as_secs_f64());
    assert!(partner.received().iter().all(|it| it.body["status"] == "SUCCESS"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_drains_on_sqlite() {
    backlog(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_drains_on_postgres() {
    backlog(Database::Postgres).await;
}

/// What one partner is told by at most at one time.
const AT_ONCE: usize = 64;

on_both! {
    /// However many streams have something due at one moment, a partner has no more calls open than
    /// it is to have; the others have their turn, and none is left out.
    async fn a_partner_has_no_more_calls_open_than_its_turns(node) {
        let (down, taken) = (Arc::new(AtomicBool::new(true)), AtomicUsize::new(0));
        let is_down = down.clone();
        let choose = move |_: &Received, _: usize| {
            if is_down.load(SeqCst) {
                return Way::Instead(Behaviour::Status(503));
            }
            let is_first = taken.fetch_add(1, SeqCst) < AT_ONCE;
            if is_first { Way::AnswersWhenLetGo } else { Way::Books }
        };
        let partner = Bookkeeper::start(Mode::Shared { limit: 0 }, choose).await;
        let funded = node.funded(0).await;
        let mut cards = vec![funded.card];
        while cards.len() < AT_ONCE + 36 {
            cards.push(node.card_on(funded.user, funded.balance).await);
        }
        node.deliver_to(&partner, &[Event::CardLocked]).await;
        for card in &cards {
            node.lock(Funded { card: *card, ..funded }, PendingQuery).await;
        }
        eventually("each was tried", PATIENCE, async || {
            outcomes(&node).await.iter().filter(|(_, tries)| *tries > 0).count() == cards.len()
        })
        .await;
        let tried = partner.count();
        down.store(false, SeqCst);
        // All are due again at one moment.
        node.advance_real(400);
        eventually("all turns are taken", PATIENCE, async || {
            partner.count() >= tried + AT_ONCE
        })
        .await;
        partner.let_go();
        over(&node, cards.len()).await;
        let all = outcomes(&node).await;
        assert!(all.iter().all(|(outcome, _)| *outcome == Some(Outcome::Delivered)), "{all:?}");
        assert_eq!(partner.most_open(), AT_ONCE);
    }
}
