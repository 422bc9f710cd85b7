//! A partner's server that behaves as a test says: real TLS, our client certificate demanded unless
//! it is open, every request kept.

mod books;

pub use books::{Bookkeeper, Way};

use crypto::certificates::{Authority, client_key_and_csr};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::Value;
use simulator::partner::Reply;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a partner does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers with a status and nothing else.
    Status(u16),
    /// Answers with a status and JSON; a problem from status 400 on.
    Json(u16, Value),
    /// Answers with these bytes, whatever they are.
    Bytes(Vec<u8>),
    /// Closes the connection without an answer.
    Drop,
    /// Never answers.
    Hang,
    /// Answers these bytes, one after the other, so slowly that nobody waits for the last.
    Drip(Vec<u8>),
}

/// A request that a partner was sent.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: Value,
    /// Its body as it came.
    pub bytes: Vec<u8>,
}

impl Received {
    /// What names it at every try.
    #[must_use]
    pub fn key(&self) -> &str {
        self.headers.get("x-idempotency-key").map_or("", String::as_str)
    }
}

impl From<Reply> for Behaviour {
    fn from(reply: Reply) -> Self {
        match reply.body {
            Some(body) => Self::Json(reply.status, body),
            None => Self::Status(reply.status),
        }
    }
}

type Behaving = Pin<Box<dyn Future<Output = Behaviour> + Send>>;
/// Between two bytes of an answer that drips.
const DRIP: Duration = Duration::from_millis(50);

type Behave = dyn Fn(&Received, usize) -> Behaving + Send + Sync;

/// What behaves without waiting.
fn at_once(behave: impl Fn(&Received, usize) -> Behaviour + Send + Sync + 'static) -> Arc<Behave> {
    Arc::new(move |request: &Received, nth| -> Behaving {
        Box::pin(std::future::ready(behave(request, nth)))
    })
}

/// How many requests wait for an answer, and how many did at most at one time.
#[derive(Default)]
struct Open(Mutex<(usize, usize)>);

impl Open {
    /// Counts a request for as long as what comes of it is kept.
    fn begin(&self) -> Begun<'_> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.0 += 1;
        open.1 = open.1.max(open.0);
        Begun(self)
    }
}

struct Begun<'a>(&'a Open);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
    }
}

/// What a server keeps of its requests.
#[derive(Default)]
struct Seen {
    received: Mutex<Vec<Received>>,
    open: Open,
}

/// A partner's server, until it is dropped.
pub struct Partner {
    address: SocketAddr,
    authority: Authority,
    identity: (String, String),
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

impl Partner {
    /// Starts to listen. `behave` gets each request and how many came before it.
    ///
    /// # Panics
    ///
    /// If there is no port or no certificate to be had.
    pub async fn start(
        behave: impl Fn(&Received, usize) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::create("A test's partner", crate::now());
        let clients = authority.certificate_pem().to_owned();
        Self::start_with(authority, Some(&clients), at_once(behave)).await
    }

    /// As [`Partner::start`], for anybody: no certificate is asked for.
    ///
    /// # Panics
    ///
    /// As [`Partner::start`].
    pub async fn start_open(
        behave: impl Fn(&Received, usize) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::create("A test's partner", crate::now());
        Self::start_with(authority, None, at_once(behave)).await
    }

    /// As [`Partner::start`], for callers whose certificate is of this authority, PEM.
    ///
    /// # Panics
    ///
    /// As [`Partner::start`].
    pub async fn start_for(
        clients: &str,
        behave: impl Fn(&Received, usize) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::create("A test's partner", crate::now());
        Self::start_with(authority, Some(clients), at_once(behave)).await
    }

    async fn start_with(authority: Authority, clients: Option<&str>, behave: Arc<Behave>) -> Self {
        let now = crate::now();
        let (certificate, key) = authority.sign_server(&["localhost"], 30, now).expect("is signed");
        let (client_key, csr) = client_key_and_csr("antaca");
        let client = authority.sign_client(&csr, 30, now).expect("is signed").pem;
        let tls = TlsAcceptor::from(tls(clients, &certificate, &key));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Seen>::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, tls, seen.clone(), behave));
        let identity = (client, client_key.to_string());
        Self { address, authority, identity, seen, _serving: serving }
    }

    /// Where its paths begin.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The authority of its server and of our certificate, PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.certificate_pem()
    }

    /// Our certificate for it and its key, PEM.
    #[must_use]
    pub fn identity(&self) -> (&str, &str) {
        (&self.identity.0, &self.identity.1)
    }

    /// Everything that it was sent, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.seen.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests waited for an answer at most at one time. One that hangs, or that is
    /// answered byte by byte, counts until that begins.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.seen.open.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// How often it was sent something.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn tls(clients: Option<&str>, certificate: &str, key: &str) -> Arc<ServerConfig> {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(der(authority)).expect("a root");
            let roots = Arc::new(roots);
            let clients = WebPkiClientVerifier::builder_with_provider(roots, provider);
            config.with_client_cert_verifier(clients.build().expect("a verifier"))
        }
    };
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    Arc::new(config.with_single_cert(vec![der(certificate)], key).expect("an identity"))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, seen: Arc<Seen>, behave: Arc<Behave>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, seen, behave) = (tls.clone(), seen.clone(), behave.clone());
        connections.spawn(async move {
            // What goes wrong here is what a test is about.
            let _ = connection(stream, tls, &seen, &*behave).await;
        });
    }
}

async fn connection(
    stream: TcpStream,
    tls: TlsAcceptor,
    seen: &Seen,
    behave: &Behave,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(tls.accept(stream).await?);
    while let Some(request) = read(&mut stream).await? {
        let nth = {
            let mut received = seen.received.lock().unwrap_or_else(PoisonError::into_inner);
            received.push(request.clone());
            received.len() - 1
        };
        // Over before the answer is sent: whoever has it may call again at once.
        let behaviour = {
            let _begun = seen.open.begin();
            behave(&request, nth).await
        };
        match behaviour {
            Behaviour::Status(status) => {
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                let answer =
                    if status == 204 { "HTTP/1.1 204 X\r\n\r\n".to_owned() } else { answer };
                stream.write_all(answer.as_bytes()).await?;
            }
            Behaviour::Json(status, body) => {
                let kind = if status < 400 { "json" } else { "problem+json" };
                let body = body.to_string();
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/{kind}\r\n\
                     content-length: {length}\r\n\r\n"
                );
                stream.write_all((head + &body).as_bytes()).await?;
            }
            Behaviour::Bytes(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Behaviour::Drop => return Ok(()),
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Drip(bytes) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(DRIP).await;
                }
            }
        }
    }
    Ok(())
}

/// Reads one request of HTTP/1.1 with a `Content-Length`; `None` at the end of the connection.
async fn read(stream: &mut BufReader<TlsStream<TcpStream>>) -> std::io::Result<Option<Received>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8(head).map_err(std::io::Error::other)?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Some(Received { method, path, headers, body, bytes }))
}
