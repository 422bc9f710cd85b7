//! Every route × every wrong certificate: each gets its own answer. A route that isn't here fails
//! `xtask tidy`.

use crate::story::{Story, expect, registration, unique};
use crate::support::{Caller, Sandbox};
use crypto::certificates::client_key_and_csr;
use reqwest::Method;
use serde_json::{Value, json};

/// Method and path of every route, and whose it is.
pub(crate) const ROUTES: &[(&str, &str, Channel)] = &[
    ("POST", "/lifecycle/v1/wallet", Channel::Lifecycle),
    ("GET", "/lifecycle/v1/users", Channel::Lifecycle),
    ("GET", "/lifecycle/v1/users/{customerId}", Channel::Lifecycle),
    ("PUT", "/lifecycle/v1/users/{customerId}", Channel::Lifecycle),
    ("DELETE", "/lifecycle/v1/users/{customerId}/cards/{cardId}", Channel::Lifecycle),
    ("GET", "/lifecycle/v1/public-key", Channel::Lifecycle),
    ("POST", "/secure/customers/{customerId}/verification", Channel::Secure),
    ("POST", "/secure/customers/{customerId}/register", Channel::Secure),
    ("GET", "/secure/public-key", Channel::Secure),
    ("GET", "/secure/customers/{customerId}/balances", Channel::Secure),
    ("POST", "/secure/customers/{customerId}/balances", Channel::Secure),
    ("GET", "/secure/customers/{customerId}/balances/{balanceId}", Channel::Secure),
    ("GET", "/secure/balances/{balanceId}", Channel::Secure),
    ("GET", "/secure/balances/{balanceId}/transactions", Channel::Secure),
    ("POST", "/secure/balances/{balanceId}/transactions", Channel::Secure),
    ("GET", "/secure/transactions/{transactionId}", Channel::Secure),
    ("POST", "/secure/cards/virtual", Channel::Secure),
    ("POST", "/secure/customers/{customerId}/cards/virtual", Channel::Secure),
    ("POST", "/secure/customers/{customerId}/cards/virtual/async", Channel::Secure),
    ("GET", "/secure/customers/{customerId}/cards/operations/{operationId}", Channel::Secure),
    ("GET", "/secure/customers/{customerId}/cards", Channel::Secure),
    ("GET", "/secure/customers/{customerId}/cards/{cardId}", Channel::Secure),
    ("POST", "/secure/customers/{customerId}/cards/{cardId}/lock", Channel::Secure),
    ("POST", "/secure/customers/{customerId}/cards/{cardId}/unlock", Channel::Secure),
    ("GET", "/sandbox/v1/received", Channel::Secure),
    ("PUT", "/sandbox/v1/settings", Channel::Secure),
    ("POST", "/sandbox/v1/clock", Channel::Secure),
    ("POST", "/processor/v1/authorizations", Channel::Processor),
    ("POST", "/processor/v1/reversals", Channel::Processor),
    ("POST", "/processor/v1/clearings", Channel::Processor),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Lifecycle,
    Secure,
    Processor,
}

/// Asks for a route with the ids of a story, and tells status and title.
async fn asked(caller: &Caller, route: (&str, &str), code: &str, story: &Story) -> (u16, Value) {
    let (method, path) = route;
    let path = path
        .replace("{customerId}", &story.customer.to_string())
        .replace("{balanceId}", &story.balance)
        .replace("{cardId}", &story.card.to_string())
        .replace("{transactionId}", "01a1fc4c-a200-45ff-bb8b-502c63e8d6cf");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = caller.request(method, &path).header("Issuer-Code", code);
    let (status, body) = crate::story::answer(request).await;
    (status, body["title"].clone())
}

/// A second partner, with a certificate of its own.
async fn other_partner(sandbox: &Sandbox, scope: &str) -> Caller {
    let code = format!("other-{}", unique());
    let created = ["partner", "create", "--code", &code, "--kyc-mode", "EXTERNAL"];
    sandbox.antaca(&created).await.assert_done();
    let (key, csr) = client_key_and_csr(&code);
    let file = sandbox.dir().join(format!("{code}.csr"));
    std::fs::write(&file, csr).expect("the request can be written");
    let file = file.to_str().expect("a path of text");
    let sign = ["ca", "sign", "--csr", file, "--partner", &code, "--scope", scope];
    let signed = sandbox.antaca(&sign).await;
    sandbox.with_certificate(&signed.assert_done().stdout, &key)
}

