//! The history of a partner, a balance, a card and a user, over real TLS.

use crate::story::{Story, answer, expect};
use crate::support::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::Value;

/// A question; of what is asked only the sign of an offset can't stand in a URL as it is.
fn asking(partner: &Caller, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    partner.get(&format!("{path}?{}", pairs.join("&").replace('+', "%2B")))
}

/// What a page told: the network's ids, newest first, and where the next begins.
async fn ids(partner: &Caller, path: &str, query: &[(&str, &str)]) -> (Vec<String>, Value) {
    let page = expect(200, asking(partner, path, query)).await;
    let items = page["items"].as_array().expect("a list");
    let id = |item: &Value| item["externalTransactionId"].as_str().expect("an id").to_owned();
    (items.iter().map(id).collect(), page["next"].clone())
}

/// All pages of a list, by two.
async fn walked(partner: &Caller, path: &str, query: &[(&str, &str)]) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut asked = [query, &[("limit", "2")]].concat();
        if let Some(after) = &after {
            asked.push(("after", after));
        }
        let (page, next) = ids(partner, path, &asked).await;
        assert!(page.len() <= 2);
        all.extend(page);
        match next.as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return all,
        }
    }
}

const ALL: &str = "/secure/transactions";

/// What a record says of itself: what it was paid by, and who decided.
fn paid_by(record: &Value) -> (&str, &str, &str) {
    let text = |name: &str| record[name].as_str().expect("a text");
    let at = |name: &str| text(name).parse::<jiff::Timestamp>().expect("a time");
    assert!(at("receivedAt") <= at("decidedAt"), "{record}");
    (text("resource"), text("resourceId"), text("decidedBy"))
}

