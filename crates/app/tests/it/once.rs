//! The same key acts once, however often and however close together it comes.

use crate::holds::join_all;
use app::processor::Message;
use app::{Error, Once};
use domain::card::Card;
use domain::card::lifecycle::{LockReason, Locker};
use domain::ids::CardId;
use serde_json::{Value, json};
use testkit::{TestApp, on_both};

fn once<T>(key: &str, content: u8, render: fn(&T) -> Value) -> Once<T> {
    Once {
        endpoint: "POST /test".to_owned(),
        key: Some(key.to_owned()),
        fingerprint: [content; 32],
        origin: testkit::origin(),
        render,
    }
}

/// What the answer is made of: all but the engine's own note that somebody was told.
pub(crate) fn answered(message: Message) -> Message {
    Message { told: true, ..message }
}

async fn issue(node: &TestApp, funded: testkit::Funded, content: u8) -> Result<Value, Error> {
    let command = app::cards::IssueVirtual {
        corporation: None,
        holder: funded.user,
        balance: funded.balance,
        config_id: "0019167984".to_owned(),
        label: None,
    };
    let once = once("card-1", content, |card: &Card| json!({ "id": card.id.0 }));
    node.app.issue_virtual_card(node.scope, command, once).await
}

on_both! {
    /// Fifty equal keys at once make one card and get one answer.
    async fn fifty_equal_keys_make_one_card(node) {
        let funded = node.funded(0).await;
        let answers = join_all((0..50).map(|_| issue(&node, funded, 1))).await;
        let answers: Vec<Value> =
            answers.into_iter().map(|answer| answer.expect("issued")).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let cards = node.app.cards(node.scope, funded.user, CardId(0), 200).await.expect("lists");
        assert_eq!(cards.items.len(), 2, "the funded one and one more");
        assert!(matches!(issue(&node, funded, 2).await, Err(Error::KeyReused)));
    }
}

on_both! {
    /// Fifty equal keys at once make one purchase and get one answer.
    async fn fifty_equal_keys_make_one_purchase(node) {
        let funded = node.funded(1_000).await;
        let answers = join_all((0..50).map(|_| node.purchase(funded.card, 300, "p1"))).await;
        let first = answered(answers[0].as_ref().expect("decided").clone());
        for answer in answers {
            assert_eq!(answered(answer.expect("decided")), first);
        }
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        assert!(matches!(node.purchase(funded.card, 301, "p1").await, Err(Error::KeyReused)));
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        node.verify().await;
    }
}

on_both! {
    /// A refusal is an answer too: it is kept, and stays, when things have changed since.
    async fn a_refusal_is_kept_with_its_key(node) {
        let funded = node.funded(0).await;
        let card = (funded.user, funded.card);
        let first = (LockReason::SuspectedFraud, Locker::Partner);
        let key = once("lock", 1, |()| Value::Null);
        node.app.lock_card(node.scope, card, first, key).await.expect("locks");
        let again = || async {
            let second = (LockReason::PendingQuery, Locker::Partner);
            let key = once("lock-2", 2, |()| Value::Null);
            node.app.lock_card(node.scope, card, second, key).await
        };
        assert!(matches!(again().await, Err(Error::Refused(_))));
        let unlock = once("unlock", 3, |()| Value::Null);
        let unlocked = node.app.unlock_card(node.scope, card, Locker::Partner, unlock).await;
        unlocked.expect("unlocks");
        assert!(matches!(again().await, Err(Error::Refused(_))), "the kept answer");
    }
}

on_both! {
    /// The network's own name for a message is recognised without any key of the caller.
    async fn a_message_delivered_twice_acts_once(node) {
        let funded = node.funded(1_000).await;
        let first = node.purchase(funded.card, 300, "p1").await.expect("decided");
        let mut envelope = node.envelope(funded.card, "another key", "300p1");
        envelope.request_id = "another".to_owned();
        let again =
            app::processor::Authorize { envelope, ..node.ask(funded.card, 300, "p1") };
        let again = node.app.authorize(again).await.expect("decided");
        assert_eq!(again.transaction, first.transaction);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        node.verify().await;
    }
}

on_both! {
    /// A network may give all messages of a card one id: each is still told from the others.
    async fn of_many_messages_of_one_id_each_acts_once(node) {
        let funded = node.funded(1_000).await;
        let (node, funded) = (&node, &funded);
        let asked = |key: &'static str| {
            let ask = move |number: i64| {
                let mut ask = node.ask(funded.card, 1, "one");
                ask.envelope = node.envelope(funded.card, &format!("{key} {number}"), "same");
                ask.details.network_date += jiff::SignedDuration::from_secs(number);
                node.app.authorize(ask)
            };
            join_all((0..300).map(ask))
        };
        let transactions = |told: Vec<Result<Message, Error>>| {
            let told = told.into_iter().map(|it| it.expect("decided").transaction);
            told.collect::<Vec<_>>()
        };
        let first = transactions(asked("first").await);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        assert_eq!(transactions(asked("again").await), first);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        node.verify().await;
    }
}

on_both! {
    /// A card is removed by its holder's partner alone, and only once.
    async fn a_card_is_removed_by_who_has_it(node) {
        let funded = node.funded(0).await;
        let (user, card) = (funded.user, funded.card);
        let settings = domain::partner::Settings::default();
        let (code, name) = ("other".to_owned(), "Other".to_owned());
        let create = app::partners::Create { code, name, settings };
        let operator = app::audit::Operator("os:test".to_owned());
        let other = node.app.create_partner(&operator, create).await.expect("creates").id;
        let other = domain::scope::Scope::platform(other, "a test");
        let stranger = node.user().await;
        let remove = async |scope, user, key| {
            node.app.remove_card(scope, user, card, once(key, 1, |()| Value::Null)).await
        };
        let not_found = |told| {
            matches!(told, Err(Error::Refused(app::Refusal::CardNotFound)))
        };
        assert!(not_found(remove(other, user, "1").await));
        assert!(not_found(remove(node.scope, stranger, "2").await));
        let card_of = async || node.app.cards(node.scope, user, CardId(0), 1).await;
        assert_eq!(card_of().await.expect("lists").items.len(), 1);

        let all = join_all((0..10).map(|_| remove(node.scope, user, "3"))).await;
        assert!(all.into_iter().all(|told| told.is_ok()));
        assert_eq!(card_of().await.expect("lists").items.len(), 0);
        assert!(not_found(remove(node.scope, stranger, "4").await));
    }
}
