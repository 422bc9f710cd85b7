//! Partners are told of cards whose last day comes near: each card once, by whichever node.

use app::Once;
use domain::card::lifecycle::LockReason::{CardLost, SuspectedFraud};
use domain::notification::Event;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Partner, TestApp, eventually, on_both, origin};

/// Moves the business clock to the begin of a day.
fn advance_to(node: &TestApp, day: Date) {
    let day = day.to_zoned(TimeZone::UTC).expect("within the calendar").timestamp();
    node.advance(day.duration_since(node.app.now()).as_secs() + 1);
}

async fn told(node: &TestApp) -> u64 {
    node.app.tell_of_expiring_cards().await.expect("walks")
}

on_both! {
    /// From 30 days before on; not of a card that is gone, or locked for good.
    async fn each_card_is_told_of_once(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, &[Event::CardExpiring]).await;
        let [good, locked, lost, gone] = [
            node.funded(0).await,
            node.funded(0).await,
            node.funded(0).await,
            node.funded(0).await,
        ];
        node.lock(locked, SuspectedFraud).await;
        node.lock(lost, CardLost).await;
        let remove = Once {
            endpoint: "DELETE /card".to_owned(),
            key: None,
            fingerprint: [1; 32],
            origin: origin(),
            render: |()| Value::Null,
        };
        let removed = node.app.remove_card(node.scope, gone.user, gone.card, remove).await;
        removed.expect("removes");
        let shown = node.app.full_card(node.scope, good.user, good.card, &origin()).await;
        let last = shown.expect("is shown").card.expiry;

        advance_to(&node, last.saturating_sub(31.days()));
        assert_eq!(told(&node).await, 0);
        advance_to(&node, last.saturating_sub(30.days()));
        let twin = if node.is_postgres() { Some(node.sibling().await) } else { None };
        let twin = twin.as_ref().unwrap_or(&node);
        let (one, other) = tokio::join!(told(&node), told(twin));
        assert_eq!(one + other, 2);
        advance_to(&node, last);
        assert_eq!(told(&node).await + told(twin).await, 0);

        eventually("the partner was told", Duration::from_secs(30), async || {
            partner.count() >= 2
        })
        .await;
        let bodies: Vec<Value> = partner.received().into_iter().map(|it| it.body).collect();
        assert_eq!(bodies.len(), 2);
        for of in [good, locked] {
            let body = json!({ "dcCardId": of.card.0.to_string(), "exp": last.to_string() });
            assert!(bodies.contains(&body), "{bodies:?}");
        }
    }
}

on_both! {
    /// Who doesn't ask for it isn't told.
    async fn it_is_asked_for(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, Event::USUAL).await;
        let card = node.funded(0).await;
        let shown = node.app.full_card(node.scope, card.user, card.card, &origin()).await;
        advance_to(&node, shown.expect("is shown").card.expiry);
        assert_eq!(told(&node).await, 0);
    }
}
