//! Who may load which page and send which form.

use super::accounts::id_of;
use super::{Scene, unhurried};
use crate::support::Browser;

const ALL: &[&str] = &["ADMIN", "MANAGER", "EMPLOYEE", "OPERATOR"];
const MAKERS: &[&str] = &["ADMIN", "MANAGER"];
const DECIDERS: &[&str] = &["ADMIN", "OPERATOR"];
const OPERATORS: &[&str] = &["OPERATOR"];

/// Pages: the address behind the partner's, and the roles that it admits.
const PAGES: &[(&str, &[&str])] = &[
    ("", ALL),
    ("/users", ALL),
    ("/users?search=1", ALL),
    ("/users/USER", ALL),
    ("/cards/CARD", ALL),
    ("/cards/CARD/limits", ALL),
    ("/balances", ALL),
    ("/balances?currency=EUR&state=LOCKED", ALL),
    ("/balances/BALANCE", ALL),
    ("/balances/BALANCE/statement?from=2026-01-01&to=2026-12-31", ALL),
    ("/partner-balances", ALL),
    ("/partner-balances/OWN", ALL),
    ("/transactions", ALL),
    ("/transactions?result=DECLINED&from=2026-01-01", ALL),
    ("/transactions/live", ALL),
    ("/accounts", DECIDERS),
    ("/accounts/ACCOUNT", DECIDERS),
    ("/audit", DECIDERS),
    ("/corporations", DECIDERS),
    ("/corporations?kyb=IN_PROGRESS", DECIDERS),
    ("/corporations/FIRM", DECIDERS),
    ("/notifications", ALL),
    ("/notifications?standing=FAILED", ALL),
    ("/partner-calls", ALL),
    ("/reports/inactive", ALL),
    ("/screening/hits", DECIDERS),
    ("/screening/hits?user=USER", DECIDERS),
    ("/verifications", DECIDERS),
    ("/verifications/FORM", DECIDERS),
    ("/verifications/FORM/pictures/imageFace", DECIDERS),
];

/// The operator's pages that are about no partner.
const OF_OPERATOR: &[&str] = &[
    "/panel/certificates",
    "/panel/partners",
    "/panel/new-partner",
    "/panel/partners/sandbox",
    "/panel/accounts",
    "/panel/accounts/ACCOUNT",
];

/// The operator's forms that are about no partner.
const FORMS_OF_OPERATOR: &[&str] = &[
    "/panel/certificates/sign",
    "/panel/certificates/NOTHING/revoke",
    "/panel/new-partner",
    "/panel/partners/sandbox/set",
    "/panel/partners/sandbox/notifications",
    "/panel/partners/sandbox/close",
    "/panel/partners/sandbox/open",
    "/panel/accounts/new",
    "/panel/accounts/ACCOUNT/role",
    "/panel/accounts/ACCOUNT/disable",
    "/panel/accounts/ACCOUNT/enable",
    "/panel/accounts/ACCOUNT/reset",
    "/panel/accounts/ACCOUNT/sign-out",
];

/// Forms, the same.
const FORMS: &[(&str, &[&str])] = &[
    ("/users/USER/lock", ALL),
    ("/users/USER/unlock", ALL),
    ("/users/USER/balances", MAKERS),
    ("/users/USER/cards", MAKERS),
    ("/users/USER/cards/order", ALL),
    ("/users/USER/transactional-locks", DECIDERS),
    ("/cards/CARD/limits/change", MAKERS),
    ("/cards/CARD/renew", MAKERS),
    ("/cards/CARD/replace", MAKERS),
    ("/cards/CARD/lock", ALL),
    ("/cards/CARD/unlock", ALL),
    ("/cards/CARD/code", ALL),
    ("/cards/CARD/activate", ALL),
    ("/cards/CARD/print", ALL),
    ("/cards/CARD/remove", ALL),
    ("/balances/BALANCE/lock", ALL),
    ("/balances/BALANCE/unlock", ALL),
    ("/partner-balances/OWN/reload", OPERATORS),
    ("/partner-balances/OWN/withdraw", OPERATORS),
    ("/accounts/new", DECIDERS),
    ("/accounts/ACCOUNT/role", DECIDERS),
    ("/accounts/ACCOUNT/disable", DECIDERS),
    ("/accounts/ACCOUNT/enable", DECIDERS),
    ("/accounts/ACCOUNT/reset", DECIDERS),
    ("/accounts/ACCOUNT/sign-out", DECIDERS),
    ("/corporations/FIRM/kyb", DECIDERS),
    ("/screening/hits/FORM/decision", OPERATORS),
    ("/notifications/resend", ALL),
    ("/partner-calls/resend", ALL),
    ("/verifications/FORM/accept", DECIDERS),
    ("/verifications/FORM/reject", DECIDERS),
];

