//! Two libraries of others, both ways.

use super::Published;
use crate::story::{Story, expect};
use crate::support::{Foreign, Sandbox};
use serde_json::{Value, json};

on_both_databases! {
    /// Each flavour of OAEP, with and without the key's name; card data comes back.
    async fn foreign_libraries_order_cards_and_read_them(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let ours = Published::of(partner).await;
        let cards = format!("/secure/customers/{}/cards", story.customer);
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" }).to_string();
        for (library, alg, kid) in [
            (Foreign::Python, "RSA-OAEP-256", Some(ours.kid.as_str())),
            (Foreign::Python, "RSA-OAEP", None),
            (Foreign::Node, "RSA-OAEP-256", None),
            (Foreign::Node, "RSA-OAEP", Some(ours.kid.as_str())),
        ] {
            let pair = library.pair();
            let token = library.encrypt(&ours.text, alg, kid, &body);
            let request = partner
                .post(&format!("{cards}/virtual"))
                .header("Encrypted-Request", "true")
                .header("Public-Key", &pair.header)
                .json(&json!({ "payload": token }));
            let made = expect(201, request).await;
            let (header, text) = library.decrypt(&pair, &made["payload"]);
            assert_eq!(header, json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM" }), "{library:?}");
            let card: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(card["cardNo"].as_str().map(str::len), Some(16), "{library:?} {alg}");

            let read = partner
                .get(&format!("{cards}/{}", card["id"]))
                .header("Encrypt-Response", "true")
                .header("Public-Key", &pair.header);
            let read = expect(200, read).await;
            assert_eq!(library.decrypt(&pair, &read["payload"]).1, text, "{library:?} {alg}");
        }
    }
}
