//! Cards: what they and users may spend, and how cards live on.

use super::unhurried;
use crate::story::{Story, expect};
use crate::support::{Browser, Loaded, Sandbox};
use crate::{plastic, renewals};
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than what a worker does takes.
const SOON: Duration = Duration::from_secs(30);

fn page_of(card: i64) -> String {
    format!("/panel/of/sandbox/cards/{card}")
}

async fn limits(sandbox: &Sandbox, story: &Story) -> Value {
    let path = format!("/secure/customers/{}/cards/{}/limits", story.customer, story.card);
    expect(200, sandbox.partner().get(&path)).await
}

/// Fields of a form of the page of a card's limits, with those that the page hides in it: what it
/// shows of the control that the form names, if it names one.
fn with_hidden<'a>(loaded: &'a Loaded, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("csrf", loaded.hidden("csrf")), ("once", loaded.hidden("once"))];
    if let Some((_, control)) = fields.iter().find(|(name, _)| *name == "control") {
        let mark = format!("value=\"{control}\"><input type=\"hidden\" name=\"was\" value=\"");
        let (_, rest) = loaded.html.split_once(&mark).expect("what is shown of the control");
        all.push(("was", &rest[..rest.find('"').expect("a quote")]));
    }
    all.extend(fields);
    all
}

/// Sends a form of the page of a card's limits as it is at this moment.
async fn change(browser: &Browser, page: &str, fields: &[(&str, &str)]) -> Loaded {
    let loaded = browser.load(page).await;
    browser.send(&format!("{page}/change"), &with_hidden(&loaded, fields)).await
}

/// All cards of a user, as the partner sees them.
async fn cards(sandbox: &Sandbox, story: &Story) -> Vec<Value> {
    let path = format!("/secure/customers/{}/cards", story.customer);
    let listed = expect(200, sandbox.partner().get(&path)).await;
    listed["items"].as_array().expect("a list").clone()
}

/// The card that an act has led to.
fn led_to(to: &str) -> i64 {
    let rest = to.strip_prefix("/panel/of/sandbox/cards/").expect("a card's page");
    rest[..rest.find('?').expect("a notice")].parse().expect("an id")
}