on_both_databases! {
    /// A record names what it was paid by, and tells what we decided from what we were told.
    async fn a_record_tells_what_paid_and_who_decided(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let story = Story::begin(&sandbox, 0).await;
        let balance = story.balance.as_str();
        let cards = format!("/secure/customers/{}/cards", story.customer);
        let cards = expect(200, partner.get(&cards)).await;
        let card = cards["items"][0]["resourceId"].as_str().expect("an id");
        let top_up = expect(201, story.top_up(partner, &1_000.into(), "t1")).await;
        assert_eq!(paid_by(&top_up), ("balance", balance, "PLATFORM"));
        for (kind, id, decided_by) in [
            ("authorization", "p1", "PLATFORM"),
            ("credit", "k1", "PLATFORM"),
            ("force-debit", "f1", "NETWORK"),
            ("advice", "a1", "NETWORK"),
        ] {
            let told = expect(200, story.told(processor, kind, 10, id)).await;
            let path = format!("{ALL}/{}", told["id"].as_str().expect("an id"));
            let record = expect(200, partner.get(&path)).await;
            assert_eq!(paid_by(&record), ("card", card, decided_by), "{kind}");
        }
        expect(200, story.message(processor, "clearings", 7, "c1", Some("none"))).await;
        expect(200, story.purchase(processor, 1_000_000, "p2")).await;
        let listed = expect(200, asking(partner, ALL, &[("limit", "2")])).await;
        assert_eq!(listed["items"][0]["processingStatus"], "DECLINED");
        assert_eq!(paid_by(&listed["items"][0]), ("card", card, "PLATFORM"));
        assert_eq!(paid_by(&listed["items"][1]), ("card", card, "NETWORK"));

        for (kind, word, transfer) in [
            ("DEPOSIT", "depositBalance", "collateralCredit"),
            ("CREDIT", "creditBalance", "collateralCredit"),
            ("COMPANY", "companyBalance", "companyCredit"),
            ("IBAN_TECHNICAL", "ibanTechnicalBalance", "ibanTechnicalCredit"),
        ] {
            let of = ["--code", "sandbox", "--kind", kind, "--currency", "EUR"];
            let made = sandbox.antaca(&[&["partner", "balance"][..], &of].concat()).await;
            made.assert_done();
            let more = ["--type", transfer, "--amount", "5", "--external-id", kind];
            sandbox.antaca(&[&["partner", "move"][..], &of, &more].concat()).await.assert_done();
            let listed = expect(200, asking(partner, ALL, &[("limit", "1")])).await;
            let record = &listed["items"][0];
            let own = record["balanceId"].as_str().expect("an id");
            assert_eq!(paid_by(record), (word, own, "PLATFORM"));
        }
    }

    /// Whatever is named must be true, in every combination, page by page.
    async fn a_history_is_what_was_asked_for(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let one = Story::begin(&sandbox, 0).await;
        let other = Story::begin(&sandbox, 0).await;
        expect(201, one.top_up(partner, &1_000.into(), "t1")).await;
        expect(201, other.top_up(partner, &1_000.into(), "t2")).await;
        for (story, id) in [(&one, "p1"), (&other, "p2"), (&one, "p3")] {
            expect(200, story.purchase(processor, 100, id)).await;
        }
        expect(200, one.message(processor, "reversals", 100, "r1", Some("p1"))).await;
        expect(200, one.message(processor, "clearings", 100, "c3", Some("p3"))).await;
        let (customer, card) = (one.customer.to_string(), one.card.to_string());
        let balance = one.balance.as_str();

        for (query, found) in [
            (&[][..], &["p3", "p2", "p1", "t2", "t1"][..]),
            (&[("balanceId", balance)], &["p3", "p1", "t1"]),
            (&[("customerId", customer.as_str())], &["p3", "p1", "t1"]),
            (&[("cardId", card.as_str())], &["p3", "p1"]),
            (&[("cardId", card.as_str()), ("customerId", customer.as_str())], &["p3", "p1"]),
            (&[("cardId", card.as_str()), ("balanceId", other.balance.as_str())], &[]),
            (&[("status", "REVERSED")], &["p1"]),
            (&[("status", "CLEARED"), ("balanceId", balance)], &["p3", "t1"]),
            (&[("type", "pos")], &["p3", "p2", "p1"]),
            (&[("type", "pos"), ("status", "AUTHORIZED")], &["p2"]),
            (&[("type", "loan")], &[]),
            (&[("from", "2100-01-01T00:00:00Z")], &[]),
            (&[("to", "1970-01-01T00:00:00Z")], &[]),
            (&[("from", "1900-01-01T00:00:00Z"), ("to", "9999-12-30T00:00:00Z")],
                &["p3", "p2", "p1", "t2", "t1"]),
        ] {
            assert_eq!(ids(partner, ALL, query).await, (owned(found), Value::Null), "{query:?}");
            assert_eq!(walked(partner, ALL, query).await, found, "{query:?}");
        }
        let path = format!("/secure/balances/{balance}/transactions");
        assert_eq!(walked(partner, &path, &[]).await, ["p3", "p1", "t1"]);
        assert_eq!(walked(partner, &path, &[("status", "REVERSED")]).await, ["p1"]);
        assert_eq!(walked(partner, &path, &[("cardId", &card)]).await, ["p3", "p1"]);
    }

    /// By the moment at which a transaction came: then or later, and before.
    async fn a_history_is_of_a_time(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let story = Story::begin(&sandbox, 0).await;
        let mut came = Vec::new();
        for id in ["a", "b", "c"] {
            let made = expect(201, story.top_up(partner, &5.into(), id)).await;
            came.push(made["receivedAt"].as_str().expect("a time").to_owned());
            let hour = serde_json::json!({ "advanceSeconds": 3_600 });
            expect(200, partner.post("/sandbox/v1/clock").json(&hour)).await;
        }
        for of in [&[][..], &[("balanceId", story.balance.as_str())]] {
            let asked = async |more: &[(&str, &str)]| {
                ids(partner, ALL, &[of, more].concat()).await.0
            };
            assert_eq!(asked(&[("from", &came[1])]).await, ["c", "b"]);
            assert_eq!(asked(&[("to", &came[1])]).await, ["a"]);
            assert_eq!(asked(&[("from", &came[1]), ("to", &came[2])]).await, ["b"]);
            assert_eq!(asked(&[("from", &came[1]), ("to", &came[1])]).await, [""; 0]);
        }
    }

    /// What is wrong is named, each of it at once.
    async fn a_question_that_makes_no_sense_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 5).await;
        let of_balance = format!("/secure/balances/{}/transactions", story.balance);
        for (path, name, value) in [
            (ALL, "status", "OPEN"),
            (ALL, "status", "authorized"),
            (ALL, "type", "purchase"),
            (ALL, "from", "2026-11-21"),
            (ALL, "to", "yesterday"),
            (ALL, "balanceId", "5"),
            (ALL, "cardId", "-1"),
            (ALL, "customerId", "x"),
            (ALL, "limit", "201"),
            (ALL, "limit", "0"),
            (ALL, "after", "5"),
            (ALL, "state", "CLEARED"),
            (&of_balance, "after", "0351eb09-3ac0-4234-a4ad-0a6ad52f248b"),
            (&of_balance, "balanceId", &story.balance),
            (&of_balance, "status", ""),
        ] {
            let (status, told) = answer(asking(sandbox.partner(), path, &[(name, value)])).await;
            assert_eq!((status, &told["title"]), (422, &"VALIDATION_ERROR".into()), "{told}");
            assert_eq!(told["violations"][0]["field"], name, "{told}");
        }
        let wrong = [("from", "2026-11-22T00:00:00Z"), ("to", "2026-11-21T00:00:00Z")];
        let told = expect(422, asking(sandbox.partner(), ALL, &wrong)).await;
        assert_eq!(told["violations"][0]["field"], "to");
        let wrong = [("status", "x"), ("type", "y"), ("limit", "z")];
        let told = expect(422, asking(sandbox.partner(), ALL, &wrong)).await;
        assert_eq!(told["violations"].as_array().map(Vec::len), Some(3));
        let nobody = "0351eb09-3ac0-4234-a4ad-0a6ad52f248b";
        for (name, value, title) in [
            ("balanceId", nobody, "BALANCE_NOT_FOUND"),
            ("cardId", "999999", "CARD_NOT_FOUND"),
            ("customerId", "999999", "CUSTOMER_NOT_FOUND"),
        ] {
            let told = expect(404, asking(sandbox.partner(), ALL, &[(name, value)])).await;
            assert_eq!(told["title"], title);
        }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
