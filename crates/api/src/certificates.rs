//! `/admin/certificates…`: the client certificates of those who call us, for the operator (spec
//! "Certificates").

use crate::Api;
use crate::admins::confirming;
use crate::answer::{Created, Done, List, NoContent, json as rendered};
use crate::call::{Call, Head, refused};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Fields, Reader, moment, parsed, pem, reader, schema, text};
use app::Refusal;
use app::admins::{Confirmation, Manager};
use app::certificates::{self, Certificate, Holder, Sign, SignedCertificate, USUAL_DAYS};
use app::settings::Snapshot;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::Array;

/// The chapter of the documents.
const TAG: &str = "Certificates";
/// Characters of a name at most.
const NAME_MAX: usize = 64;
/// Characters of a request at most: RSA of 4096 bits needs a third of it.
const CSR_MAX: usize = 8 * 1024;
/// More than it lasts.
const DAYS_MAX: i64 = 825;

/// A certificate of the register.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Certificate)]
struct CertificateJson {
    /// SHA-256 of its DER, in hexadecimal: what it is recognised by.
    fingerprint: String,
    /// The code of the partner whose it is, if it is one's.
    partner: Option<String>,
    /// The name of the processor whose it is, if it is one's.
    processor: Option<String>,
    /// The name of the operator's own system whose it is, if it is one's.
    operator: Option<String>,
    /// Its CN.
    common_name: String,
    /// What it allows.
    scopes: Vec<String>,
    /// Its serial number, in hexadecimal.
    serial: String,
    /// The first moment at which it holds.
    #[schema(format = DateTime)]
    not_before: String,
    /// The last moment at which it holds.
    #[schema(format = DateTime)]
    not_after: String,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl CertificateJson {
    fn of(held: &Certificate, settings: &Snapshot) -> Self {
        let partner = held.partner.and_then(|id| settings.partner(id));
        let processor = held.processor.and_then(|id| settings.processor(id));
        Self {
            fingerprint: certificates::fingerprint(held),
            partner: partner.map(|partner| partner.code.clone()),
            processor: processor.map(|processor| processor.name.clone()),
            operator: held.operator.clone(),
            common_name: held.common_name.clone(),
            scopes: held.scopes.split(' ').map(str::to_owned).collect(),
            serial: held.serial.clone(),
            not_before: moment(held.not_before),
            not_after: moment(held.not_after),
            revoked_at: held.revoked_at.map(moment),
        }
    }
}

/// A certificate that was signed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedCertificate)]
struct SignedJson {
    #[serde(flatten)]
    held: CertificateJson,
    /// The certificate, PEM. It is kept with the key of the call alone: whoever loses it signs
    /// another.
    certificate: String,
}

/// Lists the register.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read_list, listed)
        .about(
            TAG,
            "List certificates",
            "Those that began last first, revoked and ended ones too; with `partner`, `processor` \
             or `operator` those of one holder.",
        )
        .refuses(&[Refusal::PartnerNotFound, Refusal::ProcessorNotFound])
}

/// Whose certificate it is, as a call names them.
struct HolderName {
    partner: Option<String>,
    processor: Option<String>,
    operator: Option<String>,
}

impl HolderName {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            partner: fields.optional("partner", text(NAME_MAX)),
            processor: fields.optional("processor", text(NAME_MAX)),
            operator: fields.optional("operator", text(NAME_MAX)),
        }
    }

    fn count(&self) -> usize {
        [&self.partner, &self.processor, &self.operator].into_iter().flatten().count()
    }

    /// The holder, if one is named.
    fn find(self, settings: &Snapshot) -> Result<Option<Holder>, Problem> {
        if let Some(code) = self.partner {
            let partner = settings.partner_of_code(&code);
            let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?;
            return Ok(Some(Holder::Partner(partner.id)));
        }
        if let Some(name) = self.processor {
            let processor = settings.processor_of_name(&name);
            let processor = processor.ok_or_else(|| refused(Refusal::ProcessorNotFound))?;
            return Ok(Some(Holder::Processor(processor.id)));
        }
        Ok(self.operator.map(Holder::Operator))
    }
}

const ONE_HOLDER: &str = "a certificate has one holder: name one of partner, processor, operator";

type Asked = (HolderName, i64, Option<String>);

fn read_list(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let holder = HolderName::read(&mut query);
    if holder.count() > 1 {
        query.wrong("partner", ONE_HOLDER);
    }
    let after = parsed(digits, || schema::pattern(DIGITS), "must be the next of another page");
    let (limit, after) = Call::read_page(&mut query, after);
    query.only(&["partner", "processor", "operator", "limit", "after"]);
    query.finish()?;
    Ok((holder, limit, after))
}

/// A fingerprint.
const DIGITS: &str = "^[0-9a-f]{64}$";

fn digits(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == 64 && text.bytes().all(plain)).then(|| text.to_owned())
}

async fn listed(
    api: Api,
    _: Head,
    (holder, limit, after): Asked,
) -> Result<Done<List<CertificateJson>>, Problem> {
    let settings = api.app.settings.get();
    let holder = holder.find(&settings)?;
    let page = certificates::page(&settings, holder.as_ref(), after.as_deref(), limit);
    Ok(Done::with(&List::page(&page, |held| CertificateJson::of(held, &settings))))
}

