//! Certificates in the panel: signed from a pasted request, revoked.

use super::again::shown;
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
        let told = browser.submit(list, sign, &fields).await;
        assert!(told.status == 422 && told.html.contains("This needs a code"), "{told:?}");
        assert_eq!(shown(&told, sign, "csr"), csr.trim(), "what was pasted is still there");
        assert_eq!(shown(&told, sign, "days"), "30");
        let code = operator.code(1);
        let fields = [&fields[..], &[("totp", code.as_str())]].concat();
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
        let ticked = "name=\"scope.iban\" value=\"on\" checked";
        assert!(told.status == 422 && told.html.contains(ticked), "{told:?}");
    }

    /// The request may be a file; what isn't one is refused in words, and without the session's
    /// token nothing is read.
    async fn an_operator_sends_a_request_as_a_file(database) {
        let sandbox = unhurried(database).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let name = format!("sandbox-{}", unique());
        let (key, csr) = client_key_and_csr(&name);
        let (list, sign) = ("/panel/certificates", "/panel/certificates/sign");
        let code = operator.code(1);
        let fields = [("kind", "partner"), ("holder", "sandbox"), ("days", "30"), ("csr", ""),
            ("totp", code.as_str())];
        for no_request in [vec![0x30, 0x82, 0, 0xff, 1], b"what?".to_vec(), Vec::new()] {
            let told = browser.upload(list, sign, &fields, ("csrFile", no_request)).await;
            assert!(told.status == 422 && told.html.contains("role=\"alert\""), "{told:?}");
        }
        let large = vec![b'a'; 70_000];
        let told = browser.upload(list, sign, &fields, ("csrFile", large)).await;
        assert_eq!(told.status, 413, "{told:?}");
        let wrong = [&fields[..], &[("csrf", "wrong")]].concat();
        let told = browser.upload(list, sign, &wrong, ("csrFile", csr.clone().into_bytes())).await;
        assert_eq!(told.status, 403, "{told:?}");
        let page = browser.upload(list, sign, &fields, ("csrFile", csr.into_bytes())).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let mark = "href=\"data:application/x-pem-file,";
        let file = page.html.split(mark).nth(1).and_then(|it| it.split('"').next());
        let file = file.expect("a file");
        let digits = file.split('%').skip(1).map(|it| u8::from_str_radix(it, 16).expect("a byte"));
        let pem = String::from_utf8(digits.collect()).expect("a text");
        assert!(page.html.contains(&format!("download=\"{name}.pem\"")), "{}", page.html);
        let partner = sandbox.with_certificate(&pem, &key);
        expect(201, register(&partner, &registration())).await;
    }
}
