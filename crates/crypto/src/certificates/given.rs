//! What partners give us: the certificate that they signed for our key, and the authority of their
//! server.

use super::describe;
use super::signer::Signer;
use crate::encoding::to_pem;
use jiff::Timestamp;
use rcgen::PublicKeyData as _;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// Certificates of one file at most: a chain has two or three.
const CERTIFICATES_MAX: usize = 10;

/// Why a certificate that a partner signed can't be used for our calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GivenError {
    /// Not one to ten X.509 certificates as a PEM, the first with a common name, or more than that.
    #[error("the file must hold our certificate as a PEM, and nothing but those of its issuers")]
    NotCertificates,
    /// It is somebody else's, or that of an earlier request.
    #[error("the certificate is for another key")]
    KeyMismatch,
    /// It hasn't begun yet or has ended.
    #[error("the certificate isn't in its time")]
    NotInForce,
    /// Its usage leaves out what a TLS client does.
    #[error("the certificate doesn't allow client authentication")]
    NotForClients,
}

/// The file isn't a PEM of one to ten certificates of authorities that are in their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a PEM of certificates of authorities that are in their time, and nothing else")]
pub struct InvalidAuthorities;

/// Checks a certificate that was signed for our key (its PEM of PKCS#8), with those of its issuers
/// behind it if there are any, at `now` in real time; answers the PEM without what stood around it.
pub fn check_client(pem: &str, key_pem: &str, now: Timestamp) -> Result<String, GivenError> {
    let chain = certificates(pem).ok_or(GivenError::NotCertificates)?;
    let first = chain.first().ok_or(GivenError::NotCertificates)?;
    describe(first).map_err(|_| GivenError::NotCertificates)?;
    let certificate = parsed(first).ok_or(GivenError::NotCertificates)?;
    let key = Signer::from_pem(key_pem).ok_or(GivenError::KeyMismatch)?;
    if certificate.public_key().raw != key.subject_public_key_info() {
        return Err(GivenError::KeyMismatch);
    }
    if !is_in_force(&certificate, now) {
        return Err(GivenError::NotInForce);
    }
    if is_for_clients(&certificate) { Ok(written(&chain)) } else { Err(GivenError::NotForClients) }
}

/// Checks the authorities that a partner's server is trusted by, at `now` in real time; answers
/// their PEM without what stood around it.
pub fn check_authorities(pem: &str, now: Timestamp) -> Result<String, InvalidAuthorities> {
    let authorities = certificates(pem).ok_or(InvalidAuthorities)?;
    let sound = authorities.iter().all(|der| {
        let trusted = RootCertStore::empty().add(CertificateDer::from(der.as_slice())).is_ok();
        trusted && parsed(der).is_some_and(|it| is_authority(&it) && is_in_force(&it, now))
    });
    if sound { Ok(written(&authorities)) } else { Err(InvalidAuthorities) }
}

/// The DER of each certificate of a PEM that holds one to ten of them and nothing else: a private
/// key that lies beside them must not be kept in clear.
pub(super) fn certificates(pem: &str) -> Option<Vec<Vec<u8>>> {
    let read = CertificateDer::pem_slice_iter(pem.as_bytes());
    let read: Vec<_> = read.take(CERTIFICATES_MAX + 1).collect::<Result<_, _>>().ok()?;
    let alone = pem.matches("-----BEGIN ").count() == read.len();
    let count = (1..=CERTIFICATES_MAX).contains(&read.len());
    (alone && count).then(|| read.iter().map(|der| der.to_vec()).collect())
}

fn written(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| String::clone(&to_pem("CERTIFICATE", der))).collect()
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, it)| it)
}

fn is_in_force(certificate: &X509Certificate<'_>, now: Timestamp) -> bool {
    let validity = certificate.validity();
    let now = now.as_second();
    validity.not_before.timestamp() <= now && now <= validity.not_after.timestamp()
}

/// What a certificate doesn't say of its usage it doesn't forbid.
fn is_for_clients(certificate: &X509Certificate<'_>) -> bool {
    let purpose = certificate.extended_key_usage().map(|purpose| {
        purpose.is_none_or(|purpose| purpose.value.client_auth || purpose.value.any)
    });
    let usage = certificate.key_usage();
    let usage = usage.map(|usage| usage.is_none_or(|usage| usage.value.digital_signature()));
    purpose == Ok(true) && usage == Ok(true)
}

fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    let usage = certificate.key_usage();
    let usage = usage.map(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    certificate.is_ca() && usage == Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::{Authority, client_key_and_csr, describe_chain};

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
    const DAY: i64 = 24 * 60 * 60;

    fn later(days: i64) -> Timestamp {
        Timestamp::from_second(NOW.as_second() + days * DAY).expect("a time")
    }

    #[test]
    fn a_certificate_for_our_key_is_taken_with_its_chain_and_without_what_stands_around_it() {
        let partner = Authority::create("Partner CA", NOW);
        let (key, csr) = client_key_and_csr("antaca");
        let signed = partner.sign_client(&csr, 30, NOW).expect("signed").pem;
        assert_eq!(check_client(&signed, &key, NOW).as_ref(), Ok(&signed));
        let around = format!("Bag Attributes\n{signed}\nIssuer:\n{}", partner.certificate_pem());
        let chain = format!("{signed}{}", partner.certificate_pem());
        assert_eq!(check_client(&around, &key, NOW).as_ref(), Ok(&chain));
        assert_eq!(describe_chain(&chain).expect("ours").common_name, "antaca");
    }

    #[test]
    fn a_certificate_of_another_key_time_or_purpose_is_refused() {
        let partner = Authority::create("Partner CA", NOW);
        let (key, csr) = client_key_and_csr("antaca");
        let signed = partner.sign_client(&csr, 30, NOW).expect("signed").pem;
        let check = |pem: &str, key: &str, now| check_client(pem, key, now).expect_err("refused");
        let (other, _) = client_key_and_csr("antaca");
        assert_eq!(check(&signed, &other, NOW), GivenError::KeyMismatch);
        for days in [-1, 31] {
            assert_eq!(check(&signed, &key, later(days)), GivenError::NotInForce, "{days}");
        }
        let (server, server_key) = partner.sign_server(&["a.example"], 30, NOW).expect("signed");
        assert_eq!(check(&server, &server_key, NOW), GivenError::NotForClients);
        let both = format!("{signed}{}", *key);
        let many = signed.repeat(11);
        let cut = &signed[..signed.len() / 2];
        for bad in ["", "text", &key, &csr, &both, &many, cut] {
            assert_eq!(check(bad, &key, NOW), GivenError::NotCertificates, "{bad}");
        }
    }

    #[test]
    fn trusted_are_authorities_in_their_time_and_nothing_else() {
        let one = Authority::create("One CA", NOW);
        let two = Authority::create("Two CA", NOW);
        let both = format!("one\n{}two\n{}", one.certificate_pem(), two.certificate_pem());
        let clean = format!("{}{}", one.certificate_pem(), two.certificate_pem());
        assert_eq!(check_authorities(&both, NOW), Ok(clean.clone()));
        assert_eq!(check_authorities(one.certificate_pem(), later(4_000)), Err(InvalidAuthorities));
        let (leaf, _) = one.sign_server(&["a.example"], 30, NOW).expect("signed");
        let with_leaf = format!("{clean}{leaf}");
        let with_key = format!("{clean}{}", *one.key_pem());
        for bad in ["", "text", &leaf, &with_leaf, &with_key] {
            assert_eq!(check_authorities(bad, NOW), Err(InvalidAuthorities), "{bad}");
        }
    }
}
