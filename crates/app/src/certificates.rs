//! Client certificates: sign, register.

use crate::audit::Operator;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::certificates::{Authority, CsrError, Signed};
use domain::Timestamp;
use domain::ids::{PartnerId, ProcessorId};
use serde_json::json;
use store::db::Tx;
use store::{certificates, instance};

/// A registered certificate.
pub use store::certificates::Certificate;

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A partner.
    Partner(PartnerId),
    /// A processor.
    Processor(ProcessorId),
}

/// What is asked of the authority.
#[derive(Clone, Debug)]
pub struct Sign {
    /// The request, PEM.
    pub csr: String,
    /// Whom it is for.
    pub holder: Holder,
    /// What the certificate allows: `secure`, `partner-balance-create`, or `processor`.
    pub scopes: Vec<String>,
    /// How long it lasts, in days.
    pub days: u32,
}

/// Scopes that a partner's certificate may have.
const PARTNER_SCOPES: &[&str] = &["secure", "partner-balance-create"];
/// The scope of a processor's certificate.
const PROCESSOR_SCOPES: &[&str] = &["processor"];

impl App {
    /// Signs a request and registers the certificate. `now` is real time: certificates don't
    /// follow the business clock.
    pub async fn sign_certificate(
        &self,
        operator: &Operator,
        authority: &Authority,
        command: Sign,
        now: Timestamp,
    ) -> Result<String, Error> {
        let allowed = match command.holder {
            Holder::Partner(_) => PARTNER_SCOPES,
            Holder::Processor(_) => PROCESSOR_SCOPES,
        };
        if !command.scopes.iter().all(|scope| allowed.contains(&scope.as_str())) {
            return Err(Refusal::ScopeRefused.into());
        }
        let signed = authority.sign_client(&command.csr, command.days, now).map_err(refused)?;
        self.refresh_settings().await?;
        let certificate = certificate(&signed, &command);
        let settings = self.settings.get();
        let name = &certificate.common_name;
        let holder = (certificate.partner, certificate.processor);
        if settings.certificates_of_name(name).any(|held| (held.partner, held.processor) != holder)
        {
            return Err(Refusal::CommonNameTaken.into());
        }
        let mut tx = self.db.begin().await?;
        let registered = self.register_in(&mut tx, operator, &certificate).await;
        tx.end(registered).await?;
        self.refresh_settings().await?;
        Ok(signed.pem)
    }

    async fn register_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        certificate: &Certificate,
    ) -> Result<(), Error> {
        certificates::insert(tx, certificate, self.now()).await?;
        let detail = json!({ "serial": certificate.serial, "scopes": certificate.scopes });
        let partner = certificate.partner.unwrap_or(PartnerId::PLATFORM);
        let act = ("certificate.sign", certificate.common_name.as_str(), &detail);
        self.record_act(tx, operator, partner, act).await?;
        Ok(instance::raise_settings_version(tx).await?)
    }
}

fn refused(error: CsrError) -> Refusal {
    match error {
        CsrError::Period(_) => Refusal::DaysOutOfRange,
        CsrError::NotARequest
        | CsrError::UnsupportedKey
        | CsrError::InvalidSignature
        | CsrError::InvalidCommonName
        | CsrError::InvalidOrganisation => Refusal::CsrRefused,
    }
}

fn certificate(signed: &Signed, command: &Sign) -> Certificate {
    let (partner, processor) = match command.holder {
        Holder::Partner(id) => (Some(id), None),
        Holder::Processor(id) => (None, Some(id)),
    };
    let told = &signed.description;
    Certificate {
        fingerprint: told.fingerprint.to_vec(),
        partner,
        processor,
        scopes: command.scopes.join(" "),
        common_name: told.common_name.clone(),
        serial: told.serial_hex.clone(),
        not_before: told.not_before,
        not_after: told.not_after,
        revoked_at: None,
    }
}
