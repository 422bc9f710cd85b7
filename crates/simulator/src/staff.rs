//! Somebody of the panel's people, who calls the admin API of a running sandbox.

use crate::sandbox::{SandboxFile, read};
use crate::target::{SimulatorError, refusal};
use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Longer than any answer that is of use.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A session.
pub struct Staff {
    client: Client,
    base: String,
    token: String,
}

impl Staff {
    /// Signs somebody in, with a password and the code that their authenticator shows.
    pub async fn sign_in(
        dir: &Path,
        email: &str,
        password: &str,
        code: &str,
    ) -> Result<Self, SimulatorError> {
        let file = SandboxFile::read(dir)?;
        let ca = read(&dir.join(&file.ca))?;
        let ca = Certificate::from_pem(&ca).map_err(SimulatorError::Certificates)?;
        let client = Client::builder().tls_backend_rustls().tls_certs_only([ca]).no_proxy();
        let client = client.https_only(true).timeout(TIMEOUT).build();
        let client = client.map_err(SimulatorError::Certificates)?;
        let base = format!("{}/admin", file.base_url.trim_end_matches('/'));
        let mut staff = Self { client, base, token: String::new() };
        let body = json!({ "email": email, "password": password, "totp": code });
        let request = staff.client.post(format!("{}/sessions", staff.base)).json(&body);
        let told = staff.told(request).await?;
        staff.token = told["token"].as_str().ok_or(SimulatorError::UnexpectedAnswer)?.to_owned();
        Ok(staff)
    }

    /// What is answered to a path behind `/admin`; a refusal is an error.
    pub async fn get(&self, path: &str) -> Result<Value, SimulatorError> {
        let request = self.client.get(format!("{}{path}", self.base));
        self.told(request.bearer_auth(&self.token)).await
    }

    async fn told(&self, request: RequestBuilder) -> Result<Value, SimulatorError> {
        let unreachable = |error| SimulatorError::Unreachable(self.base.clone(), error);
        let answer = request.send().await.map_err(unreachable)?;
        let is_good = answer.status().is_success();
        let body = answer.bytes().await.map_err(unreachable)?;
        if !is_good {
            return Err(refusal(&body));
        }
        serde_json::from_slice(&body).map_err(|_| SimulatorError::UnexpectedAnswer)
    }
}
