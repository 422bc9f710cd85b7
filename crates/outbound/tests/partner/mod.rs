//! A partner's server that does what it is told, byte by byte.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a test waits for a request that it sent itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two bytes of an answer that drips.
const DRIP: Duration = Duration::from_millis(50);

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Sends these bytes and ends the connection.
    Answer(Vec<u8>),
    /// Sends these bytes and waits for the next request.
    KeepAlive(Vec<u8>),
    /// Sends these bytes and one more now and then, without an end.
    Drip(Vec<u8>),
    /// Sends these bytes and so many more as fast as they are taken; tells how many were when the
    /// connection ended.
    Flood(Vec<u8>, usize, Sender<usize>),
}

/// A request as it came.
pub(crate) struct Request {
    /// First line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The DER that the client showed.
    pub(crate) certificate: Vec<u8>,
}

/// A server that listens until it is dropped.
pub(crate) struct Partner {
    pub(crate) port: u16,
    requests: Mutex<Receiver<Request>>,
    connections: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Partner {
    /// Listens on a port of the loopback interface, for clients of that authority.
    pub(crate) fn start(
        authority: &str,
        (certificate, key): &(String, Zeroizing<String>),
        behaviour: Behaviour,
    ) -> Self {
        let tls = tls(authority, certificate, key);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let (sender, receiver) = channel();
        let (connections, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let thread = thread::spawn({
            let (connections, stopped) = (Arc::clone(&connections), Arc::clone(&stopped));
            move || listen(&listener, &tls, &behaviour, (&sender, &connections, &stopped))
        });
        let requests = Mutex::new(receiver);
        Self { port, requests, connections, stopped, thread: Some(thread) }
    }

    /// The next request that came.
    pub(crate) fn next(&self) -> Request {
        self.requests.lock().expect("no panic").recv_timeout(PATIENCE).expect("a request")
    }

    pub(crate) fn received_nothing(&self) -> bool {
        self.requests.lock().expect("no panic").try_recv().is_err()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Stops listening, and says where that was.
    pub(crate) fn stop(mut self) -> u16 {
        self.end();
        self.port
    }

    fn end(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.end();
    }
}

fn tls(authority: &str, certificate: &str, key: &str) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(der(authority)).expect("an authority");
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_client_cert_verifier(clients.build().expect("an authority"))
        .with_single_cert(
            vec![der(certificate)],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
        );
    Arc::new(config.expect("a certificate and its key"))
}

fn listen(
    listener: &TcpListener,
    tls: &Arc<ServerConfig>,
    behaviour: &Behaviour,
    (sender, connections, stopped): (&Sender<Request>, &AtomicUsize, &AtomicBool),
) {
    for stream in listener.incoming() {
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        connections.fetch_add(1, Ordering::SeqCst);
        let stream = stream.expect("a connection");
        let (tls, behaviour, sender) = (Arc::clone(tls), behaviour.clone(), sender.clone());
        // Ends with its connection, which the client's end closes.
        thread::spawn(move || converse(stream, tls, &behaviour, &sender));
    }
}

/// Answers the requests of a connection; ends with it, or when the client refuses it.
fn converse(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    behaviour: &Behaviour,
    sender: &Sender<Request>,
) -> Option<()> {
    let connection = ServerConnection::new(tls).ok()?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let request = read(&mut reader)?;
        let _ = sender.send(request);
        let stream = reader.get_mut();
        match behaviour {
            Behaviour::KeepAlive(answer) => {
                stream.write_all(answer).ok()?;
                stream.flush().ok()?;
            }
            Behaviour::Answer(answer) => {
                stream.write_all(answer).ok()?;
                stream.conn.send_close_notify();
                return stream.flush().ok();
            }
            Behaviour::Flood(answer, count, taken) => {
                let _ = stream.write_all(answer);
                let (chunk, mut sent) = ([b' '; 16 * 1024], 0);
                while sent < *count && stream.write_all(&chunk).is_ok() {
                    sent += chunk.len();
                }
                return taken.send(sent).ok();
            }
            Behaviour::Drip(answer) => {
                stream.write_all(answer).ok()?;
                loop {
                    stream.write_all(b" ").ok()?;
                    stream.flush().ok()?;
                    thread::sleep(DRIP);
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
    reader.read_exact(&mut body).ok()?;
    let shown = reader.get_ref().conn.peer_certificates()?;
    Some(Request { head, body, certificate: shown.first()?.to_vec() })
}
