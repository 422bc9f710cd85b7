//! Where the messages go: a running sandbox, found by its folder and called as its processor.

use crate::random::uuid;
use crate::sandbox::{SandboxFile, read};
use reqwest::{Certificate, Client, Identity, redirect};
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than any server that works takes to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the server said to a message, with the message's own `transactionId` and
/// `transactionDate` beside it: a later message refers to it by those.
pub type Answer = Result<Value, SimulatorError>;

/// Why a message couldn't be sent or wasn't understood.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// There is no `sandbox.json` in this folder.
    #[error(
        "no sandbox is serving from {dir}; start one with `antaca sandbox --data {dir}`",
        dir = .0.display()
    )]
    NoSandbox(PathBuf),
    /// This file of the sandbox is missing or damaged.
    #[error("{} can't be read; start the sandbox again", .0.display())]
    Unreadable(PathBuf, #[source] Box<dyn Error + Send + Sync>),
    /// The certificates can't be used.
    #[error("the sandbox's certificates can't be used")]
    Certificates(#[source] reqwest::Error),
    /// The server doesn't answer at this address.
    #[error("{0} doesn't answer; is the sandbox still running?")]
    Unreachable(String, #[source] reqwest::Error),
    /// No connection can be made to this host, for this reason.
    #[error("{0} can't be connected to: {1}")]
    NoConnection(String, String),
    /// The server didn't take the message, for this reason.
    #[error("{0}")]
    Refused(String),
    /// The answer isn't what this version of the server answers.
    #[error("the server's answer was not understood")]
    UnexpectedAnswer,
}

/// A running sandbox and a connection to it.
#[derive(Clone, Debug)]
pub struct Target {
    client: Client,
    base_url: String,
}

impl Target {
    /// The sandbox that serves from this folder, called with its processor's certificate. The
    /// caller has installed rustls' default provider before.
    pub fn of_sandbox(dir: &Path) -> Result<Self, SimulatorError> {
        let sandbox = SandboxFile::read(dir)?;
        let ca = read(&dir.join(&sandbox.ca))?;
        let identity = sandbox.processor.identity(dir)?;
        let client = client(&ca, &identity).map_err(SimulatorError::Certificates)?;
        let base_url = sandbox.base_url.trim_end_matches('/').to_owned();
        Ok(Self { client, base_url })
    }

    /// Posts a message under a key of its own.
    pub(crate) async fn send(&self, what: &str, message: Value) -> Answer {
        let url = format!("{}/processor/v1/{what}", self.base_url);
        let request = self.client.post(&url).header("X-Idempotency-Key", uuid()).json(&message);
        let unreachable = |error| SimulatorError::Unreachable(url.clone(), error);
        let response = request.send().await.map_err(unreachable)?;
        let success = response.status().is_success();
        let body = response.bytes().await.map_err(unreachable)?;
        if !success {
            return Err(refusal(&body));
        }
        let answer = serde_json::from_slice(&body).map_err(|_| SimulatorError::UnexpectedAnswer)?;
        let Value::Object(mut answer) = answer else {
            return Err(SimulatorError::UnexpectedAnswer);
        };
        for name in ["transactionId", "transactionDate"] {
            if let Some(told) = message.get(name) {
                answer.insert(name.to_owned(), told.clone());
            }
        }
        Ok(Value::Object(answer))
    }
}

/// A client with a certificate, that trusts one authority.
pub(crate) fn client(ca: &[u8], identity: &[u8]) -> reqwest::Result<Client> {
    Client::builder()
        .tls_backend_rustls()
        .tls_certs_only(Certificate::from_pem_bundle(ca)?)
        .identity(Identity::from_pem(identity)?)
        .https_only(true)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
}

/// The title, detail and violations of a problem in one line.
pub(crate) fn refusal(body: &[u8]) -> SimulatorError {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let title = text(&problem, "title");
    if title.is_empty() {
        return SimulatorError::UnexpectedAnswer;
    }
    let violations = problem["violations"].as_array().into_iter().flatten();
    let faults: Vec<String> =
        violations.map(|v| format!("{} {}", text(v, "field"), text(v, "message"))).collect();
    let mut words = format!("{title}: {}", text(&problem, "detail"));
    if !faults.is_empty() {
        words.push_str(&format!(" ({})", faults.join("; ")));
    }
    SimulatorError::Refused(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_sandbox_the_error_says_how_to_start_one() {
        let error = Target::of_sandbox("no-such-folder".as_ref()).expect_err("no sandbox");
        assert_eq!(
            error.to_string(),
            "no sandbox is serving from no-such-folder; \
             start one with `antaca sandbox --data no-such-folder`"
        );
    }

    #[test]
    fn a_problem_is_told_with_its_fields() {
        let problem = br#"{"title": "VALIDATION_ERROR", "detail": "Not valid.", "status": 422,
            "violations": [{"field": "currency", "message": "must be an ISO 4217 code"}]}"#;
        let told = refusal(problem).to_string();
        assert_eq!(told, "VALIDATION_ERROR: Not valid. (currency must be an ISO 4217 code)");
    }

    #[test]
    fn an_answer_that_is_no_problem_is_not_repeated() {
        let told = refusal(b"<html>secret</html>").to_string();
        assert_eq!(told, "the server's answer was not understood");
    }
}
