//! Who may load which page and send which form.

use super::accounts::id_of;
use super::{Scene, unhurried};
use crate::story::expect;
use crate::support::Browser;
use uuid::Uuid;

const NIL: Uuid = Uuid::nil();

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
    ("/users/USER/limits", ALL),
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
    ("/exports", ALL),
    ("/exports/live", ALL),
    ("/accounts", DECIDERS),
    ("/accounts/ACCOUNT", DECIDERS),
    ("/audit", DECIDERS),
    ("/corporations", DECIDERS),
    ("/corporations?kyb=IN_PROGRESS", DECIDERS),
    ("/corporations/FIRM", DECIDERS),
    ("/notifications", ALL),
    ("/notifications?standing=FAILED", ALL),
    ("/partner-calls", ALL),
    ("/reports", ALL),
    ("/reports/card-use", ALL),
    ("/reports/card-use?from=2026-01-01&to=2026-01-31", ALL),
    ("/reports/inactive", ALL),
    ("/screening/hits", DECIDERS),
    ("/screening/hits?user=USER", DECIDERS),
    ("/verifications", DECIDERS),
    ("/verifications?status=REJECTED", DECIDERS),
    ("/verifications/FORM", DECIDERS),
    ("/verifications/FORM/pictures/imageFace", DECIDERS),
    ("/verifications/FORM/export", DECIDERS),
];

/// Pages of what isn't there: whoever is admitted is told so.
const ABSENT: &[(&str, &[&str])] = &[
    ("/transactions/NIL", ALL),
    ("/notifications/NIL", ALL),
    ("/partner-calls/NIL", ALL),
    ("/exports/NIL", ALL),
    ("/exports/NIL/file", ALL),
    ("/corporations/FIRM/documents/NIL", DECIDERS),
];

/// The operator's pages that are about no partner.
const OF_OPERATOR: &[&str] = &[
    "/panel/certificates",
    "/panel/certificates/NOTHING",
    "/panel/partners",
    "/panel/new-partner",
    "/panel/partners/sandbox",
    "/panel/programs",
    "/panel/programs?partner=sandbox",
    "/panel/new-program",
    "/panel/programs/sandbox/0019167984",
    "/panel/accounts",
    "/panel/accounts/ACCOUNT",
    "/panel/audit",
    "/panel/audit?action=partner.create",
];

/// The operator's forms that are about no partner.
pub(super) const FORMS_OF_OPERATOR: &[&str] = &[
    "/panel/certificates/sign",
    "/panel/certificates/NOTHING/revoke",
    "/panel/new-partner",
    "/panel/partners/sandbox/set",
    "/panel/partners/sandbox/notifications",
    "/panel/partners/sandbox/calls",
    "/panel/partners/sandbox/close",
    "/panel/partners/sandbox/open",
    "/panel/new-program",
    "/panel/new-processor",
    "/panel/programs/sandbox/0019167984/limits",
    "/panel/programs/sandbox/0019167984/bin",
    "/panel/programs/sandbox/0019167984/plastic",
    "/panel/programs/sandbox/0019167984/close",
    "/panel/programs/sandbox/0019167984/open",
    "/panel/accounts/new",
    "/panel/accounts/ACCOUNT/role",
    "/panel/accounts/ACCOUNT/disable",
    "/panel/accounts/ACCOUNT/enable",
    "/panel/accounts/ACCOUNT/reset",
    "/panel/accounts/ACCOUNT/sign-out",
];

/// Forms, the same.
pub(super) const FORMS: &[(&str, &[&str])] = &[
    ("/exports/new", ALL),
    ("/exports/FORM/remove", ALL),
    ("/users/USER/lock", ALL),
    ("/users/USER/unlock", ALL),
    ("/users/USER/balances", MAKERS),
    ("/users/USER/cards", MAKERS),
    ("/users/USER/limits/change", MAKERS),
    ("/corporations/FIRM/balances", MAKERS),
    ("/corporations/FIRM/cards", MAKERS),
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
    ("/notifications/resume", ALL),
    ("/notifications/NIL/resend", ALL),
    ("/partner-calls/NIL/resend", ALL),
    ("/partner-calls/resend", ALL),
    ("/verifications/FORM/accept", DECIDERS),
    ("/verifications/FORM/reject", DECIDERS),
];

/// What everybody who is signed in has for themselves; tried in `forms` and `accounts`.
const OWN: &[&str] = &[
    "/panel",
    "/panel/account",
    "/panel/account/authenticator",
    "/panel/account/password",
    "/panel/account/sign-out",
    "/panel/sign-out",
    "/panel/sign-in",
    "/panel/assets/{version}/{file}",
    "/panel/{*rest}",
];

/// Whether an address is one of a route.
fn is_of(route: &str, address: &str) -> bool {
    let address = address.split('?').next().unwrap_or_default();
    let (route, address): (Vec<_>, Vec<_>) =
        (route.split('/').collect(), address.split('/').collect());
    let fits = |(of, part): (&&str, &&str)| of == part || of.starts_with('{');
    route.len() == address.len() && route.iter().zip(&address).all(fits)
}