on_both_databases! {
    /// No certificate, one of another kind of caller, one without the scope, a wrong code.
    async fn a_wrong_certificate_gets_its_own_answer(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let unscoped = other_partner(&sandbox, "partner-balance-create").await;
        for &(method, path, channel) in ROUTES {
            let route = (method, path);
            let none = asked(sandbox.anonymous(), route, "sandbox", &story).await;
            assert_eq!(none, (401, json!("CERTIFICATE_REQUIRED")), "{route:?}");
            let wrong = match channel {
                Channel::Lifecycle | Channel::Secure => sandbox.processor(),
                Channel::Processor => sandbox.partner(),
            };
            let wrong = asked(wrong, route, "sandbox", &story).await;
            assert_eq!(wrong, (403, json!("FORBIDDEN")), "{route:?}");
            let wrong = asked(&unscoped, route, "sandbox", &story).await;
            assert_eq!(wrong, (403, json!("FORBIDDEN")), "{route:?}");
            if channel == Channel::Lifecycle {
                let foreign = asked(sandbox.partner(), route, "acme", &story).await;
                assert_eq!(foreign, (403, json!("ISSUER_CODE_MISMATCH")), "{route:?}");
            }
        }
    }

    /// Another partner's objects aren't there.
    async fn another_partners_objects_are_not_there(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let other = other_partner(&sandbox, "secure").await;
        let (user, balance, card) = (story.customer, &story.balance, story.card);
        let secure = format!("/secure/customers/{user}");
        let body = json!({ "balanceId": balance, "configId": "0019167984", "dcUserId": user });
        let top_up = story.top_up(&other, &json!(5), "theirs");
        let virtual_card = format!("{secure}/cards/virtual");
        for (request, title) in [
            (other.get(&format!("{secure}/balances")), "CUSTOMER_NOT_FOUND"),
            (other.get(&format!("{secure}/balances/{balance}")), "BALANCE_NOT_FOUND"),
            (other.get(&format!("/secure/balances/{balance}")), "BALANCE_NOT_FOUND"),
            (other.get(&format!("/secure/balances/{balance}/transactions")), "BALANCE_NOT_FOUND"),
            (top_up, "BALANCE_NOT_FOUND"),
            (other.get(&format!("{secure}/cards")), "CUSTOMER_NOT_FOUND"),
            (
                crate::story::encrypted(other.get(&format!("{secure}/cards/{card}"))),
                "CARD_NOT_FOUND",
            ),
            (
                other.post(&format!("{secure}/cards/{card}/lock")).json(&json!({ "reason": 7 })),
                "CARD_NOT_FOUND",
            ),
            (other.post(&format!("{secure}/cards/{card}/unlock")), "CARD_NOT_FOUND"),
            (
                other.post(&format!("{virtual_card}/async")).json(&body),
                "CUSTOMER_NOT_FOUND",
            ),
        ] {
            let problem = expect(404, request).await;
            assert_eq!(problem["title"], title);
        }
        let issue = crate::story::encrypted(other.post(&virtual_card).json(&body));
        let problem = expect(422, issue).await;
        assert_eq!(problem["title"], "PROGRAM_NOT_FOUND", "the other partner has no program");
        assert_eq!(story.amounts(&sandbox).await, (1_000, 0));
    }

    /// A closed partner's certificate is refused at once, and works again when it is live.
    async fn a_closed_partner_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let set = |state| ["partner", "set", "--code", "sandbox", "--state", state];
        sandbox.antaca(&set("CLOSED")).await.assert_done();
        let refused = crate::story::register(sandbox.partner(), &registration());
        let problem = expect(401, refused).await;
        assert_eq!(problem["title"], "CERTIFICATE_REVOKED");
        sandbox.antaca(&set("LIVE")).await.assert_done();
        expect(201, crate::story::register(sandbox.partner(), &registration())).await;
    }
}
