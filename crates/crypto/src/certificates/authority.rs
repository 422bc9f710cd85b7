//! The authority: its own certificate and key, and what it signs.

use super::request::{CsrError, NAME_LEN_MAX, Request};
use super::signer::Signer;
use super::{Description, certificate_der, describe};
use crate::encoding::to_pem;
use crate::random;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use rustls::pki_types::ServerName;
use std::ops::RangeInclusive;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

pub(super) const DAY: i64 = 24 * 60 * 60;
/// Days for which the authority's own certificate holds: ten years.
const AUTHORITY_DAYS: i64 = 3_652;
/// Days for which a certificate may hold.
const DAYS: RangeInclusive<u32> = 1..=825;
/// Seconds by which a certificate begins early, for partners whose clocks are late.
const EARLY: i64 = 300;
/// The last second that a certificate can name: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// The platform's certificate authority: a P-256 key and its certificate.
pub struct Authority {
    pub(super) issuer: Issuer<'static, Signer>,
    certificate_pem: String,
    not_after: i64,
}

secret_debug!(Authority);

/// A certificate just signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The certificate as a PEM, without the authority's.
    pub pem: String,
    /// The certificate as DER.
    pub der: Vec<u8>,
    /// What the register keeps of it.
    pub description: Description,
}

/// Why certificate and key aren't an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Not a PEM of an X.509 certificate.
    #[error("the authority's certificate can't be read")]
    NotACertificate,
    /// A certificate that may not sign others.
    #[error("the certificate isn't that of an authority")]
    NotAnAuthority,
    /// Not a PEM of PKCS#8 with a P-256 key.
    #[error("the authority's key can't be read: it must be a PKCS#8 PEM of P-256")]
    NotAKey,
    /// The two don't belong together.
    #[error("the authority's key isn't that of its certificate")]
    KeyMismatch,
}

/// Why a certificate can't hold as long as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// Not 1 to 825.
    #[error("a certificate can hold for 1 to 825 days")]
    Days,
    /// Clients would refuse it from the authority's end on.
    #[error("the authority's own certificate ends before that: ask for fewer days, or renew it")]
    OutlivesAuthority,
}

/// Why a server's certificate isn't made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ServerCertificateError {
    /// No name.
    #[error("a server's certificate needs a name at least")]
    NoName,
    /// Neither a DNS name nor an IP address.
    #[error("each name must be a DNS name without wildcards or an IP address")]
    InvalidName,
    /// The number of days.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

impl Authority {
    /// Makes a new authority: a P-256 key and a certificate for ten years from now.
    #[must_use]
    pub fn create(common_name: &str, now: Timestamp) -> Self {
        let mut params = params(common_name, now, now.as_second() + AUTHORITY_DAYS * DAY);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = false;
        let signer = Signer::generate();
        let certificate = params.self_signed(&signer).expect("a name and a period can be signed");
        Self::new(certificate.der(), signer).expect("the certificate was just made for the key")
    }

