//! Balances: found, shown, locked; the partner's own, reloaded by the operator.

use super::{Scene, unhurried};
use crate::corporations::{Company, employee, proven};
use crate::linked::External;
use crate::story::{Story, expect};
use crate::support::{Browser, Sandbox};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Behaviour, Way};

const BALANCES: &str = "/panel/of/sandbox/balances";

async fn told(sandbox: &Sandbox, path: &str) -> Value {
    expect(200, sandbox.partner().get(path)).await
}

/// The ids of the balances that a list links to.
fn linked(html: &str) -> Vec<String> {
    let mark = format!("{BALANCES}/");
    html.match_indices(&mark).map(|(at, _)| html[at + mark.len()..][..36].to_owned()).collect()
}

/// The partner's own balance in euro that settles differences.
pub(super) async fn company(sandbox: &Sandbox) -> Value {
    let own = told(sandbox, "/secure/partner-balances").await;
    let mut own = own["items"].as_array().expect("a list").iter();
    let is_it = |it: &&Value| it["kind"] == "COMPANY" && it["currency"] == "EUR";
    own.find(is_it).expect("made with the first program").clone()
}

on_both_databases! {
    /// A balance is found by its own id, its owner's, its currency and its state, and by nothing
    /// else; its page tells what is held and who pays from it.
    async fn a_balance_is_found_shown_and_locked(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 123_456).await;
        Story::begin(&sandbox, 1).await;
        expect(200, story.purchase(sandbox.processor(), 10_000, "900000000011")).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let (own, user) = (story.balance.clone(), story.customer);
        let here = vec![own.clone()];
        for (asked, found) in [
            (format!("?search={own}"), &here),
            (format!("?search={user}&currency=EUR&state=ACTIVE"), &here),
            (format!("?search={user}&currency=PLN"), &vec![]),
            (format!("?search={user}&state=LOCKED"), &vec![]),
            ("?search=savings".to_owned(), &vec![]),
            ("?state=LOCKED".to_owned(), &vec![]),
        ] {
            let list = browser.load(&format!("{BALANCES}{asked}")).await;
            assert_eq!(&linked(&list.html), found, "{asked}");
        }
        let all = linked(&browser.load(BALANCES).await.html);
        assert!(all.len() == 2 && all.contains(&own), "{all:?}");

        let page = format!("{BALANCES}/{own}");
        let seen = browser.load(&page).await.html;
        let card = format!("/panel/of/sandbox/cards/{}\"", story.card);
        let holder = format!("/panel/of/sandbox/users/{user}\"");
        for part in ["1,134.56 EUR", "1,234.56 EUR", "100.00 EUR", "Book store", &card, &holder] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
        let of_user = browser.load(&format!("/panel/of/sandbox/users/{user}")).await.html;
        assert!(of_user.contains(&page), "led there");

        for (act, done, state) in [
            ("lock", "done.balance-locked", "LOCKED"),
            ("unlock", "done.balance-unlocked", "ACTIVE"),
        ] {
            let sent = browser.submit(&page, &format!("{page}/{act}"), &[]).await;
            assert!(sent.to.contains(done), "{act}: {}", sent.to);
            let path = format!("/secure/balances/{own}");
            assert_eq!(told(&sandbox, &path).await["state"], state);
            let list = browser.load(&format!("{BALANCES}?state={state}")).await.html;
            assert!(linked(&list).contains(&own), "{state}");
        }
    }

    /// A corporation's balance is found by what the wire calls the corporation, and its cards have
    /// limits; who may not see the corporation isn't led to it.
    async fn a_corporations_balance_is_found(database) {
        let sandbox = unhurried(database).await;
        let company = Company::begin(&sandbox, 5_000).await;
        let holder = employee(sandbox.partner()).await;
        let story = company.issue(sandbox.partner(), holder).await;
        let firm = format!("/panel/of/sandbox/corporations/{}", company.id);
        for (role, is_led) in [("ADMIN", true), ("EMPLOYEE", false)] {
            let account = sandbox.admin(role, Some("sandbox")).await;
            let browser = Browser::signed_in(&sandbox, &account).await;
            let list = browser.load(&format!("{BALANCES}?search={}", company.id)).await.html;
            assert_eq!(linked(&list), [company.balance.as_str()], "{role}");
            let page = browser.load(&format!("{BALANCES}/{}", company.balance)).await.html;
            assert!(page.contains("50.00 EUR") && page.contains(&company.id), "{role}: {page}");
            let card = format!("/panel/of/sandbox/cards/{}", story.card);
            assert!(page.contains(&format!("{card}\"")), "{role}: {page}");
            for html in [&list, &page] {
                assert_eq!(html.contains(&format!("{firm}\"")), is_led, "{role}: {html}");
            }
            let limits = browser.load(&format!("{card}/limits")).await;
            assert_eq!(limits.status, 200, "{role}");
            if is_led {
                let seen = browser.load(&firm).await.html;
                assert!(seen.contains(&format!("{BALANCES}?search={}", company.id)), "{seen}");
            }
        }
    }

    /// A corporation's page shows what it has, page by page; who makes such gives it a balance, and
    /// one of its people a card, once for each form.
    async fn a_corporation_is_given_balances_and_cards(database) {
        let sandbox = unhurried(database).await;
        let company = Company::begin(&sandbox, 5_000).await;
        let holder = employee(sandbox.partner()).await;
        let story = company.issue(sandbox.partner(), holder).await;
        let firm = format!("/panel/of/sandbox/corporations/{}", company.id);
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = browser.load(&firm).await;
        let card = format!("/panel/of/sandbox/cards/{}\"", story.card);
        let user = format!("/panel/of/sandbox/users/{holder}\"");
        let own = format!("{BALANCES}/{}\"", company.balance);
        for part in ["50.00 EUR", &own, &card, &user] {
            assert!(page.html.contains(part), "{part}: {}", page.html);
        }
        let number = story.full["cardNo"].as_str().expect("a number");
        assert!(page.html.contains(&number[12..]) && !page.html.contains(number));
        let behind = browser.load(&format!("{firm}?after={}", story.card)).await.html;
        assert!(!behind.contains(&card) && behind.contains(&own), "{behind}");
        assert_eq!(browser.load(&format!("{firm}?after=x")).await.status, 404);

        let (csrf, once) = (page.hidden("csrf"), page.hidden("once"));
        let person = holder.to_string();
        let made = [("csrf", csrf), ("once", once), ("balance", company.balance.as_str()),
            ("holder", person.as_str()), ("program", "0019167984"), ("label", "Travel")];
        for _ in 0..2 {
            let sent = browser.send(&format!("{firm}/cards"), &made).await;
            assert!(sent.to.contains("done=done.card-issued"), "{} {}", sent.status, sent.to);
        }
        let sent = browser.submit(&firm, &format!("{firm}/balances"), &[("currency", "PLN")]).await;
        assert!(sent.to.contains("done=done.balance-created"), "{} {}", sent.status, sent.to);
        assert!(browser.load(&firm).await.html.contains("0.00 PLN"));
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await.sign_in(&sandbox).await;
        let path = format!("/admin/corporations/{}/cards", company.id);
        let cards = expect(200, employee.get(&path)).await;
        let cards = cards["items"].as_array().expect("a list").clone();
        assert_eq!(cards.len(), 2, "one more: {cards:?}");
        assert_eq!((&cards[1]["label"], &cards[1]["customerId"], &cards[1]["balanceId"]),
            (&json!("Travel"), &json!(holder), &json!(company.balance)));
        let first = expect(200, employee.get(&format!("{path}?limit=1"))).await;
        assert_eq!(first["items"][0], cards[0]);
        let after = first["next"].as_str().expect("there are more");
        let next = expect(200, employee.get(&format!("{path}?after={after}"))).await;
        assert_eq!((&next["items"], &next["next"]), (&json!([cards[1]]), &Value::Null));

        let waiting = proven(sandbox.partner(), "sandbox").await;
        let firm = format!("/panel/of/sandbox/corporations/{waiting}");
        let sent = browser.submit(&firm, &format!("{firm}/balances"), &[("currency", "EUR")]).await;
        assert!(sent.to.contains("failed=KYB_NOT_ACCEPTED"), "{}", sent.to);
        let bad = [&made[2..3], &[("holder", "x"), ("program", "0019167984")]].concat();
        let sent = browser.submit(&firm, &format!("{firm}/cards"), &bad).await;
        assert_eq!(sent.status, 400, "{}", sent.to);
        let operator = sandbox.admin("OPERATOR", None).await;
        let operator = Browser::signed_in(&sandbox, &operator).await;
        let seen = operator.load(&firm).await.html;
        assert!(["cards", "balances"].iter().all(|it| !seen.contains(&format!("{firm}/{it}\""))));
    }

    /// `/admin` makes a balance of a corporation, once for a key, where its KYB is accepted.
    async fn a_corporation_is_given_a_balance_under_admin(database) {
        let sandbox = unhurried(database).await;
        let company = Company::begin(&sandbox, 0).await;
        let manager = sandbox.admin("MANAGER", Some("sandbox")).await.sign_in(&sandbox).await;
        let post = |id: &str, key: &'static str| {
            let post = manager.post(&format!("/admin/corporations/{id}/balances"));
            post.header("X-Idempotency-Key", key).json(&json!({ "currency": "PLN" }))
        };
        let made = expect(201, post(&company.id, "one")).await;
        assert_eq!(expect(201, post(&company.id, "one")).await, made);
        let found = manager.get(&format!("/admin/balances?search={}&currency=PLN", company.id));
        let found = expect(200, found).await;
        assert_eq!(found["items"][0]["balanceId"], made["balanceId"]);
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
        let waiting = proven(sandbox.partner(), "sandbox").await;
        assert_eq!(expect(422, post(&waiting, "two")).await["title"], "KYB_NOT_ACCEPTED");
    }

    /// What the partner holds is read there; where that can't be done the rest is shown, and said.
    async fn a_balance_in_the_partners_books_is_shown(database) {
        let sandbox = unhurried(database).await;
        let external = External::begin(&sandbox, 250).await;
        let balance = external.created(external.user().await).await;
        let admin = sandbox.admin("ADMIN", Some("external")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let list = "/panel/of/external/balances";
        let page = format!("{list}/{balance}");
        let seen = browser.load(list).await.html;
        assert!(seen.contains(&balance) && seen.contains("(EUR)"), "{seen}");
        let seen = browser.load(&page).await.html;
        for part in ["2.50 EUR", "In the partner's books".replace('\'', "&#39;").as_str()] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
        let days = format!("{page}/statement?from=2026-01-01&to=2026-12-31");
        assert!(!seen.contains("/statement\""), "nothing moves here");
        assert_eq!(browser.load(&days).await.status, 422);
        external.mood("GET", Way::Instead(Behaviour::Json(200, json!([]))));
        let told = browser.load(&page).await;
        assert!(told.status == 200 && told.html.contains("say now"), "{}", told.html);
    }

    /// From page to page each balance is seen once, the partner's own never.
    async fn every_balance_is_on_one_page(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let path = format!("/secure/customers/{}/balances", story.customer);
        for _ in 0..51 {
            let body = json!({ "currency": "EUR" });
            expect(201, sandbox.partner().post(&path).json(&body)).await;
        }
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        for asked in ["?", "?currency=EUR", &format!("?search={}", story.customer)] {
            let first = browser.load(&format!("{BALANCES}{asked}")).await.html;
            let (_, next) = first.rsplit_once("<p><a href=\"").expect("a next page");
            let next = next[..next.find('"').expect("an end")].replace("&#38;", "&");
            let second = browser.load(&next.replace("&amp;", "&")).await.html;
            let (first, second) = (linked(&first), linked(&second));
            assert_eq!((first.len(), second.len()), (50, 2), "{asked}");
            let all: BTreeSet<_> = first.into_iter().chain(second).collect();
            assert_eq!(all.len(), 52, "{asked}");
        }
    }

    /// A statement tells what there was before and after, and goes on behind its first lines.
    async fn a_statement_is_of_its_days(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 123_456).await;
        expect(201, story.top_up(sandbox.partner(), &json!(44), "second")).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let path = format!("{BALANCES}/{}/statement", story.balance);
        let days = "from=2020-01-01&to=2099-12-31";
        let seen = browser.load(&format!("{path}?{days}")).await.html;
        for part in ["0.00 EUR", "+1,234.56 EUR", "+0.44 EUR", "1,235.00 EUR"] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
        let rest = browser.load(&format!("{path}?{days}&after=1")).await.html;
        assert!(rest.contains("+0.44 EUR") && !rest.contains("+1,234.56 EUR"), "{rest}");
        let before = browser.load(&format!("{path}?from=2020-01-01&to=2020-01-31")).await.html;
        assert!(!before.contains("1,235.00 EUR"), "{before}");
        for (asked, status) in [
            ("", 400),
            ("?from=2020-01-01", 400),
            ("?from=2020-01-02&to=2020-01-01", 400),
            ("?from=x&to=2020-01-01", 400),
            (&format!("?{days}&after=x"), 404),
        ] {
            assert_eq!(browser.load(&format!("{path}{asked}")).await.status, status, "{asked}");
        }
    }

    /// The operator adds money to the partner's own balance and takes it off: once for each form,
    /// however often it is sent, and never what can't be read.
    async fn the_operator_reloads_a_partners_balance(database) {
        let sandbox = unhurried(database).await;
        let own = company(&sandbox).await;
        let (id, before) = (own["id"].as_str().expect("an id"), own["amount"].as_i64());
        let before = before.expect("an amount");
        let page = format!("/panel/of/sandbox/partner-balances/{id}");
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let led = browser.load(&format!("{BALANCES}/{id}")).await;
        assert_eq!((led.status, led.to.as_str()), (303, page.as_str()));
        let loaded = browser.load(&page).await;
        let (csrf, once) = (loaded.hidden("csrf"), loaded.hidden("once"));
        let fields = [("csrf", csrf), ("once", once), ("amount", "1 250.5"), ("text", "Wire 17")];
        for _ in 0..2 {
            let sent = browser.send(&format!("{page}/reload"), &fields).await;
            assert!(sent.to.contains("done=done.reloaded"), "{} {}", sent.status, sent.to);
        }
        assert_eq!(company(&sandbox).await["amount"], before + 125_050);
        for (amount, text) in
            [("0", "x"), ("", "x"), ("-1", "x"), ("1.234", "x"), ("1", ""), ("1,5", "x")]
        {
            let fields = [("amount", amount), ("text", text)];
            let sent = browser.submit(&page, &format!("{page}/reload"), &fields).await;
            assert_eq!(sent.status, 400, "{amount} {text}: {}", sent.to);
        }
        let nameless = [("csrf", csrf), ("amount", "1"), ("text", "x")];
        let sent = browser.send(&format!("{page}/reload"), &nameless).await;
        assert_eq!(sent.status, 400, "a form without its name");
        let fields = [("amount", "0.50"), ("text", "Sent back")];
        let sent = browser.submit(&page, &format!("{page}/withdraw"), &fields).await;
        assert!(sent.to.contains("done=done.withdrawn"), "{}", sent.to);
        assert_eq!(company(&sandbox).await["amount"], before + 125_000);
        let seen = browser.load(&page).await.html;
        assert!(seen.contains("Wire 17") && seen.contains("+1,250.50 EUR"), "{seen}");
        let audit = browser.load("/panel/of/sandbox/audit").await.html;
        assert!(audit.contains(id), "who did it is on record: {audit}");

        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let admin = Browser::signed_in(&sandbox, &admin).await;
        let seen = admin.load(&page).await.html;
        assert!(seen.contains("Wire 17") && !seen.contains("/reload\""), "{seen}");
        let scene = Scene::set(&sandbox).await;
        let users = format!("/panel/of/sandbox/partner-balances/{}", scene.story.balance);
        assert_eq!(browser.load(&users).await.status, 404, "a user's isn't the partner's");
    }
}
