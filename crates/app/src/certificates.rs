//! Client certificates of those who call us: sign and register, revoke, list. What is told of them
//! is real time: certificates don't follow the business clock.

mod ending;
mod revoke;

pub use ending::Ending;
pub use revoke::Named;

use crate::admins::{Confirmation, Manager};
use crate::audit::{Done, Entry, Operator, Origin};
use crate::once::{Once, Turn};
use crate::page::Page;
use crate::partners::platform;
use crate::refusals::Refusal;
use crate::settings::Snapshot;
use crate::{App, Error};
use crypto::certificates::{CsrError, Signed};
use domain::Timestamp;
use domain::ids::{PartnerId, ProcessorId};
use domain::partner::is_partner_code;
use serde_json::{Value, json};
use std::sync::Arc;
use store::db::Tx;
use store::{certificates, instance};

/// Who signs certificates.
pub use crypto::certificates::Authority;

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

    /// What its certificates allow where nothing is said of it; nothing for the operator's own.
    #[must_use]
    pub fn usual_scopes(&self) -> Vec<String> {
        match self {
            Self::Partner(_) => vec!["secure".to_owned()],
            Self::Processor(_) => vec!["processor".to_owned()],
            Self::Operator(_) => Vec::new(),
        }
    }

    fn of(certificate: &Certificate) -> Option<Self> {
        let Certificate { partner, processor, operator, .. } = certificate;
        let partner = partner.map(Self::Partner);
        partner.or(processor.map(Self::Processor)).or(operator.clone().map(Self::Operator))
    }
}

/// How many days a certificate lasts where nothing is said of it.
pub const USUAL_DAYS: u32 = 398;

/// Everything that a certificate can allow.
pub const SCOPES: [&str; 5] =
    ["secure", "partner-balance-create", "processor", "collateral", "iban"];

/// A certificate that was signed.
#[derive(Clone, Debug)]
pub struct SignedCertificate {
    /// What the register keeps of it.
    pub certificate: Certificate,
    /// Itself, PEM.
    pub pem: String,
    /// What tells whose it is.
    pub settings: Arc<Snapshot>,
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
        let (certificate, pem) = signed(authority, command, now)?;
        let mut tx = self.db.begin().await?;
        let registered = self
            .register_in(&mut tx, (Manager::COMMAND_LINE, &operator.origin()), &certificate)
            .await;
        tx.end(registered).await?;
        self.refresh_settings().await?;
        Ok(pem)
    }

    /// The same by somebody with a panel account and a code, once for its key.
    pub async fn sign_certificate_once(
        &self,
        authority: &Authority,
        command: Sign,
        (manager, confirmation): (Manager, Confirmation<'_>),
        once: Once<SignedCertificate>,
    ) -> Result<Value, Error> {
        let scope = platform();
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let signed = match signed(authority, command, confirmation.real_now) {
            Ok(signed) => self.confirm(manager, confirmation, &once.origin).await.map(|()| signed),
            Err(refusal) => Err(refusal.into()),
        };
        let settings = self.settings.get();
        let mut tx = self.db.begin().await?;
        let registered = match signed {
            Ok((certificate, pem)) => {
                let by = (manager, &once.origin);
                let registered = self.register_in(&mut tx, by, &certificate).await;
                // Its record is its holder's, not the platform's.
                let signed = SignedCertificate { certificate, pem, settings };
                registered.map(|()| Done::unchanged(signed))
            }
            Err(error) => Err(error),
        };
        let answer = self.finish(scope, &once, tx, registered).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    async fn register_in(
        &self,
        tx: &mut Tx,
        (manager, origin): (Manager, &Origin),
        certificate: &Certificate,
    ) -> Result<(), Error> {
        // First, since it locks: of two nodes the later one sees the name that the earlier gave.
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        let mut namesakes = certificates::list(tx).await?;
        namesakes.retain(|held| held.common_name == certificate.common_name);
        if namesakes.iter().any(|held| Holder::of(held) != Holder::of(certificate)) {
            return Err(Refusal::CommonNameTaken.into());
        }
        certificates::insert(tx, certificate, self.now()).await?;
        let detail = json!({ "serial": certificate.serial, "scopes": certificate.scopes });
        let entry = Entry::of("certificate.sign", &certificate.common_name, detail);
        self.record(tx, concerned(certificate), origin, entry).await
    }
}

/// Signs what the holder may be given.
fn signed(
    authority: &Authority,
    command: Sign,
    now: Timestamp,
) -> Result<(Certificate, String), Refusal> {
    let allowed = command.holder.scopes();
    let known = command.scopes.iter().all(|scope| allowed.contains(&scope.as_str()));
    if !known || command.scopes.is_empty() {
        return Err(Refusal::ScopeRefused);
    }
    if let Holder::Operator(name) = &command.holder
        && !is_partner_code(name)
    {
        return Err(Refusal::OperatorNameInvalid);
    }
    let signed = authority.sign_client(&command.csr, command.days, now).map_err(refused)?;
    Ok((certificate(&signed, command), signed.pem))
}

/// A page of the register, those that began last first; of one holder, if one is named. It begins
/// behind the certificate of a fingerprint.
#[must_use]
pub fn page(
    settings: &Snapshot,
    holder: Option<&Holder>,
    after: Option<&str>,
    limit: i64,
) -> Page<Certificate, String> {
    let all = settings.certificates().into_iter().rev();
    let all = all.filter(|held| holder.is_none_or(|holder| holder.holds(held)));
    let mut all: Vec<Certificate> = all.cloned().collect();
    if let Some(after) = after {
        let at = all.iter().position(|held| fingerprint(held) == after);
        all = all.split_off(at.map_or(all.len(), |at| at + 1));
    }
    Page::of(all, limit, fingerprint)
}

/// The certificate of a fingerprint in hexadecimal, revoked or not.
#[must_use]
pub fn find<'a>(settings: &'a Snapshot, digits: &str) -> Option<&'a Certificate> {
    settings.certificates().into_iter().find(|held| fingerprint(held) == digits)
}

/// What a certificate is recognised by, in hexadecimal.
#[must_use]
pub fn fingerprint(certificate: &Certificate) -> String {
    hex(&certificate.fingerprint)
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
