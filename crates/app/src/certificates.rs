//! Client certificates of those who call us: sign and register, revoke, list. What is told of them
//! is real time: certificates don't follow the business clock.

mod ending;
mod revoke;

pub use ending::Ending;
pub use revoke::Named;

use crate::audit::Operator;
use crate::refusals::Refusal;
use crate::settings::Snapshot;
use crate::{App, Error};
use crypto::certificates::{Authority, CsrError, Signed};
use domain::Timestamp;
use domain::ids::{PartnerId, ProcessorId};
use domain::partner::is_partner_code;
use serde_json::{Value, json};
use store::db::Tx;
use store::{certificates, instance};

/// A registered certificate.
pub use store::certificates::Certificate;

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A partner.
    Partner(PartnerId),
    /// A processor.
    Processor(ProcessorId),
    /// The operator itself, one of its systems by name: 1 to 64 of `a-z`, `0-9`, `-`.
    Operator(String),
}

impl Holder {
    /// What certificates of this kind of holder can allow.
    fn scopes(&self) -> &'static [&'static str] {
        match self {
            Self::Partner(_) => &["secure", "partner-balance-create"],
            Self::Processor(_) => &["processor"],
            Self::Operator(_) => &["collateral", "iban"],
        }
    }

    /// Whether a certificate is this holder's.
    #[must_use]
    pub fn holds(&self, certificate: &Certificate) -> bool {
        Self::of(certificate).as_ref() == Some(self)
    }

    fn of(certificate: &Certificate) -> Option<Self> {
        let Certificate { partner, processor, operator, .. } = certificate;
        let partner = partner.map(Self::Partner);
        partner.or(processor.map(Self::Processor)).or(operator.clone().map(Self::Operator))
    }
}

/// What is asked of the authority.
#[derive(Clone, Debug)]
pub struct Sign {
    /// The request, PEM.
    pub csr: String,
    /// Whom it is for.
    pub holder: Holder,
    /// What the certificate allows, one scope at least: `secure`, `partner-balance-create` for a
    /// partner, `processor`, `collateral`, `iban` for the operator.
    pub scopes: Vec<String>,
    /// How long it lasts, in days.
    pub days: u32,
}

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
        let allowed = command.holder.scopes();
        let known = command.scopes.iter().all(|scope| allowed.contains(&scope.as_str()));
        if !known || command.scopes.is_empty() {
            return Err(Refusal::ScopeRefused.into());
        }
        if let Holder::Operator(name) = &command.holder
            && !is_partner_code(name)
        {
            return Err(Refusal::OperatorNameInvalid.into());
        }
        let signed = authority.sign_client(&command.csr, command.days, now).map_err(refused)?;
        let certificate = certificate(&signed, command);
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
        // First, since it locks: of two nodes the later one sees the name that the earlier gave.
        instance::raise_settings_version(tx).await?;
        let mut namesakes = certificates::list(tx).await?;
        namesakes.retain(|held| held.common_name == certificate.common_name);
        if namesakes.iter().any(|held| Holder::of(held) != Holder::of(certificate)) {
            return Err(Refusal::CommonNameTaken.into());
        }
        certificates::insert(tx, certificate, self.now()).await?;
        let detail = json!({ "serial": certificate.serial, "scopes": certificate.scopes });
        let act = ("certificate.sign", certificate.common_name.as_str(), &detail);
        self.record_act(tx, operator, concerned(certificate), act).await
    }
}

/// The partner in whose audit an act upon a certificate is told.
fn concerned(certificate: &Certificate) -> PartnerId {
    certificate.partner.unwrap_or(PartnerId::PLATFORM)
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

fn certificate(signed: &Signed, command: Sign) -> Certificate {
    let (partner, processor, operator) = match command.holder {
        Holder::Partner(id) => (Some(id), None, None),
        Holder::Processor(id) => (None, Some(id), None),
        Holder::Operator(name) => (None, None, Some(name)),
    };
    let mut scopes = command.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let told = &signed.description;
    Certificate {
        fingerprint: told.fingerprint.to_vec(),
        partner,
        processor,
        operator,
        scopes: scopes.join(" "),
        common_name: told.common_name.clone(),
        serial: told.serial_hex.clone(),
        not_before: told.not_before,
        not_after: told.not_after,
        revoked_at: None,
    }
}

/// A certificate as the command line shows it: with it somebody calls us, `INBOUND`.
#[must_use]
pub fn certificate_json(certificate: &Certificate, settings: &Snapshot) -> Value {
    let partner = certificate.partner.and_then(|id| settings.partner(id));
    let processor = certificate.processor.and_then(|id| settings.processor(id));
    json!({
        "direction": "INBOUND",
        "partner": partner.map(|partner| &partner.code),
        "processor": processor.map(|processor| &processor.name),
        "operator": certificate.operator,
        "commonName": certificate.common_name,
        "scopes": certificate.scopes.split(' ').collect::<Vec<_>>(),
        "serial": certificate.serial,
        "fingerprint": hex(&certificate.fingerprint),
        "notBefore": certificate.not_before.to_string(),
        "notAfter": certificate.not_after.to_string(),
        "revokedAt": certificate.revoked_at.map(|time| time.to_string()),
    })
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
