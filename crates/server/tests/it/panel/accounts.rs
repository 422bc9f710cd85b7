//! Accounts in the panel: who was made one signs in with what was shown once.

use super::unhurried;
use crate::story::{expect, unique};
use crate::support::{Admin, Browser, Loaded, Sandbox};
use serde_json::json;

/// The id of an account, as the operator's list tells it.
pub(super) async fn id_of(sandbox: &Sandbox, admin: &Admin) -> String {
    let operator = sandbox.admin("OPERATOR", None).await.sign_in(sandbox).await;
    let page = expect(200, operator.get("/admin/accounts?limit=200")).await;
    let all = page["items"].as_array().expect("a list");
    let found = all.iter().find(|it| it["email"] == admin.email.as_str()).expect("it is listed");
    found["accountId"].as_str().expect("an id").to_owned()
}

/// What was shown once, as whoever was given it uses it.
fn enrolled(email: &str, page: &Loaded) -> Admin {
    let codes: Vec<&str> =
        page.html.split("<code>").skip(1).filter_map(|it| it.split("</code>").next()).collect();
    let [password, secret] = codes[..] else { panic!("{}", page.html) };
    let url = format!("otpauth://totp/Antaca:{email}?secret={secret}&issuer=Antaca");
    Admin::told(&json!({ "email": email, "password": password, "authenticator": url }))
}

on_both_databases! {
    /// An ADMIN makes an account, changes what it may do, resets it and shuts it.
    async fn an_admin_manages_the_partners_accounts(database) {
        let sandbox = unhurried(database).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let (list, email) = ("/panel/of/sandbox/accounts", format!("{}@new.test", unique()));
        let fields = [("email", email.as_str()), ("role", "MANAGER")];
        let page = browser.submit(list, &format!("{list}/new"), &fields).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(page.html.contains("<svg class=\"qr\""), "{}", page.html);
        let made = enrolled(&email, &page);
        let theirs = Browser::signed_in(&sandbox, &made).await;
        assert_eq!(theirs.load("/panel/of/sandbox").await.status, 200);
        assert!(browser.load(list).await.html.contains(&email));

        let own = format!("{list}/{}", id_of(&sandbox, &made).await);
        let to = format!("{own}/role");
        let told = browser.submit(&own, &to, &[("role", "EMPLOYEE")]).await;
        assert!(told.to.starts_with(&format!("{own}?done=done.account-role")), "{told:?}");
        assert_eq!(theirs.load("/panel").await.to, "/panel/sign-in", "its sessions have ended");
        let page = browser.submit(&own, &format!("{own}/reset"), &[]).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let theirs = Browser::signed_in(&sandbox, &enrolled(&email, &page)).await;
        browser.submit(&own, &format!("{own}/sign-out"), &[]).await;
        assert_eq!(theirs.load("/panel").await.to, "/panel/sign-in");
        browser.submit(&own, &format!("{own}/disable"), &[]).await;
        assert!(browser.load(&own).await.html.contains("Open the account"));
        browser.submit(&own, &format!("{own}/enable"), &[]).await;
        assert!(browser.load(&own).await.html.contains("Shut the account"));
    }

    /// A form that is sent twice makes one account, and shows what opens it once; one's own
    /// account can't be reset, and no role is given that isn't the page's to give.
    async fn what_opens_an_account_is_shown_once(database) {
        let sandbox = unhurried(database).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let (list, email) = ("/panel/of/sandbox/accounts", format!("{}@new.test", unique()));
        let page = browser.load(list).await;
        let hidden = [("csrf", page.hidden("csrf")), ("once", page.hidden("once"))];
        let fields = [&hidden[..], &[("email", email.as_str()), ("role", "ADMIN")]].concat();
        let first = browser.send(&format!("{list}/new"), &fields).await;
        let second = browser.send(&format!("{list}/new"), &fields).await;
        assert_eq!((first.status, second.status), (200, 200));
        assert!(first.html.contains("<svg") && !second.html.contains("<svg"), "{}", second.html);
        enrolled(&email, &first).sign_in(&sandbox).await;

        let fields = [("email", "olga@new.test"), ("role", "OPERATOR")];
        let told = browser.submit(list, &format!("{list}/new"), &fields).await;
        assert!(told.to.starts_with(&format!("{list}?failed=ADMIN_INVALID")), "{told:?}");
        let own = format!("{list}/{}", id_of(&sandbox, &admin).await);
        let token = browser.load(&own).await.hidden("csrf").to_owned();
        assert!(!browser.load(&own).await.html.contains("/reset"), "it isn't offered");
        let told = browser.send(&format!("{own}/reset"), &[("csrf", &token)]).await;
        assert!(told.to.contains("ADMIN_IS_YOURSELF"), "{told:?}");
        // Of another partner it isn't there, whoever asks on this partner's page.
        let other = sandbox.admin("EMPLOYEE", Some("shared")).await;
        let other = id_of(&sandbox, &other).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let operator = Browser::signed_in(&sandbox, &operator).await;
        for browser in [&browser, &operator] {
            assert_eq!(browser.load(&format!("{list}/{other}")).await.status, 404);
        }
        assert_eq!(operator.load(&format!("/panel/accounts/{other}")).await.status, 200);
        let fields = [("email", "olga@new.test"), ("role", "OPERATOR")];
        let page = operator.submit("/panel/accounts", "/panel/accounts/new", &fields).await;
        enrolled("olga@new.test", &page).sign_in(&sandbox).await;
    }
}
