//! What others have typed is shown, wherever it is shown, as what they typed.

use super::{EVIL, told, unhurried};
use crate::corporations::{company, papers, post_of};
use crate::story::{Story, expect, register, registration, unique};
use crate::support::{Sandbox, in_chromium};
use crate::verifications::{Applicant, filled};
use serde_json::{Value, json};

/// Pages whose text has what is evil in it.
async fn set(sandbox: &Sandbox) -> Vec<String> {
    let partner = sandbox.partner();
    let mut body = registration();
    for field in ["firstName", "lastName", "externalId"] {
        body[field] = EVIL.into();
    }
    let user = expect(201, register(partner, &body)).await["id"].as_i64().expect("an id");
    let story = Story::begin(sandbox, 0).await;
    let credit = json!({
        "type": "topUp", "amount": 100_000, "currency": "EUR", "description": EVIL,
        "externalTransactionId": EVIL,
    });
    let path = format!("/secure/balances/{}/transactions", story.balance);
    expect(201, partner.post(&path).json(&credit)).await;
    let id = unique().to_string();
    let paid = json!({
        "card": { "cardId": story.card }, "kind": "authorization", "type": "pos", "amount": 500,
        "currency": "EUR", "transactionId": id, "description": EVIL,
        "transactionDate": "2026-11-21T10:00:00+00:00",
        "transactionData": { "merchantName": EVIL, "merchantIdentifier": EVIL },
    });
    let paid = sandbox.processor().post("/processor/v1/authorizations").json(&paid);
    let paid = expect(200, paid.header("X-Idempotency-Key", id)).await;
    assert_eq!(paid["description"], "APPROVED");

    let mut firm = company();
    firm["name"] = EVIL.into();
    for of in ["representative", "boardMembers", "beneficiaries"] {
        let people = match &mut firm[of] {
            Value::Array(all) => all.iter_mut().collect(),
            one @ (Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)) => vec![one],
        };
        for person in people {
            person["firstName"] = EVIL.into();
            person["lastName"] = EVIL.into();
        }
    }
    let firm = expect(201, post_of(partner, "sandbox", &firm)).await;
    let firm = firm["dcCorporationId"].as_str().expect("an id").to_owned();
    let documents = partner.post(&format!("/secure/corporations/{firm}/documents"));
    expect(201, documents.multipart(papers(&["ownership"]))).await;
    let applicant = Applicant::register(sandbox).await;
    let form = filled().with("street", EVIL).with("city", EVIL);
    let form = applicant.submit(&form).await;
    let renamed = ["partner", "set", "--code", "shared", "--name", EVIL];
    sandbox.antaca(&renamed).await.assert_done();

    let of = |path: String| format!("/panel/of/sandbox{path}");
    let transaction = expect(200, partner.get(&path)).await["items"][0]["id"].clone();
    let transaction = transaction.as_str().expect("an id").to_owned();
    vec![
        of(format!("/users/{user}")),
        of("/transactions".to_owned()),
        of(format!("/transactions/{transaction}")),
        of(format!("/balances/{}", story.balance)),
        of(format!("/balances/{}/statement?from=2020-01-01&to=2099-12-31", story.balance)),
        of(format!("/corporations/{firm}")),
        of("/corporations".to_owned()),
        of(format!("/verifications/{form}")),
        "/panel/partners".to_owned(),
        "/panel/partners/shared".to_owned(),
        "/panel/of/shared".to_owned(),
    ]
}

on_both_databases! {
    /// No field makes an element of itself, on whichever page it is shown: names, labels,
    /// merchants, descriptions, addresses, a partner's name; nor what is asked for in an address,
    /// nor what comes while one looks.
    async fn whatever_is_typed_does_nothing(database) {
        let sandbox = unhurried(database).await;
        let shown = set(&sandbox).await;
        let asked = ["users?search=", "balances?search=", "audit?object=", "audit?actor=",
            "audit?action=", "notifications?event=", "transactions?balance="];
        let facts = json!({ "evilText": EVIL, "shown": shown, "asked": asked });
        let operator = sandbox.admin("OPERATOR", None).await;
        in_chromium(told(&sandbox, "inert", &[("OPERATOR", &operator)], facts)).await;
    }
}
