//! A client that hangs up at any await: the work is whole or hasn't happened, and the same request
//! with the same key gets its answer.

use crate::doors::{Doors, post, read};
use axum::http::StatusCode;
use domain::ids::CardId;
use serde_json::{Value, json};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use testkit::{TestApp, eventually, on_both};
use tower::ServiceExt;

/// Polls a future at most so often, then drops it; what it answered, if it did.
async fn polled<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

async fn at_rest(node: &TestApp) {
    let tasks = node.app.tasks.clone();
    eventually("no task runs", Duration::from_secs(10), async || tasks.is_idle()).await;
}

fn purchase(card: CardId, name: &str) -> Value {
    json!({
        "card": { "cardId": card.0 }, "kind": "authorization", "type": "pos", "amount": 100,
        "currency": "EUR", "transactionId": name, "transactionDate": "2026-11-21T10:00:00+00:00",
        "description": "Book store",
    })
}

on_both! {
    /// A purchase is whole or hasn't happened, wherever the processor hangs up.
    async fn a_purchase_survives_its_caller(node) {
        let doors = Doors::of(&node).await;
        let funded = node.funded(1_000_000).await;
        let mut held = 0;
        for polls in 1.. {
            let name = format!("p{polls}");
            let body = purchase(funded.card, &name);
            let path = "/processor/v1/authorizations";
            let request = || post(&doors.processor, path, &name, &body);
            let answered = polled(doors.router.clone().oneshot(request()), polls).await;
            at_rest(&node).await;
            let now = node.amounts(funded.balance).await.1;
            assert!(now == held || now == held + 100, "{polls}: {held} then {now}");

            let again = doors.router.clone().oneshot(request()).await.expect("answers");
            let (status, answer) = read(again).await;
            assert_eq!((status, &answer["approved"]), (StatusCode::OK, &json!(true)), "{answer}");
            held += 100;
            assert_eq!(node.amounts(funded.balance).await.1, held, "{polls}");
            if answered.is_some() {
                assert!(polls > 1, "nothing was cut short");
                break;
            }
        }
        node.verify().await;
    }
}

on_both! {
    /// A balance is made once, wherever the partner hangs up.
    async fn a_balance_survives_its_caller(node) {
        let doors = Doors::of(&node).await;
        let funded = node.funded(0).await;
        let path = format!("/secure/customers/{}/balances", funded.user.0);
        let mut balances = 1;
        for polls in 1.. {
            let key = format!("b{polls}");
            let request = || post(&doors.partner, &path, &key, &json!({ "currency": "EUR" }));
            let answered = polled(doors.router.clone().oneshot(request()), polls).await;
            at_rest(&node).await;
            let again = doors.router.clone().oneshot(request()).await.expect("answers");
            let (status, answer) = read(again).await;
            assert_eq!(status, StatusCode::CREATED, "{answer}");
            balances += 1;
            let found = node.app.balances(node.scope, funded.user).await.expect("lists");
            assert_eq!(found.len(), balances, "{polls}");
            if answered.is_some() {
                break;
            }
        }
    }
}
