//! The demonstration partner and the processor, with their programs and certificates.

use crate::acts::{Act, CreatePartner, CreateProcessor, CreateProgram, Desk, SignCertificate};
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::secrets;
use app::audit::Operator;
use crypto::certificates::{certificate_der, client_key_and_csr, fingerprint};

/// The code of the partner, also the name of its files.
pub(super) const PARTNER: &str = "sandbox";
/// The name of the processor.
const PROCESSOR: &str = "sandbox-processor";
/// The name of the processor's files.
pub(super) const PROCESSOR_FILE: &str = "processor";
/// How long the certificates last, in days.
const DAYS: u32 = 398;

const EUR_BIN: &str = "53208701";
const PLN_BIN: &str = "53208702";

/// A program of the partner: `configId`, card type, digital first, currency, BIN.
type Row = (&'static str, &'static str, bool, &'static str, &'static str);

const PROGRAMS: &[Row] = &[
    ("0019167984", "VIRTUAL", false, "EUR", EUR_BIN),
    ("0019167985", "PHYSICAL", false, "EUR", EUR_BIN),
    ("0019167986", "VIRTUAL", true, "EUR", EUR_BIN),
    ("0019167987", "VIRTUAL", false, "PLN", PLN_BIN),
];

/// Makes what isn't there yet; what was changed meanwhile stays as it is.
pub(super) async fn prepare(
    desk: &Desk,
    folder: &Folder,
    operator: &Operator,
) -> Result<(), Failure> {
    if desk.app.settings.get().processor_of_name(PROCESSOR).is_none() {
        let processor = CreateProcessor { name: PROCESSOR.to_owned(), time_budget_ms: 2000 };
        desk.act(operator, Act::CreateProcessor(processor)).await?;
    }
    if desk.app.settings.get().partner_of_code(PARTNER).is_none() {
        let partner = CreatePartner {
            code: PARTNER.to_owned(),
            name: Some("Demonstration partner".to_owned()),
            kyc_mode: "EXTERNAL".to_owned(),
            description_codes: "EXTENDED".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
        };
        desk.act(operator, Act::CreatePartner(partner)).await?;
    }
    for row in PROGRAMS {
        let settings = desk.app.settings.get();
        let partner = settings.partner_of_code(PARTNER).map(|partner| partner.id);
        if partner.is_none_or(|partner| settings.program(partner, row.0).is_none()) {
            desk.act(operator, Act::CreateProgram(program(*row))).await?;
        }
    }
    certificate(desk, folder, operator, PARTNER, Whose::Partner).await?;
    certificate(desk, folder, operator, PROCESSOR_FILE, Whose::Processor).await
}

fn program((config_id, card_type, digital_first, currency, bin): Row) -> CreateProgram {
    CreateProgram {
        partner: PARTNER.to_owned(),
        config_id: config_id.to_owned(),
        processor: PROCESSOR.to_owned(),
        card_type: card_type.to_owned(),
        digital_first,
        currency: currency.to_owned(),
        bin: bin.to_owned(),
        scheme: "MASTERCARD".to_owned(),
        product: "PREPAID".to_owned(),
        audience: "CONSUMER".to_owned(),
        lifetime_months: 36,
        card_cap: 10,
        hold_days: 7,
    }
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Partner,
    Processor,
}

/// Makes key and certificate, unless there are some that last and are registered.
async fn certificate(
    desk: &Desk,
    folder: &Folder,
    operator: &Operator,
    file: &str,
    whose: Whose,
) -> Result<(), Failure> {
    let (certificate, key) = (format!("{file}.pem"), format!("{file}.key"));
    if let Some(pem) = folder.read_text(&certificate)?
        && secrets::lasts(&pem, (desk.real_time)())
        && let Ok(der) = certificate_der(&pem)
        && desk.app.settings.get().certificate(&fingerprint(&der)).is_some()
        && folder.path(&key).exists()
    {
        return Ok(());
    }
    let (name, partner, processor) = match whose {
        Whose::Partner => (PARTNER, Some(PARTNER.to_owned()), None),
        Whose::Processor => (PROCESSOR, None, Some(PROCESSOR.to_owned())),
    };
    let (key_pem, csr) = client_key_and_csr(name);
    let sign = SignCertificate { csr, partner, processor, scopes: Vec::new(), days: DAYS };
    let signed = desk.act(operator, Act::SignCertificate(sign)).await?;
    let pem = signed.get("certificate").and_then(serde_json::Value::as_str).unwrap_or_default();
    // A certificate must never lie beside another one's key.
    folder.remove(&certificate)?;
    folder.write(&key, key_pem.as_bytes(), Readers::Owner)?;
    folder.write(&certificate, pem.as_bytes(), Readers::Owner)
}
