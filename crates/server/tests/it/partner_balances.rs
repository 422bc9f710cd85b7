//! A partner's own balances, made by the partner and moved by the operator's own systems.

use crate::denied::signed;
use crate::story::{Story, answer, expect};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// A system of the operator's own with these scopes.
async fn system(sandbox: &Sandbox, name: &str, scopes: &[&str]) -> Caller {
    let mut words = vec!["--operator", name];
    scopes.iter().for_each(|scope| words.extend(["--scope", *scope]));
    signed(sandbox, name, &words).await
}

/// A call that moves money, for the partner `sandbox`.
fn moving(caller: &Caller, path: &str, kind: &str, amount: i64, id: &str) -> RequestBuilder {
    caller.post(path).header("Issuer-Code", "sandbox").json(&json!({
        "type": kind, "amount": amount, "currency": "EUR", "description": "By the operator",
        "externalTransactionId": id,
    }))
}

/// The path under which a partner's own balance is moved.
async fn path_of(sandbox: &Sandbox, kind: &str) -> String {
    let told = expect(200, sandbox.partner().get("/secure/partner-balances")).await;
    let all = told["items"].as_array().expect("a list");
    let found = all.iter().find(|it| it["kind"] == kind && it["currency"] == "EUR");
    let id = found.expect("it is there")["id"].as_str().expect("an id");
    format!("/secure/partner-balances/{id}")
}

async fn amount(sandbox: &Sandbox, path: &str) -> Value {
    expect(200, sandbox.partner().get(path)).await["amount"].clone()
}

async fn refused(request: RequestBuilder, status: u16, title: &str) {
    let (told, body) = answer(request).await;
    assert_eq!((told, &body["title"]), (status, &json!(title)), "{body}");
}

