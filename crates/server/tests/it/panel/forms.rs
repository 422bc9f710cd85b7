//! Sessions and forms: what no browser of ours would send.

use super::{Scene, unhurried};
use crate::story::{Story, expect};
use crate::support::{Browser, Sandbox};
use std::time::Duration;

/// Longer than what a worker does takes.
const WORKER: Duration = Duration::from_secs(30);

/// Addresses behind a partner's at which nothing can be.
const NOWHERE: &[&str] = &[
    "/users/0",
    "/users/-1",
    "/users/+1",
    "/users/99999999999999999999",
    "/users/x",
    "/users/x/limits",
    "/users/%00",
    "/users?after=x",
    "/corporations/x",
    "/corporations?after=x",
    "/notifications/x",
    "/notifications?after=x",
    "/partner-calls/x",
    "/cards/x",
    "/cards/x/limits",
    "/balances/x",
    "/balances/x/statement",
    "/balances?after=x",
    "/partner-balances/x",
    "/verifications/x",
    "/verifications/x/export",
    "/verifications?after=x",
    "/verifications?status=ACCEPTED&after=x",
    "/screening/hits?after=x",
    "/reports/inactive?after=x",
    "/transactions/x",
    "/exports/x",
    "/exports/x/file",
    "/exports?after=x",
    "/transactions?after=x",
    "/audit?after=x",
];

fn of_card(story: &Story) -> String {
    format!("/panel/of/sandbox/cards/{}", story.card)
}

async fn state(sandbox: &Sandbox, story: &Story) -> String {
    let path = format!("/secure/customers/{}/cards", story.customer);
    let cards = expect(200, sandbox.partner().get(&path)).await;
    cards["items"][0]["state"].as_str().expect("a state").to_owned()
}

