//! A small mail server: real SMTP over TCP, with TLS as a test wants it, every message kept.

use crypto::certificates::Authority;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How connections to a [`MailHost`] are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// They aren't.
    None,
    /// By `STARTTLS`.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The commands before it, since the beginning of its connection.
    pub commands: Vec<String>,
    /// Whether it came over TLS.
    pub secured: bool,
    /// Who gets it: the envelope's recipients that were accepted.
    pub to: Vec<String>,
    /// Headers and text, its lines ended by line feeds.
    pub text: String,
}

impl Letter {
    /// What a header says; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let head = self.text.split("\n\n").next().unwrap_or_default();
        let of = |line: &'_ str| line.split_once(": ").is_some_and(|(it, _)| it == name);
        let line = head.lines().find(|line| of(line));
        line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value)
    }
}

/// Answers a command otherwise than usual; `Some("")` is silence. The end of a text is `.`; it is
/// taken unless the answer is a refusal.
type Behave = dyn Fn(&str) -> Option<&'static str> + Send + Sync;

/// A mail server, until it is dropped.
pub struct MailHost {
    port: u16,
    authority: Authority,
    letters: Arc<Mutex<Vec<Letter>>>,
    _serving: JoinSet<()>,
}

impl MailHost {
    /// Starts to listen; it takes what it is sent.
    pub async fn start(tls: MailTls) -> Self {
        Self::start_on(0, tls, |_| None).await
    }

    /// Starts to listen on a port of `localhost`; `behave` gets each command first.
    ///
    /// # Panics
    ///
    /// If the port isn't to be had.
    pub async fn start_on(
        port: u16,
        tls: MailTls,
        behave: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::create("A test's mail", crate::now());
        let signed = authority.sign_server(&["localhost"], 30, crate::now()).expect("is signed");
        let acceptor = acceptor(&signed.0, &signed.1);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        let port = listener.local_addr().expect("an address").port();
        let letters = Arc::<Mutex<Vec<Letter>>>::default();
        let (kept, behave): (_, Arc<Behave>) = (letters.clone(), Arc::new(behave));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, kept, behave) = (acceptor.clone(), kept.clone(), behave.clone());
                connections.spawn(async move {
                    let mut talk = Talk { kept, behave, offers_tls: false, secured: false };
                    // What goes wrong here is what a test is about.
                    let _ = match tls {
                        MailTls::None => talk.run(stream, true).await.map(|_| ()),
                        MailTls::Implicit => talk.secure(&acceptor, stream, true).await,
                        MailTls::StartTls => {
                            talk.offers_tls = true;
                            match talk.run(stream, true).await {
                                Ok(Some(stream)) => talk.secure(&acceptor, stream, false).await,
                                Ok(None) => Ok(()),
                                Err(error) => Err(error),
                            }
                        }
                    };
                });
            }
        });
        Self { port, authority, letters, _serving: serving }
    }

    /// Its port on `localhost`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority of its certificate, PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.certificate_pem()
    }

    /// Everything that it took, in order.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn acceptor(certificate: &str, key: &str) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("one");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("an identity")))
}

/// One connection.
struct Talk {
    kept: Arc<Mutex<Vec<Letter>>>,
    behave: Arc<Behave>,
    offers_tls: bool,
    secured: bool,
}

impl Talk {
    async fn secure(
        &mut self,
        acceptor: &TlsAcceptor,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        greet: bool,
    ) -> std::io::Result<()> {
        (self.offers_tls, self.secured) = (false, true);
        self.run(acceptor.accept(stream).await?, greet).await.map(|_| ())
    }

    /// Answers commands to the end of the connection, or until TLS is to begin on it.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: S,
        greet: bool,
    ) -> std::io::Result<Option<S>> {
        let mut stream = BufReader::new(stream);
        if greet {
            stream.write_all(b"220 localhost ESMTP\r\n").await?;
        }
        let (mut commands, mut to, mut text) = (Vec::new(), Vec::new(), None::<String>);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(text) = &mut text
                && line != "."
            {
                text.push_str(line.strip_prefix('.').unwrap_or(line));
                text.push('\n');
                continue;
            }
            let answer = (self.behave)(line).unwrap_or_else(|| self.usual(line));
            let good = answer.starts_with('2') || answer.starts_with('3');
            match line.split([' ', ':']).next().unwrap_or_default() {
                "." => {
                    let (text, commands) = (text.take().unwrap_or_default(), commands.clone());
                    let letter = Letter {
                        commands,
                        secured: self.secured,
                        to: std::mem::take(&mut to),
                        text,
                    };
                    if !answer.starts_with(['4', '5']) {
                        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
                    }
                }
                "RCPT" if good => to.push(line.trim_start_matches("RCPT TO:").to_owned()),
                "DATA" if good => text = Some(String::new()),
                _ => {}
            }
            commands.push(line.to_owned());
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
            stream.write_all(answer.as_bytes()).await?;
            stream.write_all(b"\r\n").await?;
            stream.flush().await?;
            if line == "STARTTLS" && good {
                return Ok(Some(stream.into_inner()));
            }
        }
    }

    fn usual(&self, command: &str) -> &'static str {
        match command.split(' ').next().unwrap_or_default() {
            "EHLO" if self.offers_tls => "250-localhost\r\n250 STARTTLS",
            "EHLO" => "250-localhost\r\n250 AUTH PLAIN",
            "STARTTLS" => "220 go on",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 OK",
        }
    }
}
