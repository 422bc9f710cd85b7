//! An operator's commands about certificates.

use super::Desk;
use crate::failure::Failure;
use app::Refusal;
use app::audit::Operator;
use app::certificates::{Holder, Sign};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A certificate request to be signed, for a partner or for a processor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SignCertificate {
    /// The request as PEM.
    pub(crate) csr: String,
    /// The partner's code, or
    pub(crate) partner: Option<String>,
    /// the processor's name.
    pub(crate) processor: Option<String>,
    /// What the certificate allows; the usual scope where none is given.
    pub(crate) scopes: Vec<String>,
    /// How long it lasts.
    pub(crate) days: u32,
}

impl Desk {
    pub(super) async fn sign(
        &self,
        operator: &Operator,
        command: SignCertificate,
    ) -> Result<Value, Failure> {
        let authority = self.authority.as_ref().ok_or_else(|| {
            Failure::new("There is no certificate authority yet: run `antaca ca init` first.")
        })?;
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let (holder, usual) = match (&command.partner, &command.processor) {
            (Some(code), None) => (Holder::Partner(self.partner(code)?), "secure"),
            (None, Some(name)) => {
                let processor = settings.processor_of_name(name);
                let processor = processor.ok_or(app::Error::from(Refusal::ProcessorNotFound))?;
                (Holder::Processor(processor.id), "processor")
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(Failure::new("A certificate is a partner's or a processor's."));
            }
        };
        let scopes = command.scopes;
        let scopes = if scopes.is_empty() { vec![usual.to_owned()] } else { scopes };
        let sign = Sign { csr: command.csr, holder, scopes, days: command.days };
        let now = (self.real_time)();
        let pem = self.app.sign_certificate(operator, authority, sign, now).await?;
        Ok(json!({ "certificate": pem }))
    }
}