/// Each route of the panel is tried here.
#[test]
fn no_route_is_left_out() {
    const ROUTER: &str = include_str!("../../../../panel/src/router.rs");
    let of = |path: &str| format!("/panel/of/sandbox{path}");
    let pages: Vec<_> = PAGES.iter().chain(ABSENT).map(|(path, _)| of(path)).collect();
    let forms: Vec<_> = FORMS.iter().map(|(path, _)| of(path)).collect();
    let more = |known: &[String], all: &[&str], route: &str| {
        known.iter().any(|it| is_of(route, it)) || all.iter().any(|it| is_of(route, it))
    };
    let mut count = 0;
    for text in ROUTER.split(".route(").skip(1) {
        // What an account is led to whose secrets somebody else has seen.
        if text.starts_with("RENEWING") {
            continue;
        }
        let route = text.split('"').nth(1).expect("a route");
        let handlers = text.split(route).nth(1).expect("who answers it");
        if OWN.contains(&route) {
            continue;
        }
        count += 1;
        if handlers.contains("get(") {
            assert!(more(&pages, OF_OPERATOR, route), "GET {route} is tried by nobody");
        }
        if handlers.contains("post(") {
            assert!(more(&forms, FORMS_OF_OPERATOR, route), "POST {route} is tried by nobody");
        }
    }
    assert!(count > 60, "{count} routes were found");
}

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
        for path in FORMS_OF_OPERATOR.iter().map(named) {
            let sent = stranger.send(&path, &[("csrf", "wrong")]).await;
            assert!(sent.to.starts_with("/panel/sign-in"), "{path}: {} {}", sent.status, sent.to);
        }
        for role in ALL {
            let of = Some("sandbox").filter(|_| *role != "OPERATOR");
            let admin = sandbox.admin(role, of).await;
            let browser = Browser::signed_in(&sandbox, &admin).await;
            let own = browser.load("/panel/account").await;
            let token = own.hidden("csrf");
            for path in OF_OPERATOR.iter().map(named) {
                let loaded = browser.load(&path).await;
                let there = if path.contains("NOTHING") { 404 } else { 200 };
                let wanted = if OPERATORS.contains(role) { there } else { 403 };
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
            let path = path.replace("ACCOUNT", &account).replace("NIL", &NIL.to_string());
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
            for (all, there) in [(PAGES, 200), (ABSENT, 404)] {
                for (path, roles) in all {
                    let loaded = browser.load(&named(path)).await;
                    let wanted = if roles.contains(role) { there } else { 403 };
                    assert_eq!(loaded.status, wanted, "{role} {path}: {}", loaded.html);
                }
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
        for path in PAGES.iter().chain(ABSENT).map(|(path, _)| named(path)) {
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
        let told = expect(200, sandbox.partner().get(&format!(
            "/secure/customers/{}/cards", scene.story.customer
        ))).await;
        assert_eq!(told["items"][0]["state"], "ACTIVE");
    }

    /// Whatever a partner's administrator asks of what is another's, with all that a form needs: it
    /// isn't there, by the partner's own address.
    async fn forms_reach_nothing_of_another_partner(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let account = id_of(&sandbox, &employee).await;
        let (user, card) = (scene.story.customer.to_string(), scene.story.card.to_string());
        let balance = &scene.story.balance;
        let by_partner = ["partner", "set", "--code", "shared", "--kyb-by", "PARTNER"];
        sandbox.antaca(&by_partner).await.assert_done();
        let own = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let paths = [
            format!("/admin/customers/{user}"),
            format!("/admin/customers/{user}/cards"),
            format!("/admin/customers/{user}/limits"),
            format!("/admin/customers/{user}/transactional-locks"),
            format!("/admin/cards/{card}/limits"),
            format!("/admin/balances/{balance}"),
            format!("/admin/accounts/{account}"),
            format!("/admin/verifications/{}", scene.form),
            format!("/admin/corporations/{}", scene.corporation),
        ];
        let known = async || {
            let mut all = Vec::new();
            for path in &paths {
                all.push(expect(200, own.get(path).header("Issuer-Code", "sandbox")).await);
            }
            all
        };
        let before = known().await;
        let other = sandbox.admin("ADMIN", Some("shared")).await;
        let other = Browser::signed_in(&sandbox, &other).await;
        let program = ("program", "0019167984");
        let limit = [("change", "set"), ("type", "atm"), ("unit", "daily"), ("amount", "1")];
        let of_user = [("change", "limit"), ("currency", "EUR"), limit[1], limit[2], limit[3]];
        let kyb = [("kyb", "ACCEPTED"), ("version", "0"), ("reference", "x")];
        let locked = [("change", "set"), ("reason", "FRAUD_SUSPECTED")];
        for (path, fields) in [
            (format!("/users/{user}/lock"), &[][..]),
            (format!("/users/{user}/balances"), &[("currency", "PLN")]),
            (format!("/users/{user}/cards"), &[("balance", balance), program]),
            (format!("/users/{user}/limits/change"), &of_user),
            (format!("/users/{user}/transactional-locks"), &locked),
            (format!("/cards/{card}/lock"), &[("reason", "CARD_LOST")]),
            (format!("/cards/{card}/code"), &[]),
            (format!("/cards/{card}/renew"), &[]),
            (format!("/cards/{card}/replace"), &[("reason", "CARD_LOST")]),
            (format!("/cards/{card}/remove"), &[]),
            (format!("/cards/{card}/limits/change"), &limit),
            (format!("/balances/{balance}/lock"), &[]),
            (format!("/accounts/{account}/role"), &[("role", "ADMIN")]),
            (format!("/accounts/{account}/disable"), &[]),
            (format!("/accounts/{account}/reset"), &[]),
            (format!("/accounts/{account}/sign-out"), &[]),
            (format!("/verifications/{}/accept", scene.form), &[]),
            (format!("/corporations/{}/kyb", scene.corporation), &kyb),
        ] {
            let path = format!("/panel/of/shared{path}");
            let sent = other.submit("/panel/of/shared/accounts", &path, fields).await;
            let nothing = sent.status == 404
                || sent.status == 303 && sent.to.contains("failed=") && sent.to.contains("_FOUND");
            assert!(nothing, "{path}: {} {} {}", sent.status, sent.to, sent.html);
        }
        assert_eq!(known().await, before);
    }
}
