//! The platform's certificate authority, and what is read from certificates.
//!
//! Partners make their keys themselves and send a request; [`Authority::sign_client`] takes name
//! and key from it and nothing else. Which certificate is whose stands in the database, found by
//! [`fingerprint`]: the name in a certificate is only a name.

mod authority;
mod given;
mod request;
mod revocations;
mod signer;
#[cfg(test)]
mod tests;

pub use authority::{
    Authority, AuthorityError, PeriodError, ServerCertificateError, Signed, client_key_and_csr,
};
pub use given::{GivenError, InvalidAuthorities, check_authorities, check_client};
pub use request::{CsrError, is_common_name};
pub use revocations::CrlError;

use crate::encoding::from_pem;
use aws_lc_rs::digest::{SHA256, digest};
use given::certificates;
use jiff::Timestamp;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

/// What the register keeps of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// SHA-256 of the DER: by this a certificate is recognised.
    pub fingerprint: [u8; 32],
    /// The subject's common name, the first where there are several.
    pub common_name: String,
    /// The serial number in lower-case hexadecimal, without separators.
    pub serial_hex: String,
    /// The first moment at which it holds.
    pub not_before: Timestamp,
    /// The last moment at which it holds.
    pub not_after: Timestamp,
}

/// The bytes or the text aren't a certificate with a common name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be an X.509 certificate with a common name")]
pub struct InvalidCertificate;

/// SHA-256 of the certificate's DER.
#[must_use]
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    digest(&SHA256, der).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// Reads the DER of a certificate. Neither signature nor period is checked.
pub fn describe(der: &[u8]) -> Result<Description, InvalidCertificate> {
    let Ok((&[], certificate)) = X509Certificate::from_der(der) else {
        return Err(InvalidCertificate);
    };
    let mut names = certificate.subject().iter_common_name();
    let name = names.next().and_then(|name| name.as_str().ok()).ok_or(InvalidCertificate)?;
    let serial = certificate.raw_serial();
    Ok(Description {
        fingerprint: fingerprint(der),
        common_name: name.to_owned(),
        serial_hex: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
        not_before: moment(certificate.validity().not_before)?,
        not_after: moment(certificate.validity().not_after)?,
    })
}

/// Reads the first certificate of a PEM that holds one or, of its issuers, several.
pub fn describe_chain(pem: &str) -> Result<Description, InvalidCertificate> {
    let chain = certificates(pem).ok_or(InvalidCertificate)?;
    describe(chain.first().ok_or(InvalidCertificate)?)
}

/// The DER in a PEM that holds one certificate.
pub fn certificate_der(pem: &str) -> Result<Vec<u8>, InvalidCertificate> {
    from_pem("CERTIFICATE", pem).map(|der| der.to_vec()).ok_or(InvalidCertificate)
}

fn moment(time: ASN1Time) -> Result<Timestamp, InvalidCertificate> {
    Timestamp::from_second(time.timestamp()).map_err(|_| InvalidCertificate)
}
