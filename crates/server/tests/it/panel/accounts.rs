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

/// Whoever was made an account makes it their own: nothing else opens before, and the form tells
/// what is wrong with what they have typed, beside the same QR code.
async fn made_their_own(sandbox: &Sandbox, made: &Admin) -> (Browser, Admin) {
    let browser = Browser::signed_in(sandbox, made).await;
    let own = "/panel/account/secrets";
    for path in ["/panel", "/panel/account", "/panel/of/sandbox/users", "/panel/nothing"] {
        let told = browser.load(path).await;
        let wanted = if path == "/panel/nothing" { (404, "") } else { (303, own) };
        assert_eq!((told.status, told.to.as_str()), wanted, "{path}");
    }
    let page = browser.load(own).await;
    assert!(
        page.html.contains("<svg class=\"qr\"") && !page.html.contains("<nav"),
        "{}",
        page.html
    );
    let secret = page.html.split("<code>").nth(1).and_then(|it| it.split("</code>").next());
    let secret = secret.expect("a secret");
    let new = format!("{}-own-words", unique());
    let url = format!("otpauth://totp/Antaca:a?secret={secret}&issuer=Antaca");
    let theirs = made.renewed(&new, &url);
    let hidden = [("csrf", page.hidden("csrf")), ("offer", page.hidden("offer"))];
    let code = theirs.code(-1);
    let typed = |password, new, again| {
        let fields = [("password", password), ("newPassword", new), ("again", again)];
        [&hidden[..], &fields, &[("newTotp", code.as_str())]].concat()
    };
    let given = made.password.as_str();
    for (fields, words) in [
        (typed(given, &new, "another"), "aren&#39;t the same"),
        (typed(given, given, given), "isn&#39;t the one before"),
        (typed(given, "password1234", "password1234"), "was leaked somewhere"),
        (typed("wrong", &new, &new), "signed in with is wrong"),
    ] {
        let told = browser.send(own, &fields).await;
        assert_eq!(told.status, 422, "{words}");
        assert!(told.html.contains(words) && told.html.contains(secret), "{words}: {}", told.html);
    }
    let told = browser.send(own, &typed(given, &new, &new)).await;
    assert!(told.to.starts_with("/panel/account?done=done.authenticator"), "{told:?}");
    assert_eq!(browser.load(own).await.to, "/panel/account");
    (browser, theirs)
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
        let (list, email) = ("/panel/of/sandbox/accounts", format!("made-{}@new.test", unique()));
        let fields = [("email", email.as_str()), ("role", "MANAGER")];
        let page = browser.submit(list, &format!("{list}/new"), &fields).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(page.html.contains("<svg class=\"qr\""), "{}", page.html);
        let made = enrolled(&email, &page);
        let (theirs, taken) = made_their_own(&sandbox, &made).await;
        assert_eq!(theirs.load("/panel/of/sandbox").await.status, 200);
        let nobody = Browser::of(&sandbox);
        assert_eq!(nobody.sign_in(&made, &made.code(1), "").await.status, 401, "it was shown");
        assert_eq!(nobody.sign_in(&taken, &taken.code(0), "").await.status, 303);
        assert!(browser.load(list).await.html.contains(&email));

        let own = format!("{list}/{}", id_of(&sandbox, &made).await);
        let to = format!("{own}/role");
        let told = browser.submit(&own, &to, &[("role", "EMPLOYEE")]).await;
        assert!(told.to.starts_with(&format!("{own}?done=done.account-role")), "{told:?}");
        assert_eq!(theirs.load("/panel").await.to, "/panel/sign-in", "its sessions have ended");
        let page = browser.submit(&own, &format!("{own}/reset"), &[]).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(browser.load(&own).await.html.contains("to be changed at the next sign-in"));
        let theirs = Browser::signed_in(&sandbox, &enrolled(&email, &page)).await;
        assert_eq!(theirs.load("/panel").await.to, "/panel/account/secrets");
        let token = theirs.load("/panel/account/secrets").await.hidden("csrf").to_owned();
        let told = theirs.send("/panel/of/sandbox/accounts/new", &[("csrf", &token)]).await;
        assert_eq!(told.to, "/panel/account/secrets", "a form isn't done either");
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
        let (list, email) = ("/panel/of/sandbox/accounts", format!("made-{}@new.test", unique()));
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
        assert!(told.html.contains("A panel account has an e-mail address"), "{told:?}");
        let own = format!("{list}/{}", id_of(&sandbox, &admin).await);
        let token = browser.load(&own).await.hidden("csrf").to_owned();
        assert!(!browser.load(&own).await.html.contains("/reset"), "it isn't offered");
        let told = browser.send(&format!("{own}/reset"), &[("csrf", &token)]).await;
        assert!(told.to.contains("ADMIN_IS_YOURSELF"), "{told:?}");
        // Of another partner it isn't there, whoever asks on this partner's page.
        let other = sandbox.admin("EMPLOYEE", Some("shared")).await;
        let other = id_of(&sandbox, &other).await;
        let codes = sandbox.admin("OPERATOR", None).await;
        let operator = Browser::signed_in(&sandbox, &codes).await;
        for browser in [&browser, &operator] {
            assert_eq!(browser.load(&format!("{list}/{other}")).await.status, 404);
        }
        assert_eq!(operator.load(&format!("/panel/accounts/{other}")).await.status, 200);
        let fields = [("email", "olga@new.test"), ("role", "OPERATOR")];
        let told = operator.submit("/panel/accounts", "/panel/accounts/new", &fields).await;
        assert!(told.status == 422 && told.html.contains("olga@new.test"), "{told:?}");
        let code = codes.code(1);
        let fields = [&fields[..], &[("totp", code.as_str())]].concat();
        let page = operator.submit("/panel/accounts", "/panel/accounts/new", &fields).await;
        enrolled("olga@new.test", &page).sign_in(&sandbox).await;
    }

    /// One's own password and authenticator are changed with what opens the account until then.
    async fn somebody_changes_their_own_password_and_authenticator(database) {
        let sandbox = unhurried(database).await;
        let admin = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let mut browser = Browser::of(&sandbox);
        browser.take(&browser.sign_in(&admin, &admin.code(-1), "").await);
        let own = "/panel/account";
        let token = browser.load(own).await.hidden("csrf").to_owned();
        let new = format!(" {}-own words ", unique());
        let (code, to) = (admin.code(0), format!("{own}/password"));
        let typed = |password, again| {
            vec![("csrf", token.as_str()), ("totp", code.as_str()), ("password", password),
                ("newPassword", new.as_str()), ("again", again)]
        };
        let told = browser.send(&to, &typed("wrong", &new)).await;
        assert_eq!(told.status, 422);
        assert!(told.html.contains("signed in with is wrong"), "{}", told.html);
        assert_eq!(browser.send(&to, &typed(&admin.password, new.trim())).await.status, 422);
        let told = browser.send(&to, &typed(&admin.password, &new)).await;
        assert!(told.to.starts_with("/panel/account?done=done.password"), "{told:?}");
        assert!(browser.load(&told.to).await.html.contains("The password is changed"));

        let to = format!("{own}/authenticator");
        let page = browser.load(&to).await;
        let secret = page.html.split("<code>").nth(1).and_then(|it| it.split("</code>").next());
        let url = format!("otpauth://totp/Antaca:a?secret={}&issuer=Antaca", secret.expect("one"));
        let next = admin.renewed(&new, &url);
        let (old, fresh) = (admin.code(1), next.code(-1));
        let send = |code: &str| {
            let fields = [("csrf", token.clone()), ("offer", page.hidden("offer").to_owned()),
                ("password", new.clone()), ("totp", old.clone()), ("newTotp", code.to_owned())];
            let (browser, to) = (browser.clone(), to.clone());
            async move {
                let fields: Vec<_> = fields.iter().map(|it| (it.0, it.1.as_str())).collect();
                browser.send(&to, &fields).await
            }
        };
        let told = send("000000").await;
        assert_eq!(told.status, 422);
        assert!(told.html.contains(secret.expect("one")), "the same QR code: {}", told.html);
        let told = send(&fresh).await;
        assert!(told.to.starts_with("/panel/account?done=done.authenticator"), "{told:?}");
        let nobody = Browser::of(&sandbox);
        assert_eq!(nobody.sign_in(&next, &next.code(0), "").await.status, 303, "blanks and all");
    }
}