on_both_databases! {
    /// Only with the scope, once of each kind and currency, and of the currencies of its programs.
    async fn a_partner_makes_its_own_balances(database) {
        let sandbox = Sandbox::start(database).await;
        let path = "/secure/partner-balances";
        let scope = ["--partner", "sandbox", "--scope", "partner-balance-create"];
        let creator = signed(&sandbox, "creator", &scope).await;
        let body = json!({ "kind": "CREDIT", "currency": "EUR" });
        refused(sandbox.partner().post(path).json(&body), 403, "FORBIDDEN").await;
        let keyed = || creator.post(path).header("X-Idempotency-Key", "one").json(&body);
        let made = expect(201, keyed()).await;
        assert_eq!((&made["kind"], &made["amount"]), (&json!("CREDIT"), &json!(0)));
        assert_eq!(expect(201, keyed()).await, made);
        assert_eq!(expect(201, creator.post(path).json(&body)).await, made);
        let other = json!({ "kind": "DEPOSIT", "currency": "EUR" });
        let reused = creator.post(path).header("X-Idempotency-Key", "one").json(&other);
        refused(reused, 409, "IDEMPOTENCY_KEY_REUSED").await;
        let strange = json!({ "kind": "CREDIT", "currency": "JPY" });
        refused(creator.post(path).json(&strange), 422, "CURRENCY_NOT_SUPPORTED").await;
        for wrong in [
            json!({ "kind": "COMPANY", "currency": "EUR" }),
            json!({ "kind": "IBAN_TECHNICAL", "currency": "EUR" }),
            json!({ "kind": "CREDIT", "currency": "EURO" }),
            json!({ "kind": "CREDIT" }),
        ] {
            refused(creator.post(path).json(&wrong), 422, "VALIDATION_ERROR").await;
        }
        let own = format!("{path}/{}", made["id"].as_str().expect("an id"));
        refused(creator.get(&own), 403, "FORBIDDEN").await;
        let found = expect(200, sandbox.partner().get(&own)).await;
        assert_eq!(found, made);
    }

    /// Each type by the scope that it needs, and by no other.
    async fn the_operators_systems_move_what_their_scopes_say(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        for kind in ["DEPOSIT", "IBAN_TECHNICAL"] {
            let of = ["--code", "sandbox", "--kind", kind, "--currency", "EUR"];
            sandbox.antaca(&[&["partner", "balance"][..], &of].concat()).await.assert_done();
        }
        let treasury = system(&sandbox, "treasury", &["collateral"]).await;
        let bank = system(&sandbox, "bank", &["iban"]).await;
        let users = format!("/secure/balances/{}", story.balance);
        let (company, deposit) =
            (path_of(&sandbox, "COMPANY").await, path_of(&sandbox, "DEPOSIT").await);
        let technical = path_of(&sandbox, "IBAN_TECHNICAL").await;
        for (right, wrong, of, kind, after) in [
            (&treasury, &bank, &deposit, "collateralCredit", 500),
            (&treasury, &bank, &deposit, "collateralDebit", 0),
            (&treasury, &bank, &company, "companyCredit", 500),
            (&treasury, &bank, &company, "companyDebit", 0),
            (&treasury, &bank, &company, "interchangeCredit", 500),
            (&bank, &treasury, &technical, "ibanTechnicalCredit", 500),
            (&bank, &treasury, &technical, "ibanTechnicalDebit", 0),
            (&bank, &treasury, &users, "creditIbanTransfer", 1_500),
        ] {
            let path = format!("{of}/transactions");
            let id = format!("{kind}-1");
            refused(moving(wrong, &path, kind, 500, &id), 403, "FORBIDDEN").await;
            refused(moving(sandbox.partner(), &path, kind, 500, &id), 403, "FORBIDDEN").await;
            let told = expect(201, moving(right, &path, kind, 500, &id)).await;
            assert_eq!((&told["type"], &told["balanceAfter"]), (&json!(kind), &json!(after)));
            let again = expect(201, moving(right, &path, kind, 500, &id)).await;
            assert_eq!(again, told, "the same name moves money once");
            assert_eq!(amount(&sandbox, of).await, json!(after), "{kind}");
        }
        let path = format!("{users}/transactions");
        refused(moving(&bank, &path, "topUp", 5, "t"), 403, "FORBIDDEN").await;
        let own = format!("{deposit}/transactions");
        let unknown = "UNKNOWN_TRANSACTION_TYPE";
        for (caller, path, kind) in [
            (&bank, &own, "creditIbanTransfer"),
            (&treasury, &own, "topUp"),
            (&treasury, &own, "pos"),
            (&treasury, &own, "magic"),
            (&bank, &path, "ibanTechnicalCredit"),
            (sandbox.partner(), &path, "collateralCredit"),
        ] {
            refused(moving(caller, path, kind, 5, "u"), 422, unknown).await;
        }
        let low = moving(&treasury, &own, "collateralDebit", 1, "low");
        refused(low, 422, "INSUFFICIENT_FUNDS").await;
        refused(moving(&treasury, &own, "companyCredit", 1, "other"), 422, unknown).await;
        let theirs = format!("{users}/transactions").replace("balances", "partner-balances");
        let strange = moving(&treasury, &theirs, "companyCredit", 1, "x");
        refused(strange, 404, "BALANCE_NOT_FOUND").await;
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// What users have and what there is in all, of one partner or of all.
    async fn the_operator_sums_up(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(sandbox.processor(), 300, "held")).await;
        let of = ["--code", "sandbox", "--kind", "CREDIT", "--currency", "EUR"];
        sandbox.antaca(&[&["partner", "balance"][..], &of].concat()).await.assert_done();
        let load = ["--type", "collateralCredit", "--amount", "50", "--external-id", "a"];
        sandbox.antaca(&[&["partner", "move"][..], &of, &load].concat()).await.assert_done();
        // The other two partners of a sandbox have a million each that limits their users.
        for (code, wallet) in [(&["--code", "sandbox"][..], 750), (&[], 200_000_750)] {
            let euro = json!({
                "currency": "EUR",
                "users": { "amount": 700, "blockedAmount": 300 },
                "wallet": { "amount": wallet, "blockedAmount": 300 },
            });
            let told = sandbox.antaca(&[&["partner", "summary"][..], code].concat()).await;
            let told = told.assert_done().json();
            assert!(told.contains(&euro), "{told:?}");
        }
        let unknown = sandbox.antaca(&["partner", "summary", "--code", "nobody"]).await;
        unknown.assert_refused("PARTNER_NOT_FOUND: ");
    }

    /// A key of the operator's is none of the partner's, and a revoked certificate ends at once.
    async fn the_operators_keys_are_its_own(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let bank = system(&sandbox, "bank", &["iban"]).await;
        let path = format!("/secure/balances/{}/transactions", story.balance);
        let keyed = |caller: &Caller, kind: &str, amount: i64| {
            moving(caller, &path, kind, amount, "same").header("X-Idempotency-Key", "same")
        };
        expect(201, keyed(sandbox.partner(), "topUp", 7)).await;
        let told = expect(201, keyed(&bank, "creditIbanTransfer", 30)).await;
        assert_eq!(expect(201, keyed(&bank, "creditIbanTransfer", 30)).await, told);
        let other = keyed(&bank, "creditIbanTransfer", 31);
        refused(other, 409, "IDEMPOTENCY_KEY_REUSED").await;
        assert_eq!(story.amounts(&sandbox).await, (37, 0));
        sandbox.antaca(&["ca", "revoke", "--name", "bank"]).await.assert_done();
        let late = keyed(&bank, "creditIbanTransfer", 30);
        refused(late, 401, "CERTIFICATE_REVOKED").await;
    }
}
