//! What a running sandbox says of itself: `sandbox.json` in its folder, and the files it names.

use crate::target::SimulatorError;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `sandbox.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SandboxFile {
    pub(crate) base_url: String,
    pub(crate) ca: PathBuf,
    pub(crate) partners: Vec<PartnerEntry>,
    pub(crate) processor: KeyPair,
}

/// One of the sandbox's partners.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartnerEntry {
    pub(crate) issuer_code: String,
    #[serde(flatten)]
    pub(crate) keys: KeyPair,
    pub(crate) programs: Vec<ProgramEntry>,
}

/// One of a partner's programs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgramEntry {
    pub(crate) config_id: String,
    pub(crate) card_type: String,
    pub(crate) digital_first: bool,
    pub(crate) currency: String,
}

#[derive(Deserialize)]
pub(crate) struct KeyPair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl KeyPair {
    /// Certificate and key in one text.
    pub(crate) fn identity(&self, dir: &Path) -> Result<Vec<u8>, SimulatorError> {
        let mut identity = read(&dir.join(&self.certificate))?;
        identity.push(b'\n');
        identity.extend(read(&dir.join(&self.key))?);
        Ok(identity)
    }
}

impl SandboxFile {
    /// Of the sandbox that serves from this folder.
    pub(crate) fn read(dir: &Path) -> Result<Self, SimulatorError> {
        let path = dir.join("sandbox.json");
        if !path.exists() {
            return Err(SimulatorError::NoSandbox(dir.to_owned()));
        }
        serde_json::from_slice(&read(&path)?)
            .map_err(|error| SimulatorError::Unreadable(path, error.into()))
    }
}

/// Who calls, and where: what each of many connections begins with.
pub struct Caller {
    pub(crate) address: SocketAddr,
    /// With the port, as a request names it.
    pub(crate) host: String,
    pub(crate) name: ServerName<'static>,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Caller {
    /// The sandbox's processor.
    pub(crate) fn of_processor(dir: &Path, file: &SandboxFile) -> Result<Self, SimulatorError> {
        let certificate = read(&dir.join(&file.processor.certificate))?;
        Self::new(dir, file, &certificate, &read(&dir.join(&file.processor.key))?)
    }

    /// Who calls the sandbox that serves from this folder with a certificate and its key.
    pub(crate) fn new(
        dir: &Path,
        file: &SandboxFile,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, SimulatorError> {
        let path = dir.join(&file.ca);
        let ca = certificates(&path, &read(&path)?)?;
        let unusable = |error: Box<dyn std::error::Error + Send + Sync>| {
            SimulatorError::Unreadable(dir.to_owned(), error)
        };
        let chain = certificates(dir, certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(error.into()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(ca);
        let tls = ClientConfig::builder().with_root_certificates(roots);
        let tls = tls.with_client_auth_cert(chain, key).map_err(|error| unusable(error.into()))?;
        let unreadable = || SimulatorError::Unreadable(dir.join("sandbox.json"), "no port".into());
        let host = file.base_url.strip_prefix("https://").ok_or_else(unreadable)?;
        let port =
            host.rsplit_once(':').and_then(|(_, port)| port.trim_end_matches('/').parse().ok());
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port.ok_or_else(unreadable)?).into(),
            host: host.trim_end_matches('/').to_owned(),
            name: ServerName::try_from("localhost").map_err(|_| unreadable())?,
            tls: Arc::new(tls),
        })
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SimulatorError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| SimulatorError::Unreadable(path.to_owned(), error.into()))
}

/// A file of the sandbox.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, SimulatorError> {
    std::fs::read(path).map_err(|error| SimulatorError::Unreadable(path.to_owned(), error.into()))
}
