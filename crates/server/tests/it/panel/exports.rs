//! Transactions as files.

use super::unhurried;
use crate::story::{Story, expect};
use crate::support::Browser;
use crate::verifications::advance;
use std::time::Duration;
use testkit::eventually;

const TRANSACTIONS: &str = "/panel/of/sandbox/transactions";
const EXPORTS: &str = "/panel/of/sandbox/exports";
/// How long before it was asked for a file ends, and a second.
const SETTLED: i64 = 121;
const PATIENCE: Duration = Duration::from_secs(60);

on_both_databases! {
    /// Payments are looked for by type, reason, amount and last digits; what was asked for goes
    /// with the file and with the next page.
    async fn payments_are_looked_for_by_what_is_known_of_them(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 100_000).await;
        for (amount, name) in [(501, "a"), (500_000, "b"), (2_000, "c")] {
            expect(200, story.purchase(sandbox.processor(), amount, name)).await;
        }
        let card = format!("/secure/customers/{}/cards", story.customer);
        let card = expect(200, sandbox.partner().get(&card)).await["items"][0].clone();
        let digits = card["lastFourDigits"].as_str().expect("digits");
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let all = ["5.01 EUR", "5,000.00 EUR", "20.00 EUR", "1,000.00 EUR"];
        for (asked, found) in [
            ("type=pos".to_owned(), &all[..3]),
            ("type=topUp".to_owned(), &all[3..]),
            ("reason=INSUFFICIENT_FUNDS".to_owned(), &all[1..2]),
            ("type=pos&currency=EUR&amountFrom=20&amountTo=5000.00".to_owned(), &all[1..3]),
            ("type=pos&currency=EUR&amountTo=19.99".to_owned(), &all[..1]),
            (format!("type=pos&lastFour={digits}"), &all[..3]),
            ("currency=PLN".to_owned(), &[]),
        ] {
            let page = format!("{TRANSACTIONS}?user={}&{asked}", story.customer);
            let list = browser.load(&page).await;
            let rows = list.html.split("<tbody").nth(1).expect("a list");
            let rows = rows.split("</tbody>").next().expect("an end");
            for amount in all {
                // With its sign before it.
                let is_there = ['−', '+'].iter().any(|it| rows.contains(&format!("{it}{amount}")));
                assert_eq!(is_there, found.contains(&amount), "{asked} {amount}: {rows}");
            }
        }
        let page = format!("{TRANSACTIONS}?currency=EUR&amountFrom=20&reason=APPROVED&type=pos");
        let list = browser.load(&page).await;
        let names = ["currency", "amountFrom", "reason", "type"];
        let hidden = names.map(|name| (name, list.hidden(name)));
        let wanted = [("currency", "EUR"), ("amountFrom", "20"), ("reason", "APPROVED"),
            ("type", "pos")];
        assert_eq!(hidden, wanted);
        let sent = browser.submit(&page, &format!("{EXPORTS}/new"), &hidden).await;
        let told = browser.load(&sent.to).await.html;
        for words in ["Amount from: 20.00 EUR", "Type: Purchase", "Why: It was approved."] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }

    /// What the list of transactions shows is asked for as a file, followed, taken and removed.
    async fn a_list_is_taken_as_a_file(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(sandbox.processor(), 501, "900000000051")).await;
        expect(200, story.purchase(sandbox.processor(), 5_000, "900000000052")).await;
        advance(&sandbox, SETTLED).await;
        expect(200, story.purchase(sandbox.processor(), 6_000, "900000000053")).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let page = format!("{TRANSACTIONS}?result=DECLINED&user={}", story.customer);
        let list = browser.load(&page).await;
        let user = story.customer.to_string();
        let hidden = [("result", list.hidden("result")), ("user", list.hidden("user"))];
        assert_eq!(hidden, [("result", "DECLINED"), ("user", user.as_str())]);
        let sent = browser.submit(&page, &format!("{EXPORTS}/new"), &hidden).await;
        assert_eq!(sent.status, 303, "{}", sent.html);
        assert!(sent.to.starts_with(&format!("{EXPORTS}?done=done.export-asked")), "{}", sent.to);

        let told = browser.load(&sent.to).await.html;
        assert!(told.contains("class=\"notice good\"") && told.contains(&employee.email), "{told}");
        let at = told.find(&format!("{EXPORTS}/")).expect("a link");
        let rest = &told[told[at..].find("<tbody").map_or(at, |row| at + row)..];
        let at = rest.find(&format!("{EXPORTS}/")).expect("a link") + EXPORTS.len() + 1;
        let one = format!("{EXPORTS}/{}", &rest[at..at + 36]);
        eventually("it is written", PATIENCE, async || {
            browser.load(&one).await.html.contains("/file\" download")
        }).await;
        let live = browser.events(&format!("{EXPORTS}/live"), "").await.html;
        assert!(live.contains("DONE") && live.contains("data: "), "{live}");
        let known = live.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
        let same = browser.events(&format!("{EXPORTS}/live"), known).await.html;
        assert_eq!(same, "retry: 2000\n\n");

        let file = browser.load(&format!("{one}/file")).await;
        assert_eq!(file.status, 200);
        assert_eq!(file.html.lines().count(), 2, "{}", file.html);
        assert!(file.html.contains(",50.00,EUR,") && file.html.contains(",DECLINED,"));

        let other = sandbox.admin("ADMIN", Some("sandbox")).await;
        let other = Browser::signed_in(&sandbox, &other).await;
        let seen = other.load(&one).await.html;
        assert!(!seen.contains("/remove\"") && seen.contains("/file\""), "{seen}");
        let token = other.load("/panel/account").await.hidden("csrf").to_owned();
        let refused = other.send(&format!("{one}/remove"), &[("csrf", &token)]).await;
        assert!(refused.to.contains("failed=EXPORT_NOT_YOURS"), "{}", refused.to);
        let gone = browser.submit(&one, &format!("{one}/remove"), &[]).await;
        assert!(gone.to.starts_with(&format!("{EXPORTS}?done=done.export-removed")), "{}", gone.to);
        assert_eq!(browser.load(&one).await.status, 404);
        assert_eq!(browser.load(&format!("{one}/file")).await.status, 404);
    }
}
