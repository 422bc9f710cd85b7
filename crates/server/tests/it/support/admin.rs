//! Somebody with a panel account, who types a password and an authenticator's code.

use super::{Caller, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use totp_rs::Totp;

/// A panel account.
pub(crate) struct Admin {
    pub(crate) email: String,
    pub(crate) password: String,
    authenticator: Totp,
    /// What the authenticator reads.
    url: String,
}

impl Admin {
    /// As `antaca admin create` and `antaca admin reset` tell of it.
    pub(crate) fn told(told: &Value) -> Self {
        let text = |name: &str| told[name].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        let authenticator = Totp::from_url(text("authenticator")).expect("a URL");
        let (email, password, url) = (text("email"), text("password"), text("authenticator"));
        Self { email, password, authenticator, url }
    }

    /// The same account with what opens it from now on.
    pub(crate) fn renewed(&self, password: &str, authenticator: &str) -> Self {
        Self::told(&json!({
            "email": self.email, "password": password, "authenticator": authenticator,
        }))
    }

    /// Offers an authenticator of one's own: the offer's name, and the account with it.
    pub(crate) async fn offered(&self, caller: &Caller) -> (String, Self) {
        let post = caller.post("/admin/me/authenticator").send().await.expect("an answer");
        let told: Value = post.json().await.expect("JSON");
        let text = |name: &str| told[name].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        (text("offer"), self.renewed(&self.password, &text("authenticator")))
    }

    /// Makes an account that was shown to somebody else its owner's own.
    pub(crate) async fn taken_over(&self, caller: &Caller) -> Self {
        let (offer, own) = self.offered(caller).await;
        let own = Self { password: format!("{}-own-words", crate::story::unique()), ..own };
        let body = json!({
            "password": self.password, "newPassword": own.password, "offer": offer,
            "newTotp": own.code(-1),
        });
        let put = caller.put("/admin/me/secrets").json(&body).send().await.expect("an answer");
        assert_eq!(put.status(), 204, "{:?}", put.text().await);
        own
    }

    /// What it takes to sign in, for a browser that does it by itself.
    pub(crate) fn typed(&self) -> Value {
        json!({ "email": self.email, "password": self.password, "authenticator": self.url })
    }

    /// The code that the authenticator shows, or so many steps before or after.
    pub(crate) fn code(&self, steps: i64) -> String {
        let now = testkit::now().as_second() + steps * 30;
        self.authenticator.generate(u64::try_from(now).expect("after 1970")).to_string()
    }

    /// `POST /admin/sessions` with this code.
    pub(crate) fn signing_in(&self, sandbox: &Sandbox, code: &str) -> RequestBuilder {
        let body = json!({ "email": self.email, "password": self.password, "totp": code });
        sandbox.anonymous().post("/admin/sessions").json(&body)
    }

    /// Signs in; calls with the session's token.
    pub(crate) async fn sign_in(&self, sandbox: &Sandbox) -> Caller {
        self.sign_in_with(sandbox, 0).await
    }

    /// The same with the code of so many steps before or after: an early one leaves the next ones
    /// for what asks for a code of its own.
    pub(crate) async fn sign_in_with(&self, sandbox: &Sandbox, steps: i64) -> Caller {
        let told = self.signing_in(sandbox, &self.code(steps)).send().await.expect("an answer");
        let told: Value = told.json().await.expect("JSON");
        let token = told["token"].as_str().unwrap_or_else(|| panic!("{told}"));
        sandbox.anonymous().with_bearer(token)
    }
}

impl Sandbox {
    /// A panel account of a role, of a partner's or of the operator's, that is used as it is.
    pub(crate) async fn admin(&self, role: &str, partner: Option<&str>) -> Admin {
        self.admin_with(role, partner, &["--keep-secrets"]).await
    }

    /// The same, made with these options.
    pub(crate) async fn admin_with(
        &self,
        role: &str,
        partner: Option<&str>,
        more: &[&str],
    ) -> Admin {
        let email = format!("{}-{}@panel.test", role.to_lowercase(), crate::story::unique());
        let create = ["admin", "create", "--email", &email, "--role", role];
        let of = partner.map(|code| ["--partner", code]);
        let all = [&create[..], of.as_ref().map_or(&[], |of| &of[..]), more].concat();
        Admin::told(&self.antaca(&all).await.assert_done().json().remove(0))
    }
}
