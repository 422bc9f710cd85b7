//! Certificates in the panel: signed from a pasted request, revoked.

use super::unhurried;
use crate::story::{expect, register, registration, unique};
use crate::support::Browser;
use crypto::certificates::client_key_and_csr;

on_both_databases! {
    /// What was pasted is signed, saved from the answer and used until it is revoked.
    async fn an_operator_signs_and_revokes_a_certificate(database) {
        let sandbox = unhurried(database).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let name = format!("sandbox-{}", unique());
        let (key, csr) = client_key_and_csr(&name);
        let (list, sign) = ("/panel/certificates", "/panel/certificates/sign");
        let fields = [("kind", "partner"), ("holder", "sandbox"), ("days", "30"),
            ("csr", csr.as_str())];
        let page = browser.submit(list, sign, &fields).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let rest = page.html.split("-----BEGIN CERTIFICATE-----").nth(1).expect("a PEM");
        let body = rest.split("-----END CERTIFICATE-----").next().expect("its end");
        let pem = format!(
            "-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----\n",
            body.replace("&#43;", "+").replace("&#61;", "="),
        );
        let partner = sandbox.with_certificate(&pem, &key);
        expect(201, register(&partner, &registration())).await;

        let mark = format!("href=\"{list}/");
        let link = page.html.rsplit(&mark).next().expect("a link");
        let own = format!("{list}/{}", link.split('"').next().expect("a quote"));
        let listed = browser.load(&format!("{list}?partner=sandbox")).await;
        assert!(listed.html.contains(&own) && listed.html.contains(&name), "{}", listed.html);
        let told = browser.submit(&own, &format!("{own}/revoke"), &[]).await;
        assert!(told.to.contains("done=done.certificate-revoked"), "{told:?}");
        assert!(!browser.load(&own).await.html.contains("/revoke"), "it isn't offered again");
        let refused = expect(401, register(&partner, &registration())).await;
        assert_eq!(refused["title"], "CERTIFICATE_REVOKED");

        let fields = [("kind", "partner"), ("holder", "sandbox"), ("scope.iban", "on"),
            ("csr", csr.as_str())];
        let told = browser.submit(list, sign, &fields).await;
        assert!(told.to.contains("failed=SCOPE_REFUSED"), "{told:?}");
    }
}
