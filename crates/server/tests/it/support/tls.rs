//! A connection by hand, for what an HTTP client won't do: half a request, a wrong certificate.

use super::Sandbox;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the algorithms of the binary those of the tests.
pub(super) fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A TLS connection to a sandbox.
pub(crate) struct Connection(TlsStream<TcpStream>);

/// Connects with a certificate and its key, both PEM, or without.
pub(crate) async fn connect(
    sandbox: &Sandbox,
    identity: Option<(&str, &str)>,
    protocols: &[&[u8]],
) -> std::io::Result<Connection> {
    let mut config = config(sandbox, identity, rustls::DEFAULT_VERSIONS);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    connect_as(sandbox, &Arc::new(config)).await
}

/// What a client offers; it remembers sessions, and resumes them where it is used again.
pub(crate) fn config(
    sandbox: &Sandbox,
    identity: Option<(&str, &str)>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let file = sandbox.file();
    let ca = sandbox.dir().join(file["ca"].as_str().expect("a file"));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("a certificate")).expect("a root");
    let builder = ClientConfig::builder_with_protocol_versions(versions);
    let builder = builder.with_root_certificates(roots);
    match identity {
        Some((certificate, key)) => {
            let der = CertificateDer::from_pem_slice(certificate.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            let chain = vec![der.expect("a certificate")];
            builder.with_client_auth_cert(chain, key).expect("an identity")
        }
        None => builder.with_no_client_auth(),
    }
}

/// Connects with a configuration.
pub(crate) async fn connect_as(
    sandbox: &Sandbox,
    config: &Arc<ClientConfig>,
) -> std::io::Result<Connection> {
    let file = sandbox.file();
    let port = file["baseUrl"].as_str().and_then(|url| url.rsplit(':').next()).expect("a port");
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(config.clone()).connect(name, stream).await?;
    Ok(Connection(stream))
}

impl Connection {
    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Reads one answer with a length, and leaves the connection as it is.
    pub(crate) async fn read_answer(&mut self) -> std::io::Result<String> {
        let mut bytes = Vec::new();
        let read = async {
            loop {
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length =
                        head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    if body.len() >= length.map_or(0, |text| text.parse().expect("a number")) {
                        return Ok(String::from_utf8_lossy(&bytes).into_owned());
                    }
                }
                if self.0.read_buf(&mut bytes).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the server answers")
    }

    /// Reads to the end of the connection.
    pub(crate) async fn read_all(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        match tokio::time::timeout(PATIENCE, read).await {
            Err(_) => panic!("the server doesn't end the connection"),
            // A connection without a farewell has ended too, after what it said.
            Ok(Err(_)) if !bytes.is_empty() => Ok(bytes),
            Ok(read) => read.map(|_| bytes),
        }
    }

    /// Reads until these bytes have come.
    pub(crate) async fn read_until(&mut self, end: &[u8]) -> String {
        let mut bytes = Vec::new();
        let read = async {
            while !bytes.windows(end.len()).any(|part| part == end) {
                bytes.push(self.0.read_u8().await.expect("the answer goes on"));
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the server answers");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether it took up a session of an earlier connection.
    pub(crate) fn is_resumed(&self) -> bool {
        self.0.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The connection itself.
    pub(crate) fn into_stream(self) -> TlsStream<TcpStream> {
        self.0
    }

    /// The protocol that was agreed on.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.0.get_ref().1.alpn_protocol()
    }
}
