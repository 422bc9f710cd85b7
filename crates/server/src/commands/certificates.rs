//! What the commands about certificates do.

use super::perform_act;
use crate::acts::{Act, SignCertificate};
use crate::cli::SignArgs;
use crate::failure::Failure;
use crate::{folder, output};
use serde_json::Value;

/// `antaca ca sign`
pub(super) async fn sign(arguments: SignArgs) -> Result<(), Failure> {
    let SignArgs { csr, partner, processor, scopes, days, out, at } = arguments;
    let text = folder::read_text(&csr)?
        .ok_or_else(|| Failure::new(format!("There is no file {}.", csr.display())))?;
    let csr = text.to_string();
    let command = SignCertificate { csr, partner, processor, scopes, days };
    let answer = perform_act(&at, Act::SignCertificate(command)).await?;
    let pem = answer.get("certificate").and_then(Value::as_str).unwrap_or_default();
    match out {
        None => output::line(pem.trim_end()),
        Some(path) => std::fs::write(&path, pem).map_err(|error| {
            // It is signed and registered: nobody should have to ask for it again.
            output::line(pem.trim_end());
            Failure::new(format!(
                "{} can't be written ({error}); the certificate is printed above.",
                path.display()
            ))
        })?,
    }
    Ok(())
}
