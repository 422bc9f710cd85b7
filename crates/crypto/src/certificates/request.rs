//! What a partner's certificate request must be.

use super::PeriodError;
use crate::encoding::from_pem;
use crate::rsa;
use rcgen::SubjectPublicKeyInfo;
use thiserror::Error;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo as Key};

/// Characters of a request at most; one with a key of 4096 bits has some 1,800.
const PEM_LEN_MAX: usize = 16 * 1024;
/// Characters of a name at most (X.520, upper bound of common name and organisation).
pub(super) const NAME_LEN_MAX: usize = 64;

/// Why a certificate request isn't signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CsrError {
    /// Not a PEM of PKCS#10.
    #[error("the file must hold one certificate request (PKCS#10) as a PEM")]
    NotARequest,
    /// Neither RSA nor P-256 nor P-384, or RSA of another size or exponent.
    #[error("the key must be RSA of 2048 to 4096 bits with exponent 65537, P-256 or P-384")]
    UnsupportedKey,
    /// Whoever made the request hasn't shown that the key is theirs.
    #[error("the request isn't signed by its own key with an algorithm that we know")]
    InvalidSignature,
    /// None, several, too long, or with characters that can't be shown safely.
    #[error("the subject must have one common name (CN) of 1 to 64 letters, digits and signs")]
    InvalidCommonName,
    /// As the common name, but there may be none.
    #[error("the organisation (O), if given, must be one of 1 to 64 letters, digits and signs")]
    InvalidOrganisation,
    /// The number of days.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

/// What is taken from a request; the rest of it is left aside.
pub(super) struct Request {
    pub(super) common_name: String,
    pub(super) organisation: Option<String>,
    pub(super) key: SubjectPublicKeyInfo,
}

impl Request {
    pub(super) fn parse(pem: &str) -> Result<Self, CsrError> {
        if pem.len() > PEM_LEN_MAX {
            return Err(CsrError::NotARequest);
        }
        // Java's keytool writes the label of before RFC 7468.
        let pem = pem.replace("NEW CERTIFICATE REQUEST", "CERTIFICATE REQUEST");
        let der = from_pem("CERTIFICATE REQUEST", &pem).ok_or(CsrError::NotARequest)?;
        let Ok((&[], request)) = X509CertificationRequest::from_der(&der) else {
            return Err(CsrError::NotARequest);
        };
        let info = &request.certification_request_info;
        let key = accepted(&info.subject_pki)?;
        request.verify_signature().map_err(|_| CsrError::InvalidSignature)?;
        let common_name = only_name(info.subject.iter_common_name())
            .map_err(|Unreadable| CsrError::InvalidCommonName)?
            .ok_or(CsrError::InvalidCommonName)?;
        let organisation = only_name(info.subject.iter_organization())
            .map_err(|Unreadable| CsrError::InvalidOrganisation)?;
        Ok(Self { common_name, organisation, key })
    }
}

fn accepted(key: &Key<'_>) -> Result<SubjectPublicKeyInfo, CsrError> {
    let strong = if key.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
        curve.is_some_and(|curve| curve == OID_EC_P256 || curve == OID_NIST_EC_P384)
    } else {
        rsa::modulus(key).is_ok()
    };
    if !strong {
        return Err(CsrError::UnsupportedKey);
    }
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| CsrError::UnsupportedKey)
}

/// There are several names, or one that can't be shown.
struct Unreadable;

fn only_name<'a>(
    mut names: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>,
) -> Result<Option<String>, Unreadable> {
    let Some(name) = names.next() else { return Ok(None) };
    let name = name.as_str().map_err(|_| Unreadable)?;
    if names.next().is_none() && is_readable(name) {
        Ok(Some(name.to_owned()))
    } else {
        Err(Unreadable)
    }
}

/// Whether a text may be the common name of a certificate that we sign or ask for.
#[must_use]
pub fn is_common_name(name: &str) -> bool {
    is_readable(name)
}

/// Letters and digits of any script, and the signs of ASCII: no controls, nothing invisible,
/// nothing that turns the direction of writing.
fn is_readable(name: &str) -> bool {
    let characters = name.chars().count();
    (1..=NAME_LEN_MAX).contains(&characters)
        && name.trim() == name
        && name.chars().all(|c| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ')
}
