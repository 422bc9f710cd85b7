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
        let told = self.signing_in(sandbox, &self.code(0)).send().await.expect("an answer");
        let told: Value = told.json().await.expect("JSON");
        let token = told["token"].as_str().unwrap_or_else(|| panic!("{told}"));
        sandbox.anonymous().with_bearer(token)
    }
}

impl Sandbox {
    /// A panel account of a role, of a partner's or of the operator's.
    pub(crate) async fn admin(&self, role: &str, partner: Option<&str>) -> Admin {
        let email = format!("{}-{}@panel.test", role.to_lowercase(), crate::story::unique());
        let create = ["admin", "create", "--email", &email, "--role", role];
        let of = partner.map(|code| ["--partner", code]);
        let all = [&create[..], of.as_ref().map_or(&[], |of| &of[..])].concat();
        Admin::told(&self.antaca(&all).await.assert_done().json().remove(0))
    }
}
