//! `sandbox.json`: where a running sandbox is and what is needed to call it. Paths are relative to
//! the data folder.

use super::admins;
use super::calls::CLIENT_CA;
use super::partner::{EXAMPLES, Example, PIN_KEY, PIN_KEY_FILE, PROCESSOR_FILE};
use crate::failure::Failure;
use crate::secrets::{CA, JWE_PUBLIC};
use crate::serve::Served;
use app::settings::Snapshot;
use domain::program::Program;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The file's name. It is there only while the sandbox serves.
pub(super) const NAME: &str = "sandbox.json";

/// What the file says.
pub(super) fn describe(
    served: &Served,
    listen: SocketAddr,
    operations: SocketAddr,
) -> Result<String, Failure> {
    let settings = served.desk.app.settings.get();
    let partner = |example: &Example| partner(&settings, example.code);
    let partners: Vec<Value> = EXAMPLES.iter().map(partner).collect::<Result<_, _>>()?;
    let file = json!({
        "baseUrl": base_url(listen),
        "operationsUrl": format!("http://{operations}"),
        "ca": CA,
        "clientCa": CLIENT_CA,
        "partners": partners,
        "processor": {
            "certificate": format!("{PROCESSOR_FILE}.pem"),
            "key": format!("{PROCESSOR_FILE}.key"),
            "pinKey": { "keyId": PIN_KEY, "cipher": "TDES", "file": PIN_KEY_FILE },
        },
        "jwePublicKey": JWE_PUBLIC,
        "admins": admins::list(&served.folder)?,
    });
    Ok(format!("{file:#}\n"))
}

fn partner(settings: &Snapshot, code: &str) -> Result<Value, Failure> {
    let partner = settings.partner_of_code(code);
    let partner = partner.ok_or_else(|| Failure::new(format!("The partner {code} is gone.")))?;
    let programs: Vec<Value> = settings.programs_of(partner.id).into_iter().map(program).collect();
    Ok(json!({
        "issuerCode": code,
        "certificate": format!("{code}.pem"),
        "key": format!("{code}.key"),
        "programs": programs,
    }))
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