    /// Takes an authority back from what [`Self::certificate_pem`] and [`Self::key_pem`] gave.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let der = certificate_der(certificate).map_err(|_| AuthorityError::NotACertificate)?;
        Self::new(&der, Signer::from_pem(key).ok_or(AuthorityError::NotAKey)?)
    }

    fn new(der: &[u8], signer: Signer) -> Result<Self, AuthorityError> {
        let Ok((&[], certificate)) = X509Certificate::from_der(der) else {
            return Err(AuthorityError::NotACertificate);
        };
        if !certificate.is_ca() {
            return Err(AuthorityError::NotAnAuthority);
        }
        if certificate.public_key().raw != signer.subject_public_key_info() {
            return Err(AuthorityError::KeyMismatch);
        }
        let issuer = Issuer::from_ca_cert_der(&der.into(), signer);
        Ok(Self {
            issuer: issuer.map_err(|_| AuthorityError::NotACertificate)?,
            certificate_pem: String::clone(&to_pem("CERTIFICATE", der)),
            not_after: certificate.validity().not_after.timestamp(),
        })
    }

    /// The authority's certificate, which partners trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's key as a PEM of PKCS#8, for sealing it.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        self.issuer.key().to_pem()
    }

    /// Signs a partner's request. The certificate carries the request's key, its common name and
    /// its organisation if it has one; a random serial number; client authentication and nothing
    /// else. It begins five minutes ago, for clocks that are late.
    pub fn sign_client(
        &self,
        csr_pem: &str,
        days: u32,
        now: Timestamp,
    ) -> Result<Signed, CsrError> {
        let request = Request::parse(csr_pem)?;
        let mut params = params(&request.common_name, now, self.end(days, now)?);
        if let Some(organisation) = request.organisation {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(self.signed(&params, &request.key))
    }

    /// Makes a key and a certificate for a server of these DNS names and IP addresses: the
    /// certificate's PEM, without the authority's, and the key's PEM of PKCS#8 (P-256).
    pub fn sign_server(
        &self,
        names: &[&str],
        days: u32,
        now: Timestamp,
    ) -> Result<(String, Zeroizing<String>), ServerCertificateError> {
        let first = names.first().ok_or(ServerCertificateError::NoName)?;
        if !names.iter().all(|name| is_server_name(name)) {
            return Err(ServerCertificateError::InvalidName);
        }
        let owned: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let common_name = if first.len() <= NAME_LEN_MAX { first } else { "server" };
        let mut params = params(common_name, now, self.end(days, now)?);
        params.subject_alt_names = CertificateParams::new(owned)
            .map_err(|_| ServerCertificateError::InvalidName)?
            .subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let signer = Signer::generate();
        Ok((self.signed(&params, &signer).pem, signer.to_pem()))
    }

    /// The last second of a certificate of that many days.
    fn end(&self, days: u32, now: Timestamp) -> Result<i64, PeriodError> {
        if !DAYS.contains(&days) {
            return Err(PeriodError::Days);
        }
        let end = now.as_second() + i64::from(days) * DAY;
        if end > self.not_after { Err(PeriodError::OutlivesAuthority) } else { Ok(end) }
    }

    fn signed(&self, params: &CertificateParams, key: &impl PublicKeyData) -> Signed {
        let certificate = params.signed_by(key, &self.issuer);
        let certificate = certificate.expect("checked names, key and period can be signed");
        let der = certificate.der().to_vec();
        let description = describe(&der).expect("a certificate just signed has a common name");
        Signed { pem: String::clone(&to_pem("CERTIFICATE", &der)), der, description }
    }
}

/// Makes a key (P-256) and a request for it: the key's PEM of PKCS#8 and the request's PEM.
///
/// For the certificates with which we call partners, and for the sandbox's demonstration partner;
/// no other private key of a partner is ever made here.
#[must_use]
pub fn client_key_and_csr(common_name: &str) -> (Zeroizing<String>, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(common_name);
    let signer = Signer::generate();
    let request = params.serialize_request(&signer).expect("a name can be signed");
    (signer.to_pem(), String::clone(&to_pem("CERTIFICATE REQUEST", request.der())))
}

/// What all our certificates have in common. The serial number has 127 random bits.
fn params(common_name: &str, now: Timestamp, end: i64) -> CertificateParams {
    let mut serial = random::bytes::<16>();
    // Positive, and as long as the others.
    serial[0] = serial[0] & 0x7F | 0x40;
    let mut params = CertificateParams::default();
    params.not_before = moment(now.as_second() - EARLY).to_datetime();
    params.not_after = moment(end).to_datetime();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = named(common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn is_server_name(name: &str) -> bool {
    ServerName::try_from(name).is_ok() && !name.ends_with('.')
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// A time as a certificate names it, to the second.
pub(super) fn moment(second: i64) -> ASN1Time {
    let second = second.clamp(0, LAST_SECOND);
    ASN1Time::from_timestamp(second).expect("the second is between 1970 and 9999")
}