on_both_databases! {
    /// Each form changes one thing, and what the others have set stays.
    async fn what_a_card_may_spend_is_set(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 123_456).await;
        let manager = sandbox.admin("MANAGER", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &manager).await;
        let page = format!("{}/limits", page_of(story.card));
        let daily = [("type", "general"), ("unit", "daily")];
        let set = async |what: &str, fields: &[(&str, &str)]| {
            let all = [&[("change", what)], fields].concat();
            let sent = change(&browser, &page, &all).await;
            let done = sent.to.contains("?done=done.limits&");
            assert!(done, "{what}: {} {}", sent.status, sent.to);
        };
        let control = async |which, mode, entries| {
            set("control", &[("control", which), ("mode", mode), ("entries", entries)]).await;
        };
        set("limit", &[&daily[..], &[("amount", "200"), ("count", "7")]].concat()).await;
        set("limit", &[&daily[..], &[("amount", "100.5"), ("count", "")]].concat()).await;
        set("limit", &[("type", "atm"), ("unit", "transaction"), ("amount", "0")]).await;
        control("mccs", "blocked", "7995\r\n 5542 \r\n\r\n7995").await;
        control("countries", "allowed", "pl").await;
        let budget = [("amount", "500"), ("from", "2026-01-01"), ("to", "2099-12-31")];
        set("budget", &budget).await;
        let told = limits(&sandbox, &story).await;
        let limit = json!({
            "type": "general", "timeUnit": "daily", "currency": "EUR", "amountMinor": 10_050,
            "count": null, "usedMinor": 0, "usedCount": 0,
        });
        let all = told["limits"].as_array().expect("a list");
        assert_eq!((&all[0], all.len()), (&limit, 2));
        assert_eq!(told["controls"]["mccs"]["blocked"], json!(["7995", "5542"]));
        assert_eq!(told["controls"]["countries"]["allowed"], json!(["PL"]));
        assert_eq!(told["budget"]["amountMinor"], 50_000);

        set("no-control", &[("control", "countries")]).await;
        set("no-budget", &[]).await;
        set("no-limit", &[("type", "atm"), ("unit", "transaction")]).await;
        let paid = story.purchase(sandbox.processor(), 2_000, "900000000021");
        assert_eq!(expect(200, paid).await["description"], "APPROVED");
        let paid = story.purchase(sandbox.processor(), 9_000, "900000000022");
        assert_eq!(expect(200, paid).await["description"], "EXCEEDS_AMOUNT_LIMIT");
        let seen = browser.load(&page).await.html;
        for part in ["100.50 EUR", "20.00 EUR, 1 payments", "7995\n5542"] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
        let told = limits(&sandbox, &story).await;
        assert_eq!(told["limits"].as_array().map(Vec::len), Some(1));
        assert!(told["budget"].is_null() && told["controls"]["countries"].is_null(), "{told}");

        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let employee = Browser::signed_in(&sandbox, &employee).await;
        let seen = employee.load(&page).await.html;
        assert!(seen.contains("100.50 EUR") && !seen.contains("/limits/change"), "{seen}");
    }

    /// What a user may spend with all balances is set by the same forms, each limit in a currency
    /// of its own: one is taken off without those of other currencies.
    async fn what_a_user_may_spend_is_set(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 123_456).await;
        let manager = sandbox.admin("MANAGER", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &manager).await;
        let user = format!("/panel/of/sandbox/users/{}", story.customer);
        let page = format!("{user}/limits");
        assert!(browser.load(&user).await.html.contains(&format!("href=\"{page}\"")));
        let daily = [("type", "general"), ("unit", "daily")];
        let set = async |what: &str, fields: &[(&str, &str)]| {
            let all = [&[("change", what)], fields].concat();
            let sent = change(&browser, &page, &all).await;
            let done = sent.to.contains("?done=done.user-limits&");
            assert!(done, "{what}: {} {}", sent.status, sent.to);
        };
        for (currency, amount) in [("EUR", "50"), ("PLN", "300"), ("EUR", "40.5")] {
            let limit = [("currency", currency), ("amount", amount)];
            set("limit", &[&daily[..], &limit].concat()).await;
        }
        set("control", &[("control", "mccs"), ("mode", "blocked"), ("entries", "7995")]).await;
        let budget = [("amount", "500"), ("from", "2026-01-01"), ("to", "2099-12-31")];
        set("budget", &[&[("currency", "EUR")], &budget[..]].concat()).await;
        let path = format!("/secure/customers/{}/limits", story.customer);
        let told = async || {
            let told = expect(200, sandbox.partner().get(&path)).await;
            let limits = told["limits"].as_array().expect("a list").iter();
            let limits = limits.map(|it| (it["currency"].clone(), it["amountMinor"].clone()));
            let mut limits: Vec<_> = limits.collect();
            limits.sort_by_key(|(currency, _)| currency.to_string());
            (limits, told)
        };
        let (limits, whole) = told().await;
        let (euro, zloty) = ((json!("EUR"), json!(4_050)), (json!("PLN"), json!(30_000)));
        assert_eq!(limits, [euro, zloty.clone()]);
        assert_eq!(whole["controls"]["mccs"]["blocked"], json!(["7995"]));
        assert_eq!(whole["budget"]["amountMinor"], 50_000);
        let paid = story.purchase(sandbox.processor(), 5_000, "900000000031");
        assert_eq!(expect(200, paid).await["description"], "LIMIT_EXCEED");

        set("no-limit", &[&daily[..], &[("currency", "EUR")]].concat()).await;
        set("no-budget", &[]).await;
        let paid = story.purchase(sandbox.processor(), 5_000, "900000000032");
        assert_eq!(expect(200, paid).await["description"], "APPROVED");
        for currency in [&[][..], &[("currency", "EURO")]] {
            let fields = [&[("change", "limit"), ("amount", "1")], &daily[..], currency].concat();
            assert_eq!(change(&browser, &page, &fields).await.status, 400, "{currency:?}");
        }
        let (limits, whole) = told().await;
        assert_eq!((limits.as_slice(), &whole["budget"]), (&[zloty][..], &Value::Null));
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let employee = Browser::signed_in(&sandbox, &employee).await;
        let seen = employee.load(&page).await.html;
        assert!(seen.contains("300.00 PLN") && !seen.contains("/limits/change"), "{seen}");
    }

    /// What can't be read changes nothing.
    async fn bad_limits_are_refused(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = format!("{}/limits", page_of(story.card));
        let before = limits(&sandbox, &story).await;
        let limit = |kind, unit, amount, count| {
            vec![("change", "limit"), ("type", kind), ("unit", unit), ("amount", amount),
                ("count", count)]
        };
        let control = |which, mode, entries| {
            vec![("change", "control"), ("control", which), ("mode", mode), ("entries", entries)]
        };
        let budget = |from, to| {
            vec![("change", "budget"), ("amount", "1"), ("from", from), ("to", to)]
        };
        let many = (0..501).map(|number| format!("{:04}\n", number + 1)).collect::<String>();
        for fields in [
            vec![("change", "everything")],
            limit("all", "daily", "1", ""),
            limit("general", "hourly", "1", ""),
            limit("general", "daily", "one", ""),
            limit("general", "daily", "1", "0"),
            limit("general", "transaction", "1", "1"),
            control("mccs", "blocked", "12"),
            control("mccs", "some", "1234"),
            control("mccs", "", "1234"),
            control("mccs", "none", "1234"),
            control("mccs", "allowed", ""),
            control("mccs", "blocked", " \r\n "),
            control("mccs", "blocked", &many),
            control("countries", "allowed", "Poland"),
            control("captureModes", "allowed", "SIGHT"),
            control("merchants", "blocked", &"x".repeat(41)),
            budget("2026-02-01", "2026-01-01"),
            budget("", "2026-01-01"),
            budget("1899-12-31", "2026-01-01"),
            budget("20260101", "2026-02-01"),
            budget("2026-01-01T00:00:00", "2026-02-01"),
        ] {
            let sent = change(&browser, &page, &fields).await;
            assert_eq!(sent.status, 400, "{fields:.100?}: {}", sent.to);
        }
        assert_eq!(limits(&sandbox, &story).await, before);
    }

    /// A form says what its page has shown: where somebody else has changed that since, nothing is
    /// done, and what they have set stays.
    async fn a_control_changed_meanwhile_stays(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = format!("{}/limits", page_of(story.card));
        let path = format!("/secure/customers/{}/cards/{}/limits", story.customer, story.card);
        let block = async |mccs: &[&str]| {
            let body = json!({ "controls": { "mccs": { "blocked": mccs } } });
            expect(200, sandbox.partner().put(&path).json(&body)).await
        };
        let set = [("change", "control"), ("control", "mccs"), ("mode", "blocked"),
            ("entries", "5542")];
        let off = [("change", "no-control"), ("control", "mccs")];
        let other = [("change", "control"), ("control", "countries"), ("mode", "blocked"),
            ("entries", "KP")];
        block(&["5542"]).await;
        for (form, meanwhile) in [(&set[..], "7995"), (&off[..], "7801")] {
            let old = browser.load(&page).await;
            let before = block(&["5542", meanwhile]).await;
            let sent = browser.send(&format!("{page}/change"), &with_hidden(&old, form)).await;
            assert_eq!(sent.status, 422, "{}", sent.to);
            assert_eq!(limits(&sandbox, &story).await, before);
            let seen = sent.html;
            for part in ["What may be spent was changed meanwhile", meanwhile] {
                assert!(seen.contains(part), "{part}: {seen}");
            }
        }
        let old = browser.load(&page).await;
        block(&["5542"]).await;
        let sent = browser.send(&format!("{page}/change"), &with_hidden(&old, &other)).await;
        assert!(sent.to.contains("?done=done.limits&"), "another control: {}", sent.to);
    }

    /// No limit, budget or control goes or comes by one press.
    async fn a_change_of_limits_asks_once(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/cards/{}/limits", story.customer, story.card);
        let body = json!({
            "limits": [{ "type": "general", "timeUnit": "daily", "amountMinor": 500 }],
            "controls": { "merchants": { "allowed": ["000000012345678"] } },
            "budget": { "amountMinor": 9, "from": "2026-01-01", "to": "2026-12-31" },
        });
        expect(200, sandbox.partner().put(&path).json(&body)).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let html = browser.load(&format!("{}/limits", page_of(story.card))).await.html;
        let forms: Vec<_> = html.match_indices("/limits/change\"").collect();
        // A limit set and taken off, the same of the budget, four controls, one permitting all.
        assert_eq!(forms.len(), 9, "{html}");
        for (at, _) in forms {
            let count = |mark: &str| html[..at].matches(mark).count();
            let opened = count("<details>");
            assert_eq!(opened, count("</details>") + 1, "{}", &html[..at]);
        }
        assert!(html.contains("identifiers, not their names"), "{html}");
    }

    /// A lost card is replaced once, however often the form is sent, and one comes to the card that
    /// took its place; in its last days a card is renewed.
    async fn a_card_is_replaced_and_renewed(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let page = page_of(story.card);
        renewals::advance_to_last_days(&sandbox, &story.full).await;
        let manager = sandbox.admin("MANAGER", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &manager).await;
        let before = cards(&sandbox, &story).await[0]["exp"].clone();
        let sent = browser.submit(&page, &format!("{page}/renew"), &[]).await;
        assert!(sent.to.contains("done=done.card-renewed"), "{} {}", sent.status, sent.to);
        let after = cards(&sandbox, &story).await[0]["exp"].clone();
        assert!(after.as_str() > before.as_str(), "{after} after {before}");

        let loaded = browser.load(&page).await;
        assert!(!loaded.html.contains("/renew\""), "not so early");
        assert!(!loaded.html.contains("CARD_DAMAGED"), "there is no plastic");
        let (csrf, once) = (loaded.hidden("csrf"), loaded.hidden("once"));
        let fields = [("csrf", csrf), ("once", once), ("reason", "CARD_LOST")];
        let mut places = Vec::new();
        for _ in 0..2 {
            let sent = browser.send(&format!("{page}/replace"), &fields).await;
            assert!(sent.to.contains("done=done.card-replaced"), "{} {}", sent.status, sent.to);
            places.push(led_to(&sent.to));
        }
        let all = cards(&sandbox, &story).await;
        let state = |id: i64| all.iter().find(|it| it["id"] == id).map(|it| &it["state"]);
        assert!(all.len() == 2 && places[0] == places[1] && places[0] != story.card, "{places:?}");
        assert_eq!(state(story.card), Some(&json!("LOCKED")));
        assert_eq!(state(places[0]), Some(&json!("ACTIVE")));
        let seen = browser.load(&page).await.html;
        assert!(!seen.contains("/replace\"") && seen.contains("Replaced"), "{seen}");
        let sent = browser.submit(&page, &format!("{page}/replace"), &[("reason", "OLD")]).await;
        assert_eq!(sent.status, 400, "{}", sent.to);
    }

    /// Lost plastic is replaced by other plastic, which goes where the form says.
    async fn plastic_is_replaced(database) {
        let sandbox = plastic::quick(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let (card, ..) = plastic::arrived(&sandbox, &story).await;
        let page = page_of(card);
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let to = format!("{page}/replace");
        let lost = ("reason", "CARD_STOLEN");
        assert_eq!(browser.submit(&page, &to, &[lost]).await.status, 400, "nowhere to send it");
        let address = [
            ("street", "Main Street"), ("number", "1"), ("city", "Warsaw"), ("postCode", "00-001"),
            ("country", "pl"), ("delivery", "COURIER"), lost,
        ];
        let sent = browser.submit(&page, &to, &address).await;
        assert!(sent.to.contains("done=done.card-ordered"), "{} {}", sent.status, sent.to);
        let seen = browser.load(&sent.to).await;
        assert!(seen.status == 200 && seen.html.contains("Replaced"), "{}", seen.html);
        testkit::eventually("the other one is made", SOON, async || {
            cards(&sandbox, &story).await.len() == 3
        })
        .await;
    }

    /// What was ordered is seen at once, long before there is a card to look at.
    async fn plastic_is_seen_from_its_order_on(database) {
        let sandbox = plastic::patient(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let id = plastic::ordered(sandbox.partner(), &story, plastic::PHYSICAL).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let path = format!("/admin/customers/{}/cards/orders", story.customer);
        let caller = admin.sign_in(&sandbox).await;
        let told = expect(200, caller.get(&path)).await;
        let [order] = told["items"].as_array().expect("a list").as_slice() else {
            panic!("{told}")
        };
        let expected = json!({
            "orderId": id, "cardId": null, "kind": "CARD", "status": order["status"],
            "reason": null, "delivery": "POST", "trackingNumber": null,
            "orderedAt": order["orderedAt"],
        });
        assert_eq!(order, &expected);
        let none = caller.get("/admin/customers/999999/cards/orders");
        assert_eq!(expect(404, none).await["title"], "CUSTOMER_NOT_FOUND");
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = format!("/panel/of/sandbox/users/{}", story.customer);
        let html = browser.load(&page).await.html;
        assert!(html.contains(&id) && html.contains("A new card"), "{html}");
    }
}