/// Shows a certificate.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(read_id, shown).about(TAG, "Show a certificate", "By its fingerprint.")
}

fn read_id(call: &Call) -> Result<String, Problem> {
    Ok(call.fingerprint_named())
}

async fn shown(api: Api, _: Head, digits: String) -> Result<Done<CertificateJson>, Problem> {
    let settings = api.app.settings.get();
    let held = certificates::find(&settings, &digits);
    let held = held.ok_or_else(|| refused(Refusal::CertificateNotFound))?;
    Ok(Done::with(&CertificateJson::of(held, &settings)))
}

/// Signs a request → 201.
pub(crate) fn sign() -> Endpoint {
    Endpoint::of(read_request, signed)
        .about(
            TAG,
            "Sign a certificate request",
            "For a partner, a processor, or a system of the operator's own. The request is PEM, \
             of RSA from 2048 bits on, P-256 or P-384, with a CN that is free or this holder's; \
             name and key alone are taken from it. `scopes` are `secure` for a partner and \
             `processor` for a processor where they aren't sent; an operator's has `collateral`, \
             `iban` or both. It lasts 398 days, or `days`, 825 at most. `totp` is a code that the \
             caller's authenticator shows now, and that opened nothing yet.",
        )
        .example(json!({
            "csr": "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n",
            "partner": "acme", "scopes": ["secure"], "totp": "123456",
        }))
        .refuses(&[
            Refusal::PartnerNotFound,
            Refusal::ProcessorNotFound,
            Refusal::ScopeRefused,
            Refusal::OperatorNameInvalid,
            Refusal::CsrRefused,
            Refusal::CommonNameTaken,
            Refusal::ConfirmationRequired,
            Refusal::ConfirmationRefused,
            Refusal::AdminChanged,
        ])
}

struct Request {
    csr: String,
    holder: HolderName,
    scopes: Vec<String>,
    days: u32,
    code: Option<String>,
}

fn read_request(call: &Call) -> Result<Request, Problem> {
    let mut fields = call.fields()?;
    let csr = fields.required("csr", pem(CSR_MAX));
    let holder = HolderName::read(&mut fields);
    fields.demand_one(&["partner", "processor", "operator"], ONE_HOLDER);
    let scopes = fields.optional("scopes", scopes());
    let days = fields.optional("days", days());
    let code = fields.optional("totp", confirming());
    let Some(csr) = csr else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(Request {
        csr,
        holder,
        scopes: scopes.unwrap_or_default(),
        days: days.unwrap_or(USUAL_DAYS),
        code,
    })
}

fn scopes() -> impl Reader<Vec<String>> {
    let wrong = "must be a list of scopes";
    let read = move |value: &Value| {
        let words = value.as_array().filter(|all| all.len() <= SCOPES_MAX).ok_or(wrong)?;
        let word = |it: &Value| it.as_str().map(str::to_owned).ok_or(wrong);
        words.iter().map(word).collect()
    };
    reader(read, || {
        Array::builder().items(schema::words(certificates::SCOPES)).max_items(Some(SCOPES_MAX))
    })
}

const SCOPES_MAX: usize = certificates::SCOPES.len();

fn days() -> impl Reader<u32> {
    let message = "must be 1 to 825 days";
    let read = move |value: &Value| {
        let days = value.as_i64().filter(|days| (1..=DAYS_MAX).contains(days));
        days.and_then(|days| u32::try_from(days).ok()).ok_or(message)
    };
    reader(read, || schema::integer().minimum(Some(1)).maximum(Some(DAYS_MAX)))
}

async fn signed(api: Api, head: Head, request: Request) -> Result<Created<SignedJson>, Problem> {
    let Request { csr, holder, scopes, days, code } = request;
    let authority = api.authority.as_ref().ok_or_else(Problem::internal)?;
    let holder = holder.find(&api.app.settings.get())?.ok_or_else(Problem::internal)?;
    let scopes = if scopes.is_empty() { holder.usual_scopes() } else { scopes };
    let sign = Sign { csr, holder, scopes, days };
    let once = head.once(|signed: &SignedCertificate| {
        let held = CertificateJson::of(&signed.certificate, &signed.settings);
        rendered(&SignedJson { held, certificate: signed.pem.clone() })
    });
    let confirmation = Confirmation { code: code.as_deref(), real_now: (api.real_time)() };
    let by = (Manager::of(head.caller().admin()?), confirmation);
    Ok(Created::kept(api.app.sign_certificate_once(authority, sign, by, once).await?))
}

/// Revokes a certificate → 204.
pub(crate) fn revoke() -> Endpoint {
    Endpoint::of(read_id, revoked)
        .about(
            TAG,
            "Revoke a certificate",
            "With the next request on this node, within a second on the others, for ever; a \
             second time nothing changes.",
        )
        .refuses(&[Refusal::AdminChanged])
}

async fn revoked(api: Api, head: Head, digits: String) -> Result<NoContent, Problem> {
    let (manager, now) = (Manager::of(head.caller().admin()?), (api.real_time)());
    api.app.revoke_certificate_once(manager, &digits, now, head.once(|_| Value::Null)).await?;
    Ok(NoContent)
}
