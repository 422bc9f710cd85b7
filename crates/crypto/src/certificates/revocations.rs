//! The list of revoked certificates (CRL, RFC 5280 section 5), for those who check certificates
//! elsewhere. We ourselves ask the register.

use super::Authority;
use super::authority::{DAY, moment};
use crate::encoding::to_pem;
use jiff::Timestamp;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use thiserror::Error;

/// Days after which a list is out of date. A new one is made daily, so that a node may be down
/// for a weekend.
const CRL_DAYS: i64 = 7;

/// A list can't be made of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a serial number isn't in hexadecimal, or the authority may not sign lists")]
pub struct CrlError;

impl Authority {
    /// Signs the list of revoked certificates, PEM: serial number in hexadecimal and time of
    /// revocation of each. `number` must be above that of every list before.
    pub fn revocation_list(
        &self,
        revoked: &[(&str, Timestamp)],
        number: u64,
        now: Timestamp,
    ) -> Result<String, CrlError> {
        let revoked_certs = revoked
            .iter()
            .map(|(serial, at)| {
                Some(RevokedCertParams {
                    serial_number: SerialNumber::from(bytes(serial)?),
                    revocation_time: moment(at.as_second()).to_datetime(),
                    reason_code: None,
                    invalidity_date: None,
                })
            })
            .collect::<Option<Vec<_>>>();
        let list = CertificateRevocationListParams {
            this_update: moment(now.as_second()).to_datetime(),
            next_update: moment(now.as_second() + CRL_DAYS * DAY).to_datetime(),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.ok_or(CrlError)?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&self.issuer).map_err(|_| CrlError)?;
        Ok(String::clone(&to_pem("X509 CRL", signed.der())))
    }
}

/// The bytes of an even number of hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !hexadecimal {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::{certificate_der, client_key_and_csr};
    use crate::encoding::from_pem;
    use x509_parser::certificate::X509Certificate;
    use x509_parser::extensions::ParsedExtension;
    use x509_parser::prelude::FromDer as _;
    use x509_parser::revocation_list::CertificateRevocationList;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    #[test]
    fn a_list_names_what_is_revoked_and_is_signed_by_the_authority() {
        let authority = Authority::create("Antaca test CA", NOW);
        let (_, csr) = client_key_and_csr("acme");
        let serials = [1, 2]
            .map(|_| authority.sign_client(&csr, 1, NOW).expect("signed").description.serial_hex);
        let revoked: Vec<_> = serials.iter().map(|serial| (serial.as_str(), NOW)).collect();
        let pem = authority.revocation_list(&revoked, 7, NOW).expect("a list");
        let der = from_pem("X509 CRL", &pem).expect("a PEM");
        let (_, list) = CertificateRevocationList::from_der(&der).expect("a list");
        let listed: Vec<_> = list
            .iter_revoked_certificates()
            .map(|it| (it.raw_serial_as_string().replace(':', ""), it.revocation_date.timestamp()))
            .collect();
        let wanted: Vec<_> =
            serials.iter().map(|serial| (serial.clone(), NOW.as_second())).collect();
        assert_eq!(listed, wanted);
        assert_eq!(list.crl_number(), Some(&7u32.into()));
        assert_eq!(list.last_update().timestamp(), NOW.as_second());
        let next = list.next_update().expect("there is one").timestamp();
        assert_eq!(next, NOW.as_second() + 7 * DAY);

        let ca = certificate_der(authority.certificate_pem()).expect("our own");
        let (_, ca) = X509Certificate::from_der(&ca).expect("our own");
        assert_eq!(list.issuer(), ca.subject());
        assert!(list.verify_signature(ca.public_key()).is_ok());
        let other = Authority::create("Antaca test CA", NOW);
        let other = certificate_der(other.certificate_pem()).expect("our own");
        let (_, other) = X509Certificate::from_der(&other).expect("our own");
        assert!(list.verify_signature(other.public_key()).is_err());
        // Who looks for the authority by its key's identifier finds it.
        let ours = ca.extensions().iter().find_map(|it| {
            let ParsedExtension::SubjectKeyIdentifier(id) = it.parsed_extension() else {
                return None;
            };
            Some(id.0.to_vec())
        });
        let named = list.extensions().iter().find_map(|it| {
            let ParsedExtension::AuthorityKeyIdentifier(id) = it.parsed_extension() else {
                return None;
            };
            Some(id.key_identifier.as_ref()?.0.to_vec())
        });
        assert_eq!(ours, named);
        assert!(ours.is_some());
    }

    #[test]
    fn an_empty_list_is_one_and_a_wrong_serial_makes_none() {
        let authority = Authority::create("Antaca test CA", NOW);
        let pem = authority.revocation_list(&[], 1, NOW).expect("a list");
        let der = from_pem("X509 CRL", &pem).expect("a PEM");
        let (_, list) = CertificateRevocationList::from_der(&der).expect("a list");
        assert_eq!(list.iter_revoked_certificates().count(), 0);
        for serial in ["", "4af", "4g", "\u{e9}4", "+1"] {
            assert_eq!(authority.revocation_list(&[(serial, NOW)], 1, NOW), Err(CrlError));
        }
    }
}
