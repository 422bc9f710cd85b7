//! Tokens by which a partner vouches for its user: a compact JWS (RFC 7515) signed with RS256, with
//! the certificates of its key in the header `x5c`.

use crate::certificates::{InvalidAuthorities, describe};
use crate::encoding::from_url_safe;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// Characters of a token at most: some certificates, and little beside them.
pub const TOKEN_LEN_MAX: usize = 32 * 1024;
/// Certificates of a chain at most.
const CHAIN_MAX: usize = 10;
/// Characters of a token's own name at most.
const NAME_MAX: usize = 255;

/// Whose certificates a partner's tokens may be signed with: those that lead to its authorities,
/// for client authentication if they say what for.
#[derive(Clone)]
pub struct Authorities(Arc<dyn ClientCertVerifier>);

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities(…)")
    }
}

impl Authorities {
    /// Takes the PEM of one to ten authorities.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidAuthorities> {
        let mut roots = RootCertStore::empty();
        for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(der.map_err(|_| InvalidAuthorities)?).map_err(|_| InvalidAuthorities)?;
        }
        let (roots, provider) = (Arc::new(roots), Arc::new(default_provider()));
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
        verifier.map(Self).map_err(|_| InvalidAuthorities)
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The user that it is about.
    #[serde(rename = "userId")]
    pub user: i64,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// Its own name.
    pub jti: String,
}

/// The text isn't a token of the accepted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a compact JWS, RS256 with x5c, with the claims userId, iat and jti")]
pub struct InvalidToken;

/// A well-formed token, which may be anybody's.
pub struct Token {
    signed: String,
    signature: Vec<u8>,
    chain: Vec<CertificateDer<'static>>,
    common_name: String,
    claims: Claims,
}

secret_debug!(Token);

/// What we heed of a header. One that must be understood is refused.
#[derive(Deserialize)]
struct Header {
    alg: String,
    x5c: Vec<String>,
    crit: Option<serde_json::Value>,
}

impl Token {
    /// Checks all that can be checked without knowing whom to trust.
    pub fn parse(token: &str) -> Result<Self, InvalidToken> {
        Self::checked(token).ok_or(InvalidToken)
    }

    fn checked(token: &str) -> Option<Self> {
        if token.len() > TOKEN_LEN_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&from_url_safe(header)?).ok()?;
        let count = (1..=CHAIN_MAX).contains(&header.x5c.len());
        if header.alg != "RS256" || header.crit.is_some() || !count {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&from_url_safe(claims)?).ok()?;
        if !(1..=NAME_MAX).contains(&claims.jti.chars().count()) {
            return None;
        }
        let der = |text: &String| STANDARD.decode(text).ok().map(CertificateDer::from);
        let chain: Vec<_> = header.x5c.iter().map(der).collect::<Option<_>>()?;
        let common_name = describe(chain.first()?).ok()?.common_name;
        let signature = from_url_safe(signature)?;
        Some(Self { signed: signed.to_owned(), signature, chain, common_name, claims })
    }

    /// The name in the certificate that it comes with. Nothing vouches for it.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// What it says, if its chain leads to these authorities at `now`, in real time, and its
    /// signature is its first certificate's.
    #[must_use]
    pub fn verify(&self, authorities: &Authorities, now: Timestamp) -> Option<&Claims> {
        let (first, rest) = self.chain.split_first()?;
        let seconds = u64::try_from(now.as_second()).ok()?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        authorities.0.verify_client_cert(first, rest, now).ok()?;
        let (_, certificate) = X509Certificate::from_der(first).ok()?;
        let key = certificate.public_key();
        crate::rsa::modulus(key).ok()?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.raw);
        key.verify(self.signed.as_bytes(), &self.signature).ok()?;
        Some(&self.claims)
    }
}

#[cfg(test)]
mod tests;