on_both_databases! {
    /// The same of the operator's pages that are about no partner.
    async fn others_are_not_led_to_the_operators_pages(database) {
        let sandbox = unhurried(database).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let account = id_of(&sandbox, &employee).await;
        let named = |path: &&str| path.replace("ACCOUNT", &account);
        let stranger = Browser::of(&sandbox);
        for path in OF_OPERATOR.iter().map(named) {
            assert_eq!(stranger.load(&path).await.status, 303, "{path}");
        }
        for role in ALL {
            let of = Some("sandbox").filter(|_| *role != "OPERATOR");
            let admin = sandbox.admin(role, of).await;
            let browser = Browser::signed_in(&sandbox, &admin).await;
            let own = browser.load("/panel/account").await;
            let token = own.hidden("csrf");
            for path in OF_OPERATOR.iter().map(named) {
                let loaded = browser.load(&path).await;
                let wanted = if OPERATORS.contains(role) { 200 } else { 403 };
                assert_eq!(loaded.status, wanted, "{role} {path}");
            }
            for path in FORMS_OF_OPERATOR.iter().map(named) {
                let sent = browser.send(&path, &[("csrf", "wrong")]).await;
                assert_eq!(sent.status, 403, "{role} {path} without a token");
                if !OPERATORS.contains(role) {
                    assert_eq!(browser.send(&path, &[("csrf", token)]).await.status, 403, "{path}");
                }
            }
        }
    }

    /// Each role, a stranger and another partner's administrator at each page and form. A form
    /// without its token changes nothing, whoever sends it.
    async fn each_role_is_admitted_where_it_may_work(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let account = id_of(&sandbox, &employee).await;
        let named = |path: &str| {
            let path = path.replace("ACCOUNT", &account);
            let path = path.replace("USER", &scene.story.customer.to_string());
            let path = path.replace("CARD", &scene.story.card.to_string());
            let path = path.replace("FIRM", &scene.corporation);
            let path = path.replace("BALANCE", &scene.story.balance).replace("OWN", &scene.own);
            format!("/panel/of/sandbox{}", path.replace("FORM", &scene.form))
        };
        for role in ALL {
            let of = Some("sandbox").filter(|_| *role != "OPERATOR");
            let admin = sandbox.admin(role, of).await;
            let browser = Browser::signed_in(&sandbox, &admin).await;
            for (path, roles) in PAGES {
                let loaded = browser.load(&named(path)).await;
                let wanted = if roles.contains(role) { 200 } else { 403 };
                assert_eq!(loaded.status, wanted, "{role} {path}: {}", loaded.html);
            }
            let own = browser.load("/panel/account").await;
            let token = own.hidden("csrf");
            for (path, roles) in FORMS {
                let sent = browser.send(&named(path), &[("csrf", "wrong")]).await;
                assert_eq!(sent.status, 403, "{role} {path} without a token");
                if !roles.contains(role) {
                    let sent = browser.send(&named(path), &[("csrf", token)]).await;
                    assert_eq!(sent.status, 403, "{role} {path}");
                    assert!(sent.html.contains("role"), "{}", sent.html);
                }
                let page = browser.load(&named(path)).await;
                assert!([404, 405].contains(&page.status), "{path} is a form's alone");
            }
        }
        let stranger = Browser::of(&sandbox);
        let other = sandbox.admin("ADMIN", Some("shared")).await;
        let other = Browser::signed_in(&sandbox, &other).await;
        let token = other.load("/panel/account").await.hidden("csrf").to_owned();
        for path in PAGES.iter().map(|(path, _)| named(path)) {
            let loaded = stranger.load(&path).await;
            assert_eq!(loaded.status, 303, "{path}");
            assert!(loaded.to.starts_with("/panel/sign-in?next="), "{path}: {}", loaded.to);
            assert_eq!(other.load(&path).await.status, 404, "{path}");
            // What is the first partner's isn't there behind the other's code either.
            let foreign = path.replace("/of/sandbox", "/of/shared");
            let named = ["/users/", "/cards/", "/verifications/", "balances/"];
            if named.iter().any(|it| foreign.contains(it)) {
                assert_eq!(other.load(&foreign).await.status, 404, "{foreign}");
            }
        }
        for path in FORMS.iter().map(|(path, _)| named(path)) {
            let sent = stranger.send(&path, &[("csrf", &token)]).await;
            let ended = (303, "/panel/sign-in?ended=yes&next=%2Fpanel");
            assert_eq!((sent.status, sent.to.as_str()), ended, "{path}");
            assert_eq!(other.send(&path, &[("csrf", &token)]).await.status, 404, "{path}");
        }
        for path in ["/panel/nothing", "/panel/assets/old/panel.css"] {
            assert_eq!(stranger.load(path).await.status, 404, "{path}");
        }
        assert_eq!(other.load("/panel/of/nobody").await.status, 404);
        // Nothing of all that did anything.
        let told = crate::story::expect(200, sandbox.partner().get(&format!(
            "/secure/customers/{}/cards", scene.story.customer
        ))).await;
        assert_eq!(told["items"][0]["state"], "ACTIVE");
    }
}
