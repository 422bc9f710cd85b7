//! Partners in the panel: made, changed and closed by the operator.

use super::unhurried;
use crate::story::{expect, unique};
use crate::support::Browser;
use crypto::certificates::Authority;
use serde_json::json;

on_both_databases! {
    /// A form changes what somebody has changed in it, and nothing that was changed meanwhile.
    async fn an_operator_makes_and_changes_a_partner(database) {
        let sandbox = unhurried(database).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let api = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        let code = format!("acme-{}", unique());
        let (new, page) = ("/panel/new-partner", format!("/panel/partners/{code}"));
        let fields = [("code", code.as_str()), ("name", "Acme Bank"), ("kycMode", "EXTERNAL"),
            ("timeZone", "Europe/Warsaw"), ("sessionMinutes", "10")];
        let told = browser.submit(new, "/panel/new-partner", &fields).await;
        assert!(told.to.starts_with(&format!("{page}?done=done.partner-made")), "{told:?}");
        let told = browser.submit(new, "/panel/new-partner", &fields).await;
        assert!(told.html.contains("Another partner has this code"), "{told:?}");
        assert!(browser.load("/panel/partners").await.html.contains(&page));

        let admin = format!("/admin/partners/{code}");
        expect(204, api.put(&admin).json(&json!({ "asksAtOnce": 7 }))).await;
        let fields = [("was.asksAtOnce", "64"), ("asksAtOnce", "64"), ("was.kycMode", "EXTERNAL"),
            ("kycMode", "MANUAL"), ("was.standIn", ""), ("standIn", "2500")];
        let told = browser.submit(&page, &format!("{page}/set"), &fields).await;
        assert!(told.to.contains("done=done.partner-set"), "{told:?}");
        // What nobody touches stays as somebody else has set it meanwhile.
        let told = json!({ "notifications": ["otp", "cardUnlocked"] });
        expect(204, api.put(&admin).json(&told)).await;
        let fields = [("event.cardLocked", "on"), ("was.event.cardUnlocked", "on"),
            ("was.encryptNotifications", "off"), ("encryptNotifications", "on")];
        browser.submit(&page, &format!("{page}/notifications"), &fields).await;
        let told = expect(200, api.get(&admin)).await;
        for (name, value) in [
            ("asksAtOnce", json!(7)),
            ("kycMode", json!("MANUAL")),
            ("standIn", json!(2500)),
            ("timeZone", json!("Europe/Warsaw")),
            ("notifications", json!(["otp", "cardLocked"])),
            ("encryptNotifications", json!(true)),
        ] {
            assert_eq!(told[name], value, "{name}");
        }
        let fields = [("was.timeZone", "Europe/Warsaw"), ("timeZone", "Mars/Base")];
        let told = browser.submit(&page, &format!("{page}/set"), &fields).await;
        assert!(told.html.contains("no such IANA time zone"), "{told:?}");

        let ca = Authority::create("Acme CA", "2026-01-01T00:00:00Z".parse().expect("a time"));
        let (url, pem) = ("https://acme.example/antaca", ca.certificate_pem());
        let code_of_now = operator.code(1);
        let fields = [("baseUrl", url), ("trustedCa", pem), ("totp", code_of_now.as_str())];
        let told = browser.submit(&page, &format!("{page}/calls"), &fields).await;
        assert!(told.to.contains("done=done.partner-set"), "{told:?}");
        let fields = [("was.baseUrl", ""), ("baseUrl", "ftp://acme.example")];
        let told = browser.submit(&page, &format!("{page}/calls"), &fields).await;
        assert!(told.status == 422 && told.html.contains("ftp://acme.example"), "{told:?}");
        let shown = browser.load(&page).await.html;
        let programs = format!("/panel/programs?partner={code}");
        for part in ["acme.example", "Acme CA", "be called yet", &programs] {
            assert!(shown.contains(part), "{part}: {shown}");
        }

        let of = format!("/panel/of/{code}");
        assert_eq!(browser.load(&of).await.status, 200);
        browser.submit(&page, &format!("{page}/close"), &[]).await;
        assert_eq!(browser.load(&of).await.status, 404);
        browser.submit(&page, &format!("{page}/open"), &[]).await;
        assert_eq!(browser.load(&of).await.status, 200);
    }
}
