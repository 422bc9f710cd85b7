//! Reports.

use super::unhurried;
use crate::story::{Story, expect, register, registration};
use crate::support::Browser;
use crate::verifications::advance;
use std::time::Duration;
use testkit::eventually;

const INACTIVE: &str = "/panel/of/sandbox/reports/inactive";
const CARD_USE: &str = "/panel/of/sandbox/reports/card-use";
const DAY: i64 = 86_400;
const PATIENCE: Duration = Duration::from_secs(60);

/// The users that a page links to.
fn linked(html: &str) -> Vec<i64> {
    let mark = "/panel/of/sandbox/users/";
    let rests = html.match_indices(mark).map(|(at, _)| &html[at + mark.len()..]);
    rests.filter_map(|rest| rest[..rest.find('"')?].parse().ok()).collect()
}

on_both_databases! {
    /// Who hasn't used a balance for so long is there, with when they last did; who is new, who
    /// can't pay and who has just paid isn't.
    async fn inactive_users_are_told(database) {
        let sandbox = unhurried(database).await;
        let idle = Story::begin(&sandbox, 10_000).await;
        let busy = Story::begin(&sandbox, 10_000).await;
        let never = Story::begin(&sandbox, 0).await;
        let mut body = registration();
        body["state"] = "NEW".into();
        body["kyc"] = "NONE".into();
        expect(201, register(sandbox.partner(), &body)).await;
        advance(&sandbox, 40 * DAY).await;
        expect(200, busy.purchase(sandbox.processor(), 100, "900000000031")).await;
        Story::begin(&sandbox, 0).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let seen = browser.load(&format!("{INACTIVE}?days=30")).await.html;
        assert_eq!(linked(&seen), [never.customer, idle.customer], "{seen}");
        assert!(seen.contains("never"), "{seen}");
        let seen = browser.load(&format!("{INACTIVE}?days=30&after={}", never.customer)).await.html;
        assert_eq!(linked(&seen), [idle.customer]);
        let seen = browser.load(INACTIVE).await.html;
        assert_eq!(linked(&seen), Vec::<i64>::new(), "nobody is so old");
    }

    /// From page to page everybody is there once.
    async fn every_inactive_user_is_on_one_page(database) {
        let sandbox = unhurried(database).await;
        let mut all = Vec::new();
        for _ in 0..51 {
            let told = expect(201, register(sandbox.partner(), &registration())).await;
            all.push(told["id"].as_i64().expect("an id"));
        }
        all.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        advance(&sandbox, 2 * DAY).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let first = linked(&browser.load(&format!("{INACTIVE}?days=1")).await.html);
        assert_eq!(first, all[..50]);
        let next = format!("{INACTIVE}?days=1&after={}", all[49]);
        let html = browser.load(&format!("{INACTIVE}?days=1")).await.html;
        assert!(html.contains(&next.replace('&', "&#38;")), "{html}");
        assert_eq!(linked(&browser.load(&next).await.html), all[50..]);
    }

    /// The page tells of the cards of the last days, of all and of each program.
    async fn the_use_of_cards_is_told(database) {
        let sandbox = unhurried(database).await;
        let used = Story::begin(&sandbox, 10_000).await;
        Story::begin(&sandbox, 10_000).await;
        expect(200, used.purchase(sandbox.processor(), 100, "900000000042")).await;
        advance(&sandbox, 3 * DAY).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let list = browser.load("/panel/of/sandbox/reports").await.html;
        assert!(list.contains(CARD_USE) && list.contains(INACTIVE), "{list}");
        let is_told = async || {
            let seen = browser.load(CARD_USE).await.html;
            seen.matches("<span class=\"hint\">1 of 2</span>").count() == 4
        };
        eventually("of all and of one program, of 1 and 2 days", PATIENCE, is_told).await;
        let seen = browser.load(CARD_USE).await.html;
        assert_eq!(seen.matches("<td class=\"number\">50.00 %").count(), 4, "{seen}");
        assert_eq!(seen.matches("<td class=\"number\">not over").count(), 6, "{seen}");
        assert_eq!(seen.matches("height=\"80\"").count(), 2, "two bars of half the height: {seen}");
        let before = browser.load(&format!("{CARD_USE}?from=2020-01-01&to=2020-01-31")).await.html;
        assert!(before.contains("No card was issued"), "{before}");
    }
}
