//! An operator's commands about certificates.

use super::Desk;
use crate::failure::Failure;
use app::Refusal;
use app::audit::Operator;
use app::certificates::{Certificate, Holder, Named, Sign, certificate_json};
use app::outbound::our_certificate_json;
use app::settings::Snapshot;
use clap::Args;
use crypto::certificates::Authority;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A certificate request to be signed, for one of these holders.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SignCertificate {
    /// The request as PEM.
    pub(crate) csr: String,
    /// Whom it is for.
    pub(crate) holder: HolderArgs,
    /// What the certificate allows; the usual scope where none is given.
    pub(crate) scopes: Vec<String>,
    /// How long it lasts.
    pub(crate) days: u32,
}

/// Whose a certificate is; one of them at most.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[group(multiple = false)]
pub(crate) struct HolderArgs {
    /// The Issuer-Code of the partner whose it is
    #[arg(long, value_name = "CODE")]
    pub(crate) partner: Option<String>,
    /// The name of the processor whose it is
    #[arg(long, value_name = "NAME")]
    pub(crate) processor: Option<String>,
    /// The name of the operator's own system whose it is
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Option<String>,
}

impl HolderArgs {
    /// The holder of this name; `None` where nobody is named.
    fn find(&self, settings: &Snapshot) -> Result<Option<Holder>, Failure> {
        let unknown = |refusal| Failure::from(app::Error::from(refusal));
        match (&self.partner, &self.processor, &self.operator) {
            (Some(code), None, None) => {
                let partner = settings.partner_of_code(code);
                let partner = partner.ok_or_else(|| unknown(Refusal::PartnerNotFound))?;
                Ok(Some(Holder::Partner(partner.id)))
            }
            (None, Some(name), None) => {
                let processor = settings.processor_of_name(name);
                let processor = processor.ok_or_else(|| unknown(Refusal::ProcessorNotFound))?;
                Ok(Some(Holder::Processor(processor.id)))
            }
            (None, None, Some(name)) => Ok(Some(Holder::Operator(name.clone()))),
            (None, None, None) => Ok(None),
            _ => Err(Failure::new("A certificate has one holder.")),
        }
    }
}

/// Which certificate is to be revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum RevokeCertificate {
    /// The one of this SHA-256 of the DER, in hexadecimal.
    Fingerprint(String),
    /// The one of this serial number, in hexadecimal.
    Serial(String),
    /// The one of this CN that is in force.
    Name(String),
}

/// Whose certificates to list; all of them where nobody is named.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListCertificates {
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
}

impl Desk {
    pub(super) async fn sign(
        &self,
        operator: &Operator,
        command: SignCertificate,
    ) -> Result<Value, Failure> {
        let authority = self.authority()?;
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let holder = command.holder.find(&settings)?.ok_or_else(|| {
            Failure::new("A certificate is a partner's, a processor's or the operator's own.")
        })?;
        let named = Some(command.scopes).filter(|scopes| !scopes.is_empty());
        let scopes = named.unwrap_or_else(|| holder.usual_scopes());
        if scopes.is_empty() {
            return Err(Failure::new(
                "Say with --scope what an operator's certificate allows: collateral or iban.",
            ));
        }
        let sign = Sign { csr: command.csr, holder, scopes, days: command.days };
        let now = (self.real_time)();
        let pem = self.app.sign_certificate(operator, authority, sign, now).await?;
        Ok(json!({ "certificate": pem }))
    }

    pub(super) async fn revoke(
        &self,
        operator: &Operator,
        command: RevokeCertificate,
    ) -> Result<Value, Failure> {
        let named = match command {
            RevokeCertificate::Fingerprint(digits) => Named::Fingerprint(digits),
            RevokeCertificate::Serial(digits) => Named::Serial(digits),
            RevokeCertificate::Name(name) => Named::CommonName(name),
        };
        let now = (self.real_time)();
        let revoked = self.app.revoke_certificate(operator, &named, now).await?;
        Ok(certificate_json(&revoked, &self.app.settings.get()))
    }

    pub(super) async fn list_certificates(
        &self,
        command: &ListCertificates,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let holder = command.holder.find(&settings)?;
        let wanted = |held: &Certificate| holder.as_ref().is_none_or(|holder| holder.holds(held));
        let held = settings.certificates().into_iter().filter(|held| wanted(held));
        let mut lines: Vec<Value> = held.map(|held| certificate_json(held, &settings)).collect();
        let ours = settings.outbounds().into_iter().filter(|outbound| {
            holder.as_ref().is_none_or(|holder| *holder == Holder::Partner(outbound.partner))
        });
        for outbound in ours {
            let code = settings.partner(outbound.partner).map_or("", |partner| &partner.code);
            let line = our_certificate_json(outbound, code);
            lines.extend(line.map_err(|error| {
                Failure::new(format!("Our certificate for {code} can't be read: it {error}."))
            })?);
        }
        Ok(lines.into())
    }

    pub(super) async fn make_revocation_list(&self) -> Result<Value, Failure> {
        let authority = self.authority()?;
        let pem = self.app.revocation_list(authority, (self.real_time)()).await?;
        Ok(json!({ "crl": pem }))
    }

    fn authority(&self) -> Result<&Authority, Failure> {
        self.authority.as_deref().ok_or_else(|| {
            Failure::new("There is no certificate authority yet: run `antaca ca init` first.")
        })
    }
}
