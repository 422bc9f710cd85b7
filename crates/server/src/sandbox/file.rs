//! `sandbox.json`: where a running sandbox is and what is needed to call it. Paths are relative to
//! the data folder.

use super::partner::{PARTNER, PROCESSOR_FILE};
use crate::failure::Failure;
use crate::secrets::{CA, JWE_PUBLIC};
use app::settings::Snapshot;
use domain::program::Program;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The file's name. It is there only while the sandbox serves.
pub(super) const NAME: &str = "sandbox.json";

/// What the file says.
pub(super) fn describe(
    settings: &Snapshot,
    listen: SocketAddr,
    operations: SocketAddr,
) -> Result<String, Failure> {
    let partner = settings.partner_of_code(PARTNER);
    let partner = partner.ok_or_else(|| Failure::new("The partner sandbox is gone."))?;
    let programs: Vec<Value> = settings.programs_of(partner.id).into_iter().map(program).collect();
    let file = json!({
        "baseUrl": base_url(listen),
        "operationsUrl": format!("http://{operations}"),
        "ca": CA,
        "partners": [{
            "issuerCode": PARTNER,
            "certificate": format!("{PARTNER}.pem"),
            "key": format!("{PARTNER}.key"),
            "programs": programs,
        }],
        "processor": {
            "certificate": format!("{PROCESSOR_FILE}.pem"),
            "key": format!("{PROCESSOR_FILE}.key"),
        },
        "jwePublicKey": JWE_PUBLIC,
        "admins": [],
    });
    Ok(format!("{file:#}\n"))
}

/// The address of the HTTPS listener, by the name in its certificate.
pub(super) fn base_url(listen: SocketAddr) -> String {
    format!("https://localhost:{}", listen.port())
}

fn program(program: &Program) -> Value {
    json!({
        "configId": program.config_id,
        "cardType": program.card_type.as_str(),
        "digitalFirst": program.digital_first,
        "currency": program.currency.code(),
    })
}