on_both_databases! {
    /// The cookie is made when somebody signs in, whatever was sent before, and kept from scripts
    /// and other sites; it ends with the session.
    async fn a_session_is_its_cookies(database) {
        let sandbox = unhurried(database).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let mut browser = Browser::of(&sandbox);
        assert_eq!(browser.load("/panel").await.to, "/panel/sign-in");
        browser.cookie = Some("chosen-by-somebody-else".to_owned());
        let told = browser.sign_in(&admin, &admin.code(0), "").await;
        assert_eq!((told.status, told.to.as_str()), (303, "/panel"));
        let set = told.set.as_deref().expect("a cookie");
        for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(set.split("; ").any(|it| it == part), "{set}");
        }
        assert!(!set.contains("chosen") && !set.contains("Domain"), "{set}");
        assert_eq!(browser.load("/panel").await.to, "/panel/sign-in", "the old one opens nothing");
        browser.take(&told);
        assert_eq!(browser.load("/panel").await.to, "/panel/of/sandbox");
        let page = browser.load("/panel/of/sandbox").await;
        assert!(page.html.contains(&admin.email) && page.status == 200);

        let out = browser.send("/panel/sign-out", &[("csrf", page.hidden("csrf"))]).await;
        assert_eq!((out.status, out.to.as_str()), (303, "/panel/sign-in"));
        assert!(out.set.expect("a cookie").contains("Max-Age=0"));
        assert_eq!(browser.load("/panel").await.to, "/panel/sign-in");
    }

    /// All sessions of an account end together, by a button or when its role changes; a session
    /// that nobody uses ends after a quarter of an hour.
    async fn sessions_end(database) {
        let sandbox = unhurried(database).await;
        let admin = sandbox.admin("MANAGER", Some("sandbox")).await;
        let one = Browser::signed_in(&sandbox, &admin).await;
        let mut other = Browser::of(&sandbox);
        let told = other.sign_in(&admin, &admin.code(1), "").await;
        other.take(&told);
        assert_eq!(other.load("/panel/account").await.status, 200);
        let token = one.load("/panel/account").await.hidden("csrf").to_owned();
        let out = one.send("/panel/account/sign-out", &[("csrf", &token)]).await;
        assert_eq!(out.status, 303);
        for browser in [&one, &other] {
            assert_eq!(browser.load("/panel").await.to, "/panel/sign-in");
        }
        for change in [["--role", "EMPLOYEE"], ["--state", "DISABLED"]] {
            let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
            let browser = Browser::signed_in(&sandbox, &admin).await;
            let set = ["admin", "set", "--email", &admin.email];
            sandbox.antaca(&[&set[..], &change].concat()).await.assert_done();
            assert_eq!(browser.load("/panel").await.to, "/panel/sign-in", "{change:?}");
        }
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        crate::verifications::advance(&sandbox, 14 * 60).await;
        assert_eq!(browser.load("/panel/account").await.status, 200);
        crate::verifications::advance(&sandbox, 15 * 60 + 1).await;
        assert_eq!(browser.load("/panel").await.to, "/panel/sign-in");
    }

    /// What another site sends, what is of another session, what has no token: nothing is done.
    async fn no_other_page_can_send_a_form(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let neighbour = sandbox.admin("ADMIN", Some("sandbox")).await;
        let neighbour = Browser::signed_in(&sandbox, &neighbour).await;
        let page = of_card(&scene.story);
        let lock = format!("{page}/lock");
        let reason = ("reason", "CARD_LOST");
        let own = browser.load(&page).await.hidden("csrf").to_owned();
        let others = neighbour.load(&page).await.hidden("csrf").to_owned();
        let foreign = [("csrf", others.as_str()), reason];
        for fields in [&[reason][..], &[("csrf", ""), reason], &foreign] {
            let sent = browser.send(&lock, fields).await;
            assert_eq!(sent.status, 403, "{fields:?}");
            assert!(sent.html.contains("out of date"), "{}", sent.html);
        }
        let fields = [("csrf", own.as_str()), reason];
        for origin in ["https://evil.example", "null", "http://localhost", ""] {
            let sent = browser.send_from(origin, &lock, &fields).await;
            assert_eq!(sent.status, 403, "{origin}");
        }
        let sent = browser.send_from("https://evil.example", "/panel/sign-in", &[]).await;
        assert_eq!(sent.status, 403, "nobody is signed in by another site");
        assert_eq!(state(&sandbox, &scene.story).await, "ACTIVE");
        assert_eq!(browser.send(&lock, &fields).await.status, 303);
        assert_eq!(state(&sandbox, &scene.story).await, "LOCKED");
    }

    /// A button that is pressed twice makes one balance; what a rule refuses is told on the page.
    async fn a_form_is_done_once_and_refusals_are_told(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("MANAGER", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = format!("/panel/of/sandbox/users/{}", scene.story.customer);
        let loaded = browser.load(&page).await;
        let (csrf, once) = (loaded.hidden("csrf"), loaded.hidden("once"));
        let fields = [("csrf", csrf), ("once", once), ("currency", "EUR")];
        for _ in 0..2 {
            let sent = browser.send(&format!("{page}/balances"), &fields).await;
            assert_eq!(sent.status, 303, "{}", sent.html);
            assert!(sent.to.contains("?done=done.balance-created&by="), "{}", sent.to);
        }
        let path = format!("/secure/customers/{}/balances", scene.story.customer);
        let balances = expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(balances["items"].as_array().expect("a list").len(), 2, "one more");

        let applicant = format!("/panel/of/sandbox/users/{}", scene.applicant);
        let to = format!("{applicant}/balances");
        let sent = browser.submit(&applicant, &to, &[("currency", "EUR")]).await;
        assert!(sent.to.contains("?failed=KYC_NOT_VERIFIED&by="), "{}", sent.to);
        let shown = browser.load(&sent.to).await;
        assert!(shown.html.contains("role=\"alert\""), "{}", shown.html);
        let other = sandbox.admin("ADMIN", Some("sandbox")).await;
        let other = Browser::signed_in(&sandbox, &other).await;
        for forged in [
            "failed=%3Cscript%3E&done=hacked".to_owned(),
            "done=done.card-locked".to_owned(),
            "done=done.card-locked&by=0123456789abcdef".to_owned(),
        ] {
            let seen = browser.load(&format!("{applicant}?{forged}")).await;
            assert!(!seen.html.contains("class=\"notice"), "{forged}");
        }
        let seen = other.load(&sent.to).await;
        assert!(!seen.html.contains("role=\"alert\""), "a link tells nothing to anybody else");
    }

    /// Whoever sends a form after their session has ended is told that it wasn't done, and comes
    /// back to the page.
    async fn a_form_after_the_end_of_a_session_is_not_lost_in_silence(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = of_card(&scene.story);
        let token = browser.load(&page).await.hidden("csrf").to_owned();
        crate::verifications::advance(&sandbox, 15 * 60 + 1).await;
        let fields = [("csrf", token.as_str()), ("reason", "CARD_STOLEN")];
        let sent = browser.send_on(&page, &format!("{page}/lock"), &fields).await;
        let next: String = page.replace('/', "%2F");
        assert_eq!(sent.to, format!("/panel/sign-in?ended=yes&next={next}"));
        let shown = browser.load(&sent.to).await;
        assert!(shown.html.contains("nothing was changed"), "{}", shown.html);
        assert_eq!(shown.hidden("next"), page);
        assert_eq!(state(&sandbox, &scene.story).await, "ACTIVE");
    }

    /// A card that is locked for a question can be declared stolen without being unlocked first.
    async fn a_lock_that_stays_takes_the_place_of_one_that_does_not(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let page = of_card(&scene.story);
        let lock = format!("{page}/lock");
        for (reason, offered) in [("PENDING_QUERY", true), ("CARD_STOLEN", false)] {
            let sent = browser.submit(&page, &lock, &[("reason", reason)]).await;
            assert!(sent.to.contains("done.card-locked"), "{reason}: {}", sent.to);
            let seen = browser.load(&page).await.html;
            assert_eq!(seen.contains("value=\"CARD_LOST\""), offered, "{reason}");
            assert!(!seen.contains("value=\"SUSPECTED_FRAUD\""), "{reason}");
            assert_eq!(seen.contains("/unlock\""), offered, "{reason}");
        }
    }

    /// Fields that a page would never send are refused in words, and change nothing.
    async fn bad_fields_are_refused(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let user = format!("/panel/of/sandbox/users/{}", scene.story.customer);
        let (card, long) = (of_card(&scene.story), "x".repeat(70_000));
        let balance = scene.story.balance.as_str();
        for (page, to, fields, status) in [
            (&card, "/lock", vec![], 400),
            (&card, "/lock", vec![("reason", "BECAUSE")], 400),
            (&card, "/lock", vec![("reason", long.as_str())], 413),
            (&card, "/activate", vec![("lastFour", "1"), ("expiry", "soon")], 422),
            (&card, "/print", vec![("street", "")], 400),
            (&card, "/lock", vec![("reason", "CARD_LOST"), ("more", "\0")], 400),
            (&user, "/balances", vec![("currency", "EURO")], 400),
            (&user, "/cards", vec![("balance", "none"), ("program", "0019167984")], 400),
            (&user, "/cards", vec![("balance", balance), ("program", "none")], 422),
            (&user, "/cards", vec![("balance", balance), ("label", long[..101].as_ref())], 400),
            (&user, "/transactional-locks", vec![("change", "both"), ("reason", "ZEN_LOCK")], 400),
            (&user, "/transactional-locks", vec![("change", "set"), ("reason", "WHY")], 303),
        ] {
            let sent = browser.submit(page, &format!("{page}{to}"), &fields).await;
            assert_eq!(sent.status, status, "{to} {fields:.100?}: {}", sent.to);
            assert!(!sent.to.contains("done="), "{to}");
        }
        let typed = [("email", "a\0@b.test"), ("password", "p"), ("totp", "123456")];
        assert_eq!(Browser::of(&sandbox).send("/panel/sign-in", &typed).await.status, 400);
        assert_eq!(state(&sandbox, &scene.story).await, "ACTIVE");
    }

    /// Addresses that no page leads to are told apart: what isn't there, and what can't be read.
    async fn bad_addresses_are_refused(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        for path in NOWHERE {
            let loaded = browser.load(&format!("/panel/of/sandbox{path}")).await;
            assert_eq!(loaded.status, 404, "{path}");
        }
        for path in [
            "/users?state=x",
            "/users?kyc=x",
            "/transactions?from=x",
            "/transactions?to=1",
            "/transactions?result=x",
            "/transactions?status=x",
            "/transactions?type=x",
            "/transactions?reason=x",
            "/transactions?currency=euro",
            "/transactions?currency=EUR&amountFrom=1,5",
            "/transactions?currency=EUR&amountFrom=2&amountTo=1",
            // In which currency?
            "/transactions?amountFrom=1",
            "/transactions?lastFour=12",
            "/transactions?balance=x",
            "/audit?from=x",
            "/balances?state=REMOVED",
            "/balances?currency=EURO",
            "/screening/hits?user=x",
            "/screening/hits?corporation=x",
            "/screening/hits?user=1&corporation=00000000-0000-0000-0000-000000000000",
            "/notifications?card=x",
            "/notifications?to=x",
            "/reports/inactive?days=0",
            "/reports/card-use?from=x",
            "/reports/card-use?from=2026-02-01&to=2026-01-31",
            "/reports/card-use?from=2026-01-01&to=2026-04-03",
            "/corporations?kyb=x",
            "/notifications?event=x",
            "/partner-calls?standing=x",
            "/audit?object=%00",
            "/verifications?status=DECIDED",
        ] {
            let loaded = browser.load(&format!("/panel/of/sandbox{path}")).await;
            assert_eq!(loaded.status, 400, "{path}");
        }
        let picture = format!("/panel/of/sandbox/verifications/{}/pictures/%00", scene.form);
        assert_eq!(browser.load(&picture).await.status, 404);
    }

    /// All that is kept of a form is one file for who decides, from its page, and who took it is
    /// told among who did what.
    async fn a_form_is_taken_as_a_file(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = format!("/panel/of/sandbox/verifications/{}", scene.form);
        let export = format!("{page}/export");
        assert!(browser.load(&page).await.html.contains(&format!("href=\"{export}\" download")));
        let records = format!("/panel/of/sandbox/audit?object={}", scene.form);
        let taken = async || {
            let html = browser.load(&records).await.html;
            html.matches("verification.export").count()
        };
        assert_eq!(taken().await, 0);
        let file = browser.load(&export).await;
        let file: serde_json::Value = serde_json::from_str(&file.html).expect("JSON");
        assert_eq!(file["verification"]["verificationId"], scene.form.as_str());
        assert!(file["pictures"][0]["content"].is_string(), "{file}");
        assert!(taken().await > 0);
    }

    /// What is decided leaves the queue, and is found by what was decided.
    async fn decided_forms_are_found(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let list = "/panel/of/sandbox/verifications";
        let page = format!("{list}/{}", scene.form);
        let found = async |query: &str| {
            let html = browser.load(&format!("{list}{query}")).await.html;
            (html.contains(&page), html.contains("Selfie is wrong"))
        };
        assert_eq!(found("").await, (true, false));
        assert_eq!(found("?status=REJECTED").await, (false, false));
        let reason = [("reason", "INVALID_SELFIE")];
        let sent = browser.submit(&page, &format!("{page}/reject"), &reason).await;
        assert!(sent.to.contains("done=done.form-rejected"), "{}", sent.to);
        for (query, is_there) in [
            ("", false),
            ("?status=IN_PROGRESS", false),
            ("?status=ACCEPTED", false),
            ("?status=REJECTED", true),
        ] {
            assert_eq!(found(query).await, (is_there, is_there), "{query}");
        }
    }

    /// A corporation is decided by who may, upon what was looked at; where the partner's setting
    /// doesn't let its administrator, the page doesn't offer it and the form refuses it.
    async fn a_corporation_is_decided(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let page = format!("/panel/of/sandbox/corporations/{}", scene.corporation);
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let admin = Browser::signed_in(&sandbox, &admin).await;
        let seen = admin.load(&page).await;
        assert!(!seen.html.contains("name=\"kyb\""), "not offered");
        let token = admin.load("/panel/account").await.hidden("csrf").to_owned();
        let fields = [("csrf", token.as_str()), ("kyb", "ACCEPTED"), ("version", "1")];
        let fields = [&fields[..], &[("reference", "K-1")]].concat();
        let sent = admin.send(&format!("{page}/kyb"), &fields).await;
        assert!(sent.to.contains("failed=KYB_NOT_PERMITTED"), "{}", sent.to);

        let operator = sandbox.admin("OPERATOR", None).await;
        let operator = Browser::signed_in(&sandbox, &operator).await;
        let to = format!("{page}/kyb");
        let version = operator.load(&page).await.hidden("version").to_owned();
        for (kyb, version, reference, came) in [
            ("ACCEPTED", "0", "K-1", "failed=CORPORATION_CHANGED"),
            ("ACCEPTED", version.as_str(), "", "failed=KYB_INVALID"),
            ("ACCEPTED", version.as_str(), "K-2026-117", "done=done.kyb"),
        ] {
            let fields = [("kyb", kyb), ("version", version), ("reference", reference)];
            let sent = operator.submit(&page, &to, &fields).await;
            assert!(sent.to.contains(came), "{came}: {} {}", sent.status, sent.to);
        }
        let path = format!("/lifecycle/v1/corporations/{}", scene.corporation);
        let told = sandbox.partner().get(&path).header("Issuer-Code", "sandbox");
        assert_eq!(expect(200, told).await["kyb"], "ACCEPTED");
    }

    /// What the partner was told is seen with its tries, and sent again.
    async fn a_notification_is_sent_again(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let card = of_card(&scene.story);
        let lock = format!("{card}/lock");
        let sent = browser.submit(&card, &lock, &[("reason", "PENDING_QUERY")]).await;
        assert!(sent.to.contains("done.card-locked"), "{}", sent.to);
        let list = "/panel/of/sandbox/notifications?event=cardLocked";
        testkit::eventually("it is told", WORKER, async || {
            browser.load(list).await.html.contains("state DELIVERED")
        })
        .await;
        let html = browser.load(list).await.html;
        let mark = "/panel/of/sandbox/notifications/";
        let at = html.find(mark).expect("a link") + mark.len();
        let page = format!("{mark}{}", &html[at..at + 36]);
        let sent = browser.submit(&page, &format!("{page}/resend"), &[]).await;
        assert!(sent.to.contains("?done=done.resent&"), "{} {}", sent.status, sent.to);
        testkit::eventually("it is told again", WORKER, async || {
            let html = browser.load(&page).await.html;
            ["<td>200</td>", "<td>204</td>"].iter().any(|it| html.matches(it).count() == 2)
        })
        .await;
    }
}
