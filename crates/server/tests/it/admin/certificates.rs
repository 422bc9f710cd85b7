//! Certificates, signed and revoked by the operator under `/admin/certificates`.

use crate::audit::records;
use crate::story::{expect, register, registration, unique};
use crate::support::Sandbox;
use crypto::certificates::client_key_and_csr;
use serde_json::json;

const CERTIFICATES: &str = "/admin/certificates";

on_both_databases! {
    /// What was signed opens the partner's channel until it is revoked; a retry signs no other.
    async fn a_certificate_is_signed_and_revoked(database) {
        let mut sandbox = Sandbox::start(database).await;
        let codes = sandbox.admin("OPERATOR", None).await;
        let operator = codes.sign_in(&sandbox).await;
        let name = format!("sandbox-{}", unique());
        let (key, csr) = client_key_and_csr(&name);
        let mut body = json!({ "csr": csr, "partner": "sandbox", "days": 30 });
        let told = expect(403, operator.post(CERTIFICATES).json(&body)).await;
        assert_eq!(told["title"], "CONFIRMATION_REQUIRED");
        body["totp"] = codes.code(1).into();
        let idempotency = format!("key-{}", unique());
        let post =
            || operator.post(CERTIFICATES).header("X-Idempotency-Key", &idempotency).json(&body);
        let signed = expect(201, post()).await;
        assert_eq!(expect(201, post()).await, signed, "once");
        let told = expect(403, operator.post(CERTIFICATES).json(&body)).await;
        assert_eq!(told["title"], "CONFIRMATION_REFUSED", "a code is good for one");
        assert_eq!(signed["scopes"], json!(["secure"]));
        let pem = signed["certificate"].as_str().expect("a PEM");
        let partner = sandbox.with_certificate(pem, &key);
        expect(201, register(&partner, &registration())).await;

        let print = signed["fingerprint"].as_str().expect("digits");
        let of = format!("{CERTIFICATES}/{print}");
        let mut held = signed.clone();
        held.as_object_mut().expect("an object").remove("certificate");
        assert_eq!(expect(200, operator.get(&of)).await, held);
        let (mut found, mut after) = (0, String::new());
        loop {
            let path = format!("{CERTIFICATES}?partner=sandbox&limit=1{after}");
            let page = expect(200, operator.get(&path)).await;
            for it in page["items"].as_array().expect("a list") {
                assert_eq!(it["partner"], "sandbox");
                found += usize::from(it["fingerprint"] == print);
            }
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, 1);

        for _ in 0..2 {
            expect(204, operator.post(&format!("{of}/revoke"))).await;
        }
        let refused = expect(401, register(&partner, &registration())).await;
        assert_eq!(refused["title"], "CERTIFICATE_REVOKED");
        assert!(expect(200, operator.get(&of)).await["revokedAt"].is_string());
        expect(201, register(sandbox.partner(), &registration())).await;

        let records = records(&mut sandbox).await;
        let own = records.values().flatten().filter(|it| it.object == name);
        let done = own.inspect(|it| assert!(it.actor.starts_with("admin:"), "{it:?}"));
        let mut done: Vec<&str> = done.map(|it| it.action.as_str()).collect();
        done.sort_unstable();
        assert_eq!(done, ["certificate.revoke", "certificate.sign"]);
    }

    /// What isn't a request, isn't the holder's to have, or is another's name, is refused.
    async fn what_cannot_be_signed_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let codes = sandbox.admin("OPERATOR", None).await;
        let operator = codes.sign_in_with(&sandbox, -1).await;
        let csr = |name: &str| client_key_and_csr(name).1;
        for (body, status, title) in [
            (json!({ "csr": "no", "partner": "sandbox" }), 422, "CSR_REFUSED"),
            (json!({ "csr": csr("a"), "partner": "nobody" }), 404, "PARTNER_NOT_FOUND"),
            (json!({ "csr": csr("a"), "partner": "shared", "scopes": ["iban"] }), 403,
             "SCOPE_REFUSED"),
            (json!({ "csr": csr("a"), "operator": "treasury" }), 403, "SCOPE_REFUSED"),
            (json!({ "csr": csr("a"), "operator": "No!", "scopes": ["iban"] }), 422,
             "OPERATOR_NAME_INVALID"),
            (json!({ "csr": csr("sandbox"), "partner": "shared", "totp": codes.code(0) }), 409,
             "COMMON_NAME_TAKEN"),
            (json!({ "csr": csr("a") }), 422, "VALIDATION_ERROR"),
            (json!({ "csr": csr("a"), "partner": "shared", "operator": "b" }), 422,
             "VALIDATION_ERROR"),
            (json!({ "csr": csr("a"), "partner": "shared", "days": 826 }), 422,
             "VALIDATION_ERROR"),
        ] {
            let told = expect(status, operator.post(CERTIFICATES).json(&body)).await;
            assert_eq!(told["title"], title, "{body}");
        }
        let iban = json!({ "csr": csr("iban-desk"), "operator": "treasury", "scopes": ["iban"],
            "totp": codes.code(1) });
        let signed = expect(201, operator.post(CERTIFICATES).json(&iban)).await;
        assert_eq!(signed["operator"], "treasury");
    }
}
