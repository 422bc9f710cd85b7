//! What the commands about certificates do.

use super::{init_authority, perform_act, show};
use crate::acts::{
    Act, ImportCertificate, RequestCertificate, RevokeCertificate, SetTrust, ShowSecret,
    SignCertificate,
};
use crate::cli::{CaCommand, CrlArgs, CsrArgs, ImportArgs, RevokeArgs, SignArgs, TrustArgs, With};
use crate::failure::Failure;
use crate::{folder, output};
use crypto::certificates::{certificate_der, fingerprint};
use serde_json::Value;
use std::path::Path;

/// Bytes of a file at most: a chain of certificates is a tenth of it.
const FILE_MAX: usize = 64 * 1024;

/// `antaca ca`
pub(super) async fn perform(command: CaCommand) -> Result<(), Failure> {
    match command {
        CaCommand::Init(at) => init_authority(&at),
        CaCommand::Sign(arguments) => sign(arguments).await,
        CaCommand::Revoke(arguments) => revoke(arguments).await,
        CaCommand::Csr(arguments) => request(arguments).await,
        CaCommand::Import(arguments) => import(arguments).await,
        CaCommand::List(it) => show(&it.at, Act::ListCertificates(it.what)).await,
        CaCommand::Crl(CrlArgs { out, at }) => {
            let answer = perform_act(&at, Act::MakeRevocationList).await?;
            hand_out(text(&answer, "crl"), out.as_deref())
        }
    }
}

async fn sign(arguments: SignArgs) -> Result<(), Failure> {
    let SignArgs { csr, holder, scopes, days, out, at } = arguments;
    let command = SignCertificate { csr: read(&csr)?, holder, scopes, days };
    let answer = perform_act(&at, Act::SignCertificate(command)).await?;
    hand_out(text(&answer, "certificate"), out.as_deref())
}

async fn revoke(arguments: RevokeArgs) -> Result<(), Failure> {
    let RevokeArgs { fingerprint, serial, name, certificate, at } = arguments;
    let certificate = certificate.as_deref().map(fingerprint_of).transpose()?;
    let command = fingerprint
        .or(certificate)
        .map(RevokeCertificate::Fingerprint)
        .or(serial.map(RevokeCertificate::Serial))
        .or(name.map(RevokeCertificate::Name))
        .ok_or_else(|| Failure::new("Name the certificate that is to be revoked."))?;
    show(&at, Act::RevokeCertificate(command)).await
}

async fn request(arguments: CsrArgs) -> Result<(), Failure> {
    let CsrArgs { partner, name, out, at } = arguments;
    let command = RequestCertificate { partner, name };
    let answer = perform_act(&at, Act::RequestCertificate(command)).await?;
    hand_out(text(&answer, "csr"), out.as_deref())
}

async fn import(arguments: ImportArgs) -> Result<(), Failure> {
    let ImportArgs { partner, certificate, trusted_ca, base_url, at } = arguments;
    let (certificate, trusted_ca) = (read(&certificate)?, read(&trusted_ca)?);
    let command = ImportCertificate { partner, certificate, trusted_ca, base_url };
    show(&at, Act::ImportCertificate(command)).await
}

/// `antaca partner trust`
pub(super) async fn trust(arguments: TrustArgs) -> Result<(), Failure> {
    let TrustArgs { code, common_name, trusted_ca, nobody: _, at } = arguments;
    let trusted_ca = trusted_ca.as_deref().map(read).transpose()?;
    show(&at, Act::SetTrust(SetTrust { code, trusted: common_name.zip(trusted_ca) })).await
}

/// `antaca partner secret`
pub(super) async fn secret(it: With<ShowSecret>) -> Result<(), Failure> {
    let answer = perform_act(&it.at, Act::ShowSecret(it.what)).await?;
    output::line(text(&answer, "secret"));
    Ok(())
}

fn fingerprint_of(path: &Path) -> Result<String, Failure> {
    let der = certificate_der(&read(path)?).map_err(|error| {
        Failure::new(format!("{} can't be revoked: it {error}.", path.display()))
    })?;
    Ok(fingerprint(&der).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A file of text that must be there.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let text = folder::read_text(path)?;
    let text = text.ok_or_else(|| Failure::new(format!("There is no file {}.", path.display())))?;
    if text.len() > FILE_MAX {
        return Err(Failure::new(format!("{} is too large for what it is.", path.display())));
    }
    Ok(text.to_string())
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Writes what was made into a file, or prints it.
fn hand_out(pem: &str, out: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = out else {
        output::line(pem.trim_end());
        return Ok(());
    };
    std::fs::write(path, pem).map_err(|error| {
        // What was done once isn't done again: it must not be lost.
        output::line(pem.trim_end());
        Failure::new(format!(
            "{} can't be written ({error}); what belongs there is printed above.",
            path.display()
        ))
    })
}
