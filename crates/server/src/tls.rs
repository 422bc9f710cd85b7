//! TLS of the HTTPS listener: 1.2 and 1.3, and client certificates of our own authority.

use crate::failure::Failure;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;

/// HTTP/2 in the negotiation of protocols (RFC 7540, section 3.3).
pub(crate) const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Makes the algorithms of `aws-lc-rs` those of the whole process.
pub(crate) fn install_provider() {
    // Fails where one is installed already, which is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// What a listener offers to clients of an authority alone; others end in the handshake.
pub(crate) fn server_config_for_known(
    authority: &str,
    certificate: &str,
    key: &str,
) -> Result<Arc<ServerConfig>, Failure> {
    server_config_with(clients(authority)?, certificate, key)
}

/// What the listener offers. A client may come without a certificate; one that it sends must be
/// of our authority, in its time and for client use, or the handshake ends with an alert. Whose it
/// is is looked up with every request, so a resumed session carries no identity past it.
pub(crate) fn server_config(
    authority: &str,
    certificate: &str,
    key: &str,
) -> Result<Arc<ServerConfig>, Failure> {
    server_config_with(clients(authority)?.allow_unauthenticated(), certificate, key)
}

fn clients(authority: &str) -> Result<ClientCertVerifierBuilder, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(der(authority)?).map_err(|error| failed(&error))?;
    Ok(WebPkiClientVerifier::builder(Arc::new(roots)))
}

fn der(pem: &str) -> Result<CertificateDer<'static>, Failure> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| failed(&error))
}

fn failed(what: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("TLS can't be set up: {what}."))
}

fn server_config_with(
    clients: ClientCertVerifierBuilder,
    certificate: &str,
    key: &str,
) -> Result<Arc<ServerConfig>, Failure> {
    let clients = clients.build().map_err(|error| failed(&error))?;
    let chain = vec![der(certificate)?];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| failed(&error))?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[
        &rustls::version::TLS13,
        &rustls::version::TLS12,
    ])
    .with_client_cert_verifier(clients)
    .with_single_cert(chain, key)
    .map_err(|error| failed(&error))?;
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}
