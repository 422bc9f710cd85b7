//! A list that is told as it changes.

use super::{Scene, told, unhurried};
use crate::story::{Story, expect};
use crate::support::{Browser, Sandbox, in_chromium};
use crate::verifications::advance;
use std::time::Duration;
use testkit::eventually;

const PATIENCE: Duration = Duration::from_secs(60);
const LIVE: &str = "/panel/of/sandbox/transactions/live";

async fn buy(sandbox: &Sandbox, story: &Story, amount: i64, name: &str) {
    expect(200, story.purchase(sandbox.processor(), amount, name)).await;
}

fn id(event: &str) -> &str {
    let id = event.lines().find_map(|line| line.strip_prefix("id: "));
    id.unwrap_or_else(|| panic!("no event: {event}"))
}

on_both_databases! {
    /// What has changed is told, what hasn't isn't; who only looks on is signed out in time.
    async fn what_has_changed_is_told(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        buy(&sandbox, &scene.story, 4_711, "900000000001").await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let first = browser.events(LIVE, "").await;
        assert_eq!(first.status, 200);
        assert!(first.html.starts_with("retry: 2000\n\n"), "{}", first.html);
        let rows: Vec<&str> = first.html.lines().filter(|it| it.starts_with("data: ")).collect();
        assert!(rows.iter().any(|row| row.contains("47.11")), "{}", first.html);
        let same = browser.events(LIVE, id(&first.html)).await;
        assert_eq!(same.html, "retry: 2000\n\n");
        buy(&sandbox, &scene.story, 1_234, "900000000002").await;
        let next = browser.events(LIVE, id(&first.html)).await;
        assert!(next.html.contains("12.34") && next.html.contains("47.11"), "{}", next.html);
        assert_ne!(id(&next.html), id(&first.html));
        // As the list is asked for.
        let declined = browser.events(&format!("{LIVE}?result=DECLINED"), "").await;
        assert!(id(&declined.html) != id(&next.html) && !declined.html.contains("12.34"));

        advance(&sandbox, 10 * 60).await;
        assert_eq!(browser.events(LIVE, "").await.status, 200);
        advance(&sandbox, 10 * 60).await;
        assert_eq!(browser.events(LIVE, "").await.to.split('?').next(), Some("/panel/sign-in"));
    }

    /// A payment appears while one looks, for as long as one wants.
    async fn a_payment_appears_while_one_looks(database) {
        let sandbox = Sandbox::start(database).await;
        let scene = Scene::set(&sandbox).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let watched = told(&sandbox, "live", &[("EMPLOYEE", &employee)], scene.facts());
        let paid = async {
            let is_asked = async || {
                sandbox.metric("antaca_requests_total", &["transactions/live", "2xx"]).await > 0
            };
            eventually("somebody looks", PATIENCE, is_asked).await;
            buy(&sandbox, &scene.story, 9_876, "900000000003").await;
        };
        tokio::join!(in_chromium(watched), paid);
    }
}
