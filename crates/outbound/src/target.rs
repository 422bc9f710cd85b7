//! Where a partner is called: its URL, whom we trust there, and how we show who we are.

use crate::guard::is_public;
use reqwest::Url;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use std::net::IpAddr;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a URL at most, as it is given and, percent-encoded, as it is kept.
const URL_LEN_MAX: usize = 500;
/// Characters of a PEM at most; one with a dozen certificates has some 20,000.
const PEM_LEN_MAX: usize = 64 * 1024;
const HTTPS_PORT: u16 = 443;
/// The first port that isn't kept for a machine's own services.
const FREE_PORT: u16 = 1024;

/// How to reach a partner.
pub struct Target {
    /// Where its paths begin; see [`base_url`].
    pub base_url: String,
    /// The authority or authorities of its server, PEM. No other is trusted.
    pub trusted_ca: String,
    /// Our certificate there, if it asks for one.
    pub identity: Option<Identity>,
    /// Which addresses may be called.
    pub reach: Reach,
}

/// Who we are.
#[derive(Clone)]
pub struct Identity {
    /// Our certificate, PEM; those of its issuers may follow.
    pub certificate: String,
    /// Its key, PEM.
    pub key: Zeroizing<String>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public ones.
    Public,
    /// Those of our own network too: a sandbox, whose partners run on the same machine.
    Anywhere,
}

/// Why a partner can't be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
pub enum TargetError {
    /// Not a URL of HTTPS with a host.
    Url,
    /// User, password, query or fragment.
    UrlParts,
    /// Neither 443 nor 1024 and above.
    Port,
    /// An address that isn't public.
    Address,
    /// Not a PEM of certificates.
    TrustedCa,
    /// Certificate or key can't be read, or they don't belong together.
    Identity,
}

impl TargetError {
    /// What the setting must be: the end of a sentence that begins with its name.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Url => "must be an https:// URL of at most 500 characters",
            Self::UrlParts => "must have no user, password, query or fragment",
            Self::Port => "must have port 443 or one from 1024 upwards",
            Self::Address => "must be a public address",
            Self::TrustedCa => "must be one or more X.509 certificates as PEM",
            Self::Identity => "must be a certificate and its key as PEM",
        }
    }
}

/// Reads where a partner's paths begin: `https://`, a host, a port if it isn't 443, and a path if
/// there is one. Gives the URL back as it is kept, without a slash at its end.
pub fn base_url(text: &str, reach: Reach) -> Result<String, TargetError> {
    let url = Url::parse(text).map_err(|_| TargetError::Url)?;
    let kept = url.as_str().trim_end_matches('/');
    if text.len().max(kept.len()) > URL_LEN_MAX || url.scheme() != "https" {
        return Err(TargetError::Url);
    }
    let host = url.host_str().ok_or(TargetError::Url)?;
    let clean = url.username().is_empty() && url.password().is_none();
    if !clean || url.query().is_some() || url.fragment().is_some() {
        return Err(TargetError::UrlParts);
    }
    let port = url.port_or_known_default().ok_or(TargetError::Port)?;
    if port != HTTPS_PORT && port < FREE_PORT {
        return Err(TargetError::Port);
    }
    // An address in a URL is connected to without asking a resolver, so it is looked at here. The
    // parser has turned every spelling of it (hexadecimal, short, …) into one.
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match (reach, address) {
        (Reach::Public, Ok(address)) if !is_public(address) => Err(TargetError::Address),
        (Reach::Public | Reach::Anywhere, _) => Ok(kept.to_owned()),
    }
}

/// Checks that a PEM has certificates that can be trusted: one at least.
pub fn check_trusted_ca(pem: &str) -> Result<(), TargetError> {
    roots(pem).map(|_| ())
}

fn roots(pem: &str) -> Result<RootCertStore, TargetError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).ok_or(TargetError::TrustedCa)? {
        roots.add(certificate).map_err(|_| TargetError::TrustedCa)?;
    }
    Ok(roots)
}

fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    if pem.len() > PEM_LEN_MAX {
        return None;
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    found.ok().filter(|found| !found.is_empty())
}

impl Target {
    /// TLS 1.2 and 1.3, with our certificate if there is one; the partner's authorities are trusted
    /// and no others.
    pub(crate) fn tls(&self) -> Result<ClientConfig, TargetError> {
        let roots = roots(&self.trusted_ca)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("the provider has algorithms for both versions")
            .with_root_certificates(roots);
        let mut tls = match &self.identity {
            None => tls.with_no_client_auth(),
            Some(identity) => {
                let chain = certificates(&identity.certificate).ok_or(TargetError::Identity)?;
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
                let key = key.map_err(|_| TargetError::Identity)?;
                tls.with_client_auth_cert(chain, key).map_err(|_| TargetError::Identity)?
            }
        };
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(tls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_without_the_slash_at_its_end() {
        let kept = |text: &str| base_url(text, Reach::Public);
        assert_eq!(kept("https://partner.example/"), Ok("https://partner.example".to_owned()));
        assert_eq!(kept("https://partner.example:443"), Ok("https://partner.example".to_owned()));
        let long = "https://partner.example:8443/antaca/v1";
        assert_eq!(kept(&format!("{long}//")), Ok(long.to_owned()));
        assert_eq!(kept("https://8.8.8.8"), Ok("https://8.8.8.8".to_owned()));
    }

    #[test]
    fn a_url_that_can_not_be_called_safely_is_refused() {
        for (text, error) in [
            ("", TargetError::Url),
            ("partner.example", TargetError::Url),
            ("http://partner.example", TargetError::Url),
            ("ftp://partner.example", TargetError::Url),
            ("https://", TargetError::Url),
            ("https://partner.example:99999", TargetError::Url),
            ("https://user@partner.example", TargetError::UrlParts),
            ("https://user:word@partner.example", TargetError::UrlParts),
            ("https://:word@partner.example", TargetError::UrlParts),
            ("https://partner.example/?a=b", TargetError::UrlParts),
            ("https://partner.example/#a", TargetError::UrlParts),
            ("https://partner.example:22", TargetError::Port),
            ("https://partner.example:0", TargetError::Port),
            ("https://partner.example:1023", TargetError::Port),
        ] {
            assert_eq!(base_url(text, Reach::Anywhere), Err(error), "{text}");
        }
        let long = format!("https://partner.example/{}", "a".repeat(URL_LEN_MAX));
        assert_eq!(base_url(&long, Reach::Anywhere), Err(TargetError::Url));
    }

    /// What is kept is read again for each client: if it were of no use, it would never be called.
    #[test]
    fn a_url_that_is_too_long_as_it_is_kept_is_refused() {
        let of = |count: usize| format!("https://partner.example/{}", "ż".repeat(count));
        // Each of these letters is two bytes as it is given, and six as it is kept.
        let kept = base_url(&of(79), Reach::Public).expect("498 bytes");
        assert_eq!(base_url(&kept, Reach::Public).as_ref(), Ok(&kept));
        assert!(of(80).len() < URL_LEN_MAX);
        assert_eq!(base_url(&of(80), Reach::Public), Err(TargetError::Url));
    }

    #[test]
    fn an_address_of_our_own_network_is_refused_in_every_spelling() {
        let spellings = [
            "127.0.0.1",
            "127.1",
            "127.0.0.1.",
            "0x7f.1",
            "0x7f000001",
            "017700000001",
            "2130706433",
            "１２７.0.0.1",
            "0",
            "10.1.2.3",
            "169.254.169.254",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "[2002:7f00:1::]",
        ];
        for host in spellings {
            let url = format!("https://{host}/");
            assert_eq!(base_url(&url, Reach::Public), Err(TargetError::Address), "{host}");
            assert!(base_url(&url, Reach::Anywhere).is_ok(), "{host}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_not_trusted() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "text", broken] {
            assert_eq!(check_trusted_ca(pem), Err(TargetError::TrustedCa), "{pem}");
        }
    }
}
