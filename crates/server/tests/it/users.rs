//! Users, as their partner keeps them: locked and unlocked, with their address and cards.

use crate::story::{Story, answer, expect, register, registration, unique};
use crate::support::{Caller, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A call about a user on the partner's lifecycle channel.
fn lifecycle(partner: &Caller, method: Method, user: i64, rest: &str) -> RequestBuilder {
    let request = partner.request(method, &format!("/lifecycle/v1/users/{user}{rest}"));
    request.header("Issuer-Code", "sandbox")
}

async fn state(partner: &Caller, user: i64) -> Value {
    expect(200, lifecycle(partner, Method::GET, user, "")).await["state"].clone()
}

on_both_databases! {
    /// Locked they pay nothing and have no session; unlocked they stand where they stood.
    async fn a_user_is_locked_and_unlocked(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 1_000).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        expect(200, phone.caller.get("/customers/me")).await;
        let post = |user: i64, rest: &str| lifecycle(partner, Method::POST, user, rest);
        for _ in 0..2 {
            expect(204, post(story.customer, "/lock")).await;
            assert_eq!(state(partner, story.customer).await, "LOCKED");
            let told = expect(401, phone.caller.get("/customers/me")).await;
            assert_eq!(told["title"], "SESSION_EXPIRED");
            let id = format!("p{}", unique());
            let told = expect(200, story.purchase(processor, 1, &id)).await;
            assert_eq!(told["description"], "CUSTOMER_LOCKED");
        }
        for _ in 0..2 {
            expect(204, post(story.customer, "/unlock")).await;
            assert_eq!(state(partner, story.customer).await, "VERIFIED");
        }
        let told = expect(200, story.purchase(processor, 1, &format!("p{}", unique()))).await;
        assert_eq!(told["description"], "APPROVED");
        // The session is over for good, another one is begun.
        expect(401, phone.caller.get("/customers/me")).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        expect(200, phone.caller.get("/customers/me")).await;

        // Each as they were, also where the other call has locked them.
        for (state_before, kyc) in [("NEW", "NONE"), ("VERIFIED", "NONE"), ("NEW", "SUCCESS")] {
            let mut body = registration();
            (body["state"], body["kyc"]) = (state_before.into(), kyc.into());
            let user = expect(201, register(partner, &body)).await["id"].as_i64().expect("an id");
            expect(204, post(user, "/lock")).await;
            expect(204, post(user, "/unlock")).await;
            assert_eq!(state(partner, user).await, state_before);
            let put = lifecycle(partner, Method::PUT, user, "");
            expect(200, put.json(&json!({ "state": "LOCKED" }))).await;
            expect(204, post(user, "/unlock")).await;
            assert_eq!(state(partner, user).await, state_before);
            expect(204, post(user, "/lock")).await;
            let put = lifecycle(partner, Method::PUT, user, "");
            expect(200, put.json(&json!({ "state": "VERIFIED" }))).await;
            expect(204, post(user, "/lock")).await;
            expect(204, post(user, "/unlock")).await;
            assert_eq!(state(partner, user).await, "VERIFIED");
        }
    }

    /// The address is replaced as a whole; the cards are those of the other channel.
    async fn a_user_has_an_address_and_cards(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let story = Story::begin(&sandbox, 0).await;
        let put = |body: &Value| {
            lifecycle(partner, Method::PUT, story.customer, "/address").json(body)
        };
        let whole = json!({ "street": "Main Street", "number": "1", "apartment": "2",
            "city": "Warsaw", "postCode": "00-001", "country": "PL" });
        assert_eq!(expect(200, put(&whole)).await["address"], whole);
        let mut other = whole.clone();
        other["street"] = "Side Street".into();
        other.as_object_mut().expect("an object").remove("apartment");
        let shown = expect(200, put(&other)).await;
        other["apartment"] = Value::Null;
        assert_eq!(shown["address"], other);
        let told = expect(422, put(&json!({ "street": "", "country": "Poland" }))).await;
        let named = told["violations"].as_array().expect("a list").iter();
        let named: Vec<&str> = named.filter_map(|it| it["field"].as_str()).collect();
        assert_eq!(named, ["street", "number", "city", "postCode", "country"]);

        let listed = lifecycle(partner, Method::GET, story.customer, "/cards");
        let listed = expect(200, listed).await;
        let path = format!("/secure/customers/{}/cards", story.customer);
        assert_eq!(listed, expect(200, partner.get(&path)).await);
        assert_eq!(listed["items"][0]["id"], story.card);
        let page = lifecycle(partner, Method::GET, story.customer, "/cards?limit=0");
        let (status, _) = answer(page).await;
        assert_eq!(status, 422);
    }
}
