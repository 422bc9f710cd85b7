//! `/admin/cards`: what a card may spend is set, and cards live on; nobody is shown a number.

use super::signed_in;
use crate::plastic::{self, address};
use crate::renewals;
use crate::story::{Story, answer, decrypted, encrypted, expect};
use crate::support::Sandbox;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::Duration;

/// The user's cards, as the partner sees them.
async fn cards(sandbox: &Sandbox, story: &Story) -> Vec<Value> {
    let path = format!("/secure/customers/{}/cards", story.customer);
    let told = expect(200, sandbox.partner().get(&path)).await;
    told["items"].as_array().expect("a list").clone()
}

async fn refused(request: RequestBuilder, status: u16, title: &str) {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
}

on_both_databases! {
    /// Who knows a card alone sees and sets what it may spend, as by its holder's path.
    async fn what_a_card_may_spend_is_set_by_its_id(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let manager = signed_in(&sandbox, "MANAGER").await;
        let employee = signed_in(&sandbox, "EMPLOYEE").await;
        let path = format!("/admin/cards/{}/limits", story.card);
        let draft = json!({ "limits": [
            { "type": "general", "timeUnit": "daily", "currency": "EUR", "amountMinor": 500 },
        ] });
        refused(employee.put(&path).json(&draft), 403, "FORBIDDEN").await;
        let put = || manager.put(&path).header("X-Idempotency-Key", "one").json(&draft);
        let set = expect(200, put()).await;
        assert_eq!(set["limits"][0]["amountMinor"], 500);
        assert_eq!(expect(200, put()).await, set);
        assert_eq!(expect(200, employee.get(&path)).await, set);
        let of_holder = format!("/admin/customers/{}/cards/{}/limits", story.customer, story.card);
        assert_eq!(expect(200, employee.get(&of_holder)).await, set);
        let declined = expect(200, story.purchase(sandbox.processor(), 501, "beyond")).await;
        assert_eq!(declined["description"], "EXCEEDS_AMOUNT_LIMIT");
    }

    /// In its last days a card is renewed, a lost one is replaced: once for each key, and the
    /// answer has no number and no code.
    async fn a_card_is_renewed_and_replaced(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let manager = signed_in(&sandbox, "MANAGER").await;
        let act = |act: &str| manager.post(&format!("/admin/cards/{}/{act}", story.card));
        refused(act("renew"), 400, "ENCRYPTION_REQUIRED").await;
        refused(encrypted(act("renew")), 409, "CARD_RENEWAL_TOO_EARLY").await;
        renewals::advance_to_last_days(&sandbox, &story.full).await;
        // The session has ended long ago.
        let manager = signed_in(&sandbox, "MANAGER").await;
        let act = |act: &str| {
            encrypted(manager.post(&format!("/admin/cards/{}/{act}", story.card)))
        };
        let before = cards(&sandbox, &story).await[0]["exp"].clone();
        for _ in 0..2 {
            let told = expect(200, act("renew").header("X-Idempotency-Key", "one")).await;
            assert_eq!(decrypted(&told), json!({ "id": story.card, "orderId": null }));
        }
        let after = cards(&sandbox, &story).await[0]["exp"].clone();
        assert!(after.as_str() > before.as_str(), "{after} after {before}");
        let carried = json!({ "deliveryAddress": address(), "delivery": "POST" });
        refused(act("renew").json(&carried), 422, "PLASTIC_NOT_SUPPORTED").await;

        refused(act("replace").json(&json!({ "reason": "OLD" })), 422, "VALIDATION_ERROR").await;
        let lost = json!({ "reason": "CARD_LOST" });
        let mut made = Vec::new();
        for _ in 0..2 {
            let post = act("replace").header("X-Idempotency-Key", "two").json(&lost);
            made.push(decrypted(&expect(201, post).await));
        }
        let all = cards(&sandbox, &story).await;
        let new = all.iter().find(|it| it["id"] != story.card).expect("another card");
        assert_eq!((all.len(), &new["state"]), (2, &json!("ACTIVE")));
        assert_eq!(made, vec![json!({ "id": new["id"], "orderId": null }); 2]);
        let old = all.iter().find(|it| it["id"] == story.card).expect("is still there");
        assert_eq!((&old["state"], &old["lockReason"]), (&json!("LOCKED"), &json!(8)));
        refused(act("replace").json(&lost), 409, "CARD_LOCK_IRREVERSIBLE").await;
    }

    /// Lost plastic is replaced by other plastic, whose order is told.
    async fn plastic_is_replaced(database) {
        let sandbox = plastic::quick(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let (card, ..) = plastic::arrived(&sandbox, &story).await;
        let admin = signed_in(&sandbox, "ADMIN").await;
        let replace = |body: &Value| {
            encrypted(admin.post(&format!("/admin/cards/{card}/replace"))).json(body)
        };
        let mut body = json!({ "reason": "CARD_STOLEN" });
        refused(replace(&body), 422, "DELIVERY_REQUIRED").await;
        (body["deliveryAddress"], body["delivery"]) = (address(), "COURIER".into());
        let told = decrypted(&expect(201, replace(&body)).await);
        let order = told["orderId"].as_str().expect("an order");
        let path = format!("/admin/customers/{}/cards/orders/{order}", story.customer);
        testkit::eventually("the other one is made", Duration::from_secs(60), async || {
            expect(200, admin.get(&path)).await["cardId"] == told["id"]
        })
        .await;
    }
}
